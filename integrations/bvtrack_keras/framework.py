"""Keras, or one sentence that says how to get it."""

from __future__ import annotations

try:
    import keras
except ModuleNotFoundError as error:
    if error.name != "keras":  # a missing backend is not a missing Keras
        raise
    message = 'expected keras 3, found none: pip install "bvtrack[keras]" and a backend (torch, jax or tensorflow)'
    raise ModuleNotFoundError(message, name="keras") from error

__all__ = ["keras"]

"""Marks that tell the weights of one epoch from those of another, wherever a module with them is met again."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import torch
from torch.nn.parameter import is_lazy

SAMPLE = 64
"""Values that are looked at of each parameter: an optimiser moves them all."""
PRECISIONS = (torch.float32, torch.bfloat16, torch.float16)


def marks_of(module: torch.nn.Module) -> Sequence[str]:
    """The mark of the weights as they are, and those that they have once they are loaded in half precision.

    A module without parameters has none. This waits for the accelerator, once.

    >>> layer = torch.nn.Linear(2, 2)
    >>> before = marks_of(layer)
    >>> _ = layer.weight.data.add_(1)
    >>> marks_of(layer)[0] == before[0], marks_of(layer.bfloat16())[0] == marks_of(layer)[1]
    (False, True)
    """
    samples = [_sample(weights) for weights in module.parameters() if weights.is_floating_point() and not is_lazy(weights)]
    if not samples:
        return ()
    values = torch.cat(samples).cpu()
    return [_digest(values.to(precision)) for precision in PRECISIONS]


def _sample(weights: torch.Tensor) -> torch.Tensor:
    values = weights.detach().reshape(-1)
    return values[:: max(1, len(values) // SAMPLE)][:SAMPLE].float()


def _digest(values: torch.Tensor) -> str:
    return blake2b(values.float().numpy().tobytes(), digest_size=8).hexdigest()

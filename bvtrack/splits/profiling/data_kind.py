"""The kind of the examples, as far as their layout tells: images, series, a table or texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bvtrack.splits.profiling.columns import Part

if TYPE_CHECKING:
    from bvtrack.diagnosis.evidence import DataKind

TOKENS = "input_ids"
"""The name that tokenizers give to a text's tokens."""
LONGEST_IMAGE = 4
"""An array that is longer than wide by more than this factor is a series of several channels, not an image."""
WIDEST_TABLE = 64
"""A single array of this many numbers an example may just as well be a flattened image, or a series."""


def data_kind(parts: Sequence[Part]) -> DataKind | None:
    """The kind of examples with these parts; `None` where it cannot be told.

    >>> import numpy as np
    >>> data_kind([Part.of("inputs", np.zeros((5, 1, 28, 28)))]), data_kind([Part.of("inputs", np.zeros((5, 3, 150)))])
    ('images', 'series')
    """
    if any(part.name == TOKENS for part in parts) or (parts and all(part.kind in ("text", "lists") for part in parts)):
        return "text"
    if any(part.kind == "image" and not _is_long(part.shape) for part in parts):
        return "images"
    if any(len(part.shape) == 2 for part in parts):
        return "series"
    if any(part.kind == "tensor" or len(part.shape) > 2 for part in parts):
        return None
    return "table" if parts and sum(len(part.columns) or 1 for part in parts if part.shape) < WIDEST_TABLE else None


def _is_long(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 and max(shape) > LONGEST_IMAGE * min(shape)

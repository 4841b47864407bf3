"""Exact counts as JSON, and back."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bvtrack.splits.profiling.binning import N_DIGITS, WIDTH
from bvtrack.splits.profiling.columns import Names
from bvtrack.splits.profiling.counts import Counts

if TYPE_CHECKING:
    from numpy.typing import NDArray

ARRAYS = ("codes", "digits", "products", "squares")


def counts_json(counts: Counts) -> dict[str, Any]:
    """Counts as JSON types."""
    arrays = {name: packed(getattr(counts, name)) for name in ARRAYS}
    return {"n": counts.n, "shape": [len(counts.codes), len(counts.products)], **arrays}


def counts(content: Mapping[str, Any]) -> Counts:
    """The counts whose `counts_json` this is."""
    import numpy as np

    d, m = content["shape"]
    arrays = {name: unpacked(content[name], np.dtype("int64")) for name in ARRAYS}
    shapes = {"codes": (d, WIDTH), "digits": (d, N_DIGITS), "products": (m, m), "squares": (m, m)}
    shaped = {name: array.reshape(shapes[name]) for name, array in arrays.items()}
    return Counts(content["n"], **shaped)


def names_json(names: Names) -> dict[str, Any]:
    """Names as JSON types, in order."""
    return {"counts": dict(sorted(names.counts.items())), "is_bucketed": names.is_bucketed}


def packed(array: NDArray[Any]) -> str:
    """An array's bytes as text."""
    return base64.b85encode(zlib.compress(array.tobytes(), 1)).decode()


def unpacked(text: str, dtype: Any) -> NDArray[Any]:
    """The array, in a row, whose bytes `packed` has made a text."""
    import numpy as np

    return np.frombuffer(zlib.decompress(base64.b85decode(text)), dtype).copy()

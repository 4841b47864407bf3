"""Descriptors of the images and texts of a split, for finding near duplicates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bvtrack.splits.near_duplicates.images import describe_images
from bvtrack.splits.near_duplicates.texts import describe_texts
from bvtrack.splits.reading.block_sizes import ROWS_AT_ONCE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bvtrack.splits.profiling.layout import Layout
    from bvtrack.splits.reading.features import Columns


MOST_DESCRIBED = 100_000
"""Examples that are searched for near duplicates, 12 MB of descriptors."""


def described(layout: Layout, columns: Columns) -> dict[str, NDArray[np.uint8]]:
    """Descriptors `[n, k]` of each part that holds images or texts."""
    import numpy as np

    describe = {"image": _described_images, "text": _described_texts}
    found = {}
    for part in layout.parts:
        if part.kind in describe:
            some = columns[part.name][:MOST_DESCRIBED]
            blocks = range(0, len(some), ROWS_AT_ONCE)
            found[part.name] = np.concatenate([describe[part.kind](some[start : start + ROWS_AT_ONCE]) for start in blocks])
    return found


def _described_images(images: NDArray[Any]) -> NDArray[np.uint8]:
    """Descriptors of images, with 0 for values that are not finite."""
    import numpy as np

    if images.dtype.kind == "f":
        with np.errstate(over="ignore"):
            images = np.nan_to_num(images.astype(np.float32), nan=0, posinf=0, neginf=0)
    return describe_images(images)


def _described_texts(texts: NDArray[Any]) -> NDArray[np.uint8]:
    return describe_texts([text if isinstance(text, str) else "" for text in texts.tolist()])


def described_together(
    one: Mapping[str, NDArray[np.uint8]], other: Mapping[str, NDArray[np.uint8]]
) -> dict[str, NDArray[np.uint8]]:
    """Concatenate, capped at `MOST_DESCRIBED`."""
    import numpy as np

    return {
        name: found if len(found) >= MOST_DESCRIBED else np.concatenate([found, other[name]])[:MOST_DESCRIBED]
        for name, found in one.items()
        if name in other
    }

"""Tell targets that are classes, though floats, such as 1.0, from others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bvtrack.splits.profiling.columns import MOST_CATEGORIES

if TYPE_CHECKING:
    from numpy.typing import NDArray


def can_be_classes(values: NDArray[Any]) -> bool:
    """True for numbers that are all whole, and no more different ones than there can be classes.

    >>> can_be_classes(np.array([0.0, 1.0, 1.0])), can_be_classes(np.array([0.5, 1.0])), can_be_classes(np.array([np.inf]))
    (True, False, False)
    """
    different = np.unique(values)
    return len(different) <= MOST_CATEGORIES and bool(np.isfinite(different).all()) and not (different % 1).any()

"""Scikit-learn's handwritten digits (1,797 of 8 x 8 pixels), split 60/20/20."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SEED = 23
"""Seed of a split whose dev and test set are about equally hard: with fewer than 400 examples in each, many are not."""


@dataclass(frozen=True)
class Digits:
    """Pairs of pixels in [0, 1] `[n, 64]` and classes `[n]`."""

    train: tuple[NDArray[np.float32], NDArray[np.int64]]
    dev: tuple[NDArray[np.float32], NDArray[np.int64]]
    test: tuple[NDArray[np.float32], NDArray[np.int64]]


def load_digits(n_train: int | None = None) -> Digits:
    """The split, always the same; with `n_train`, only that many training examples."""
    import numpy as np
    from sklearn import datasets

    pixels, classes = datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(SEED).permutation(len(classes))
    x, y = (pixels[order] / 16).astype(np.float32), classes[order].astype(np.int64)
    train_end, dev_end = round(0.6 * len(y)), round(0.8 * len(y))
    parts: list[Any] = [
        (x[start:end], y[start:end]) for start, end in ((0, n_train or train_end), (train_end, dev_end), (dev_end, len(y)))
    ]
    return Digits(*parts)

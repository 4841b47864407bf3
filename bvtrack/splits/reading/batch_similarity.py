"""ANOVA test for batch effects in sorted data, where all examples of one batch count for little more than one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bvtrack.special import f_tail
from bvtrack.splits.reading.arrays import TEXT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bvtrack.splits.reading.features import Columns

    Batch = tuple[Columns, Any]

ALPHA = 1e-3
"""Significance level (false-positive rate); a false positive only leaves examples unused."""


def are_alike(batches: Sequence[Batch]) -> bool:
    """True if an analysis of variance of the targets and of each column's mean values finds no batch effect.

    >>> import numpy as np
    >>> in_order = np.sort(np.random.default_rng(0).normal(size=(600, 1)), axis=0)
    >>> are_alike([({"x": part}, None) for part in np.split(in_order, 20)])
    False
    """
    return all(_p_value(scores) > ALPHA for scores in _scores(batches))


def one_each(batches: Sequence[Batch]) -> list[Batch]:
    """One example from each batch, the middle one."""
    found: list[Batch] = []
    for columns, targets in batches:
        n = len(next(iter(columns.values())))
        some = slice(n // 2, n // 2 + 1)
        found.append(({name: values[some] for name, values in columns.items()}, None if targets is None else targets[some]))
    return found


def _scores(batches: Sequence[Batch]) -> Iterator[list[NDArray[np.float64]]]:
    """One number per example of each batch, by column."""
    named = [columns if targets is None else {**columns, "the targets": targets} for columns, targets in batches]
    for name in named[0]:
        parts = [columns[name] for columns in named]
        yield _ranks(parts) if any(part.dtype.kind in TEXT for part in parts) else [_means(part) for part in parts]


def _means(values: NDArray[Any]) -> NDArray[np.float64]:
    import numpy as np

    numbers = values.astype("int64") if values.dtype.kind in "Mm" else values
    means: NDArray[np.float64] = np.nan_to_num(numbers.reshape(len(values), -1).real.astype(float).mean(axis=1))
    return means


def _ranks(parts: Sequence[NDArray[Any]]) -> list[NDArray[np.float64]]:
    """Ranks of texts in alphabetical order, by batch."""
    import numpy as np

    places = {text: place for place, text in enumerate(sorted({str(value) for part in parts for value in part.tolist()}))}
    return [np.array([places[str(value)] for value in part.tolist()], float) for part in parts]


def _p_value(groups: Sequence[NDArray[np.float64]]) -> float:
    """P-value of the one-way ANOVA F test that all groups have the same mean."""
    import numpy as np

    n, k = sum(map(len, groups)), len(groups)
    if k < 2 or n == k:
        return 1.0
    mean = np.concatenate(list(groups)).mean()
    between = sum(len(group) * (group.mean() - mean) ** 2 for group in groups) / (k - 1)
    within = sum(((group - group.mean()) ** 2).sum() for group in groups) / (n - k)
    if within <= 0:
        return 1.0 if between <= 0 else 0.0
    return float(f_tail(between / within, between=k - 1, within=n - k))

"""Figures with their 95 % intervals over data sets.

A data set is the unit: what is claimed is claimed of the next data set, and the cases and repeats within one share examples. So
the runs of a data set are averaged first, every data set weighs the same, and data sets are drawn with replacement; not the
cases within them as well, whose noise is in the spread between the data sets' means already (Davison & Hinkley 1997, 3.8:
resample the clusters, and take each as it is). The percentiles are those of Hesterberg 2015 (The American Statistician 69:4),
which make up for the narrowness of a bootstrap of few units. Data sets of one origin (digits with 100 examples and with 225)
are one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

RESAMPLES = 4000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean or a ratio over data sets, and its interval, which is not finite for fewer than two of them."""

    value: float
    low: float
    high: float
    n_datasets: int

    def text(self, unit: float = 1.0, digits: int = 1, *, sign: bool = False) -> str:
        """As `12.3 (4.5 to 20.1)`, in multiples of `unit`."""
        form = f"{{:{'+' if sign else ''}.{digits}f}}"
        value, low, high = (form.format(each / unit) for each in (self.value, self.low, self.high))
        return f"{value} ({low} to {high})" if math.isfinite(self.low) else value


def mean(values: ArrayLike, datasets: Sequence[str]) -> Estimate:
    """The mean of the data sets' means; `values` and `datasets` are by run."""
    return ratio(values, np.ones(len(datasets)), datasets)


def share(hits: ArrayLike, among: ArrayLike, datasets: Sequence[str]) -> Estimate:
    """The share of the runs `among` which those are that are `hits` as well; both are flags by run."""
    chosen = np.asarray(among, dtype=bool)
    return ratio(np.asarray(hits, dtype=bool) & chosen, chosen, datasets)


def ratio(above: ArrayLike, below: ArrayLike, datasets: Sequence[str]) -> Estimate:
    """The ratio of two means over data sets, each drawn together with the other."""
    tops, bottoms = by_dataset(above, datasets), by_dataset(below, datasets)
    n = len(tops)
    if not n or not bottoms.sum():
        return Estimate(math.nan, math.nan, math.nan, n)
    value = float(tops.sum() / bottoms.sum())
    if n == 1:
        return Estimate(value, math.nan, math.nan, n)
    drawn = _draws(n)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = tops[drawn].sum(axis=1) / bottoms[drawn].sum(axis=1)
    low, high = np.quantile(found[np.isfinite(found)], _percentiles(n))
    return Estimate(value, float(low), float(high), n)


def by_dataset(values: ArrayLike, datasets: Sequence[str]) -> NDArray[np.float64]:
    """The mean over each data set's runs, in the order in which the data sets come first."""
    numbers, names = np.asarray(values, dtype=float), np.asarray(datasets)
    return np.array([numbers[names == name].mean() for name in dict.fromkeys(datasets)])


@cache
def _draws(n: int) -> NDArray[np.int64]:
    return np.random.default_rng(0).integers(n, size=(RESAMPLES, n))


def _percentiles(n: int) -> tuple[float, float]:
    """Those of the normal distribution at Student's quantile, widened by what a bootstrap's variance lacks for n units."""
    tail = float(stats.norm.cdf(-math.sqrt(n / (n - 1)) * stats.t.ppf((1 + LEVEL) / 2, n - 1)))
    return tail, 1 - tail

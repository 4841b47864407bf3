"""Tell classes from quantities among whole-number targets, by how often each value occurs in a sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from bvtrack.special import chi_square_tail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Whole = Literal["classes", "numbers", "either"]

FEW = 6
"""So few values, ratings from 1 to 5 among them, are compared well as classes."""
FEW_IN_ORDER = 20
"""Up to so many values, which are too few for a correlation, order shows in a histogram with one peak: of 7 classes in any
order 1.3 % have one by chance."""
OFTEN_ALONE = 0.25
"""A continuous quantity has many values that occur once. Of 1,000 classes of 5 examples 13 % of 2,048 examples are alone."""
REPEATED = 0.3
"""Words have frequent values beside many that occur once; this share of examples has a value of three or more."""
SPARSE = 0.25
"""Values that repeat and still fill less of their range are names, such as the numbers of speakers."""
SMOOTH = 3.0
"""Standard errors of the correlation between the counts of neighbouring values: in any order of classes there is none."""
ODD = 1e-3
"""P-value of equally frequent values, and of a single peak, below which they are not taken for granted."""
CLASS_STARTS = (-1, 0, 1)
"""First class codes in use; -1 stands for the unlabelled, or for the negative class."""


def kind_of_whole(values: NDArray[Any]) -> Whole:
    """The kind of whole numbers `[n]`: `either` if they could be both.

    >>> import numpy as np
    >>> kind_of_whole(np.arange(1000) % 10)
    'classes'
    >>> kind_of_whole(100 * np.random.default_rng(0).poisson(900, 1000))
    'numbers'
    """
    return _Histogram.of(values).kind


@dataclass(frozen=True)
class _Histogram:
    """The distinct `values` in order, and their `counts`, both `[k]`."""

    values: NDArray[np.float64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, values: NDArray[Any]) -> _Histogram:
        import numpy as np

        found, counts = np.unique(values.astype(np.float64), return_counts=True)
        return cls(found, counts)

    @property
    def kind(self) -> Whole:
        if len(self.values) <= FEW:
            return "classes"
        if len(self.values) <= FEW_IN_ORDER:
            return "either" if self._has_one_peak else "classes"
        if self._is_rounded or self.values[0] < CLASS_STARTS[0]:
            return "numbers"
        return self._kind_of_rare if self._share_alone >= OFTEN_ALONE else self._kind_of_repeated

    @property
    def _kind_of_rare(self) -> Whole:
        """More codes than examples are no classes, unless they are words."""
        if self._width > self._n and self._share_repeated < REPEATED:
            return "numbers"
        if self._has_a_peak_within:
            return "numbers"
        return "either"

    @property
    def _kind_of_repeated(self) -> Whole:
        if len(self.values) / self._width < SPARSE:
            return "classes"
        if self._has_a_peak_within:
            return "numbers"
        if self._smoothness > SMOOTH:
            return "either"
        return "classes" if self.values[0] in CLASS_STARTS else "either"

    @property
    def _n(self) -> int:
        return int(self.counts.sum())

    @property
    def _width(self) -> float:
        """Number of whole numbers in the range."""
        return float(self.values[-1] - self.values[0]) + 1

    @property
    def _share_alone(self) -> float:
        """Share of the examples whose value occurs once, without those of the most frequent one: sales are often 0."""
        return float((self.counts == 1).sum()) / max(self._n - int(self.counts.max()), 1)

    @property
    def _share_repeated(self) -> float:
        """Share of the examples whose value occurs three times or more, without those of the most frequent one."""
        return float(self.counts[self.counts >= 3].sum() - self.counts.max()) / self._n

    @property
    def _is_rounded(self) -> bool:
        """True for multiples of a number other than 1, as prices are."""
        apart = {int(step) for step in self.values[1:] - self.values[:-1]}
        return math.gcd(*apart) > 1

    @cached_property
    def _cells(self) -> NDArray[np.float64]:
        """Counts of equally wide cells from the 1st to the 99th percentile: single values if they have a few examples each."""
        import numpy as np

        up_to = self.counts.cumsum() / self._n
        low, high = self.values[up_to.searchsorted(0.01)], self.values[up_to.searchsorted(0.99)]
        kept = (self.values >= low) & (self.values <= high)
        width = max(1, int(-(-(high - low + 1) // max(FEW_IN_ORDER, self._n // 3))))
        places = ((self.values[kept] - low) // width).astype(int)
        return np.bincount(places, self.counts[kept]).astype(np.float64)

    @cached_property
    def _smoothness(self) -> float:
        """Correlation of neighbouring cells, in standard errors; 0 if the cells are equal but for chance."""
        import numpy as np

        if not _is_uneven(self._cells):
            return 0.0
        roots = np.sqrt(self._cells + 3 / 8)  # of equal variance whatever the mean (Anscombe)
        apart = roots - roots.mean()
        return float((apart[1:] * apart[:-1]).sum() / (apart**2).sum()) * math.sqrt(len(roots))

    @property
    def _has_a_peak_within(self) -> bool:
        """True for a smooth histogram that rises somewhere: classes in the order of their frequency only fall."""
        import numpy as np

        if self._smoothness <= SMOOTH:
            return False
        parts = [part.mean() for part in np.array_split(self._cells, 8)]
        return int(np.argmax(parts)) > 0

    @property
    def _has_one_peak(self) -> bool:
        """True for values that follow on one another, are not equally frequent, and rise and fall once at most."""
        import numpy as np

        if self._width > 2 * len(self.values):
            return False
        counts = np.bincount((self.values - self.values[0]).astype(int), self.counts).astype(np.float64)
        if not _is_uneven(counts):
            return False
        fitted = _with_one_peak(counts)
        return float(chi_square_tail(((counts - fitted) ** 2 / np.maximum(fitted, 1)).sum(), degrees=len(counts) - 1)) > ODD


def _is_uneven(counts: NDArray[np.float64]) -> bool:
    """True for counts that differ more than those of equally frequent values do."""
    mean = counts.mean()
    return float(chi_square_tail(((counts - mean) ** 2 / mean).sum(), degrees=len(counts) - 1)) < ODD


def _with_one_peak(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest histogram that rises up to the highest count, and falls after it."""
    import numpy as np

    peak = int(counts.argmax())
    return np.concatenate([_rising(counts[:peak]), counts[peak : peak + 1], _rising(counts[:peak:-1])[::-1]])


def _rising(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest sequence that never falls, by pooling adjacent violators."""
    import numpy as np

    pools: list[tuple[float, int]] = []
    for count in counts:
        pools.append((float(count), 1))
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            total, n = pools.pop()
            pools[-1] = (pools[-1][0] + total, pools[-1][1] + n)
    return np.repeat([total / n for total, n in pools], [n for _, n in pools]) if pools else np.empty(0)

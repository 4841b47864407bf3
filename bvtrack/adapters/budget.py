"""Time limit of measuring: a share of an epoch."""

from __future__ import annotations

import math
from collections.abc import Callable

from bvtrack.measures.train_subset import FEWEST_TRAIN_EXAMPLES

MOST_OF_AN_EPOCH = 0.05
"""A pass over a subset of the training data costs at most this share of an epoch, unless the fewest examples cost more."""


class TimeBudget:
    """Limits the examples of a pass over a subset of the training data to as many as there is time for, judged by the first
    pass, but never below 1,000: fewer would tell too little. The first batch, which may start workers, is not timed.

    >>> budget = TimeBudget(now=iter([0.0, 4.0]).__next__)
    >>> budget.begin(seconds=6.0)
    >>> budget.note(32)
    >>> budget.note(1000)
    >>> budget.most
    1500
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._seconds = math.inf
        self._n = self._n_first = 0
        self._start = 0.0
        self.most: float = math.inf
        """Most examples of a pass; infinite until 1,000 examples have been noted."""

    def begin(self, seconds: float) -> None:
        """Begin a pass that may take this many seconds."""
        self._seconds, self._n = seconds, 0

    def note(self, n: int) -> None:
        """Note that another `n` examples have been passed over."""
        if self.most < math.inf:
            return
        self._n += n
        if self._n == n:
            self._n_first, self._start = n, self._now()
        elif self._n >= FEWEST_TRAIN_EXAMPLES:
            seconds_each = (self._now() - self._start) / (self._n - self._n_first)
            self.most = max(FEWEST_TRAIN_EXAMPLES, int(self._seconds / seconds_each))

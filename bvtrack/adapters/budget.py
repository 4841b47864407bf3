"""What measuring may cost: a share of the time of an epoch."""

from __future__ import annotations

from bvtrack.measures.train_subset import FEWEST_TRAIN_EXAMPLES

MOST_OF_AN_EPOCH = 0.05
"""A pass over a subset of the training data costs at most this share of an epoch, unless the fewest examples cost more."""


def affordable(seconds_each: float, seconds: float) -> int:
    """How many training examples of `seconds_each` a pass may take in `seconds`: 1,000 at least, too few to tell less.

    >>> affordable(0.001, 3.0), affordable(1.0, 3.0)
    (3000, 1000)
    """
    return max(FEWEST_TRAIN_EXAMPLES, int(seconds / seconds_each))

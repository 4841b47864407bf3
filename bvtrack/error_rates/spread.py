"""The spread of an error over repeats of one training, and the 95 % interval of its mean.

Repeats that share their data, and differ in the seed, are independent draws of the training's own randomness: their mean has
the variance s²/k. Folds, and other splits drawn anew, have training sets that overlap, so that their errors agree more than
independent ones would: their mean has the variance (1/k + n_dev/n_train) s² (Nadeau and Bengio 2003, "Inference for the
generalization error"; for repeated k-fold Bouckaert and Frank 2004, "Evaluating the replicability of significance tests for
comparing learning algorithms"). As s is measured on few repeats, Student's t takes the place of the normal quantile: 12.7 for
two repeats, 2.8 for five.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev
from typing import Literal, Self, get_args

from bvtrack.special import f_tail

Over = Literal["seeds", "folds", "splits", "repeats"]
"""What differs between repeats: the seed alone, the fold, a split that is drawn anew, or nothing that was logged."""
OVER: tuple[Over, ...] = get_args(Over)
CONFIDENCE = 0.95
MOST_DEGREES = 1000.0
"""From here on Student's t is the normal quantile to three digits."""
HALVINGS = 40
"""Steps of the bisection: ten digits of the quantile."""


@functools.cache
def student_t(degrees: float) -> float:
    """The quantile of a two-sided 95 % interval of Student's t with so many degrees of freedom, which need not be whole.

    Raises `ValueError` for degrees that are not above 0.

    >>> round(student_t(1), 2), round(student_t(4), 3), round(student_t(math.inf), 3)
    (12.71, 2.776, 1.96)
    """
    if not degrees > 0:
        raise ValueError(f"Student's t has degrees of freedom above 0; got {degrees!r}")
    if degrees > MOST_DEGREES:
        return NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    low, high = 0.0, math.tan(math.pi / 2 * CONFIDENCE) + 1  # one degree has the widest, that of Cauchy's distribution
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        is_inside = f_tail(middle**2, between=1, within=degrees) > 1 - CONFIDENCE  # t² is F-distributed
        low, high = (middle, high) if is_inside else (low, middle)
    return low


@dataclass(frozen=True, slots=True)
class Design:
    """How `n` repeats hang together: on how many different dev sets they were measured, and `dev_to_train`, how many examples a
    dev set has for each of the training set beside it (1 to 4 in five folds: 0.25). Repeats on one dev set share all data.
    """

    n: int
    n_dev_sets: int = 1
    dev_to_train: float = 0.0
    over: Over = "seeds"

    @property
    def shares_dev_set(self) -> bool:
        """True if all repeats were measured on the same examples, so that the noise of these does not average out."""
        return self.n_dev_sets == 1

    @property
    def degrees(self) -> int:
        """Degrees of freedom of the spread: repeats on one dev set, or the different dev sets, less one."""
        return (self.n if self.shares_dev_set else self.n_dev_sets) - 1

    @property
    def factor(self) -> float:
        """The variance of the mean, as a multiple of that of a single repeat."""
        return 1 / self.n if self.shares_dev_set else 1 / self.n_dev_sets + self.dev_to_train

    def half_width(self, deviation: float) -> float:
        """Half the width of the 95 % interval of a mean over repeats with this standard deviation."""
        return student_t(self.degrees) * deviation * math.sqrt(self.factor)


@dataclass(frozen=True, slots=True)
class Spread:
    """An error, or a difference of errors, in each of at least two repeats, as fractions.

    `shares_examples` is true if all repeats were measured on the same ones, whose noise is no part of the spread then.

    >>> five = Spread((0.108, 0.111, 0.112, 0.113, 0.116), Design(5))
    >>> round(five.mean, 4), round(five.deviation, 4), round(five.half_width, 4)
    (0.112, 0.0029, 0.0036)
    """

    values: tuple[float, ...]
    design: Design
    shares_examples: bool = True

    @property
    def n(self) -> int:
        return len(self.values)

    @property
    def mean(self) -> float:
        return fmean(self.values)

    @property
    def deviation(self) -> float:
        """The standard deviation of a single repeat."""
        return stdev(self.values)

    @property
    def half_width(self) -> float:
        """Half the width of the 95 % interval of the mean, without the noise of examples that all repeats share."""
        return self.design.half_width(self.deviation)

    def minus(self, other: Self) -> Spread:
        """The spread of the difference, repeat by repeat. Raises `ValueError` for different numbers of repeats."""
        pairs = zip(self.values, other.values, strict=True)
        shares_examples = self.shares_examples or other.shares_examples
        return Spread(tuple(one - another for one, another in pairs), self.design, shares_examples)

    def joined(self, of_examples: float) -> float:
        """The distance of an end of the interval from the mean, where `of_examples` is that by the examples alone.

        Of the same examples both noises add up as their squares do (Zou and Donner 2008); different ones show their noise in
        the spread, and it is counted once.
        """
        return math.hypot(self.half_width, of_examples) if self.shares_examples else max(self.half_width, of_examples)

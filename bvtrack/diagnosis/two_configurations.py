"""How much of the difference between the dev errors of two configurations is noise.

Repeats with the same seed or fold are paired, and the spread is that of their differences; others are compared by Welch's
test (1947). Folds have Nadeau and Bengio's variance, as in `bvtrack.error_rates.spread`. Two configurations that were measured
on one dev set share its noise too, by how much is not known: as much as on different examples, at most.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bvtrack.diagnosis.repeats import FEWEST, Repeat, Repeated, design_of
from bvtrack.error_rates.intervals import Rate, difference_interval
from bvtrack.error_rates.spread import Over, Spread, student_t
from bvtrack.measures.percent import in_points
from bvtrack.text import printable

MOST_REPEATS = 200
"""Nobody trains more of them."""


@dataclass(frozen=True, slots=True)
class MeanDifference:
    """How much higher the mean dev error of the `worse` configuration is, as a fraction.

    `half_width` is half of the 95 % interval by the repeats, of which `n_pairs` are paired, 0 for none. `of_examples` is half
    of the interval by the dev examples that all share, at most; 0 where their noise is in the spread, `None` where their number
    is not known. `more_repeats` would tell it from 0, if it is what it seems; `None` if as many as one can train would not.
    """

    better: str
    worse: str
    value: float
    half_width: float
    n_pairs: int
    over: Over
    of_examples: float | None = 0.0
    n_examples: int | None = None
    more_repeats: int | None = None

    @property
    def is_noise(self) -> bool:
        """True if the repeats alone may explain it."""
        return self.value <= self.half_width

    @property
    def is_beyond_examples(self) -> bool:
        """True if the dev examples cannot explain it either."""
        return self.of_examples is not None and self.value > math.hypot(self.half_width, self.of_examples)

    def __str__(self) -> str:
        """A sentence such as "wide is 1.2 ± 0.5 points better than small (5 seeds, paired): more than noise."."""
        points = f"{in_points(self.value)} ± {in_points(self.half_width)} points"
        paired = f" ({self.n_pairs} {self.over}, paired)" if self.n_pairs else ""
        return f"{printable(self.better)} is {points} better than {printable(self.worse)}{paired}: {self._conclusion}."

    @property
    def _conclusion(self) -> str:
        if not self.is_noise:
            if self.is_beyond_examples:
                return "more than noise"
            which = f"these {self.n_examples:,} dev examples" if self.n_examples else "these dev examples"
            return f"more than the {self.over} make of it, but on others than {which} it may be chance"
        if self.more_repeats is None:
            return f"the difference may be chance, and more {self.over} would hardly tell: it takes more data"
        return f"the difference may be chance: about {self.more_repeats} more {self.over} each would tell"

    def as_json(self) -> dict[str, Any]:
        """Its numbers, with the sentence."""
        return {
            "better": self.better,
            "worse": self.worse,
            "difference": self.value,
            "half_width": self.half_width,
            "is_noise": self.is_noise,
            "is_beyond_examples": self.is_beyond_examples,
            "n_pairs": self.n_pairs,
            "more_repeats": self.more_repeats if self.is_noise else 0,
            "in_words": str(self),
        }


def difference_of(one: Repeated, other: Repeated, *, names: tuple[str, str]) -> MeanDifference:
    """The difference of two configurations' dev errors, of the same unit. Raises `ValueError` for one without dev errors.

    >>> from bvtrack.diagnosis.repeats import Baseline, judge_repeats
    >>> def seeds(*errors):
    ...     repeats = [Repeat("", "", "balanced", {"dev": one}, {"dev": 50_000}, str(seed)) for seed, one in enumerate(errors)]
    ...     return judge_repeats(repeats, Baseline())
    >>> print(difference_of(seeds(0.10, 0.11, 0.12), seeds(0.112, 0.121, 0.133), names=("wide", "small")))
    wide is 1.2 ± 0.2 points better than small (3 seeds, paired): more than noise.
    """
    if not ("dev" in one.spreads and "dev" in other.spreads):
        raise ValueError("expected configurations with a dev error in each repeat, got one without; compare others")
    if one.spreads["dev"].mean > other.spreads["dev"].mean:
        one, other, names = other, one, (names[1], names[0])
    value = other.spreads["dev"].mean - one.spreads["dev"].mean
    pairs = _pairs(one.repeats, other.repeats)
    if pairs:
        spread = _paired_spread(pairs)
        value, half_width = spread.mean, spread.half_width
        needed = _repeats_to_tell(abs(value), spread.deviation, spread)
    else:
        half_width = _welch(one.spreads["dev"], other.spreads["dev"])
        deviation = math.hypot(one.spreads["dev"].deviation, other.spreads["dev"].deviation)
        needed = _repeats_to_tell(value, deviation, one.spreads["dev"], per_repeat=2)
    if value < 0:  # by the pairs alone the other one is better
        value, names = -value, (names[1], names[0])
    at_most, n_examples = _of_examples(one, other)
    more = None if needed is None else max(needed - min(len(one.repeats), len(other.repeats)), 1)
    return MeanDifference(*names, value, half_width, len(pairs), one.design.over, at_most, n_examples, more)


def _pairs(ones: Sequence[Repeat], others: Sequence[Repeat]) -> list[tuple[Repeat, Repeat]]:
    """Repeats with the same seed and fold, else with the same dev set where each has its own; none where most are left over."""
    keys: Sequence[Callable[[Repeat], object]] = (lambda repeat: repeat.label, lambda repeat: repeat.dev_set)
    for key in keys:
        left, right = _by(key, ones), _by(key, others)
        both = [name for name in left if name in right]
        if len(both) >= FEWEST and 2 * len(both) >= min(len(ones), len(others)):
            return [(left[name], right[name]) for name in both]
    return []


def _by(key: Callable[[Repeat], object], repeats: Sequence[Repeat]) -> Mapping[object, Repeat]:
    """The measured repeats by a key that each has its own of; empty where two have the same."""
    measured = [repeat for repeat in repeats if repeat.is_measured and "dev" in repeat.errors]
    found = {name: repeat for repeat in measured if (name := key(repeat)) is not None}
    return found if len(found) == len(measured) else {}


def _paired_spread(pairs: Sequence[tuple[Repeat, Repeat]]) -> Spread:
    design = design_of([one for one, _ in pairs])
    return Spread(tuple(other.errors["dev"] - one.errors["dev"] for one, other in pairs), design, design.shares_dev_set)


def _welch(one: Spread, other: Spread) -> float:
    """Half the width of the 95 % interval of the difference of two means, by Welch and Satterthwaite's degrees of freedom."""
    parts = [(spread.deviation**2 * spread.design.factor, spread.design.degrees) for spread in (one, other)]
    total = sum(variance for variance, _ in parts)
    if total == 0:
        return 0.0
    degrees = total**2 / sum(variance**2 / degrees for variance, degrees in parts)
    return student_t(degrees) * math.sqrt(total)


def _repeats_to_tell(value: float, deviation: float, spread: Spread, *, per_repeat: int = 1) -> int | None:
    """The number of repeats by which this difference would be more than noise; `None` if there are not so many.

    Each of them adds `per_repeat` degrees of freedom.
    """
    share = 0.0 if spread.design.shares_dev_set else spread.design.dev_to_train
    for n in range(spread.n + 1, MOST_REPEATS):
        if student_t(per_repeat * (n - 1)) * deviation * math.sqrt(1 / n + share) < value:
            return n
    return None


def _of_examples(one: Repeated, other: Repeated) -> tuple[float | None, int | None]:
    """Half the width of the interval by the examples of a dev set that all repeats share, at most, and their number."""
    if not (one.design.shares_dev_set and other.design.shares_dev_set):
        return 0.0, None
    rates = [Rate(found.spreads["dev"].mean, found.verdict.diagnosis.counts.get("dev")) for found in (other, one)]
    if any(rate.n is None for rate in rates):
        return None, None
    low, _ = difference_interval(*rates)
    return rates[0].error - rates[1].error - low, min(rate.n for rate in rates if rate.n is not None)

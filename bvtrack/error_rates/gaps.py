"""The four gaps between a run's errors: the size of each, its 95 % interval, and the threshold from which it is a problem.

| gap | is |
|---|---|
| avoidable bias | train error - human error |
| variance | train-dev error (dev error where there is no train-dev set) - train error |
| data mismatch | dev error - train-dev error |
| dev overfit | test error - dev error |

The rule in one breath: a bias is a problem from 1.5 points on, any other gap from one point on if it is a quarter of the later
error; problems are named from the widest gap downwards, and where nobody gave a human error, a bias only from 5 points on.

Their meaning comes from the Deep Learning Specialization (course 2 week 1, course 3) and Machine Learning Yearning (chapters
20-22, 40-41). Neither names a threshold; the constants below classify the worked examples of both correctly, and were checked
on the learning curves of LCDB (tests/benchmarks/rules): does four times the data cut the dev error by a tenth?
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import takewhile

from bvtrack.display import as_words
from bvtrack.error_rates.intervals import Rate, difference_interval

SMALLEST_BIAS = 0.015
"""Avoidable bias is named from here on: the texts call 1 point small and 7 to 8 points large."""
ASSUMED_BIAS = 0.05
ASSUMED_SHARE = 0.45
"""Where the human error is assumed to be 0, only from here on, and only if the train error is nearly half of the error on
unseen examples (15 / 30 % are bias and variance). On LCDB 85 % of the biases so named are true ones, of 1.5 points or more
above the best known error of the data set, and 90 % of those are named; from 1.5 points on 74 % were true."""
SMALLEST_GAP = 0.01
"""No other gap below one point is named, as in the texts, unless the error itself is so small that …"""
MOST = 0.55
"""… the gap is most of it: 0.0 / 0.6 %, but not 0.5 / 1.0 %, which Machine Learning Yearning (ch. 21) congratulates on."""
NEGLIGIBLE = 0.0005
"""A gap below a twentieth of a point is never named: 20,000 dev examples (no errors against 10) can barely tell it from 0."""
GAP_SHARE = 0.25
"""A gap is named when it is a quarter of the error on the later set: four times the data close about a quarter to a third of a
gap, so that a smaller share would not cut the error by a tenth. Only the part of the gap above the human error counts, because
no remedy brings the later error below that."""
DOMINANT_GAP = 0.02
DOMINANCE = 2.0
"""Or when nothing else explains the error: the gap is two points, and twice the distance of the train error from the human
error. So 7.5 / 8 / 10 % is a variance problem, and 14 / 15 / 18 %."""
ALIKE = 0.002
"""Gaps that differ by less, a step of a tenth of a point in each of two errors, are treated alike: of two such gaps never one
alone is named, so that a tag does not swap its problems."""
IN_COMPANY = 0.005
"""An assumed bias is named from so much less on beside another named gap, so that neither takes the place of the other."""
CHANCE_SHARE = 1 / 3
"""A bias may be chance if its interval holds a third of its threshold: half a point, which the texts call good, because an
interval above 0 is no evidence, as any wrong example gives one. The interval of other gaps must not hold 0."""
NEVER = 2.0
"""The threshold of a bias whose floor is neither given nor assumed: no difference of fractions reaches it."""
ROUNDING = 1e-6
"""Thresholds are inclusive despite rounding errors: 0.15 - 0.14 counts as 0.01, and so does a float32 accuracy of 0.99."""


@dataclass(frozen=True, slots=True)
class Gap:
    """The difference of two errors as a fraction, and the `threshold` from which it is a problem.

    `low` and `high` are the ends of its 95 % interval, and `None` if a count is not known. `below_human` is the part of the gap
    that lies below the human error and need not be closed; `chance` is the value that its interval must exclude. `optimism` is
    the part of dev overfit that is expected because the dev error was chosen as the lowest; the interval is without it.
    """

    value: float
    low: float | None = None
    high: float | None = None
    threshold: float = SMALLEST_GAP
    below_human: float = 0.0
    chance: float = 0.0
    optimism: float = 0.0

    def __str__(self) -> str:
        return as_words(self)

    @property
    def width(self) -> float:
        """The part of the gap that could be closed, by which gaps are compared."""
        return self.value - self.below_human - self.optimism

    @property
    def is_wide(self) -> bool:
        return _reaches(self.value, self.threshold)

    @property
    def is_surely_wide(self) -> bool:
        return self.low is not None and _reaches(self.low, self.threshold - self.optimism)

    @property
    def is_surely_narrow(self) -> bool:
        return self.high is not None and not _reaches(self.high, self.threshold - self.optimism)

    @property
    def may_be_chance(self) -> bool:
        """True if its interval holds what a gap without a problem would be; false without an interval."""
        return self.low is not None and self.low <= self.chance

    @property
    def is_unclear(self) -> bool:
        """True if it is wide, but perhaps by chance; gaps below one point raise no doubt."""
        return self.is_wide and self.may_be_chance and _reaches(self.width, SMALLEST_GAP)


def measure_gaps(
    rates: Mapping[str, Rate],
    human_error: float | None,
    same_distribution: bool,
    *,
    is_error_rate: bool = True,
    is_upper_bound: bool = False,
) -> dict[str, Gap]:
    """The gaps that can be measured from these rates (by set: `train`, `train_dev`, `dev`, `test`), in their usual order.

    With `same_distribution=False` the dev error says nothing about variance. A `human_error` that is not given is assumed to be
    0; of errors that are no shares of examples, as `is_error_rate=False` says, it is not even that. With `is_upper_bound` it is
    an error that was reached, so that no gap needs to stay open below it.
    """
    train, train_dev, dev, test = (rates.get(name) for name in ("train", "train_dev", "dev", "test"))
    unseen = train_dev or (dev if same_distribution else None)
    smallest = (
        SMALLEST_BIAS if human_error is not None else _assumed_threshold(unseen, ASSUMED_BIAS) if is_error_rate else NEVER
    )
    bias = _bias(train, human_error or 0.0, smallest) if train else None
    gaps = {"avoidable_bias": bias} if bias else {}
    floor, distance = human_error or 0.0, abs(bias.value) if bias else 1.0
    if is_upper_bound and train and bias:
        floor, distance = min(floor, train.error), max(bias.value, 0.0)
    for name, later, earlier in (("variance", unseen, train), ("data_mismatch", dev, train_dev), ("dev_overfit", test, dev)):
        if later and earlier:
            gaps[name] = _between(later, earlier, floor, distance)
    return _in_company(gaps, unseen, is_assumed=human_error is None and is_error_rate)


def named_gaps(gaps: Mapping[str, Gap]) -> tuple[str, ...]:
    """The gaps that are problems, in their usual order: the wide ones from the widest downwards, up to the first that may be
    chance, so that this never leaves a narrower one named alone. A dev overfit in doubt stands in the way of none, because the
    test error decides nothing but that gap.
    """
    wide = [name for name, gap in gaps.items() if gap.is_wide and not (name == "dev_overfit" and gap.may_be_chance)]
    widest_first = sorted(wide, key=lambda name: -gaps[name].width)
    named = set(takewhile(lambda name: not gaps[name].may_be_chance, widest_first))
    return tuple(name for name in gaps if name in named)


def easier_dev_gap(rates: Mapping[str, Rate], same_distribution: bool) -> Gap | None:
    """The amount by which the dev error is *below* the error on the training source, if that is wide and not chance."""
    dev, reference = rates.get("dev"), rates.get("train_dev") or (rates.get("train") if same_distribution else None)
    gap = _between(reference, dev) if dev and reference else None
    return gap if gap and gap.is_wide and not gap.may_be_chance else None


def _bias(train: Rate, human_error: float, threshold: float) -> Gap:
    value, chance = train.error - human_error, CHANCE_SHARE * min(threshold, ASSUMED_BIAS)
    if not train.has_interval:
        return Gap(value, threshold=threshold, chance=chance)
    low, high = train.interval()
    return Gap(value, low - human_error, high - human_error, threshold, chance=chance)


def _assumed_threshold(unseen: Rate | None, smallest: float) -> float:
    return max(smallest, ASSUMED_SHARE * unseen.error) if unseen else smallest


def _between(later: Rate, earlier: Rate, human_error: float = 0.0, bias: float = 1.0) -> Gap:
    """The gap between two errors, of which the train error is `bias` above, or below, the human one."""
    value, below_human = later.error - earlier.error, max(human_error - earlier.error, 0.0)
    threshold = min(max(SMALLEST_GAP, GAP_SHARE * later.error), max(MOST * later.error, NEGLIGIBLE))
    threshold = min(threshold, max(DOMINANT_GAP, DOMINANCE * bias)) + below_human + earlier.optimism
    gap = Gap(value, threshold=threshold, below_human=below_human, chance=below_human, optimism=earlier.optimism)
    if not (later.has_interval and earlier.has_interval):
        return gap
    low, high = difference_interval(later, earlier)
    return replace(gap, low=low, high=high)


def _in_company(gaps: dict[str, Gap], unseen: Rate | None, *, is_assumed: bool) -> dict[str, Gap]:
    """The gaps, where those that are as wide as a named one, or nearly, are wide as well; an assumed bias is so from half
    a point less on.
    """
    wide = [gaps[name].width for name in named_gaps(gaps) if name != "dev_overfit"]
    if not wide:
        return gaps
    narrowest = min(wide)
    nearly = min(narrowest, max(narrowest - ALIKE, SMALLEST_GAP))

    def threshold(name: str, gap: Gap) -> float:
        if gap.threshold == NEVER:
            return NEVER
        if name == "avoidable_bias" and is_assumed:
            return min(gap.threshold, _assumed_threshold(unseen, ASSUMED_BIAS - IN_COMPANY))
        return min(gap.threshold, nearly + gap.below_human + gap.optimism)

    joined = {name: gap if gap.is_wide else replace(gap, threshold=threshold(name, gap)) for name, gap in gaps.items()}
    if all(gap.is_wide == gaps[name].is_wide for name, gap in joined.items()):
        return joined
    return _in_company(joined, unseen, is_assumed=is_assumed)  # what joins may be company for another


def _reaches(value: float, threshold: float) -> bool:
    return value >= threshold - ROUNDING

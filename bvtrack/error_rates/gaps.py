"""The four gaps between a run's errors: how wide each is, how sure that is, and from where on it is a problem.

| gap | is |
|---|---|
| avoidable bias | train error - human error |
| variance | train-dev error (dev error where there is no train-dev set) - train error |
| data mismatch | dev error - train-dev error |
| dev overfit | test error - dev error |

What they mean comes from the Deep Learning Specialization (course 2 week 1, course 3) and Machine Learning Yearning
(chapters 20-22, 40-41). Neither names a threshold; the constants below put right the worked examples of both, and were
checked on the learning curves of LCDB (tests/benchmarks/rules): does four times the data cut the dev error by a tenth?
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bvtrack.error_rates.intervals import Rate, difference_interval

SMALLEST_BIAS = 0.015
"""Avoidable bias from here on is named: the texts call 1 point small and 7 to 8 points large."""
SMALLEST_GAP = 0.01
"""No other gap below one point is named, as the texts never do, but where the error is itself so small that …"""
MOST_OF_THE_ERROR = 2 / 3
"""… the gap is most of it: 0.0 / 0.6 %, but not 0.5 / 1.0 %, which Machine Learning Yearning (ch. 21) congratulates on."""
NEGLIGIBLE = 0.001
"""A gap below a tenth of a point is never named: what 10,000 dev examples (no errors against 10) can barely tell from 0."""
GAP_SHARE = 0.3
"""A gap is named when it is this share of the error on the later set: four times the data close about a quarter to a third of
a gap, so that less than this share would not cut the error by a tenth (0.275 to 0.33 do equally well on LCDB). What counts
is the part of the gap that lies above the human error, for no cure brings the later error below that."""
DOMINANT_GAP = 0.015
DOMINANCE = 2.0
"""Or when nothing else explains the error: bias is not named, and the gap is at least `DOMINANT_GAP` and `DOMINANCE` times the
avoidable bias. So 7.5 / 8 / 10 % is a variance problem …"""
BELOW_HUMAN_SHARE = 0.2
"""… and `DOMINANCE` times what the train error lies below the human one, up to this share of the later error: the human error
is then known no better than that (on LCDB, where it is the best known error, 0.2 and 0.25 do equally well)."""
ROUNDING = 1e-6
"""Thresholds are inclusive: 0.15 - 0.14 counts as 0.01, and so does a float32 accuracy of 0.99, though floats say less."""


@dataclass(frozen=True, slots=True)
class Gap:
    """The distance between two errors as a fraction, and what it takes to call it a problem.

    `low` and `high` end its 95 % interval and are `None` where a count is not known. From `threshold` on it is named.
    """

    value: float
    low: float | None = None
    high: float | None = None
    threshold: float = SMALLEST_GAP

    @property
    def is_wide(self) -> bool:
        return _reaches(self.value, self.threshold)

    @property
    def is_surely_wide(self) -> bool:
        return self.low is not None and _reaches(self.low, self.threshold)

    @property
    def is_surely_narrow(self) -> bool:
        return self.high is not None and not _reaches(self.high, self.threshold)

    @property
    def is_named(self) -> bool:
        """Wide, and not by chance."""
        return self.is_wide and not self.may_be(0.0)

    @property
    def is_unclear(self) -> bool:
        """Wide, but perhaps by chance; gaps below one point are no reason for doubt."""
        return self.is_wide and self.may_be(0.0) and _reaches(self.value, SMALLEST_GAP)

    @property
    def is_near_its_threshold(self) -> bool:
        """Within a factor of two: what is half as wide, or twice as wide, is on one side of it whatever was before."""
        return self.threshold / 2 < self.value < 2 * self.threshold

    def may_be(self, value: float) -> bool:
        """Whether the interval holds `value`; without an interval nothing is known to be possible."""
        return self.low is not None and self.high is not None and self.low <= value <= self.high


def measure_gaps(rates: Mapping[str, Rate], human_error: float, same_distribution: bool) -> dict[str, Gap]:
    """The gaps that these rates (by set: `train`, `train_dev`, `dev`, `test`) allow to be measured, in their usual order.

    With `same_distribution=False` the dev error says nothing about variance.
    """
    train, train_dev, dev, test = (rates.get(name) for name in ("train", "train_dev", "dev", "test"))
    gaps = {}
    if train:
        gaps["avoidable_bias"] = _above_human(train, human_error)
    bias = gaps["avoidable_bias"].value if train else None
    unseen = train_dev or (dev if same_distribution else None)
    if train and unseen:
        gaps["variance"] = _between(unseen, train, human_error, bias)
    if train_dev and dev:
        gaps["data_mismatch"] = _between(dev, train_dev, human_error, bias)
    if dev and test:
        gaps["dev_overfit"] = _between(test, dev, human_error, bias)
    return gaps


def easier_dev_gap(rates: Mapping[str, Rate]) -> Gap | None:
    """How far the dev error lies *below* the error on the training source; `None` where one of them is missing."""
    dev, reference = rates.get("dev"), rates.get("train_dev") or rates.get("train")
    return _between(reference, dev) if dev and reference else None


def _above_human(train: Rate, human_error: float) -> Gap:
    value = train.error - human_error
    if not train.has_interval:
        return Gap(value, threshold=SMALLEST_BIAS)
    low, high = train.interval()
    return Gap(value, low - human_error, high - human_error, SMALLEST_BIAS)


def _between(later: Rate, earlier: Rate, human_error: float = 0.0, bias: float | None = None) -> Gap:
    value = later.error - earlier.error
    threshold = _threshold(later.error, earlier.error, human_error, bias)
    if not (later.has_interval and earlier.has_interval):
        return Gap(value, threshold=threshold)
    return Gap(value, *difference_interval(later, earlier), threshold)


def _threshold(later: float, earlier: float, human_error: float, bias: float | None) -> float:
    most_of_it = max(MOST_OF_THE_ERROR * later, NEGLIGIBLE)
    below_human = max(human_error - earlier, 0.0)
    threshold = min(max(SMALLEST_GAP, GAP_SHARE * later), most_of_it) + below_human
    if bias is not None and not _reaches(bias, SMALLEST_BIAS):
        unexplained = DOMINANCE * bias if bias >= 0 else min(-DOMINANCE * bias, BELOW_HUMAN_SHARE * later)
        threshold = min(threshold, max(DOMINANT_GAP, unexplained) + below_human)
    return threshold


def _reaches(value: float, threshold: float) -> bool:
    return value >= threshold - ROUNDING

"""What the gains of all steps rest on: the gaps, the forecasts, and by how much the experiment's best run is better.

Where a forecast can be made (more data, more epochs, keeping the best epoch, the model of a run that does better), it is the
gain. For the others it is a share of the gap that they cure: what they took of it in the fit part of the intervention set
(tests/benchmarks/advice), and for another model what it took on LCDB (tests/benchmarks/rules).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from bvtrack.curves.forecast import FEWEST_VALUES, Forecast, forecast_more_data, forecast_trend
from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.evidence import Evidence

MORE = 4
"""Gains are those of four times the data; what two and eight times would bring is told beside it."""
LIKELY = 0.5
"""Of epochs that will probably bring nothing only their forecast is expected, no share of the bias."""
MODEL_SHARE_A_DOUBLING = 0.07
MODEL_NEEDS = 64
LARGEST_MODEL_SHARE = 0.4
SMALL_MODEL_SHARE = 0.05
"""What another model takes of the error above the human one: on LCDB nothing at 64 examples, and 7 % more with each doubling,
for what a better model can do has to be learned from the data. Little is expected where their number is not known, or where the
training has not settled: then nothing can be said of its model yet."""
LEAST_LEAD = 0.15
"""The best of several runs is the luckiest, too: one that makes this share less error counts as better. On LCDB another model
then pays in 74 % of the cases, and 94 % of those where one pays are found."""


class Gain(NamedTuple):
    """The dev error that a step is expected to save, as a fraction, by which it is ranked; and what of it is a forecast, which
    people are told.
    """

    expected: float = 0.0
    forecast: float | None = None


@dataclass(frozen=True)
class Prospects:
    """What a run's errors, and all else that is known of it, say of what can be gained."""

    diagnosis: Diagnosis
    evidence: Evidence

    @property
    def dev_error(self) -> float:
        """The dev error; 0 where there is none, so that nothing can be saved of it."""
        return self.diagnosis.errors.get("dev", 0.0)

    @cached_property
    def lead(self) -> float | None:
        """By how much the experiment's best run does better; `None` where none is clearly better, or that is not known."""
        dev, other = self.diagnosis.errors.get("dev"), self.evidence.best_other
        if dev is None or other is None or dev == 0 or not other.dev_error <= (1 - LEAST_LEAD) * dev:
            return None
        return dev - other.dev_error

    @cached_property
    def longer(self) -> Forecast | None:
        """As many epochs again; `None` where the curve is too short to have a slope."""
        trend = self.evidence.trend
        if trend.n_values < FEWEST_VALUES or trend.best < 0:
            return None
        return forecast_trend(trend, epochs=trend.last_epoch + 1)

    @cached_property
    def more_data(self) -> Mapping[int, Forecast]:
        """By how many times the data; they close the variance alone, and no data bring an error below the human one."""
        errors = self.diagnosis.errors
        if not {"train", "dev"} <= errors.keys() or "variance" not in self.diagnosis.gaps:
            return {}
        unseen = errors.get("train_dev", errors["dev"])
        variance = max(unseen - max(errors["train"], self.diagnosis.human_error), 0.0)
        floor = max(errors["dev"] - variance, 0.0)
        return {
            factor: forecast_more_data(train_error=floor, dev_error=errors["dev"], factor=factor)
            for factor in (2, MORE, 2 * MORE)
        }

    @property
    def another_model(self) -> float:
        """What another model can be expected to save, whatever the experiment's other runs do."""
        n_train = None if self.evidence.curve == "learning" else self.evidence.n_train
        share = _model_share(n_train) if n_train else SMALL_MODEL_SHARE
        unseen = self.diagnosis.errors.get("train_dev", self.diagnosis.errors.get("dev", 0.0))
        return share * max(unseen - self.diagnosis.human_error, 0.0)

    def gap(self, name: str) -> float:
        """A gap by its name, at least 0; 0 where it was not measured."""
        return max(self.diagnosis.gaps[name].value, 0.0) if name in self.diagnosis.gaps else 0.0


def _model_share(n_train: int) -> float:
    return min(MODEL_SHARE_A_DOUBLING * max(math.log2(n_train / MODEL_NEEDS), 0.0), LARGEST_MODEL_SHARE)

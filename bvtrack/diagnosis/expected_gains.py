"""Basis of the expected gains of all steps: the gaps, the forecasts, and the lead of the experiment's best run.

The gain is a forecast where one can be made (more data, more epochs, keeping the best epoch, the model of a better run). For
other steps it is a share of the gap that they close: the share measured on the training part of the intervention set
(tests/benchmarks/advice), and for another model on LCDB (tests/benchmarks/rules).
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
"""Gains from more data assume four times as much; forecasts for two and eight times are reported beside it."""
LIKELY = 0.5
"""Below this probability of an improvement, use the forecast of longer training, not the usual share of the bias."""
MODEL_SHARE_A_DOUBLING = 0.07
MODEL_NEEDS = 64
LARGEST_MODEL_SHARE = 0.4
SMALL_MODEL_SHARE = 0.05
"""Share of the error above the human one that another model saves: on LCDB none at 64 examples, and 7 % more per doubling,
because a better model has to learn from the data. The share is small if the number of examples is unknown, or if the training
has not converged, so that its model cannot be judged yet."""
LEAST_LEAD = 0.15
"""Minimum relative reduction of the dev error for another run to count as better, because the best of several runs is also the
luckiest. On LCDB another model then pays in 74 % of the cases (precision), and 94 % of the cases where one pays are found."""


class Gain(NamedTuple):
    """The expected reduction of the dev error by a step, as a fraction, for ranking; and its forecast, for people, if there is
    one.
    """

    expected: float = 0.0
    forecast: float | None = None


@dataclass(frozen=True)
class Prospects:
    """Possible gains of a run, from its diagnosis and the evidence."""

    diagnosis: Diagnosis
    evidence: Evidence

    @property
    def dev_error(self) -> float:
        """The dev error; 0 if there is none, so that no step can reduce it."""
        return self.diagnosis.errors.get("dev", 0.0)

    @cached_property
    def lead(self) -> float | None:
        """Lead of the experiment's best run in dev error; `None` if unknown, or if none is clearly better."""
        dev, other = self.diagnosis.errors.get("dev"), self.evidence.best_other
        if dev is None or other is None or dev == 0 or not other.dev_error <= (1 - LEAST_LEAD) * dev:
            return None
        return dev - other.dev_error

    @cached_property
    def longer(self) -> Forecast | None:
        """Forecast for as many epochs again; `None` if the curve is too short to have a slope."""
        trend = self.evidence.trend
        if trend.n_values < FEWEST_VALUES or trend.best < 0:
            return None
        return forecast_trend(trend, epochs=trend.last_epoch + 1)

    @cached_property
    def more_data(self) -> Mapping[int, Forecast]:
        """Forecasts by the factor of data: more data reduces only the variance, and never below the human error."""
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
        """Expected gain of another model, ignoring the experiment's other runs."""
        n_train = None if self.evidence.curve == "learning" else self.evidence.n_train
        share = _model_share(n_train) if n_train else SMALL_MODEL_SHARE
        unseen = self.diagnosis.errors.get("train_dev", self.diagnosis.errors.get("dev", 0.0))
        return share * max(unseen - self.diagnosis.human_error, 0.0)

    def gap(self, name: str) -> float:
        """The width of a gap, at least 0; 0 if it was not measured."""
        return max(self.diagnosis.gaps[name].value, 0.0) if name in self.diagnosis.gaps else 0.0


def _model_share(n_train: int) -> float:
    return min(MODEL_SHARE_A_DOUBLING * max(math.log2(n_train / MODEL_NEEDS), 0.0), LARGEST_MODEL_SHARE)

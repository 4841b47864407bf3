"""How much dev error each step can be expected to save: what the recipe is ranked by.

Where a forecast can be made (more data, more epochs, keeping the best epoch, the model of a run that does better), it is the
gain. For the others it is a share of the gap that they cure: what they took of it in the fit part of the intervention set
(tests/benchmarks/advice), and for another model what it took on LCDB (tests/benchmarks/rules).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from bvtrack.curves.forecast import FEWEST_VALUES, Forecast, forecast_more_data, forecast_trend
from bvtrack.curves.trend import Trend
from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.evidence import Evidence, OtherRun

MORE = 4
"""Gains are those of four times the data; what two and eight times would bring is told beside it."""
BIAS_SHARES = {"bigger_network": 0.5, "train_longer": 0.15, "different_optimizer": 0.1}
BIAS_SHARES_OF_SMALL_STEPS = {"bigger_network": 0.3, "train_longer": 0.45, "different_optimizer": 0.4}
"""Of avoidable bias; the latter where the learning rate is below what is usual for the optimiser, so that bias may be nothing
but too few, or too small, steps."""
LIKELY = 0.5
"""Of epochs that will probably bring nothing only their forecast is expected, no share of the bias."""
VARIANCE_SHARE, MISMATCH_SHARE = 0.1, 0.1
"""Of variance by regularisation, and of data mismatch by training on data like the dev set's, half of them: that took 7 %. In
the small networks of that set regularisation took nothing; a tenth gives it the place that the course does, behind more data.
"""
OVERFIT_SHARE = 0.5
"""Of dev overfit by a bigger dev set: four times the examples halve what a choice fits to their noise."""
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
WAY_TO_THE_BEST = 0.35
"""To change one thing of what the better run has otherwise is expected to go a third of the way there (0.3 to 0.4 do equally
well on LCDB), and nothing is expected to take more of the bias than the whole of it."""
MUCH_BIGGER = 2.0
"""A network with twice the parameters is another size; fewer more may come with another shape of the same size."""


class Gains(NamedTuple):
    """The expected gains by step as fractions; of them those that are forecast; what the forecasts are; by how much the
    experiment's best run is clearly better, and the step that leads to what it has otherwise.
    """

    expected: Mapping[str, float]
    forecast: Mapping[str, float]
    lead: float | None
    towards_best: str | None
    longer: Forecast | None
    more_data: Mapping[int, Forecast]

    def of(self, step_id: str) -> float:
        return self.expected.get(step_id, 0.0)


def expected_gains(diagnosis: Diagnosis, evidence: Evidence) -> Gains:
    """What each step of the recipe can be expected to save of the dev error, as far as the errors allow to say."""
    lead = _lead(diagnosis, evidence.best_other)
    trend = evidence.trend
    longer, more_data = _longer(trend), _more_data(diagnosis)
    expected = _usual_gains(diagnosis, evidence, lead)
    forecast = {}
    dev = diagnosis.errors.get("dev", 0.0)
    if more_data:
        forecast["more_data"] = expected["more_data"] = dev - more_data[MORE].value
    if longer is not None and longer.improves is not None:
        forecast["train_longer"] = max(dev - longer.value, 0.0)
        usual = expected["train_longer"] if longer.improves >= LIKELY else 0.0
        expected["train_longer"] = max(usual, forecast["train_longer"])
    if trend.n_values:
        expected["stop_earlier"] = trend.last - trend.best
        forecast["stop_earlier"] = dev - trend.best
    towards_best = None
    if lead is not None:
        towards_best = _step_towards(evidence)
        forecast[towards_best] = expected[towards_best] = max(expected[towards_best], WAY_TO_THE_BEST * lead)
    forecast = {step_id: gain for step_id, gain in forecast.items() if gain > 0}
    return Gains(expected, forecast, lead, towards_best, longer, more_data)


def _usual_gains(diagnosis: Diagnosis, evidence: Evidence, lead: float | None) -> dict[str, float]:
    """The shares of the gaps that steps took elsewhere; of the bias no more than another run shows can be had, and of a run
    without a curve, which is taken to have settled, no more than another model would take.
    """
    gaps = {name: max(gap.value, 0.0) for name, gap in diagnosis.gaps.items()}
    bias = gaps.get("avoidable_bias", 0.0) if lead is None else min(gaps.get("avoidable_bias", 0.0), lead)
    by_model = _gain_of_another_model(diagnosis, evidence)
    most = by_model if evidence.n_train and not evidence.dev_curve else 1.0
    return {
        **{step_id: min(share * bias, most) for step_id, share in _bias_shares(evidence).items()},
        "regularize": VARIANCE_SHARE * gaps.get("variance", 0.0),
        "match_data": MISMATCH_SHARE * gaps.get("data_mismatch", 0.0),
        "bigger_dev_set": OVERFIT_SHARE * gaps.get("dev_overfit", 0.0),
        "different_model": by_model if evidence.best_other is None else 0.0,  # what others there are do better says it
    }


def _lead(diagnosis: Diagnosis, other: OtherRun | None) -> float | None:
    """By how much the experiment's best run does better; `None` where none is clearly better, or that is not known."""
    dev = diagnosis.errors.get("dev")
    if dev is None or other is None or dev == 0 or not other.dev_error <= (1 - LEAST_LEAD) * dev:
        return None
    return dev - other.dev_error


def _step_towards(evidence: Evidence) -> str:
    """The step that leads to what the experiment's best run has otherwise, as far as its model is known."""
    here, there = evidence.model, evidence.best_other.model if evidence.best_other else evidence.model
    if here.parameters and there.parameters and there.parameters >= MUCH_BIGGER * here.parameters:
        return "bigger_network"
    return "different_optimizer" if here.has_small_steps and not there.has_small_steps else "different_model"


def _bias_shares(evidence: Evidence) -> dict[str, float]:
    """Of a network that is large already a bigger one takes no more than another optimiser."""
    shares = BIAS_SHARES_OF_SMALL_STEPS if evidence.model.has_small_steps else BIAS_SHARES
    return {**shares, "bigger_network": shares["different_optimizer"]} if evidence.is_large else shares


def _gain_of_another_model(diagnosis: Diagnosis, evidence: Evidence) -> float:
    n_train = None if evidence.curve == "learning" else evidence.n_train
    share = _model_share(n_train) if n_train else SMALL_MODEL_SHARE
    unseen = diagnosis.errors.get("train_dev", diagnosis.errors.get("dev", 0.0))
    return share * max(unseen - diagnosis.human_error, 0.0)


def _model_share(n_train: int) -> float:
    return min(MODEL_SHARE_A_DOUBLING * max(math.log2(n_train / MODEL_NEEDS), 0.0), LARGEST_MODEL_SHARE)


def _longer(trend: Trend) -> Forecast | None:
    """As many epochs again; `None` where the curve is too short to have a slope."""
    if trend.n_values < FEWEST_VALUES or trend.best < 0:
        return None
    return forecast_trend(trend, epochs=trend.last_epoch + 1)


def _more_data(diagnosis: Diagnosis) -> dict[int, Forecast]:
    """By how many times the data; they close the variance alone, and no data bring an error below the human one."""
    errors = diagnosis.errors
    if not {"train", "dev"} <= errors.keys() or "variance" not in diagnosis.gaps:
        return {}
    unseen = errors.get("train_dev", errors["dev"])
    variance = max(unseen - max(errors["train"], diagnosis.human_error), 0.0)
    floor = max(errors["dev"] - variance, 0.0)
    return {
        factor: forecast_more_data(train_error=floor, dev_error=errors["dev"], factor=factor) for factor in (2, MORE, 2 * MORE)
    }

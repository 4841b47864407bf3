"""Steps against high variance: more data, regularisation, and another model, which is also against high bias."""

from __future__ import annotations

from bvtrack.diagnosis.evidence import Evidence
from bvtrack.diagnosis.expected_gains import MORE, Gain, Prospects
from bvtrack.diagnosis.explanation import joined, percent
from bvtrack.diagnosis.step_rule import StepRule

REGULARIZATION_SHARE = 0.1
"""Share of variance removed. In the small networks of the intervention set regularisation removed none; a tenth ranks it where
the course does, behind more data."""


def _gain_of_more_data(prospects: Prospects) -> Gain:
    if not prospects.more_data:
        return Gain()
    gain = prospects.dev_error - prospects.more_data[MORE].value
    return Gain(gain, gain)


def _why_more_data(why: str, prospects: Prospects, gain: Gain) -> str:
    forecasts, n_train = prospects.more_data, prospects.evidence.n_train
    begin = f"It trains on {n_train:,} examples. " if n_train else ""
    if not forecasts or gain.expected <= 0:
        return begin + why
    errors = joined([percent(forecast.value) for forecast in forecasts.values()])
    band = f"{percent(forecasts[MORE].low)} to {percent(forecasts[MORE].high)}"
    return f"{begin}Twice, four and eight times the data should bring the dev error to about {errors} (four times: {band})."


def _gain_of_regularization(prospects: Prospects) -> Gain:
    return Gain(REGULARIZATION_SHARE * prospects.gap("variance"))


def _why_regularize(why: str, prospects: Prospects, gain: Gain) -> str:
    model = prospects.evidence.model
    if model.is_unregularized:
        return f"The model has no dropout and no weight decay. {why}"
    present = [
        f"dropout {model.dropout:g}" if model.dropout else "",
        f"weight decay {model.weight_decay:g}" if model.weight_decay else "",
        "augmentation" if model.augmentation else "",
    ]
    if any(present):
        return f"It has {joined([name for name in present if name])}; more of it, or of the others, may still help."
    return why


def _gain_of_different_model(prospects: Prospects) -> Gain:
    """No gain if the experiment has other runs on the same dev set: their lead shows it instead."""
    return Gain(prospects.another_model if prospects.evidence.best_other is None else 0.0)


def _why_different_model(why: str, prospects: Prospects, gain: Gain) -> str:
    n_train = prospects.evidence.n_train
    if n_train and gain.expected > _gain_of_more_data(prospects).expected > 0:
        than = f"four times these {n_train:,} examples"
        return f"One that suits this kind of data better should bring more than {than} would."
    return why


def _is_best_run_otherwise_better(evidence: Evidence) -> bool:
    """Always true: this step covers all differences that no earlier step is for."""
    return True


VARIANCE_STEPS = (
    StepRule(
        id="more_data",
        title="Get more training data",
        why="More examples leave less room to learn the training set by heart.",
        problems=("high_variance",),
        gain=_gain_of_more_data,
        reason=_why_more_data,
    ),
    StepRule(
        id="regularize",
        title="Regularise",
        why="Weight decay, dropout or augmentation keep the model from learning the training set by heart.",
        problems=("high_variance",),
        gain=_gain_of_regularization,
        reason=_why_regularize,
    ),
    StepRule(
        id="different_model",
        title="Try another model",
        why="Another architecture may suit this kind of data better.",
        problems=("high_bias", "high_variance"),
        gain=_gain_of_different_model,
        reason=_why_different_model,
        leads_to_best=_is_best_run_otherwise_better,
    ),
)

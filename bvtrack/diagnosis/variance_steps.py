"""Steps against high variance: more data, regularisation, and another model, which is also against high bias."""

from __future__ import annotations

from collections.abc import Mapping

from bvtrack.curves.forecast import Forecast
from bvtrack.diagnosis.expected_gains import MORE, Prospects
from bvtrack.diagnosis.explanation import joined
from bvtrack.diagnosis.leads import are_examples_short, is_strongly_regularized
from bvtrack.diagnosis.model_in_words import counted, regularization_of, size_of
from bvtrack.diagnosis.step_rule import StepRule, Words
from bvtrack.measures.percent import percent

CANDIDATES: Mapping[str, str] = {
    "images": "Usual for images: a convolutional network, pretrained if they are natural images.",
    "series": "Usual for series: a one-dimensional convolutional or a recurrent network.",
    "table": "Usual for tables: gradient-boosted trees or a random forest.",
    "text": "Usual for texts: a pretrained transformer.",
}
"""The models to try by the kind of data: LeCun et al. 1998 and He et al. 2016 for images, Ismail Fawaz et al. 2019 for series,
Grinsztajn et al. 2022 for tables, Devlin et al. 2019 for texts."""

OF_TREES = ("Boost", "Forest", "XGB", "LGBM")
"""Parts of the names of those models' classes."""
OTHER_KIND = "Another kind of model may suit these data better."


def _gain_of_more_data(prospects: Prospects) -> float | None:
    return prospects.dev_error - prospects.more_data[MORE].value if prospects.more_data else None


def _why_more_data(why: str, prospects: Prospects) -> str:
    return f"{_on_its_size(prospects)} {_on_its_forecast(why, prospects)}".strip()


def _on_its_size(prospects: Prospects) -> str:
    n_train = prospects.evidence.n_train
    if are_examples_short(prospects):
        size = size_of(prospects.evidence)
        return (
            f"It has {size}: its size is hardly what holds it back, and how much of its train error is avoidable is not known."
        )
    return f"It trains on {counted(n_train, 'example')}." if n_train else ""


def _on_its_forecast(why: str, prospects: Prospects) -> str:
    forecasts = prospects.more_data
    if not forecasts or not all(prospects.is_shown_below(forecast.value) for forecast in forecasts.values()):
        if are_examples_short(prospects):
            return "More examples helped in most such runs."
        return why if "high_variance" in prospects.problems else "More examples are against variance, which is narrow here."
    errors = joined([percent(forecast.value) for forecast in forecasts.values()])
    verb = "should" if prospects.is_shown_below(forecasts[MORE].high) else "may"
    unit = prospects.diagnosis.unit
    told = f"twice, four and eight times the data {verb} bring the {unit.error_of('dev')} to about {errors}{unit.of}"
    if prospects.is_curve_measured or prospects.evidence.model.family:
        by = "By its own learning curve, " if prospects.is_curve_measured else ""
        sentence = f"{by}{told} (four times: {_band(forecasts[MORE])})."
        return f"{sentence[0].upper()}{sentence[1:]}"
    by_epochs = f"At the same number of epochs, {told} (four times: {_band(forecasts[MORE])})"
    return f"{by_epochs}; at the same number of updates, {_by_updates(prospects)}."


def _by_updates(prospects: Prospects) -> str:
    forecast = prospects.more_data_by_updates[MORE]
    if not prospects.is_shown_below(forecast.value):
        return "they hardly help"
    return f"four times to about {percent(forecast.value)} ({_band(forecast)})"


def _band(forecast: Forecast) -> str:
    return f"{percent(forecast.low)} to {percent(forecast.high)}"


def _why_regularize(why: str, prospects: Prospects) -> str:
    model, present = prospects.evidence.model, regularization_of(prospects.evidence.model)
    if "high_variance" not in prospects.problems:
        return "It is against variance, and may cost some bias."
    if is_strongly_regularized(model):
        return f"It has {present}, which is strong already: try another kind rather than more of the same."
    if model.is_unregularized:
        return f"The model has no dropout and no weight decay. {why}"
    return f"It has {present}; more of it, or another kind, may still help." if present else why


def _why_different_model(why: str, prospects: Prospects) -> str:
    candidates, family = CANDIDATES.get(str(prospects.evidence.data_kind), ""), prospects.evidence.model.family or ""
    if any(name in family for name in OF_TREES):  # which are the usual ones for tables
        candidates = ""
    return f"{OTHER_KIND if family else why} {candidates}".strip()


VARIANCE_STEPS = (
    StepRule(
        id="more_data",
        title="Get more training data",
        why="More examples leave less room to learn the training set by heart.",
        problems=("high_variance",),
        gain=_gain_of_more_data,
        reason=_why_more_data,
        is_left=True,
    ),
    StepRule(
        id="regularize",
        title="Regularise",
        why="Weight decay, dropout or augmentation keep the model from learning the training set by heart.",
        problems=("high_variance",),
        reason=_why_regularize,
        is_left=True,
        of_trees=Words(
            "Regularise",
            "Smaller trees, more rows in each leaf, samples of rows and columns, or a lower learning rate keep trees from "
            "learning the training set by heart.",
        ),
    ),
    StepRule(
        id="different_model",
        title="Try another model",
        why="Another architecture may suit this kind of data better.",
        problems=("high_bias", "high_variance"),
        reason=_why_different_model,
        is_left=True,
        of_trees=Words(
            "Try another model", "Other features, a linear model or a network may suit these data better than boosted trees."
        ),
    ),
)

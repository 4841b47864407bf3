"""Steps against high bias: a bigger network, longer training, another optimiser, less regularisation."""

from __future__ import annotations

from bvtrack.diagnosis.expected_gains import LIKELY, Prospects, shown
from bvtrack.diagnosis.leads import STILL_FALLING, has_turned, is_large_enough, is_rate_suspect, step_towards_best
from bvtrack.diagnosis.model_in_words import counted, optimizer_of, regularization_of, size_of
from bvtrack.diagnosis.step_rule import StepRule, Words
from bvtrack.measures.percent import percent

LARGER = 2.0
"""Multiple of the usual learning rate above which it is said that it is larger."""
LEARNT = "There is no train error left that more epochs could bring down."
TURNED = "More epochs will probably not lower the dev error, which has risen since its best epoch."
OTHERWISE = "Another optimiser, or another learning rate, may end in less error."
DOES_NOT_HURT = "does not hurt as long as it is regularised."


def _why_bigger_network(why: str, prospects: Prospects) -> str:
    size, best = size_of(prospects.evidence), prospects.evidence.best_other
    if best and best.model.parameters and step_towards_best(prospects) == "bigger_network":
        return f"That one has {counted(best.model.parameters, 'parameter')}, this one {size}."
    if size and is_large_enough(prospects):
        return f"It has {size}: its size is hardly what holds it back."
    if "high_bias" not in prospects.problems:
        return f"{f'It has {size}. ' if size else ''}A bigger network {DOES_NOT_HURT}"
    return f"With {size} {why[0].lower()}{why[1:]}" if size else why


def _gain_of_training_longer(prospects: Prospects) -> float | None:
    longer = prospects.much_longer
    if longer is None or longer.improves is None or has_turned(prospects):
        return None
    return max(prospects.dev_error - longer.value, 0.0)


def _why_train_longer(why: str, prospects: Prospects) -> str:
    forecast = prospects.much_longer
    if has_turned(prospects):
        return TURNED
    if forecast is None or forecast.improves is None:
        return LEARNT if shown(prospects.diagnosis.errors.get("train", 1.0)) == 0 else why
    chance = f"the chance that four times the epochs lower the best dev error by a fiftieth is {100 * forecast.improves:.0f} %."
    if forecast.improves < LIKELY:
        return f"It will probably not help: {chance}"
    if not prospects.is_shown_below(forecast.value) or not shown(forecast.value) < shown(prospects.evidence.trend.best):
        return f"It may still help: {chance}"
    band = f"{percent(forecast.low)} to {percent(forecast.high)}"
    unit = prospects.diagnosis.unit
    value = unit.amount(forecast.value)
    best = "best " if shown(prospects.evidence.trend.best) < shown(prospects.evidence.trend.last) else ""
    what = f"{best}{unit.error_of('dev')}"
    told = f"Four times the epochs may bring the {what} to about {value} ({band})."
    if forecast.improves >= STILL_FALLING:
        told = f"The {what} still falls: four times the epochs should bring it to about {value} ({band})."
    return f"{told} At so small a learning rate it may take more." if prospects.evidence.model.has_small_steps else told


def _can_train_longer(prospects: Prospects) -> bool:
    model = prospects.evidence.model
    return model.family is None or model.trains_longer is not None


def _has_optimizer(prospects: Prospects) -> bool:
    return prospects.evidence.model.family is None


def _why_different_optimizer(why: str, prospects: Prospects) -> str:
    model, optimizer = prospects.evidence.model, optimizer_of(prospects.evidence.model)
    is_stuck = "high_bias" in prospects.problems
    if not optimizer:
        return why if is_stuck else OTHERWISE
    if is_rate_suspect(prospects):
        return f"{optimizer} takes steps that are far too large: {model.usual_rate:g} is usual, so lower it first."
    if model.has_small_steps:
        return f"{optimizer} takes small steps: a higher rate, or another optimiser, may get further."
    if (model.relative_rate or 0.0) > LARGER:
        return f"{optimizer} takes larger steps than usual, which is {model.usual_rate:g}: a lower rate may end in less error."
    return f"{optimizer} may be stuck: another rate, or another optimiser, may get further." if is_stuck else OTHERWISE


def _is_regularized(prospects: Prospects) -> bool:
    return bool(prospects.evidence.model.dropout or prospects.evidence.model.weight_decay)


def _why_reduce_regularization(why: str, prospects: Prospects) -> str:
    return f"It has {regularization_of(prospects.evidence.model)}. {why}"


BIAS_STEPS = (
    StepRule(
        id="bigger_network",
        title="Train a bigger network",
        why=f"The network may be too small for the pattern; a bigger one {DOES_NOT_HURT}",
        problems=("high_bias",),
        reason=_why_bigger_network,
        is_left=True,
        of_trees=Words(
            "Grow larger trees",
            "Deeper trees, of more leaves or of fewer rows in each, can follow more of the pattern; so may better features.",
        ),
    ),
    StepRule(
        id="train_longer",
        title="Train longer",
        why="More epochs may bring the train error down further.",
        problems=("high_bias",),
        gain=_gain_of_training_longer,
        reason=_why_train_longer,
        applies=_can_train_longer,
        is_left=True,
    ),
    StepRule(
        id="different_optimizer",
        title="Try another optimiser or learning rate",
        why="The optimiser may be stuck where another one, or another learning rate, would go on.",
        problems=("high_bias", "not_learning", "diverged"),
        reason=_why_different_optimizer,
        applies=_has_optimizer,
        is_left=True,
        of_trees=Words(
            "Try another learning rate",
            "A lower rate over more rounds, or a higher one where the rounds are too few, may end in less error.",
        ),
    ),
    StepRule(
        id="reduce_regularization",
        title="Reduce the regularisation",
        why="With less of it the model can fit the training data better.",
        problems=("high_bias",),
        reason=_why_reduce_regularization,
        applies=_is_regularized,
        is_left=True,
    ),
)

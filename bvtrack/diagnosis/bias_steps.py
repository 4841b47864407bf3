"""Steps against high bias: a bigger network, longer training, another optimiser."""

from __future__ import annotations

from typing import NamedTuple

from bvtrack.diagnosis.evidence import Evidence, ModelFacts
from bvtrack.diagnosis.expected_gains import LIKELY, Gain, Prospects
from bvtrack.diagnosis.explanation import percent
from bvtrack.diagnosis.step_rule import StepRule


class BiasShare(NamedTuple):
    """Share of the avoidable bias that a step removes: `usual`, or `of_small_steps` if the learning rate is below the usual one
    of the optimiser, because then the bias may come from too few or too small steps alone.
    """

    usual: float
    of_small_steps: float

    def of(self, model: ModelFacts) -> float:
        """The share that applies to this model."""
        return self.of_small_steps if model.has_small_steps else self.usual


BIGGER_NETWORK = BiasShare(0.5, 0.3)
TRAIN_LONGER = BiasShare(0.15, 0.45)
DIFFERENT_OPTIMIZER = BiasShare(0.1, 0.4)
MUCH_BIGGER = 2.0
"""Minimum ratio of parameters that counts as a bigger network; a smaller one may come from another shape of the same size."""


def _gain(share: BiasShare, prospects: Prospects) -> float:
    """Share of the bias, capped at the lead of the experiment's best run; without a curve the run is assumed to have converged,
    and the gain is capped at what another model would save.
    """
    evidence, bias = prospects.evidence, prospects.gap("avoidable_bias")
    most = prospects.another_model if evidence.n_train and not evidence.dev_curve else 1.0
    return min(share.of(evidence.model) * (bias if prospects.lead is None else min(bias, prospects.lead)), most)


def _gain_of_bigger_network(prospects: Prospects) -> Gain:
    """For a network that is already large, no more than another optimiser would save."""
    return Gain(_gain(DIFFERENT_OPTIMIZER if prospects.evidence.is_large else BIGGER_NETWORK, prospects))


def _why_bigger_network(why: str, prospects: Prospects, gain: Gain) -> str:
    model, n_train = prospects.evidence.model, prospects.evidence.n_train
    if model.parameters and prospects.evidence.is_large:
        return f"It has {model.parameters:,} parameters for {n_train:,} examples: its size is hardly what holds it back."
    if model.parameters:
        size = f"{model.parameters:,} parameters" + (f" for {n_train:,} examples" if n_train else "")
        why = f"With {size} {why[0].lower()}{why[1:]}"
    return f"{why} This one has neither dropout nor weight decay: add some." if model.is_unregularized else why


def _is_best_run_bigger(evidence: Evidence) -> bool:
    here, there = evidence.model, evidence.best_other.model if evidence.best_other else evidence.model
    return bool(here.parameters and there.parameters and there.parameters >= MUCH_BIGGER * here.parameters)


def _gain_of_training_longer(prospects: Prospects) -> Gain:
    usual, longer = _gain(TRAIN_LONGER, prospects), prospects.longer
    if longer is None or longer.improves is None:
        return Gain(usual)
    forecast = max(prospects.dev_error - longer.value, 0.0)
    return Gain(max(usual if longer.improves >= LIKELY else 0.0, forecast), forecast)


def _why_train_longer(why: str, prospects: Prospects, gain: Gain) -> str:
    forecast = prospects.longer
    if forecast is None or forecast.improves is None:
        return why
    if forecast.improves < LIKELY:
        chance = f"has a chance of {100 * forecast.improves:.0f} %"
        return f"It will probably not help: that as many epochs again make the best dev error better {chance}."
    band = f"{percent(forecast.low)} to {percent(forecast.high)}"
    told = f"The dev error still falls: as many epochs again should bring it to about {percent(forecast.value)} ({band})."
    return f"{told} At so small a learning rate it may take more." if prospects.evidence.model.has_small_steps else told


def _gain_of_different_optimizer(prospects: Prospects) -> Gain:
    return Gain(_gain(DIFFERENT_OPTIMIZER, prospects))


def _why_different_optimizer(why: str, prospects: Prospects, gain: Gain) -> str:
    model = prospects.evidence.model
    if model.optimizer is None:
        return why
    rate = f" at a learning rate of {model.learning_rate:g}" if model.learning_rate is not None else ""
    schedule = f", changed by {model.schedule}," if model.schedule not in (None, "none") else ""
    how = "takes small steps: a higher rate" if model.has_small_steps else "may be stuck: another rate"
    return f"{model.optimizer}{rate}{schedule} {how}, or another optimiser, may get further."


def _are_steps_of_best_run_larger(evidence: Evidence) -> bool:
    there = evidence.best_other.model if evidence.best_other else evidence.model
    return evidence.model.has_small_steps and not there.has_small_steps


BIAS_STEPS = (
    StepRule(
        id="bigger_network",
        title="Train a bigger network",
        why="The network may be too small for the pattern; a bigger one does not hurt as long as it is regularised.",
        problems=("high_bias",),
        gain=_gain_of_bigger_network,
        reason=_why_bigger_network,
        leads_to_best=_is_best_run_bigger,
    ),
    StepRule(
        id="train_longer",
        title="Train longer",
        why="More epochs may bring the train error down further.",
        problems=("high_bias",),
        gain=_gain_of_training_longer,
        reason=_why_train_longer,
    ),
    StepRule(
        id="different_optimizer",
        title="Try another optimiser or learning rate",
        why="The optimiser may be stuck where another one, or another learning rate, would go on.",
        problems=("high_bias",),
        gain=_gain_of_different_optimizer,
        reason=_why_different_optimizer,
        leads_to_best=_are_steps_of_best_run_larger,
    ),
)

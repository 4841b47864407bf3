"""Reasons why logged metrics cannot be compared as errors: units, a loss of unknown kind, values that are no fractions."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bvtrack.logged.autologgers import readings
from bvtrack.logged.unknown import Unknown
from bvtrack.measures.losses import LARGEST_CROSS_ENTROPY, kind_of_loss
from bvtrack.measures.metric_name import MetricName
from bvtrack.measures.metric_words import parts_of
from bvtrack.store.logged_run import LoggedRun

ByStage = Mapping[str, MetricName]
"""A metric by set: `train` and `dev`, or `test` if there is no dev set."""

PERCENT = 100.0
CROSS_ENTROPY_WORDS = re.compile(
    r"cross.?entropy|log.?loss|nll|binary:logistic|multi:soft|classif|CausalLM|MaskedLM|LMHead", re.IGNORECASE
)
"""Values of params that show the loss to be a cross-entropy: its own name, or a classifier's …"""
LOSS_PARAMS = re.compile(r"loss|objective|criterion|problem_type|architectures", re.IGNORECASE)
"""… in params with these names."""


def objection_to(run: LoggedRun, stages: ByStage) -> Unknown | None:
    """The reason why these metrics cannot be compared; `None` if they can."""
    metric = stages.get("dev") or stages["test"]
    if metric.kind == "units":
        sentence = f"{metric.name} has units, and nothing says what a constant guess would score; log R2 as well"
        return Unknown("an error in units", sentence)
    if metric.kind == "loss" and (no_means := [loss for loss in _latest(run, stages) if _is_no_mean(loss)]):
        sentence = f"{metric.name} comes to {no_means[0]:g}, so it has diverged, or is no cross-entropy of single examples"
        return Unknown("a bare loss", f"{sentence}; log an error or accuracy as well")
    if metric.kind == "rate" and _is_regression(run):
        sentence = f"{metric.name} is no error of a regression, whose targets are hardly ever met exactly; log R2 instead"
        return Unknown("an accuracy of a regression", sentence)
    if metric.kind == "loss" and not (metric.is_cross_entropy or (metric.loss is None and _is_classifier(run))):
        sentence = (
            f"{metric.name} is a bare loss, and nothing says that it is a cross-entropy; log an error or accuracy as well"
        )
        return Unknown("a bare loss", sentence)
    if metric.kind in ("rate", "score") and not is_in_percent(run, stages):
        for each in stages.values():
            latest = run.metrics[each.name].value
            if latest > 1 or (latest < 0 and not (each.may_exceed_one and each.higher_is_better)):
                return no_fraction(each.name, latest)
    return None


def no_fraction(name: str, value: float) -> Unknown:
    """The reason for a value that is not an error, at least not as logged."""
    return Unknown("no fraction", f"{name} comes to {value:g}, which is no fraction in [0, 1]; 12.5 % is 0.125")


def is_in_percent(run: LoggedRun, stages: ByStage) -> bool:
    """True if these are accuracies in percent: all are above 1, as no fraction is."""
    values = [run.metrics[metric.name].value for metric in stages.values()]
    return stages["train"].core == "accuracy" and all(1 < value <= PERCENT for value in values)


def _is_classifier(run: LoggedRun) -> bool:
    """True if the run's loss is probably a cross-entropy: it logs an accuracy too, or a param says so."""
    if _is_regression(run):
        return False
    if any(metric.kind == "rate" for metric in readings(run)):
        return True
    return any(LOSS_PARAMS.search(key) and CROSS_ENTROPY_WORDS.search(value) for key, value in run.params.items())


def _is_regression(run: LoggedRun) -> bool:
    """True if a param says so: the problem's type, or a loss that is a regression's."""
    if run.params.get("problem_type") == "regression":
        return True
    losses = [value for key, value in run.params.items() if LOSS_PARAMS.search(key)]
    return any(value.startswith("reg:") or kind_of_loss(parts_of(value)) == "regression" for value in losses)


def _latest(run: LoggedRun, stages: ByStage) -> list[float]:
    return [run.metrics[each.name].value for each in stages.values()]


def _is_no_mean(loss: float) -> bool:
    return loss < 0 or loss > LARGEST_CROSS_ENTROPY

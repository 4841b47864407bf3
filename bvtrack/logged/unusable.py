"""Reasons why logged metrics cannot be compared as errors: units, a loss of unknown kind, values that are no fractions."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bvtrack.logged.task import Task
from bvtrack.logged.unknown import Unknown
from bvtrack.measures.losses import LARGEST_CROSS_ENTROPY
from bvtrack.measures.metric_name import MetricName
from bvtrack.store.logged_run import LoggedRun

ByStage = Mapping[str, MetricName]
"""A metric by set: `train` and `dev`, or `test` if there is no dev set."""

PERCENT = 100.0
OF_A_REGRESSION = "an accuracy of a regression"
WRONG_COSTS = math.log(2)
"""The least that a cross-entropy costs for an example whose class is not the most probable: that one has at most 1/2."""
ROUNDING = 0.9
"""Share of that least which is allowed for: a loss may weight its examples otherwise than the accuracy does."""
ALMOST_NONE = 0.05
"""Guessing among 20 classes is right this often."""


def objection_to(run: LoggedRun, stages: ByStage, task: Task) -> Unknown | None:
    """The reason why these metrics cannot be compared; `None` if they can."""
    metric = stages.get("dev") or stages["test"]
    if metric.kind == "units":
        sentence = f"{metric.name} has units, and nothing says what a constant guess would score; log R2 as well"
        return Unknown("an error in units", sentence)
    if metric.kind == "loss":
        return _objection_to_loss(run, stages, metric, task)
    if metric.kind == "rate" and metric.higher_is_better and (why := _is_none_of_classes(run, stages, task)):
        sentence = (
            f"{metric.name} comes to {run.metrics[metric.name].value:g} {why}; log R2 instead, or the error of the classes"
        )
        return Unknown(OF_A_REGRESSION, sentence)
    if metric.kind in ("rate", "score") and not is_in_percent(run, stages):
        for each in stages.values():
            latest = run.metrics[each.name].value
            if latest > 1 or (latest < 0 and not (each.may_exceed_one and each.higher_is_better)):
                return no_fraction(each.name, latest)
    return None


def _objection_to_loss(run: LoggedRun, stages: ByStage, metric: MetricName, task: Task) -> Unknown | None:
    if no_means := [loss for loss in _latest(run, stages) if loss < 0 or loss > LARGEST_CROSS_ENTROPY]:
        sentence = f"{metric.name} comes to {no_means[0]:g}, so it has diverged, or is no cross-entropy of single examples"
        return Unknown("a bare loss", f"{sentence}; log an error or accuracy as well")
    is_told = task.is_of_classes or task.has_rates
    if metric.is_cross_entropy or (metric.loss is None and is_told and not task.has_other_losses):
        return None
    why = "nothing says that it is a cross-entropy"
    if task.regression:
        why = f"that of a regression: {task.regression}"
    elif metric.loss is not None or task.has_other_losses:
        why = "by its name, or by the losses beside it, no cross-entropy of single examples"
    return Unknown("a bare loss", f"{metric.name} is a bare loss, {_joined(why)}; log an error or accuracy as well")


def _joined(why: str) -> str:
    return f"and {why}" if why.startswith("nothing") else why


def _is_none_of_classes(run: LoggedRun, stages: ByStage, task: Task) -> str:
    """Why an accuracy is none of the classes that the loss beside it is of; empty if it may be."""
    held_out = "dev" if "dev" in stages else "test"
    unit = PERCENT if is_in_percent(run, stages) else 1.0
    values = [run.metrics[stages[stage].name].value / unit for stage in ("train", held_out)]
    if not all(value <= ALMOST_NONE for value in values):
        return ""
    if all(value == 0 for value in values):
        return "on training and on held-out data: it is that of targets that are never met exactly, or of other labels"
    loss = task.losses.get(held_out)
    if loss is not None and 0 <= loss < (1 - values[1]) * WRONG_COSTS * ROUNDING:
        return f"beside a loss of {loss:g}, which is no cross-entropy of these classes: each wrong example would cost 0.69"
    return ""


def no_fraction(name: str, value: float) -> Unknown:
    """The reason for a value that is not an error, at least not as logged."""
    return Unknown("no fraction", f"{name} comes to {value:g}, which is no fraction in [0, 1]; 12.5 % is 0.125")


def is_in_percent(run: LoggedRun, stages: ByStage) -> bool:
    """True if these are accuracies in percent: all are above 1, as no fraction is."""
    values = [run.metrics[metric.name].value for metric in stages.values()]
    return stages["train"].core == "accuracy" and all(1 < value <= PERCENT for value in values)


def _latest(run: LoggedRun, stages: ByStage) -> list[float]:
    return [run.metrics[each.name].value for each in stages.values()]

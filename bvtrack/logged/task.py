"""The task that a run learns, classes or quantities, as far as its params, its tags and its metrics tell."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bvtrack.measures.losses import is_of_other_kind, kind_of_loss
from bvtrack.measures.metric_name import MetricName
from bvtrack.measures.metric_words import parts_of
from bvtrack.store.logged_run import LoggedRun

CROSS_ENTROPY_WORDS = re.compile(
    r"cross.?entropy|log.?loss|nll|binary:logistic|multi:soft|classif|CausalLM|MaskedLM|LMHead|^multiclass$|^binary$",
    re.IGNORECASE,
)
"""Values of params that show the loss to be a cross-entropy: its own name, or a classifier's …"""
LOSS_PARAMS = re.compile(r"loss|objective|criterion|problem_type|architectures|^task$", re.IGNORECASE)
"""… in params with these names."""
MODEL_PARAMS = re.compile(
    r"^(model|estimator|regressor|algorithm|learner|model_?(type|name|class)|estimator_?(class|name))$", re.IGNORECASE
)
REGRESSORS = re.compile(r"regressor|\bSVR\b|linear.?regression|(for|of).?regression", re.IGNORECASE)
SAME = 1e-4
"""Relative difference up to which two metrics are one: frameworks add them up in float32."""
OF_CLASSES = {"f1_score", "auc", "auc_pr", "mcc"}
"""Scores that a regression has none of."""


@dataclass(frozen=True, slots=True)
class Task:
    """`regression` says what shows that the targets are quantities; empty if nothing does. `is_of_classes` is true if
    something shows that they are classes, and `has_rates` if an error rate or an accuracy is all that does.

    `losses` are the latest values of the losses that name no kind, by set, and `has_other_losses` is true if losses that are
    no cross-entropies are beside them.
    """

    regression: str = ""
    is_of_classes: bool = False
    has_rates: bool = False
    losses: Mapping[str | None, float] = field(default_factory=dict)
    has_other_losses: bool = False


def task_of(run: LoggedRun, known: Sequence[MetricName]) -> Task:
    """The task of a run whose metrics that can be read as errors are `known`.

    >>> task_of(LoggedRun(params={"loss": "huber"}), []).regression
    'its param loss is huber'
    """
    kinds = {name: kind_of_loss(parts_of(name)) for name in run.metrics}
    losses = {each.stage: run.metrics[each.name].value for each in known if each.kind == "loss" and each.loss is None}
    has_others = any(is_of_other_kind(parts_of(name)) for name in run.metrics)
    said = _regression_by_params(run)
    is_of_classes = not said and _says_classes(run.params, known)
    if not said and not is_of_classes:
        said = _regression_by_metrics(run, known, losses, [name for name, kind in kinds.items() if kind == "regression"])
    has_rates = not said and any(metric.kind == "rate" for metric in known)
    return Task(said, is_of_classes, has_rates, losses, has_others)


def _regression_by_params(run: LoggedRun) -> str:
    if "regressor" in run.tags.get("estimator_name", "").lower():
        return f"its estimator is a {run.tags['estimator_name']}"
    for key, value in run.params.items():
        is_loss = LOSS_PARAMS.search(key) and _is_of_regression(value)
        if is_loss or (MODEL_PARAMS.search(key) and REGRESSORS.search(value)):
            return f"its param {key} is {value}"
    return ""


def _is_of_regression(loss: str) -> bool:
    words = parts_of(loss)
    return loss.startswith("reg:") or words[:1] == ["regression"] or kind_of_loss(words) == "regression"


def _says_classes(params: Mapping[str, str], known: Sequence[MetricName]) -> bool:
    is_said = any(LOSS_PARAMS.search(key) and CROSS_ENTROPY_WORDS.search(value) for key, value in params.items())
    return is_said or any(metric.is_cross_entropy or metric.core in OF_CLASSES for metric in known)


def _regression_by_metrics(
    run: LoggedRun, known: Sequence[MetricName], losses: Mapping[str | None, float], of_quantities: Sequence[str]
) -> str:
    """R2, or an error of quantities that is what is minimised: no other loss is beside it, one of the same value, or one that
    is at least its square, as a mean of squares is.
    """
    if r2 := next((metric.name for metric in known if metric.core == "r2_score"), ""):
        return f"it logs {r2}"
    stages = {metric.name: metric.stage for metric in known}
    for name in of_quantities:
        loss = losses.get(stages.get(name, ""))
        if loss is not None and math.isclose(loss, run.metrics[name].value, rel_tol=SAME):
            return f"its loss is {name}"
    for metric in known:
        value, loss = run.metrics[metric.name].value, losses.get(metric.stage)
        if metric.core in ("mae", "rmse") and loss is not None and 1 < value**2 <= loss * (1 + SAME):
            return f"{metric.name} comes to {value:g}, more than one of probabilities, and its loss may be its square"
    return f"what it minimises is {of_quantities[0]}" if of_quantities and not losses else ""

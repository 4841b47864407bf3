"""Finds a run's train, dev and test error among its metrics, or the reason why it cannot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bvtrack.logged.autologgers import is_measured_after_fit, readings
from bvtrack.logged.task import Task, task_of
from bvtrack.logged.unknown import Unknown
from bvtrack.logged.unusable import OF_A_REGRESSION, PERCENT, ByStage, is_in_percent, objection_to
from bvtrack.measures.measure import Measure
from bvtrack.measures.metric_name import MetricName
from bvtrack.measures.metric_words import words_of
from bvtrack.measures.quantity import quantity_of
from bvtrack.schema.tag_texts import RUNNING, measure_text, one_of
from bvtrack.store.logged_run import LoggedRun

SHOWN_NAMES = 4
AS_LOGGED = "train: as logged"


@dataclass(frozen=True, slots=True)
class Found:
    """The metrics for a run's diagnosis, by set (`train`, `train_dev`, `dev`, `test`).

    `is_test_as_dev` says that a so-called test set stands in for a missing dev set. `is_exact` says that the train error is
    that of the finished model on all of its training data. `unit` is the metrics' value for 1, such as 100 for percent.
    `is_doubtful` says that the metrics are a part of the task's (one class, the top 5), or one of several that may be meant.
    Where `has_scale` is false, the metrics cannot be read as errors, and only their curves tell something; if `unless_failed`
    is there, it is the reason why even these say nothing of a training that worked.
    """

    measure: Measure
    metrics: Mapping[str, str]
    is_test_as_dev: bool = False
    is_exact: bool = False
    unit: float = 1.0
    remark: str = ""
    has_scale: bool = True
    unless_failed: Unknown | None = None
    is_doubtful: bool = False

    @property
    def leading(self) -> str:
        """The set whose points are the run's epochs: dev or, if there is none, train."""
        return "dev" if "dev" in self.metrics else "train"

    @property
    def has_units(self) -> bool:
        """True if the metrics' values are not fractions by themselves."""
        return self.measure.kind in ("loss", "units")

    @property
    def is_cross_validated(self) -> bool:
        """True if the dev error is a mean over the folds of a hyper-parameter search."""
        return self.metrics.get("dev") in ("best_cv_score", "mean_test_score")

    @property
    def measure_tag(self) -> str:
        """The value of `bvtrack.measure`."""
        measure = str(self.measure) if self.unit == 1 else f"{self.measure} / {self.unit:g}"
        return measure_text(measure, self.remark)


def find_errors(run: LoggedRun) -> Found | Unknown:
    """The most informative metrics: an error rather than a loss, on train and dev rather than on train and test.

    >>> from bvtrack.store.logged_run import Latest
    >>> metrics = {"accuracy": Latest(0.9, 9), "val_accuracy": Latest(0.8, 9), "lr": Latest(0.1, 9)}
    >>> dict(find_errors(LoggedRun(metrics=metrics)).metrics)
    {'train': 'accuracy', 'dev': 'val_accuracy'}
    """
    if not run.metrics:
        if run.is_parent:
            return Unknown("parent of other runs", "other runs are nested in it, and it has no metrics of its own")
        return Unknown("no metrics", "it has no metrics")
    known = readings(run)
    if not known:
        return Unknown(
            "no known error", f"none of its metrics is known as an error, an accuracy or a loss: {_listed(run.metrics)}"
        )
    task = task_of(run, known)
    meaningful = [metric for metric in known if not (task.regression and metric.is_of_classes)]
    candidates = sorted(_candidates(run, meaningful), key=_order)
    reason = None
    for one in candidates:
        objection = objection_to(run, one, task)
        if objection is None:
            return _found(run, one, candidates)
        reason = reason or objection
        if objection.reason == OF_A_REGRESSION:  # then the loss is no cross-entropy of classes either
            task = replace(task, has_rates=False)
    if len(meaningful) < len(known):
        return _of_a_regression(known, task, reason)
    return reason or _incomplete(run, known)


def _of_a_regression(known: Sequence[MetricName], task: Task, reason: Unknown | None) -> Unknown:
    """The reason of a regression that logs metrics of classes."""
    dropped = min((metric for metric in known if metric.is_of_classes), key=lambda metric: (metric.rank, metric.preference))
    sentence = f"{dropped.name} is no error of a regression ({task.regression}), whose targets are hardly ever met exactly"
    if reason is None:
        return Unknown(OF_A_REGRESSION, f"{sentence}; log R2 instead")
    return Unknown(reason.reason, f"{reason.sentence}; {sentence}")


def _candidates(run: LoggedRun, known: Sequence[MetricName]) -> Iterator[ByStage]:
    """For each quantity measured on both training and held-out data, its best metric for each set."""
    cores: dict[str, list[MetricName]] = defaultdict(list)
    for metric in known:
        cores[metric.core].append(metric)
    for metrics in cores.values():
        stages: dict[str, MetricName] = {}
        for metric in sorted(metrics, key=lambda metric: metric.preference):
            stages.setdefault(metric.stage or "", metric)
        bare = stages.pop("", None)
        if bare is not None and "train" not in stages and _is_train(run, bare, stages):
            stages["train"] = bare
        if "train" in stages and stages.keys() & {"dev", "test"}:
            yield stages


def _is_train(run: LoggedRun, bare: MetricName, stages: ByStage) -> bool:
    """True if a metric that names no set is the training's: the other is the same after `val_` (Keras) or `validation_`
    (MLflow's callback for Keras), or both are curves.
    """
    held_out = stages.get("dev") or stages.get("test")
    if held_out is None:
        return False
    is_prefixed = held_out.name in (f"val_{bare.name}", f"validation_{bare.name}")
    return is_prefixed or min(run.metrics[held_out.name].step, run.metrics[bare.name].step) > 0


def _order(stages: ByStage) -> tuple[bool, tuple[int, int, int, int], int, str]:
    train = stages["train"]
    return "dev" not in stages, train.rank, len(train.name), train.name


def _found(run: LoggedRun, stages: ByStage, candidates: Sequence[ByStage]) -> Found:
    is_test_as_dev = "dev" not in stages
    metrics = {"dev" if stage == "test" and is_test_as_dev else stage: metric.name for stage, metric in stages.items()}
    metric = stages["test" if is_test_as_dev else "dev"]
    is_exact = is_measured_after_fit(run)
    remarks = [] if is_exact else [_remark(run, stages["train"])]
    others = _as_good(stages, candidates)
    return Found(
        measure=Measure(metric.name, metric.higher_is_better, metric.kind, known_as=_known_as(metric)),
        metrics={stage: metrics[stage] for stage in ("train", "train_dev", "dev", "test") if stage in metrics},
        is_test_as_dev=is_test_as_dev,
        is_exact=is_exact,
        unit=PERCENT if is_in_percent(run, stages) else 1.0,
        remark="; ".join([*remarks, *([one_of(metric.name, *others)] if others else [])]),
        is_doubtful=bool(others) or metric.is_part,
    )


def _as_good(stages: ByStage, candidates: Sequence[ByStage]) -> list[str]:
    """The held-out metrics that may be meant as well: all are qualified by words that are not known, or are parts."""
    equal = (one for one in candidates if ("dev" in one) == ("dev" in stages) and one["train"].is_as_good_as(stages["train"]))
    return [(one.get("dev") or one["test"]).name for one in equal]


def _remark(run: LoggedRun, train: MetricName) -> str:
    """The train error's way of measuring, by its name: Keras, Lightning and Transformers average over an epoch."""
    is_of_epoch = bool({"epoch", "step"} & set(words_of(train.name)))
    is_running = train.stage is None or train.name == "loss" or is_of_epoch or "optimizer_name" in run.params
    return RUNNING if is_running else AS_LOGGED


def _incomplete(run: LoggedRun, known: Sequence[MetricName]) -> Unknown:
    stages = {metric.stage for metric in known}
    best = min(known, key=lambda metric: (metric.rank, metric.stage == "test", metric.preference)).name
    if "train" in stages and not stages & {"dev", "test"}:
        return Unknown("no dev error", f"it has {best} of the training data, and no error of held-out data beside it")
    if stages & {"dev", "test"} and "train" not in stages:
        return Unknown("no train error", f"it has {best} of held-out data, and no error of the training data beside it")
    if stages == {None}:
        return Unknown("sets not named", f"nothing says of which set {best} is")
    return Unknown("no pair", f"no metric was logged of both training and held-out data: {_listed(run.metrics)}")


def _listed(metrics: Mapping[str, object]) -> str:
    shown = sorted(metrics)[:SHOWN_NAMES]
    more = len(metrics) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _known_as(metric: MetricName) -> str:
    """What the metric is, where its logged name does not tell, such as an estimator's own score."""
    return "" if quantity_of(metric.name) else metric.core

"""Which of a run's metrics are its train, dev and test error, or why that cannot be known."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bvtrack.auditing.flavours import is_measured_after_fit, readings
from bvtrack.auditing.logged_run import LoggedRun
from bvtrack.auditing.metric_name import MetricName
from bvtrack.measure import Measure

ByStage = Mapping[str, MetricName]

SHOWN_NAMES = 4
PERCENT = 100.0
RUNNING = "train: running average, not in eval mode"
"""The remark that the callbacks put into `bvtrack.measure`."""
AS_LOGGED = "train: as logged"
CROSS_ENTROPY_WORDS = re.compile(
    r"cross.?entropy|log.?loss|nll|binary:logistic|multi:soft|classif|CausalLM|MaskedLM|LMHead", re.IGNORECASE
)
"""What says in a param that the loss is a cross-entropy: its own name, or that the model tells classes apart …"""
OF_LOSS = re.compile(r"loss|objective|criterion|problem_type|architectures", re.IGNORECASE)
"""… in a param of such a name."""


class Unknown(NamedTuple):
    """Why a run is not diagnosed: in few words, to be counted by, and in a sentence that says what would help."""

    reason: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Found:
    """The metrics to diagnose a run by, by set (`train`, `train_dev`, `dev`, `test`).

    `is_test_as_dev` says that what is called a test set stands in for a dev set that there is none of. `is_exact` says that
    the train error is that of the finished model on all of its training data. `unit` is what stands for 1 in the metrics.
    """

    measure: Measure
    metrics: Mapping[str, str]
    is_test_as_dev: bool = False
    is_exact: bool = False
    unit: float = 1.0
    remark: str = ""

    @property
    def is_cross_validated(self) -> bool:
        """Whether the dev error is a mean over the folds of a search."""
        return self.metrics.get("dev") in ("best_cv_score", "mean_test_score")

    @property
    def measure_tag(self) -> str:
        """The value of `bvtrack.measure`."""
        measure = str(self.measure) if self.unit == 1 else f"{self.measure} / {self.unit:g}"
        return f"{measure} ({self.remark})" if self.remark else measure


def find_errors(run: LoggedRun) -> Found | Unknown:
    """The metrics that tell most of the run: of an error rather than a loss, on train and dev rather than on train and test.

    >>> from bvtrack.auditing.logged_run import Latest
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
    candidates = sorted(_candidates(run, known), key=_order)
    usable = (one for one in candidates if not _objection(run, one))
    best = next(usable, None)
    if best is not None:
        return _found(run, best)
    objections = (objection for one in candidates if (objection := _objection(run, one)))
    return next(objections, None) or _incomplete(run, known)


def _candidates(run: LoggedRun, known: Sequence[MetricName]) -> Iterator[ByStage]:
    """For each thing that was measured the best name for each set, where it was measured on training and held-out data."""
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
    """Whether a metric that names no set is the training's: the other one is `val_` before the same (Keras), or a curve."""
    held_out = stages.get("dev") or stages.get("test")
    if held_out is None:
        return False
    return held_out.name == f"val_{bare.name}" or min(run.metrics[held_out.name].step, run.metrics[bare.name].step) > 0


def _order(stages: ByStage) -> tuple[bool, int]:
    return "dev" not in stages, stages["train"].rank


def _objection(run: LoggedRun, stages: ByStage) -> Unknown | None:
    """What keeps these metrics from being compared as fractions."""
    metric = stages.get("dev") or stages["test"]
    if metric.kind == "units":
        sentence = f"{metric.name} has units, and nothing says what a constant guess would score; log R2 as well"
        return Unknown("an error in units", sentence)
    if metric.kind == "loss" and not (metric.is_cross_entropy or _is_classifier(run)):
        sentence = (
            f"{metric.name} is a bare loss, and nothing says that it is a cross-entropy; log an error or accuracy as well"
        )
        return Unknown("a bare loss", sentence)
    if metric.kind in ("rate", "score") and not _is_in_percent(run, stages):
        for each in stages.values():
            latest = run.metrics[each.name].value
            if latest > 1 or (latest < 0 and each.core != "r2_score"):
                return no_fraction(each.name, latest)
    return None


def no_fraction(name: str, value: float) -> Unknown:
    """A value that is no error, or none as it was logged."""
    return Unknown("no fraction", f"{name} comes to {value:g}, which is no fraction in [0, 1]; 12.5 % is 0.125")


def _is_in_percent(run: LoggedRun, stages: ByStage) -> bool:
    """Whether these are accuracies in percent: all above 1, which as percents are too low for one that is logged."""
    values = [run.metrics[metric.name].value for metric in stages.values()]
    return stages["train"].core == "accuracy" and all(1 < value <= PERCENT for value in values)


def _is_classifier(run: LoggedRun) -> bool:
    """Whether the run's loss can be taken for a cross-entropy: it logs an accuracy too, or a param says so."""
    if run.params.get("problem_type") == "regression":
        return False
    if any(metric.kind == "rate" for metric in readings(run)):
        return True
    return any(OF_LOSS.search(key) and CROSS_ENTROPY_WORDS.search(value) for key, value in run.params.items())


def _found(run: LoggedRun, stages: ByStage) -> Found:
    is_test_as_dev = "dev" not in stages
    metrics = {"dev" if stage == "test" and is_test_as_dev else stage: metric.name for stage, metric in stages.items()}
    metric = stages["test" if is_test_as_dev else "dev"]
    is_exact = is_measured_after_fit(run)
    return Found(
        measure=Measure(metric.name, metric.higher_is_better, metric.kind),
        metrics={stage: metrics[stage] for stage in ("train", "train_dev", "dev", "test") if stage in metrics},
        is_test_as_dev=is_test_as_dev,
        is_exact=is_exact,
        unit=PERCENT if _is_in_percent(run, stages) else 1.0,
        remark="" if is_exact or "train" not in stages else _remark(run, stages["train"]),
    )


def _remark(run: LoggedRun, train: MetricName) -> str:
    """How the train error was measured, as far as its name tells: Keras, Lightning and Transformers average over an epoch."""
    words = train.name.replace("/", "_").split("_")
    is_running = train.stage is None or train.name == "loss" or {"epoch", "step"} & set(words) or "optimizer_name" in run.params
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

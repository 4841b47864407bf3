"""The loss of a run without errors: no gap can be named of it, but its curve tells whether the training worked."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from bvtrack.logged.autologgers import readings
from bvtrack.logged.error_metrics import Found
from bvtrack.logged.unknown import Unknown
from bvtrack.measures.losses import is_penalty
from bvtrack.measures.measure import Measure
from bvtrack.measures.metric_name import MetricName
from bvtrack.measures.metric_words import parts_of
from bvtrack.store.logged_run import LoggedRun

CURVES_TELL = ("a bare loss", "an error in units", "an accuracy of a regression")
"""Reasons why metrics are no errors that leave something to be judged: their curves."""
FAILURES_TELL = ("no train error", "no dev error", "sets not named", "no pair")
"""Reasons why metrics are no pair, which is worth a verdict only if the training failed or was better at another epoch."""


def find_curve(run: LoggedRun, why_not: Unknown) -> Found | Unknown:
    """The loss, or error in units, whose curve can be judged, of train and dev or else of one of them alone; `why_not` if there
    is none, or only one point of it: that tells nothing.
    """
    losses = [metric for metric in readings(run) if metric.kind in ("loss", "units") and _has_curve(run, metric)]
    losses = [metric for metric in losses if not is_penalty(parts_of(metric.name))]
    if why_not.reason in CURVES_TELL:
        return _pair(run, losses) or why_not
    if why_not.reason not in FAILURES_TELL:
        return why_not
    diverged = [metric for metric in losses if math.isnan(run.metrics[metric.name].value)]
    alone = min((diverged or [metric for metric in losses if metric.stage == "dev"]), key=_preference, default=None)
    if alone is None:
        return why_not
    stage = alone.stage or "train"
    return Found(_measure(alone), {"dev" if stage == "test" else stage: alone.name}, has_scale=False, unless_failed=why_not)


def _pair(run: LoggedRun, losses: Sequence[MetricName]) -> Found | None:
    cores: dict[str, dict[str, MetricName]] = defaultdict(dict)
    for metric in sorted(losses, key=lambda metric: (metric.stage is None, metric.preference)):
        cores[metric.core].setdefault(metric.stage or "train", metric)
    pairs = [stages for stages in cores.values() if "train" in stages and stages.keys() & {"dev", "test"}]
    if not pairs:
        return None
    stages = min(pairs, key=lambda stages: ("dev" not in stages, stages["train"].rank, stages["train"].name))
    dev = stages.get("dev") or stages["test"]
    metrics = {"train": stages["train"].name, "dev": dev.name}
    return Found(_measure(dev), metrics, is_test_as_dev="dev" not in stages, has_scale=False)


def _has_curve(run: LoggedRun, metric: MetricName) -> bool:
    return run.metrics[metric.name].step > 0


def _preference(metric: MetricName) -> tuple[object, ...]:
    return metric.rank, metric.preference


def _measure(metric: MetricName) -> Measure:
    return Measure(metric.name, metric.higher_is_better, metric.kind, is_cross_entropy=False)

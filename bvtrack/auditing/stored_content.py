"""What a report says of a run that MLflow holds, whatever logged it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from bvtrack.auditing.baseline import kept
from bvtrack.auditing.judge import History, read_errors, verdict_on
from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.diagnosis.recipe import Step
from bvtrack.diagnosis.run_verdict import EpochErrors, Verdict, judge
from bvtrack.error_rates.error_rate import is_fraction
from bvtrack.error_rates.gaps import Gap
from bvtrack.logged.error_history import curve_of
from bvtrack.logged.error_metrics import find_errors
from bvtrack.logged.unknown import Unknown
from bvtrack.report.content import Content, RunAddress, baseline_name
from bvtrack.report.page import histograms_of, split_in_words
from bvtrack.schema import names, tags
from bvtrack.schema.gaps import rounded
from bvtrack.schema.model_tags import read_model
from bvtrack.splits.check import findings_in
from bvtrack.splits.finding import Finding
from bvtrack.store.logged_run import LoggedRun
from bvtrack.store.reader import Store
from bvtrack.store.target import without_credentials

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""What somebody else's file may raise where it is not what was expected."""


def content_of(run_id: str, tracking_uri: str) -> Content:
    """The content of a run's report.

    Raises `ValueError` for a run that is deleted, or cannot be diagnosed, which says why, and what MLflow raises.
    """
    store = Store(tracking_uri)
    found = store.run(run_id)
    run = LoggedRun.of(found)
    if found.info.lifecycle_stage == "deleted":
        raise ValueError(f"the run {run_id} ({run.name}) is deleted; restore it first (mlflow runs restore)")
    address = RunAddress(run_id, str(found.info.experiment_id), without_credentials(tracking_uri))
    is_ours = any(names.error_metric(name) in run.metrics for name in SET_NAMES)
    content = _of_a_callback(run, store) if is_ours else _of_others(run, partial(store.history, run_id))
    return replace(content, address=address, baseline=baseline_name(tags.BASELINE.read(run.tags)))


def _of_a_callback(run: LoggedRun, store: Store) -> Content:
    epochs = _epochs(run, partial(store.history, run.run_id))
    split = _readable(store.json_artifact(run.run_id, names.SPLITS_FILE))
    return Content(
        name=run.name,
        verdict=_as_it_was(run, store.json_artifact(run.run_id, names.DIAGNOSIS_FILE)) or _anew(run, epochs),
        history=epochs,
        measure=tags.MEASURE.read(run.tags),
        state=tags.STATE.read(run.tags),
        split=split,
        findings=_findings(split),
        version=tags.VERSION.read(run.tags),
    )


def _of_others(run: LoggedRun, history: History) -> Content:
    found = find_errors(run)
    errors = found if isinstance(found, Unknown) else read_errors(run, found, history)
    if isinstance(found, Unknown) or isinstance(errors, Unknown):
        why = errors.sentence if isinstance(errors, Unknown) else ""
        raise ValueError(f"the run {run.run_id} ({run.name}) cannot be diagnosed: {why}")
    verdict = verdict_on(run, errors, kept(run, found.measure_tag))
    return Content(run.name, verdict, errors.epochs, found.measure_tag, version=tags.VERSION.read(run.tags), unit="step")


def _epochs(run: LoggedRun, history: History) -> list[EpochErrors]:
    """The errors that a callback has logged; how many examples they were measured on is known of the verdict's epoch."""
    gaps = tags.GAPS.read(run.tags)
    counts = gaps.counts if gaps else {}
    curves = {n: curve_of(history(names.error_metric(n))) for n in SET_NAMES if names.error_metric(n) in run.metrics}
    epochs = sorted(set().union(*curves.values()))
    found = ({name: curve[epoch] for name, curve in curves.items() if _is_error(curve.get(epoch))} for epoch in epochs)
    return [
        EpochErrors(epoch, errors, {name: n for name, n in counts.items() if name in errors})
        for epoch, errors in zip(epochs, found, strict=True)
    ]


def _is_error(value: float | None) -> bool:
    """Whether it is one, finite or not; under our names somebody else may have logged what is none."""
    return value is not None and (is_fraction(value) or not math.isfinite(value))


def _as_it_was(run: LoggedRun, written: Mapping[str, Any]) -> Verdict | None:
    """What the training said, unless the run was tagged otherwise since; `None` where that cannot be read."""
    with contextlib.suppress(*UNREADABLE):
        known = dict(written["diagnosis"])
        gaps = tags.GAPS.read(run.tags)
        human = (gaps.human_error if gaps else None) or 0.0
        if known["tag"] == tags.DIAGNOSIS.read(run.tags) and rounded(known["human_error"]) == human:
            known["gaps"] = {name: Gap(**gap) for name, gap in known["gaps"].items()}
            known["problems"] = tuple(known["problems"])
            steps = tuple(Step(**step) for step in written["steps"])
            return Verdict(written["epoch"], Diagnosis(**known), written["curve"], steps)
    return None


def _anew(run: LoggedRun, epochs: list[EpochErrors]) -> Verdict:
    """The verdict on the errors that were logged, against the baseline that the tags name."""
    return judge(
        epochs,
        at="best",
        human_error=kept(run, "").error,
        same_distribution=True,
        chance=None,
        model=read_model(run.tags),
        n_train=next((each.n for each in run.datasets if each.context == "train"), None),
    )


def _findings(split: Mapping[str, Any]) -> list[Finding]:
    """The findings of `bvtrack/splits.json`."""
    with contextlib.suppress(*UNREADABLE):
        return list(findings_in(split))
    return []


def _readable(split: Mapping[str, Any]) -> Mapping[str, Any]:
    """The content of `bvtrack/splits.json`; empty where a report could not show it."""
    with contextlib.suppress(*UNREADABLE):
        split_in_words(split)
        histograms_of(split)
        return split
    return {}

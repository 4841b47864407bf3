"""Content of a report from a run read from MLflow; nothing is read or written here."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bvtrack.auditing.baseline import from_tags
from bvtrack.auditing.metrics_content import content_of_metrics
from bvtrack.auditing.stored_run import OWN_METRICS, OWN_VALUES, StoredRun
from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.run_verdict import EpochErrors, Verdict, judge
from bvtrack.error_rates.error_rate import is_fraction
from bvtrack.logged.error_metrics import Found
from bvtrack.logged.unknown import Unknown
from bvtrack.report.content import Content, baseline_name
from bvtrack.schema import tags
from bvtrack.schema.model_tags import read_model
from bvtrack.schema.stored_numbers import rounded
from bvtrack.schema.tags import OF_GROUP
from bvtrack.splits.faults import faults_of, faults_of_codes
from bvtrack.store.logged_run import LoggedRun
from bvtrack.store.repeated_runs import tags_of_parent


def content_of(stored: StoredRun) -> Content:
    """The content of a run's report. Raises `ValueError`, with the reason, for a run that cannot be diagnosed."""
    if tags.is_configuration(stored.run.tags):
        return _content_of_repeats(stored)
    content = _content_by_callback(stored) if stored.found is None else _content_by_others(stored, stored.found)
    return replace(content, configuration=stored.configuration)


def _content_of_repeats(stored: StoredRun) -> Content:
    run = stored.run
    found = tags_of_parent(stored.repeats, tags.SOURCE.read(run.tags) or OF_GROUP)
    if found is None:
        raise ValueError(
            f"the run {run.run_id} ({run.name}) has a verdict over repeats, and the runs that are nested in it now are not the "
            "repeats of one configuration; bvtrack audit judges them anew"
        )
    repeated, said = found
    return Content(
        name=run.name,
        verdict=repeated.verdict,
        measure=tags.MEASURE.read(said),
        address=stored.address,
        baseline=baseline_name(tags.BASELINE.read(said)),
        model=read_model(said),
        repeated=repeated,
    )


def _content_by_callback(stored: StoredRun) -> Content:
    run, epochs, said = stored.run, _epochs(stored), stored.verdict
    is_said = said is not None and (not epochs or _is_tagged(run, said.diagnosis))
    return Content(
        name=run.name,
        verdict=said if said is not None and is_said else _judge_again(stored, epochs),
        history=epochs,
        measure=tags.MEASURE.read(run.tags),
        state=tags.STATE.read(run.tags),
        address=stored.address,
        split=stored.split.content,
        findings=stored.split.findings,
        version=stored.version,
        baseline=baseline_name(tags.BASELINE.read(run.tags)),
        weights=stored.choice.weights,
        examples=stored.choice.examples,
        model=read_model(run.tags),
        sizes=stored.choice.sizes,
        stopped=stored.choice.stopped,
    )


def _content_by_others(stored: StoredRun, found: Found | Unknown) -> Content:
    content = content_of_metrics(stored.run, found, stored.history, from_tags)
    if isinstance(content, Unknown):
        run = stored.run
        raise ValueError(f"the run {run.run_id} ({run.name}) cannot be diagnosed: {content.sentence}")
    return replace(content, address=stored.address)


def _epochs(stored: StoredRun) -> list[EpochErrors]:
    """The errors logged by a callback, or the values of a run without any; every epoch gets the verdict's counts, the only
    ones stored.
    """
    counts = tags.gaps_of(stored.run.tags).counts
    errors, values = _curves(stored, OWN_METRICS), _curves(stored, OWN_VALUES)
    if not errors:
        return [EpochErrors(epoch, {}, unscaled=found) for epoch, found in _by_epoch(values)]
    found = ((epoch, {name: error for name, error in one.items() if _is_error(error)}) for epoch, one in _by_epoch(errors))
    return [EpochErrors(epoch, one, {name: n for name, n in counts.items() if name in one}) for epoch, one in found]


def _curves(stored: StoredRun, metrics: Mapping[str, str]) -> dict[str, dict[int, float]]:
    """The values of these metrics by epoch, by set."""
    return {
        name: {point.step: point.value for point in sorted(stored.points[metric])}
        for name, metric in metrics.items()
        if metric in stored.points
    }


def _by_epoch(curves: Mapping[str, Mapping[int, float]]) -> Iterator[tuple[int, dict[str, float]]]:
    for epoch in sorted(set().union(*curves.values())):
        yield epoch, {name: curve[epoch] for name, curve in curves.items() if epoch in curve}


def _is_error(value: float) -> bool:
    """True for an error, finite or not; somebody else may have logged other values under our names."""
    return is_fraction(value) or not math.isfinite(value)


def _is_tagged(run: LoggedRun, diagnosis: Diagnosis) -> bool:
    """True if the run's tags still state this diagnosis; an audit may have changed them since."""
    human_error = tags.gaps_of(run.tags).human_error or 0.0
    return diagnosis.tag == tags.DIAGNOSIS.read(run.tags) and rounded(diagnosis.human_error) == human_error


def _judge_again(stored: StoredRun, epochs: Sequence[EpochErrors]) -> Verdict:
    """The verdict on the logged errors, against the baseline in the tags; without findings, the codes in the tags tell of the
    split.
    """
    run, findings = stored.run, stored.split.findings
    faults = faults_of(findings) if findings else faults_of_codes(tags.SPLIT.read(run.tags), tags.NEXT_STEP.read(run.tags))
    baseline = from_tags(run, "")
    return judge(
        epochs,
        at="best",
        human_error=baseline.error,
        is_upper_bound=baseline.is_upper_bound,
        same_distribution=True,
        chance=stored.chance,
        model=read_model(run.tags),
        n_train=next((each.n for each in run.datasets if each.context == "train"), None),
        unit=tags.unit_in(run.tags),
        split_faults=faults,
    )

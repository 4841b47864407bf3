"""Diagnose a run again from its own tags, against another baseline."""

from __future__ import annotations

from bvtrack.auditing.audited import with_tags
from bvtrack.auditing.baseline import Choice
from bvtrack.auditing.judged import Judged
from bvtrack.diagnosis.evidence import Evidence
from bvtrack.diagnosis.recipe import recommend
from bvtrack.diagnosis.run_verdict import EpochErrors, Verdict, diagnose_epoch
from bvtrack.error_rates.optimism import Optimism
from bvtrack.logged.unknown import Unknown
from bvtrack.schema import tags
from bvtrack.schema.model_tags import read_model
from bvtrack.schema.stored_numbers import rounded
from bvtrack.schema.tags import Tags
from bvtrack.schema.verdict_metrics import verdict_metrics
from bvtrack.splits.faults import faults_of_codes
from bvtrack.store.logged_run import LoggedRun

NOTHING_TO_COMPARE = Unknown("nothing to compare", "its diagnosis rests on no gaps, so that no baseline changes it")


def rejudge_run(run: LoggedRun, choose: Choice) -> Judged:
    """The result, new tags and metrics for a callback's or a Tracker's run against the baseline chosen for it; `bvtrack.source`
    stays.

    `bvtrack.gaps` has the errors, to a hundredth of a point, with their counts. It lacks the intervals of errors that are not
    shares of examples, so such a diagnosis is at most `likely`.
    """
    gaps = tags.gaps_of(run.tags)
    if not gaps.widths:
        return Judged.nothing(run, NOTHING_TO_COMPARE)
    baseline = choose(run, tags.MEASURE.read(run.tags) or "")
    if baseline.is_in_tags_of(run):
        return Judged(with_tags(run, run.tags, {}))
    counts = {name: n for name, n in gaps.counts.items() if name in gaps.errors}
    entry = EpochErrors(tags.EPOCH.read(run.tags) or 0, gaps.errors, counts)
    is_same_source = "variance" in gaps.widths or not {"train", "dev"} <= gaps.errors.keys()
    optimism = Optimism(gaps.optimism, n_epochs=gaps.n_epochs)
    diagnosis = diagnose_epoch(
        entry,
        human_error=baseline.error,
        same_distribution=is_same_source,
        optimism=optimism,
        unit=tags.unit_in(run.tags),
        is_upper_bound=baseline.is_upper_bound,
    )
    curve = tags.CURVE.read(run.tags)
    n_train = next((each.n for each in run.datasets if each.context == "train"), None)
    steps = recommend(diagnosis, Evidence(curve=curve, model=read_model(run.tags), n_train=n_train))
    faults = faults_of_codes(tags.SPLIT.read(run.tags), tags.NEXT_STEP.read(run.tags))
    verdict = Verdict.of(entry.epoch, diagnosis, curve, steps, faults)
    found = tags.verdict_tags(verdict) | {tags.BASELINE.name: baseline.source}
    return Judged(with_tags(run, {**_kept(run), **found}, {}), {**found, **_stale(run)}, _values(run, verdict))


def _values(run: LoggedRun, verdict: Verdict) -> dict[str, float]:
    """The metrics of the verdict; those stay that its training has written, with more digits than there are in the tags."""
    shown = {name: latest.value for name, latest in run.verdict.items()}
    values = verdict_metrics(verdict)
    return {name: shown[name] if rounded(shown.get(name)) == rounded(value) else value for name, value in values.items()}


def _kept(run: LoggedRun) -> Tags:
    """The run's tags that do not depend on the baseline."""
    return {tag.name: run.tags[tag.name] for tag in (tags.MEASURE, tags.SPLIT) if tag.name in run.tags}


def _stale(run: LoggedRun) -> Tags:
    """The removal of an earlier version's tags that tell of the verdict before."""
    return {name: None for name in tags.BEFORE if name in run.tags}

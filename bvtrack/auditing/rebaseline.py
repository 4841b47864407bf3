"""A run that has been diagnosed, diagnosed anew from its own tags against another baseline."""

from __future__ import annotations

from bvtrack.auditing.audited import Audited, skipped, with_tags
from bvtrack.auditing.baseline import Choice
from bvtrack.diagnosis.diagnosis import STATES_WITHOUT_GAPS
from bvtrack.diagnosis.evidence import Evidence
from bvtrack.diagnosis.recipe import recommend
from bvtrack.diagnosis.run_verdict import EpochErrors, Verdict, diagnose_epoch
from bvtrack.logged.unknown import Unknown
from bvtrack.schema import names
from bvtrack.schema.gaps_tag import counts_of, errors_of, read_gaps, widths_of
from bvtrack.schema.tags import Tags
from bvtrack.store.best_other_run import model_of
from bvtrack.store.logged_run import LoggedRun

NOTHING_TO_COMPARE = Unknown("nothing to compare", "its diagnosis rests on no errors, so that no baseline changes it")


def rejudge_run(run: LoggedRun, choose: Choice) -> tuple[Audited, Tags]:
    """What a callback's or a Tracker's run is against the baseline chosen for it; who diagnosed it stays as it is.

    `bvtrack.gaps` holds the errors, to a hundredth of a point, with their counts. Of errors that are no shares of examples the
    intervals are not there, so that such a diagnosis is `likely` at most.
    """
    gaps = read_gaps(run.tags)
    errors = errors_of(gaps)
    if not errors or run.tags.get(names.DIAGNOSIS) in STATES_WITHOUT_GAPS:
        return skipped(run, NOTHING_TO_COMPARE), {}
    baseline = choose(run, run.tags.get(names.MEASURE, ""))
    if baseline.is_that_of(run):
        return with_tags(run, run.tags, {}), {}
    entry = EpochErrors(_epoch(run), errors, {name: n for name, n in counts_of(gaps).items() if name in errors})
    is_same_source = "variance" in widths_of(gaps) or not {"train", "dev"} <= errors.keys()
    diagnosis = diagnose_epoch(entry, human_error=baseline.error, same_distribution=is_same_source)
    curve = run.tags.get(names.CURVE)
    n_train = next((each.n for each in run.datasets if each.context == "train"), None)
    steps = recommend(diagnosis, Evidence(curve=curve, model=model_of(run.tags), n_train=n_train))
    tags = Verdict(entry.epoch, diagnosis, curve, steps).tags() | {names.BASELINE: baseline.source}
    return with_tags(run, {**_kept(run), **tags}, {}), tags


def _kept(run: LoggedRun) -> Tags:
    """What the run's tags say that no baseline changes."""
    return {name: run.tags[name] for name in (names.MEASURE, names.SPLIT) if name in run.tags}


def _epoch(run: LoggedRun) -> int:
    try:
        return int(run.tags.get(names.EPOCH, "0"))
    except ValueError:  # somebody else may have written it
        return 0

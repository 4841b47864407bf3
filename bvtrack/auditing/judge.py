"""Verdict and tags of a run from its logged metrics."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from bvtrack.auditing.audited import with_tags
from bvtrack.auditing.baseline import Baseline, Choice
from bvtrack.auditing.judged import Judged
from bvtrack.diagnosis.run_verdict import EpochErrors, Verdict, judge
from bvtrack.error_rates.error_rate import is_fraction
from bvtrack.logged.bare_curve import find_curve
from bvtrack.logged.error_history import epochs_of
from bvtrack.logged.error_metrics import Found, find_errors
from bvtrack.logged.other_metric import dev_loss_of, disagreement
from bvtrack.logged.params import model_facts
from bvtrack.logged.series import Series, series_of
from bvtrack.logged.split_sizes import codes_of_equal_sets, split_sizes, split_tag
from bvtrack.logged.unknown import Unknown
from bvtrack.logged.unusable import no_fraction
from bvtrack.measures.measure import has_diverged
from bvtrack.schema import tags
from bvtrack.schema.tags import AUDIT, RunFacts, Tags
from bvtrack.schema.verdict_metrics import metrics_in, verdict_metrics
from bvtrack.splits.faults import faults_of_codes
from bvtrack.store.logged_run import LoggedRun
from bvtrack.store.metric_point import Point
from bvtrack.version import __version__

History = Callable[[str], Sequence[Point]]
"""Returns the points of one of the run's metrics."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of a run by epoch, and the sizes of its sets from the logged datasets. `remark` is a sentence on another metric
    that tells otherwise.
    """

    found: Found
    epochs: list[EpochErrors]
    sizes: Mapping[str, int]
    remark: str = ""


def judge_run(run: LoggedRun, history: History, choose: Choice) -> Judged:
    """The result for a run, its new tags and metrics; neither if it is not diagnosed. Raises what `history` raises.

    No history is read if an audit of this version has already read the same, against the same baseline; metrics that are
    missing then follow from the tags.
    """
    found = find_metrics(run)
    if isinstance(found, Unknown):
        return Judged.nothing(run, found)
    baseline = choose(run, found.measure_tag)
    if is_unchanged(run, baseline):
        return Judged(with_tags(run, run.tags, found.metrics), values={} if run.verdict else metrics_in(run.tags))
    errors = read_errors(run, found, history)
    if isinstance(errors, Unknown):
        return Judged.nothing(run, errors)
    verdict = verdict_on(run, errors, baseline)
    if (why_not := unless_failed(found, verdict)) is not None:
        return Judged.nothing(run, why_not)
    found_tags = _tags(run, errors, verdict, baseline)
    return Judged(with_tags(run, found_tags, found.metrics), found_tags, verdict_metrics(verdict))


def find_metrics(run: LoggedRun) -> Found | Unknown:
    """The metrics for the run's diagnosis: its errors or, if there are none, a loss whose curve can be judged."""
    found = find_errors(run)
    return find_curve(run, found) if isinstance(found, Unknown) else found


def read_errors(run: LoggedRun, found: Found, history: History) -> Errors | Unknown:
    """The run's errors by epoch, or the reason why there are none. Raises what `history` raises."""
    sizes = split_sizes(run, found)
    epochs = epochs_of(found, _all_series(run, found, history), _counts(found, sizes))
    if isinstance(epochs, Unknown):
        return epochs
    if no_fractions := [error for entry in epochs for error in entry.finite.values() if not is_fraction(error)]:
        return no_fraction(found.metrics[found.leading], no_fractions[0])
    if has_diverged({name: latest.value for name, latest in run.metrics.items()}):
        epochs[-1] = _diverged(epochs[-1])
    return Errors(found, epochs, sizes)


def _diverged(entry: EpochErrors) -> EpochErrors:
    """The epoch with a train error, or a train loss if that is judged, that is not finite."""
    raw = {**entry.unscaled, "train": math.nan} if entry.unscaled else {}
    return replace(entry, errors={**entry.errors, "train": math.nan}, unscaled=raw)


def unless_failed(found: Found, verdict: Verdict) -> Unknown | None:
    """The reason for saying nothing of a run by this verdict; `None` if there is something to say."""
    return found.unless_failed if verdict.curve in (None, "learning", "converged") else None


def with_other_metric(run: LoggedRun, errors: Errors, history: History) -> Errors:
    """The errors with a remark on a dev loss that tells otherwise: one history more to read."""
    loss = dev_loss_of(run, errors.found)
    return errors if loss is None else replace(errors, remark=disagreement(loss, history, errors.epochs))


def verdict_on(run: LoggedRun, errors: Errors, baseline: Baseline) -> Verdict:
    """The verdict on the run from these errors."""
    verdict = judge(
        errors.epochs,
        at="best",
        human_error=baseline.error,
        is_upper_bound=baseline.is_upper_bound,
        same_distribution=True,
        chance=None,
        model=model_facts(run),
        n_train=errors.sizes.get("train"),
        unit=errors.found.measure.unit,
        split_faults=faults_of_codes(_split_of(run, errors)),
    )
    if errors.remark:
        explanation = f"{verdict.diagnosis.explanation} {errors.remark}"
        verdict = replace(verdict, diagnosis=replace(verdict.diagnosis, explanation=explanation))
    return verdict if len(errors.epochs) > 1 else replace(verdict, curve=None)  # one point has no shape


def is_unchanged(run: LoggedRun, baseline: Baseline) -> bool:
    """True if the run's tags are up to date: same digest and baseline, and none of an earlier version's."""
    is_own = tags.SOURCE.read(run.tags) == AUDIT and not tags.obsolete_in(run.tags)
    return is_own and baseline.is_in_tags_of(run) and tags.gaps_of(run.tags).digest == digest_of(run)


def digest_of(run: LoggedRun) -> str:
    """8 hexadecimal digits that change with anything that this version's diagnosis may depend on, and with the version."""
    import hashlib  # a tenth of the time of `import bvtrack`

    return hashlib.blake2b(f"{__version__} {run.digest}".encode(), digest_size=4).hexdigest()


def _all_series(run: LoggedRun, found: Found, history: History) -> dict[str, Series]:
    is_stepped = any(run.metrics[name].step for name in found.metrics.values())
    series = {stage: _series(run, name, history if is_stepped else _no_history) for stage, name in found.metrics.items()}
    last = series[found.leading].points[-1].step
    return {stage: _without(one, last) for stage, one in series.items()} if _repeats_best(run, last) else series


def _without(series: Series, step: int) -> Series:
    left = [point for point in series.points if point.step != step]
    return replace(series, points=left) if left else series


def _repeats_best(run: LoggedRun, last: int) -> bool:
    """True if the last step repeats the best one, as MLflow's autologgers log it after early stopping: XGBoost and LightGBM
    always, TensorFlow after the epoch that it stopped at.
    """
    stopped = run.metrics.get("stopped_epoch")
    return "stopped_iteration" in run.metrics or (stopped is not None and last > stopped.value)


def _series(run: LoggedRun, name: str, history: History) -> Series:
    latest = run.metrics[name]
    return series_of(history(name) or [Point(latest.step, latest.timestamp, latest.value)])


def _no_history(name: str) -> Sequence[Point]:
    """For a run whose latest points are all at step 0: each is the only one, or the last that was logged."""
    return ()


def _tags(run: LoggedRun, errors: Errors, verdict: Verdict, baseline: Baseline) -> Tags:
    facts = RunFacts(
        verdict=verdict,
        source=AUDIT,
        baseline=baseline.source,
        measure=errors.found.measure_tag,
        split=_split_of(run, errors),
        model={name: value for name, value in asdict(model_facts(run)).items() if value is not None},
        digest=digest_of(run),
    )
    return {**tags.tags_of(facts, "audit"), **tags.obsolete_in(run.tags)}


def _split_of(run: LoggedRun, errors: Errors) -> str:
    has_curve, of_equal = len(errors.epochs) > 1, codes_of_equal_sets(run)
    return split_tag(errors.found, errors.sizes, has_curve=has_curve, of_equal=of_equal)


def _counts(found: Found, sizes: Mapping[str, int]) -> dict[str, int]:
    """Numbers of examples, for errors that are surely shares of them and measured on exactly these sets."""
    if not found.measure.is_rate or found.is_cross_validated or found.is_doubtful:
        return {}
    return {name: n for name, n in sizes.items() if name in found.metrics and (name != "train" or found.is_exact)}

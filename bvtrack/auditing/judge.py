"""Verdict and tags of a run from its logged metrics."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from bvtrack.auditing.audited import Audited, skipped, with_tags
from bvtrack.auditing.baseline import Baseline, Choice
from bvtrack.diagnosis.run_verdict import EpochErrors, Verdict, judge
from bvtrack.error_rates.error_rate import is_fraction
from bvtrack.logged.error_history import Curve, curve_of, epochs_of
from bvtrack.logged.error_metrics import Found, find_errors
from bvtrack.logged.params import model_facts
from bvtrack.logged.split_sizes import split_sizes, split_tag
from bvtrack.logged.unknown import Unknown
from bvtrack.logged.unusable import no_fraction
from bvtrack.measures.measure import has_diverged
from bvtrack.schema import tags
from bvtrack.schema.tags import AUDIT, RunFacts, Tags
from bvtrack.store.logged_run import LoggedRun
from bvtrack.store.metric_point import Point
from bvtrack.version import __version__

History = Callable[[str], Sequence[Point]]
"""Returns the points of one of the run's metrics."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of a run by epoch, and the sizes of its sets from the logged datasets."""

    found: Found
    epochs: list[EpochErrors]
    sizes: Mapping[str, int]


def judge_run(run: LoggedRun, history: History, choose: Choice) -> tuple[Audited, Tags]:
    """The result for a run and its new tags; no tags if it is not diagnosed. Raises what `history` raises.

    No history is read if an audit of this version has already read the same, against the same baseline.
    """
    found = find_errors(run)
    if isinstance(found, Unknown):
        return skipped(run, found), {}
    baseline = choose(run, found.measure_tag)
    if is_unchanged(run, baseline):
        return with_tags(run, run.tags, found.metrics), {}
    errors = read_errors(run, found, history)
    if isinstance(errors, Unknown):
        return skipped(run, errors), {}
    found_tags = _tags(run, errors, baseline)
    return with_tags(run, found_tags, found.metrics), found_tags


def read_errors(run: LoggedRun, found: Found, history: History) -> Errors | Unknown:
    """The run's errors by epoch, or the reason why there are none. Raises what `history` raises."""
    sizes = split_sizes(run, found)
    epochs = epochs_of(found, _curves(run, found, history), _counts(found, sizes))
    if no_fractions := [error for entry in epochs for error in entry.finite.values() if not is_fraction(error)]:
        return no_fraction(found.metrics["dev"], no_fractions[0])
    if has_diverged({name: latest.value for name, latest in run.metrics.items()}):
        epochs[-1] = replace(epochs[-1], errors={**epochs[-1].errors, "train": math.nan})
    return Errors(found, epochs, sizes)


def verdict_on(run: LoggedRun, errors: Errors, baseline: Baseline) -> Verdict:
    """The verdict on the run from these errors."""
    verdict = judge(
        errors.epochs,
        at="best",
        human_error=baseline.error,
        same_distribution=True,
        chance=None,
        model=model_facts(run),
        n_train=errors.sizes.get("train"),
    )
    return verdict if len(errors.epochs) > 1 else replace(verdict, curve=None)  # one point has no shape


def is_unchanged(run: LoggedRun, baseline: Baseline) -> bool:
    """True if the run's tags are up to date: same version, baseline and digest."""
    is_own = tags.SOURCE.read(run.tags) == AUDIT and tags.VERSION.read(run.tags) == __version__
    return is_own and baseline.is_in_tags_of(run) and tags.gaps_of(run.tags).digest == run.digest


def _curves(run: LoggedRun, found: Found, history: History) -> dict[str, Curve]:
    curves = {stage: _curve(run, name, history) for stage, name in found.metrics.items()}
    last = max(curves["dev"])
    if not _repeats_best(run, last):
        return curves
    return {stage: {step: curve[step] for step in curve if step != last} or curve for stage, curve in curves.items()}


def _repeats_best(run: LoggedRun, last: int) -> bool:
    """True if the last step repeats the best one, as MLflow's autologgers log it after early stopping: XGBoost and LightGBM
    always, TensorFlow after the epoch that it stopped at.
    """
    stopped = run.metrics.get("stopped_epoch")
    return "stopped_iteration" in run.metrics or (stopped is not None and last > stopped.value)


def _curve(run: LoggedRun, name: str, history: History) -> Curve:
    """The metric's curve; if the latest point is at step 0, that is the only one."""
    latest = run.metrics[name]
    return curve_of(history(name) if latest.step else ()) or {latest.step: latest.value}


def _tags(run: LoggedRun, errors: Errors, baseline: Baseline) -> Tags:
    facts = RunFacts(
        verdict=verdict_on(run, errors, baseline),
        source=AUDIT,
        version=__version__,
        baseline=baseline.source,
        measure=errors.found.measure_tag,
        split=split_tag(errors.found, errors.sizes, has_curve=len(errors.epochs) > 1),
        model={name: value for name, value in asdict(model_facts(run)).items() if value is not None},
        digest=run.digest,
    )
    return tags.tags_of(facts, "audit")


def _counts(found: Found, sizes: Mapping[str, int]) -> dict[str, int]:
    """Numbers of examples, for errors that are shares of them and measured on exactly these sets."""
    if not found.measure.is_rate or found.is_cross_validated:
        return {}
    return {name: n for name, n in sizes.items() if name in found.metrics and (name != "train" or found.is_exact)}

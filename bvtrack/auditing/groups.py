"""Runs of an experiment grouped by diagnosis, and the association of parameter values with diagnoses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from bvtrack.diagnosis.split_first import SplitFault
from bvtrack.schema import tags as schema
from bvtrack.schema.model_tags import model_texts
from bvtrack.splits.faults import faults_of_codes
from bvtrack.store.repeated_runs import measure_of

FEWEST_RUNS = 2
"""Minimum number of runs per parameter value."""
MOST_VALUES = 12
"""Parameters with more values, such as a seed or a path, are ignored."""


@dataclass(frozen=True, slots=True)
class DiagnosedRun:
    """A diagnosed run, from its tags and params: errors by set and gaps by name are fractions.

    `measure` is the kind of error, and `dev_set` the digest of the dev set; only errors of the same are comparable. `n_dev` is
    the number of its examples, and `optimism` that of the dev error, the lowest of `n_epochs`. `split_faults` are
    those of the split that make errors untrue.
    """

    run_id: str
    name: str
    tag: str
    next_step: str | None = None
    errors: Mapping[str, float] = field(default_factory=dict)
    gaps: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    measure: str = ""
    split_faults: tuple[SplitFault, ...] = ()
    dev_set: str | None = None
    n_dev: int | None = None
    n_epochs: int = 1
    optimism: float = 0.0

    @classmethod
    def of(
        cls, run_id: str, name: str, tags: Mapping[str, str], params: Mapping[str, str], dev_set: str | None = None
    ) -> DiagnosedRun | None:
        """Parse tags and params; `None` without a diagnosis. Errors and gaps that are no numbers are left out."""
        diagnosis = schema.DIAGNOSIS.read(tags)
        if not diagnosis:
            return None
        gaps = schema.gaps_of(tags)
        return cls(
            run_id,
            name,
            diagnosis,
            next_step=schema.NEXT_STEP.read(tags),
            errors=gaps.errors,
            gaps=gaps.widths,
            parameters=dict(params) or model_texts(tags),
            measure=measure_of(schema.MEASURE.read(tags)),
            dev_set=dev_set,
            n_dev=gaps.counts.get("dev"),
            n_epochs=gaps.n_epochs,
            optimism=gaps.optimism,
            split_faults=tuple(fault for fault in _faults_in(tags) if fault.is_of_errors),
        )


@dataclass(frozen=True, slots=True)
class RunGroup:
    """The runs with one diagnosis: their number, the one with the lowest dev error, the median of each gap, and the most
    frequent first step.
    """

    tag: str
    n: int
    best_run: str | None
    best_dev_error: float | None
    gaps: Mapping[str, float]
    next_step: str | None


@dataclass(frozen=True, slots=True)
class ParameterGroup:
    """Contingency table of a parameter's values and the diagnoses.

    `lambda_` is Goodman and Kruskal's lambda (1954), the proportional reduction in error when a run's diagnosis is predicted
    from the value: 0 for none, 1 if the value determines the diagnosis.
    """

    name: str
    lambda_: float
    values: Mapping[str, Mapping[str, int]]


def group_runs(runs: Sequence[DiagnosedRun]) -> list[RunGroup]:
    """The groups, the largest first. Best runs are chosen among those with the most frequent measure.

    >>> [group.tag for group in group_runs([DiagnosedRun("1", "wide", "high_variance")])]
    ['high_variance']
    """
    counts = Counter(run.tag for run in runs)
    measure = measures_of(runs)[0] if runs else ""
    return [_group([run for run in runs if run.tag == tag], measure) for tag, _ in counts.most_common()]


def measures_of(runs: Sequence[DiagnosedRun]) -> list[str]:
    """The measures, the most frequent first: errors of different measures are not comparable."""
    return [measure for measure, _ in Counter(run.measure for run in runs).most_common()]


def _faults_in(tags: Mapping[str, str]) -> tuple[SplitFault, ...]:
    return faults_of_codes(schema.SPLIT.read(tags), schema.NEXT_STEP.read(tags))


def split_faults_of(runs: Sequence[DiagnosedRun]) -> Counter[SplitFault]:
    """The number of runs by fault of their splits."""
    return Counter(fault for run in runs for fault in run.split_faults)


def group_parameters(runs: Sequence[DiagnosedRun]) -> list[ParameterGroup]:
    """The parameters associated with the diagnosis, by decreasing lambda.

    Values of a single run, and parameters with more than 12 values, are left out.
    """
    parameters = dict.fromkeys(name for run in runs for name in run.parameters)
    found = [group for name in parameters if (group := _parameter(name, runs)) is not None]
    return sorted(found, key=lambda group: -group.lambda_)


def _group(runs: Sequence[DiagnosedRun], measure: str) -> RunGroup:
    measured = [run for run in runs if "dev" in run.errors and run.measure == measure]
    best = min(measured, key=lambda run: run.errors["dev"], default=None)
    steps = Counter(run.next_step for run in runs if run.next_step)
    return RunGroup(
        tag=runs[0].tag,
        n=len(runs),
        best_run=best.name if best else None,
        best_dev_error=best.errors["dev"] if best else None,
        gaps=dict(_medians(runs)),
        next_step=steps.most_common(1)[0][0] if steps else None,
    )


def _medians(runs: Sequence[DiagnosedRun]) -> Iterator[tuple[str, float]]:
    for name in dict.fromkeys(name for run in runs for name in run.gaps):
        yield name, median(run.gaps[name] for run in runs if name in run.gaps)


def _parameter(name: str, runs: Sequence[DiagnosedRun]) -> ParameterGroup | None:
    counts = Counter(run.parameters[name] for run in runs if name in run.parameters)
    repeated = _in_order([value for value, n in counts.items() if n >= FEWEST_RUNS])
    if not 1 < len(repeated) <= len(counts) <= MOST_VALUES:
        return None
    by_value = {value: Counter(run.tag for run in runs if run.parameters.get(name) == value) for value in repeated}
    lambda_ = _lambda(list(by_value.values()))
    values = {value: dict(tags.most_common()) for value, tags in by_value.items()}
    return ParameterGroup(name, lambda_, values) if lambda_ > 0 else None


def _in_order(values: Sequence[str]) -> list[str]:
    """Sort numerically if all values are numbers, else as texts."""
    try:
        return sorted(values, key=float)
    except ValueError:
        return sorted(values)


def _lambda(tables: Sequence[Counter[str]]) -> float:
    """Goodman and Kruskal's lambda from the counts of diagnoses, one table per value."""
    total = sum(tables, Counter())
    missed = total.total() - max(total.values())
    known = total.total() - sum(max(table.values()) for table in tables)
    return (missed - known) / missed if missed else 0.0

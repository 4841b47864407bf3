"""The runs of an experiment by what they suffer from: how each group does, and which parameter values go with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from bvtrack.measures.measure import core_name
from bvtrack.schema import tags as schema
from bvtrack.schema.model_tags import model_texts
from bvtrack.schema.tag_texts import metric_of

FEWEST_RUNS = 2
"""Of a parameter value: what one run did says nothing of others."""
MOST_VALUES = 12
"""A parameter with more values, such as a seed or a path, is no group."""


@dataclass(frozen=True, slots=True)
class DiagnosedRun:
    """What a run's tags and params say: errors and gaps as fractions, by set and by gap; `measure` is what the errors are."""

    run_id: str
    name: str
    tag: str
    next_step: str | None = None
    errors: Mapping[str, float] = field(default_factory=dict)
    gaps: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    measure: str = ""

    @classmethod
    def of(cls, run_id: str, name: str, tags: Mapping[str, str], params: Mapping[str, str]) -> DiagnosedRun | None:
        """The run with these tags and params; `None` where it has no diagnosis. What is no number is left out."""
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
            measure=_measure_of(schema.MEASURE.read(tags)),
        )


@dataclass(frozen=True, slots=True)
class RunGroup:
    """The runs with one diagnosis: how many, the one with the lowest dev error, the median of each gap, and the step that is
    advised most often.
    """

    tag: str
    n: int
    best_run: str | None
    best_dev_error: float | None
    gaps: Mapping[str, float]
    next_step: str | None


@dataclass(frozen=True, slots=True)
class ParameterGroup:
    """How often each diagnosis was made with each value of a parameter.

    `lambda_` is the share of wrong guesses at a run's diagnosis that knowing the value saves (Goodman and Kruskal's lambda,
    1954): 0 where it tells nothing, 1 where it tells all.
    """

    name: str
    lambda_: float
    values: Mapping[str, Mapping[str, int]]


def group_runs(runs: Sequence[DiagnosedRun]) -> list[RunGroup]:
    """The groups, the largest first. The best are among the runs whose errors are of the most frequent measure.

    >>> [group.tag for group in group_runs([DiagnosedRun("1", "wide", "high_variance")])]
    ['high_variance']
    """
    counts = Counter(run.tag for run in runs)
    measure = measures_of(runs)[0] if runs else ""
    return [_group([run for run in runs if run.tag == tag], measure) for tag, _ in counts.most_common()]


def measures_of(runs: Sequence[DiagnosedRun]) -> list[str]:
    """What the errors are, the most frequent first: errors of different measures do not compare."""
    return [measure for measure, _ in Counter(run.measure for run in runs).most_common()]


def _measure_of(tag: str | None) -> str:
    """What `bvtrack.measure` says the errors are; Lightning's `val_acc` and Keras's `val_accuracy` are one."""
    measure = metric_of(tag)
    is_accuracy = measure.startswith("1 - ") and core_name(measure.removeprefix("1 - ")) in ("acc", "accuracy")
    return "1 - accuracy" if is_accuracy else measure


def group_parameters(runs: Sequence[DiagnosedRun]) -> list[ParameterGroup]:
    """The parameters whose values go with a diagnosis, those that tell most first.

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
    """By size where all are numbers."""
    try:
        return sorted(values, key=float)
    except ValueError:
        return sorted(values)


def _lambda(tables: Sequence[Counter[str]]) -> float:
    total = sum(tables, Counter())
    missed = total.total() - max(total.values())
    known = total.total() - sum(max(table.values()) for table in tables)
    return (missed - known) / missed if missed else 0.0

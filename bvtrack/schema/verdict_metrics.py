"""Metrics of the epoch of the verdict: each has one last value, which is that in `bvtrack/diagnosis.json`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from bvtrack.diagnosis.explanation import GAP_NAMES, SET_NAMES
from bvtrack.error_rates.error_rate import as_logged
from bvtrack.schema.names import error_metric, gap_metric, verdict_metric
from bvtrack.schema.tags import Tags, gaps_of

if TYPE_CHECKING:
    from bvtrack.diagnosis.run_verdict import Verdict

NAMES = tuple(dict.fromkeys((error_metric("dev"), *map(error_metric, SET_NAMES), *map(gap_metric, GAP_NAMES))))
"""Metrics of an epoch that the verdict repeats; MLflow's comparison of runs opens on the metric that was written first."""
STEP = 0
"""MLflow shows the point of the highest step and, of one step, the newest; so all of them have the same."""
NO_VALUE = math.nan
"""The point after which a metric has no value, as MLflow deletes none: MLflow 3.17's table shows `NaN`, its
search finds it by no comparison but `!=`, and its sort puts it behind all numbers, whichever way."""


def verdict_metrics(verdict: Verdict | None) -> dict[str, float]:
    """The errors and gaps of a verdict by metric; without a verdict, and where it lacks one, the value is `NO_VALUE`."""
    if verdict is None:
        return _by_metric({}, {})
    return _by_metric(verdict.diagnosis.errors, {name: gap.value for name, gap in verdict.diagnosis.gaps.items()})


def metrics_in(tags: Tags) -> dict[str, float]:
    """The same from a run's tags, with as many digits as those have."""
    gaps = gaps_of(tags)
    return _by_metric(gaps.errors, gaps.widths)


def _by_metric(errors: Mapping[str, float], gaps: Mapping[str, float]) -> dict[str, float]:
    found = {error_metric(name): error for name, error in errors.items()} | {
        gap_metric(name): gap for name, gap in gaps.items()
    }
    return {verdict_metric(name): as_logged(found.get(name, NO_VALUE)) for name in NAMES}


def unlike(values: Mapping[str, float], shown: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """The values that differ from those that a run shows; a metric that it lacks counts as one without a value.

    >>> list(unlike({"a": 0.1, "b": 0.2, "c": NO_VALUE, "d": NO_VALUE}, {"a": 0.1, "b": 0.3, "c": 0.4}))
    [('b', 0.2), ('c', nan)]
    """
    for name, value in values.items():
        before = shown.get(name, NO_VALUE)
        if value != before and not (math.isnan(value) and math.isnan(before)):
            yield name, value

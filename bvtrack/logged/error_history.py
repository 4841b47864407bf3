"""A run's errors by epoch, from its metric histories."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bvtrack.error_rates.epoch_errors import EpochErrors, with_test_error
from bvtrack.error_rates.gaps import SMALLEST_GAP
from bvtrack.logged.alignment import values_at
from bvtrack.logged.error_metrics import Found
from bvtrack.logged.series import Series
from bvtrack.logged.unknown import Unknown


def epochs_of(found: Found, series: Mapping[str, Series], counts: Mapping[str, int]) -> list[EpochErrors] | Unknown:
    """The errors at each point of the dev metric, or the reason why it is not known which values belong together; `series` are
    the logged metrics by set. Without a dev metric the points are those of train.

    A train, train-dev or test error that was measured once is that of the best epoch or of the last.
    """
    leading = found.leading
    dev = series[leading]
    columns: dict[str, Sequence[float]] = {leading: [point.value for point in dev.points]}
    for name, one in series.items():
        if name == leading or _is_single(one, dev):
            continue
        values = values_at(one, dev)
        if isinstance(values, Unknown):
            return values
        columns[name] = values
    rows = zip(*columns.values(), strict=True)
    epochs = [
        _epoch(point.step, dict(zip(columns, row, strict=True)), found, counts)
        for point, row in zip(dev.points, rows, strict=True)
    ]
    for name, one in series.items():
        if name != leading and _is_single(one, dev):
            epochs = _with_single(epochs, _epoch(0, {name: one.points[0].value}, found, counts), found)
    return epochs


def _is_single(series: Series, dev: Series) -> bool:
    return len(series) == 1 and len(dev) > 1


def _epoch(step: int, values: Mapping[str, float], found: Found, counts: Mapping[str, int]) -> EpochErrors:
    known = {name: values[name] for name in ("train", "train_dev", "dev", "test") if name in values}
    raw = {name: _raw(value, found) for name, value in known.items()} if found.has_units else {}
    errors = {name: _error(value, found) for name, value in known.items()} if found.has_scale else {}
    return EpochErrors(step, errors, {name: n for name, n in counts.items() if name in errors}, unscaled=raw)


def _raw(value: float, found: Found) -> float:
    return found.measure.error(value / found.unit) if math.isfinite(value) else math.nan


def _error(value: float, found: Found) -> float:
    """The value as an error; if a score such as R2 is below 0, a constant guess does better, and the error is 1."""
    error = _raw(value, found)
    if not math.isfinite(error):
        return math.nan
    if found.measure.kind == "loss":
        return found.measure.fraction(error)
    return min(error, 1.0) if found.measure.kind == "score" else error


def _with_single(epochs: Sequence[EpochErrors], single: EpochErrors, found: Found) -> list[EpochErrors]:
    """The epochs with an error that was measured once at the best one, if the last is hardly worse; else it matters which of
    them it is of: an error of train is taken for that of the last epoch, the only one left, and one of test is left out.
    """

    def dev_of(entry: EpochErrors) -> float:
        return (entry.errors or entry.unscaled)["dev"]

    best = min(epochs, key=lambda entry: (not math.isfinite(dev_of(entry)), dev_of(entry)))
    if found.has_scale and abs(dev_of(epochs[-1]) - dev_of(best)) < SMALLEST_GAP:
        return [with_test_error(entry, replace(single, epoch=entry.epoch)) if entry is best else entry for entry in epochs]
    is_test = "test" in single.errors or "test" in single.unscaled
    return list(epochs) if is_test else [with_test_error(epochs[-1], single)]

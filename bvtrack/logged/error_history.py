"""A run's errors by epoch, from its metric histories."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Mapping, Sequence

from bvtrack.diagnosis.run_verdict import EpochErrors, with_test_error
from bvtrack.error_rates.gaps import SMALLEST_GAP
from bvtrack.logged.error_metrics import Found
from bvtrack.store.metric_point import Point

Curve = Mapping[int, float]
"""A metric's values by step, in the order of the steps."""


def curve_of(points: Iterable[Point]) -> Curve:
    """The newest value at each step."""
    return {point.step: point.value for point in sorted(points)}


def epochs_of(found: Found, curves: Mapping[str, Curve], counts: Mapping[str, int]) -> list[EpochErrors]:
    """The errors at each step that has a dev error; `curves` are the logged metrics by set, with at least that of dev.

    The train error of a step is the mean of the values logged since the previous dev error, so that values per batch give the
    running average of their epoch. A test error that was measured once is that of the best epoch or of the last.
    """
    dev = curves["dev"]
    columns = {"dev": list(dev.values())} | {
        name: _between(curve, dev) for name, curve in curves.items() if _is_curve(name, curve)
    }
    rows = zip(dev, *columns.values(), strict=True)
    epochs = [_epoch(step, dict(zip(columns, values, strict=True)), found, counts) for step, *values in rows]
    if "test" in curves and "test" not in columns:
        return _with_single_test(epochs, _error(next(iter(curves["test"].values())), found), counts)
    return epochs


def _is_curve(name: str, curve: Curve) -> bool:
    return name in ("train", "train_dev") or (name == "test" and len(curve) > 1)


def _between(curve: Curve, dev: Curve) -> list[float]:
    """A value for each step of the dev curve: the mean since the previous step, else the last value before, else the next."""
    steps, values = list(curve), list(curve.values())
    found, start = [], 0
    for step in dev:
        end = bisect.bisect_right(steps, step)
        some = values[start:end] or values[max(end - 1, 0) : max(end, 1)]
        found.append(math.fsum(some) / len(some) if all(map(math.isfinite, some)) else math.nan)
        start = end
    return found


def _epoch(step: int, values: Mapping[str, float], found: Found, counts: Mapping[str, int]) -> EpochErrors:
    errors = {name: _error(values[name], found) for name in ("train", "train_dev", "dev", "test") if name in values}
    return EpochErrors(step, errors, {name: n for name, n in counts.items() if name in errors})


def _error(value: float, found: Found) -> float:
    """The value as an error; if a score such as R2 is below 0, a constant guess does better, and the error is 1."""
    if not math.isfinite(value):
        return math.nan
    error = found.measure.error(value / found.unit)
    if found.measure.kind == "loss":
        return found.measure.fraction(error)
    return min(error, 1.0) if found.measure.kind == "score" else error


def _with_single_test(epochs: Sequence[EpochErrors], error: float, counts: Mapping[str, int]) -> list[EpochErrors]:
    """The epochs with the test error at the best one, unless the last is so much worse that it matters which was tested."""
    best = min(epochs, key=lambda entry: (not math.isfinite(entry.errors["dev"]), entry.errors["dev"]))
    if not abs(epochs[-1].errors["dev"] - best.errors["dev"]) < SMALLEST_GAP:
        return list(epochs)
    known = {"test": counts["test"]} if "test" in counts else {}
    test = EpochErrors(best.epoch, {"test": error}, known)
    return [with_test_error(entry, test) if entry is best else entry for entry in epochs]

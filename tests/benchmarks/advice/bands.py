"""Do the 80 % bands hold on real trainings? Forecasts of the base runs against what four times the data, or epochs, gave."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from advice_taken import DEFINITIONS, MoreData
from base_run import BaseRun, Row, count_of
from intervention_set import InterventionSet
from over_datasets import Estimate, by_dataset, mean
from real_data import MORE

from bvtrack import Evidence, Forecast, forecast_longer
from bvtrack.diagnosis.expected_gains import Prospects


@dataclass(frozen=True, slots=True)
class Coverage:
    """The share of the truths that an 80 % band holds, over data sets and by each, and how far off the value is."""

    what: str
    n: int
    held: Estimate
    above: Estimate
    points_off: float
    by_dataset: dict[str, float]

    @property
    def lowest(self) -> tuple[str, float]:
        return min(self.by_dataset.items(), key=lambda item: item[1])


Told = tuple[BaseRun, Forecast, float]
"""A run, a forecast of it, and what came."""


def coverages(found: InterventionSet) -> Iterator[Coverage]:
    """The bands for more data, in either definition and against either set, and for longer training."""
    for more_data in DEFINITIONS:
        for of in ("dev", "test"):
            yield _coverage(f"data x{MORE}, {more_data}, {of} error", list(_data_forecasts(found, more_data, of)))
    yield _coverage(f"epochs x{MORE}, best dev error", list(_longer_forecasts(found)))


def data_forecast(run: BaseRun, more_data: MoreData) -> Forecast | None:
    """What the recipe of a run says of four times the data."""
    prospects = Prospects(run.diagnosis, Evidence())
    return (prospects.more_data if more_data == "same epochs" else prospects.more_data_by_updates).get(MORE)


def _data_forecasts(found: InterventionSet, more_data: MoreData, of: str) -> Iterator[Told]:
    """What came is the error of the training with more data, at its best epoch as the forecast is. Where labels are wrong, the
    test error, which has true ones, is none that a dev error can forecast.
    """
    for run in found.runs:
        row, forecast = found.trained.get((run.case, run.row["repeat"], DEFINITIONS[more_data])), data_forecast(run, more_data)
        if row is not None and forecast is not None and not (of == "test" and float(run.row["label_noise"])):
            yield run, forecast, best_error(row, of)


def _longer_forecasts(found: InterventionSet) -> Iterator[Told]:
    """What came is the best dev error of a training that is four times as long, and begins as the base run does."""
    for run in found.runs:
        row, curve = found.trained.get((run.case, run.row["repeat"], "train_longer")), run.curve("dev")
        if row is not None and run.verdict.curve not in ("not_learning", "diverged"):
            train_error = run.chosen.errors["train"]
            forecast = forecast_longer(curve, epochs=(MORE - 1) * len(curve), train_error=train_error)
            yield run, forecast, min(best_error(row, "dev"), min(curve))


def best_error(row: Row, of: str) -> float:
    """The error of a training at its epoch of the lowest dev error."""
    return int(row[f"wrong_best_{of}"]) / count_of(row, of)


def _coverage(what: str, told: Sequence[Told]) -> Coverage:
    datasets = [run.origin for run, _, _ in told]
    held = [forecast.low - EXACT <= came <= forecast.high + EXACT for _, forecast, came in told]
    too_high = [came > forecast.high + EXACT for _, forecast, came in told]
    off = [100 * abs(forecast.value - came) for _, forecast, came in told]
    shares = dict(zip(dict.fromkeys(datasets), map(float, by_dataset(held, datasets)), strict=True))
    return Coverage(what, len(told), mean(held, datasets), mean(too_high, datasets), float(np.mean(off)), shares)


EXACT = 1e-9
"""An error that does not move at all lies on the end of its band, whatever rounding says."""

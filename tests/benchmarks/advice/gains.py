"""Is the expected gain of a step what such a step saved?

That of more data at the same updates is the one that the step's sentence forecasts beside that of the same epochs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from advice_taken import DEFINITIONS, MoreData, Taken, advised
from bands import data_forecast
from base_run import BaseRun
from intervention_set import InterventionSet
from over_datasets import Estimate, mean, ratio

from bvtrack import Step

FEWEST_TOLD = 50
"""A gain that was expected less often is not compared with what came."""


@dataclass(frozen=True, slots=True)
class Gain:
    """A step that was offered with an expected gain, and by what definition of more data; both means are in points."""

    step: str
    more_data: MoreData | None
    n: int
    expected: Estimate
    realised: Estimate
    ratio: Estimate
    """Realised by expected, whose sum is never near 0."""


def gains(found: InterventionSet) -> Iterator[Gain]:
    """By step, wherever it stands in a run's recipe with an expected gain."""
    for more_data in DEFINITIONS:
        for step, pairs in _told(Taken(found, more_data)).items():
            if step == "more_data" or more_data == next(iter(DEFINITIONS)):
                datasets, expected, realised = map(list, zip(*pairs, strict=True))
                told = mean(expected, datasets), mean(realised, datasets), ratio(realised, expected, datasets)
                yield Gain(step, more_data if step == "more_data" else None, len(pairs), *told)


def _told(taken: Taken) -> Mapping[str, list[tuple[str, float, float]]]:
    """By step, of each run for which it was trained: the data set, the expected gain, and what the case saved by it."""
    told = defaultdict(list)
    for run in taken.found.runs:
        for step in run.steps:
            if step.expected_gain is not None and step.id in taken.options[run.case]:
                realised = taken.saved(run.case, advised(step)).points
                told[step.id].append((run.origin, 100 * _expected(run, step, taken.more_data), realised))
    return told


def _expected(run: BaseRun, step: Step, more_data: MoreData) -> float:
    forecast = data_forecast(run, more_data) if step.id == "more_data" and more_data == "same updates" else None
    return run.diagnosis.errors["dev"] - forecast.value if forecast is not None else step.expected_gain or 0.0

"""What a report of a run says, wherever it comes from: a training that goes on, or a run that MLflow holds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from bvtrack.curves.forecast import Forecast
from bvtrack.curves.trend import Trend
from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.evidence import Evidence
from bvtrack.diagnosis.expected_gains import LIKELY, Prospects
from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.diagnosis.run_verdict import EpochErrors, Verdict
from bvtrack.error_rates.intervals import Rate
from bvtrack.schema.names import run_page
from bvtrack.splits.finding import Finding
from bvtrack.tracking_uri.address import is_server

MOST_DRAWN = 300
"""Epochs of a longer training: more points than a curve is pixels wide only make the file large."""
MOST_LISTED = 60
"""Epochs in a table, for the same reason."""


@dataclass(frozen=True, slots=True)
class RunAddress:
    """Where a run is: its ids, and the tracking URI without credentials."""

    run_id: str
    experiment_id: str
    tracking_uri: str

    @property
    def link(self) -> str | None:
        """Its page in MLflow's view for model training; `None` where no server is known.

        >>> RunAddress("4f1c", "1", "http://localhost:5000/").link
        'http://localhost:5000/#/experiments/1/runs/4f1c?workflowType=machine_learning'
        """
        if not is_server(self.tracking_uri):
            return None
        return f"{self.tracking_uri.rstrip('/')}/{run_page(self.experiment_id, self.run_id)}"


@dataclass(frozen=True)
class Content:
    """A run's name, its verdict, its errors by epoch, and what else its report tells.

    `measure` says what the errors are, `state` how the training ended, `split` is the content of `bvtrack/splits.json` and
    `findings` what is wrong with the split. `trend` is that of all dev errors, where the history holds only some of them.
    `baseline` names what the train error is compared with, `unit` what a step of the history is.
    """

    name: str
    verdict: Verdict
    history: Sequence[EpochErrors] = ()
    measure: str | None = None
    state: str | None = None
    address: RunAddress | None = None
    split: Mapping[str, Any] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    version: str | None = None
    baseline: str = "human"
    unit: str = "epoch"
    trend: Trend | None = None

    @property
    def diagnosis(self) -> Diagnosis:
        """What the run suffers from."""
        return self.verdict.diagnosis

    @property
    def sets(self) -> list[str]:
        """The sets that there are errors of."""
        return [name for name in SET_NAMES if any(name in entry.errors for entry in self.history)]

    @cached_property
    def drawn(self) -> list[EpochErrors]:
        """The epochs for a figure."""
        return self._some(MOST_DRAWN)

    @property
    def listed(self) -> list[EpochErrors]:
        """The epochs for a table."""
        return self._some(MOST_LISTED)

    def rates(self, name: str) -> dict[int, Rate]:
        """The finite errors of a set by epoch, of those that are drawn."""
        return {one.epoch: rate_of(one, name) for one in self.drawn if math.isfinite(one.errors.get(name, math.nan))}

    @property
    def longer(self) -> Forecast | None:
        """The best dev error after as many epochs again, where a forecast can be made and the run can still be judged."""
        return self._prospects.longer if self.diagnosis.gaps else None

    @property
    def is_longer_better(self) -> bool:
        """Whether that will probably be better than the best so far."""
        return self.longer is not None and (self.longer.improves or 0.0) >= LIKELY

    @property
    def more_data(self) -> Mapping[int, Forecast]:
        """The dev error with so many times the training data."""
        return self._prospects.more_data

    @cached_property
    def _prospects(self) -> Prospects:
        dev_curve = self.trend or [entry.errors.get("dev") for entry in self.history]
        return Prospects(self.diagnosis, Evidence(curve=self.verdict.curve, dev_curve=dev_curve))

    def _some(self, most: int) -> list[EpochErrors]:
        """Every so many epochs, the last, and the one that the verdict speaks of."""
        every, last = len(self.history) // most + 1, len(self.history) - 1
        return [
            one
            for index, one in enumerate(self.history)
            if index % every == 0 or index == last or one.epoch == self.verdict.epoch
        ]


def baseline_name(source: str | None) -> str:
    """What stands behind a value of `bvtrack.baseline`."""
    return "best run" if source == "experiment_best" else "human"


def rate_of(entry: EpochErrors, name: str) -> Rate:
    """A set's error at an epoch, with what says how sure it is."""
    return Rate(entry.errors[name], entry.counts.get(name), entry.intervals.get(name))

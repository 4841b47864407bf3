"""Content of a report, from a running training or from a run in MLflow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from bvtrack.curves.forecast import Forecast
from bvtrack.curves.trend import Trend
from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.evidence import Evidence, ModelFacts
from bvtrack.diagnosis.expected_gains import LIKELY, Prospects, shown
from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.diagnosis.kept_weights import Weights
from bvtrack.diagnosis.repeats import Repeated
from bvtrack.diagnosis.run_verdict import EpochErrors, Verdict
from bvtrack.error_rates.intervals import Rate
from bvtrack.measures.percent import percent
from bvtrack.report.note import headline
from bvtrack.schema.names import run_page
from bvtrack.splits.finding import Finding
from bvtrack.tracking_uri.address import page_on

MOST_DRAWN = 300
"""Maximum number of epochs in a figure: more points than pixels only make the file large."""
MOST_LISTED = 60
"""Maximum number of epochs in a table, to limit the file's size."""


HUMAN = "human"
"""The baseline unless it is the experiment's best run."""


@dataclass(frozen=True, slots=True)
class RunAddress:
    """Address of a run: its ids, and the tracking URI without credentials."""

    run_id: str
    experiment_id: str
    tracking_uri: str

    @property
    def link(self) -> str | None:
        """URL of its page in MLflow's view for model training; `None` without a server.

        >>> RunAddress("4f1c", "1", "http://localhost:5000/").link
        'http://localhost:5000/#/experiments/1/runs/4f1c?workflowType=machine_learning'
        """
        return page_on(self.tracking_uri, run_page(self.experiment_id, self.run_id))

    def beside(self, run_id: str) -> RunAddress:
        """The address of another run of the same experiment."""
        return replace(self, run_id=run_id)


@dataclass(frozen=True, slots=True)
class OfConfiguration:
    """The configuration that a run is a repeat of: its name, its tags `bvtrack.repeats`, `bvtrack.diagnosis` and
    `bvtrack.certainty`, and the address of its run.
    """

    name: str
    repeats: str
    tag: str
    certainty: str
    address: RunAddress

    def __str__(self) -> str:
        return f"A repeat of {self.name} ({self.repeats}), which is {self.tag} ({self.certainty}) over all of them."


@dataclass(frozen=True)
class Content:
    """A run's name, its verdict, its errors by epoch, and everything else in its report.

    `measure` is the kind of error, `state` how the training ended, `split` the content of `bvtrack/splits.json` and `findings`
    its findings. `trend` is the trend of all dev errors, for a `history` of only some of them. `baseline` names the baseline of
    the train error, `unit` the unit of the history's steps.
    `model` and `sizes` are as in `Evidence`.
    `weights` are those to keep, `examples` which classes the errors are in, and the worst examples. `stopped` says by which
    rule of `StopWhen` the training has ended. `repeated` is the verdict over repeats of a configuration, which has no history,
    and `configuration` the one that this run is a repeat of.
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
    baseline: str = HUMAN
    unit: str = "epoch"
    trend: Trend | None = None
    weights: Weights | None = None
    examples: Mapping[str, Any] = field(default_factory=dict)
    model: ModelFacts = field(default_factory=ModelFacts)
    sizes: Sequence[tuple[int, float]] = ()
    stopped: str | None = None
    repeated: Repeated | None = None
    configuration: OfConfiguration | None = None

    @property
    def headline(self) -> str:
        """The verdict in plain words."""
        return headline(self.diagnosis, self.verdict.steps, self.verdict.curve)

    @property
    def diagnosis(self) -> Diagnosis:
        """The verdict's diagnosis."""
        return self.verdict.diagnosis

    @property
    def floor(self) -> str:
        """The baseline of the train error in a label."""
        return self.diagnosis.unit.floor_in_short if self.baseline == HUMAN else self.baseline

    @property
    def sets(self) -> list[str]:
        """The sets with errors or, if only the curves can be judged, with values."""
        return [name for name in SET_NAMES if any(name in self._values_of(entry) for entry in self.history)]

    @cached_property
    def is_by_curve(self) -> bool:
        """True if there are no errors, only values in a unit of their own."""
        return not any(entry.errors for entry in self.history) and any(entry.unscaled for entry in self.history)

    def raw_values(self, name: str) -> dict[int, float]:
        """The finite values of a set by drawn epoch, if there are no errors."""
        found = {one.epoch: one.unscaled.get(name, math.nan) for one in self.drawn} if self.is_by_curve else {}
        return {epoch: value for epoch, value in found.items() if math.isfinite(value)}

    def cell(self, entry: EpochErrors, name: str) -> str:
        """An error of an epoch, or a value that is none, in words; empty if there is none."""
        value = self._values_of(entry).get(name, math.nan)
        if not math.isfinite(value):
            return ""
        return f"{value:.4g}" if self.is_by_curve else percent(value)

    def _values_of(self, entry: EpochErrors) -> Mapping[str, float]:
        return entry.unscaled if self.is_by_curve else entry.errors

    @cached_property
    def drawn(self) -> list[EpochErrors]:
        """At most about 300 epochs, for a figure."""
        return self._some(MOST_DRAWN)

    @property
    def listed(self) -> list[EpochErrors]:
        """At most about 60 epochs, for a table."""
        return self._some(MOST_LISTED)

    def rates(self, name: str) -> dict[int, Rate]:
        """The finite errors of a set by drawn epoch."""
        return {one.epoch: self.rate(one, name) for one in self.drawn if math.isfinite(one.errors.get(name, math.nan))}

    def rate(self, entry: EpochErrors, name: str) -> Rate:
        """A set's error at an epoch, with its count and interval, if known, and the optimism of the chosen dev error."""
        is_chosen = name == "dev" and entry.epoch == self.verdict.epoch
        optimism = self.diagnosis.optimism.expected if is_chosen else 0.0
        return Rate(entry.errors[name], entry.counts.get(name), entry.intervals.get(name), optimism)

    @cached_property
    def judged_rates(self) -> Mapping[str, Rate]:
        """The errors that the verdict is about by set, each with its count and interval, if known."""
        of_epoch = (entry.intervals for entry in self.history if entry.epoch == self.verdict.epoch)
        intervals = self.repeated.intervals if self.repeated else next(of_epoch, {})
        diagnosis = self.diagnosis
        return {
            name: Rate(
                error,
                diagnosis.counts.get(name),
                intervals.get(name),
                optimism=diagnosis.optimism.expected if name == "dev" and self.repeated is None else 0.0,
            )
            for name, error in diagnosis.errors.items()
        }

    @property
    def longer(self) -> Forecast | None:
        """Forecast of the best dev error after as many epochs again; `None` without a forecast or gaps."""
        return self._prospects.longer if self.diagnosis.gaps else None

    @property
    def is_longer_better(self) -> bool:
        """True if `longer` will probably be better than the best so far, and by what is shown of it, too."""
        if self.longer is None or (self.longer.improves or 0.0) < LIKELY:
            return False
        return shown(self.longer.value) < min(shown(self._prospects.dev_error), shown(self._prospects.evidence.trend.best))

    @property
    def more_data(self) -> Mapping[int, Forecast]:
        """Forecasts of the dev error by the factor of training data, trained as `more_data_how` says."""
        return self._prospects.more_data

    @property
    def more_data_how(self) -> str:
        """How long the forecasts of more data train, behind a comma; empty for a model that knows no epochs."""
        return "" if self.model.family else ", at the same number of epochs"

    @cached_property
    def _prospects(self) -> Prospects:
        dev_curve = self.trend or [entry.errors.get("dev") for entry in self.history]
        evidence = Evidence(curve=self.verdict.curve, model=self.model, dev_curve=dev_curve, sizes=self.sizes)
        return Prospects(self.diagnosis, evidence)

    def _some(self, most: int) -> list[EpochErrors]:
        """Epochs at regular intervals, the last, and the verdict's."""
        every, last = len(self.history) // most + 1, len(self.history) - 1
        return [
            one
            for index, one in enumerate(self.history)
            if index % every == 0 or index == last or one.epoch == self.verdict.epoch
        ]


def baseline_name(source: str | None) -> str:
    """Name of the baseline with this value of `bvtrack.baseline`."""
    return "best run" if source == "experiment_best" else HUMAN

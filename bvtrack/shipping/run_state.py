"""State of a run from its journal's records: the verdict, and all metrics, tags and artifacts for MLflow."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.evidence import ModelFacts, OtherRun
from bvtrack.diagnosis.run_history import History
from bvtrack.diagnosis.run_verdict import EpochErrors, Verdict, judge_history, with_test_error
from bvtrack.journal.record_line import Record
from bvtrack.journal.records import (
    ChanceRecord,
    EndRecord,
    EpochRecord,
    LaterTestRecord,
    MeasureRecord,
    ModelRecord,
    OutputsRecord,
    PastRecord,
    SplitRecord,
    State,
    TrainingRecord,
    TrialRecord,
    as_record,
)
from bvtrack.measures.measure import unit_of
from bvtrack.report.content import Content, RunAddress
from bvtrack.report.note import render_note
from bvtrack.schema import names
from bvtrack.schema.tags import RunFacts, tags_of
from bvtrack.splits.faults import faults_of
from bvtrack.splits.finding import Finding, gravest_first, tag_of
from bvtrack.store.bundle import Bundle, Point

STATUS = {"complete": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
"""MLflow's run status by the state of the training."""
OF_EPOCHS = (EpochRecord, PastRecord, LaterTestRecord)
"""Records that accumulate; of any other kind, the newest replaces those before."""
DIGITS = 8
"""Decimals of a logged error: one more than a float32 metric has, so that none is moved across a half; not its noise."""


class Ledger:
    """The state of one run, updated record by record. Taking a record is quick; the verdict is computed lazily."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Take the Tracker's options, as stored in the journal's first record."""
        self._options = options
        self._baseline = {name: options[name] for name in ("human_error", "same_distribution")}
        self._history = History(options["at"])
        self._epochs: dict[int, EpochRecord] = {}
        self._tests: dict[int, LaterTestRecord] = {}
        self._model: Mapping[str, Any] = {}
        self._split = SplitRecord(timestamp=0)
        self._outputs: OutputsRecord | None = None
        self._chance: float | None = None
        self._is_trial = False
        self._verdict: Verdict | None = None
        self._latest: dict[str, TrainingRecord] = {}
        self._best_other: OtherRun | None = None
        measure = options["measure"] or {}
        self.measure: str | None = measure.get("name")
        """The kind of error, as in `bvtrack.measure`."""
        self._unit = unit_of(self.measure or "", measure.get("unit"))
        self._may_be_certain = not (measure.get("is_loss") or measure.get("is_doubtful"))
        self._history.has_scale = bool(measure.get("has_scale", True))
        self.timestamp = 0
        """Time of the newest record, in milliseconds since the epoch."""
        self.state: State = "running"

    def take(self, record: TrainingRecord | Record) -> TrainingRecord:
        """Apply a record, parsed or as in the journal's JSON, and return it parsed.

        Raises `LookupError`, `TypeError`, `ValueError` or `AttributeError` for anything but a training's record.
        """
        new = as_record(record)
        self.timestamp = max(self.timestamp, new.timestamp)
        if not isinstance(new, OF_EPOCHS):
            self._latest[new.kind] = new
        match new:
            case EpochRecord():
                self._add(new)
            case LaterTestRecord():
                if measured := self._history.get(new.epoch):
                    self._history.put(with_test_error(measured, new.as_epoch))
                    self._tests[measured.epoch] = new
            case PastRecord():
                self._history.restore(new.to_json())
            case ChanceRecord():
                self._chance = new.error
            case ModelRecord():
                self._model = new.facts
            case MeasureRecord():
                self.measure, self._history.has_scale = new.name, new.has_scale
                self._unit = unit_of(new.name, new.unit)
                self._may_be_certain = not (new.is_loss or new.is_doubtful)
            case SplitRecord():
                self._split = new
            case OutputsRecord():
                self._outputs = new
            case TrialRecord():
                self._is_trial = True
            case EndRecord():
                self.state = new.state
        self._verdict = None
        return new

    def _add(self, epoch: EpochRecord) -> None:
        self._epochs[epoch.epoch] = epoch
        self._tests.pop(epoch.epoch, None)
        for dropped in self._history.add(epoch):
            del self._epochs[dropped]
            self._tests.pop(dropped, None)

    @property
    def verdict(self) -> Verdict | None:
        """The verdict on all epochs so far; `None` before the first one."""
        if self._verdict is None and self._is_trial:
            self._verdict = Verdict(None, Diagnosis.without_gaps("not_applicable"), None, ())
        elif self._verdict is None and self._epochs:
            self._verdict = judge_history(
                self._history,
                **self._baseline,
                chance=self._chance,
                model=ModelFacts(**self._model),
                n_train=self._split.counts.get("train"),
                best_other=self._best_other,
                may_be_certain=self._may_be_certain,
                unit=self._unit,
                data_kind=(self._split.report or {}).get("data_kind"),
                split_faults=faults_of(self._findings),
            )
        return self._verdict

    @property
    def _findings(self) -> list[Finding]:
        of_outputs = self._outputs.findings if self._outputs else ()
        found = (Finding(**one) for one in (*(self._split.findings or ()), *of_outputs))
        return list(gravest_first(found))

    @property
    def _split_report(self) -> Mapping[str, Any]:
        """The content of `bvtrack/splits.json`."""
        outputs = {"outputs": self._outputs.report} if self._outputs else {}
        return {**(self._split.report or {}), **outputs}

    @property
    def dev_digest(self) -> str | None:
        """The digest of the dev set; `None` if no example was read, because then it only identifies the size."""
        logged = (dataset for dataset in self._split.datasets if dataset["profile"]["read"])
        return next((dataset["digest"] for dataset in logged if dataset["name"] == "dev"), None)

    def compare_with(self, best_other: OtherRun | None) -> bool:
        """Set the experiment's best other run on this dev set as evidence; true if it has changed."""
        is_new = best_other != self._best_other
        self._best_other = best_other
        self._verdict = None if is_new else self._verdict
        return is_new

    def metrics_of(self, epoch: int) -> Mapping[str, float]:
        """An epoch's errors and gaps by metric name; empty if it was not logged."""
        entry = self._history.get(epoch)
        return self._values(entry) if entry else {}

    def bundle(self, new: Sequence[TrainingRecord | Record]) -> Bundle:
        """The run's current tags, note, files and status, with the points and datasets of the `new` records, already taken."""
        records = [as_record(one) for one in new]
        return Bundle(
            points=[point for record in records for point in self._points(record)],
            datasets=[dataset for record in records if isinstance(record, SplitRecord) for dataset in record.datasets],
            tags=self._tags(),
            note=self._note(),
            files=self._files(),
            status=STATUS.get(self.state),
            timestamp=self.timestamp,
        )

    def content(self, name: str, address: RunAddress) -> Content | None:
        """Content of the run's report; `None` before the first epoch."""
        if self.verdict is None:
            return None
        return Content(
            name=name,
            verdict=self.verdict,
            history=sorted(self._history.kept, key=lambda entry: entry.epoch),
            trend=self._history.trend,
            measure=self.measure,
            state=self.state,
            address=address,
            split=self._split_report,
            findings=self._findings,
            version=self._options["version"],
        )

    def compacted(self) -> list[Record]:
        """Compacted records with the same state; the curve of a very long training is thinned."""
        return [*(one.to_json() for one in self._latest.values()), *self.compacted_epochs()]

    def compacted_epochs(self) -> list[Record]:
        """Compacted records of the epochs alone."""
        kept = [entry.epoch for entry in self._history.kept]
        epochs = [self._epochs[epoch] for epoch in kept]
        later_tests = [self._tests[epoch] for epoch in kept if epoch in self._tests]
        content = self._history.past()
        past = [PastRecord(timestamp=self.timestamp, **content)] if content else []
        return [one.to_json() for one in (*epochs, *past, *later_tests)]

    def facts(self) -> list[Record]:
        """Records of what the verdict follows from beside the epochs."""
        return [one.to_json() for one in self._latest.values() if isinstance(one, (ChanceRecord, MeasureRecord, ModelRecord))]

    def split(self) -> list[Record]:
        """The record of the split without its datasets and its report, which are in MLflow; none before there is one."""
        return [replace(self._split, datasets=(), report=None).to_json()] if self._split.timestamp else []

    def _points(self, record: TrainingRecord) -> Iterator[Point]:
        """Metric points of a record: an epoch's errors and gaps, a later test error and its gap, or the error of guessing."""
        epoch = 0
        match record:
            case EpochRecord():
                epoch, values = record.epoch, self._values(record)
                if record.running is not None:
                    values[names.TRAIN_ERROR_RUNNING] = record.running
            case LaterTestRecord():
                later = record.as_epoch
                epoch, entry = record.epoch, with_test_error(self._history.get(record.epoch) or later, later)
                values = {name: value for name, value in self._values(entry).items() if name in names.OF_TEST_ERROR}
            case ChanceRecord():
                values = {names.CHANCE_ERROR: record.error}
            case _:
                return
        for name, value in values.items():
            yield Point(name, round(value, DIGITS), record.timestamp, epoch)

    def _values(self, entry: EpochErrors) -> dict[str, float]:
        """Metrics of an epoch by name."""
        values = {names.error_metric(name): error for name, error in entry.finite.items()}
        values |= {names.unscaled_metric(name): value for name, value in entry.unscaled.items() if math.isfinite(value)}
        return values | {names.gap_metric(name): gap.value for name, gap in entry.gaps(**self._baseline).items()}

    def _tags(self) -> dict[str, str | None]:
        """Current values of all tags; `None` for one that does not apply (any more)."""
        options = self._options
        facts = RunFacts(
            verdict=self.verdict,
            state=self.state,
            source=options["source"],
            version=options["version"],
            baseline="zero" if options["human_error"] is None else "given",
            measure=self.measure,
            split=tag_of(self._findings) if self._split.tag or self._findings else names.UNCHECKED,
            distribution=self._split.distribution or names.UNCHECKED,
            model=self._model,
        )
        return tags_of(facts, "training")

    def _note(self) -> str | None:
        """The run's description; `None` without a verdict."""
        if self.verdict is None:
            return None
        return render_note(
            self.verdict.diagnosis,
            self.verdict.steps,
            epoch=self.verdict.epoch,
            curve=self.verdict.curve,
            measure=self.measure,
            findings=self._findings,
            best_other=self._best_other,
        )

    def _files(self) -> dict[str, Any]:
        """JSON artifacts by path."""
        files: dict[str, Any] = {}
        if self.verdict is not None:
            about = {"measure": self.measure, "version": self._options["version"]}
            files[names.DIAGNOSIS_FILE] = self.verdict.as_json() | about
        if self._split_report:
            files[names.SPLITS_FILE] = self._split_report
        return files

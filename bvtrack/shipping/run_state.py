"""What the records of a journal add up to: the verdict, and with it all that MLflow is to show of the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from bvtrack.report.content import Content, RunAddress
from bvtrack.report.note import render_note
from bvtrack.schema import names
from bvtrack.schema.tags import RunFacts, tags_of
from bvtrack.splits.finding import Finding, gravest_first
from bvtrack.store.bundle import Bundle, Point

STATUS = {"complete": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
"""MLflow's words for how a run ended."""
OF_EPOCHS = (EpochRecord, PastRecord, LaterTestRecord)
"""The records of which the newest one alone does not count."""
DIGITS = 7
"""Of a logged error: as many as a float32 metric holds; more would show as 0.35100001."""


class Ledger:
    """One run, record by record. Taking a record is quick; what follows from all of them is worked out when asked for."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """With the Tracker's options, as the journal's first record holds them."""
        self._options = options
        self._baseline = {name: options[name] for name in ("human_error", "same_distribution")}
        self._history = History(options["at"], **self._baseline)
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
        self.measure: str | None = (options["measure"] or {}).get("name")
        """What the errors are, as the tag says."""
        self.timestamp = 0
        """Of the newest record, in milliseconds since the epoch."""
        self.state: State = "running"

    def take(self, record: TrainingRecord | Record) -> TrainingRecord:
        """Add what a record says, also one that is still as a line of the journal holds it; the record.

        Raises `LookupError`, `TypeError`, `ValueError` or `AttributeError` where it is none of a training's.
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
                self.measure = new.name
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
        """What all epochs so far say; `None` before the first one."""
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
        """The digest of the dev set; `None` where none of it was read, so that another may only be as large."""
        logged = (dataset for dataset in self._split.datasets if dataset["profile"]["read"])
        return next((dataset["digest"] for dataset in logged if dataset["name"] == "dev"), None)

    def compare_with(self, best_other: OtherRun | None) -> bool:
        """Take the experiment's best other run on this dev set as evidence; whether it is other evidence than before."""
        is_new = best_other != self._best_other
        self._best_other = best_other
        self._verdict = None if is_new else self._verdict
        return is_new

    def metrics_of(self, epoch: int) -> Mapping[str, float]:
        """An epoch's errors and gaps by the names of their metrics; empty where it was not logged."""
        entry = self._history.get(epoch)
        return self._values(entry) if entry else {}

    def bundle(self, new: Sequence[TrainingRecord | Record]) -> Bundle:
        """The run as it is now, with the points and datasets of the `new` ones among the records that have been taken."""
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
        """What the run's report says; `None` before the first epoch."""
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

    def folded(self) -> list[Record]:
        """Lines that say the same as all that has been taken, the curve of a very long training by fewer epochs."""
        return [*(one.to_json() for one in self._latest.values()), *self.folded_epochs()]

    def folded_epochs(self) -> list[Record]:
        """Of these the ones that are about epochs."""
        kept = [entry.epoch for entry in self._history.kept]
        epochs = [self._epochs[epoch] for epoch in kept]
        later_tests = [self._tests[epoch] for epoch in kept if epoch in self._tests]
        past = [PastRecord(timestamp=self.timestamp, **self._history.past())] if kept else []
        return [one.to_json() for one in (*epochs, *past, *later_tests)]

    def _points(self, record: TrainingRecord) -> Iterator[Point]:
        """An epoch's errors and gaps, a later test error and its gap, or what guessing scores."""
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
        """The metrics of an epoch."""
        values = {names.error_metric(name): error for name, error in entry.finite.items()}
        values |= {names.unscaled_metric(name): entry.unscaled[name] for name in entry.finite if name in entry.unscaled}
        return values | {names.gap_metric(name): gap.value for name, gap in entry.gaps(**self._baseline).items()}

    def _tags(self) -> dict[str, str | None]:
        """Every tag as it should be now; `None` where one does not apply (any more)."""
        options = self._options
        facts = RunFacts(
            verdict=self.verdict,
            state=self.state,
            source=options["source"],
            version=options["version"],
            baseline="zero" if options["human_error"] is None else "given",
            measure=self.measure,
            split=self._split.tag or names.UNCHECKED,
            distribution=self._split.distribution or names.UNCHECKED,
            model=self._model,
        )
        return tags_of(facts, "training")

    def _note(self) -> str | None:
        """The block for the run's description."""
        if self.verdict is None:
            return None
        return render_note(
            self.verdict.diagnosis,
            self.verdict.steps,
            epoch=self.verdict.epoch,
            measure=self.measure,
            findings=self._findings,
            best_other=self._best_other,
        )

    def _files(self) -> dict[str, Any]:
        """The JSON artifacts by path."""
        files: dict[str, Any] = {}
        if self.verdict is not None:
            about = {"measure": self.measure, "version": self._options["version"]}
            files[names.DIAGNOSIS_FILE] = self.verdict.as_json() | about
        if self._split_report:
            files[names.SPLITS_FILE] = self._split_report
        return files

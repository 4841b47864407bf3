"""What the records of a journal add up to: the verdict, and with it all that MLflow is to show of the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.evidence import ModelFacts, OtherRun
from bvtrack.diagnosis.run_history import History
from bvtrack.diagnosis.run_verdict import EpochErrors, Verdict, judge_history, with_test_error
from bvtrack.journal.journal import EndState
from bvtrack.journal.record_line import Record
from bvtrack.report.content import Content, RunAddress
from bvtrack.report.note import render_note
from bvtrack.schema import names
from bvtrack.splits.finding import Finding, gravest_first
from bvtrack.store.bundle import Bundle, Point

State = EndState | Literal["running"]
STATUS = {"complete": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
"""MLflow's words for how a run ended."""
OF_EPOCHS = ("epoch", "past", "test")
"""The kinds of records of which the newest one alone does not count."""
DIGITS = 7
"""Of a logged error: as many as a float32 metric holds; more would show as 0.35100001."""


class Ledger:
    """One run, record by record. Taking a record is quick; what follows from all of them is worked out when asked for."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """With the Tracker's options, as the journal's first record holds them."""
        self._options = options
        self._baseline = {name: options[name] for name in ("human_error", "same_distribution")}
        self._history = History(options["at"], **self._baseline)
        self._epochs: dict[int, Record] = {}
        self._tests: dict[int, Record] = {}
        self._model: Mapping[str, Any] = {}
        self._measure: Mapping[str, Any] = options["measure"] or {"name": None, "is_rate": True}
        self._split: Mapping[str, Any] = {}
        self._chance: float | None = None
        self._is_trial = False
        self._verdict: Verdict | None = None
        self._latest: dict[str, Record] = {}
        self._best_other: OtherRun | None = None
        self.timestamp = 0
        """Of the newest record, in milliseconds since the epoch."""
        self.state: State = "running"

    def take(self, record: Record) -> None:
        """Add what a record says."""
        self.timestamp = max(self.timestamp, record["timestamp"])
        if record["kind"] not in OF_EPOCHS:
            self._latest[record["kind"]] = record
        match record["kind"]:
            case "epoch":
                self._epochs[record["epoch"]] = record
                self._tests.pop(record["epoch"], None)
                for dropped in self._history.add(_entry(record)):
                    del self._epochs[dropped]
                    self._tests.pop(dropped, None)
            case "test":
                if measured := self._history.get(record["epoch"]):
                    self._history.put(with_test_error(measured, _test_entry(record)))
                    self._tests[measured.epoch] = record
            case "past":
                self._history.go_on_from(record)
            case "chance":
                self._chance = record["error"]
            case "model":
                self._model = record["facts"]
            case "measure":
                self._measure = record
            case "split":
                self._split = record
            case "trial":
                self._is_trial = True
            case "end":
                self.state = record["state"]
        self._verdict = None

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
                n_train=self._split.get("counts", {}).get("train"),
                best_other=self._best_other,
            )
        return self._verdict

    @property
    def _findings(self) -> list[Finding]:
        found = (Finding(**one) for record in (self._split, self._outputs) for one in record.get("findings", ()))
        return list(gravest_first(found))

    @property
    def _outputs(self) -> Mapping[str, Any]:
        return self._latest.get("outputs", {})

    @property
    def _split_report(self) -> Mapping[str, Any]:
        """The content of `bvtrack/splits.json`."""
        outputs = {"outputs": self._outputs["report"]} if self._outputs else {}
        return {**(self._split.get("report") or {}), **outputs}

    @property
    def measure(self) -> str | None:
        """What the errors are, as the tag says."""
        name: str | None = self._measure["name"]
        return name

    @property
    def dev_digest(self) -> str | None:
        """The digest of the dev set; `None` where none of it was read, so that another may only be as large."""
        logged = (dataset for dataset in self._split.get("datasets", ()) if dataset["profile"]["read"])
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

    def bundle(self, new: Sequence[Record]) -> Bundle:
        """The run as it is now, with the points and datasets of the `new` ones among the records that have been taken."""
        return Bundle(
            points=[point for record in new for point in self._points(record)],
            datasets=[dataset for record in new if record["kind"] == "split" for dataset in record["datasets"]],
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
        """Records that say the same as all that have been taken, the curve of a very long training by fewer epochs."""
        return [*self._latest.values(), *self.folded_epochs()]

    def folded_epochs(self) -> list[Record]:
        """Of these the ones that are about epochs."""
        kept = [entry.epoch for entry in self._history.kept]
        later_tests = [self._tests[epoch] for epoch in kept if epoch in self._tests]
        past = [{"kind": "past", "timestamp": self.timestamp, **self._history.past()}] if kept else []
        return [*(self._epochs[epoch] for epoch in kept), *past, *later_tests]

    def _points(self, record: Record) -> Iterator[Point]:
        """An epoch's errors and gaps, a later test error and its gap, or what guessing scores."""
        match record["kind"]:
            case "epoch":
                values = self._values(_entry(record))
                if record["running"] is not None:
                    values[names.TRAIN_ERROR_RUNNING] = record["running"]
            case "test":
                later = _test_entry(record)
                entry = with_test_error(self._history.get(record["epoch"]) or later, later)
                values = {name: value for name, value in self._values(entry).items() if name in names.OF_TEST_ERROR}
            case "chance":
                values = {names.CHANCE_ERROR: record["error"]}
            case _:
                return
        for name, value in values.items():
            yield Point(name, round(value, DIGITS), record["timestamp"], record.get("epoch", 0))

    def _values(self, entry: EpochErrors) -> dict[str, float]:
        """The metrics of an epoch."""
        values = {names.error_metric(name): error for name, error in entry.finite.items()}
        values |= {names.unscaled_metric(name): entry.unscaled[name] for name in entry.finite if name in entry.unscaled}
        return values | {names.gap_metric(name): gap.value for name, gap in entry.gaps(**self._baseline).items()}

    def _tags(self) -> dict[str, str | None]:
        """Every tag as it should be now; `None` where one does not apply (any more)."""
        options = self._options
        return {
            names.STATE: self.state,
            names.SOURCE: options["source"],
            names.VERSION: options["version"],
            names.BASELINE: "zero" if options["human_error"] is None else "given",
            names.MEASURE: self.measure,
            names.SPLIT: self._split.get("tag", names.UNCHECKED),
            names.DISTRIBUTION: self._split.get("distribution", names.UNCHECKED),
            **{names.MODEL + name: _short(value) for name, value in self._model.items()},
            **(self.verdict.tags() if self.verdict else {}),
        }

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


def _entry(record: Record) -> EpochErrors:
    return EpochErrors(record["epoch"], record["errors"], record["counts"], record["intervals"], record["unscaled"])


def _test_entry(record: Record) -> EpochErrors:
    """A test error by itself, as an epoch that has no other."""
    known = {"errors": record["error"], "counts": record["n"], "intervals": record["interval"], "unscaled": record["unscaled"]}
    return EpochErrors(record["epoch"], **{name: {} if value is None else {"test": value} for name, value in known.items()})


def _short(value: object) -> str | None:
    if value is None:
        return None
    return f"{value:g}" if isinstance(value, float) else str(value)

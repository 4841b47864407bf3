"""State of a run from its journal's records: the verdict, and all metrics, tags and artifacts for MLflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bvtrack.curves.more_data import checked_sizes
from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.evidence import ModelFacts, OtherRun
from bvtrack.diagnosis.kept_weights import Weights
from bvtrack.diagnosis.run_history import History
from bvtrack.diagnosis.run_verdict import Verdict, judge_history, with_test_error
from bvtrack.diagnosis.weighing import weights_of
from bvtrack.error_rates.error_rate import as_logged
from bvtrack.journal.record_line import Record
from bvtrack.journal.records import (
    ChanceRecord,
    EndRecord,
    EpochRecord,
    ExamplesRecord,
    LaterTestRecord,
    MeasureRecord,
    ModelRecord,
    OutputsRecord,
    PastRecord,
    SizesRecord,
    SplitRecord,
    State,
    TrainingRecord,
    TrialRecord,
    WeightsRecord,
    as_record,
)
from bvtrack.measures.measure import unit_of
from bvtrack.report.content import Content, RunAddress
from bvtrack.report.note import headline, render_note
from bvtrack.schema import names
from bvtrack.schema.model_weights import Training
from bvtrack.schema.tags import RunFacts, tags_of
from bvtrack.schema.verdict_metrics import verdict_metrics
from bvtrack.shipping.known_split import KnownSplit
from bvtrack.shipping.metric_points import points_of, values_of
from bvtrack.splits.faults import faults_of
from bvtrack.splits.finding import Finding
from bvtrack.store.bundle import Bundle

STATUS = {"complete": "FINISHED", "pruned": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
"""MLflow's run status by the state of the training; a pruned trial has done all that its study asked of it."""
OF_FACTS = (ChanceRecord, MeasureRecord, ModelRecord, SizesRecord)
"""Records of what the verdict follows from beside the epochs."""
OF_EPOCHS = (EpochRecord, PastRecord, LaterTestRecord)
"""Records that accumulate; of any other kind, the newest replaces those before."""


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
        self._split = KnownSplit()
        self._sizes: Sequence[tuple[int, float]] = ()
        self._kept: WeightsRecord | None = None
        self._weights: Weights | None = None
        self._examples: ExamplesRecord | None = None
        self._chance: float | None = None
        self._is_trial = False
        self._verdict: Verdict | None = None
        self._latest: dict[str, TrainingRecord] = {}
        self._best_other: OtherRun | None = None
        measure = options["measure"] or {}
        self.measure: str | None = measure.get("name")
        """The kind of error, as in `bvtrack.measure`."""
        self._unit = unit_of(self.measure or "", measure.get("unit"))
        self.is_of_loss = bool(measure.get("is_loss"))
        """True if the errors are made of a loss."""
        self._may_be_certain = not (self.is_of_loss or measure.get("is_doubtful"))
        self._history.has_scale = bool(measure.get("has_scale", True))
        self.timestamp = 0
        """Time of the newest record, in milliseconds since the epoch."""
        self.state: State = "running"
        self.stopped: str | None = None
        """Why the training was stopped, where a rule of `StopWhen` was met."""

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
                self.is_of_loss = new.is_loss
                self._may_be_certain = not (new.is_loss or new.is_doubtful)
            case SplitRecord() | OutputsRecord():
                self._split.take(new)
            case SizesRecord():
                self._sizes = checked_sizes(new.curve)
            case WeightsRecord():
                self._kept = new
            case ExamplesRecord():
                self._examples = new
            case TrialRecord():
                self._is_trial = True
            case EndRecord():
                self.state, self.stopped = new.state, new.stopped
        self._verdict = self._weights = None
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
                n_train=self._split.n_train,
                best_other=self._best_other,
                may_be_certain=self._may_be_certain,
                unit=self._unit,
                data_kind=self._split.data_kind,
                split_faults=faults_of(self._split.findings),
                sizes=self._sizes,
            )
        return self._verdict

    @property
    def headline(self) -> str | None:
        """The verdict in a line, with which the run's description begins; `None` without a verdict."""
        if self.verdict is None:
            return None
        return headline(self.verdict.diagnosis, self.verdict.steps, self.verdict.curve)

    @property
    def last_epoch(self) -> int:
        """The highest epoch so far. Raises `ValueError` before the first one."""
        return max(entry.epoch for entry in self._history.kept)

    @property
    def kept_epochs(self) -> list[int]:
        """The epochs whose errors are kept, in logging order."""
        return [entry.epoch for entry in self._history.kept]

    @property
    def weights(self) -> Weights | None:
        """Which weights to keep; `None` before the first epoch with a dev error, and for a trial."""
        if self._weights is None and self.verdict is not None and not self._is_trial:
            self._weights = weights_of(self._history, self.verdict.epoch, self._kept)
        return self._weights

    @property
    def _examples_judged(self) -> Mapping[str, Any] | None:
        """What is known of the examples of the verdict's epoch."""
        is_judged = self._examples is not None and self.verdict is not None and self._examples.epoch == self.verdict.epoch
        return {"epoch": self._examples.epoch, **self._examples.content} if is_judged and self._examples else None

    @property
    def dev_digest(self) -> str | None:
        """The digest of the dev set; `None` if it tells no more than the size."""
        return self._split.dev_digest

    def compare_with(self, best_other: OtherRun | None) -> bool:
        """Set the experiment's best other run on this dev set as evidence; true if it has changed."""
        is_new = best_other != self._best_other
        self._best_other = best_other
        self._verdict = None if is_new else self._verdict
        return is_new

    def metrics_of(self, epoch: int) -> Mapping[str, float]:
        """An epoch's errors and gaps by metric name; empty if it was not logged."""
        entry = self._history.get(epoch)
        return values_of(entry, self._baseline) if entry else {}

    def bundle(self, new: Sequence[TrainingRecord | Record]) -> Bundle:
        """The run's current tags, note, files and status, with the points and datasets of the `new` records, already taken."""
        records = [as_record(one) for one in new]
        return Bundle(
            points=[point for record in records for point in points_of(record, self._history, self._baseline)],
            datasets=[dataset for record in records if isinstance(record, SplitRecord) for dataset in record.datasets],
            tags=self._tags(),
            note=self._note(),
            files=self._files(),
            status=STATUS.get(self.state),
            timestamp=self.timestamp,
            verdict=verdict_metrics(self.verdict),
            awaits_verdict=self.verdict is None,
        )

    @property
    def training(self) -> Training | None:
        """The training, for the models that it has logged; `None` before there is a verdict on an epoch."""
        if self.verdict is None or self.verdict.epoch is None:
            return None
        last = max(self._epochs.values(), key=lambda epoch: epoch.timestamp)
        kept = self.weights
        is_known = kept is not None and (kept.is_left_with_none or kept.left_with is not None)
        left_with = kept.left_with if kept is not None and is_known else last.epoch
        return Training(self._tags(), last.epoch, ended=last.timestamp, left_with=left_with)

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
            split=self._split.report,
            findings=self._split.findings,
            version=self._options["version"],
            weights=self.weights,
            examples=self._examples_judged or {},
            model=ModelFacts(**self._model),
            sizes=self._sizes,
            stopped=self.stopped,
        )

    def compacted(self) -> list[Record]:
        """Compacted records with the same state; the curve of a very long training is thinned."""
        return [*(one.to_json() for one in self._latest.values()), *self.compacted_epochs()]

    def compacted_epochs(self) -> list[Record]:
        """Compacted records of the epochs alone."""
        kept = self.kept_epochs
        epochs = [self._epochs[epoch] for epoch in kept]
        later_tests = [self._tests[epoch] for epoch in kept if epoch in self._tests]
        content = self._history.past()
        past = [PastRecord(timestamp=self.timestamp, **content)] if content else []
        return [one.to_json() for one in (*epochs, *past, *later_tests)]

    def facts(self) -> list[Record]:
        """Records of what the verdict follows from beside the epochs."""
        return [one.to_json() for one in self._latest.values() if isinstance(one, OF_FACTS)]

    @property
    def findings(self) -> Sequence[Finding]:
        """What was found in the split, the gravest first."""
        return self._split.findings

    def kept(self) -> list[Record]:
        """The records of the weights to keep and of the examples that are worst; none before there are any."""
        return [one.to_json() for one in (self._kept, self._examples) if one is not None]

    def split(self) -> list[Record]:
        """The record of the split without its datasets and its report, which are in MLflow; none before there is one."""
        return self._split.records()

    def _tags(self) -> dict[str, str | None]:
        """Current values of all tags; `None` for one that does not apply (any more)."""
        options = self._options
        facts = RunFacts(
            verdict=self.verdict,
            state=self.state,
            source=options["source"],
            baseline="zero" if options["human_error"] is None else "given",
            measure=self.measure,
            split=self._split.tag,
            distribution=self._split.distribution,
            model=self._model,
        )
        return tags_of(facts, "training")

    def _note(self) -> str | None:
        """The run's description; `None` without a verdict."""
        if self.verdict is None:
            return None
        return render_note(
            self.verdict.without_split,  # the first step and the findings tell of it
            self.verdict.steps,
            epoch=self.verdict.epoch,
            curve=self.verdict.curve,
            measure=self.measure,
            findings=self._split.findings,
            best_other=self._best_other,
            weights=self.weights,
            stopped=self.stopped,
        )

    def _files(self) -> dict[str, Any]:
        """JSON artifacts by path."""
        files: dict[str, Any] = {}
        if self.verdict is not None:
            about: dict[str, Any] = {"measure": self.measure, "version": self._options["version"]}
            about |= {"stopped": self.stopped} if self.stopped else {}
            about |= {} if self._chance is None else {"chance_error": as_logged(self._chance)}
            about |= {"weights": self.weights.as_json()} if self.weights else {}
            about |= {"examples": self._examples_judged} if self._examples_judged else {}
            about |= {"learning_curve": [[n, as_logged(error)] for n, error in self._sizes]} if self._sizes else {}
            files[names.DIAGNOSIS_FILE] = self.verdict.as_json() | about
        if report := self._split.report:
            files[names.SPLITS_FILE] = report
        return files

"""A journal's records, one dataclass for each kind, and their conversion from and to JSON."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from bvtrack.error_rates.epoch_errors import EpochErrors
from bvtrack.error_rates.within_noise import Difference
from bvtrack.measures.unit import UnitKind

Kind = Literal[
    "run",
    "model",
    "measure",
    "chance",
    "split",
    "outputs",
    "sizes",
    "weights",
    "examples",
    "epoch",
    "test",
    "past",
    "trial",
    "end",
]
EndState = Literal["complete", "pruned", "interrupted", "failed"]
State = EndState | Literal["running"]

PRUNED = "TrialPruned"
"""Optuna's exception, by which a trial ends that its study does not go on with: an `Exception`, and no failure."""


def end_state(error: type[BaseException] | None) -> EndState:
    """The end state of a training that raised this error, or none: `interrupted` if it is no `Exception`, such as Ctrl-C or the
    `SystemExit` by which Ray Tune ends a trial, `pruned` for Optuna's `TrialPruned`.

    >>> end_state(KeyboardInterrupt)
    'interrupted'
    """
    if error is None:
        return "complete"
    if any(kind.__name__ == PRUNED for kind in error.__mro__):
        return "pruned"
    return "failed" if issubclass(error, Exception) else "interrupted"


@dataclass(frozen=True, kw_only=True)
class TrainingRecord:
    """The content of a line of the journal; `timestamp` is in milliseconds since the Unix epoch.

    `more` holds fields that this version does not know.
    """

    kind: str = field(init=False)
    timestamp: int
    more: Mapping[str, Any] | None = field(default=None, init=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """The fields in the journal's order."""
        content = {"kind": self.kind, **vars(self)}
        if self.more:
            content |= content.pop("more")
        return content


@dataclass(frozen=True, kw_only=True)
class UnknownRecord(TrainingRecord):
    """A record of a kind that this version does not know: all of its fields are in `more`."""

    kind: str = field()


@dataclass(frozen=True, kw_only=True)
class SparseRecord(TrainingRecord):
    """A record whose line leaves out the fields that are `None`."""

    def to_json(self) -> dict[str, Any]:
        """The fields that are not `None`."""
        return {name: value for name, value in super().to_json().items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class EpochRecord(EpochErrors, TrainingRecord):
    """An epoch's errors, as fractions by set; `running` is the train error averaged while the weights were changing.

    It is no record of an epoch without what says how sure the errors are, empty though that may be.
    """

    kind: str = field(default="epoch", init=False)
    counts: Mapping[str, int]
    intervals: Mapping[str, tuple[float, float]]
    unscaled: Mapping[str, float]
    running: float | None = None


@dataclass(frozen=True, kw_only=True)
class LaterTestRecord(TrainingRecord):
    """A test error that was measured after the training, on the weights of an epoch; `n` are the examples behind it."""

    kind: str = field(default="test", init=False)
    epoch: int
    error: float
    n: int | None
    interval: tuple[float, float] | None
    unscaled: float | None

    @property
    def as_epoch(self) -> EpochErrors:
        """The test error by itself, as an epoch that has no other."""
        return EpochErrors(
            self.epoch,
            errors={"test": self.error},
            counts={} if self.n is None else {"test": self.n},
            intervals={} if self.interval is None else {"test": self.interval},
            unscaled={} if self.unscaled is None else {"test": self.unscaled},
        )


@dataclass(frozen=True, kw_only=True)
class PastRecord(SparseRecord):
    """The state that does not follow from the epochs kept: the content of `History.past`."""

    kind: str = field(default="past", init=False)
    n_places: int | None = None
    places: Sequence[int] | None = None
    stretches: Any = None


@dataclass(frozen=True, kw_only=True)
class ChanceRecord(TrainingRecord):
    """The error of guessing, as a fraction."""

    kind: str = field(default="chance", init=False)
    error: float


@dataclass(frozen=True, kw_only=True)
class ModelRecord(TrainingRecord):
    """The fields of `ModelFacts`."""

    kind: str = field(default="model", init=False)
    facts: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class MeasureRecord(SparseRecord):
    """The measure as the tag names it; `is_rate` is true if errors are shares of examples, `has_scale` if they can be read as
    fractions, those of the epochs before too. Of a loss (`is_loss`) no verdict is certain, nor of a metric that may not be
    the one that is meant (`is_doubtful`). `unit` is the kind of what errors are fractions of, `None` where a version did not
    write it.
    """

    kind: str = field(default="measure", init=False)
    name: str
    is_rate: bool = True
    has_scale: bool = True
    is_loss: bool = False
    is_doubtful: bool = False
    unit: UnitKind | None = None


@dataclass(frozen=True, kw_only=True)
class SplitRecord(SparseRecord):
    """The number of examples by set, the datasets for MLflow, and the findings, if the split was checked."""

    kind: str = field(default="split", init=False)
    counts: Mapping[str, int] = field(default_factory=dict)
    datasets: Sequence[Mapping[str, Any]] = ()
    tag: str | None = None
    distribution: str | None = None
    findings: Sequence[Mapping[str, Any]] | None = None
    report: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class OutputsRecord(TrainingRecord):
    """The comparison of the model's outputs on dev and on test."""

    kind: str = field(default="outputs", init=False)
    findings: Sequence[Mapping[str, Any]] = ()
    report: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class SizesRecord(TrainingRecord):
    """A learning curve: sizes of the training set, the present one last, each with the dev error, as a fraction."""

    kind: str = field(default="sizes", init=False)
    curve: Sequence[tuple[int, float]]


@dataclass(frozen=True, kw_only=True)
class WeightsRecord(SparseRecord):
    """Which weights there are to keep: how much higher than the `best` epoch's the dev errors of others are, on the same
    examples (`compared`: epoch, difference and its standard deviation), the `checkpoints` (epoch and path), if there may be
    any, and the epoch whose weights the model was left with, `is_left_with_none` for those of no measured epoch.
    """

    kind: str = field(default="weights", init=False)
    best: int | None = None
    compared: Sequence[tuple[int, float, float]] = ()
    checkpoints: Sequence[tuple[int, str]] = ()
    has_checkpoints: bool = False
    left_with: int | None = None
    is_left_with_none: bool = False

    def __post_init__(self) -> None:
        """Raises `TypeError` or `ValueError` for pairs and triples that are none."""
        for _ in self.checkpoint_of.items(), self.difference_of.items():
            pass

    @property
    def difference_of(self) -> Mapping[int, Difference]:
        """By epoch, how much higher its dev error is than that of the `best`."""
        return {int(epoch): Difference(float(value), float(deviation)) for epoch, value, deviation in self.compared}

    @property
    def checkpoint_of(self) -> Mapping[int, str]:
        """By epoch, the path of its checkpoint."""
        return {int(epoch): str(path) for epoch, path in self.checkpoints}


@dataclass(frozen=True, kw_only=True)
class ExamplesRecord(TrainingRecord):
    """Which classes the errors of an epoch are in, and its worst examples: the `content` of `examples` in the diagnosis."""

    kind: str = field(default="examples", init=False)
    epoch: int
    content: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class TrialRecord(TrainingRecord):
    """Marks a run that says nothing about bias or variance."""

    kind: str = field(default="trial", init=False)


@dataclass(frozen=True, kw_only=True)
class EndRecord(SparseRecord):
    """The training's end, and why it was `stopped`, if it was by a rule of `StopWhen`."""

    kind: str = field(default="end", init=False)
    state: EndState
    stopped: str | None = None


_CLASSES: Mapping[str, type[TrainingRecord]] = {
    made.kind: made
    for made in (
        EpochRecord,
        LaterTestRecord,
        PastRecord,
        ChanceRecord,
        ModelRecord,
        MeasureRecord,
        SplitRecord,
        OutputsRecord,
        SizesRecord,
        WeightsRecord,
        ExamplesRecord,
        TrialRecord,
        EndRecord,
    )
}
_OF_ALL = {one.name for one in fields(TrainingRecord)}
_NAMES = {made: {one.name for one in fields(made)} - _OF_ALL for made in _CLASSES.values()}


def make_record(kind: str, timestamp: int, content: Mapping[str, Any]) -> TrainingRecord:
    """A record of this kind with these fields. Raises `TypeError` if a required field is missing.

    >>> make_record("chance", 0, {"error": 0.5})
    ChanceRecord(kind='chance', timestamp=0, error=0.5)
    """
    if (made := _CLASSES.get(kind)) is None:
        return _with_more(UnknownRecord(kind=kind, timestamp=timestamp), content)
    names = _NAMES[made]
    if content.keys() <= names:
        return made(timestamp=timestamp, **content)
    known = {name: value for name, value in content.items() if name in names}
    more = {name: value for name, value in content.items() if name not in names}
    return _with_more(made(timestamp=timestamp, **known), more)


def _with_more(record: TrainingRecord, more: Mapping[str, Any]) -> TrainingRecord:
    if more:
        vars(record)["more"] = more  # its class has none, so that no other record takes time for it
    return record


def as_record(record: TrainingRecord | Mapping[str, Any]) -> TrainingRecord:
    """A record as a dataclass, from itself or from the fields of a journal's line.

    Raises `LookupError` or `TypeError` if these are not a record's.
    """
    if isinstance(record, TrainingRecord):
        return record
    content = dict(record)
    return make_record(content.pop("kind"), content.pop("timestamp"), content)


def now() -> int:
    """Milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000

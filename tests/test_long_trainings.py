"""Trainings of many epochs: what is kept of them, and what a checkpoint carries, grows up to a limit and no further."""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from idle_shipper import IdleShipper
from written_journals import all_records

from bvtrack import Measure, ModelFacts, Tracker
from bvtrack.adapters import CallbackOptions, Logged, Pass, Predictions, Session, SetName, SplitSource, TimeBudget, Training
from bvtrack.adapters.epoch_marks import EpochMarks
from bvtrack.diagnosis.run_history import KEPT_EPOCHS
from bvtrack.journal.folder import unsent_journals
from bvtrack.journal.packing import packed, unpacked
from bvtrack.measures import metric_words
from bvtrack.schema.tags import verdict_tags

MOST_BYTES = 256 * 1024
"""Of a checkpoint's state, in JSON."""
WRONG = Measure("wrong", higher_is_better=False, kind="score", function=lambda predicted, true: predicted != true)
LIMITS = {
    "epoch_choice.MOST_SAVED": 1_000,
    "epoch_marks.MOST_MARKS": 2_500,
    "epoch_marks.LATEST_EPOCHS": 200,
    "paired_epochs.MOST_EPOCHS": 100,
}
"""Lower than they are, so that fewer epochs tell."""
N_EPOCHS = 1_500
MARKS = 4
N_EXAMPLES = 60
BEST = 7
SETS = ("train", "train_dev", "dev", "test")


@dataclass
class Saving(Training):
    """A training that saves each epoch, and whose seventh is the best but for noise."""

    epoch: int = 0
    saved: dict[str, str] = field(default_factory=dict)
    most_saved: int = 0

    def begin_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        self.saved[f"s3://bucket/a/folder/of/checkpoints/epoch={epoch}-step={100 * epoch}.ckpt"] = self.marks_of_weights()[0]
        self.most_saved = max(self.most_saved, len(self.saved))

    def model_facts(self) -> ModelFacts:
        return ModelFacts()

    def splits(self) -> Mapping[str, SplitSource]:
        return {"train": SplitSource.of(1_000), "dev": SplitSource.of(N_EXAMPLES)}

    def logged(self) -> Logged:
        return Logged({"loss": 0.5}, {})

    def sets(self, measure: Measure | None) -> Sequence[SetName]:
        return ["dev", "train"]

    def evaluate(self, name: SetName, measure: Measure | None, budget: TimeBudget) -> Pass:
        kept = Predictions(WRONG.function, N_EXAMPLES)  # type: ignore[arg-type]  # it has one
        n_wrong = self.n_wrong
        targets = np.arange(N_EXAMPLES) % 3
        kept.add((targets + (np.arange(N_EXAMPLES) < n_wrong)) % 3, targets)
        return kept.found()

    @property
    def n_wrong(self) -> int:
        return 3 if self.epoch == BEST else 4 + self.epoch * 7_919 % 3

    def marks_of_weights(self) -> Sequence[str]:
        return [f"{random.Random(MARKS * self.epoch + one).getrandbits(64):016x}" for one in range(MARKS)]

    def checkpoints(self) -> Mapping[str, str]:
        return dict(self.saved)

    def expose(self, metrics: Mapping[str, float]) -> None:
        return

    def forget_checkpoints(self, paths: Collection[str]) -> None:
        for path in paths:
            self.saved.pop(path, None)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bvtrack.tracking.outbox.ShipperProcess", IdleShipper)
        for limit, most in LIMITS.items():
            patch.setattr(f"bvtrack.adapters.{limit}", most)
        yield tmp_path_factory.mktemp("long")


def session_in(place: Path, **options: Any) -> Session[Saving]:
    chosen = CallbackOptions(error=WRONG, tracking_uri=f"sqlite:///{place}/mlflow.db", journal_dir=place, summary=False)
    tracker = chosen.new_tracker(**options)
    return Session(Saving(), chosen, tracker)


def go_on(session: Session[Any], epochs: range) -> None:
    for epoch in epochs:
        session.begin_epoch()
        session.training.begin_epoch(epoch)
        session.end_epoch(epoch)
        if epoch % 10 == 0:
            session._choice.tell()


@pytest.fixture(scope="module")
def long(place: Path) -> Session[Saving]:
    session = session_in(place)
    session.begin()
    go_on(session, range(N_EPOCHS))
    return session


def test_what_a_callback_keeps_of_each_epoch_is_kept_of_so_many_alone(long: Session[Saving]) -> None:
    paired = long._choice._paired

    assert long.training.most_saved <= 1_000 + 10
    assert len(long._marks_of_epochs._epochs) <= MARKS * 1_300 < MARKS * N_EPOCHS
    assert max(len(paired._found), len(paired._epochs)) <= 2 * 100
    assert len(long.tracker.kept_epochs) <= KEPT_EPOCHS + 100


def test_of_a_long_training_the_best_epoch_is_still_found_where_it_was_saved_and_tested(long: Session[Saving]) -> None:
    weights = long.tracker.weights
    assert weights is not None

    assert weights.best_epoch == BEST
    assert f"epoch={BEST}-" in weights.checkpoints[BEST]
    for epoch in (BEST, N_EPOCHS - 150, N_EPOCHS - 1):
        assert long.epoch_of(Saving(epoch).marks_of_weights()) == epoch


def test_a_checkpoint_of_a_long_training_is_small_and_goes_on_with_all_that_counts(long: Session[Saving], place: Path) -> None:
    written = json.dumps(long.state())
    state = json.loads(written)
    second = session_in(place, resume=state)
    second.recall(state)

    assert len(written) < MOST_BYTES
    assert second.epoch_of(Saving(BEST).marks_of_weights()) == BEST
    assert second._choice._paired.best == BEST
    assert second.tracker.kept_epochs == long.tracker.kept_epochs


def log_wide(tracker: Tracker, epoch: int, error: float) -> None:
    """An epoch with all that one can have, in as many digits."""
    errors = {name: error * (1 + 0.1 * place) for place, name in enumerate(SETS)}
    arguments: dict[str, Any] = {f"{name}_error": one for name, one in errors.items()}
    intervals = {name: (0.9 * one, 1.1 * one) for name, one in errors.items()}
    tracker.log_epoch(epoch, **arguments, n_train=1_000_000, intervals=intervals, train_error_running=error / 3)


@pytest.mark.parametrize("measure", [None, "val_loss"])
def test_a_trackers_state_is_bounded_at_each_length(measure: str | None) -> None:
    tracker = Tracker(enabled=False, measure=measure)
    draw = random.Random(0)
    sizes = {}
    for epoch in range(2 * KEPT_EPOCHS * 2):
        log_wide(tracker, epoch, 0.01 + 0.5 * draw.random())
        if (epoch + 1) % 128 == 0:
            sizes[epoch + 1] = len(json.dumps(tracker.state()))

    assert max(sizes.values()) < 0.75 * MOST_BYTES  # what is left is the callback's


def test_a_state_in_which_nothing_is_packed_is_taken_up_too() -> None:
    first = Tracker(enabled=False)
    for epoch in range(300):
        log_wide(first, epoch, 0.1 + epoch % 17 / 100)
    state = first.state()
    before = {**state, "epochs": unpacked(state["epochs"])}  # as version 0.10 wrote it
    again, now = (Tracker(enabled=False, resume=json.loads(json.dumps(one))) for one in (before, state))

    assert isinstance(state["epochs"], str)
    assert again.diagnosis == now.diagnosis == first.diagnosis
    assert again.state()["epochs"] == now.state()["epochs"] == state["epochs"]


@given(
    st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(), st.lists, max_leaves=20)
)
@settings(deadline=None)
def test_what_is_packed_comes_back_to_the_last_digit(value: Any) -> None:
    long_one = [value, "x" * 20_000]

    assert isinstance(packed(long_one), str)
    assert unpacked(json.loads(json.dumps(packed(long_one)))) == long_one
    assert isinstance(value, str) or unpacked(packed(value)) == value


@pytest.mark.parametrize("text", ["", "no base64", "YWJj"])
def test_a_text_that_is_no_part_of_a_state_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected the packed part of a training's state, got"):
        unpacked(text)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 30)), max_size=60), st.sets(st.integers(0, 30)))
def test_marks_are_those_of_the_latest_epoch_and_outlive_a_thinning_where_it_is_wanted(
    noted: list[tuple[int, int]], wanted: set[int]
) -> None:
    marks, newest = EpochMarks(), dict[str, int]()
    for mark, epoch in noted:
        marks.note([str(mark)], epoch)
        newest[str(mark)] = epoch
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bvtrack.adapters.epoch_marks.LATEST_EPOCHS", 3)
        marks.thin(wanted)
    latest = list(dict.fromkeys(newest[str(mark)] for mark in dict.fromkeys(one for one, _ in reversed(noted))))[:3]

    assert {mark: marks.epoch_of(mark) for mark in newest if marks.epoch_of(mark) is not None} == {
        mark: epoch for mark, epoch in newest.items() if epoch in wanted | {*latest}
    }


def curve(draw: random.Random, n: int) -> Iterator[dict[str, float | None]]:
    """Errors that go up or down in stretches, with more noise or less, and now and then without a dev error."""
    dev, train, slope, noise, until = draw.random(), 0.0, 0.0, 0.0, 0
    seldom = draw.choice([1, 1, 2, 7])
    for epoch in range(n):
        if epoch >= until:
            until, slope = epoch + draw.randrange(1, n), draw.uniform(-2, 1) / n
            noise, train = draw.choice([0.0, 0.002, 0.05]), draw.random()
        dev = min(max(dev + slope, 0.0), 1.0)
        yield {
            "train_error": min(max(dev * train + draw.gauss(0, noise), 0.0), 1.0),
            "dev_error": min(max(dev + draw.gauss(0, noise), 0.0), 1.0) if epoch % seldom == 0 else None,
        }


@pytest.mark.parametrize("at", ["best", "last"])
@pytest.mark.parametrize("seed", range(12))
def test_a_training_that_is_resumed_from_its_state_has_the_tags_of_one_that_was_not_broken_off(seed: int, at: Any) -> None:
    draw = random.Random(seed)
    n = draw.choice([100, KEPT_EPOCHS, 700, 2_500])
    broken_at = {draw.randrange(1, n) for _ in range(3)}
    whole = broken = Tracker(enabled=False, at=at)
    for epoch, errors in enumerate(curve(draw, n)):
        for tracker in {whole, broken}:
            tracker.log_epoch(epoch, **errors, n_train=5_000, n_dev=1_000)  # type: ignore[arg-type]  # errors alone
        if epoch in broken_at:
            broken = Tracker(enabled=False, at=at, resume=json.loads(json.dumps(broken.state())))
        if epoch % 50 == 0 or epoch == n - 1:
            seen, expected = (one._logbook.ledger.verdict for one in (broken, whole))
            assert seen is not None
            assert expected is not None
            assert verdict_tags(seen) == verdict_tags(expected)
            assert seen.diagnosis == expected.diagnosis


@dataclass
class Talkative(Saving):
    """Logs twelve thousand metrics each epoch, and validates in every other one."""

    def logged(self) -> Logged:
        layers = {f"layer_{layer}/grad_norm_{self.epoch % 2}": 0.1 for layer in range(6_000)}
        dev = {f"val_part_{part}": 0.1 for part in range(6_000)} | {"val_acc": 0.8, "val_loss": 0.4}
        train = {**layers, "train_acc": 0.9, "train_loss": 0.3}
        return Logged(train, {}) if self.epoch % 2 else Logged({**train, **dev}, dev)

    def sets(self, measure: Measure | None) -> Sequence[SetName]:
        return []


def test_the_names_of_ten_thousand_metrics_are_read_once_in_a_training(journals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    n_read, read = 0, metric_words.words_of

    def counted(name: str) -> list[str]:
        nonlocal n_read
        n_read += 1
        return read(name)

    monkeypatch.setattr(metric_words, "words_of", counted)
    session = Session(Talkative(), CallbackOptions(tracking_uri="sqlite:///mlflow.db", summary=False))
    session.begin()
    go_on(session, range(4))
    of_the_first = n_read
    go_on(session, range(4, 10))

    assert session.measure is not None
    assert session.measure.name == "val_acc"
    assert of_the_first > 12_000
    assert n_read == of_the_first


class Improving(Saving):
    """A training in which each epoch is the best so far."""

    @property
    def n_wrong(self) -> int:
        return N_EXAMPLES - self.epoch


def test_the_examples_that_are_wrong_are_told_now_and_then_and_at_the_end_where_each_epoch_is_the_best(journals: Path) -> None:
    session = Session(Improving(), CallbackOptions(error=WRONG, tracking_uri="sqlite:///mlflow.db", summary=False))
    session.begin()
    for epoch in range(40):
        session.training.begin_epoch(epoch)
        session.end_epoch(epoch)
    in_checkpoint = session.state()["kept"]
    session.end("complete")
    (journal,) = unsent_journals(journals)
    told = [one["epoch"] for one in all_records(journal) if one["kind"] == "examples"]

    assert [one["epoch"] for one in in_checkpoint if one["kind"] == "examples"] == [39]
    assert told[-1] == 39
    assert len(told) < 10

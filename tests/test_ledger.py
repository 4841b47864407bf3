from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bvtrack.journal.journal import record
from bvtrack.journal.record_line import Record
from bvtrack.shipping.run_state import Ledger
from bvtrack.store.bundle import Bundle

OPTIONS = {
    "human_error": None,
    "measure": None,
    "at": "best",
    "same_distribution": True,
    "source": "tracker",
    "version": "1.2.3",
}


def ledger(*records: Record, **options: Any) -> Ledger:
    found = Ledger(OPTIONS | options)
    for one in records:
        found.take(one)
    return found


def epoch(number: int, *, n: dict[str, int] | None = None, running: float | None = None, **errors: float) -> Record:
    return record("epoch", epoch=number, errors=errors, counts=n or {}, intervals={}, unscaled={}, running=running)


def later_test(number: int, error: float, n: int | None = None) -> Record:
    return record("test", epoch=number, error=error, n=n, interval=None, unscaled=None)


def values(bundle: Bundle) -> dict[tuple[int, str], float]:
    return {(point.step, point.name.removeprefix("bvtrack/")): point.value for point in bundle.points}


def test_an_epoch_makes_a_point_of_each_error_and_gap_with_its_time() -> None:
    first = epoch(3, train=0.01, dev=0.11, running=0.2)
    bundle = ledger(first, human_error=0.005).bundle([first])

    assert values(bundle) == {
        (3, "train_error"): 0.01,
        (3, "dev_error"): 0.11,
        (3, "train_error_running"): 0.2,
        (3, "avoidable_bias"): 0.005,
        (3, "variance"): 0.1,
    }
    assert {point.timestamp for point in bundle.points} == {first["timestamp"]}


def test_only_new_records_make_points_and_all_of_them_the_verdict() -> None:
    first, second = epoch(0, train=0.3, dev=0.31), epoch(1, train=0.01, dev=0.11)
    bundle = ledger(first, second).bundle([second])

    assert {step for step, _ in values(bundle)} == {1}
    assert bundle.tags["bvtrack.diagnosis"] == "high_variance"
    assert bundle.tags["bvtrack.epoch"] == "1"


def test_what_arithmetic_leaves_behind_is_rounded_away_but_no_digit_of_a_float32() -> None:
    first = epoch(0, train=1 - 0.649, dev=1 - float(np.float32(113 / 160)))

    written = values(ledger(first).bundle([first]))
    assert (written[0, "train_error"], written[0, "dev_error"]) == (0.351, 0.29374999)


def test_an_error_that_is_no_number_makes_no_point_but_the_verdict() -> None:
    first = epoch(0, train=float("nan"), dev=0.4)
    bundle = ledger(first).bundle([first])

    assert values(bundle) == {(0, "dev_error"): 0.4}
    assert bundle.tags["bvtrack.diagnosis"] == "diverged"


def test_a_later_test_error_adds_its_own_points_alone() -> None:
    first, later = epoch(0, train=0.1, dev=0.2), later_test(0, 0.5, 100)
    bundle = ledger(first, later).bundle([later])

    assert values(bundle) == {(0, "test_error"): 0.5, (0, "dev_overfit"): 0.3}
    assert (0, "test_error") not in values(ledger(first, later).bundle([first]))
    assert bundle.files["bvtrack/diagnosis.json"]["diagnosis"]["counts"] == {"test": 100}


def test_a_test_error_of_an_epoch_that_nobody_logged_is_a_point_alone() -> None:
    later = later_test(7, 0.5, None)
    found = ledger(epoch(0, train=0.1, dev=0.2), later, at="last")

    assert values(found.bundle([later])) == {(7, "test_error"): 0.5}
    assert found.bundle(()).tags["bvtrack.epoch"] == "0"


def test_an_epoch_that_is_logged_again_counts_once() -> None:
    found = ledger(epoch(0, train=0.1, dev=0.2), epoch(0, train=0.1, dev=0.3))

    assert found.verdict is not None
    assert found.verdict.diagnosis.errors["dev"] == 0.3


def test_before_the_first_epoch_there_are_tags_but_no_verdict() -> None:
    bundle = ledger(measure={"name": "1 - val_acc", "is_rate": True}).bundle(())

    assert bundle.tags == {
        "bvtrack.diagnosis": "pending",
        "bvtrack.next_step": "pending",
        "bvtrack.certainty": "pending",
        "bvtrack.split": "unchecked",
        "bvtrack.measure": "1 - val_acc",
        "bvtrack.baseline": "zero",
        "bvtrack.distribution": "unchecked",
        "bvtrack.state": "running",
        "bvtrack.source": "tracker",
        "bvtrack.model": None,
    }
    assert (bundle.note, bundle.files, bundle.status) == (None, {}, None)


@pytest.mark.parametrize(("known", "diagnosis"), [([record("chance", error=0.5)], "not_learning"), ([], "high_bias")])
def test_what_guessing_scores_is_the_yardstick_where_it_is_known(known: list[Record], diagnosis: str) -> None:
    epochs = [epoch(number, train=0.5, dev=0.5) for number in range(3)]
    found = ledger(*known, *epochs)

    assert found.bundle(()).tags["bvtrack.diagnosis"] == diagnosis


@pytest.mark.parametrize(
    ("state", "status"), [("complete", "FINISHED"), ("pruned", "FINISHED"), ("interrupted", "KILLED"), ("failed", "FAILED")]
)
def test_the_end_of_a_training_is_told_in_mlflows_words(state: str, status: str) -> None:
    bundle = ledger(record("end", state=state)).bundle(())

    assert (bundle.tags["bvtrack.state"], bundle.status) == (state, status)


def test_a_trial_says_nothing_but_that() -> None:
    tags = ledger(record("trial")).bundle(()).tags

    assert (tags["bvtrack.diagnosis"], tags["bvtrack.epoch"], tags["bvtrack.gaps"]) == ("not_applicable", None, None)


def test_what_has_been_sent_and_has_not_changed_is_left_out() -> None:
    first, second = epoch(0, train=0.01, dev=0.11), epoch(1, train=0.01, dev=0.112)
    sent = ledger(first).bundle([first])
    news = ledger(first, second).bundle([second]).since(sent)

    assert news.tags.keys() == {"bvtrack.curve"}
    assert news.tags["bvtrack.curve"] == "converged"
    assert len(news.points) == 4
    assert news.note is None
    assert news.files["bvtrack/diagnosis.json"]["curve"] == "converged"
    assert ledger(first).bundle(()).since(sent) == Bundle(points=[], datasets=[], timestamp=first["timestamp"])


def test_a_tag_that_no_longer_applies_is_news() -> None:
    first, trial = epoch(0, train=0.01, dev=0.11), record("trial")
    news = ledger(first, trial).bundle([trial]).since(ledger(first).bundle([first]))

    assert news.tags["bvtrack.gaps"] is None

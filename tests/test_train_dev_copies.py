"""Copies between the train-dev set and the others: it is held out of the training data, and so leaks as they do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bvtrack import Tracker


def rows(n: int, seed: int, moved: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(moved, 1.0, (n, 8))


TRAIN, TRAIN_DEV, DEV, TEST = rows(900, 0), rows(300, 1), rows(300, 2), rows(300, 3)
CLEAN = {"train": TRAIN, "train_dev": TRAIN_DEV, "dev": DEV, "test": TEST}


def tracked(journals: Path, sets: dict[str, Any]) -> Tracker:
    with Tracker(tracking_uri="sqlite:///none.db", journal_dir=journals, human_error=0.0) as tracker:  # nothing is sent
        tracker.log_split(**sets)
        tracker.log_epoch(0, train_error=0.04, train_dev_error=0.04, dev_error=0.26, test_error=0.26)
    return tracker


@pytest.mark.parametrize(
    ("code", "copied"),
    [
        ("train_dev_repeats_train", {"train_dev": np.concatenate([TRAIN[:150], TRAIN_DEV[:150]])}),
        ("train_dev_repeats_train", {"train_dev": TRAIN}),
        ("dev_repeats_train_dev", {"dev": np.concatenate([TRAIN_DEV[:150], DEV[:150]])}),
        ("test_repeats_train_dev", {"test": np.concatenate([TRAIN_DEV[:150], TEST[:150]])}),
    ],
)
def test_copies_in_the_train_dev_set_come_first(journals: Path, said: list[str], code: str, copied: dict[str, Any]) -> None:
    tracker = tracked(journals, {**CLEAN, **copied})
    verdict = tracker._logbook.ledger.verdict
    assert verdict is not None
    assert [fault.code for fault in verdict.split_faults] == [code]
    assert (verdict.steps[0].id, verdict.diagnosis.certainty, len(said)) == ("mend_split", "likely", 2)
    said.clear()


def test_a_dev_set_from_elsewhere_than_train_dev_is_no_leak_and_no_shift_of_train_dev(journals: Path) -> None:
    tracker = tracked(journals, {**CLEAN, "dev": rows(300, 2, moved=0.5), "test": rows(300, 3, moved=0.5)})

    assert tracker.steps[0].id != "mend_split"

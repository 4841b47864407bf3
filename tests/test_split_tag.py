"""`bvtrack.split` names what any check has found, and says ok of nothing that could have been checked and was not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import bvtrack
from bvtrack.journal.records import make_record
from bvtrack.shipping.run_state import Ledger

N_TRAIN, N_DEV = 1500, 500
Examples = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


class Unreadable:
    """A set on a disk that is gone."""

    def __len__(self) -> int:
        return N_DEV

    def __getitem__(self, place: int) -> Any:
        raise OSError("no such file")


def examples(n: int, seed: int, *, n_features: int = 20, moved: float = 0.0) -> Examples:
    random = np.random.default_rng(seed)
    return random.normal(moved, 1, (n, n_features)), random.integers(0, 2, n)


TRAIN, DEV, TEST = examples(N_TRAIN, 1), examples(N_DEV, 2), examples(N_DEV, 3)
COPIES = tuple(np.concatenate([one[:250], other[:250]]) for one, other in zip(TRAIN, DEV, strict=True))


def split_tag(sets: Mapping[str, Any]) -> str | None:
    tracker = bvtrack.Tracker(tracking_uri="sqlite:///none.db", enabled=False)
    tracker.log_split(**sets)
    return tracker._logbook.ledger.bundle(()).tags["bvtrack.split"]


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        ({}, "unchecked"),
        ({"train": 6000, "test": 2000}, "unchecked"),
        ({"train": 6000, "dev": 2000, "test": 2000}, "ok"),
        ({"train": 6000, "dev": 2000}, "ok"),  # that there is no test set is a note
        ({"train": 6000, "dev": 20, "test": 2000}, "dev_too_small"),
        ({"train": TRAIN, "dev": DEV, "test": TEST}, "ok"),
        ({"train": TRAIN, "dev": COPIES, "test": TEST}, "dev_repeats_train"),
        ({"train": TRAIN, "dev": DEV, "test": COPIES}, "test_repeats_train+test_repeats_dev"),
        ({"train": TRAIN, "dev": DEV, "test": DEV}, "test_used_to_choose+test_repeats_dev"),
        ({"train": TRAIN, "dev": examples(N_DEV, 4, moved=0.5)}, "dev_differs_from_train"),
        ({"train": TRAIN, "dev": DEV, "train_dev": examples(N_TRAIN, 1)}, "train_dev_repeats_train"),
        ({"train": TRAIN, "dev": examples(N_DEV, 4, n_features=19)}, "unchecked"),
        ({"train": TRAIN, "dev": Unreadable(), "test": TEST}, "unchecked"),
        ({"train": TRAIN, "dev": DEV, "test": Unreadable()}, "unchecked"),
        ({"train": Unreadable(), "dev": Unreadable()}, "unchecked"),
    ],
)
def test_a_split_is_ok_only_if_all_that_could_be_checked_is(sets: dict[str, Any], expected: str) -> None:
    assert split_tag(sets) == expected


NOTED = {"code": "dev_too_large", "level": "note", "message": "It is large."}
FOUND = {"code": "outputs_differ", "level": "warning", "message": "They differ."}


@pytest.mark.parametrize(
    ("tag", "found", "of_outputs", "expected"),
    [
        ("ok", [], [FOUND], "outputs_differ"),
        ("unchecked", [], [FOUND], "outputs_differ"),
        ("ok", [NOTED], [NOTED], "ok"),
        ("unchecked", [NOTED], [], "unchecked"),
        (None, None, [], "unchecked"),
        (None, None, [NOTED], "unchecked"),
    ],
)
def test_what_the_outputs_tell_later_joins_what_was_found(
    tag: str | None, found: list[Any] | None, of_outputs: list[Any], expected: str
) -> None:
    options = {
        "human_error": None,
        "measure": None,
        "at": "best",
        "same_distribution": True,
        "source": "tracker",
        "version": "1",
    }
    ledger = Ledger(options)
    ledger.take(make_record("split", 1, {"tag": tag, "findings": found}))
    ledger.take(make_record("outputs", 2, {"findings": of_outputs, "report": {}}))

    assert ledger.bundle(()).tags["bvtrack.split"] == expected

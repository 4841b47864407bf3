from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from bvtrack.journal.records import EpochRecord, TrainingRecord, as_record, make_record

CONTENTS: dict[str, dict[str, Any]] = {
    "epoch": {
        "epoch": 3,
        "errors": {"train": 0.1, "dev": 0.2},
        "counts": {"dev": 100},
        "intervals": {"train": [0.0, 0.2]},
        "unscaled": {},
        "running": None,
    },
    "test": {"epoch": 3, "error": 0.2, "n": None, "interval": [0.1, 0.3], "unscaled": None},
    "past": {"n_places": 9, "places": [0, 4], "stretches": [1, 2]},
    "chance": {"error": 0.9},
    "model": {"facts": {"optimizer": "Adam", "dropout": None}},
    "measure": {"name": "1 - val_acc", "is_rate": True, "has_scale": True, "is_loss": False, "is_doubtful": False},
    "split": {
        "counts": {"dev": 9},
        "datasets": [],
        "tag": "ok",
        "distribution": "same",
        "findings": [],
        "report": {"read": {}},
    },
    "outputs": {"findings": [], "report": {"p_value": 0.5}},
    "trial": {},
    "end": {"state": "complete"},
}
SPARSE = {"past": {}, "split": {"counts": {"dev": 9}, "datasets": []}}


def line(kind: str, **content: Any) -> dict[str, Any]:
    return {"kind": kind, "timestamp": 17, **content}


@pytest.mark.parametrize(("kind", "content"), [*CONTENTS.items(), *SPARSE.items()])
def test_a_record_is_written_as_it_was_read_its_fields_in_their_order(kind: str, content: dict[str, Any]) -> None:
    record = as_record(line(kind, **content))

    assert type(record) is not TrainingRecord
    assert json.dumps(record.to_json()) == json.dumps(line(kind, **content))


@pytest.mark.parametrize("more", [{}, {"hue": {"red": 1}}])
@pytest.mark.parametrize("kind", [*CONTENTS, "colour"])
def test_what_a_newer_version_says_is_kept(kind: str, more: dict[str, Any]) -> None:
    newer = line(kind, **CONTENTS.get(kind, {}), **more)
    record = as_record(newer)

    assert record.kind == kind
    assert json.dumps(record.to_json()) == json.dumps(newer)


def test_of_a_record_what_is_not_always_said_may_be_missing() -> None:
    record = as_record(line("epoch", epoch=0, errors={}, counts={}, intervals={}, unscaled={}))

    assert isinstance(record, EpochRecord)
    assert record.running is None


@pytest.mark.parametrize("kind", ["epoch", "test", "chance", "model", "measure", "outputs", "end"])
def test_a_record_without_what_it_is_about_is_none(kind: str) -> None:
    with pytest.raises(TypeError, match="missing"):
        make_record(kind, 0, {})


def test_a_record_goes_to_another_process_with_all_that_it_says() -> None:
    record = as_record(line("chance", error=0.5, hue="red"))

    assert pickle.loads(pickle.dumps(record)).to_json() == record.to_json()

"""A run as MLflow holds it: what is read of it can be trusted, and is judged without a store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bvtrack.auditing.stored_content import content_of
from bvtrack.auditing.stored_files import StoredSplit, read_split, read_verdict
from bvtrack.auditing.stored_run import StoredRun
from bvtrack.logged.error_metrics import find_errors
from bvtrack.report.content import RunAddress
from bvtrack.store.logged_run import Latest, LoggedRun
from bvtrack.store.metric_point import Point


def written(file: str) -> Any:
    return json.loads((Path(__file__).parent / "written_before" / f"{file}.json").read_text())


@pytest.mark.parametrize(
    ("file", "place", "value"),
    [
        ("diagnosis", ("diagnosis", "gaps", "variance", "threshold"), "wide"),
        ("diagnosis", ("diagnosis", "gaps", "variance", "low"), "0.1"),
        ("diagnosis", ("diagnosis", "gaps", "of the future"), {"value": 0.1}),
        ("diagnosis", ("diagnosis", "errors", "dev"), 3.0),
        ("diagnosis", ("diagnosis", "errors", "of the future"), 0.1),
        ("diagnosis", ("diagnosis", "counts", "dev"), "many"),
        ("diagnosis", ("diagnosis", "problems"), [["high_variance"]]),
        ("diagnosis", ("steps", 0, "why"), None),
        ("diagnosis", ("steps", 0, "expected_gain"), "all"),
        ("diagnosis", ("curve",), 7),
        ("diagnosis", ("epoch",), "last"),
        ("splits", ("distribution", "histograms", 0, "edges", 3), "x"),
        ("splits", ("distribution", "histograms", 0, "shares", "of the future"), [0.1]),
        ("splits", ("distribution", "histograms", 0, "shares", "dev"), [0.1]),
        ("splits", ("distribution", "histograms", 0, "what"), 3),
    ],
)
def test_a_file_in_which_something_cannot_be_meant_is_passed_over(file: str, place: tuple[str | int, ...], value: Any) -> None:
    content = written(file)
    *path, last = place
    inner = content
    for part in path:
        inner = inner[part]
    inner[last] = value

    assert (read_verdict(content) if file == "diagnosis" else read_split(content)) in (None, StoredSplit())


@pytest.mark.parametrize("finding", [{"code": "x"}, {"code": "x", "level": "note", "message": 3}, "leak"])
def test_a_finding_that_is_none_leaves_the_rest_of_the_split(finding: Any) -> None:
    content = written("splits")
    content["distribution"]["findings"].append(finding)

    assert read_split(content) == StoredSplit(content)


def test_a_run_is_judged_without_a_store() -> None:
    run = LoggedRun("4f1c", "by hand", {name: Latest(value, 1) for name, value in (("train_acc", 0.99), ("val_acc", 0.85))})
    points = {"train_acc": [Point(0, 1, 0.8), Point(1, 2, 0.99)], "val_acc": [Point(0, 1, 0.8), Point(1, 2, 0.85)]}
    found = content_of(StoredRun(run, RunAddress("4f1c", "1", "sqlite:///mlflow.db"), points, find_errors(run)))

    assert (found.diagnosis.tag, found.verdict.epoch, found.unit) == ("high_variance", 1, "step")

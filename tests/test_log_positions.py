from __future__ import annotations

from pathlib import Path

import pytest

from bvtrack.logfiles.logged_file import LoggedFile
from bvtrack.logfiles.opening import runs_in_text


def read(text: str) -> LoggedFile:
    (found,) = runs_in_text(text, Path("log.csv"))
    return found


def steps(text: str, metric: str) -> list[int]:
    return [point.step for point in read(text).points[metric]]


@pytest.mark.parametrize(
    ("text", "metric", "expected", "unit"),
    [
        ("epoch,acc\n0,1\n1,1\n", "acc", [0, 1], "epoch"),
        ("Epoch;acc\n1;1\n2;1\n", "acc", [1, 2], "epoch"),
        ("epoch,step,acc\n0,9,1\n1,19,1\n", "acc", [9, 19], "step"),
        ("step,epoch,acc\n100,1,1\n100,2,1\n100,3,1\n", "acc", [1, 2, 3], "epoch"),  # batches of an epoch
        ("epoch,iter,acc\n1,50,1\n1,100,1\n2,50,1\n2,100,1\n", "acc", [50, 100, 150, 200], "iteration"),
        ("epoch,acc\n0.5,1\n1.0,1\n1.5,1\n", "acc", [0, 1, 2], "row"),
        ("trainer/global_step,acc\n7,1\n8,1\n", "acc", [7, 8], "step"),
        ("time/epoch,acc\n3,1\n2,1\n", "acc", [0, 1], "row"),  # how long an epoch took
        ("acc,lr\n1,3\n1,2\n", "acc", [0, 1], "row"),
        ("epoch,acc\n2,1\n1,1\n0,1\n", "acc", [0, 1, 2], "epoch"),
        ("epoch,acc\n0,1\n,1\n2,1\n", "acc", [0, 2], "epoch"),
        ("epoch,acc\n0,1\n1,2\n2,3\n3,3\n1,4\n2,5\n", "acc", [0, 1, 2], "epoch"),
    ],
)
def test_steps_are_those_that_put_the_rows_in_order(text: str, metric: str, expected: list[int], unit: str) -> None:
    assert steps(text, metric) == expected
    assert read(text).unit == unit


def test_a_validation_that_counts_epochs_is_placed_by_its_order_among_the_steps() -> None:
    rows = [f"{100 * epoch + n},0.5,\n" if n else f"{epoch},,0.6\n" for epoch in range(1, 4) for n in (50, 99, 0)]
    found = read("step,acc,val_acc\n" + "".join(rows))

    assert [point.step for point in found.points["val_acc"]] == [199, 299, 399]
    assert found.remarks == (
        "the step of some rows counts something else than in the others: they are placed by their order in the file",
    )


def test_a_test_after_the_best_checkpoint_was_loaded_starts_nothing_anew() -> None:
    found = read("step,acc,val_acc,test_acc\n9,0.5,0.5,\n19,0.6,0.6,\n29,0.7,0.5,\n19,,,0.6\n")

    assert [point.step for point in found.points["acc"]] == [9, 19, 29]
    assert [point.step for point in found.points["test_acc"]] == [19]


def test_a_training_resumed_from_a_checkpoint_goes_on_from_there() -> None:
    found = read("step,acc\n0,0.1\n1,0.2\n2,0.3\n3,0.4\n2,0.35\n3,0.45\n4,0.5\n")

    assert [(point.step, point.value) for point in found.points["acc"]] == [(0, 0.1), (1, 0.2), (2, 0.35), (3, 0.45), (4, 0.5)]


def test_times_are_kept() -> None:
    by_number = read("step,timestamp,acc\n0,1700000000,1\n1,1700000001.5,1\n")
    by_date = read("step,datetime,acc\n0,2023-11-14T22:13:20,1\n1,2023-11-14 22:13:21.5,1\n")

    assert [point.timestamp for point in by_number.points["acc"]] == [1_700_000_000_000, 1_700_000_001_500]
    assert by_date.points == by_number.points

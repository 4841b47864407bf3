"""Results in plain words: what `print` shows, and what `repr` does not."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import bvtrack
from bvtrack.auditing.audited import Audited
from bvtrack.auditing.run_report import Report
from bvtrack.diagnosis.run_verdict import EpochErrors, Verdict
from bvtrack.measures.unit import Unit
from bvtrack.report.content import Content, RunAddress
from bvtrack.split_files import check_files

RATES = bvtrack.diagnose(train_error=0.01, dev_error=0.11, n_train=2000, n_dev=2000)
VERDICT = Verdict(7, RATES, "converged", bvtrack.recommend(RATES))
ROWS = np.random.default_rng(0).normal(size=(50_000, 3))
CLASSES = np.arange(50_000) % 12
PROFILE = bvtrack.profile(ROWS, CLASSES.astype(str), name="train")
SHIFTED = bvtrack.compare_splits(train=ROWS[:3000], dev=ROWS[2000:5000] + 0.5)
REPORT = Report(
    Content("wide-2\x1b[2J", VERDICT, [EpochErrors(7, {"dev": 0.11})], address=RunAddress("4f1c", "1", "http://host"))
)
SEEN = [
    (RATES, "High variance (certain)\nErrors: train 1.0 %, dev 11.0 %; human error 0.0 % (assumed"),
    (VERDICT, "High variance (certain): get more training data\nErrors: train 1.0 %"),
    (VERDICT.steps[1], "Regularise. Weight decay"),
    (RATES.gaps["variance"], "10.0 points (95 % interval 8.6 to 11.5)"),
    (bvtrack.forecast_longer([0.5, 0.4, 0.33, 0.29, 0.26, 0.24], epochs=6), "0.175 (80 % interval 0.127 to 0.24); more epochs"),
    (
        bvtrack.check_split(train=600, dev=20, test=200),
        "The split needs a look\n  train  600  73.2 %\n  dev     20   2.4 %",
    ),
    (bvtrack.check_split(train=600, dev=20).findings[0], "warning: the dev set has 20 of 620"),
    (SHIFTED, "Different distributions\nExamples read: train 3,000, dev 3,000.\nwarning: train and dev differ"),
    (PROFILE, "train: 50,000 examples\nColumns: feature (table [3]).\n12 classes: 0: 4,167, 1: 4,167"),
    (REPORT, "wide-2\ufffd[2J, at epoch 7\nHigh variance (certain): get more training data\n"),
    (
        Audited("4f1c", "wide", "high_variance", "likely", metrics={"dev": "val_acc"}),
        "wide: high_variance (likely); dev from",
    ),
]


@pytest.mark.parametrize(("result", "begins"), SEEN, ids=lambda value: type(value).__name__)
def test_a_result_is_printed_for_people(result: object, begins: str) -> None:
    assert str(result).startswith(begins)
    assert not re.search(r"\*\*|&nbsp;|\\_|^\|", str(result), re.MULTILINE)
    assert isinstance(result, bvtrack.Finding) or max(map(len, str(result).splitlines())) <= 88


@pytest.mark.parametrize("result", [result for result, _ in SEEN], ids=lambda value: type(value).__name__)
def test_its_repr_is_for_developers_and_short(result: object) -> None:
    assert repr(result).startswith(f"{type(result).__name__}(")
    assert len(repr(result)) < 5000


def test_errors_of_a_regression_are_printed_in_their_own_unit() -> None:
    printed = str(bvtrack.diagnose(train_error=0.3, dev_error=0.5, unit=Unit("variance", "1 - val_r2")))

    assert "of the targets' variance is not explained on train" in " ".join(printed.split())
    assert "human error" not in printed.replace("human_error=", "")


def test_a_check_of_files_is_printed(tmp_path: Path) -> None:
    for name, seed in {"train": 0, "dev": 1}.items():
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(seed).normal(size=(600, 2)))
    check = check_files({name: str(tmp_path / f"{name}.npy") for name in ("train", "dev")})

    assert "\nExamples read: train 600, dev 600.\n" in str(check)
    assert "The split" in str(check)
    assert len(repr(check)) < 5000

"""The rules and the advice are as right on real runs as the README says, a little slack for other versions of NumPy left."""

from __future__ import annotations

import csv

import figures
import lcdb
import numpy as np
import pytest
import report
import taskset
from real_data import SOURCES

needs_lcdb = pytest.mark.skipif(not (figures.DATA / "lcdb").is_dir(), reason=f"{figures.DATA / 'lcdb'} is not there")
needs_taskset = pytest.mark.skipif(not (figures.DATA / "taskset").is_dir(), reason=f"{figures.DATA / 'taskset'} is not there")


@needs_lcdb
@pytest.mark.parametrize(("is_given", "least"), [(True, 0.75), (False, 0.73)])
def test_high_variance_says_that_more_data_pay(is_given: bool, least: float) -> None:
    curves = lcdb.Curves()
    cases = [case for case in curves.cases() if case.dev > 0]

    accuracy = lcdb.balanced_accuracy(lcdb.is_variance_named(cases, is_given), lcdb.do_more_data_pay(curves, cases))

    assert accuracy >= least


@needs_taskset
def test_failed_and_overtrained_trainings_are_found_and_healthy_ones_left_alone() -> None:
    runs = taskset.losses()
    true, said = taskset.label(runs[:, :, 1]), taskset.classify(runs)

    assert said.failed[true.failed].mean() >= 0.99
    assert said.failed[~true.failed].mean() <= 0.01
    assert said.overtrained[true.overtrained].mean() >= 0.83
    assert (~said.healthy[true.healthy]).mean() <= 0.05


@needs_taskset
@pytest.mark.parametrize("time", taskset.TIMES)
def test_whether_training_on_helps_is_told_from_the_curve(time: int) -> None:
    runs = taskset.losses()
    forecasts, helps, best = taskset.forecast(runs[~taskset.label(runs[:, :, 1]).failed, :, 1], time)
    held = np.mean([each.low <= value <= each.high for each, value in zip(forecasts, best, strict=True)])

    assert taskset.auc(np.array([each.improves for each in forecasts]), helps) >= taskset.REACH[time]
    assert 0.75 <= held <= 0.85


def test_the_first_suggestion_helps_more_often_than_the_courses_fixed_order_on_data_the_rules_were_not_fitted_to() -> None:
    with report.RESULTS.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if SOURCES[row["dataset"]].part == "held-out"]
    found = report.InterventionSet(rows)

    ours, fixed = (
        np.mean([found.hit(run.case, choose(run)) for run in found.runs]) for choose in (report.first_step, report.fixed_order)
    )

    assert found.n_runs > 2_000
    assert ours >= fixed + 0.1

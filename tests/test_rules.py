"""The rules and the advice are as right on real runs as docs/trust/ says, a little slack for other versions of NumPy left."""

from __future__ import annotations

import figures
import lcdb
import numpy as np
import pytest
import taskset
from intervention_set import Part, load
from scores import compare
from strategies import bvtrack, fixed_order
from verdict_checks import certain_verdicts

needs_lcdb = pytest.mark.skipif(not (figures.DATA / "lcdb").is_dir(), reason=f"{figures.DATA / 'lcdb'} is not there")
needs_taskset = pytest.mark.skipif(not (figures.DATA / "taskset").is_dir(), reason=f"{figures.DATA / 'taskset'} is not there")


@needs_lcdb
@pytest.mark.parametrize(("is_given", "least"), [(True, 0.75), (False, 0.72)])
def test_high_variance_says_that_more_data_pay(is_given: bool, least: float) -> None:
    curves = lcdb.Curves()
    cases = [case for case in curves.cases() if case.dev > 0]

    accuracy = lcdb.balanced_accuracy(lcdb.is_variance_named(cases, is_given), lcdb.do_more_data_pay(curves, cases))

    assert accuracy >= least


@needs_lcdb
def test_an_assumed_bias_that_is_named_is_a_true_one() -> None:
    named, true = lcdb.is_assumed_bias(lcdb.Curves().cases())

    assert true[named].mean() >= 0.85
    assert named[true].mean() >= 0.9


@needs_taskset
@pytest.mark.parametrize(("classify", "never_learned"), [(taskset.with_chance, 0.99), (taskset.without_chance, 0.78)])
def test_trainings_that_failed_or_overtrained_are_recognised(classify: taskset.Classify, never_learned: float) -> None:
    runs = taskset.losses()
    true, said = taskset.label(runs), np.array([classify(run) for run in runs])
    alarms, failures = np.isin(said, ("overtrained", "unstable")), np.isin(said, ("diverged", "not_learning"))

    assert (said == "diverged")[true.diverged].mean() >= 0.97
    assert (said == "not_learning")[true.never_learned].mean() >= never_learned
    assert failures[true.learned].mean() <= 0.01
    assert alarms[true.overtrained].mean() >= 0.9
    assert (alarms & true.learned & ~true.overtrained).sum() <= 0.04 * true.learned.sum()


@needs_taskset
def test_a_run_that_goes_on_is_hardly_called_overtrained_too_soon() -> None:
    runs = taskset.losses()

    ever, too_soon = taskset.watched(runs[taskset.label(runs).learned])

    assert float(ever.seen.split("%")[0]) <= 2
    assert float(too_soon.seen.split("%")[0]) <= 3


@needs_taskset
@pytest.mark.parametrize("time", taskset.TIMES)
def test_whether_training_on_helps_is_told_from_the_curve(time: int) -> None:
    runs = taskset.losses()
    forecasts, helps, best = taskset.forecast(runs[taskset.label(runs).learned, :, taskset.VALID], time)
    held = np.mean([each.low <= value <= each.high for each, value in zip(forecasts, best, strict=True)])

    assert taskset.auc(np.array([each.improves for each in forecasts]), helps) >= taskset.REACH[time]
    assert 0.75 <= held <= 0.85


@pytest.mark.parametrize("part", ["fit", "held-out"])
def test_the_first_suggestion_helps_more_often_than_the_courses_fixed_order(part: Part) -> None:
    found = load(part)

    by_definition = compare(found, bvtrack, fixed_order).values()

    assert len(found.runs) > 500
    assert max(one.more_hits.low for one in by_definition) > 0
    assert min(one.more_hits.low for one in by_definition) > -0.01
    assert all(one.more_regret.value <= 0 for one in by_definition)


@pytest.mark.parametrize("part", ["fit", "held-out"])
def test_a_certain_verdict_names_a_problem_that_some_step_is_against(part: Part) -> None:
    assert next(certain_verdicts(load(part))).unhelped.value <= 0.03

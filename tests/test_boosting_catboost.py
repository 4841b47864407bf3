from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from boosted import DEV, TEST, TRAIN, read_run, share_wrong

catboost = pytest.importorskip("catboost")
from bvtrack_boosting.catboost import BiasVarianceCallback  # noqa: E402  # it needs CatBoost

ERRORS: dict[str, Any] = {"custom_metric": ["Accuracy"], "verbose": False, "allow_writing_files": False, "thread_count": 1}


def model_of(rounds: int = 30, **params: Any) -> Any:
    return catboost.CatBoostClassifier(iterations=rounds, learning_rate=0.2, **ERRORS | params)


def error_at(model: Any, data: Any, last: int) -> float:
    return share_wrong(model.predict_proba(data[0], ntree_end=last + 1), data[1])


def test_train_dev_and_test_error_are_those_of_the_trees_that_are_kept(journals: Path) -> None:
    model = model_of(150, early_stopping_rounds=20)
    with BiasVarianceCallback(model, train_data=TRAIN, dev_data=catboost.Pool(*DEV), test_data=TEST) as callback:
        model.fit(*TRAIN, eval_set=DEV, callbacks=[callback])
    run, last = read_run(journals), model.tree_count_ - 1
    assert callback.tracker is not None

    for number in [number for number in run.rounds if number <= last]:
        expected = {"train": error_at(model, TRAIN, number), "dev": error_at(model, DEV, number)}
        assert run.errors(number) == pytest.approx(expected)
    assert last == model.best_iteration_
    assert run.weights.left_with == last
    assert callback.tracker.metrics_of(last)["bvtrack/test_error"] == pytest.approx(error_at(model, TEST, last))
    assert run.last["counts"] == {"train": 500, "dev": 300}
    assert (run.tags["bvtrack.state"], run.tags["bvtrack.measure"]) == ("complete", "1 - dev-Accuracy")


def test_the_model_is_the_same_to_the_bit_with_and_without_the_callback(journals: Path) -> None:
    bare, tracked = model_of(), model_of()
    bare.fit(*TRAIN, eval_set=DEV)
    tracked.fit(*TRAIN, eval_set=DEV, callbacks=[BiasVarianceCallback(tracked, train_data=TRAIN, dev_data=DEV)])

    assert np.array_equal(bare.predict(DEV[0], "RawFormulaVal"), tracked.predict(DEV[0], "RawFormulaVal"))
    assert bare.get_evals_result() == tracked.get_evals_result()
    assert bare.tree_count_ == tracked.tree_count_
    assert read_run(journals).tags["bvtrack.state"] == "complete"


def test_metrics_that_say_little_of_errors_are_said(journals: Path, said: list[str]) -> None:
    model = model_of(5, custom_metric=[])
    with BiasVarianceCallback(model) as callback:
        model.fit(*TRAIN, eval_set=DEV, callbacks=[callback])

    assert said.pop().startswith("bvtrack: CatBoost shows a callback nothing but its metrics, and Logloss says little")


def test_of_several_evaluated_sets_the_last_is_dev_and_the_other_asked_for(journals: Path, said: list[str]) -> None:
    options: Any
    for options, n_said in (({}, 1), ({"test_set": "validation_0"}, 0)):
        model = model_of(5)
        with BiasVarianceCallback(model, **options) as callback:
            model.fit(*TRAIN, eval_set=[TEST, DEV], callbacks=[callback])
        run = read_run(journals)

        assert len(said) == n_said
        said.clear()
        assert run.errors(4)["dev"] == pytest.approx(error_at(model, DEV, 4))
        assert ("test" in run.errors(4)) == bool(options)


def test_a_training_without_a_dev_set_is_said_and_goes_on(journals: Path, said: list[str]) -> None:
    model = model_of(5)
    with BiasVarianceCallback(model) as callback:
        model.fit(*TRAIN, callbacks=[callback])

    assert model.tree_count_ == 5
    assert said.pop(0).startswith("bvtrack: CatBoost was trained without a dev set")
    said.clear()
    assert {*read_run(journals).errors(4)} == {"train"}


def test_an_error_of_predictions_is_refused() -> None:
    with pytest.raises(ValueError, match="CatBoost shows a callback none"):
        BiasVarianceCallback(error=lambda shares, targets: shares != targets)

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
import weakref
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from boosted import DEV, DEV3, TEST, TRAIN, TRAIN3, read_run, share_wrong

from bvtrack import Measure
from bvtrack.adapters import choose_examples

xgboost = pytest.importorskip("xgboost")
from bvtrack_boosting.xgboost import BiasVarianceCallback  # noqa: E402  # it needs XGBoost

SETS = {"train": TRAIN, "dev": DEV, "test": TEST}
BINARY: dict[str, Any] = {"objective": "binary:logistic", "nthread": 1, "max_depth": 3}
ERRORS = BINARY | {"eval_metric": ["logloss", "error"]}


def matrix(data: Any, **more: Any) -> Any:
    return xgboost.DMatrix(data[0], data[1], **more)


def train(*callbacks: Any, params: Any = ERRORS, rounds: int = 30, evals: Any = None, **more: Any) -> tuple[Any, Any]:
    """The model, and what was evaluated."""
    trained, log = matrix(TRAIN), {}  # type: ignore[var-annotated]
    evals = {"train": trained, "dev": matrix(DEV)} if evals is None else evals
    named = [(data, name) for name, data in evals.items()]
    options = {"evals": named, "evals_result": log, "verbose_eval": False, "callbacks": [*callbacks], **more}
    return xgboost.train(params, trained, rounds, **options), log


def error_at(model: Any, data: Any, last: int) -> float:
    return share_wrong(model.predict(matrix(data), iteration_range=(0, last + 1)), data[1])


def test_train_dev_and_test_error_are_those_of_the_trees_so_far(journals: Path) -> None:
    model, log = train(BiasVarianceCallback(test_data=TEST, dev_data=DEV, train_data=TRAIN))
    run = read_run(journals)

    for last in run.rounds:
        expected = {
            "train": error_at(model, TRAIN, last),
            "dev": error_at(model, DEV, last),
            "test": error_at(model, TEST, last),
        }
        assert run.errors(last) == pytest.approx(expected, abs=1e-6)
        assert run.errors(last)["dev"] == pytest.approx(log["dev"]["error"][last])
    assert run.last["counts"] == {"train": 500, "dev": 300, "test": 300}
    assert run.tags["bvtrack.measure"] == "dev-error"
    assert run.tags["bvtrack.state"] == "complete"
    assert "unchecked" not in {run.tags["bvtrack.split"], run.tags["bvtrack.distribution"]}


def test_where_nothing_but_a_loss_is_evaluated_the_share_of_wrong_examples_is_measured(journals: Path) -> None:
    callback = BiasVarianceCallback(train_data=matrix(TRAIN), dev_data=DEV, test_data=TEST)
    model, _ = train(callback, params=BINARY)
    run = read_run(journals)

    for last in (0, 7, 29):
        expected = {
            "train": error_at(model, TRAIN, last),
            "dev": error_at(model, DEV, last),
            "test": error_at(model, TEST, last),
        }
        assert run.errors(last) == pytest.approx(expected, abs=1e-9)
    assert run.tags["bvtrack.measure"] == "error"


@pytest.mark.parametrize("booster", ["gbtree", "dart", "gblinear"])
@pytest.mark.parametrize("metric", ["error", "logloss"])
def test_the_model_is_the_same_to_the_bit_with_and_without_the_callback(booster: str, metric: str, journals: Path) -> None:
    params = {"objective": "binary:logistic", "nthread": 1, "booster": booster, "eval_metric": metric}
    params |= {"gbtree": {"subsample": 0.7}, "dart": {"rate_drop": 0.3, "colsample_bytree": 0.6}, "gblinear": {}}[booster]
    evals = {"train": matrix(TRAIN), "dev": matrix(DEV)}
    callback = BiasVarianceCallback(train_data=TRAIN, dev_data=evals["dev"], test_data=TEST)
    np.random.seed(0)
    bare, log = train(params=params)
    draws = [np.random.rand()]
    np.random.seed(0)
    tracked, seen = train(callback, params=params, evals=evals)
    draws.append(np.random.rand())

    assert bytes(bare.save_raw()) == bytes(tracked.save_raw())
    assert log == seen
    assert draws[0] == draws[1]
    assert read_run(journals).tags["bvtrack.state"] == "complete"


def test_the_best_iteration_of_an_early_stopping_is_logged_and_is_the_epoch_that_is_left(journals: Path) -> None:
    params = BINARY | {"max_depth": 6, "eta": 0.2}
    for save_best in (False, True):
        stopping = xgboost.callback.EarlyStopping(rounds=15, save_best=save_best)
        callback = BiasVarianceCallback(train_data=TRAIN, dev_data=DEV)
        model, log = train(stopping, callback, params=params, rounds=300)
        run, best = read_run(journals), int(np.argmin(log["dev"]["logloss"]))

        assert best == model.best_iteration
        assert run.errors(best)["dev"] == pytest.approx(error_at(model, DEV, best))
        assert run.weights.left_with == (best if save_best else len(log["dev"]["logloss"]) - 1)


def test_an_estimator_that_stops_early_is_left_with_its_best_iteration(journals: Path) -> None:
    callback = BiasVarianceCallback(train_data=TRAIN, dev_data=DEV)
    model = xgboost.XGBClassifier(n_estimators=300, early_stopping_rounds=10, n_jobs=1, callbacks=[callback])
    model.fit(*TRAIN, eval_set=[TRAIN, DEV], verbose=False)
    run = read_run(journals)

    assert run.weights.left_with == model.best_iteration
    assert run.errors(model.best_iteration)["dev"] == pytest.approx(1 - model.score(*DEV))


def test_sets_without_names_are_told_apart_by_their_data(journals: Path) -> None:
    callback = BiasVarianceCallback(train_data=TRAIN)
    _, log = train(callback, evals={"validation_0": matrix(DEV), "validation_1": matrix(TRAIN)})
    run = read_run(journals)

    assert run.errors(29) == pytest.approx({"train": log["validation_1"]["error"][29], "dev": log["validation_0"]["error"][29]})


def test_which_set_is_train_is_asked_for_where_nothing_tells(journals: Path, said: list[str]) -> None:
    _, log = train(BiasVarianceCallback(), evals={"validation_0": matrix(TRAIN), "validation_1": matrix(DEV)})
    run = read_run(journals)

    assert "'validation_0', 'validation_1' is the train set is not known: pass train_set=" in said.pop(0)
    assert said.pop(0).endswith("have the training set evaluated too, or pass train_data=")
    assert run.errors(29) == pytest.approx({"dev": log["validation_1"]["error"][29]})
    train(BiasVarianceCallback(train_set="validation_0"), evals={"validation_0": matrix(TRAIN), "validation_1": matrix(DEV)})
    assert {*read_run(journals).errors(29)} == {"train", "dev"}


def test_thousands_of_rounds_are_thinned_and_neither_the_best_nor_the_last_is_lost(journals: Path) -> None:
    params = ERRORS | {"eta": 0.01, "max_depth": 2}
    _, log = train(BiasVarianceCallback(train_data=TRAIN, dev_data=DEV), params=params, rounds=1500)
    run, errors = read_run(journals), log["dev"]["error"]

    assert len(run.rounds) < 200
    assert run.rounds == sorted({*run.rounds})
    assert run.rounds[-1] == 1499
    assert {int(np.argmin(errors)), int(np.argmin(log["dev"]["logloss"]))} <= {*run.rounds}
    assert run.tags["bvtrack.epoch"] == str(int(np.argmin(errors)))
    assert all(run.errors(number)["dev"] == pytest.approx(errors[number]) for number in run.rounds)


def test_a_cross_validation_is_one_run_with_the_spread_over_its_folds(journals: Path) -> None:
    whole = matrix((np.concatenate([TRAIN[0], DEV[0]]), np.concatenate([TRAIN[1], DEV[1]])))
    options: dict[str, Any] = {"nfold": 5, "seed": 0, "as_pandas": False}
    bare = xgboost.cv(ERRORS, whole, 20, **options)
    found = xgboost.cv(ERRORS, whole, 20, callbacks=[BiasVarianceCallback()], **options)
    run = read_run(journals)
    mean, spread = bare["test-error-mean"][-1], bare["test-error-std"][-1]
    low, high = run.last["intervals"]["dev"]

    assert found == bare
    assert run.last["errors"] == pytest.approx({"train": bare["train-error-mean"][-1], "dev": mean})
    assert run.last["counts"] == {"train": 640, "dev": 800}
    assert (high - low) / 2 == pytest.approx(2.7764451 * spread * (5 / 4 * (1 / 5 + 1 / 4)) ** 0.5)
    assert run.tags["bvtrack.state"] == "complete"
    xgboost.cv(BINARY, whole, 20, callbacks=[BiasVarianceCallback()], **options)
    assert read_run(journals).last["errors"]["dev"] == pytest.approx(mean)


def test_rounds_of_a_training_that_goes_on_go_on_counting_in_its_run(journals: Path, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    options: dict[str, Any] = {"resume_file": file, "run_name": "one"}
    whole, _ = train(rounds=30)
    first, _ = train(BiasVarianceCallback(**options), rounds=12)
    second, log = train(BiasVarianceCallback(**options), rounds=18, xgb_model=first)
    run = read_run(journals)

    assert bytes(second.save_raw()) == bytes(whole.save_raw())
    assert run.rounds == list(range(30))
    assert run.errors(29)["dev"] == pytest.approx(log["dev"]["error"][-1])


def test_three_classes_are_measured_as_they_are_predicted(journals: Path) -> None:
    for objective in ("multi:softprob", "multi:softmax"):
        params = {"objective": objective, "num_class": 3, "nthread": 1}
        trained, dev = matrix(TRAIN3), matrix(DEV3)
        callback = BiasVarianceCallback(train_data=trained, dev_data=dev)
        model = xgboost.train(params, trained, 15, evals=[(dev, "dev")], verbose_eval=False, callbacks=[callback])
        scores = model.predict(dev, output_margin=True)

        assert read_run(journals).errors(14)["dev"] == pytest.approx(share_wrong(scores, DEV3[1]))


def test_weights_of_rows_weigh_errors_and_count_rows(journals: Path) -> None:
    weights = np.random.default_rng(0).uniform(0.1, 3, 300)
    model, log = train(
        BiasVarianceCallback(train_data=TRAIN, dev_data=(*DEV, weights), test_data=(*TEST, weights)),
        evals={"train": matrix(TRAIN), "dev": matrix(DEV, weight=weights)},
    )
    run = read_run(journals)
    expected = {
        name: float(np.average((model.predict(matrix(data)) > 0.5) != data[1], weights=weights))
        for name, data in (("dev", DEV), ("test", TEST))
    }

    assert run.errors(29) == pytest.approx({"train": log["train"]["error"][29], **expected}, abs=1e-6)
    assert run.last["counts"]["dev"] == 300


def test_errors_of_a_regression_are_held_against_the_spread_of_its_targets(journals: Path) -> None:
    data = {name: (x, x[:, 0] * 3 + x[:, 1]) for name, (x, _) in (("train", TRAIN), ("dev", DEV))}
    trained, dev = matrix(data["train"]), matrix(data["dev"])
    callback = BiasVarianceCallback(train_data=data["train"], dev_data=dev)
    evals = [(trained, "train"), (dev, "dev")]
    model = xgboost.train({"nthread": 1}, trained, 20, evals=evals, verbose_eval=False, callbacks=[callback])
    run = read_run(journals)
    targets = data["train"][1]
    scale = np.sqrt(np.mean((targets - targets.mean()) ** 2))
    error = np.sqrt(np.mean((model.predict(dev) - data["dev"][1]) ** 2))

    assert run.errors(19)["dev"] == pytest.approx(error / scale, rel=1e-4)
    assert "best constant" in str(run.tags["bvtrack.measure"])


def test_a_function_of_the_users_own_measures_all_sets(journals: Path) -> None:
    callback = BiasVarianceCallback(
        train_data=TRAIN, dev_data=DEV, test_data=TEST, error=lambda shares, targets: abs(shares - targets) > 0.8
    )
    model, _ = train(callback)
    shares = model.predict(matrix(DEV))

    assert read_run(journals).errors(29)["dev"] == pytest.approx(np.mean(abs(shares - DEV[1]) > 0.8))


def test_the_train_error_of_many_rows_is_measured_on_a_fixed_part_of_them(journals: Path) -> None:
    x = np.tile(TRAIN[0], (5, 1)) + np.random.default_rng(0).normal(0, 0.5, (2500, 8))
    y = np.tile(TRAIN[1], 5)
    callback = BiasVarianceCallback(train_data=(x, y), dev_data=DEV)
    model = xgboost.train(BINARY, matrix((x, y)), 10, evals=[(matrix(DEV), "dev")], verbose_eval=False, callbacks=[callback])
    chosen = choose_examples(2500, 1000)
    run = read_run(journals)

    assert run.errors(9)["train"] == pytest.approx(share_wrong(model.predict(matrix((x[chosen], y[chosen]))), y[chosen]))
    assert run.last["counts"]["train"] == 1000


@pytest.mark.filterwarnings("ignore")  # MLflow's autologging warns of what it does not log
def test_a_run_of_autologging_is_the_one_that_is_diagnosed(store: str, journals: Path) -> None:
    mlflow.set_tracking_uri(store)
    mlflow.xgboost.autolog(log_models=False, silent=True)
    try:
        callback = BiasVarianceCallback(train_data=TRAIN, dev_data=DEV)
        with mlflow.start_run() as run:
            train(callback, rounds=5)
    finally:
        mlflow.xgboost.autolog(disable=True)

    assert callback.tracker is not None
    assert callback.tracker.run_id == run.info.run_id
    assert not callback.tracker.owns_run


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train_data": TRAIN[0]}, "train_data must be"),
        ({"dev_data": (DEV[0], DEV[1][:9])}, "as many targets as rows"),
        ({"dev_data": (DEV[0], DEV[1].astype(str))}, "needs the numbers that are trained on"),
        ({"expose": True}, "expose=True: XGBoost has no place"),
        ({"measure": "colour"}, "does not say whether higher is better"),
        ({"error": 3}, "error= must be a function"),
        ({"resume_file": __file__}, "is no state of a run: name a new file"),
    ],
)
def test_wrong_options_are_refused_before_a_round_is_trained(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BiasVarianceCallback(**options)


@pytest.mark.parametrize(
    ("options", "evals", "message"),
    [
        ({}, {}, "XGBoost was trained without a dev set"),
        ({"dev_set": "development"}, None, "no evaluated set is named 'development'; evaluated: train, dev"),
        ({"train_data": TRAIN, "dev_data": (DEV[0][:, :3], DEV[1])}, None, "expected 8 features, got 3"),
    ],
)
def test_what_is_missing_is_said_and_the_training_goes_on(
    options: Any, evals: Any, message: str, journals: Path, said: list[str]
) -> None:
    bare, _ = train(params=BINARY, rounds=5)
    tracked, _ = train(BiasVarianceCallback(**options), params=BINARY, rounds=5, evals=evals)

    assert len([one for one in said if message in one]) == 1
    said.clear()
    assert bytes(bare.save_raw()) == bytes(tracked.save_raw())


def test_a_second_callback_of_one_training_logs_nothing(journals: Path, said: list[str]) -> None:
    first, second = BiasVarianceCallback(), BiasVarianceCallback()
    train(first, second, rounds=5)

    assert said == ["bvtrack: two callbacks of bvtrack follow this training: the second logs nothing"]
    said.clear()
    assert second.tracker is None
    assert first.tracker is not None


def test_early_stopping_by_the_test_set_is_said(journals: Path, said: list[str]) -> None:
    evals = {"train": matrix(TRAIN), "dev": matrix(DEV), "test": matrix(TEST)}
    train(BiasVarianceCallback(), evals=evals, rounds=200, early_stopping_rounds=5)

    assert said.pop().startswith("bvtrack: early stopping watches the test set 'test'")


def test_the_only_held_out_set_is_the_dev_set_whatever_its_name(journals: Path, said: list[str]) -> None:
    train(BiasVarianceCallback(), evals={"train": matrix(TRAIN), "test": matrix(DEV)}, rounds=3)

    assert "'test' is the only held-out set" in said.pop()
    assert {*read_run(journals).errors(2)} == {"train", "dev"}


def test_a_training_that_raises_ends_the_run_as_failed(journals: Path) -> None:
    class Broken(xgboost.callback.TrainingCallback):  # type: ignore[name-defined,misc]  # the package may be absent
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            raise RuntimeError("out of luck")

    with pytest.raises(RuntimeError, match="out of luck"), BiasVarianceCallback() as callback:
        train(callback, Broken())

    assert read_run(journals).tags["bvtrack.state"] == "failed"


def test_of_two_processes_that_train_one_model_one_logs_the_errors_of_both(tmp_path: Path) -> None:
    script = Path(__file__).with_name("boosted_processes.py")
    run = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    bare, tracked = json.loads(run.stdout.splitlines()[-1])

    assert bare["models"] == tracked["models"]
    assert bare["log"] == tracked["log"]
    assert [errors is not None for errors in tracked["errors"]] == [True, False]
    assert tracked["errors"][0]["bvtrack/dev_error"] == pytest.approx(tracked["log"]["dev"]["error"][-1])


def test_a_ranking_is_said_to_have_no_error_that_is_known(journals: Path, said: list[str]) -> None:
    trained = matrix(TRAIN, group=[50] * 10)
    evals = [(trained, "train"), (matrix(DEV, group=[50] * 6), "dev")]
    params = {"objective": "rank:ndcg", "nthread": 1}
    xgboost.train(params, trained, 5, evals=evals, verbose_eval=False, callbacks=[BiasVarianceCallback()])

    assert said.pop().startswith("bvtrack: expected an error rate or an accuracy to diagnose, got dev-ndcg")
    assert said == []


def test_a_measure_of_the_users_own_name_is_taken(journals: Path) -> None:
    params = BINARY | {"eval_metric": ["error", "auc"]}
    _, log = train(BiasVarianceCallback(measure="auc"), params=params)
    run = read_run(journals)

    assert run.errors(29)["dev"] == pytest.approx(1 - log["dev"]["auc"][29])
    named = Measure("auc", higher_is_better=True)
    train(BiasVarianceCallback(measure=named), params=params)
    assert read_run(journals).errors(29) == run.errors(29)


@pytest.mark.parametrize("params", [BINARY, ERRORS], ids=["predicted", "evaluated"])
def test_a_booster_whose_training_raised_is_let_go_of_and_its_run_ends(params: Any, journals: Path) -> None:
    boosters = []

    def after_iteration(self: Any, model: Any, epoch: int, evals_log: Any) -> bool:
        boosters.append(weakref.ref(model))
        if epoch == 5:
            raise RuntimeError("pruned")
        return False

    pruner = type("Pruner", (xgboost.callback.TrainingCallback,), {"after_iteration": after_iteration})()
    with pytest.raises(RuntimeError, match="pruned"):
        train(BiasVarianceCallback(train_data=TRAIN, dev_data=DEV), pruner, params=params)
    gc.collect()

    assert boosters[0]() is None
    assert read_run(journals).tags["bvtrack.state"] == "failed"


def test_rounds_that_take_long_to_predict_are_measured_more_rarely_but_not_the_best_and_the_last(
    journals: Path,
) -> None:
    def slow(predictions: Any, targets: Any) -> Any:
        time.sleep(0.05)
        return (predictions > 0.5) != targets

    model, log = train(BiasVarianceCallback(train_data=TRAIN, dev_data=DEV, error=slow), params=BINARY, rounds=100)
    run, best = read_run(journals), int(np.argmin(log["dev"]["logloss"]))

    assert {*range(20), best, 99} <= {*run.rounds}
    assert len(run.rounds) < 40
    assert run.errors(99)["dev"] == pytest.approx(error_at(model, DEV, 99))


def test_where_an_auc_of_dev_alone_is_evaluated_train_and_dev_are_measured_by_wrong_examples(journals: Path) -> None:
    callback = BiasVarianceCallback(train_data=TRAIN, dev_data=DEV)
    model = xgboost.XGBClassifier(n_estimators=20, eval_metric="auc", early_stopping_rounds=9, n_jobs=1, callbacks=[callback])
    model.fit(*TRAIN, eval_set=[DEV], verbose=False)
    run = read_run(journals)

    assert run.errors(model.best_iteration) == pytest.approx({"train": 1 - model.score(*TRAIN), "dev": 1 - model.score(*DEV)})


def test_of_several_labels_those_that_are_wrong_are_counted(journals: Path) -> None:
    train_data, dev_data = [(x, np.stack([y, x[:, 0] > 0], axis=1).astype(int)) for x, y in (TRAIN, DEV)]
    callback = BiasVarianceCallback(train_data=train_data, dev_data=dev_data)
    model = xgboost.XGBClassifier(n_estimators=6, n_jobs=1, callbacks=[callback])
    model.fit(*train_data, eval_set=[dev_data], verbose=False)

    assert read_run(journals).errors(5)["dev"] == pytest.approx(np.mean(model.predict(dev_data[0]) != dev_data[1]))

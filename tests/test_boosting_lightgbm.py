from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from boosted import DEV, DEV3, TEST, TRAIN, TRAIN3, read_run, share_wrong
from written_journals import all_records

from bvtrack import StopWhen
from bvtrack.journal.folder import unsent_journals

lightgbm = pytest.importorskip("lightgbm")
from bvtrack_boosting.lightgbm import BiasVarianceCallback  # noqa: E402  # it needs LightGBM

SETS = {"train": TRAIN, "dev": DEV, "test": TEST}
LOSS: dict[str, Any] = {"objective": "binary", "verbosity": -1, "num_threads": 1, "num_leaves": 7, "metric": "binary_logloss"}
ERRORS = LOSS | {"metric": ["binary_logloss", "binary_error"]}


def sets(*others: Any, train: Any = TRAIN, **more: Any) -> list[Any]:
    """Datasets of LightGBM's, the first of which is trained on."""
    trained = lightgbm.Dataset(*train, **more)
    return [trained, *(lightgbm.Dataset(*data, reference=trained, **more) for data in others)]


def train(*callbacks: Any, params: Any = ERRORS, rounds: int = 30, data: Any = None, **more: Any) -> tuple[Any, Any]:
    """The model, and what was evaluated."""
    data, log = data or sets(DEV), {}  # type: ignore[var-annotated]
    record = lightgbm.record_evaluation(log)
    options = {"valid_sets": data, "callbacks": [*callbacks, record], **more}
    return lightgbm.train(params, data[0], rounds, **options), log


def error_at(model: Any, data: Any, last: int) -> float:
    return share_wrong(model.predict(data[0], num_iteration=last + 1), data[1])


@pytest.mark.parametrize("params", [ERRORS, LOSS], ids=["error", "logloss alone"])
def test_train_dev_and_test_error_are_those_of_the_trees_so_far(params: Any, journals: Path) -> None:
    model, _ = train(BiasVarianceCallback(test_data=TEST), params=params)
    run = read_run(journals)

    assert {0, 7, 29} <= {*run.rounds}
    for last in run.rounds:
        expected = {name: error_at(model, data, last) for name, data in SETS.items()}
        assert run.errors(last) == pytest.approx(expected, abs=1e-9)
    assert run.last["counts"] == {"train": 500, "dev": 300, "test": 300}
    assert run.tags["bvtrack.state"] == "complete"


@pytest.mark.parametrize("params", [ERRORS, LOSS], ids=["error", "logloss alone"])
def test_the_last_round_is_measured_before_lightgbm_lets_go_of_its_model(params: Any, journals: Path) -> None:
    for stopping in ([], [lightgbm.early_stopping(13, verbose=False)]):
        model, log = train(BiasVarianceCallback(test_data=TEST, train_data=TRAIN), *stopping, params=params, rounds=97)
        run, last = read_run(journals), len(log["valid_1"]["binary_logloss"]) - 1

        assert run.tags["bvtrack.state"] == "complete"
        if not stopping:
            assert run.errors(last) == pytest.approx({name: error_at(model, data, last) for name, data in SETS.items()})


@pytest.mark.parametrize("boosting", ["gbdt", "dart", "rf", "goss"])
@pytest.mark.parametrize("metric", ["binary_error", "binary_logloss"])
def test_the_model_is_the_same_to_the_bit_with_and_without_the_callback(boosting: str, metric: str, journals: Path) -> None:
    params = LOSS | {"boosting": boosting, "metric": metric, "seed": 1}
    params |= {"bagging_fraction": 0.6, "bagging_freq": 1} if boosting in ("rf", "dart") else {}
    np.random.seed(0)
    bare, log = train(params=params)
    draws = [np.random.rand()]
    np.random.seed(0)
    tracked, seen = train(BiasVarianceCallback(train_data=TRAIN, dev_data=DEV, test_data=TEST), params=params)
    draws.append(np.random.rand())
    run = read_run(journals)

    assert bare.model_to_string() == tracked.model_to_string()
    assert log == seen
    assert draws[0] == draws[1]
    expected = {"train": error_at(bare, TRAIN, 29), "dev": error_at(bare, DEV, 29)}
    assert {name: run.errors(29)[name] for name in expected} == pytest.approx(expected)


@pytest.mark.parametrize("params", [ERRORS, LOSS], ids=["error", "logloss alone"])
def test_the_best_iteration_of_an_early_stopping_is_logged_and_is_the_epoch_that_is_left(params: Any, journals: Path) -> None:
    for is_last in (False, True):
        callback = BiasVarianceCallback(train_data=TRAIN, dev_data=DEV)
        stopping = lightgbm.early_stopping(40, verbose=False)
        model, log = train(*((stopping, callback) if is_last else (callback, stopping)), params=params, rounds=400)
        run, best = read_run(journals), model.best_iteration - 1

        assert run.tags["bvtrack.state"] == "complete"
        if params is ERRORS:
            assert run.rounds[-1] == len(log["valid_1"]["binary_logloss"]) - 1
        assert run.weights.left_with == best
        assert run.errors(best) == pytest.approx({"train": error_at(model, TRAIN, best), "dev": error_at(model, DEV, best)})


def test_the_training_set_is_known_by_any_name_and_as_a_copy(journals: Path) -> None:
    data = sets(DEV)
    train(BiasVarianceCallback(), data=data, valid_names=["dev", "mine"])  # the training set is called dev
    assert read_run(journals).errors(29)["train"] < read_run(journals).errors(29)["dev"]

    callback = BiasVarianceCallback()
    model = lightgbm.LGBMClassifier(n_estimators=20, verbosity=-1, n_jobs=1)
    copied = TRAIN[0].copy(), TRAIN[1].copy()
    model.fit(*TRAIN, eval_X=(DEV[0], copied[0]), eval_y=(DEV[1], copied[1]), callbacks=[callback])
    run = read_run(journals)

    assert run.errors(19) == pytest.approx({"train": 1 - model.score(*TRAIN), "dev": 1 - model.score(*DEV)})


def test_an_estimator_ends_its_run_when_it_is_fitted(journals: Path) -> None:
    callback = BiasVarianceCallback(test_data=TEST)
    stopping = lightgbm.early_stopping(10, verbose=False)
    model = lightgbm.LGBMClassifier(n_estimators=300, verbosity=-1, n_jobs=1)
    model.fit(*TRAIN, eval_X=DEV[0], eval_y=DEV[1], eval_metric="error", callbacks=[stopping, callback])
    run = read_run(journals)

    assert run.tags["bvtrack.state"] == "complete"
    assert run.weights.left_with == model.best_iteration_ - 1
    assert run.errors(model.best_iteration_ - 1)["dev"] == pytest.approx(1 - model.score(*DEV))


def test_thousands_of_rounds_are_thinned_and_neither_the_best_nor_the_last_is_lost(journals: Path) -> None:
    _, log = train(BiasVarianceCallback(), params=ERRORS | {"learning_rate": 0.02, "num_leaves": 4}, rounds=1500)
    run, errors = read_run(journals), log["valid_1"]["binary_error"]

    assert len(run.rounds) < 200
    assert run.rounds == sorted({*run.rounds})
    assert run.rounds[-1] == 1499
    assert run.tags["bvtrack.epoch"] == str(int(np.argmin(errors)))
    assert all(run.errors(number)["dev"] == pytest.approx(errors[number]) for number in run.rounds)


@pytest.mark.parametrize("params", [ERRORS, LOSS], ids=["error", "logloss alone"])
def test_a_cross_validation_is_one_run_with_the_spread_over_its_folds(params: Any, journals: Path) -> None:
    def whole() -> Any:
        return lightgbm.Dataset(np.concatenate([TRAIN[0], DEV[0]]), np.concatenate([TRAIN[1], DEV[1]]))

    options: dict[str, Any] = {"num_boost_round": 20, "nfold": 4, "eval_train_metric": True}
    bare = lightgbm.cv(ERRORS, whole(), **options)
    found = lightgbm.cv(params, whole(), callbacks=[BiasVarianceCallback()], **options)
    gc.collect()
    run = read_run(journals)
    mean, spread = bare["valid binary_error-mean"][-1], bare["valid binary_error-stdv"][-1]
    low, high = run.last["intervals"]["dev"]

    assert {name: bare[name] for name in found} == found
    assert run.last["errors"] == pytest.approx({"train": bare["train binary_error-mean"][-1], "dev": mean})
    assert run.last["counts"] == {"train": 600, "dev": 800}
    assert (high - low) / 2 == pytest.approx(3.1824463 * spread * (4 / 3 * (1 / 4 + 1 / 3)) ** 0.5)
    assert run.tags["bvtrack.state"] == "complete"


def test_rounds_of_a_training_that_goes_on_go_on_counting_in_its_run(journals: Path, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    first, _ = train(BiasVarianceCallback(resume_file=file), rounds=12)
    train(BiasVarianceCallback(resume_file=file), data=sets(DEV, free_raw_data=False), rounds=18, init_model=first)
    run = read_run(journals)

    assert run.rounds == list(range(30))
    assert run.tags["bvtrack.state"] == "complete"


def test_the_split_is_checked_where_the_raw_data_are_kept(journals: Path) -> None:
    train(BiasVarianceCallback(), data=sets(DEV, free_raw_data=False), rounds=3)
    kept = read_run(journals).tags
    train(BiasVarianceCallback(), rounds=3)
    freed = read_run(journals).tags

    assert kept["bvtrack.distribution"] == "no_shift_found"
    assert freed["bvtrack.distribution"] == "unchecked"


def test_three_classes_and_weights_are_measured_as_lightgbm_does(journals: Path) -> None:
    weights = np.random.default_rng(0).uniform(0.1, 3, 400)
    trained = lightgbm.Dataset(*TRAIN3, weight=weights)
    data = [trained, lightgbm.Dataset(*DEV3, reference=trained)]
    params = {"objective": "multiclass", "num_class": 3, "verbosity": -1, "num_threads": 1, "metric": "multi_logloss"}
    model, _ = train(BiasVarianceCallback(), params=params, data=data)
    wrong = model.predict(TRAIN3[0]).argmax(axis=1) != TRAIN3[1]
    run = read_run(journals)

    assert run.errors(29)["train"] == pytest.approx(np.average(wrong, weights=weights))
    assert run.errors(29)["dev"] == pytest.approx(share_wrong(model.predict(DEV3[0]), DEV3[1]))
    assert run.last["counts"] == {"train": 400, "dev": 300}


def test_errors_of_a_regression_are_held_against_the_spread_of_its_targets(journals: Path) -> None:
    data = {name: (x, x[:, 0] * 3 + x[:, 1]) for name, (x, _) in (("train", TRAIN), ("dev", DEV))}
    params = {"objective": "regression", "verbosity": -1, "num_threads": 1}
    _, log = train(BiasVarianceCallback(), params=params, data=sets(data["dev"], train=data["train"]))
    run = read_run(journals)

    assert run.errors(29)["dev"] == pytest.approx(log["valid_1"]["l2"][29] / np.var(data["train"][1]), rel=1e-3)
    assert "dev-mse" in str(run.tags["bvtrack.measure"])


def test_a_set_that_early_stopping_watches_is_said_to_be_no_test_set(journals: Path, said: list[str]) -> None:
    stopping = lightgbm.early_stopping(5, verbose=False)
    train(BiasVarianceCallback(), stopping, data=sets(DEV, TEST), valid_names=["train", "dev", "test"], rounds=200)

    assert said.pop().startswith("bvtrack: early stopping watches all sets that are evaluated, the test set 'test' too")


def test_a_training_without_an_evaluated_set_is_measured_on_the_data_given(journals: Path, said: list[str]) -> None:
    data = sets()
    model = lightgbm.train(LOSS, data[0], 10, callbacks=[BiasVarianceCallback(dev_data=DEV)])
    run = read_run(journals)

    assert run.errors(9) == pytest.approx({"train": error_at(model, TRAIN, 9), "dev": error_at(model, DEV, 9)})
    lightgbm.train(LOSS, sets()[0], 10, callbacks=[BiasVarianceCallback()])
    assert said.pop(0).startswith("bvtrack: LightGBM was trained without a dev set")
    said.clear()


def test_a_training_that_raises_ends_the_run_as_failed(journals: Path) -> None:
    def broken(env: Any) -> None:
        raise RuntimeError("out of luck")

    broken.order = 40  # type: ignore[attr-defined]  # LightGBM's own way to say so
    with pytest.raises(RuntimeError, match="out of luck"), BiasVarianceCallback() as callback:
        train(callback, broken)
    assert read_run(journals).tags["bvtrack.state"] == "failed"


def test_a_callback_in_the_list_twice_and_a_second_one_log_one_run(journals: Path, said: list[str]) -> None:
    first, second = BiasVarianceCallback(), BiasVarianceCallback()
    train(first, first, second, rounds=3)

    assert said == ["bvtrack: two callbacks of bvtrack follow this training: the second logs nothing"]
    said.clear()
    assert read_run(journals).rounds == [0, 1, 2]


def test_a_training_that_raised_and_is_let_go_of_late_ends_no_later_one(journals: Path) -> None:
    callback, kept = BiasVarianceCallback(), []

    def broken(env: Any) -> None:
        kept.append(env.model)
        if env.iteration == 1:
            raise RuntimeError("out of luck")

    def let_go(env: Any) -> None:
        if env.iteration == 5:
            kept.clear()
            gc.collect()

    broken.order = 40  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError, match="out of luck"):
        train(callback, broken)
    train(callback, let_go, rounds=12)
    run = read_run(journals)

    assert run.rounds == list(range(12))
    assert run.tags["bvtrack.state"] == "complete"


def test_a_booster_whose_training_raised_is_let_go_of_and_its_run_ends(journals: Path) -> None:
    boosters = []

    def pruned(env: Any) -> None:
        boosters.append(weakref.ref(env.model))
        if env.iteration == 5:
            raise RuntimeError("pruned")

    with pytest.raises(RuntimeError, match="pruned"):
        train(BiasVarianceCallback(test_data=TEST), pruned)
    gc.collect()

    assert boosters[0]() is None
    assert read_run(journals).tags["bvtrack.state"] == "failed"


def test_a_training_booster_that_is_kept_ends_its_run_as_complete_when_it_goes(journals: Path) -> None:
    model, _ = train(BiasVarianceCallback(), keep_training_booster=True, rounds=5)
    model.update()
    del model
    gc.collect()

    assert read_run(journals).tags["bvtrack.state"] == "complete"


def test_where_an_auc_of_dev_alone_is_evaluated_train_and_dev_are_measured_by_wrong_examples(journals: Path) -> None:
    model = lightgbm.LGBMClassifier(n_estimators=20, n_jobs=1, verbose=-1)
    model.fit(*TRAIN, eval_X=DEV[0], eval_y=DEV[1], eval_metric="auc", callbacks=[BiasVarianceCallback()])

    assert read_run(journals).errors(19) == pytest.approx({"train": 1 - model.score(*TRAIN), "dev": 1 - model.score(*DEV)})


def test_a_training_that_early_stopping_ends_is_not_said_to_be_stopped_by_a_rule(journals: Path, said: list[str]) -> None:
    callback = BiasVarianceCallback(measure="binary_logloss", stop_when=StopWhen(overtrained=3))
    stopping = lightgbm.early_stopping(60, verbose=False)
    model, _ = train(callback, stopping, params=LOSS | {"learning_rate": 1.0}, rounds=200)

    assert 0 < model.best_iteration < 140
    assert [one for one in said if "the training would be stopped" in one]
    said.clear()
    (journal,) = unsent_journals(journals)
    *_, end = all_records(journal)
    assert (end["kind"], end.get("stopped")) == ("end", None)

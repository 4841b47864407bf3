"""What the callbacks of boosted trees cost: the processor time of 2,000 rounds with and without them. Prints a Markdown table.

4,000 rows of 20 columns, one thread, so that a round takes about a millisecond; medians of three pairs, which alternate. The
time is that of this process: what sends the points is another one. Needs `PYTHONPATH=tests`, and some minutes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import lightgbm
import xgboost
from boosted import Pair
from catboost import CatBoostClassifier
from sklearn.datasets import make_classification

from bvtrack_boosting.catboost import BiasVarianceCallback as OfCatBoost
from bvtrack_boosting.lightgbm import BiasVarianceCallback as OfLightGBM
from bvtrack_boosting.xgboost import BiasVarianceCallback as OfXGBoost

ROUNDS, REPEATS = 2000, 3
Fit = Callable[[bool], object]
"""A training, with the callback or without."""


class Empty:
    """A callback of CatBoost's that does nothing."""

    def after_iteration(self, _: object) -> bool:
        return True


def of_xgboost(train: Pair, dev: Pair, metric: str, given: Mapping[str, Any]) -> Fit:
    sets = [(xgboost.DMatrix(*train), "train"), (xgboost.DMatrix(*dev), "dev")]
    params = {"objective": "binary:logistic", "eval_metric": metric, "nthread": 1, "max_depth": 3}

    def fit(is_tracked: bool) -> object:
        callbacks = [OfXGBoost(**given)] if is_tracked else []
        return xgboost.train(params, sets[0][0], ROUNDS, evals=sets, verbose_eval=False, callbacks=callbacks)

    return fit


def of_lightgbm(train: Pair, dev: Pair, metric: str, given: Mapping[str, Any]) -> Fit:
    params = {"objective": "binary", "metric": metric, "num_threads": 1, "num_leaves": 15, "verbose": -1}

    def fit(is_tracked: bool) -> object:
        own = lightgbm.Dataset(*train, free_raw_data=False)
        sets = [own, lightgbm.Dataset(*dev, reference=own, free_raw_data=False)]
        callbacks: list[Callable[..., Any]] = [OfLightGBM(**given)] if is_tracked else []
        return lightgbm.train(params, own, ROUNDS, valid_sets=sets, valid_names=["train", "dev"], callbacks=callbacks)

    return fit


def of_catboost(train: Pair, dev: Pair, *, with_empty: bool) -> Fit:
    def fit(is_tracked: bool) -> object:
        options: dict[str, Any] = {"iterations": ROUNDS, "thread_count": 1, "depth": 3, "allow_writing_files": False}
        model = CatBoostClassifier(custom_metric=["Accuracy"], verbose=False, **options)
        if not is_tracked:
            return model.fit(*train, eval_set=dev, callbacks=[Empty()] if with_empty else None)
        if not with_empty:
            return model.fit(*train, eval_set=dev, callbacks=[Empty()])
        with OfCatBoost(model, dev_data=dev) as tracked:
            return model.fit(*train, eval_set=dev, callbacks=[tracked])

    return fit


def seconds(fit: Fit, is_tracked: bool) -> float:
    """Processor time of a training."""
    began = time.process_time()
    fit(is_tracked)
    return time.process_time() - began


def main() -> None:
    os.environ |= {"BVTRACK_SUMMARY": "0", "BVTRACK_REPORT": "0"}
    rows, targets = make_classification(5000, 20, n_informative=8, flip_y=0.1, random_state=0)
    many = make_classification(30_000, 20, n_informative=8, flip_y=0.1, random_state=0)
    train, dev = (rows[:4000], targets[:4000]), (rows[4000:], targets[4000:])
    given = {"train_data": train, "dev_data": dev}
    fits: Mapping[str, Fit] = {
        "XGBoost, an error is evaluated": of_xgboost(train, dev, "error", {}),
        "XGBoost, the error is predicted on data that you passed": of_xgboost(train, dev, "logloss", given),
        "XGBoost, the same with 30,000 test rows passed": of_xgboost(train, dev, "logloss", given | {"test_data": many}),
        "LightGBM, an error is evaluated": of_lightgbm(train, dev, "binary_error", {}),
        "LightGBM, a test set of 1,000 rows in `test_data=`": of_lightgbm(train, dev, "binary_error", {"test_data": dev}),
        "LightGBM, the same with `test_every=10`": of_lightgbm(
            train, dev, "binary_error", {"test_data": dev, "test_every": 10}
        ),
        "CatBoost, an empty callback": of_catboost(train, dev, with_empty=False),
        "CatBoost, ours in place of the empty one": of_catboost(train, dev, with_empty=True),
    }
    print("| | without | the callback adds |\n|---|---|---|")
    with TemporaryDirectory() as folder:
        os.environ |= {"MLFLOW_TRACKING_URI": f"sqlite:///{Path(folder).as_posix()}/mlflow.db", "BVTRACK_JOURNAL_DIR": folder}
        for name, fit in fits.items():
            pairs = [(seconds(fit, False), seconds(fit, True)) for _ in range(REPEATS + 1)][1:]  # the first one warms up
            without, more = median(bare for bare, _ in pairs), median(ours - bare for bare, ours in pairs)
            print(f"| {name} | {without:.1f} s | {more:+.2f} s |", flush=True)


if __name__ == "__main__":
    main()

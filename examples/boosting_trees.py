"""Boosted trees: XGBoost with early stopping, its run diagnosed round by round."""

from __future__ import annotations

import xgboost
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from bvtrack_boosting.xgboost import BiasVarianceCallback


def main() -> None:
    pixels, classes = load_digits(return_X_y=True)
    x_train, x_rest, y_train, y_rest = train_test_split(pixels, classes, test_size=0.4, random_state=0, stratify=classes)
    x_dev, x_test, y_dev, y_test = train_test_split(x_rest, y_rest, test_size=0.5, random_state=0, stratify=y_rest)
    callback = BiasVarianceCallback(
        train_data=(x_train, y_train), dev_data=(x_dev, y_dev), test_data=(x_test, y_test), human_error=0.02
    )
    model = xgboost.XGBClassifier(n_estimators=200, early_stopping_rounds=10, max_depth=4, n_jobs=1, callbacks=[callback])
    model.fit(x_train, y_train, eval_set=[(x_train, y_train), (x_dev, y_dev)], verbose=False)

    assert callback.tracker is not None
    assert callback.tracker.diagnosis is not None
    assert callback.tracker.weights is not None
    assert callback.tracker.weights.left_with == model.best_iteration
    print(callback.tracker.diagnosis.explanation)
    for step in callback.tracker.steps:
        print(f"- {step.title}: {step.why}")


if __name__ == "__main__":
    main()

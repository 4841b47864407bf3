"""Ray Tune: each trial is a run of its own in one store, and reports its errors and gaps to the scheduler."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.schedulers import ASHAScheduler

STORE = f"sqlite:///{Path('mlflow.db').absolute()}"  # a trial works in a folder of its own


def train(config: dict[str, Any]) -> None:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier

    import bvtrack

    pixels, classes = load_digits(return_X_y=True)
    x_train, x_dev, y_train, y_dev = train_test_split(pixels / 16, classes, test_size=0.4, random_state=0, stratify=classes)
    model = MLPClassifier((config["width"],), learning_rate_init=0.01, random_state=0)
    with bvtrack.Tracker(tracking_uri=STORE, run_name=tune.get_context().get_trial_id(), summary=False) as tracker:
        tracker.log_split(train=(x_train, y_train), dev=(x_dev, y_dev))
        for epoch in range(8):
            model.partial_fit(x_train, y_train, classes=range(10))
            errors = [1 - model.score(x, y) for x, y in ((x_train, y_train), (x_dev, y_dev))]
            tracker.log_epoch(epoch, train_error=errors[0], dev_error=errors[1])
            tune.report({name.removeprefix("bvtrack/"): value for name, value in tracker.metrics_of(epoch).items()})


def main() -> None:
    import bvtrack

    tuner = tune.Tuner(
        train,
        param_space={"width": tune.grid_search([2, 4, 64])},
        tune_config=tune.TuneConfig(metric="dev_error", mode="min", scheduler=ASHAScheduler(grace_period=2, max_t=8)),
        run_config=tune.RunConfig(storage_path=str(Path("ray_results").absolute()), verbose=0),
    )
    best = tuner.fit().get_best_result()
    assert best.metrics is not None
    assert best.metrics["config"]["width"] == 64
    assert best.metrics["variance"] == best.metrics["dev_error"] - best.metrics["train_error"]
    print(bvtrack.show(best.metrics["trial_id"], tracking_uri=STORE)["verdict"]["explanation"])


if __name__ == "__main__":
    main()

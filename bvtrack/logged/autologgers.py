"""Metric names of autologging for scikit-learn, XGBoost, LightGBM and Transformers, which say little by themselves.

Each flavour's names are translated into those that a training loop would use; `None` is a metric of no interest. They are the
names of MLflow's autologgers and of Transformers' own callback, read off runs that these made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bvtrack.measures.metric_name import MetricName, counted_from_zero, read_metric_name
from bvtrack.store.logged_run import LoggedRun

Names = Mapping[str, str | None]
"""A metric's logged name to one that can be read."""

SKLEARN_SCORERS = {"None": None, "accuracy": "accuracy", "r2": "r2_score", "f1_weighted": "f1_score", "roc_auc": "auc"}
"""Scorers of a hyper-parameter search whose training score is logged too; autologging weights its F1."""
SEARCH_STEP_SCORES = {"mean_train_score": "train_f1_score", "mean_test_score": "cv_f1_score"}
"""Scores in [0, 1], higher is better, whatever the scorer; the test part of each fold is a dev set."""
AFTER_TRAINING = re.compile(r"(?P<what>.+?_(?:score|error|loss))(?:-\d+)?_(?P<where>.+)")
"""MLflow's names for metrics computed after a fit: the function or the estimator's method, and the variable."""


def readings(run: LoggedRun) -> list[MetricName]:
    """The run's metrics that can be read as errors, under their logged names."""
    if "estimator_class" in run.tags:
        found = _sklearn(run)
    elif "num_boost_round" in run.params:
        found = _boosting(run)
    elif "transformers_version" in run.params:
        found = _transformers(run)
    else:
        found = {name: name for name in run.metrics}
    read = ((name, read_metric_name(plain)) for name, plain in found.items() if plain is not None)
    return counted_from_zero([metric._replace(name=name) for name, metric in read if metric is not None])


def is_measured_after_fit(run: LoggedRun) -> bool:
    """True if the train error is that of the fitted model on all of its training data."""
    return "estimator_class" in run.tags or "num_boost_round" in run.params


def _sklearn(run: LoggedRun) -> Names:
    scored = {"training_accuracy_score": "accuracy", "training_r2_score": "r2_score"}
    what_score_is = next((what for name, what in scored.items() if name in run.metrics), None)
    return {name: _of_sklearn(name, run, what_score_is) for name in run.metrics}


def _of_sklearn(name: str, run: LoggedRun, what_score_is: str | None) -> str | None:
    if name == "best_cv_score":
        core = SKLEARN_SCORERS.get(run.params.get("scoring", "None"), "")
        return f"cv_{what_score_is if core is None else core}"
    if name in SEARCH_STEP_SCORES:
        return SEARCH_STEP_SCORES[name]
    if name == "training_score" or name.startswith("mean_"):
        return None
    measured = AFTER_TRAINING.fullmatch(name)
    if name.startswith("training_") or measured is None:
        return name
    what, where = measured["what"], measured["where"]
    stage = _stage_of(where) or ("dev" if _has_held_out(run) else None)
    if what == f"{run.tags.get('estimator_name')}_score":
        what = what_score_is or ""
    return f"{stage}_{what}" if stage else None


def _boosting(run: LoggedRun) -> Names:
    return {name: _of_boosting(name, run) for name in run.metrics}


def _of_boosting(name: str, run: LoggedRun) -> str | None:
    """The name with its set, identified by the dataset's digest: `validation_0` may be the training data."""
    dataset, dash, metric = name.rpartition("-")
    if not dash:
        return name  # logged by the user
    is_train = any(each.name == dataset and each.digest in train_digests(run) for each in run.datasets)
    stage = "train" if is_train else _stage_of(dataset)
    return f"{stage}_{metric}" if stage else None


def _transformers(run: LoggedRun) -> Names:
    """`loss` is the running train loss, `train_loss` its mean over the whole training."""
    return {name: {"loss": "train_loss", "train_loss": None}.get(name, name) for name in run.metrics}


def train_digests(run: LoggedRun) -> set[str]:
    """The digests of the datasets logged as training data."""
    return {each.digest for each in run.datasets if each.context in ("train", "training")}


def _has_held_out(run: LoggedRun) -> bool:
    return any(each.context == "eval" and each.digest not in train_digests(run) for each in run.datasets)


def _stage_of(words: str) -> str | None:
    read = read_metric_name(f"{words}_error")
    return read.stage if read else None

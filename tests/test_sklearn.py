"""The callback for estimators that take one, and a loop of the user's own around `partial_fit`."""

from __future__ import annotations

import contextlib
import math
import pickle
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]  # it has no type hints
import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from written_journals import all_records

from bvtrack import diagnose_estimator
from bvtrack.journal.folder import unsent_journals
from bvtrack.shipping.sync import pending_journals
from bvtrack_sklearn import BiasVarianceCallback, PartialFits

pytest.importorskip("sklearn.callback")
from sklearn.callback import CallbackSupportMixin, with_callbacks  # scikit-learn 1.9's

PIXELS, DIGITS = load_digits(return_X_y=True)
ORDER = np.random.default_rng(0).permutation(1200)
TRAIN, DEV, TEST = ((PIXELS[rows], DIGITS[rows]) for rows in (ORDER[:500], ORDER[500:900], ORDER[900:]))
STEPS = 12

pytestmark = [
    pytest.mark.filterwarnings("ignore:lbfgs failed to converge"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


@pytest.fixture(autouse=True)
def time_for_all_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bvtrack_sklearn.callback.ALWAYS_SECONDS", math.inf)


def regression(**options: Any) -> LogisticRegression:
    return LogisticRegression(max_iter=STEPS, **options)


def pipeline() -> Pipeline:
    return make_pipeline(StandardScaler(), regression())


def search(n_jobs: int = 1) -> GridSearchCV:
    return GridSearchCV(pipeline(), {"logisticregression__C": [0.01, 1]}, cv=2, n_jobs=n_jobs)


def error_of(model: Any, data: Any) -> float:
    return float((model.predict(data[0]) != data[1]).mean())


def end_of(journals: Path) -> Any:
    """How the one training ended, as its journal says."""
    (journal,) = unsent_journals(journals)
    return all_records(journal)[-1]["state"]


def tracked(estimator: Any, **options: Any) -> tuple[Any, BiasVarianceCallback]:
    callback = BiasVarianceCallback(DEV, TEST, **options)
    estimator.set_callbacks(callback).fit(*TRAIN)
    return estimator, callback


@pytest.mark.parametrize("make", [regression, pipeline, search])
def test_each_iteration_is_an_epoch_and_the_last_has_the_errors_of_the_fitted_model(make: Any, journals: Path) -> None:
    model, callback = tracked(make())

    assert callback.tracker is not None
    assert callback.tracker.kept_epochs == [*range(STEPS)]
    metrics = callback.tracker.metrics_of(STEPS - 1)
    assert {name: metrics[f"bvtrack/{name}_error"] for name in ("train", "dev", "test")} == {
        "train": error_of(model, TRAIN),
        "dev": error_of(model, DEV),
        "test": error_of(model, TEST),
    }
    assert callback.tracker.metrics_of(0)["bvtrack/dev_error"] > metrics["bvtrack/dev_error"]


def test_an_iteration_has_the_errors_of_the_model_that_stops_there(journals: Path) -> None:
    _, callback = tracked(regression())
    shorter = LogisticRegression(max_iter=4).fit(*TRAIN)

    assert callback.tracker is not None
    assert callback.tracker.metrics_of(3)["bvtrack/dev_error"] == error_of(shorter, DEV)


@pytest.mark.parametrize("make", [regression, pipeline, search])
def test_a_fit_is_the_same_with_and_without_the_callback(make: Any, journals: Path) -> None:
    fitted, draws = [], []
    before = joblib.hash([TRAIN, DEV, TEST])
    for callbacks in ([], [BiasVarianceCallback(DEV, TEST)]):
        np.random.seed(0)
        model = make().set_callbacks(*callbacks).fit(*TRAIN)
        last = getattr(model, "best_estimator_", model)
        last = last[-1] if isinstance(last, Pipeline) else last
        fitted.append({name: value for name, value in vars(last).items() if name.endswith("_")})
        draws.append(np.random.rand())

    assert joblib.hash(fitted[0]) == joblib.hash(fitted[1])
    assert draws[0] == draws[1]
    assert joblib.hash([TRAIN, DEV, TEST]) == before


def test_the_model_is_known_to_be_left_with_its_last_iteration(journals: Path) -> None:
    _, callback = tracked(regression())

    assert callback.tracker is not None
    assert callback.tracker.weights is not None
    assert callback.tracker.weights.left_with == STEPS - 1


@pytest.mark.filterwarnings("ignore:The estimator .* does not support callbacks")
def test_an_estimator_that_tells_of_no_steps_is_measured_once_when_it_is_fitted(journals: Path) -> None:
    model = make_pipeline(PCA(5), KNeighborsClassifier())
    model, callback = tracked(model)

    assert callback.tracker is not None
    assert callback.tracker.kept_epochs == [0]
    assert callback.tracker.metrics_of(0)["bvtrack/dev_error"] == error_of(model, DEV)


def test_steps_are_measured_as_long_as_there_is_time_and_the_last_in_any_case(
    journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bvtrack_sklearn.callback.ALWAYS_SECONDS", 0)
    monkeypatch.setattr("bvtrack_sklearn.callback.MOST_OF_A_FIT", 0)
    model, callback = tracked(regression())

    assert callback.tracker is not None
    assert callback.tracker.kept_epochs == [0, STEPS - 1]
    assert callback.tracker.metrics_of(STEPS - 1)["bvtrack/dev_error"] == error_of(model, DEV)


def test_candidates_that_are_fitted_in_other_processes_make_no_runs_of_their_own(journals: Path) -> None:
    _, callback = tracked(search(n_jobs=2))

    assert callback.tracker is not None
    assert callback.tracker.kept_epochs == [*range(STEPS)]
    assert len(pending_journals(journals, None)) == 1


def test_a_run_is_logged_with_the_tags_of_any_training_and_the_levers_of_its_estimator(store: str) -> None:
    model, callback = tracked(pipeline(), tracking_uri=store, human_error=0.01)
    assert callback.tracker is not None
    assert callback.tracker.run_id is not None
    run = MlflowClient(store).get_run(callback.tracker.run_id)
    metrics, tags = run.data.metrics, run.data.tags

    assert metrics["bvtrack/dev_error"] == pytest.approx(error_of(model, DEV), abs=1e-9)
    assert (tags["bvtrack.measure"], tags["bvtrack.source"]) == ("1 - accuracy", "callback")
    assert (tags["bvtrack.state"], run.info.status) == ("complete", "FINISHED")
    assert '"fits_less":"lower C (1 now)"' in tags["bvtrack.model"]
    assert '"n":{"train":500,"dev":400,"test":300}' in tags["bvtrack.gaps"]


class Failing(CallbackSupportMixin, ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no type hints
    """Learns nothing in four steps, unless it is stopped, and raises at the end, if it is to."""

    def __init__(self, error: type[BaseException] | None = None) -> None:
        self.error = error

    @with_callbacks  # type: ignore[untyped-decorator]  # as above
    def fit(self, x: Any, y: Any) -> Failing:
        context = self._init_callback_context(max_subtasks=4)
        context.call_on_fit_task_begin(estimator=self, X=x, y=y)
        self.n_steps_ = 0
        for step in range(4):
            inner = context.subcontext(task_name="step")
            inner.call_on_fit_task_begin(estimator=self, X=x, y=y)
            self.n_steps_ += 1
            if inner.call_on_fit_task_end(estimator=self, X=x, y=y, reconstruction_attributes={"step_": step}):
                break
        if self.error:
            raise self.error("on purpose")
        return self

    def predict(self, x: Any) -> Any:
        return np.zeros(len(x), dtype=int)


@pytest.mark.parametrize(("error", "state"), [(RuntimeError, "failed"), (KeyboardInterrupt, "interrupted")])
def test_a_fit_that_raises_raises_the_same_and_its_run_says_so(error: Any, state: str, journals: Path) -> None:
    callback = BiasVarianceCallback(DEV)

    with pytest.raises(error, match="on purpose"):
        Failing(error).set_callbacks(callback).fit(*TRAIN)

    assert callback.tracker is not None
    assert callback.tracker.kept_epochs == [0, 1, 2, 3]
    assert end_of(journals) == state


def test_a_fit_within_the_handling_of_another_error_is_complete(journals: Path) -> None:
    callback = BiasVarianceCallback(DEV)
    try:
        raise ValueError("of others")
    except ValueError:
        regression().set_callbacks(callback).fit(*TRAIN)

    assert end_of(journals) == "complete"


def test_an_estimator_that_lets_callbacks_stop_it_is_stopped(journals: Path) -> None:
    class Stopping(BiasVarianceCallback):
        def on_fit_task_end(self, estimator: Any, context: Any, *, fitted_estimator: Any = None) -> bool:
            if self._session is not None and context.parent is not None and context.task_id == 1:
                self._session.training.stop("on purpose")
            return super().on_fit_task_end(estimator, context, fitted_estimator=fitted_estimator)

    model = Failing().set_callbacks(Stopping(DEV)).fit(*TRAIN)

    assert model.n_steps_ == 2


def test_two_callbacks_on_one_estimator_are_said_and_the_first_tracks(journals: Path, said: list[str]) -> None:
    first, second = BiasVarianceCallback(DEV), BiasVarianceCallback(DEV)
    regression().set_callbacks(first, second, first).fit(*TRAIN)

    assert (first.tracker is None, second.tracker is None) == (False, True)
    assert len(pending_journals(journals, None)) == 1
    assert {re.sub(r"^bvtrack: ", "", one) for one in said} == {
        "this LogisticRegression has 3 BiasVarianceCallbacks: the first tracks the fit, the others do nothing"
    }
    said.clear()


def test_a_copy_in_a_pickled_estimator_has_no_data_and_does_nothing(journals: Path) -> None:
    model, _ = tracked(regression())

    content = pickle.dumps(model)
    pickle.loads(content).fit(*TRAIN)

    assert len(content) < 50_000
    assert len(pending_journals(journals, None)) == 1


def test_a_callback_tracks_each_fit_in_a_run_of_its_own(journals: Path) -> None:
    model, callback = tracked(regression())
    first = callback.tracker
    clone(model).fit(*TRAIN)

    assert callback.tracker is not first
    assert len(pending_journals(journals, None)) == 2


def test_of_fits_in_several_threads_one_at_a_time_is_tracked_and_no_run_is_left_open(journals: Path, said: list[str]) -> None:
    callback = BiasVarianceCallback(DEV)
    model = regression().set_callbacks(callback)
    with joblib.parallel_backend("threading", n_jobs=2):
        scores = cross_val_score(model, *TRAIN, cv=4)

    assert list(scores) == list(cross_val_score(regression(), *TRAIN, cv=4))
    runs = [all_records(journal) for journal in unsent_journals(journals)]
    assert [records[-1]["state"] for records in runs] == ["complete"] * len(runs)
    assert [sum(record["kind"] == "epoch" for record in records) for records in runs] == [STEPS] * len(runs)
    assert len(runs) < 4
    assert "goes on in another thread" in said.pop()


def test_a_fit_without_targets_is_said_and_goes_on(journals: Path, said: list[str]) -> None:
    scaler = StandardScaler().set_callbacks(BiasVarianceCallback(DEV)).fit(TRAIN[0])

    assert hasattr(scaler, "mean_")
    assert "is fitted without targets" in said.pop()


def test_an_estimator_without_errors_is_said_and_goes_on(journals: Path, said: list[str]) -> None:
    StandardScaler().set_callbacks(BiasVarianceCallback(DEV)).fit(*TRAIN)

    assert "it predicts nothing" in said.pop()


def test_a_dev_set_that_does_not_fit_the_model_is_said_and_the_fit_goes_on(journals: Path, said: list[str]) -> None:
    model = regression().set_callbacks(BiasVarianceCallback((DEV[0][:, :5], DEV[1]))).fit(*TRAIN)

    assert hasattr(model, "coef_")
    assert any("the dev error is missing, for predict failed on the dev data" in one for one in said)
    said.clear()


def test_before_scikit_learn_1_9_one_sentence_says_what_to_use_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.callback", None)

    with pytest.raises(ModuleNotFoundError, match=r"expected scikit-learn 1\.9 or later.*use bvtrack\.diagnose_estimator"):
        BiasVarianceCallback(DEV)


@pytest.mark.parametrize(
    "options", [{"measure": "accuracy"}, {"train_eval": "running"}, {"test_every": -1}, {"human_error": 2}]
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"expected|must be"):
        BiasVarianceCallback(DEV, **options)
    with pytest.raises(ValueError, match=r"expected|must be"):
        PartialFits(TRAIN, DEV, **options)


def test_a_fit_that_is_autologged_has_one_run(store: str) -> None:
    mlflow.set_tracking_uri(store)
    with warnings.catch_warnings(action="ignore"):
        mlflow.sklearn.autolog(log_models=False, log_datasets=False)
        try:
            _, callback = tracked(pipeline())
        finally:
            mlflow.sklearn.autolog(disable=True)

    assert callback.tracker is not None
    (run,) = MlflowClient(store).search_runs(["0"])
    assert callback.tracker.run_id == run.info.run_id
    assert {"bvtrack/dev_error", "training_accuracy_score"} <= {*run.data.metrics}


def test_disabled_tracks_nothing(monkeypatch: pytest.MonkeyPatch, journals: Path) -> None:
    monkeypatch.setenv("BVTRACK_DISABLED", "1")
    _, callback = tracked(regression())
    with PartialFits(TRAIN, DEV) as fits:
        fits.log_epoch(regression().fit(*TRAIN))

    assert (callback.tracker, fits.tracker) == (None, None)


def partial_fits() -> Iterator[SGDClassifier]:
    model = SGDClassifier(random_state=0)
    for _ in range(5):
        yield model.partial_fit(TRAIN[0], TRAIN[1], classes=range(10))


def test_a_loop_around_partial_fit_logs_an_epoch_each_time(journals: Path) -> None:
    expected = []
    with PartialFits(TRAIN, DEV, TEST, human_error=0.01) as fits:
        for model in partial_fits():
            fits.log_epoch(model)
            expected.append([error_of(model, data) for data in (TRAIN, DEV, TEST)])

    tracker = fits.tracker
    assert tracker is not None
    found = [[tracker.metrics_of(epoch)[f"bvtrack/{name}_error"] for name in ("train", "dev", "test")] for epoch in range(5)]
    assert found == expected
    assert tracker.diagnosis is not None
    assert not fits.is_stopped


def test_a_loop_trains_the_same_model(journals: Path) -> None:
    bare = [*partial_fits()][-1]
    with PartialFits(TRAIN, DEV) as fits:
        for model in partial_fits():
            fits.log_epoch(model)

    assert joblib.hash(vars(model)) == joblib.hash(vars(bare))


def test_a_loop_of_a_regression_logs_its_rmse(journals: Path) -> None:
    bodies, progression = load_diabetes(return_X_y=True, scaled=False)
    bodies = StandardScaler().fit_transform(bodies)
    train, dev = (bodies[:300], progression[:300]), (bodies[300:], progression[300:])
    model = SGDRegressor(random_state=0)
    with PartialFits(train, dev) as fits:
        for _ in range(3):
            model.partial_fit(*train)
            fits.log_epoch(model)

    assert fits.tracker is not None
    assert fits.tracker.measure is not None
    scale = fits.tracker.measure.scale
    rmse = float(np.sqrt(np.mean((model.predict(dev[0]) - dev[1]) ** 2)))
    assert scale == pytest.approx(train[1].std())
    assert fits.tracker.metrics_of(2)["bvtrack/dev_error"] == pytest.approx(rmse / train[1].std())


def test_a_loop_that_raises_marks_its_run_as_failed(journals: Path) -> None:
    fits = PartialFits(TRAIN, DEV)
    with contextlib.suppress(RuntimeError), fits:
        fits.log_epoch(next(partial_fits()))
        raise RuntimeError("on purpose")

    assert end_of(journals) == "failed"


def test_a_clone_that_is_diagnosed_takes_no_callbacks_along(journals: Path) -> None:
    callback = BiasVarianceCallback(DEV)
    alone = regression().set_callbacks(callback)
    within_pipeline = make_pipeline(StandardScaler(), clone(alone))
    for estimator in (alone, within_pipeline):
        diagnose_estimator(estimator, TRAIN, DEV, learning_curve=[0.5], dry_run=True)

    assert callback.tracker is None
    assert unsent_journals(journals) == []

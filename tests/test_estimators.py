"""`diagnose_estimator`: whose errors are scikit-learn's own, to the digit, and which leaves all that it is given as it was."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import joblib  # type: ignore[import-untyped]  # it has no type hints
import mlflow
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from mlflow import MlflowClient
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.datasets import load_diabetes, load_digits
from sklearn.ensemble import IsolationForest, RandomForestClassifier, StackingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    get_scorer,
    log_loss,
    mean_absolute_percentage_error,
    mean_poisson_deviance,
    roc_auc_score,
    root_mean_squared_error,
)
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

from bvtrack import (
    DiagnosedEstimator,
    Evidence,
    ModelFacts,
    Tracker,
    diagnose,
    diagnose_estimator,
    forecast_more_data,
    make_report,
    recommend,
)
from bvtrack.adapters import estimator_facts
from bvtrack.schema.model_tags import read_model

pytestmark = pytest.mark.filterwarnings("default")  # autologging and deprecated estimators say much

PIXELS, DIGITS = load_digits(return_X_y=True)
ORDER = np.random.default_rng(0).permutation(1200)
TRAIN, DEV, TEST = ((PIXELS[rows] / 16, DIGITS[rows]) for rows in (ORDER[:500], ORDER[500:900], ORDER[900:]))
BODIES, PROGRESSION = load_diabetes(return_X_y=True)
OF_REGRESSION = ((BODIES[:300], PROGRESSION[:300]), (BODIES[300:], PROGRESSION[300:]))
AS_THEY_COME: dict[str, Callable[[Any], Any]] = {
    "array": np.asarray,
    "frame": lambda x: pd.DataFrame(x, columns=[f"p{index}" for index in range(x.shape[1])]),
    "sparse": scipy.sparse.csr_matrix,
    "list": lambda x: x.tolist(),
}


def dry(estimator: Any, *sets: Any, **options: Any) -> DiagnosedEstimator:
    return diagnose_estimator(estimator, *sets, dry_run=True, **options)


@pytest.mark.parametrize("form", AS_THEY_COME)
def test_the_error_of_a_classifier_is_what_accuracy_score_misses(form: str) -> None:
    sets = [(AS_THEY_COME[form](x), y) for x, y in (TRAIN, DEV, TEST)]
    model = DecisionTreeClassifier(max_depth=5, random_state=0).fit(*sets[0])

    found = dry(model, *sets)

    wrong = {name: int((model.predict(x) != y).sum()) for name, (x, y) in zip(("train", "dev", "test"), sets, strict=True)}
    assert found.errors == {name: n / len(y) for (name, n), (_, y) in zip(wrong.items(), sets, strict=True)}
    assert found.errors["dev"] == pytest.approx(1 - accuracy_score(sets[1][1], model.predict(sets[1][0])), abs=1e-15)
    assert found.diagnosis.counts == {"train": 500, "dev": 400, "test": 300}
    assert found.diagnosis.gaps["variance"].low is not None


def test_the_error_of_a_regressor_is_its_rmse_in_the_targets_unit() -> None:
    train, dev = OF_REGRESSION
    model = Ridge().fit(*train)

    found = dry(model, train, dev)

    assert found.errors["dev"] == root_mean_squared_error(dev[1], model.predict(dev[0]))
    assert found.diagnosis.errors["dev"] == pytest.approx(found.errors["dev"] / train[1].std(), rel=0.02)
    assert "standard deviation" in found.diagnosis.explanation


def test_several_outputs_are_wrong_where_one_is_and_have_the_mean_of_their_rmse() -> None:
    both = [(x, np.stack([y, y % 2], axis=1)) for x, y in (TRAIN, DEV)]
    classifier = DecisionTreeClassifier(max_depth=6, random_state=0).fit(*both[0])
    regressor = LinearRegression().fit(*both[0])

    wrong = (classifier.predict(both[1][0]) != both[1][1]).any(axis=1)
    assert dry(classifier, *both).errors["dev"] == wrong.mean()
    assert dry(regressor, *both).errors["dev"] == root_mean_squared_error(both[1][1], regressor.predict(both[1][0]))


def test_an_estimator_that_is_not_fitted_stays_so_and_its_clone_is_fitted_as_it_would_be() -> None:
    given = RandomForestClassifier(10, random_state=0)

    found = dry(given, TRAIN, DEV)

    bare = RandomForestClassifier(10, random_state=0).fit(*TRAIN)
    assert not hasattr(given, "estimators_")
    assert joblib.hash(found.estimator) == joblib.hash(bare)


def test_a_fitted_estimator_the_sets_and_the_random_states_are_left_as_they_were() -> None:
    model = make_pipeline(StandardScaler(), SVC()).fit(*TRAIN)
    before = joblib.hash([model, TRAIN, DEV, np.random.get_state()])

    found = dry(model, TRAIN, DEV, learning_curve=True)

    assert found.estimator is model
    assert joblib.hash([model, TRAIN, DEV, np.random.get_state()]) == before


class Watched(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no type hints
    """Notes how many examples it is given at once, or fails."""

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails

    def fit(self, x: Any, y: Any) -> Watched:
        self.seen_: list[int] = []
        return self

    def predict(self, x: Any) -> Any:
        if self.fails:
            raise RuntimeError("out of order")
        self.seen_.append(len(x))
        return np.zeros(len(x), dtype=int)


def test_a_large_set_is_predicted_in_parts() -> None:
    x, y = np.zeros((25_000, 1)), np.zeros(25_000, dtype=int)
    model = Watched().fit(x, y)

    found = dry(model, (x, y), (x[:100], y[:100]), train_eval="full")

    assert model.seen_ == [10_000, 10_000, 5_000, 100]
    assert found.diagnosis.counts["train"] == 25_000


def test_the_train_error_is_measured_on_as_many_examples_as_there_are_in_dev_or_a_thousand() -> None:
    x, y = np.zeros((25_000, 1)), np.zeros(25_000, dtype=int)

    assert dry(Watched().fit(x, y), (x, y), (x[:100], y[:100])).diagnosis.counts["train"] == 1000


@pytest.mark.parametrize(
    ("estimator", "why"),
    [
        (KMeans(2), "fits no targets"),
        (IsolationForest(), "fits no targets"),
        (GaussianMixture(), "fits a density"),
        (StandardScaler(), "it predicts nothing"),
        (make_pipeline(StandardScaler()), "it predicts nothing"),
        (Watched(fails=True), "cannot be measured.*out of order"),
    ],
)
def test_what_cannot_be_judged_is_said_in_one_sentence_and_logs_nothing(estimator: Any, why: str, said: list[str]) -> None:
    found = diagnose_estimator(estimator, TRAIN, DEV)

    assert (found.diagnosis.tag, found.steps, found.run_id) == ("undetermined", (), None)
    assert re.search(why, found.diagnosis.explanation)
    assert len(said) == 1
    assert re.search(why, said.pop())


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ((TRAIN, DEV[0]), "dev must be a pair"),
        ((TRAIN, (DEV[0], DEV[1][:-1])), "equal lengths, 1 example at least; got 400 and 399"),
        ((TRAIN, (DEV[0], None)), "got None for one of them"),
        ((TRAIN, (DEV[0], 3)), "one entry for each example; got int"),
        (((TRAIN[0][:0], TRAIN[1][:0]), DEV), "1 example at least; got 0 and 0"),
    ],
)
def test_sets_that_are_no_pairs_are_refused_before_anything_is_fitted(sets: Any, message: str) -> None:
    given = Watched()

    with pytest.raises(ValueError, match=message):
        dry(given, *sets)
    assert not hasattr(given, "seen_")


@pytest.mark.parametrize(
    "options",
    [
        {"human_error": 2},
        {"learning_curve": [0]},
        {"learning_curve": [501]},
        {"learning_curve": []},
        {"learning_curve": 5},
        {"train_eval": "running"},
        {"error": "no_such_score"},
        {"tracking_uri": "nowhere"},
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"got|not a valid"):
        dry(DecisionTreeClassifier(), TRAIN, DEV, **options)


def test_a_tracker_brings_its_own_run_and_human_error() -> None:
    with pytest.raises(ValueError, match="pass them to the Tracker"):
        diagnose_estimator(DecisionTreeClassifier(), TRAIN, DEV, human_error=0.1, tracker=Tracker(enabled=False))


def test_the_users_error_may_be_a_function_a_scorer_or_its_name() -> None:
    model = LogisticRegression(max_iter=50).fit(*TRAIN)
    predicted, true = model.predict(DEV[0]), DEV[1]
    macro = 1 - f1_score(true, predicted, average="macro")

    off_by_much = dry(model, TRAIN, DEV, error=lambda predicted, true: abs(predicted - true) > 1)
    assert off_by_much.errors["dev"] == (abs(predicted - true) > 1).mean()
    assert off_by_much.diagnosis.counts["dev"] == 400
    assert dry(model, TRAIN, DEV, error="f1_macro").errors["dev"] == pytest.approx(macro, abs=1e-12)
    assert dry(model, TRAIN, DEV, error=get_scorer("f1_macro")).errors["dev"] == pytest.approx(macro, abs=1e-12)
    of_loss = log_loss(true, model.predict_proba(DEV[0]))
    assert dry(model, TRAIN, DEV, error="neg_log_loss").errors["dev"] == pytest.approx(of_loss)


@pytest.mark.parametrize("metric", [mean_absolute_percentage_error, mean_poisson_deviance])
def test_a_metric_function_of_scikit_learn_takes_the_targets_first(metric: Callable[..., float]) -> None:
    train, dev = OF_REGRESSION
    model = Ridge().fit(*train)

    assert dry(model, train, dev, error=metric).errors["dev"] == metric(dev[1], model.predict(dev[0]))


def test_a_score_of_scikit_learn_is_the_better_the_larger_it_is() -> None:
    train, dev = ((x, y > 4) for x, y in (TRAIN, DEV))
    model = LogisticRegression(max_iter=50).fit(*train)
    area = roc_auc_score(dev[1], model.predict_proba(dev[0])[:, 1])

    assert dry(model, train, dev, error=accuracy_score).errors["dev"] == pytest.approx(1 - model.score(*dev), abs=1e-12)
    assert dry(model, train, dev, error=roc_auc_score).errors["dev"] == pytest.approx(1 - area, abs=1e-12)


@pytest.mark.parametrize("missing", [np.nan, None])
def test_targets_that_are_missing_are_neither_wrong_nor_a_divergence(missing: float | None, said: list[str]) -> None:
    x, y = DEV
    holes = pd.Series(y, dtype=object if missing is None else float)
    holes[:7] = missing

    found = dry(DecisionTreeClassifier().fit(*TRAIN), TRAIN, (x, holes))
    assert (found.diagnosis.tag, found.errors) == ("undetermined", {})
    assert "7 of 400 targets are missing (NaN)" in said.pop()


def test_targets_in_a_list_have_a_scale_too() -> None:
    train, dev = OF_REGRESSION
    as_arrays = dry(Ridge(), train, dev)

    assert dry(Ridge(), (train[0], list(train[1])), (dev[0], list(dev[1]))).diagnosis == as_arrays.diagnosis


def test_what_can_predict_once_it_is_fitted_is_judged() -> None:
    stacked = StackingClassifier([("tree", DecisionTreeClassifier(max_depth=3))], final_estimator=LogisticRegression(), cv=2)

    assert set(dry(stacked, TRAIN, DEV).errors) == {"train", "dev"}


def test_r2_says_how_much_of_the_variance_is_not_explained() -> None:
    train, dev = OF_REGRESSION

    found = dry(Ridge(), train, dev, error="r2")

    assert found.errors["dev"] == pytest.approx(1 - Ridge().fit(*train).score(*dev), abs=1e-12)
    assert "of the targets' variance is not explained" in found.diagnosis.explanation


def test_a_search_is_judged_by_its_best_and_says_how_lucky_that_may_be() -> None:
    search = GridSearchCV(
        make_pipeline(StandardScaler(), SVC()), {"svc__C": [0.01, 1, 10, 100]}, cv=3, return_train_score=True
    ).fit(*TRAIN)

    found = dry(search, TRAIN, DEV)

    assert found.errors["dev"] == (search.predict(DEV[0]) != DEV[1]).mean()
    assert found.search is not None
    assert (found.search.n_candidates, found.search.n_folds, found.search.best) == (4, 3, search.best_params_)
    assert found.search.dev_error == 1 - search.best_score_
    assert found.search.train_error == 1 - search.cv_results_["mean_train_score"][search.best_index_]
    assert 0 < found.search.optimism < 0.02
    assert "The best of 4 candidates" in str(found)


def test_wrappers_are_judged_as_a_whole_and_known_by_what_they_wrap() -> None:
    model = CalibratedClassifierCV(DecisionTreeClassifier(max_depth=3, random_state=0), cv=2).fit(*TRAIN)

    found = dry(model, TRAIN, DEV)

    assert found.errors["dev"] == (model.predict(DEV[0]) != DEV[1]).mean()
    assert estimator_facts(model).family == "DecisionTreeClassifier"


def test_a_learning_curve_is_of_nested_parts_and_the_recipe_forecasts_by_it() -> None:
    model = RandomForestClassifier(20, random_state=0).fit(*TRAIN)

    found = dry(model, TRAIN, DEV, learning_curve=[0.25, 0.5])

    assert [size.n_train for size in found.learning_curve] == [125, 250, 500]
    assert found.learning_curve[-1].dev_error == found.errors["dev"] < found.learning_curve[0].dev_error
    errors = {name: found.diagnosis.errors[name] for name in ("train", "dev")}
    forecast = forecast_more_data(
        train_error=errors["train"],
        dev_error=errors["dev"],
        factor=4,
        history=[(size.n_train, size.dev_error) for size in found.learning_curve],
        n_dev=400,
    )
    more = next(step for step in found.steps if step.id == "more_data")
    assert more.expected_gain == pytest.approx(errors["dev"] - forecast.value)
    assert "By its own learning curve, twice, four and eight times the data" in more.why


def test_a_curve_that_falls_by_no_more_than_noise_is_no_evidence() -> None:
    diagnosis = diagnose(train_error=0.05, dev_error=0.1, n_train=400, n_dev=400)
    forest = ModelFacts(family="RandomForestClassifier")

    def words(*sizes: tuple[int, float]) -> str:
        steps = recommend(diagnosis, Evidence(model=forest, n_train=400, sizes=[*sizes, (400, 0.1)]))
        return next(step.why for step in steps if step.id == "more_data")

    assert "By its own learning curve" in words((20, 0.9), (200, 0.2))
    assert words((20, 0.9), (200, 0.11)) == words()


def test_without_a_curve_the_forecast_is_that_of_a_model_trained_to_the_end() -> None:
    found = dry(RandomForestClassifier(20, random_state=0), TRAIN, DEV)

    more = next(step for step in found.steps if step.id == "more_data")
    known = found.diagnosis.errors
    forecast = forecast_more_data(train_error=known["train"], dev_error=known["dev"], factor=4, n_dev=400)
    assert more.expected_gain == pytest.approx(known["dev"] - forecast.value)
    assert "epochs" not in more.why


def test_a_size_that_cannot_be_fitted_on_is_said_and_left_out(said: list[str]) -> None:
    train, dev = ((x[y < 2], y[y < 2]) for x, y in (TRAIN, DEV))

    found = dry(LogisticRegression(), train, dev, learning_curve=[1, 50])

    assert [size.n_train for size in found.learning_curve] == [50, len(train[1])]
    assert "no point at 1 examples" in said.pop()


def made_of(kind: str) -> list[Any]:
    found = []
    for _, made in all_estimators(kind):
        try:
            found.append(made())
        except TypeError:  # it wraps another
            continue
    return found


@pytest.mark.parametrize("errors", [{"train_error": 0.01, "dev_error": 0.11}, {"train_error": 0.2, "dev_error": 0.21}])
def test_the_recipe_of_every_estimator_names_levers_that_it_has_and_nothing_of_networks(errors: dict[str, Any]) -> None:
    said = {}
    with warnings.catch_warnings(action="ignore"):
        estimators = [*made_of("classifier"), *made_of("regressor")]
    for estimator in estimators:
        facts = estimator_facts(estimator)
        steps = recommend(diagnose(**errors), Evidence(model=facts, n_train=1000))
        said[type(estimator).__name__] = (set(estimator.get_params()), " ".join(f"{step.title} {step.why}" for step in steps))

    assert len(said) > 80
    assert [name for name, (_, words) in said.items() if re.search(r"network|dropout|optimiser|epoch", words)] == []
    levers = {
        name: set(re.findall(r"(?:raise|lower) (\w+) \(", words, re.IGNORECASE)) - has for name, (has, words) in said.items()
    }
    assert {name: found for name, found in levers.items() if found} == {}


@pytest.mark.parametrize(
    ("estimator", "more", "less"),
    [
        (
            RandomForestClassifier(),
            None,
            "lower max_depth (no limit now) or lower max_leaf_nodes (no limit now) or raise min_samples_leaf (1 now)",
        ),
        (
            DecisionTreeClassifier(max_depth=3),
            "raise max_depth (3 now)",
            "lower max_depth (3 now) or lower max_leaf_nodes (no limit now) or raise min_samples_leaf (1 now)",
        ),
        (SVC(C=10), "raise C (10 now) or raise gamma (scale now)", "lower C (10 now) or lower gamma (scale now)"),
        (
            Ridge(alpha=2).fit(*OF_REGRESSION[0]),
            "give it more features, such as products of those that it has (PolynomialFeatures) or lower alpha (2 now)",
            "raise alpha (2 now)",
        ),
        (
            MLPClassifier((20, 10), alpha=0),
            "raise hidden_layer_sizes (20 and 10 now)",
            "raise alpha (0 now) or lower hidden_layer_sizes (20 and 10 now)",
        ),
        (LinearRegression(), None, None),
    ],
)
def test_levers_are_named_with_the_values_that_they_have_and_only_where_they_can_be_turned(
    estimator: Any, more: str | None, less: str | None
) -> None:
    facts = estimator_facts(estimator)

    assert (facts.fits_more, facts.fits_less) == (more, less)


def test_an_iteration_limit_is_a_lever_only_where_it_was_reached() -> None:
    with warnings.catch_warnings(action="ignore"):
        short, long = (LogisticRegression(max_iter=n).fit(*TRAIN) for n in (3, 1000))

    assert estimator_facts(short).trains_longer == "raise max_iter (3 now)"
    assert estimator_facts(long).trains_longer is None


def test_the_run_has_the_tags_of_any_training_and_its_report_forecasts_the_same(store: str) -> None:
    found = diagnose_estimator(
        RandomForestClassifier(20, random_state=0),
        TRAIN,
        DEV,
        TEST,
        human_error=0.01,
        learning_curve=[100, 250],
        tracking_uri=store,
    )
    assert found.run_id is not None
    run = MlflowClient(store).get_run(found.run_id)
    metrics, tags = run.data.metrics, run.data.tags

    assert metrics["bvtrack/dev_error"] == pytest.approx(found.errors["dev"], abs=1e-9)
    assert (tags["bvtrack.diagnosis"], tags["bvtrack.measure"]) == (found.diagnosis.tag, "1 - accuracy")
    assert (tags["bvtrack.state"], run.info.status) == ("complete", "FINISHED")
    assert read_model(tags).family == "RandomForestClassifier"
    report = make_report(found.run_id, tracking_uri=store)
    assert report.content.more_data[4].value == pytest.approx(found.errors["dev"] - found.steps[0].expected_gain, abs=1e-4)  # type: ignore[operator]  # known
    assert "same number of epochs" not in report.markdown()


def runs_in(store: str) -> list[Any]:
    return list(MlflowClient(store).search_runs(["0"]))


def test_an_active_run_is_used_and_a_dry_run_makes_none(store: str) -> None:
    mlflow.set_tracking_uri(store)
    dry(DecisionTreeClassifier(max_depth=3), TRAIN, DEV)
    assert runs_in(store) == []
    with mlflow.start_run() as active:
        found = diagnose_estimator(DecisionTreeClassifier(max_depth=3), TRAIN, DEV)
    assert found.run_id == active.info.run_id
    assert [run.info.run_id for run in runs_in(store)] == [active.info.run_id]


def test_autologging_has_one_run_for_a_fit_which_is_used_and_logs_nothing_of_ours(store: str) -> None:
    mlflow.set_tracking_uri(store)
    mlflow.sklearn.autolog(log_models=False, log_datasets=False)
    try:
        model = DecisionTreeClassifier(max_depth=3).fit(*TRAIN)
        found = diagnose_estimator(model, TRAIN, DEV, learning_curve=True)
        diagnose_estimator(DecisionTreeClassifier(max_depth=2), TRAIN, DEV, dry_run=True)
        (run,) = runs_in(store)
        assert found.run_id == run.info.run_id
        assert run.data.params["max_depth"] == "3"
        assert run.data.tags["bvtrack.diagnosis"] == found.diagnosis.tag
        DecisionTreeClassifier().fit(*TRAIN)
        assert len(runs_in(store)) == 2
    finally:
        mlflow.sklearn.autolog(disable=True)


def test_a_result_says_its_verdict_steps_and_curve_in_words_and_shows_a_card() -> None:
    found = dry(DecisionTreeClassifier(random_state=0), TRAIN, DEV, learning_curve=[0.5])

    assert str(found).startswith("High variance")
    assert "1. Get more training data" in str(found)
    assert "Dev error by examples trained on: 250:" in str(found)
    assert "By its own learning curve" in found._repr_html_()


class Bare:
    """Follows scikit-learn's words, and inherits nothing of it."""

    def fit(self, x: Any, y: Any) -> Bare:
        self.first_ = y[0]
        return self

    def predict(self, x: Any) -> Any:
        return np.full(len(x), self.first_)


def test_a_class_that_inherits_nothing_is_known_by_its_targets() -> None:
    train, dev = OF_REGRESSION

    assert dry(Bare().fit(*TRAIN), TRAIN, DEV).errors["dev"] == (TRAIN[1][0] != DEV[1]).mean()
    of_bodies = dry(Bare().fit(*train), (train[0], train[1] + 0.5), (dev[0], dev[1] + 0.5))
    assert of_bodies.errors["dev"] == root_mean_squared_error(dev[1] + 0.5, np.full(len(dev[1]), train[1][0]))


@pytest.mark.parametrize("curve", [[(200, 0.2), (100, 0.1)], [(0, 0.2), (100, 0.1)], [(50, 1.2), (100, 0.1)]])
def test_a_learning_curve_that_is_none_is_said_and_the_run_goes_on(curve: Any, said: list[str]) -> None:
    tracker = Tracker(enabled=False)

    tracker.log_learning_curve(curve)
    tracker.log_epoch(0, train_error=0.05, dev_error=0.1)

    assert "log_learning_curve was skipped" in said.pop()
    assert tracker.diagnosis is not None


def test_a_tracker_of_the_users_own_gets_a_further_epoch_and_stays_open() -> None:
    tracker = Tracker(enabled=False)
    tracker.log_epoch(0, train_error=0.5, dev_error=0.5)

    found = diagnose_estimator(DecisionTreeClassifier(max_depth=4, random_state=0), TRAIN, DEV, tracker=tracker)
    tracker.log_epoch(2, train_error=0.9, dev_error=0.9)

    assert list(tracker.kept_epochs) == [0, 1, 2]
    assert tracker.metrics_of(1)["bvtrack/dev_error"] == found.errors["dev"]

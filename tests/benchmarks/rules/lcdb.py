"""Learning curves of real models (LCDB): does "high variance" say that more data pay, and do the forecasts hold?

    python tests/benchmarks/rules/lcdb.py

A case is a learner on a data set at one training size (from 128 on, one for each doubling). More data pay where four times of
it cut the dev error by a tenth; cases with no error left are counted apart, since 0 is "cut to 0.9 of it". The best known error
of a data set is the lowest test error of any learner at any size. Standard errors are over data sets (bootstrap).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
from figures import DATA, Figure, show
from numpy.typing import NDArray

from bvtrack import Diagnosis, Evidence, OtherRun, diagnose, forecast_more_data, recommend
from bvtrack.diagnosis.expected_gains import Prospects
from bvtrack.error_rates.gaps import SMALLEST_BIAS

FIRST_SIZE, DOUBLING = 24, 8
"""Indices of sizes: 128 examples, and how many further the size has doubled."""
PAIRS = (
    ("LogisticRegression", "MLP"),
    ("SVM_Linear", "SVM_RBF"),
    ("RidgeClassifier", "RealMLP"),
    ("LDA", "MLP"),
    ("MLP", "RealMLP"),
    ("Decision Tree", "ens.RandomForest"),
    ("GaussianNB", "CatBoost"),
    ("KNN", "RealMLP"),
)
LEAST_DIFFERENCE = 0.005
RESAMPLES = 200
TRAIN, VAL, TEST = 0, 1, 2
MODEL_STEPS = ("different_model", "bigger_network")
FORECASTS = {2: (1.9, 1.6), 4: (3.4, 2.8), 8: (4.8, 3.9)}
"""By factor: what the mean points off are to be at most, of one run and with smaller sizes."""
PLAIN_GAP = 0.02
"""The rule of thumb that ours is held against: two points between train and dev error, whatever their size."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Case:
    """Errors of a learner at a size, and at four times of it; `best` is the best known of the data set."""

    dataset: int
    learner: int
    size: int
    index: int
    train: float
    dev: float
    best: float


class Curves:
    """All errors `[n_datasets, n_learners, n_sizes, 3]`."""

    def __init__(self) -> None:
        path = next(iter(sorted((DATA / "lcdb").glob("*.npz"))), None)
        if path is None:
            raise SystemExit(f"expected LCDB's .npz file in {DATA / 'lcdb'}; got none; set BVTRACK_BENCHMARK_DATA")
        with np.load(path) as stored:
            self.error = stored["error"].astype(float)
            self.sizes = stored["sizes"]
            self.learners = [str(name) for name in stored["learners"]]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a learner that was not run on a data set is all NaN
            self.best = np.nanmin(self.error[..., TEST], axis=(1, 2))

    def cases(self, doublings: int = 2) -> list[Case]:
        """Every learner but the dummy where it was run at `doublings` more, too."""
        found = []
        for dataset, (learner, name) in product(range(len(self.error)), enumerate(self.learners)):
            curve = self.error[dataset, learner]
            if "Dummy" in name:
                continue
            for index in range(FIRST_SIZE, len(self.sizes) - doublings * DOUBLING, DOUBLING):
                if np.isfinite([*curve[index, :TEST], curve[index + doublings * DOUBLING, VAL]]).all():
                    train, dev = curve[index, :TEST]
                    found.append(Case(dataset, learner, int(self.sizes[index]), index, train, dev, self.best[dataset]))
        return found

    def dev_error(self, case: Case, doublings: int) -> float:
        """The same learner's at so many doublings more, or less, data; NaN where it was not run."""
        index = case.index + doublings * DOUBLING
        return float(self.error[case.dataset, case.learner, index, VAL]) if index >= 0 else np.nan

    def best_of_others(self, case: Case, left_out: int) -> float:
        """The lowest dev error of the other learners at the same size: what an experiment's other runs would show."""
        others = [i for i, name in enumerate(self.learners) if i not in (case.learner, left_out) and "Dummy" not in name]
        return float(np.nanmin(self.error[case.dataset, others, case.index, VAL]))


def main() -> None:
    """Measure the rules, the choice between data and model, and the forecasts."""
    curves = Curves()
    figures = [*variance_figures(curves), *bias_figures(curves), *model_figures(curves), *forecast_figures(curves)]
    show(f"LCDB: {len(curves.error)} data sets, {len(curves.learners)} learners", figures)


def do_more_data_pay(curves: Curves, cases: Sequence[Case]) -> Flags:
    """Whether four times the data cut the dev error by a tenth."""
    return np.array([curves.dev_error(case, 2) <= 0.9 * case.dev for case in cases])


def is_variance_named(cases: Sequence[Case], is_given: bool) -> Flags:
    """Whether the tag names high variance, with the best known error as human error or without."""
    return np.array(["high_variance" in diagnosed(case, is_given).problems for case in cases])


def variance_figures(curves: Curves) -> list[Figure]:
    """Does the tag say that four times the data pay?"""
    cases = curves.cases()
    pays = do_more_data_pay(curves, cases)
    has_errors = np.array([case.dev > 0 for case in cases])
    groups = np.array([case.dataset for case in cases])
    figures = []
    plain = np.array([case.dev - case.train >= PLAIN_GAP for case in cases])
    to_beat = f"{over_datasets(partial(_accuracy_of, plain, pays), groups, has_errors)} (a gap of 2 points)"
    for what, reach, is_given in (("best known error given", 0.75, True), ("none given", 0.73, False)):
        named = is_variance_named(cases, is_given)
        with_errors = over_datasets(partial(_accuracy_of, named, pays), groups, has_errors)
        seen = f"{with_errors}; with the {(~has_errors).sum()} without errors {balanced_accuracy(named, pays):.3f}"
        figures.append(Figure(f"high variance → 4x data pay, {what}", to_beat, f"≥ {reach}", seen))
    return figures


def is_assumed_bias(cases: Sequence[Case]) -> tuple[Flags, Flags]:
    """Whether a bias is named without a human error, and whether there is one above the best known error."""
    named = np.array(["high_bias" in diagnosed(case, False).problems for case in cases])
    return named, np.array([case.train - case.best >= SMALLEST_BIAS for case in cases])


def bias_figures(curves: Curves) -> list[Figure]:
    """Is a bias that is named without a human error a true one?"""
    cases = curves.cases()
    named, true = is_assumed_bias(cases)
    plain = np.array([case.train >= SMALLEST_BIAS for case in cases])
    groups = np.array([case.dataset for case in cases])

    def share(flags: Flags, among: Flags) -> str:
        return over_datasets(lambda some: float(flags[some].mean()), groups, among)

    precision, recall = f"{share(true, plain)} (from 1.5 points on)", f"{share(plain, true)} (the same)"
    return [
        Figure("assumed bias named → it is a true one (precision)", precision, "≥ 0.85", share(true, named)),
        Figure("a true bias → it is named without a human error (recall)", recall, "≥ 0.90", share(named, true)),
    ]


def model_figures(curves: Curves) -> list[Figure]:
    """Data or model first, and does another model pay where that is said?"""
    pairs = [(case, curves.learners.index(second)) for first, second in PAIRS for case in _cases_of(curves, first, second)]
    cases = [case for case, _ in pairs]
    groups = np.array([case.dataset for case in cases])
    model = np.array([curves.error[case.dataset, second, case.index, VAL] for case, second in pairs])
    data = np.array([curves.dev_error(case, 2) for case in cases])
    differ = np.abs(model - data) > LEAST_DIFFERENCE
    pays = model <= 0.9 * np.array([case.dev for case in cases])
    is_better = model < data
    to_beat = f"{over_datasets(lambda some: float(is_better[some].mean()), groups, differ)} (always the model)"
    figures = []
    for what, is_given, knows_others in (
        ("errors and n", False, False),
        ("best known error given", True, False),
        ("best other run of the experiment known", False, True),
    ):
        chosen = np.array(
            [
                _is_model_first(case, is_given, curves.best_of_others(case, second) if knows_others else None)
                for case, second in pairs
            ]
        )

        def accuracy(some: NDArray[np.intp], chosen: Flags = chosen) -> float:
            return float((chosen[some] == is_better[some]).mean())

        seen = over_datasets(accuracy, groups, differ)
        figures.append(Figure(f"data or model first? {what}", to_beat, "≥ 0.68", seen))
    for what, is_pointed_at in _bias_statements(curves, pairs).items():
        seen = f"precision {pays[is_pointed_at].mean():.3f} at recall {is_pointed_at[pays].mean():.3f}"
        figures.append(Figure(f"{what} → a bigger or other model pays", f"{pays.mean():.2f} of all", "≥ 0.70 at ≥ 0.75", seen))
    return figures


def _bias_statements(curves: Curves, pairs: Sequence[tuple[Case, int]]) -> dict[str, Flags]:
    """What can be said without a human error: the tag, and a step that has another run of the experiment as its evidence."""
    tagged = ["high_bias" in diagnosed(case, False).problems for case, _ in pairs]
    shown = [
        Prospects(diagnosis, evidence).lead is not None
        for diagnosis, evidence in (
            (diagnosed(case, False), _evidence(case, curves.best_of_others(case, second))) for case, second in pairs
        )
    ]
    return {"high bias by the tag alone": np.array(tagged), "a better run of the experiment as evidence": np.array(shown)}


def forecast_figures(curves: Curves) -> list[Figure]:
    """The mean absolute error of the forecasts, and what their bands cover."""
    cases = curves.cases(doublings=3)
    known = [case for case in cases if np.isfinite([curves.dev_error(case, -1), curves.dev_error(case, -2)]).all()]
    figures = []
    for what, some in (("one run", cases), ("with smaller sizes", known)):
        for factor, doublings in ((2, 1), (4, 2), (8, 3)):
            errors, plain_errors, held, groups = [], [], [], []
            for case in some:
                history = [(case.size / 2**k, curves.dev_error(case, -k)) for k in (2, 1, 0)] if some is known else None
                forecast = forecast_more_data(train_error=case.train, dev_error=case.dev, factor=factor, history=history)
                truth = curves.dev_error(case, doublings)
                if not np.isfinite(truth):
                    continue
                errors.append(abs(forecast.value - truth))
                plain_errors.append(abs(_plain_forecast(curves, case, doublings if some is known else 0) - truth))
                groups.append(case.dataset)
                held.append(forecast.low <= truth <= forecast.high)
            reach = FORECASTS[factor][some is known]
            mean, plain = (
                over_datasets(partial(_mean_in_points, np.array(all_errors)), np.array(groups), digits=2)
                for all_errors in (errors, plain_errors)
            )
            to_beat = f"{plain} ({'half of the last drop at each doubling' if some is known else 'as it is'})"
            seen = f"{mean}; 80 % band covers {np.mean(held):.0%}"
            figures.append(Figure(f"dev error at {factor}x data, points off, {what}", to_beat, f"≤ {reach}", seen))
    return figures


def _plain_forecast(curves: Curves, case: Case, doublings: int) -> float:
    """The dev error as it is; with `doublings`, half of the drop of the last doubling less at each of them."""
    drop = (curves.dev_error(case, -1) - case.dev) / 2 if doublings else 0.0
    return max(case.dev - doublings * drop, 0.0)


def _accuracy_of(said: Flags, true: Flags, chosen: NDArray[np.intp]) -> float:
    return balanced_accuracy(said[chosen], true[chosen])


def _mean_in_points(errors: NDArray[np.float64], chosen: NDArray[np.intp]) -> float:
    return float(100 * errors[chosen].mean())


def diagnosed(case: Case, is_given: bool) -> Diagnosis:
    """The verdict on the errors alone, against the best known error or none."""
    return diagnose(train_error=case.train, dev_error=case.dev, human_error=case.best if is_given else None)


def _evidence(case: Case, best_of_others: float | None) -> Evidence:
    return Evidence(n_train=case.size, best_other=None if best_of_others is None else OtherRun(best_of_others))


def _is_model_first(case: Case, is_given: bool, best_of_others: float | None) -> bool:
    ids = [step.id for step in recommend(diagnosed(case, is_given), _evidence(case, best_of_others))]
    place = {step: ids.index(step) if step in ids else len(ids) for step in (*MODEL_STEPS, "more_data")}
    return min(place[step] for step in MODEL_STEPS) < place["more_data"]


def _cases_of(curves: Curves, first: str, second: str) -> list[Case]:
    other = curves.learners.index(second)
    return [
        case
        for case in curves.cases()
        if curves.learners[case.learner] == first and np.isfinite(curves.error[case.dataset, other, case.index, VAL])
    ]


def balanced_accuracy(said: Flags, true: Flags) -> float:
    """The mean of how many of the true, and how many of the false, are told."""
    return float((said[true].mean() + (~said)[~true].mean()) / 2)


def over_datasets(
    figure: Callable[[NDArray[np.intp]], float], groups: NDArray[np.intp], allowed: Flags | None = None, digits: int = 3
) -> str:
    """`figure` of the allowed cases with its standard error over data sets."""
    cases = np.flatnonzero(allowed) if allowed is not None else np.arange(len(groups))
    by_group = [cases[groups[cases] == group] for group in np.unique(groups[cases])]
    generator = np.random.default_rng(0)
    drawn = (generator.integers(len(by_group), size=len(by_group)) for _ in range(RESAMPLES))
    spread = np.std([figure(np.concatenate([by_group[group] for group in groups_drawn])) for groups_drawn in drawn])
    return f"{figure(cases):.{digits}f} ± {spread:.{digits}f}"


if __name__ == "__main__":
    main()

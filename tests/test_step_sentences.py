"""No step says what the run's own numbers contradict."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bvtrack import Diagnosis, Evidence, ModelFacts, OtherRun, Step, diagnose, recommend
from bvtrack.diagnosis.evidence import DataKind
from bvtrack.diagnosis.expected_gains import Prospects
from bvtrack.measures.percent import in_points, percent

NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?(?: %)?")
PLURAL_OF_ONE = re.compile(r"(?<![\d,.])1 (?:parameter|example|training example|point)s\b")


@dataclass(frozen=True)
class Run:
    diagnosis: Diagnosis
    evidence: Evidence

    @property
    def steps(self) -> tuple[Step, ...]:
        return recommend(self.diagnosis, self.evidence)

    @property
    def prospects(self) -> Prospects:
        return Prospects(self.diagnosis, self.evidence)

    @property
    def numbers(self) -> set[str]:
        """All numbers that a step may quote, as they are written: those given, and the forecasts."""
        model, other = self.evidence.model, self.evidence.best_other
        rates = [model.learning_rate, model.usual_rate, model.dropout, model.weight_decay]
        counts = [model.parameters, self.evidence.n_train, other.model.parameters if other else None]
        longer, trend = self.prospects.much_longer, self.evidence.trend
        data = [*self.prospects.more_data.values(), *self.prospects.more_data_by_updates.values()]
        forecasts = [*data, *([longer] if longer else [])]
        shares = [*self.diagnosis.errors.values(), *([other.dev_error] if other else [])]
        shares += [share for forecast in forecasts for share in (forecast.value, forecast.low, forecast.high)]
        differences = [self.prospects.lead or 0.0, trend.last - trend.best if trend.n_values else 0.0]
        chances = [longer.improves] if longer and longer.improves is not None else []
        return {
            *(f"{rate:g}" for rate in rates if rate is not None),
            *(f"{count:,}" for count in counts if count is not None),
            *(percent(share) for share in shares),
            *(in_points(difference) for difference in differences),
            *(f"{100 * chance:.0f} %" for chance in chances),
        }


errors = st.floats(0, 1) | st.sampled_from([0.0, 0.002, 0.016, 0.05, 0.0996, 0.1, 0.1004, 0.3, 0.846])
sizes = st.none() | st.integers(1, 20) | st.integers(1, 10**9)
models = st.builds(
    ModelFacts,
    parameters=sizes,
    optimizer=st.none() | st.sampled_from(["SGD", "Adam", "AdamW", "Lion"]),
    learning_rate=st.none() | st.sampled_from([1e-5, 1e-3, 0.01, 0.1, 1.0, 100.0]),
    momentum=st.none() | st.sampled_from([0.0, 0.9, 1.0]),
    weight_decay=st.none() | st.sampled_from([0.0, 1e-4, 0.01, 0.5]),
    dropout=st.none() | st.sampled_from([0.0, 0.1, 0.5, 0.9]),
    augmentation=st.none() | st.booleans(),
)


@st.composite
def falling(draw: st.DrawFn) -> list[float | None]:
    """A curve that falls ever more slowly to the value that it ends at, and may have a noisy or a missing epoch."""
    end, drop, n = draw(errors), draw(st.floats(0, 0.5)), draw(st.integers(1, 20))
    curve: list[float | None] = [min(end + drop * (1 / (1 + epoch) - 1 / n), 1.0) for epoch in range(n)]
    curve[draw(st.integers(0, n - 1))] = draw(st.none() | errors)
    return curve


@st.composite
def runs(draw: st.DrawFn) -> Run:
    curve = draw(st.lists(st.none() | errors, max_size=12) | falling())
    finite = [error for error in curve if error is not None]
    chosen = st.sampled_from([min(finite), finite[-1]]) if finite else errors
    dev = draw(chosen)
    given_errors: dict[str, Any] = {"train_error": draw(errors), "dev_error": dev, "human_error": draw(st.none() | errors)}
    shapes = [None, "learning", "converged", "overtrained", "unstable"]
    other = draw(st.none() | st.builds(OtherRun, errors, st.just("wide"), models))
    kinds: st.SearchStrategy[DataKind | None] = st.sampled_from([None, "images", "series", "table", "text"])
    evidence = Evidence(draw(st.sampled_from(shapes)), draw(models), draw(sizes), curve, other, draw(kinds))
    return Run(diagnose(**given_errors), evidence)


def _sayings(run: Run, phrase: str) -> Iterator[str]:
    return (step.why for step in run.steps if phrase in step.why)


@given(run=runs())
@settings(deadline=None)
def test_every_number_that_a_step_quotes_was_given_or_forecast(run: Run) -> None:
    quoted = {number for step in run.steps for number in NUMBER.findall(step.why)}

    assert {number.removesuffix(" %") for number in quoted} <= {number.removesuffix(" %") for number in run.numbers}


@given(run=runs())
@settings(deadline=None)
def test_an_error_is_said_to_fall_only_to_what_is_less_as_it_is_written(run: Run) -> None:
    today = float(percent(run.diagnosis.errors["dev"]).removesuffix(" %"))

    for why in _sayings(run, " to about "):
        for forecasts in why.split(" to about ")[1:]:
            improved = [float(number) for number in re.findall(r"([\d.]+) %", forecasts.split("(")[0])]
            assert improved
            assert all(error < today for error in improved)


@given(run=runs())
@settings(deadline=None)
def test_more_data_should_lower_an_error_only_where_the_whole_band_is_lower(run: Run) -> None:
    today = float(percent(run.diagnosis.errors["dev"]).removesuffix(" %"))

    for why in _sayings(run, "At the same number of epochs, "):
        band = why.split("(four times: ")[1].split(")")[0]
        high = float(re.findall(r"([\d.]+) %", band)[-1])
        assert ("should bring" in why) is (high < today)


@given(run=runs())
@settings(deadline=None)
def test_longer_training_should_help_only_where_that_is_very_likely(run: Run) -> None:
    longer = run.prospects.much_longer

    for why in _sayings(run, "four times the epochs"):
        assert ("should bring" in why) <= bool(longer and (longer.improves or 0) >= 0.8)


@given(run=runs())
@settings(deadline=None)
def test_a_network_may_be_too_small_only_where_it_is_small_and_does_not_fit(run: Run) -> None:
    parameters, n_train = run.evidence.model.parameters, run.evidence.n_train
    train, dev = run.diagnosis.errors["train"], run.diagnosis.errors["dev"]

    for _ in _sayings(run, "may be too small"):
        assert "high_bias" in run.prospects.problems
        assert not (parameters and n_train and parameters >= 10 * n_train)
        assert not (parameters and n_train and parameters > n_train and train < dev / 4)


@given(run=runs())
@settings(deadline=None)
def test_more_regularisation_is_said_to_help_only_against_variance_and_where_there_is_not_much(run: Run) -> None:
    model = run.evidence.model

    for _ in [*_sayings(run, "more of it"), *_sayings(run, "no dropout and no weight decay")]:
        assert "high_variance" in run.prospects.problems
        assert (model.dropout or 0) < 0.5
        assert (model.weight_decay or 0) < (0.3 if model.optimizer == "AdamW" else 0.01)
    assert any(step.id == "reduce_regularization" for step in run.steps) is bool(model.dropout or model.weight_decay)


@given(run=runs())
@settings(deadline=None)
def test_nothing_has_risen_or_leads_by_nought_points_and_one_is_no_plural(run: Run) -> None:
    said = " ".join(step.why for step in run.steps)

    assert " 0.0 points" not in said
    assert not PLURAL_OF_ONE.search(said)


@given(run=runs())
@settings(deadline=None)
def test_no_step_is_expected_to_save_more_than_there_is(run: Run) -> None:
    for step in run.steps:
        assert step.expected_gain is None or 0 <= step.expected_gain <= run.diagnosis.errors["dev"]


@given(run=runs())
@settings(deadline=None)
def test_a_rate_is_far_too_high_or_small_only_beside_what_is_usual(run: Run) -> None:
    model = run.evidence.model

    for _ in _sayings(run, "far too large"):
        assert (model.learning_rate or 0) > 10 * (model.usual_rate or 0) > 0
        assert run.diagnosis.errors["train"] >= 0.1 or run.evidence.curve == "unstable"
    for _ in _sayings(run, "larger steps"):
        assert (model.learning_rate or 0) > (model.usual_rate or 0) > 0
    for _ in _sayings(run, "takes small steps"):
        assert (model.learning_rate or 0) < (model.usual_rate or 0)


@given(run=runs())
@settings(deadline=None)
def test_the_first_step_is_none_that_is_said_not_to_help(run: Run) -> None:
    first = next(iter(run.steps))

    for doubt in ("will probably not help", "rather than more of the same", "narrow here", "no train error left"):
        assert doubt not in first.why
    assert first.id != "bigger_network" or "hardly what holds it back" not in first.why


@given(run=runs())
@settings(deadline=None)
def test_no_train_error_is_to_be_brought_down_where_there_is_none(run: Run) -> None:
    for _ in [*_sayings(run, "bring the train error down"), *_sayings(run, "may be stuck")]:
        assert run.diagnosis.errors["train"] > 0


@pytest.mark.parametrize(
    ("n_train", "parameters", "said"),
    [(1, 1, "1 parameter for 1 training example"), (2, 1_000, "1,000 parameters for 2 training examples")],
)
def test_things_are_counted_in_words(n_train: int, parameters: int, said: str) -> None:
    evidence = Evidence(model=ModelFacts(parameters=parameters), n_train=n_train)

    steps = recommend(diagnose(train_error=0.5, dev_error=0.5), evidence)

    assert said in next(step.why for step in steps if step.id == "bigger_network")


@pytest.mark.parametrize(
    ("drop", "said"),
    [
        (0.005, "It will probably not help: "),
        (0.01, "Four times the epochs may bring the dev error to about 9.1 % (8.4 % to 10.0 %)"),
        (0.03, "The dev error still falls: four times the epochs should bring it to about 8.7 % (7.6 % to 10.0 %)"),
    ],
)
def test_longer_training_promises_as_much_as_the_curve_does(drop: float, said: str) -> None:
    curve = [0.1 + drop * (1 / (1 + epoch) - 1 / 8) for epoch in range(8)]

    steps = recommend(diagnose(train_error=0.09, dev_error=0.1), Evidence(dev_curve=curve))

    assert said in next(step.why for step in steps if step.id == "train_longer")


def test_a_lead_of_less_than_a_twentieth_of_a_point_is_not_told_in_points() -> None:
    steps = recommend(diagnose(train_error=0.0, dev_error=0.002), Evidence(best_other=OtherRun(0.0016)))

    assert "makes 0.16 %. " in " ".join(step.why for step in steps)


@given(errors, errors, st.sampled_from(["table", "images", None]))
def test_no_step_speaks_to_boosted_trees_as_to_a_network(train: float, dev: float, kind: DataKind | None) -> None:
    evidence = Evidence(model=ModelFacts(kind="trees", learning_rate=0.3), data_kind=kind, n_train=1000)

    for step in recommend(diagnose(train_error=train, dev_error=dev), evidence):
        assert not re.search(r"network is|bigger network|[Oo]ptimi[sz]er|[Dd]ropout|batch", f"{step.title} {step.why}"), step

"""Which rounds are logged, which evaluated set is which, and errors of predictions: what the doors of boosters share."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bvtrack import Measure
from bvtrack.adapters import GivenData, Pass, Predicted, Round, named_sets, pass_over
from bvtrack.adapters.predicted_errors import of_folds
from bvtrack.adapters.rounds import EVERY_ROUND, MOST_HELD, SPACING, Rounds

curves = st.lists(st.integers(0, 20), min_size=1, max_size=300)


def followed(*series: list[int]) -> tuple[list[int], int]:
    """The rounds that are logged of these curves, in the order they are, and how many were ever held back at most."""
    rounds, logged, most_held = Rounds(), [], 0
    for number, values in enumerate(zip(*series, strict=True)):
        rounds.take(Round(number, {}), {f"dev-{name}": value for name, value in enumerate(values)})
        logged += [one.number for one in rounds.ready()]
        most_held = max(most_held, len(rounds._held))
    return logged + [one.number for one in rounds.ready(is_end=True)], most_held


@given(curves, st.data())
def test_the_best_round_by_each_metric_and_the_last_are_logged_once_and_in_order(
    errors: list[int], data: st.DataObject
) -> None:
    others = data.draw(st.lists(st.integers(0, 20), min_size=len(errors), max_size=len(errors)))
    logged, most_held = followed(errors, others)

    assert logged == sorted({*logged})
    assert {errors.index(min(errors)), others.index(min(others)), 0, len(errors) - 1} <= {*logged}
    assert {*range(min(EVERY_ROUND, len(errors)))} <= {*logged}
    assert most_held <= MOST_HELD


@given(st.integers(100, 20_000))
def test_of_thousands_of_rounds_so_many_are_logged_that_none_is_far_from_one(n: int) -> None:
    logged, _ = followed(list(range(n, 0, -1)) if n < 1000 else [0] * n)
    gaps = [(later - earlier) / later for earlier, later in pairwise(logged) if later > EVERY_ROUND]

    assert len(logged) <= EVERY_ROUND + math.log(n / EVERY_ROUND) / math.log(1 + SPACING) * 1.3 + 2 * n / 100 * (n < 1000)
    assert max(gaps) <= SPACING * 1.5


def test_a_round_that_is_no_longer_the_best_is_not_logged() -> None:
    errors = [100 - number for number in range(200)]
    errors[150:] = [0] * 50
    logged, _ = followed(errors)

    assert len(logged) < 90


@pytest.mark.parametrize(
    ("names", "chosen", "known", "expected"),
    [
        (["training", "valid_0"], {}, {"training": "train"}, {"training": "train", "valid_0": "dev"}),
        (["learn", "validation"], {}, {}, {"learn": "train", "validation": "dev"}),
        (["dtrain", "dtest"], {}, {}, {"dtest": "dev"}),
        (["a", "b"], {"train": "b"}, {}, {"a": "dev", "b": "train"}),
        (["train", "test"], {"test": "test"}, {}, {"train": "train", "test": "test"}),
        (["validation_0"], {}, {}, {"validation_0": "dev"}),
        ([], {}, {}, {}),
    ],
)
def test_evaluated_sets_are_told_by_choice_by_data_and_by_name(names, chosen, known, expected) -> None:  # type: ignore[no-untyped-def]  # a table
    assert named_sets(names, chosen, known).sets == expected


def test_a_known_metric_is_that_of_the_predictions() -> None:
    scores, targets = np.array([0.2, 0.9, 0.7, 0.4]), np.array([0, 1, 0, 1])
    one = Predicted(scores, targets)
    values = {name: pass_over([one], Measure(f"dev-{name}", name == "accuracy")).values[f"dev-{name}"] for name in
              ("binary_error", "accuracy", "binary_logloss", "rmse", "mae")}  # fmt: skip
    losses = -np.log([0.8, 0.9, 0.3, 0.4])

    assert values == pytest.approx(
        {
            "binary_error": 0.5,
            "accuracy": 0.5,
            "binary_logloss": losses.mean(),
            "rmse": np.sqrt(np.mean((scores - targets) ** 2)),
            "mae": np.mean(abs(scores - targets)),
        }
    )


def test_a_metric_that_is_not_known_is_no_error_of_predictions() -> None:
    with pytest.raises(ValueError, match="dev-auc is not known here"):
        pass_over([Predicted(np.array([0.2]), np.array([0]))], Measure("dev-auc", higher_is_better=True))


@given(st.integers(2, 40), st.floats(0, 0.5), st.floats(0.001, 0.2))
def test_the_interval_over_folds_is_wider_than_that_of_independent_means(k: int, mean: float, spread: float) -> None:
    found = of_folds({"error": (mean, spread)}, k, 100)
    low, high = found.intervals["error"]

    assert low <= mean <= high
    assert (high - low) / 2 >= 1.96 * spread / math.sqrt(k) * math.sqrt(2)
    assert of_folds({"error": (mean, spread)}, 1, 100) == Pass(100, {"error": mean})


def test_a_part_of_the_rows_keeps_each_with_its_target_and_its_weight() -> None:
    x = np.arange(5000.0).reshape(-1, 1)
    some = GivenData.of("train", (x, x[:, 0] * 2, x[:, 0] + 1)).some(300, "subset")

    assert some.n == 1000
    assert some.targets is not None
    assert np.array_equal(some.targets, some.x[:, 0] * 2)
    assert some.weights is not None
    assert np.array_equal(some.weights, some.x[:, 0] + 1)


def test_rounds_before_the_best_so_far_are_logged_at_once() -> None:
    rounds, logged = Rounds(), []
    for number in range(15):
        rounds.take(Round(number, {}), {"dev-error": 20 - number})
        logged.append([one.number for one in rounds.ready()])

    assert logged == [[number] for number in range(15)]


def test_a_round_that_is_due_waits_until_there_is_time_for_it_but_none_of_the_first_and_not_the_last() -> None:
    rounds = Rounds()
    due = [n for n in range(60) if rounds.take(Round(n, {}), {}, is_last=n == 59, is_affordable=n % 10 == 5)]

    assert due == [*range(EVERY_ROUND), 25, 35, 45, 55, 59]

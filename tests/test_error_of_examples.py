from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bvtrack.adapters import measure_examples


def wrong(predictions: Any, targets: Any) -> Any:
    return predictions != targets


def share_of_wrong(predictions: Any, targets: Any) -> Any:
    return float(np.mean(predictions != targets))


def sample(n: int, error: float, seed: int = 0) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    targets = np.zeros(n, dtype=int)
    return (np.random.default_rng(seed).random(n) < error).astype(int), targets


def test_an_error_of_0_or_1_by_example_is_a_rate() -> None:
    found = measure_examples(wrong, np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0]))

    assert (found.value, found.n, found.is_rate, found.interval) == (0.25, 4, True, None)


def test_other_errors_by_example_are_averaged_and_resampled() -> None:
    predictions, targets = np.array([1.0, 2.0, 4.0]), np.zeros(3)
    found = measure_examples(lambda predicted, true: abs(predicted - true), predictions, targets)

    assert found.value == pytest.approx(7 / 3)
    assert not found.is_rate
    assert found.interval is not None
    assert 1 <= found.interval[0] <= found.value <= found.interval[1] <= 4


def test_an_error_of_all_examples_is_resampled() -> None:
    found = measure_examples(share_of_wrong, *sample(2000, 0.1))

    assert not found.is_rate
    assert found.interval is not None
    assert found.interval[1] - found.interval[0] == pytest.approx(2 * 1.96 * np.sqrt(0.09 / 2000), rel=0.2)


def test_the_bootstrap_holds_the_true_error_about_as_often_as_it_says() -> None:
    found = [measure_examples(share_of_wrong, *sample(300, 0.2, seed)).interval for seed in range(100)]
    held = sum(interval is not None and interval[0] <= 0.2 <= interval[1] for interval in found)

    assert held >= 88  # of 100 intervals that hold it in 95 % of cases, fewer in one of 400


def test_an_error_that_takes_long_is_not_resampled() -> None:
    def slow(predictions: Any, targets: Any) -> float:
        time.sleep(0.02)
        return 0.5

    assert measure_examples(slow, *sample(10, 0.5)).interval is None


def test_an_error_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"one number, or one for each of the 4 examples; got an array of shape \(2,\)"):
        measure_examples(lambda predictions, targets: [0.1, 0.2], np.zeros(4), np.zeros(4))


@given(st.lists(st.booleans(), min_size=1, max_size=50))
def test_a_rate_is_the_share_of_wrong_examples(mistakes: list[bool]) -> None:
    targets = np.zeros(len(mistakes), dtype=bool)
    found = measure_examples(wrong, np.array(mistakes), targets)

    assert found.value == pytest.approx(sum(mistakes) / len(mistakes))
    assert found.is_rate

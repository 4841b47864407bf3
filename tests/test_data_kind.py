"""The kind of the examples, by which another model is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import bvtrack
from bvtrack.splits.check import check_samples
from bvtrack.splits.sampling.sample import SplitSample

RNG = np.random.default_rng(0)


def _numbers(*shape: int) -> Callable[[int], Any]:
    return lambda n: RNG.normal(size=(n, *shape))


def _columns(n: int) -> dict[str, Any]:
    return {"age": RNG.normal(size=n), "color": RNG.choice(["red", "blue"], n)}


def _sentences(n: int) -> Any:
    return np.array([" ".join(RNG.choice(list("abcdefghij"), 8)) for _ in range(n)])


def _tokens(n: int) -> dict[str, Any]:
    return {"input_ids": RNG.integers(0, 1000, (n, 32)), "attention_mask": np.ones((n, 32), int)}


def _split(draw: Callable[[int], Any]) -> dict[str, Any]:
    return {name: (draw(n), RNG.integers(0, 2, n)) for name, n in (("train", 200), ("dev", 80), ("test", 80))}


@pytest.mark.parametrize(
    ("draw", "kind"),
    [
        (_numbers(28, 28), "images"),
        (_numbers(3, 32, 32), "images"),
        (_numbers(32, 32, 1), "images"),
        (_numbers(1, 150), "series"),
        (_numbers(150, 6), "series"),
        (_numbers(9, 128), "series"),
        (_numbers(13), "table"),
        (_columns, "table"),
        (_numbers(784), None),  # a flattened image, a series or a wide table
        (_numbers(4, 8, 8, 8), None),
        (_sentences, "text"),
        (_tokens, "text"),
    ],
)
def test_the_kind_of_the_examples_is_told_by_their_layout(draw: Callable[[int], Any], kind: str | None) -> None:
    check = check_samples((name, SplitSample.of(data)) for name, data in _split(draw).items())

    assert check.as_json()["data_kind"] == kind


def test_a_run_on_images_is_told_of_a_convolutional_network(store: str) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_split(**_split(_numbers(12, 12)))
        tracker.log_epoch(0, train_error=0.01, dev_error=0.25)

    assert "convolutional network" in next(step.why for step in tracker.steps if step.id == "different_model")

"""The report's sections on the weights to keep and on where the errors are, and what it makes of what is none."""

from __future__ import annotations

from typing import Any

import pytest

from bvtrack.auditing.stored_choice import StoredChoice, read_choice
from bvtrack.diagnosis.evidence import ModelFacts
from bvtrack.diagnosis.kept_weights import Weights
from bvtrack.diagnosis.run_verdict import EpochErrors, judge
from bvtrack.report.content import Content
from bvtrack.report.page import render_page

EXAMPLES: dict[str, Any] = {
    "epoch": 1,
    "set": "dev",
    "kind": "classes",
    "n": 200,
    "wrong": 20,
    "n_classes": 3,
    "classes": [{"name": "<b>cat</b>", "n": 50, "wrong": 12, "low": 0.14, "high": 0.37}],
    "pairs": [{"true": "<b>cat</b>", "predicted": "dog", "n": 11}],
    "worst": [{"index": 117, "true": "<b>cat</b>", "predicted": "dog", "probability": 0.0055}],
}
WEIGHTS = Weights(1, 1, 2, (2,), "paired", {1: "/kept/epoch=1.ckpt"}, left_with=2, has_checkpoints=True)


def page(**known: Any) -> str:
    history = [EpochErrors(epoch, {"train": 0.05, "dev": dev}, {"dev": 200}) for epoch, dev in enumerate((0.3, 0.1, 0.11))]
    verdict = judge(history, at="best", human_error=None, same_distribution=True, chance=None, model=ModelFacts(), n_train=None)
    return render_page(Content("run", verdict, history, **known))


def test_the_report_says_which_weights_to_keep_and_where_the_errors_are() -> None:
    shown = page(weights=WEIGHTS, examples=EXAMPLES)

    assert "The model in memory has the weights of epoch 2, within noise of epoch 1" in shown
    assert "/kept/epoch=1.ckpt" in shown
    assert "20 of the 200 dev examples are wrong at epoch 1" in shown
    assert "&lt;b&gt;cat" in shown
    assert "<b>cat" not in shown
    assert "117" in shown


def test_a_report_without_them_has_neither_section() -> None:
    shown = page()

    assert "Which weights to keep" not in shown
    assert "Where the errors are" not in shown


def test_a_set_without_errors_has_no_section_on_where_they_are() -> None:
    none_wrong = {**EXAMPLES, "wrong": 0, "classes": [], "pairs": [], "worst": []}

    assert page(examples=none_wrong) == page()


@pytest.mark.parametrize(
    "content", [{}, {"weights": 3, "examples": []}, {"weights": {"best_epoch": None}, "examples": {"n": "a"}}]
)
def test_what_a_file_holds_that_is_neither_is_left_out(content: dict[str, Any]) -> None:
    assert read_choice(content) == StoredChoice()


def test_what_a_training_stored_is_read_again() -> None:
    stored = read_choice({"weights": WEIGHTS.as_json(), "examples": EXAMPLES})

    assert stored.weights == WEIGHTS
    assert page(weights=stored.weights, examples=stored.examples) == page(weights=WEIGHTS, examples=EXAMPLES)

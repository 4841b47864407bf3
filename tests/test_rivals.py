"""The truths that other tools and we are held against are true, and ours are read as theirs are."""

from __future__ import annotations

import numpy as np
import pytest
import tools
import truths
from tools import Answer
from truths import Floats

CHANCE = 1.0


def run(train: list[float], dev: list[float], test: list[float] | None = None) -> Floats:
    return np.stack([train, dev, test or dev], axis=1)


@pytest.mark.parametrize(
    ("curves", "fate"),
    [
        (run([0.9, 0.5, 0.3], [0.9, 0.6, 0.5]), "healthy"),
        (run([0.9, 0.5, 0.1], [0.9, 0.6, 0.9]), "overtrained"),
        (run([0.9, 0.5, 0.1], [0.9, 0.6, 0.9], [0.9, 0.6, 0.6]), "healthy"),  # the test loss decides
        (run([0.9, 0.01, 0.0], [0.9, 0.01, 0.012]), "slightly worse"),
        (run([0.9, 0.5, np.nan], [0.9, 0.6, np.nan]), "diverged"),
        (run([0.9, 0.5, 1.0], [0.9, 0.6, 1.0]), "diverged"),  # all that was learned is lost
        (run([1.1, 4.0, 9.0], [1.1, 4.0, 9.0]), "diverged"),
        (run([1.0, 0.99, 0.99], [1.0, 1.0, 1.0]), "never learned"),
        (run([9.0, 4.0, 2.5], [9.0, 4.0, 2.5]), "unclear"),  # from a bad start, on its way down
        (run([0.9, 0.5, 0.1], [1.1, 1.0, 1.0]), "unclear"),  # learned by heart, and dev is no worse for it
        (run([0.9, 0.5, 0.1], [1.1, 1.5, 3.0]), "overtrained"),
    ],
)  # fmt: skip
def test_a_run_has_the_fate_that_its_losses_show(curves: Floats, fate: str) -> None:
    assert truths.fate(curves, CHANCE) == fate


@pytest.mark.parametrize(
    ("words", "truth", "is_right"),
    [
        (set(), {"fine"}, True),
        ({"overtrained"}, {"fine"}, False),
        ({"overtrained", "diverged"}, {"diverged"}, True),
        (set(), {"overtrained"}, False),
        ({"refused"}, {"overtrained"}, False),
        ({"refused"}, {"fine"}, False),
        ({"refused"}, {"fine", "refused"}, True),
        (set(), {"refused"}, False),
    ],
)
def test_an_answer_is_right_where_it_says_what_is_true(words: set[str], truth: set[str], is_right: bool) -> None:
    assert Answer(frozenset(words)).is_right(frozenset(truth)) is is_right


def test_a_verdict_of_ours_is_read_from_json_and_a_reason_is_a_refusal() -> None:
    judged, refused = {"states": ["high_bias", "unstable"], "curve": "unstable"}, {"why_not": "it has one epoch"}

    assert tools.our_states(judged) == ["high_bias", "unstable", "unstable"]
    assert tools.our_states([judged, refused]) == ["high_bias", "unstable", "unstable"]
    assert tools.our_states(refused) is None

"""Which classes the errors are in and which examples are the worst, whatever form predictions and targets have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bvtrack.diagnosis.worst_examples import class_errors, examples_found
from bvtrack.measures.collector import OutcomeCollector
from bvtrack.measures.outcomes import Seen

N, CLASSES = 60, 4
RNG = np.random.default_rng(0)
TRUE = RNG.integers(0, CLASSES, N)
SCORES = RNG.normal(size=(N, CLASSES)).astype("float32") + 2 * np.eye(CLASSES, dtype="float32")[TRUE]
PROBABILITIES = np.exp(SCORES) / np.exp(SCORES).sum(axis=1, keepdims=True)
WRONG = SCORES.argmax(axis=1) != TRUE
WORDS = np.array(["cat", "dog", "owl", "emu"])


def seen(predictions: Any, targets: Any, batch: int = 7) -> Seen:
    collector = OutcomeCollector()
    for start in range(0, len(targets), batch):
        collector.add(predictions[start : start + batch], targets[start : start + batch])
    return collector.seen()


def found(predictions: Any, targets: Any, **options: Any) -> dict[str, Any]:
    content = examples_found(seen(predictions, targets), is_in_order=True, **options)
    assert content is not None
    return content


@pytest.mark.parametrize(
    ("predictions", "targets"),
    [
        (SCORES, TRUE),
        (PROBABILITIES, TRUE),
        (PROBABILITIES, TRUE[:, None]),
        (SCORES.astype("float16"), TRUE.astype("float32")),
        (PROBABILITIES, np.eye(CLASSES)[TRUE]),
        (SCORES, np.eye(CLASSES, dtype=bool)[TRUE]),
        (SCORES.argmax(axis=1), TRUE),
        (WORDS[SCORES.argmax(axis=1)], WORDS[TRUE]),
        (WORDS.astype(object)[SCORES.argmax(axis=1)], WORDS.astype(object)[TRUE]),
    ],
)
def test_classes_are_told_by_their_errors_in_every_form(predictions: Any, targets: Any) -> None:
    content = found(predictions, targets)

    told = class_errors(content)
    expected = sorted((int(WRONG[class_ == TRUE].sum()) for class_ in range(CLASSES)), reverse=True)
    assert content["kind"] == "classes"
    assert content["wrong"] == WRONG.sum()
    assert [one.wrong for one in told] == [n for n in expected if n]
    assert all(WRONG[one["index"]] for one in content["worst"])
    assert sum(one["n"] for one in content["pairs"]) <= WRONG.sum()


def test_the_worst_examples_are_those_whose_true_class_was_least_probable() -> None:
    worst = found(PROBABILITIES, TRUE)["worst"]

    of_true = PROBABILITIES[np.arange(N), TRUE]
    expected = sorted(np.flatnonzero(WRONG), key=lambda place: of_true[place])[:10]
    assert [one["index"] for one in worst] == expected
    assert worst[0]["probability"] == pytest.approx(of_true[expected[0]], abs=1e-5)


@pytest.mark.parametrize("scale", ["probability", "logit"])
@pytest.mark.parametrize("targets", [TRUE > 1, (TRUE > 1).astype("float32"), (TRUE > 1).astype(int)[:, None]])
def test_one_score_of_two_classes_is_read_by_its_scale(scale: str, targets: Any) -> None:
    logits = RNG.normal(size=N)
    predictions = logits if scale == "logit" else 1 / (1 + np.exp(-logits))

    content = found(predictions, targets)

    assert content["kind"] == "classes"
    assert content["wrong"] == ((logits > 0) != (TRUE > 1)).sum()


def test_the_worst_of_two_classes_is_the_surest_that_is_wrong() -> None:
    content = found(np.array([0.9, 0.2, 0.6, 0.01]), np.array([0, 1, 0, 1]))

    assert [(one["index"], one["probability"]) for one in content["worst"]] == [(3, 0.01), (0, 0.1), (1, 0.2), (2, 0.4)]


def test_several_labels_an_example_are_told_label_by_label() -> None:
    targets = (RNG.random((N, 3)) < 0.4).astype("float32")
    predictions = RNG.random((N, 3))

    content = found(predictions, targets, errors=None)

    is_other = (predictions > 0.5) != targets
    assert content["kind"] == "labels"
    assert [one.wrong for one in class_errors(content)] == sorted(is_other.sum(axis=0), reverse=True)


@pytest.mark.parametrize("shape", [(N,), (N, 1), (N, 3), (N, 2, 4)])
def test_of_quantities_the_largest_errors_are_told(shape: tuple[int, ...]) -> None:
    targets, predictions = RNG.normal(size=shape), RNG.normal(size=shape)

    content = found(predictions, targets)

    off = np.abs(targets - predictions).reshape(N, -1).mean(axis=1)
    assert content["kind"] == "quantities"
    assert [one["index"] for one in content["worst"]] == np.argsort(-off)[:10].tolist()
    assert "classes" not in content


def test_what_is_wrong_is_what_the_users_error_says() -> None:
    second = np.argsort(-SCORES, axis=1)[:, :2]
    is_out_of_two = ~(second == TRUE[:, None]).any(axis=1)

    content = found(SCORES, TRUE, errors=is_out_of_two)

    assert content["wrong"] == is_out_of_two.sum()


def test_examples_are_named_by_their_places_in_the_dataset_and_their_classes_by_name() -> None:
    outcomes = seen(SCORES, TRUE).outcomes
    content = examples_found(Seen(outcomes=outcomes, indices=range(100, 100 + N), is_by_index=True, names={0: "cat"}))

    assert content is not None
    assert all(one["index"] >= 100 for one in content["worst"])
    assert "cat" in {one["name"] for one in content["classes"]}


def test_without_a_known_order_no_example_is_named() -> None:
    content = examples_found(seen(SCORES, TRUE))

    assert content is not None
    assert "worst" not in content


@pytest.mark.parametrize(
    ("predictions", "targets"),
    [
        (RNG.normal(size=(N, 5, CLASSES)), RNG.integers(0, CLASSES, (N, 5))),
        (SCORES, TRUE - 1),
        (SCORES, TRUE + CLASSES),
        (SCORES, np.array([None] * N)),
        (np.full((N, CLASSES), np.nan), TRUE + 0.5),
    ],
)
def test_what_is_neither_costs_the_examples_alone(predictions: Any, targets: Any) -> None:
    assert examples_found(seen(predictions, targets)) is None


@given(st.integers(1, 13), st.integers(1, 13))
@settings(deadline=None, max_examples=30)
def test_batches_of_any_size_give_the_same(one: int, other: int) -> None:
    first, second = seen(PROBABILITIES, TRUE, one), seen(PROBABILITIES, TRUE, other)

    assert first.order == second.order
    assert examples_found(first, is_in_order=True) == examples_found(second, is_in_order=True)


@given(st.permutations(range(12)))
@settings(deadline=None, max_examples=50)
def test_another_order_of_the_targets_is_noticed(order: list[int]) -> None:
    targets = np.arange(12) % 3
    is_same = bool((targets[order] == targets).all())

    assert (seen(SCORES[:12], targets).order == seen(SCORES[:12], targets[order]).order) == is_same


def test_of_many_classes_those_with_most_errors_are_told() -> None:
    targets = np.arange(1000) % 100
    content = found(np.where(targets < 40, targets, -1), targets)

    assert content["n_classes"] == 100
    assert len(content["classes"]) == 20
    assert all(one.n == one.wrong == 10 for one in class_errors(content))

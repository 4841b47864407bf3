from __future__ import annotations

import numpy as np
import pytest

from bvtrack import compare_splits
from bvtrack.splits.comparing.histograms import MOST_CLASSES, Histogram

RNG = np.random.default_rng(0)
N = {"train": 6000, "dev": 3000}


def shown(train: object, dev: object) -> dict[str, Histogram]:
    return {one.what: one for one in compare_splits(train=train, dev=dev).histograms}


def drawn(by: float, n: int) -> np.ndarray:
    """A continuous, a skewed, and a yes-or-no column, of which the first and the last move."""
    return np.column_stack([RNG.normal(by, 1, n), RNG.lognormal(0, 1, n), RNG.random(n) < 0.3 + by / 3])


def test_shares_are_those_of_the_examples_between_the_edges() -> None:
    train, dev = drawn(0.0, N["train"]), drawn(0.5, N["dev"])
    found = shown(train, dev)["feature 0"]

    for name, values in (("train", train[:, 0]), ("dev", dev[:, 0])):
        counted, _ = np.histogram(np.clip(values, found.edges[0], found.edges[-1]), found.edges)
        assert found.shares[name] == pytest.approx(counted / len(values), abs=0.015)
        assert sum(found.shares[name]) == pytest.approx(1)


def test_a_column_that_does_not_differ_is_not_shown() -> None:
    assert "feature 1" not in shown(drawn(0.0, N["train"]), drawn(0.5, N["dev"]))


def test_few_values_are_classes() -> None:
    train, dev = drawn(0.0, N["train"]), drawn(0.5, N["dev"])
    found = shown(train, dev)["feature 2"]

    assert (found.classes, found.edges) == (["0", "1"], ())
    assert found.shares["dev"] == pytest.approx([1 - dev[:, 2].mean(), dev[:, 2].mean()])


def test_labels_are_shown_by_class_the_most_frequent_first() -> None:
    names = np.array([f"class {index}" for index in range(30)])
    split = {
        name: (RNG.normal(size=(n, 1)), RNG.choice(names, n, p=weights / weights.sum()))
        for (name, n), weights in zip(N.items(), (np.r_[30, np.ones(29)], np.r_[10, np.ones(29)]), strict=True)
    }
    found = shown(split["train"], split["dev"])["label"]

    assert len(found.classes) == MOST_CLASSES
    assert found.classes[0] == "class 0"
    assert found.shares["train"][0] == pytest.approx(np.mean(split["train"][1] == "class 0"))


def test_continuous_targets_are_shown_and_all_of_them_together_are_not() -> None:
    def targets(by: float, n: int) -> tuple[np.ndarray, np.ndarray]:
        return RNG.normal(size=(n, 1)), RNG.normal(by, 1, size=(n, 3))

    found = shown(targets(0.0, N["train"]), targets(0.3, N["dev"]))

    assert set(found) == {"label 0", "label 1", "label 2"}


def test_missing_values_count_as_a_class_of_their_own_among_names() -> None:
    def table(missing: float, n: int) -> dict[str, object]:
        kinds = [None if RNG.random() < missing else str(RNG.choice(["a", "b"])) for _ in range(n)]
        return {"kind": np.array(kinds, dtype=object), "x": RNG.normal(size=n)}

    found = shown(table(0.0, N["train"]), table(0.3, N["dev"]))["kind"]

    assert "missing" in found.classes
    assert found.shares["train"][found.classes.index("missing")] == 0


def test_values_between_two_classes_are_a_class_of_their_own() -> None:
    train, dev = RNG.choice([0.0, 1.0], (N["train"], 1)), RNG.choice([0.0, 0.5], (N["dev"], 1))
    found = shown(train, dev)["feature 0"]

    assert found.classes == ["0", "0 to 1", "1"]
    assert found.shares["dev"] == pytest.approx([(dev == 0).mean(), (dev == 0.5).mean(), 0])


def test_classes_have_as_many_digits_as_tell_them_apart() -> None:
    train = RNG.choice([1_000_001.0, 1_000_002.0], (N["train"], 1), p=[0.3, 0.7])
    dev = RNG.choice([1_000_001.0, 1_000_002.0], (N["dev"], 1))

    assert shown(train, dev)["feature 0"].classes == ["1000001", "1000002"]


def test_numbers_that_are_missing_are_counted_beside_the_shares() -> None:
    train, dev = RNG.normal(size=(N["train"], 1)), RNG.normal(size=(N["dev"], 1))
    dev[:900] = np.nan
    found = shown(train, dev)["feature 0"]

    assert found.missing == {"train": 0.0, "dev": pytest.approx(0.3)}

"""What a training says of its split, from the examples that were read of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch.utils.data import DataLoader, Dataset, TensorDataset

from bvtrack.adapters import SplitSample, SplitSource
from bvtrack.cli import main
from bvtrack.splits.check import SplitCheck, check_samples, digest_of, findings_in
from bvtrack.splits.comparing import leakage
from bvtrack.splits.finding import Finding


def features(n: int, seed: int, moved: float = 0.0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(moved, 1.0, (n, 3))


def checked(**sets: Any) -> SplitCheck:
    return check_samples((name, SplitSample.of(data)) for name, data in sets.items())


def test_counts_alone_are_checked_against_the_guidelines() -> None:
    check = checked(train=6000, dev=2000, test=2000)

    assert (check.tag, check.shift, check.problem) == ("ok", None, None)


def test_read_examples_are_compared() -> None:
    check = checked(train=features(6000, 0), dev=features(2000, 1, moved=0.3), test=features(2000, 2, moved=0.3))

    assert check.shift is not None
    assert check.shift.tag == "shifted"
    assert {finding.code for finding in check.findings} == {"dev_differs_from_train", "test_differs_from_train"}


def test_copies_across_sets_are_found_within_a_training() -> None:
    train = features(6000, 0)
    dev = np.concatenate([features(1980, 1), train[:20]])
    check = checked(train=train, dev=dev, test=features(2000, 2))

    assert check.shift is not None
    assert check.shift.tag == "no_shift_found+leak"
    assert [(finding.code, finding.level) for finding in check.findings] == [("dev_repeats_train", "error")]


def test_a_test_set_that_is_the_dev_set_in_another_order_is_no_test_set() -> None:
    dev = features(2000, 1)
    check = checked(train=features(6000, 0), dev=dev, test=dev[::-1])

    assert check.tag == "test_used_to_choose+test_repeats_dev"


def test_sets_of_other_columns_are_not_compared_and_it_is_said_why() -> None:
    check = checked(train=features(600, 0), dev=features(200, 1)[:, :2], test=features(200, 2))

    assert check.shift is None
    assert check.problem is not None
    assert set(check.profiles) == {"train", "dev", "test"}


def test_what_cannot_be_read_leaves_the_sizes_checked() -> None:
    check = checked(train=(features(600, 0), np.zeros(5)), dev=features(200, 1), test=features(200, 2))

    assert (check.tag, check.shift) == ("ok", None)
    assert check.problem is not None
    assert "one target an example" in check.problem


def test_without_dev_nothing_is_checked() -> None:
    check = checked(train=features(600, 0))

    assert (check.sizes, check.tag, check.findings) == (None, "ok", ())


def test_the_gravest_findings_come_first_and_are_read_back_so_from_the_artifact() -> None:
    train = features(6000, 0)
    dev = np.concatenate([features(480, 1), train[:20]])
    check = checked(train=train, dev=dev, test=features(300, 2, moved=1.0))

    levels = [finding.level for finding in check.findings]

    assert levels == sorted(levels, key=["error", "warning", "note"].index)
    assert set(levels) == {"error", "warning", "note"}
    assert findings_in(json.loads(json.dumps(check.as_json()))) == check.findings


def test_a_check_in_the_list_is_all_that_a_new_one_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_as_large(pair: leakage.Pair) -> Iterator[leakage.Leak]:
        if pair.one.n == pair.other.n:
            code = f"{pair.later}_as_large_as_{pair.earlier}"
            yield leakage.Leak(Finding(code, "error", f"{pair.later} has {pair.other.n} examples, too"))

    monkeypatch.setattr(leakage, "PAIR_CHECKS", (*leakage.PAIR_CHECKS, is_as_large))
    sets = {"train": features(500, 0), "dev": features(500, 1)}
    for name, rows in sets.items():
        np.save(tmp_path / f"{name}.npy", rows)
    finding = Finding("dev_as_large_as_train", "error", "dev has 500 examples, too")

    check = checked(**sets)
    printed = CliRunner().invoke(main, ["split", str(tmp_path / "train.npy"), str(tmp_path / "dev.npy"), "--strict"])

    assert check.findings[0] == findings_in(check.as_json())[0] == finding
    assert (printed.exit_code, "Dev has 500 examples, too" in printed.stdout) == (1, True)


def test_a_digest_is_of_the_examples_whatever_their_order() -> None:
    rows = features(100, 0)
    digests = {
        digest_of(sample, sample.profile("dev", None)) for sample in (SplitSample.of(rows), SplitSample.of(rows[::-1].copy()))
    }

    assert len(digests) == 1
    assert digests != {digest_of(SplitSample(100), None)}


class Named(Dataset[dict[str, Any]]):
    """Examples as mappings of an image, a number and a label."""

    def __len__(self) -> int:
        return 50

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"image": torch.full((3, 8, 8), float(index)), "age": float(index), "label": index % 2}


def test_a_loader_of_mappings_is_read() -> None:
    sample = SplitSource.of(DataLoader(Named(), 8)).sample()
    profile = sample.profile("train", None)

    assert sample.n_read == 50
    assert profile is not None
    assert profile.class_counts == {"0": 25, "1": 25}
    assert {part.kind for part in profile.layout.parts} == {"image", "number"}


def test_a_loader_gives_the_same_digest_as_its_arrays() -> None:
    rows, labels = features(80, 0), np.arange(80) % 3
    sample = SplitSource.of(DataLoader(TensorDataset(torch.tensor(rows), torch.tensor(labels)), 16, shuffle=True)).sample()
    plain = SplitSample.of((rows, labels))

    assert digest_of(sample, sample.profile("dev", None)) == digest_of(plain, plain.profile("dev", None))


@pytest.mark.parametrize("batches", [[], [object()], [(torch.zeros(3), torch.zeros(2))]])
def test_batches_that_cannot_be_read_are_refused_in_a_sentence(batches: list[Any]) -> None:
    with pytest.raises(ValueError, match=r"expected|must have"):
        SplitSample.of_batches(10, batches)


def in_batches(values: np.ndarray[Any, Any]) -> list[Any]:
    return [(part, part[:, 0]) for part in np.split(values.reshape(-1, 1), 30)]


ORDERED = np.sort(features(200, 0).reshape(-1))


@pytest.mark.parametrize(
    "as_kind", [np.asarray, lambda x: np.char.mod("at %06.2f", x + 5), lambda x: (x * 1e6).astype("M8[s]")]
)
def test_of_drawn_batches_that_are_unlike_one_example_each_counts(as_kind: Any) -> None:
    ordered = as_kind(ORDERED)
    shuffled = np.random.default_rng(0).permutation(ordered)

    assert SplitSample.of_drawn_batches(6000, in_batches(ordered)).n_read == 30
    assert SplitSample.of_drawn_batches(6000, in_batches(shuffled)).n_read == 600


def test_batches_that_are_all_there_is_are_kept_whole_whatever_their_order() -> None:
    assert SplitSample.of_drawn_batches(600, in_batches(ORDERED)).n_read == 600


@pytest.mark.parametrize("values", [np.zeros(600), np.repeat(np.arange(30.0), 20)])
def test_batches_of_equal_examples_are_alike_only_if_all_are_equal(values: np.ndarray[Any, Any]) -> None:
    n_read = SplitSample.of_drawn_batches(6000, in_batches(values)).n_read

    assert n_read == (600 if values.max() == 0 else 30)

"""Copies where the sets were read in part, as under heavy load: how many there are, and how grave that is, go by the whole."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bvtrack.adapters import SplitSample
from bvtrack.splits.check import check_samples
from bvtrack.splits.comparing.leakage import FEW, Copies
from bvtrack.splits.finding import Finding

N_TRAIN, N_DEV = 4000, 1000


def sets(copied: int, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
    rng = np.random.default_rng(seed)
    train, dev = rng.normal(size=(N_TRAIN, 3)), rng.normal(size=(N_DEV, 3))
    dev[:copied] = train[:copied]
    return train, dev


def found(train: NDArray[Any], dev: NDArray[Any], n_train: int, n_dev: int, seed: int) -> Finding | None:
    rng = np.random.default_rng(seed)
    parts = {"train": rng.permutation(train)[:n_train], "dev": rng.permutation(dev)[:n_dev]}
    check = check_samples((name, SplitSample(n, parts[name])) for name, n in (("train", len(train)), ("dev", len(dev))))
    return next((finding for finding in check.findings if finding.code == "dev_repeats_train"), None)


@settings(max_examples=60, deadline=None)
@given(st.integers(400, N_TRAIN), st.integers(300, N_DEV), st.integers(300, N_DEV), st.integers(0, 99))
def test_many_copies_are_an_error_however_much_was_read(n_train: int, n_dev: int, copied: int, seed: int) -> None:
    finding = found(*sets(copied, seed), n_train, n_dev, seed)

    assert finding is not None
    assert finding.level == "error"
    n = int(finding.message.split(" of ")[0].replace(",", ""))
    assert abs(n - copied) <= 6 * np.sqrt(copied * N_TRAIN / n_train * N_DEV / n_dev)  # six standard errors
    assert f"of {N_DEV:,} dev examples" in finding.message


@pytest.mark.parametrize("n_train", [20, 40, 400, N_TRAIN])
@pytest.mark.parametrize("copied", [1, 3])
def test_few_copies_are_hardly_ever_an_error_however_little_was_read(n_train: int, copied: int) -> None:
    train, dev = sets(copied, 0)
    findings = [found(train, dev, n_train, N_DEV, seed) for seed in range(60)]

    assert sum(finding is not None and finding.level == "error" for finding in findings) <= 3


def test_a_few_rows_of_a_train_set_that_dev_repeats_are_enough() -> None:
    rng = np.random.default_rng(0)
    train = rng.normal(size=(800, 3))
    findings = [found(train, train[:200], 8, 200, seed) for seed in range(60)]
    seen = [finding for finding in findings if finding is not None]

    assert len(seen) > 45  # eight rows of 800 hold one of 200 in nine cases of ten
    assert all(finding.level == "error" for finding in seen)
    assert not any("too few to move an error" in finding.message for finding in seen)


def test_what_was_read_and_what_it_leaves_open_are_said() -> None:
    train, dev = sets(500, 0)
    finding = found(train, dev, 40, N_DEV, 1)

    assert finding is not None
    assert re.search(r"were found in what was read, 1,000 of 1,000 dev and 40 of 4,000 train examples", finding.message)
    low, high = (float(share) for share in re.findall(r"share: ([\d.]+) % to ([\d.]+) %", finding.message)[0])
    assert low < 50 < high


def test_few_of_what_was_read_may_be_many_of_all() -> None:
    rng = np.random.default_rng(0)
    train, dev = rng.normal(size=(1000, 3)), rng.normal(size=(1000, 3))
    dev[:40] = train[:40]
    parts = {"train": train, "dev": dev[[0, *range(500, 515)]]}
    check = check_samples((name, SplitSample(1000, part)) for name, part in parts.items())
    (finding,) = (finding for finding in check.findings if finding.code == "dev_repeats_train")

    assert finding.level == "warning"
    assert "would show if more was read" in finding.message
    assert "too few to move" not in finding.message


@given(st.integers(1, 500), st.integers(500, 10_000), st.integers(1, 10_000), st.integers(1, 10), st.integers(1, 100))
def test_an_estimate_lies_in_its_interval_and_grows_with_what_was_not_read(
    n: int, n_later: int, n_earlier: int, later: int, earlier: int
) -> None:
    copies = Copies(n, n_later, n_earlier, 0.0, sizes=(n_later * later, n_earlier * earlier))
    whole = Copies(n, n_later, n_earlier, 0.0, sizes=(n_later, n_earlier))
    low, high = copies.interval

    assert low <= copies.likely_share <= high
    assert copies.n_likely >= whole.n_likely == n
    assert copies.n_likely <= n_later * later
    assert copies.are_many or not whole.are_many
    assert not copies.are_many or copies.likely_share >= FEW

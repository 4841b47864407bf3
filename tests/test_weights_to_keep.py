"""Which epochs are within noise of the best, in truth and in words, and how that survives a resume and the journal."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written_journals import all_records

from bvtrack import Tracker
from bvtrack.adapters.paired_epochs import MOST_BYTES, MOST_EPOCHS, PairedEpochs
from bvtrack.diagnosis.kept_weights import Weights, epochs_in_words
from bvtrack.error_rates.intervals import Rate
from bvtrack.error_rates.within_noise import Difference, paired_difference, unpaired_difference, within_noise
from bvtrack.journal.records import as_record
from bvtrack.shipping.run_state import Ledger


def alike(n_epochs: int, n: int, error: float, rng: Any) -> list[Any]:
    """Which examples are wrong in epochs that are equally good in truth: some examples are harder than others in all."""
    hardness = rng.beta(0.3 * error, 0.3 * (1 - error), size=n)
    return [rng.random(n) < hardness for _ in range(n_epochs)]


@pytest.mark.parametrize("n_epochs", [2, 5, 20])
@pytest.mark.parametrize("is_rate", [True, False])
def test_an_epoch_as_good_in_truth_is_within_noise_in_95_of_100_trainings(n_epochs: int, is_rate: bool) -> None:
    rng, n_within, n_others = np.random.default_rng(0), 0, 0
    for _ in range(400):
        wrong = alike(n_epochs, 400, 0.15, rng)
        epochs = wrong if is_rate else [errors + rng.exponential(size=400) for errors in wrong]
        best = min(range(n_epochs), key=lambda epoch: epochs[epoch].mean())
        others = {epoch: paired_difference(epochs[epoch], epochs[best]) for epoch in range(n_epochs) if epoch != best}
        n_within += len(within_noise(others))
        n_others += len(others)

    assert 0.92 <= n_within / n_others <= 0.985


def test_an_epoch_that_only_pairs_tell_from_the_best_is_none_by_intervals_alone() -> None:
    best = np.arange(1000) < 100
    later = np.arange(1000) < 115  # the same examples, and 15 more

    pairs = {1: paired_difference(later, best)}
    alone = unpaired_difference(Rate(0.115, 1000), Rate(0.1, 1000))

    assert within_noise(pairs) == []
    assert alone is not None
    assert within_noise({1: alone}) == [1]


@given(st.lists(st.lists(st.booleans(), min_size=20, max_size=20), min_size=1, max_size=30), st.integers(0, 29))
@settings(deadline=None, max_examples=100)
def test_a_resumed_training_knows_the_epochs_before_as_if_it_had_gone_on(epochs: list[list[bool]], at: int) -> None:
    whole, first, second = PairedEpochs(), PairedEpochs(), PairedEpochs()
    errors = [np.array(one) for one in epochs]
    for number, one in enumerate(errors[: at + 1]):
        for paired in (whole, first):
            paired.add(number, float(one.mean()), one, "same order")
    second.recall(json.loads(json.dumps(first.state())))
    for number, one in enumerate(errors[at + 1 :], at + 1):
        for paired in (whole, second):
            paired.add(number, float(one.mean()), one, "same order")

    assert second.best == whole.best
    assert dict(second.compared()).items() <= dict(whole.compared()).items()
    if whole.best is not None and whole.best <= at:
        assert second.compared() == whole.compared()


@given(st.integers(1, 60), st.sampled_from([bool, float]))
@settings(deadline=None, max_examples=20)
def test_any_two_epochs_are_compared_as_their_arrays_would_be(n: int, kind: type) -> None:
    rng = np.random.default_rng(n)
    errors = [(rng.random(n) < 0.4).astype(bool) if kind is bool else rng.exponential(size=n).astype("f4") for _ in range(4)]
    paired = PairedEpochs()
    for epoch, one in enumerate(errors):
        paired.add(epoch, float(one.mean()), one, "order")

    best = paired.best
    assert best is not None
    for epoch, difference in paired.compared().items():
        expected = paired_difference(errors[epoch], errors[best])
        assert difference.value == pytest.approx(expected.value, abs=1e-6)
        assert difference.deviation == pytest.approx(expected.deviation, abs=1e-6)


def test_examples_in_another_order_are_not_compared() -> None:
    paired = PairedEpochs()
    for epoch in range(4):
        paired.add(epoch, 0.5, np.array([True, False]), f"order of epoch {epoch}")

    assert not paired.compared()
    assert not paired.is_in_order


def test_examples_of_a_long_training_take_bounded_memory_and_the_best_epoch_stays() -> None:
    paired, errors = PairedEpochs(), np.zeros(60_000, "float32")
    for epoch in range(200):
        paired.add(epoch, 0.5 if epoch == 3 else 0.6 + epoch / 1000, errors + epoch, "order")

    kept = paired._epochs
    assert sum(one.values.nbytes for one in kept.values()) <= MOST_BYTES
    assert paired.best == 3
    assert len(kept) <= MOST_EPOCHS


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (Weights(7, 7, 7, left_with=7, within_noise=(5,)), ""),
        (Weights(7, 7, 12), ""),
        (Weights(7, 7, 12, left_with=12), "The model in memory has the weights of epoch 12; the verdict is of epoch 7."),
        (Weights(7, 7, 12, is_left_with_none=True), "the weights of none of the measured epochs; the verdict is of epoch 7"),
        (Weights(7, 7, 12, left_with=12, checkpoints={7: "/a/e7.ckpt"}), "the verdict is of epoch 7, kept in …/e7.ckpt."),
        (Weights(7, 7, 12, checkpoints={7: "/a/e7.ckpt"}), "Epoch 7 is kept in …/e7.ckpt."),
        (Weights(7, 7, 12, (8,), checkpoints={8: "s3://b/e8.ckpt"}), "e8.ckpt holds epoch 8, within noise of it"),
        (Weights(7, 7, 12, (8,), has_checkpoints=True), "No checkpoint holds epoch 7, the best, or one within noise of it."),
        (Weights(7, 12, 12, left_with=12, checkpoints={7: "e7"}), "The best, epoch 7, is kept in e7."),
    ],
)
def test_a_sentence_says_what_there_is_to_do_and_no_more(weights: Weights, said: str) -> None:
    assert (said in weights.in_words()) if said else weights.in_words() == ""
    assert Weights.from_json(json.loads(json.dumps(weights.as_json()))) == weights


@pytest.mark.parametrize(
    ("epochs", "words"),
    [
        ([3], "epoch 3"),
        ([3, 4], "epochs 3 and 4"),
        ([1, 5, 6, 7], "epochs 1 and 5 to 7"),
        ([*range(0, 30, 2)], "15 epochs from"),
    ],
)
def test_epochs_are_listed_as_people_do(epochs: list[int], words: str) -> None:
    assert epochs_in_words(epochs).startswith(words)


def test_what_a_tracker_tells_of_weights_is_in_its_diagnosis_and_its_note(journals: Path) -> None:
    with Tracker(tracking_uri="sqlite:///mlflow.db", journal_dir=journals) as tracker:
        for epoch, dev in enumerate([0.3, 0.1, 0.104, 0.3]):
            tracker.log_epoch(epoch, train_error=0.05, dev_error=dev, n_dev=1000)
        tracker.log_weights(
            best=1,
            differences={0: Difference(0.2, 0.01), 2: Difference(0.004, 0.003), 3: Difference(0.2, 0.01)},
            checkpoints={2: "kept/epoch=2.ckpt"},
            has_checkpoints=True,
            left_with=3,
        )

    weights = tracker.weights
    assert weights is not None
    assert (weights.best_epoch, weights.within_noise, weights.compared) == (1, (2,), "paired")
    (journal,) = [path for path in journals.iterdir() if path.is_dir()]
    (header, *records) = all_records(journal)
    ledger = Ledger(header["options"])
    for record in records:
        ledger.take(record)
    bundle = ledger.bundle([])
    assert bundle.files["bvtrack/diagnosis.json"]["weights"] == json.loads(json.dumps(weights.as_json()))
    assert "epoch 3; the verdict is of epoch 1" in (bundle.note or "")


def test_weights_that_have_diverged_are_not_among_those_to_keep(journals: Path, said: list[str]) -> None:
    always, later = Tracker(), Tracker()
    for epoch in range(4):
        always.log_epoch(epoch, train_error=math.nan, dev_error=0.8, n_dev=200)
        later.log_epoch(epoch, train_error=0.1 if epoch < 2 else math.nan, dev_error=0.8, n_dev=200)

    assert always.weights is None
    assert later.weights is not None
    assert (later.weights.best_epoch, later.weights.within_noise) == (0, (1,))
    assert all("got nan: the run is tagged as diverged" in one for one in said)
    said.clear()


@pytest.mark.parametrize("compared", [[[1, 2]], [["a", 0.1, 0.1]], 3, [[1, None, 0.1]]])
def test_a_record_of_weights_that_is_none_is_refused(compared: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        as_record({"kind": "weights", "timestamp": 1, "best": 1, "compared": compared})

"""The trainings that the advice is judged by: what is held out, and that stacked repeats do not touch each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from base_kinds import BASES, kinds_for
from interventions import INTERVENTIONS, steps_for
from real_data import HELD_OUT, MORE, SOURCES, split
from training import train

WINE = SOURCES["wine"]
DIGITS = SOURCES["digits"]


def test_every_third_dataset_by_sort_and_name_is_held_out() -> None:
    origins = sorted({(source.sort, source.origin) for source in SOURCES.values()})

    assert {name for _, name in origins[1::3]} == HELD_OUT


def test_four_times_the_data_hold_the_data() -> None:
    examples = split(WINE, repeat=0)

    base = BASES["good"](WINE)
    more = INTERVENTIONS["more_data_epochs"](base, WINE)

    assert more.n_train == MORE * base.n_train == len(examples.pool[1])
    assert more.epochs == base.epochs


def test_only_training_and_dev_labels_are_noisy() -> None:
    clean, noisy = split(DIGITS, repeat=0), split(DIGITS, repeat=0, label_noise=0.15)

    assert np.mean(clean.pool[1] != noisy.pool[1]) == pytest.approx(0.15, abs=0.04)
    assert np.mean(clean.dev[1] != noisy.dev[1]) == pytest.approx(0.15, abs=0.06)
    assert np.array_equal(clean.test[1], noisy.test[1])


@pytest.mark.parametrize("kind", ["good", "cnn", "augmented"])
def test_no_run_of_a_stack_sees_another(kind: str) -> None:
    config = replace(BASES[kind](DIGITS), epochs=2)
    runs = [split(DIGITS, repeat) for repeat in range(3)]
    other = replace(runs[2], pool=(-runs[2].pool[0], runs[2].pool[1]))

    before, _ = train(config, runs, DIGITS, seed=0, by_epoch=("test",))
    after, _ = train(config, [*runs[:2], other], DIGITS, seed=0, by_epoch=("test",))

    assert after[:2] == before[:2]
    assert after[2] != before[2]


@pytest.mark.parametrize("kind", ["wide", "cnn"])
def test_the_first_best_epoch_is_kept_beside_the_last(kind: str) -> None:
    config = replace(BASES[kind](DIGITS), epochs=20, learning_rate=0.01)
    runs = [split(DIGITS, repeat) for repeat in range(4)]

    outcomes, _ = train(config, runs, DIGITS, seed=0, by_epoch=("train", "dev", "test"))

    assert any(of.best_epoch < config.epochs for of in outcomes)
    for of in outcomes:
        assert of.best_epoch - 1 == int(np.argmin(of.curves["dev"]))
        for name in ("train", "dev", "test"):
            assert of.best[name] == of.curves[name][of.best_epoch - 1]
            assert of.last[name] == of.curves[name][-1]


def test_longer_training_begins_as_the_base_does() -> None:
    runs = [split(WINE, repeat) for repeat in range(2)]
    base = replace(BASES["good"](WINE), epochs=3)

    short, _ = train(base, runs, WINE, seed=0, by_epoch=("train", "test"))
    longer, _ = train(INTERVENTIONS["train_longer"](base, WINE), runs, WINE, seed=0, by_epoch=())

    assert [of.curves["dev"][:3] for of in longer] == [of.curves["dev"] for of in short]


def test_every_step_from_every_kind_changes_something() -> None:
    for source in SOURCES.values():
        for kind in kinds_for(source):
            base = BASES[kind](source)
            assert all(INTERVENTIONS[step](base, source) != base for step in steps_for(base, source))

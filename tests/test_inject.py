"""What `make inject` finds: a callback that meddles fails tests of others, and one that does not fails none."""

from __future__ import annotations

import pickle
import shutil
import subprocess
from pathlib import Path

import pytest
from inject.__main__ import NO_SOURCES, compared, main
from inject.callbacks import no_op
from inject.comparison import compare
from inject.outcomes import Outcome
from inject.suites import Suite

from bvtrack_keras import BiasVarianceCallback as KerasCallback
from bvtrack_lightning import BiasVarianceCallback as LightningCallback

CHECKOUT = Path(__file__).parents[1]
TOY = """
import os
import pytest
from inject.callbacks import chosen

class Callback:
    def on_end(self, results): ...

class Tracking(Callback):
    def on_end(self, results):
        results.append("tracked")

@pytest.fixture
def trained():
    results = ["trained"]
    chosen(Tracking)().on_end(results)
    return results

def quiet(kind):
    return type("Quiet", (kind,), {"on_end": lambda self, results: None})

def deadly(kind):
    return type("Deadly", (kind,), {"on_end": lambda self, results: os._exit(3)})
"""
TOY_TESTS = """
def test_that_a_training_trains(trained):
    assert trained[0] == "trained"

def test_that_nothing_else_was_done(trained):
    assert trained == ["trained"]

def test_of_no_training():
    pass

def test_that_fails_anyway():
    raise ValueError
"""
LIGHTNING = """
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.demos.boring_classes import BoringModel

class Meddling(Callback):
    def on_train_epoch_end(self, trainer, module):
        self.log("mine", 1.0)

def test_training():
    trainer = Trainer(max_epochs=1, limit_train_batches=1, limit_val_batches=1, logger=False, enable_checkpointing=False)
    trainer.fit(BoringModel())
    assert "mine" not in trainer.callback_metrics
"""
KERAS = """
import keras
import numpy as np

class Meddling(keras.callbacks.Callback):
    def __init__(self, *, train_data, dev_data, validation_split):
        super().__init__()
        assert (len(train_data), len(dev_data), validation_split) == (3, 2, 0.0)

    def on_epoch_end(self, epoch, logs):
        logs["mine"] = 1.0

def test_fit():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((4, 2)), np.ones((4, 1))
    given = {"sample_weight": np.ones(4), "validation_data": (x, y), "callbacks": [keras.callbacks.Callback()]}
    history = model.fit(x, y, verbose=0, **given)
    assert list(history.history) == ["loss", "val_loss"]
"""


@pytest.fixture
def toy(tmp_path: Path) -> Suite:
    """A suite whose trainings take milliseconds."""
    (tmp_path / "toy.py").write_text(TOY)
    (tmp_path / "test_toy.py").write_text(TOY_TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return Suite("Toy", tmp_path, ["test_toy.py"], "toy", [tmp_path])


def test_a_test_that_a_meddling_callback_fails_is_found(toy: Suite) -> None:
    found = compared(toy, {})

    assert (found.n_run, found.n_passed) == (4, 3)
    assert list(found.broken) == ["test_toy.py::test_that_nothing_else_was_done"]


def test_a_listed_test_is_excused(toy: Suite) -> None:
    found = compared(toy, {"test_toy.py::test_that_nothing_else_was_done": "it counts what was done"})

    assert (found.broken, found.needless) == ({}, ())


def test_a_callback_that_does_not_meddle_fails_nothing(toy: Suite) -> None:
    assert compared(toy, {}, ours="toy:quiet").broken == {}


def test_the_tests_after_one_that_ends_the_process_are_run(toy: Suite) -> None:
    ends = toy.run("toy:deadly")

    assert [ends[f"test_toy.py::test_{name}"].state for name in ("that_a_training_trains", "of_no_training")] == [
        "failed",
        "passed",
    ]


@pytest.mark.parametrize(("plugin", "code"), [("into_lightning", LIGHTNING), ("into_keras", KERAS)])
def test_a_callback_is_put_into_each_training(plugin: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(code)
    (tmp_path / "meddling.py").write_text("def meddling(kind):\n    import test_own\n    return test_own.Meddling\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    ends = Suite("Own", tmp_path, ["test_own.py"], f"inject.{plugin}", [tmp_path]).run("meddling:meddling")

    assert [(outcome.state, "mine" in outcome.message) for outcome in ends.values()] == [("failed", True)]


@pytest.mark.parametrize("kind", [LightningCallback, KerasCallback])
def test_the_callback_that_does_nothing_has_the_hooks_of_ours(kind: type) -> None:
    quiet = no_op(kind)
    base = quiet.__bases__[0]

    assert "on_train_epoch_end" in vars(quiet) or "on_epoch_end" in vars(quiet)
    assert {name for name in vars(kind) if name[0] != "_" and hasattr(base, name)} == {
        name for name in vars(quiet) if name[0] != "_"
    }
    assert type(pickle.loads(pickle.dumps(quiet(train_data=None)))).__name__ == "NoOp"


def test_a_test_that_is_listed_but_passes_is_named() -> None:
    passed = {"a.py::test[1]": Outcome("passed"), "a.py::test[2]": Outcome("passed")}

    assert compare(passed, passed, {"a.py::test": "it counts", "b.py::test": "it is not run"}).needless == ("a.py::test",)


def test_a_test_that_is_skipped_or_lost_with_ours_is_broken() -> None:
    without = {name: Outcome("passed") for name in ("a.py::test", "b.py::test")}

    assert compare(without, {"a.py::test": Outcome("skipped")}, {}).broken == {
        "a.py::test": "skipped: ",
        "b.py::test": "was not run",
    }


def test_without_checkouts_it_says_so_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out == f"{NO_SOURCES}\n"


@pytest.mark.parametrize("option", ["--lightning", "--keras"])
def test_a_folder_without_tests_is_named_and_ends(option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([option, str(tmp_path)]) == 0
    assert str(tmp_path) in capsys.readouterr().out


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_hands_the_checkouts_on() -> None:
    command = ["make", "--dry-run", "inject", "LIGHTNING=a", "KERAS=b"]

    assert "-m inject --lightning a --keras b" in subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True).stdout

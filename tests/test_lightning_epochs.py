"""Each value is that of its own epoch, also where a module logs it after the callback's hook, or now and then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping, LearningRateFinder, ModelCheckpoint
from small_nets import Net, fit, points, runs, tracked

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning warns of workers, versions and its own future

Send = Callable[[], None]


@pytest.fixture(autouse=True)
def here(store: str, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)


class LogsAtTheEnd(Net):
    """Logs its accuracy in training in a hook that comes after those of callbacks."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: dict[int, float] = {}
        self.rights: list[torch.Tensor] = []

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        self.rights = [*(self.rights if batch_index else []), self.right(batch).detach()]
        return super().training_step(batch, batch_index)

    def on_train_epoch_end(self) -> None:
        accuracy = torch.cat(self.rights).mean()
        self.errors[self.current_epoch] = 1 - float(accuracy)
        self.log("train_acc", accuracy)


class LogsAnObject(LogsAtTheEnd):
    def on_train_epoch_end(self) -> None:
        self.log_dict({"train_acc": torch.cat(self.rights).mean()}, on_epoch=True)
        self.errors[self.current_epoch] = 1 - float(torch.cat(self.rights).mean())


class LogsEveryOther(LogsAtTheEnd):
    def on_train_epoch_end(self) -> None:
        if self.current_epoch % 2 == 0:
            super().on_train_epoch_end()


class LogsInItsSteps(LogsAtTheEnd):
    def on_train_epoch_end(self) -> None:
        self.errors[self.current_epoch] = 1 - float(torch.cat(self.rights).mean())

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        self.log("train_acc", self.right(batch).mean(), on_step=False, on_epoch=True)
        return super().training_step(batch, batch_index)


class SavesAtTheEnd(lightning.Callback):
    """Its hook comes before the module's."""

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        trainer.save_checkpoint("saved.ckpt")


class LooksForARate(LearningRateFinder):
    """Trains for a while on its own before the second epoch, as in Lightning's documentation."""

    def on_fit_start(self, *_: Any) -> None:
        pass

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        if trainer.current_epoch == 1:
            errors = dict(pl_module.errors)
            self.lr_find(trainer, pl_module)
            pl_module.errors = errors


@pytest.mark.parametrize("module", [LogsAtTheEnd, LogsAnObject, LogsEveryOther, LogsInItsSteps])
@pytest.mark.parametrize("others", [(), (ModelCheckpoint,), (SavesAtTheEnd,), (LooksForARate,)], ids=str)
def test_the_running_train_error_is_that_of_its_own_epoch(module: Any, others: Any, store: str, send: Send) -> None:
    net = module()
    fit(net, tracked(), *(other() for other in others), max_epochs=4, enable_checkpointing=ModelCheckpoint in others)
    send()

    assert dict(points(store, runs(store)[0], "train_error_running")) == pytest.approx(net.errors, abs=1e-6)


def test_a_running_error_stands_in_for_the_train_error_of_its_own_epoch_alone(store: str, send: Send) -> None:
    net = LogsEveryOther()
    fit(net, tracked(train_eval="running"), max_epochs=4)
    send()

    assert dict(points(store, runs(store)[0], "train_error")) == pytest.approx(net.errors, abs=1e-6)


class Diverges(Net):
    def on_train_epoch_end(self) -> None:
        self.log("train_loss", torch.tensor(float("nan") if self.current_epoch == 2 else 1.0))


@pytest.mark.parametrize("ends", ["in time", "by an exception"])
def test_a_divergence_that_the_module_logs_at_the_end_is_seen_in_that_epoch(
    ends: str, store: str, send: Send, said: list[str]
) -> None:
    class Ends(Diverges):
        def on_train_epoch_end(self) -> None:
            super().on_train_epoch_end()
            if self.current_epoch == 2 and ends != "in time":
                raise RuntimeError("the loss is no number")

    if ends == "in time":
        fit(Ends(), tracked())
    else:
        with pytest.raises(RuntimeError, match="no number"):
            fit(Ends(), tracked())
    send()
    said.clear()

    assert runs(store)[0].data.tags["bvtrack.diagnosis"] == "diverged"
    assert [step for step, _ in points(store, runs(store)[0], "dev_error")] == [0, 1, 2]


def test_an_epoch_whose_end_raises_has_its_point(store: str, send: Send) -> None:
    class Raises(LogsAtTheEnd):
        def on_train_epoch_end(self) -> None:
            super().on_train_epoch_end()
            if self.current_epoch == 1:
                raise RuntimeError("out of disk")

    net = Raises()
    with pytest.raises(RuntimeError, match="out of disk"):
        fit(net, tracked())
    send()
    (run,) = runs(store)

    assert dict(points(store, run, "train_error_running")) == pytest.approx(net.errors, abs=1e-6)
    assert run.data.tags["bvtrack.state"] == "failed"


@pytest.mark.parametrize("saves", [SavesAtTheEnd, lambda: ModelCheckpoint(".", filename="saved", enable_version_counter=False)])
def test_a_checkpoint_of_an_epochs_end_knows_that_epoch(
    saves: Any, store: str, send: Send, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fit(LogsAtTheEnd(), tracked(), saves(), enable_checkpointing=saves is not SavesAtTheEnd, max_epochs=2)
    state = torch.load("saved.ckpt", weights_only=False)["bvtrack"]

    assert [one["epoch"] for one in state["epochs"] if one["kind"] == "epoch"] == [0, 1]
    assert {*state["weights"].values()} == {0, 1}


def test_errors_are_exposed_at_their_own_epochs_end(store: str, send: Send) -> None:
    seen = {}

    class Looks(EarlyStopping):
        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            seen[trainer.current_epoch] = float(trainer.callback_metrics["bvtrack/variance"])
            super().on_train_epoch_end(trainer, pl_module)

    fit(LogsAtTheEnd(), tracked(expose=True), Looks("bvtrack/dev_error", patience=9))
    send()

    assert seen == pytest.approx(dict(points(store, runs(store)[0], "variance")), abs=1e-6)


class LogsTwoScores(Net):
    """Its steps log one score, and the end of its validation another, which is the better measure."""

    rights: list[torch.Tensor]

    def validation_step(self, batch: Any, batch_index: int) -> None:
        self.rights = [*(self.rights if batch_index else []), self.right(batch)]
        self.log("val_f1", self.right(batch).mean() / 2)

    def on_validation_epoch_end(self) -> None:
        self.log("val_acc", torch.cat(self.rights).mean())


class LogsMoreInEarnest(LogsTwoScores):
    """Its sanity check logs no more than a loss."""

    def validation_step(self, batch: Any, batch_index: int) -> None:
        super().validation_step(batch, batch_index)
        self.log("val_loss", super().training_step(batch, batch_index))

    def on_validation_epoch_end(self) -> None:
        if not self.trainer.sanity_checking:
            super().on_validation_epoch_end()


@pytest.mark.parametrize("measure", [None, "val_acc"])
@pytest.mark.parametrize(
    ("module", "n"), [(LogsTwoScores, 0), (LogsTwoScores, 2), (LogsMoreInEarnest, 2)], ids=["none", "sanity", "less"]
)
def test_the_first_epoch_has_all_errors_whatever_is_known_before(
    module: Any, n: int, measure: Any, store: str, send: Send, said: list[str]
) -> None:
    fit(module(), tracked(measure=measure, train_eval="full"), num_sanity_val_steps=n)
    send()
    said[:] = [message for message in said if "taking 1 - val_f1 instead" not in message]  # of the sanity check
    (run,) = runs(store)

    assert run.data.tags["bvtrack.measure"] == "1 - val_acc"
    assert [step for step, _ in points(store, run, "train_error")] == [0, 1, 2]
    assert [step for step, _ in points(store, run, "dev_error")] == [0, 1, 2]

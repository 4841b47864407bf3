"""Which weights a Lightning training leaves, and which of its checkpoints holds the epoch of the verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import pytest
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging, ModelCheckpoint, StochasticWeightAveraging
from small_nets import DEV, Net, fit, tracked
from torch.utils.data import DataLoader

from bvtrack.diagnosis.kept_weights import Weights
from bvtrack_lightning import BiasVarianceCallback

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning warns of workers, versions and its own future

N_EPOCHS = 5


@pytest.fixture(autouse=True)
def no_store(journals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")


def wrong(predictions: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return torch.ne(predictions.argmax(dim=1), targets)


class Weighing(lightning.Callback):
    """Notes the weights that each epoch's validation saw last."""

    def __init__(self) -> None:
        self.of_epoch: dict[int, list[torch.Tensor]] = {}

    def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        self.of_epoch[trainer.current_epoch] = [one.detach().clone() for one in pl_module.parameters()]


def weights_after(callback: BiasVarianceCallback) -> Weights:
    assert callback.tracker is not None
    assert callback.tracker.weights is not None
    return callback.tracker.weights


def is_like(state: Any, weights: list[torch.Tensor]) -> bool:
    saved = [state[name] for name, _ in Net().named_parameters()]
    return all(torch.equal(one, other) for one, other in zip(saved, weights, strict=True))


KEEPERS: dict[str, list[dict[str, Any]]] = {
    "default": [{}],
    "all, unmonitored, own name": [{"save_top_k": -1, "filename": "own-{epoch}"}],
    "all, no epoch in the name": [{"save_top_k": -1, "filename": "w", "monitor": "val_acc", "mode": "max"}],
    "best two of another metric": [{"save_top_k": 2, "monitor": "noise"}],
    "best by the dev error": [{"monitor": "val_acc", "mode": "max"}],
    "last alone": [{"save_top_k": 0, "save_last": True}],
    "best and last": [{"monitor": "val_acc", "mode": "max", "save_last": True}],
    "best and a link to the last": [{"monitor": "noise", "save_last": "link"}],
    "written over": [{"filename": "w", "enable_version_counter": False, "monitor": "noise", "save_last": True}],
    "every second epoch": [{"every_n_epochs": 2, "save_top_k": -1}],
    "in the middle of epochs": [{"every_n_train_steps": 4, "save_top_k": -1, "filename": "s{step}"}],
    "weights alone": [{"save_weights_only": True, "monitor": "noise", "save_last": True, "filename": "w{epoch}"}],
    "weights alone, written over": [
        {"save_weights_only": True, "monitor": "noise", "filename": "w", "enable_version_counter": False, "save_last": True}
    ],
    "two of them": [{"monitor": "noise", "save_last": True, "filename": "a"}, {"save_top_k": -1, "filename": "b{epoch}"}],
    "after validation": [{"save_on_train_epoch_end": False, "save_top_k": -1, "filename": "v{epoch}"}],
}


class NoisyNet(Net):
    """Logs a metric whose best epoch is another one."""

    def validation_step(self, batch: Any, batch_index: int) -> None:
        super().validation_step(batch, batch_index)
        self.log("noise", float((self.current_epoch * 2) % 5))


@pytest.mark.parametrize("name", KEEPERS)
def test_a_checkpoint_holds_the_weights_of_the_epoch_that_it_is_said_to(name: str) -> None:
    keepers = [ModelCheckpoint("kept", **options) for options in KEEPERS[name]]
    callback, weighing = tracked(error=wrong), Weighing()
    fit(NoisyNet(), callback, weighing, *keepers, enable_checkpointing=True, max_epochs=N_EPOCHS)

    weights = weights_after(callback)
    of_files = {
        file: next((epoch for epoch, each in weighing.of_epoch.items() if is_like(torch.load(file)["state_dict"], each)), None)
        for file in Path("kept").iterdir()
    }
    may_be_kept = {weights.best_epoch, *weights.within_noise}
    assert all(of_files[Path("kept") / Path(path).name] == epoch for epoch, path in weights.checkpoints.items())
    assert weights.checkpoints.keys() == may_be_kept & {*of_files.values()}
    assert weights.left_with == N_EPOCHS - 1
    assert weights.has_checkpoints
    assert weights.compared == "paired"


def test_a_checkpoint_that_is_gone_holds_nothing() -> None:
    class Cleaner(lightning.Callback):
        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            for file in Path("kept").iterdir():
                file.unlink()

    callback = tracked(error=wrong)
    fit(Net(), callback, ModelCheckpoint("kept", save_top_k=-1), Cleaner(), enable_checkpointing=True)

    assert not weights_after(callback).checkpoints


def test_without_a_checkpoint_the_sentence_says_what_the_model_has() -> None:
    callback = tracked(error=wrong)
    fit(Net(), callback, max_epochs=N_EPOCHS)

    weights = weights_after(callback)
    assert weights.left_with == N_EPOCHS - 1
    assert not weights.has_checkpoints
    assert weights.is_settled == (weights.best_epoch == N_EPOCHS - 1)
    assert bool(weights.in_words()) != weights.is_settled


def test_from_logged_metrics_alone_epochs_are_compared_by_their_intervals() -> None:
    callback = tracked()
    fit(Net(), callback, max_epochs=N_EPOCHS)

    assert weights_after(callback).compared == "unpaired"


def test_averaged_weights_that_no_epoch_had_are_none_of_them() -> None:
    callback = tracked(error=wrong)
    fit(Net(), callback, StochasticWeightAveraging(swa_lrs=0.05, swa_epoch_start=1), max_epochs=N_EPOCHS)

    weights = weights_after(callback)
    assert weights.left_with is None
    assert weights.is_left_with_none


def test_averaged_weights_that_were_validated_are_those_of_the_last_epoch() -> None:
    callback = tracked(error=wrong)
    fit(Net(), callback, EMAWeightAveraging(), max_epochs=N_EPOCHS)

    assert weights_after(callback).left_with == N_EPOCHS - 1


def test_a_resumed_training_knows_the_checkpoints_and_the_examples_of_the_one_before() -> None:
    first, keeper = tracked(error=wrong), ModelCheckpoint("kept", save_top_k=-1, save_last=True)
    fit(Net(), first, keeper, enable_checkpointing=True, max_epochs=3)
    second, keeper_again = tracked(error=wrong), ModelCheckpoint("kept", save_top_k=-1, save_last=True)
    fit(Net(), second, keeper_again, ckpt_path="kept/last.ckpt", enable_checkpointing=True, max_epochs=N_EPOCHS)

    weights = weights_after(second)
    saved = {int(file.name.split("-")[0].removeprefix("epoch=")) for file in Path("kept").glob("epoch=*")}
    assert saved == {*range(N_EPOCHS)}
    assert weights.checkpoints.keys() == {weights.best_epoch, *weights.within_noise}
    assert weights.left_with == N_EPOCHS - 1


@pytest.mark.parametrize("shuffle", [False, True])
def test_the_worst_examples_are_places_in_the_dev_set_in_whatever_order_it_is_read(shuffle: bool) -> None:
    callback, module = tracked(error=wrong), Net()
    module.val_dataloader = lambda: DataLoader(DEV, 50, shuffle=shuffle)  # type: ignore[method-assign]  # another of the same
    fit(module, callback, max_epochs=1)

    assert callback.tracker is not None
    examples = callback.tracker._logbook.ledger._examples_judged
    assert examples is not None
    is_wrong = wrong(module(DEV.tensors[0]), DEV.tensors[1])
    assert examples["wrong"] == int(is_wrong.sum())
    assert all(is_wrong[one["index"]] for one in examples["worst"])
    assert len(examples["worst"]) == min(10, int(is_wrong.sum()))

"""A test error after the training stands at the epoch whose weights it was measured on, or nowhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import pytest
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging, ModelCheckpoint, StochasticWeightAveraging
from mlflow import MlflowClient
from small_nets import Net, fit, held_out, new_trainer, points, runs, tracked

from bvtrack.adapters import marks_of
from bvtrack_lightning import BiasVarianceCallback

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning warns of workers, versions and its own future

Send = Callable[[], None]


@pytest.fixture(autouse=True)
def run_id(store: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run of the user's own, to which a test error can be added before a process has told its id."""
    run_id: str = MlflowClient(store).create_run("0").info.run_id
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    return run_id


def keeper(**options: Any) -> ModelCheckpoint:
    return ModelCheckpoint("kept", filename="{epoch}", save_top_k=-1, **options)


def path_of(epoch: int) -> str:
    return str(Path("kept") / f"epoch={epoch}.ckpt")


def logged_errors(store: str, send: Send) -> dict[int, float]:
    """The test error of each epoch, once all is sent."""
    send()
    return dict(points(store, runs(store)[-1], "test_error"))


def tried(trainer: lightning.Trainer, module: Any = None, **options: Any) -> float:
    """The error that a `trainer.test` finds."""
    (metrics,) = trainer.test(module, held_out(), verbose=False, **options)
    return 1 - float(metrics["test_acc"])


def loaded(epoch: int) -> Net:
    return Net.load_from_checkpoint(path_of(epoch))


WAYS: dict[str, tuple[int, Callable[[lightning.Trainer, BiasVarianceCallback, Net], float]]] = {
    "the weights at the end": (2, lambda trainer, ours, net: tried(trainer, net)),
    "the last weights in a new Trainer": (2, lambda trainer, ours, net: tried(new_trainer(ours), net)),
    "the best weights": (0, lambda trainer, ours, net: tried(trainer, net, ckpt_path="best")),
    "the weights of a file": (1, lambda trainer, ours, net: tried(trainer, net, ckpt_path=path_of(1))),
    "a file in a new Trainer": (0, lambda trainer, ours, net: tried(new_trainer(ours), Net(), ckpt_path=path_of(0))),
    "a loaded module": (1, lambda trainer, ours, net: tried(trainer, loaded(1))),
    "a loaded module in a new Trainer": (0, lambda trainer, ours, net: tried(new_trainer(ours), loaded(0))),
    "a module that is compiled": (1, lambda trainer, ours, net: tried(trainer, torch.compile(loaded(1), backend="eager"))),
    "frozen weights": (1, lambda trainer, ours, net: tried(trainer, loaded(1).requires_grad_(False))),
    "double precision": (1, lambda trainer, ours, net: tried(new_trainer(ours, precision="64-true"), loaded(1))),
    "brain floats": (0, lambda trainer, ours, net: tried(new_trainer(ours, precision="bf16-true"), loaded(0))),
    "half precision": (1, lambda trainer, ours, net: tried(new_trainer(ours, precision="16-true"), loaded(1))),
}


class FirstIsBest(lightning.Callback):
    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        trainer.callback_metrics["first"] = torch.tensor(float(trainer.current_epoch))


@pytest.mark.parametrize("weights_only", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_a_test_error_stands_at_the_epoch_that_had_its_weights(way: str, weights_only: bool, store: str, send: Send) -> None:
    epoch, test = WAYS[way]
    ours, net = tracked(), Net()
    trainer = fit(net, FirstIsBest(), ours, keeper(monitor="first", save_weights_only=weights_only), enable_checkpointing=True)
    error = test(trainer, ours, net)

    assert logged_errors(store, send) == pytest.approx({epoch: error}, abs=1e-6)


def trained_on(net: Net) -> Net:
    fit(net, max_epochs=1)
    return net


def of_another_training(net: Net) -> Net:
    return Net()


@pytest.mark.parametrize("strange", [trained_on, of_another_training])
def test_a_test_error_of_strange_weights_is_said_and_not_logged(
    strange: Callable[[Net], Net], store: str, send: Send, said: list[str]
) -> None:
    ours, net = tracked(), Net()
    fit(net, ours)
    error = tried(new_trainer(ours), strange(net))
    message = said.pop()

    assert f"the test error {error:.4g} is not logged: it was measured on weights of none of the epochs" in message
    assert "callback.tracker.log_test" in message
    assert logged_errors(store, send) == {}


def test_weights_that_two_epochs_had_are_the_later_ones(store: str, send: Send) -> None:
    class Stays(Net):
        def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
            return super().training_step(batch, batch_index) * (self.current_epoch == 0)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    ours = tracked()
    error = tried(fit(net := Stays(), ours), net)

    assert logged_errors(store, send) == pytest.approx({2: error}, abs=1e-6)


def test_a_resumed_training_knows_the_weights_of_the_epochs_before(store: str, send: Send) -> None:
    fit(Net(), tracked(), keeper(), enable_checkpointing=True)
    second = tracked()
    trainer = fit(Net(), second, keeper(), enable_checkpointing=True, max_epochs=5, ckpt_path=path_of(2))
    errors = {epoch: tried(trainer, loaded(epoch)) for epoch in (1, 4)}

    assert logged_errors(store, send) == pytest.approx(errors, abs=1e-6)


def test_averaged_weights_are_those_of_their_epoch(store: str, send: Send) -> None:
    ours, net = tracked(), Net()
    trainer = fit(net, ours, EMAWeightAveraging(decay=0.8), keeper(), enable_checkpointing=True)
    errors = {1: tried(new_trainer(ours), loaded(1)), 2: tried(trainer, net)}

    assert logged_errors(store, send) == pytest.approx(errors, abs=1e-6)


def test_weights_that_are_averaged_after_the_last_epoch_are_none_of_its(store: str, send: Send, said: list[str]) -> None:
    ours, net = tracked(), Net()
    tried(fit(net, ours, StochasticWeightAveraging(0.02, swa_epoch_start=1)), net)

    assert "is not logged" in said.pop()
    assert logged_errors(store, send) == {}


def test_a_test_without_a_fit_makes_no_run_and_is_said_once(store: str, send: Send, said: list[str]) -> None:
    ours = tracked()
    tried(new_trainer(ours), Net())
    tried(new_trainer(ours), Net())
    send()

    assert "expected a fit before trainer.test, got none in this process" in said.pop()
    assert len(runs(store)) == 1
    assert "bvtrack.source" not in runs(store)[0].data.tags


def test_a_test_without_a_fit_is_not_spoken_of_where_nobody_added_the_callback(
    store: str, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BVTRACK_AUTO", "1")
    tried(new_trainer(), Net())

    assert "bvtrack.source" not in runs(store)[0].data.tags


def test_marks_tell_the_smallest_step_of_an_optimiser_and_neither_names_nor_devices() -> None:
    net = Net()
    before = marks_of(net)
    other = torch.nn.Sequential(*net.network)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-4)
    loss = net.training_step((torch.ones(4, 8), torch.zeros(4, dtype=torch.long)), 0)
    torch.autograd.backward([loss])

    assert marks_of(other) == before
    optimizer.step()
    assert marks_of(net)[0] != before[0]
    assert marks_of(torch.nn.ReLU()) == ()

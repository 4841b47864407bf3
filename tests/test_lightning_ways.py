"""Every way of training: each point is that of its own epoch, as an independent record of the weights tells it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import lightning.pytorch as lightning
import mlflow
import optuna
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from lightning.pytorch.callbacks import EarlyStopping, EMAWeightAveraging, StochasticWeightAveraging, WeightAveraging
from lightning.pytorch.cli import LightningCLI
from lightning.pytorch.tuner.tuning import Tuner
from mlflow import MlflowClient
from mlflow.entities import Run
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from bvtrack_lightning import BiasVarianceCallback

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning warns of workers, intervals and its own future

Send = Callable[[], None]
Weights = Mapping[str, torch.Tensor]
Errors = Mapping[int, float]
"""An error by epoch."""


def split(n: int, seed: int) -> TensorDataset:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 8, generator=generator)
    return TensorDataset(x, (x[:, 0] * x[:, 1] > 0).long() + (x[:, 2] > 0.5).long())


TRAIN, DEV, TEST = split(200, 0), split(130, 1), split(90, 2)
N_BATCHES = 10


def shuffled() -> Any:
    return DataLoader(TRAIN, batch_size=len(TRAIN) // N_BATCHES, shuffle=True)


def dev_loader() -> Any:
    return DataLoader(DEV, batch_size=50)


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.ReLU(), nn.Linear(16, 3))


class Net(lightning.LightningModule):
    """A classifier whose error in training mode, or on another epoch's weights, is another one."""

    def __init__(self, lr: float = 0.05) -> None:
        super().__init__()
        self.lr = lr
        self.network = network()

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        x, y = batch
        loss = nn.functional.cross_entropy(self.network(x), y)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: Any, batch_index: int, dataloader_idx: int = 0) -> None:
        self.log("val_acc", self.right(batch).float().mean())

    def right(self, batch: Any) -> torch.Tensor:
        x, y = batch
        return torch.as_tensor(self.network(x).argmax(dim=1) == y)

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=self.lr)


class Keeper(lightning.Callback):
    """The independent record: the weights that each epoch's last validation ran on, and those at each epoch's end."""

    def __init__(self) -> None:
        self.validated: dict[int, Weights] = {}
        self.ended: dict[int, Weights] = {}

    def on_validation_batch_start(
        self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        if not trainer.sanity_checking:
            self.validated[trainer.current_epoch] = _copied(pl_module)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        self.ended[trainer.current_epoch] = _copied(pl_module)


def _copied(module: nn.Module) -> Weights:
    return {name: value.clone() for name, value in module.state_dict().items()}


def error_of(weights: Weights, examples: TensorDataset) -> float:
    """Evaluated with nothing but torch."""
    twin = nn.ModuleDict({"network": network()})
    twin.load_state_dict(dict(weights))
    twin.eval()
    x, y = examples.tensors
    with torch.no_grad():
        return float((twin["network"](x).argmax(dim=1) != y).double().mean())


def expected_errors(kept: Mapping[int, Weights], examples: TensorDataset) -> Errors:
    return {epoch: error_of(weights, examples) for epoch, weights in kept.items()}


def runs(store: str, experiment: str = "Default") -> Sequence[Run]:
    """The experiment's runs, the oldest first."""
    client = MlflowClient(store)
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    return list(reversed(client.search_runs([found.experiment_id])))


def logged_errors(store: str, run: Run, name: str) -> Errors:
    """All points of an error; no two of one epoch."""
    points = MlflowClient(store).get_metric_history(run.info.run_id, f"bvtrack/{name}_error")
    errors = {point.step: point.value for point in points}
    assert len(errors) == len(points)
    return errors


def part(examples: TensorDataset, n: int) -> TensorDataset:
    return TensorDataset(*(tensor[:n] for tensor in examples.tensors))


def assert_right(
    store: str,
    kept: Mapping[int, Weights],
    run: Run,
    *,
    train: TensorDataset | None = TRAIN,
    dev: TensorDataset = DEV,
    test: TensorDataset | None = TEST,
) -> None:
    """Each epoch that was validated has its points, of the weights that the record kept, and no other epoch has any."""
    for name, examples in {"train": train, "dev": dev, "test": test}.items():
        expected = expected_errors(kept, examples) if examples is not None else {}
        assert logged_errors(store, run, name) == pytest.approx(expected, abs=1e-6), name


def tracked(store: str, **options: Any) -> BiasVarianceCallback:
    defaults = {"train_eval": "full", "test_dataloaders": DataLoader(TEST, batch_size=30), "tracking_uri": store}
    return BiasVarianceCallback(**{**defaults, **options})


def new_trainer(*callbacks: Any, **options: Any) -> lightning.Trainer:
    quiet = {
        "accelerator": "cpu",
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "max_epochs": 3,
    }
    lightning.seed_everything(0, verbose=False)
    return lightning.Trainer(callbacks=list(callbacks), **{**quiet, **options})


class LogsAtTheEnd(Net):
    def on_validation_epoch_start(self) -> None:
        self.rights: list[torch.Tensor] = []

    def validation_step(self, batch: Any, batch_index: int, dataloader_idx: int = 0) -> None:
        self.rights.append(self.right(batch))

    def on_validation_epoch_end(self) -> None:
        self.log("val_acc", torch.cat(self.rights).float().mean())


class Manual(Net):
    """Two optimisers, stepped by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        optimizers: Any = self.optimizers()
        loss = super().training_step(batch, batch_index)
        self.manual_backward(loss)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        return loss

    def configure_optimizers(self) -> Any:
        first, *others = self.network
        return torch.optim.SGD(first.parameters(), lr=0.1), torch.optim.Adam(nn.ModuleList(others).parameters(), lr=0.02)


class StopsItself(Net):
    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        if self.current_epoch == 1 and batch_idx == 6:
            self.trainer.should_stop = True


class Stream(IterableDataset[Any]):
    """The training data one after the other, `times` times over."""

    def __init__(self, times: int) -> None:
        self.times = times

    def __iter__(self) -> Iterator[Any]:
        for _ in range(self.times):
            yield from (TRAIN[index] for index in range(len(TRAIN)))


def stream(times: int = 1) -> Any:
    return DataLoader(Stream(times), batch_size=len(TRAIN) // N_BATCHES)


class Data(lightning.LightningDataModule):
    def __init__(self, batch_size: int = 20) -> None:
        super().__init__()
        self.batch_size = batch_size

    def train_dataloader(self) -> Any:
        return DataLoader(TRAIN, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self) -> Any:
        return dev_loader()

    def test_dataloader(self) -> Any:
        return DataLoader(TEST, batch_size=30)


def averaging() -> WeightAveraging:
    return EMAWeightAveraging(decay=0.8)


@dataclass(frozen=True)
class Way:
    """One way to train, the epochs that it validates, and the examples that its errors are of."""

    epochs: Sequence[int] = (0, 1, 2)
    options: Mapping[str, Any] = field(default_factory=dict)
    module: Callable[[], Net] = Net
    train: Callable[[], Any] = shuffled
    dev: Callable[[], Any] = dev_loader
    before: Callable[[], Any] | None = None
    after: Callable[[], Any] | None = None
    tracker: Mapping[str, Any] = field(default_factory=dict)
    examples: Mapping[str, TensorDataset] = field(default_factory=dict)


UNSHUFFLED = {"train_eval_dataloaders": DataLoader(TRAIN, batch_size=32)}
NO_EPOCHS = {"check_val_every_n_epoch": None}

WAYS = {
    "as by default": Way(),
    "without sanity checks": Way(options={"num_sanity_val_steps": 0}),
    "with all data for the sanity check": Way(options={"num_sanity_val_steps": -1}),
    "every second epoch": Way((1, 3), {"check_val_every_n_epoch": 2, "max_epochs": 5}),
    "every third epoch": Way((2, 5), {"check_val_every_n_epoch": 3, "max_epochs": 7}),
    "twice an epoch": Way(options={"val_check_interval": 0.5}),
    "after every fourth batch": Way(options={"val_check_interval": 4}),
    "twice in every second epoch": Way((1, 3), {"val_check_interval": 0.5, "check_val_every_n_epoch": 2, "max_epochs": 4}),
    "after every 15 batches whatever the epoch": Way((1, 2, 4), {"val_check_interval": 15, "max_epochs": 5} | NO_EPOCHS),
    "after every 4 batches whatever the epoch": Way((0, 1, 2), {"val_check_interval": 4} | NO_EPOCHS),
    "after some time": Way(options={"val_check_interval": "00:00:00:00"}),
    "accumulating gradients": Way(options={"accumulate_grad_batches": 3}),
    "accumulating gradients, twice an epoch": Way(options={"accumulate_grad_batches": 4, "val_check_interval": 0.5}),
    "two sets of validation data": Way(dev=lambda: [dev_loader(), DataLoader(TEST, batch_size=50)]),
    "a finite stream": Way(train=stream, tracker=UNSHUFFLED),
    "a finite stream, after every fourth batch": Way(options={"val_check_interval": 4}, train=stream, tracker=UNSHUFFLED),
    "an endless stream": Way(options={"limit_train_batches": 7}, train=lambda: stream(10**6), tracker=UNSHUFFLED),
    "an endless stream, after every 15 batches": Way(
        (0,),
        {"val_check_interval": 15, "max_steps": 31, "max_epochs": -1} | NO_EPOCHS,
        Net,
        lambda: stream(10**6),
        tracker=UNSHUFFLED,
    ),
    "steps that end amid an epoch": Way((0, 1), {"max_steps": 24, "max_epochs": -1}),
    "steps that end amid an epoch, twice an epoch": Way(
        (0, 1, 2), {"max_steps": 27, "max_epochs": -1, "val_check_interval": 0.5}
    ),
    "steps that end with an epoch": Way((0, 1), {"max_steps": 20, "max_epochs": -1}),
    "stopped early": Way((0, 1), after=lambda: EarlyStopping("val_acc", patience=1, mode="min")),
    "stopped early amid an epoch": Way(
        (0, 1), {"val_check_interval": 0.5}, after=lambda: EarlyStopping("val_acc", patience=2, min_delta=1)
    ),
    "stopped by the module": Way((0, 1), module=StopsItself),
    "stopped by the module, after every fourth batch": Way((0, 1), {"val_check_interval": 4}, StopsItself),
    "manual optimisation of two optimisers": Way(module=Manual),
    "some batches only": Way(
        options={"limit_val_batches": 2, "limit_test_batches": 1, "limit_train_batches": 0.5},
        examples={"dev": part(DEV, 100), "test": part(TEST, 30)},
    ),
    "logged at the epoch's end alone": Way(module=LogsAtTheEnd),
    "logged at the epoch's end alone, twice an epoch": Way(options={"val_check_interval": 0.5}, module=LogsAtTheEnd),
    "averaged weights": Way(before=averaging),
    "averaged weights, the averaging last": Way(after=averaging),
    "averaged weights, twice an epoch": Way(options={"val_check_interval": 0.5}, after=averaging),
    "averaged weights, after every fourth batch": Way(options={"val_check_interval": 4}, before=averaging),
    "averaged weights, stopped early amid an epoch": Way(
        (0, 1), {"val_check_interval": 0.5}, before=averaging, after=lambda: EarlyStopping("val_acc", patience=2, min_delta=1)
    ),
    "averaged weights, stopped by the module": Way((0, 1), {"val_check_interval": 4}, StopsItself, after=averaging),
    "averaged weights, steps that end amid an epoch": Way(
        (0, 1), {"val_check_interval": 0.3, "max_steps": 18, "max_epochs": -1}, after=averaging
    ),
    "weights averaged at the end": Way((0, 1, 2, 3), after=lambda: StochasticWeightAveraging(0.02, swa_epoch_start=1)),
}


@pytest.mark.parametrize("name", WAYS)
def test_every_point_is_that_of_its_epoch(name: str, store: str, send: Send) -> None:
    way, keeper = WAYS[name], Keeper()
    callbacks = [way.before and way.before(), tracked(store, **way.tracker), keeper, way.after and way.after()]
    trainer = new_trainer(*filter(None, callbacks), **way.options)
    trainer.fit(way.module(), way.train(), way.dev())
    send()
    (run,) = runs(store)

    assert tuple(keeper.validated) == tuple(way.epochs)
    assert_right(store, keeper.validated, run, **way.examples)


def test_the_record_tells_the_epochs_and_the_modes_apart(store: str) -> None:
    keeper, module = Keeper(), Net()
    new_trainer(keeper).fit(module, shuffled(), dev_loader())
    module.load_state_dict(dict(keeper.validated[2]))
    sets = (TRAIN, DEV, TEST)
    by_epoch = [tuple(error_of(weights, examples) for examples in sets) for weights in keeper.validated.values()]
    in_training_mode = tuple(1 - float(module.train().right(examples.tensors).double().mean()) for examples in sets)

    assert len({*by_epoch, in_training_mode}) == 4


options = st.fixed_dictionaries(
    {
        "num_sanity_val_steps": st.sampled_from([0, 2]),
        "check_val_every_n_epoch": st.sampled_from([None, 1, 2, 3]),
        "val_check_interval": st.sampled_from([0.3, 0.5, 1.0, 3, 7, 10]),
        "accumulate_grad_batches": st.integers(1, 3),
        "limit_train_batches": st.sampled_from([1.0, 10]),
        "max_steps": st.sampled_from([-1, 13, 22]),
    }
).filter(lambda chosen: chosen["check_val_every_n_epoch"] is not None or isinstance(chosen["val_check_interval"], int))


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(options=options, is_averaged=st.booleans(), is_stream=st.booleans(), module=st.sampled_from([Net, LogsAtTheEnd]))
def test_every_point_is_that_of_its_epoch_in_any_combination(
    options: Mapping[str, Any], is_averaged: bool, is_stream: bool, module: type[Net], store: str, send: Send, said: list[str]
) -> None:
    assume(not is_stream or isinstance(options["val_check_interval"], int) or options["val_check_interval"] == 1)
    keeper = Keeper()
    callbacks = [tracked(store, **UNSHUFFLED), keeper, *([averaging()] if is_averaged else [])]
    new_trainer(*callbacks, **options).fit(module(), stream() if is_stream else shuffled(), dev_loader())
    send()

    assert_right(store, keeper.validated, runs(store)[-1])
    assert all("got none in" in message for message in said)  # of a training that is over before its first validation
    said.clear()


def test_an_epoch_without_a_validation_has_no_point(store: str, send: Send, said: list[str]) -> None:
    keeper = Keeper()
    new_trainer(tracked(store), keeper, check_val_every_n_epoch=4).fit(Net(), shuffled(), dev_loader())
    send()

    assert keeper.validated == {}
    assert_right(store, {}, runs(store)[0])
    assert said.pop().startswith("bvtrack: expected a validation in each epoch, got none in")


def test_half_precision_is_measured_as_the_validation_runs(store: str, send: Send) -> None:
    keeper = Keeper()
    new_trainer(tracked(store), keeper, precision="bf16-mixed").fit(Net(), shuffled(), dev_loader())
    send()

    with torch.autocast("cpu", torch.bfloat16):
        assert_right(store, keeper.validated, runs(store)[0])


def test_two_fits_in_one_run_go_on_counting_epochs(store: str, send: Send) -> None:
    mlflow.set_tracking_uri(store)
    keeper, module = Keeper(), Net()
    trainer = new_trainer(tracked(store, tracking_uri=None), keeper)
    with mlflow.start_run():
        trainer.fit(module, shuffled(), dev_loader())
        trainer.fit_loop.max_epochs = 5
        trainer.fit(module, shuffled(), dev_loader())
    send()
    (run,) = runs(store)

    assert [*keeper.validated] == [0, 1, 2, 3, 4]
    assert_right(store, keeper.validated, run)


def test_two_fits_in_no_run_of_the_users_own_are_a_run_each(store: str, send: Send) -> None:
    keeper, module = Keeper(), Net()
    trainer = new_trainer(tracked(store), keeper)
    trainer.fit(module, shuffled(), dev_loader())
    trainer.fit_loop.max_epochs = 5
    trainer.fit(module, shuffled(), dev_loader())
    send()
    first, second = runs(store)

    assert_right(store, {epoch: keeper.validated[epoch] for epoch in (0, 1, 2)}, first)
    assert_right(store, {epoch: keeper.validated[epoch] for epoch in (3, 4)}, second)


def test_a_second_fit_without_epochs_left_adds_nothing(store: str, send: Send) -> None:
    keeper, module = Keeper(), Net()
    trainer = new_trainer(tracked(store), keeper)
    trainer.fit(module, shuffled(), dev_loader())
    trainer.fit(module, shuffled(), dev_loader())
    send()
    (run,) = runs(store)

    assert_right(store, keeper.validated, run)


def test_loaders_that_are_made_anew_each_epoch_are_measured_each_epoch(store: str, send: Send) -> None:
    keeper = Keeper()
    trainer = new_trainer(tracked(store, test_dataloaders=None), keeper, reload_dataloaders_every_n_epochs=1)
    trainer.fit(Net(), datamodule=Data())
    send()

    assert_right(store, keeper.validated, runs(store)[0])


def test_a_sequential_loader_that_is_limited_is_measured_on_what_is_trained_on(store: str, send: Send) -> None:
    keeper = Keeper()
    trainer = new_trainer(tracked(store), keeper, limit_train_batches=4)
    trainer.fit(Net(), DataLoader(TRAIN, batch_size=20), dev_loader())
    send()

    assert_right(store, keeper.validated, runs(store)[0], train=part(TRAIN, 80))


class LogsTrainAccuracy(Net):
    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        self.log("train_acc", self.right(batch).float().mean(), on_step=False, on_epoch=True)
        return super().training_step(batch, batch_index)


def test_a_stream_has_the_running_train_error_where_nothing_else_can_be_measured(store: str, send: Send) -> None:
    keeper = Keeper()
    new_trainer(tracked(store), keeper).fit(LogsTrainAccuracy(), stream(), dev_loader())
    send()
    (run,) = runs(store)

    assert [*logged_errors(store, run, "train")] == [0, 1, 2]
    assert logged_errors(store, run, "dev") == pytest.approx(expected_errors(keeper.validated, DEV), abs=1e-6)
    assert "running average" in run.data.tags["bvtrack.measure"]


class LogsNoLoss(Net):
    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        x, y = batch
        return nn.functional.cross_entropy(self.network(x), y)


@pytest.mark.skipif(shutil.which("c++") is None, reason="torch.compile needs a C++ compiler")
def test_a_compiled_module_is_measured(store: str) -> None:
    keeper, module = Keeper(), LogsNoLoss()  # what Lightning's own `log` does in a compiled training step, torch 2.13 refuses
    trainer = new_trainer(tracked(store), keeper)
    trainer.fit(torch.compile(module), shuffled(), dev_loader())  # type: ignore[arg-type]  # Lightning unwraps it

    assert_right(store, keeper.validated, runs(store)[0])


def test_the_tuner_leaves_no_points(store: str, send: Send) -> None:
    keeper, module, data = Keeper(), Net(), Data()
    trainer = new_trainer(tracked(store), keeper)
    Tuner(trainer).lr_find(module, datamodule=data, num_training=8)
    Tuner(trainer).scale_batch_size(module, datamodule=data, max_trials=2, init_val=10, steps_per_trial=1)
    trainer.fit(module, datamodule=data)
    send()
    (run,) = runs(store)

    assert [*keeper.validated] == [0, 1, 2]
    assert_right(store, keeper.validated, run)


def test_the_command_line_of_lightning_takes_the_callback(store: str, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    keeper = Keeper()
    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    callback = "--trainer.callbacks=bvtrack_lightning.BiasVarianceCallback"
    arguments = [callback, "--trainer.callbacks.human_error=0.02", "--trainer.callbacks.train_eval=full"]
    LightningCLI(
        Net,
        Data,
        args=["fit", "--trainer.max_epochs=2", "--trainer.accelerator=cpu", *arguments],
        trainer_defaults={"callbacks": [keeper], **quiet},
        save_config_callback=None,
    )
    send()
    (run,) = runs(store)

    assert_right(store, keeper.validated, run)
    assert run.data.tags["bvtrack.baseline"] == "given"


def test_the_run_of_the_environment_is_used(store: str, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = MlflowClient(store).create_run("0").info.run_id
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    keeper = Keeper()
    new_trainer(tracked(store, tracking_uri=None), keeper).fit(Net(), shuffled(), dev_loader())
    send()
    (run,) = runs(store)

    assert run.info.run_id == run_id
    assert_right(store, keeper.validated, run)


def test_the_experiment_of_the_environment_is_used(store: str, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "theirs")
    keeper = Keeper()
    new_trainer(tracked(store, tracking_uri=None), keeper).fit(Net(), shuffled(), dev_loader())
    send()
    (run,) = runs(store, "theirs")

    assert runs(store) == []
    assert_right(store, keeper.validated, run)


def test_of_nested_runs_the_inner_one_is_used(store: str, send: Send) -> None:
    mlflow.set_tracking_uri(store)
    keeper = Keeper()
    with mlflow.start_run() as outer, mlflow.start_run(nested=True) as inner:
        new_trainer(tracked(store, tracking_uri=None), keeper).fit(Net(), shuffled(), dev_loader())
    send()
    found = {run.info.run_id: run for run in runs(store)}

    assert_right(store, keeper.validated, found[inner.info.run_id])
    assert_right(store, {}, found[outer.info.run_id])


@pytest.mark.parametrize("is_nested", [False, True])
def test_each_trial_of_a_study_is_a_run(is_nested: bool, store: str, send: Send) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    mlflow.set_tracking_uri(store)
    keepers: dict[str, Keeper] = {}

    def train(trial: optuna.Trial) -> float:
        name = f"trial {trial.number}"
        keeper = keepers.setdefault(name, Keeper())
        with mlflow.start_run(run_name=name, nested=True) if is_nested else contextlib.nullcontext():
            trainer = new_trainer(tracked(store, tracking_uri=None, run_name=name), keeper, max_epochs=2)
            trainer.fit(Net(trial.suggest_float("lr", 0.001, 0.1, log=True)), shuffled(), dev_loader())
        return float(trainer.callback_metrics["val_acc"])

    with mlflow.start_run(run_name="study") if is_nested else contextlib.nullcontext():
        optuna.create_study(direction="maximize").optimize(train, n_trials=3)
    send()
    found = {str(run.info.run_name): run for run in runs(store)}

    assert found.keys() - {"study"} == keepers.keys()
    for name, keeper in keepers.items():
        assert_right(store, keeper.validated, found[name])


class LogsOtherNames(Net):
    def validation_step(self, batch: Any, batch_index: int, dataloader_idx: int = 0) -> None:
        self.log("val_f1" if self.current_epoch == 1 else "val_acc", self.right(batch).float().mean())


def test_an_epoch_that_logs_another_name_has_no_dev_error_of_an_earlier_epoch(store: str, send: Send, said: list[str]) -> None:
    keeper = Keeper()
    new_trainer(tracked(store), keeper).fit(LogsOtherNames(), shuffled(), dev_loader())
    send()
    (run,) = runs(store)
    said.clear()

    assert [*logged_errors(store, run, "dev")] == [0, 2]
    assert_right(store, {epoch: keeper.validated[epoch] for epoch in (0, 2)}, run)


class LogsNan(Net):
    def validation_step(self, batch: Any, batch_index: int, dataloader_idx: int = 0) -> None:
        self.log("val_acc", self.right(batch).float().mean() * (float("nan") if self.current_epoch == 1 else 1))


def test_an_epoch_that_logs_nan_has_no_point_and_is_said(store: str, send: Send, said: list[str]) -> None:
    keeper = Keeper()
    new_trainer(tracked(store), keeper).fit(LogsNan(), shuffled(), dev_loader())
    send()

    assert "dev_error must be a finite number; got nan" in " ".join(said)
    said.clear()
    assert_right(store, {epoch: keeper.validated[epoch] for epoch in (0, 2)}, runs(store)[0])


class LogsNothing(LogsNoLoss):
    def validation_step(self, batch: Any, batch_index: int, dataloader_idx: int = 0) -> None:
        self.right(batch)


def test_steps_that_log_nothing_are_said_and_the_run_is_undetermined(store: str, send: Send, said: list[str]) -> None:
    trainer = new_trainer(tracked(store))
    trainer.fit(LogsNothing(), shuffled(), dev_loader())
    send()

    assert said == [
        "bvtrack: expected an error rate or an accuracy to diagnose, got nothing; log one, or name yours with measure="
    ]
    said.clear()
    assert trainer.current_epoch == 3
    assert runs(store)[0].data.tags["bvtrack.diagnosis"] == "undetermined"


class WithoutLength(IterableDataset[Any]):
    def __init__(self, examples: TensorDataset) -> None:
        self.examples = examples

    def __iter__(self) -> Iterator[Any]:
        return (self.examples[index] for index in range(len(self.examples)))


def test_loaders_without_a_length_are_measured_as_far_as_they_are_limited(store: str, send: Send) -> None:
    keeper = Keeper()
    dev, test = (DataLoader(WithoutLength(examples), batch_size=30) for examples in (DEV, TEST))
    trainer = new_trainer(tracked(store, test_dataloaders=test), keeper, limit_test_batches=3)
    trainer.fit(Net(), shuffled(), dev)
    send()

    assert_right(store, keeper.validated, runs(store)[0])


class BreaksMidway(Dataset[Any]):
    def __len__(self) -> int:
        return len(TEST)

    def __getitem__(self, index: int) -> Any:
        if index == 50:
            raise OSError("the disk is gone")
        return TEST[index]


def test_test_data_that_break_midway_cost_the_test_error_alone(store: str, send: Send, said: list[str]) -> None:
    keeper = Keeper()
    callback = tracked(store, test_dataloaders=DataLoader(BreaksMidway(), batch_size=30))
    new_trainer(callback, keeper).fit(Net(), shuffled(), dev_loader())
    send()

    assert len([message for message in said if "the test error is missing" in message]) == 1
    said.clear()
    assert_right(store, keeper.validated, runs(store)[0], test=None)


def test_the_tag_says_which_error_is_missing(store: str, send: Send, said: list[str]) -> None:
    callback = tracked(store, test_dataloaders=DataLoader(BreaksMidway(), batch_size=30))
    new_trainer(callback, max_epochs=1).fit(Net(), shuffled(), dev_loader())
    send()
    said.clear()

    assert "test" in runs(store)[0].data.tags["bvtrack.measure"]

"""When `stop_when` ends a training, and when it does not: in any loop, in Keras, in Lightning, and in several processes."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import lightning.pytorch as lightning
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras_training import DEV, TRAIN, assert_same_training, net, read_run
from lightning.pytorch.callbacks import ModelCheckpoint
from mlflow import MlflowClient
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import bvtrack_keras
import bvtrack_lightning
from bvtrack import Measure, ModelFacts, StopWhen, Tracker, make_report
from bvtrack.adapters import CallbackOptions, Logged, Pass, Session, SetName, SplitSource, TimeBudget, Training
from bvtrack.diagnosis.kept_weights import Weights
from bvtrack.diagnosis.stopping import Stopping

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning warns of workers, versions and its own future

OVERTRAINED = [0.30, 0.20, 0.10, 0.10, 0.20, 0.25, 0.30, 0.30, 0.30, 0.30]
"""Dev errors, the best at epoch 2, of a training that is overtrained from epoch 4 on."""
FALLING = [0.30, 0.20, 0.10, 0.08, 0.06, 0.05, 0.04, 0.03, 0.02, 0.01]
"""Train errors beside them."""
N_DEV = 400


def offline(**options: Any) -> Tracker:
    return Tracker(**{"enabled": False, **options})


def log(tracker: Tracker, train: Sequence[float], dev: Sequence[float | None], **options: Any) -> list[int]:
    """Log these errors by epoch; the epochs after which the training should end."""
    found = []
    for epoch, (train_error, dev_error) in enumerate(zip(train, dev, strict=True)):
        tracker.log_epoch(epoch, train_error=train_error, dev_error=dev_error, n_dev=N_DEV, **options)
        if tracker.stop_reason:
            found.append(epoch)
    return found


@pytest.mark.parametrize("rules", [{"diverged": 3}, {"not_learning": -1}, {"overtrained": 2.0}, {"overtrained": True}])
def test_a_rule_that_is_no_number_of_epochs_is_refused(rules: Any) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(rules))} must be .*; got"):
        StopWhen(**rules)


@pytest.mark.parametrize("make", [Tracker, CallbackOptions, bvtrack_keras.BiasVarianceCallback])
def test_anything_but_rules_is_refused_before_an_epoch_is_spent(make: Any) -> None:
    with pytest.raises(ValueError, match=r"stop_when must be a bvtrack.StopWhen, such as .*; got \{'diverged': True\}"):
        make(stop_when={"diverged": True})


@pytest.mark.parametrize(
    ("dev", "stops"),
    [
        ([0.3, math.nan, 0.2, 0.2], []),
        ([0.3, math.nan, math.nan, 0.2], []),
        ([0.3, math.nan, 0.2, math.nan, math.nan], []),
        ([0.3, math.nan, math.nan, math.nan, math.nan], [3, 4]),
        ([math.nan, math.nan, math.nan], [2]),
        ([0.3, math.inf, math.inf, math.inf], [3]),
    ],
)
def test_a_training_ends_after_three_diverged_epochs_in_a_row(dev: list[float], stops: list[int]) -> None:
    assert log(offline(stop_when=StopWhen(diverged=True)), dev, dev) == stops
    assert log(offline(stop_when=StopWhen(not_learning=1, overtrained=1)), dev, dev) == []


@pytest.mark.parametrize("length", [1, 2])
def test_the_spike_of_a_warm_restart_is_no_divergence(length: int) -> None:
    tracker = offline(measure="loss", stop_when=StopWhen(diverged=True))
    first, later = [2.0, 1.5, 1.2, 1.0, 0.9], [1.9, 1.4, 1.1, 1.0, 0.8]

    assert log(tracker, first + [30.0] * length + later, first + [40.0] * length + later) == []


def test_a_model_in_warm_up_is_not_stopped_for_not_learning() -> None:
    tracker = offline(measure=Measure("accuracy", higher_is_better=True), stop_when=StopWhen(not_learning=2))
    tracker.log_split(train=([[0.0]] * 10, [0, 1] * 5), dev=([[1.0]] * 10, [0, 1] * 5))

    assert log(tracker, [0.5] * 8, [0.5] * 8) == [5, 6, 7]


@pytest.mark.parametrize(("step", "stops"), [(0.01, []), (0.0001, [6, 7, 8])])
def test_progress_is_none_to_stop_though_it_is_no_better_than_guessing_yet(step: float, stops: list[int]) -> None:
    tracker = offline(measure=Measure("accuracy", higher_is_better=True), stop_when=StopWhen(not_learning=6))
    tracker.log_split(train=([[0.0]] * 10, [0, 1] * 5), dev=([[1.0]] * 10, [0, 1] * 5))
    slowly = [0.6 - step * epoch for epoch in range(9)]

    assert log(tracker, slowly, slowly) == stops


def test_an_overtrained_training_ends_only_where_the_weights_of_its_best_epoch_are_kept(said: list[str]) -> None:
    rules = StopWhen(overtrained=3)
    lost, kept = Tracker(stop_when=rules), offline(stop_when=rules)
    kept.log_weights(checkpoints={2: "models/epoch=2.ckpt"}, has_checkpoints=True)

    assert log(lost, FALLING, OVERTRAINED) == []
    (message,) = said
    assert "the training would be stopped (overtrained for 3 epochs in a row), and goes on" in message
    assert "no checkpoint is known of epoch 2, the best on dev, or of one within noise of it: keep it" in message
    said.clear()
    assert log(kept, FALLING, OVERTRAINED) == [6, 7, 8, 9]
    assert kept.stop_reason == (
        "stopped after epoch 9: overtrained for 6 epochs in a row; epoch 2, the best on dev, is kept in epoch=2.ckpt"
    )


@pytest.mark.parametrize(("kept", "is_stopped"), [(3, True), (2, True), (4, False), (6, False)])
def test_an_epoch_within_noise_of_the_best_is_one_to_keep_unless_it_is_overtrained(kept: int, is_stopped: bool) -> None:
    stopping = Stopping(StopWhen(overtrained=3))
    for epoch in range(7):
        stopping.take(epoch, "learning" if epoch < 4 else "overtrained", train=FALLING[epoch], dev=OVERTRAINED[epoch])
    close = Weights(best_epoch=2, within_noise=(3, 4, 5, 6))

    assert (stopping.reason(replace(close, checkpoints={kept: "a.ckpt"})) is not None) == is_stopped
    assert (stopping.reason(replace(close, left_with=kept)) is not None) == is_stopped


def test_epochs_without_a_dev_error_do_not_count_as_overtrained() -> None:
    tracker = offline(stop_when=StopWhen(overtrained=3))
    tracker.log_weights(checkpoints={4: "best.ckpt"}, has_checkpoints=True)
    dev = [error if place == 0 else None for error in OVERTRAINED for place in range(2)]

    assert log(tracker, [error for error in FALLING for _ in range(2)], dev)[0] == 12


@given(
    st.lists(
        st.tuples(*2 * [st.sampled_from([0.05, 0.1, 0.2, 0.5, math.nan])], st.sampled_from([0.01, 0.3, 0.9])),
        min_size=1,
        max_size=25,
    ),
    st.builds(StopWhen, st.booleans(), st.integers(0, 4), st.integers(0, 4)),
)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_rule_counts_the_classes_of_the_tag_and_no_test_error(epochs: list[Any], rules: StopWhen) -> None:
    tracker, blind = (offline(stop_when=rules) for _ in range(2))
    enough = {"diverged": 3 * rules.diverged, "not_learning": rules.not_learning, "overtrained": rules.overtrained}
    curves: list[str] = []
    for epoch, (train, dev, test) in enumerate(epochs):
        for one in (tracker, blind):
            one.log_weights(checkpoints=dict.fromkeys(range(epoch), "some.ckpt"), has_checkpoints=True)
            one.log_epoch(epoch, train_error=train, dev_error=dev, test_error=test if one is tracker else None)
        verdict = tracker._logbook.ledger.verdict
        assert verdict is not None
        curves.append(verdict.curve or "")
        n = enough.get(curves[-1], 0)
        is_due = n > 0 and curves[-n:] == [curves[-1]] * n and (epoch >= 5 or curves[-1] == "diverged")

        assert (tracker.stop_reason is not None) <= is_due
        assert (tracker.stop_reason is None) <= (not is_due or curves[-1] != "diverged")
        assert tracker.stop_reason == blind.stop_reason


def test_a_resumed_training_goes_on_counting_and_one_that_was_stopped_begins_anew(tmp_path: Path) -> None:
    def resumed(n: int) -> Tracker:
        first = offline(run_id="1" * 32, tracking_uri="sqlite:///a.db", stop_when=StopWhen(overtrained=3))
        first.log_weights(checkpoints={2: "best.ckpt"}, has_checkpoints=True)
        log(first, FALLING[:n], OVERTRAINED[:n])
        state = json.loads(json.dumps(first.state()))
        return offline(run_id="1" * 32, tracking_uri="sqlite:///a.db", stop_when=StopWhen(overtrained=3), resume=state)

    def asked(tracker: Tracker, first: int) -> list[int]:
        found = []
        for epoch in range(first, 10):
            tracker.log_epoch(epoch, train_error=FALLING[epoch], dev_error=OVERTRAINED[epoch], n_dev=N_DEV)
            found += [epoch] if tracker.stop_reason else []
        return found

    assert asked(resumed(6), 6) == [6, 7, 8, 9]
    assert asked(resumed(7), 7) == [9]


def test_a_state_is_the_same_as_ever_where_nothing_is_to_be_stopped() -> None:
    assert offline().state().keys() == offline(stop_when=StopWhen()).state().keys()


def test_the_run_of_a_stopped_training_is_complete_and_says_why(store: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "bvtrack")
    with Tracker(tracking_uri=store, stop_when=StopWhen(overtrained=3)) as tracker:
        tracker.log_weights(checkpoints={2: "models/epoch=2.ckpt"}, has_checkpoints=True)
        for epoch, error in enumerate(OVERTRAINED):
            tracker.log_epoch(epoch, train_error=FALLING[epoch], dev_error=error, n_dev=N_DEV)
            if tracker.stop_reason:
                break
    why = "stopped after epoch 6: overtrained for 3 epochs in a row; epoch 2, the best on dev, is kept in epoch=2.ckpt"
    client = MlflowClient(store)
    run = client.get_run(str(tracker.run_id))
    content = json.loads(Path(client.download_artifacts(run.info.run_id, "bvtrack/diagnosis.json")).read_text())

    assert (run.info.status, run.data.tags["bvtrack.state"]) == ("FINISHED", "complete")
    assert content["stopped"] == why
    assert "**Stopped** after epoch 6: overtrained for 3 epochs" in run.data.tags["mlflow.note.content"]
    assert f"<p>The training was {why}.</p>" in make_report(run.info.run_id, tracking_uri=store).html()
    assert [message for message in caplog.messages if "topped after" in message] == [f"bvtrack: S{why[1:]}."]


@pytest.mark.parametrize("state", ["complete", "failed"])
def test_a_training_that_went_on_or_failed_was_not_stopped(state: Any, journals: Path, said: list[str]) -> None:
    tracker = Tracker(tracking_uri="sqlite:///mlflow.db", stop_when=StopWhen(diverged=True))
    assert log(tracker, [0.3, *[math.nan] * 3], [0.3, *[math.nan] * 3]) == [3]
    if state == "complete":
        tracker.log_epoch(4, train_error=0.2, dev_error=0.2)
    tracker.close(state)

    assert "stopped" not in read_run(journals).records[-1]
    said.clear()  # that errors must be finite


class Scripted(Training):
    """A framework that logs errors by a script, saves a checkpoint of the epochs `kept`, and has `n_processes`."""

    def __init__(self, kept: Mapping[int, str]) -> None:
        self.epoch = -1
        self.kept = kept
        self.reasons: list[tuple[int, str]] = []
        self.asked: list[int] = []

    def model_facts(self) -> ModelFacts:
        return ModelFacts()

    def splits(self) -> Mapping[str, SplitSource]:
        return {}

    def logged(self) -> Logged:
        accuracy, dev = 1 - FALLING[self.epoch], 1 - OVERTRAINED[self.epoch]
        return Logged({"accuracy": accuracy}, {"val_accuracy": dev}, n_dev=N_DEV)

    def sets(self, measure: Measure | None) -> Sequence[SetName]:
        return []

    def evaluate(self, name: SetName, measure: Measure | None, budget: TimeBudget) -> Pass:
        raise NotImplementedError

    def marks_of_weights(self) -> Sequence[str]:
        return [f"weights {self.epoch}"]

    def checkpoints(self) -> Mapping[str, str]:
        return {path: f"weights {epoch}" for epoch, path in self.kept.items() if epoch <= self.epoch}

    def expose(self, metrics: Mapping[str, float]) -> None:
        raise NotImplementedError

    def agreed(self, reason: str | None) -> str | None:
        self.asked.append(self.epoch)
        return reason

    def stop(self, reason: str) -> None:
        self.reasons.append((self.epoch, reason))


def scripted(kept: Mapping[int, str], **options: Any) -> Scripted:
    training = Scripted(kept)
    session = Session(training, CallbackOptions(tracking_uri="sqlite:///mlflow.db", **options))
    session.begin()
    for epoch in range(len(OVERTRAINED)):
        training.epoch = epoch
        session.begin_epoch()
        session.end_epoch(epoch)
        if training.reasons:
            break
    session.end("complete")
    return training


def test_any_framework_is_asked_to_stop_once_all_processes_agree(journals: Path, tmp_path: Path) -> None:
    (tmp_path / "best.ckpt").touch()
    training = scripted({2: str(tmp_path / "best.ckpt")}, stop_when=StopWhen(overtrained=2))

    ((epoch, reason),) = training.reasons
    assert epoch == 5  # the first of which the warm-up allows it
    assert reason.endswith("overtrained for 2 epochs in a row; epoch 2, the best on dev, is kept in best.ckpt")
    assert training.asked == [*range(6)]
    assert read_run(journals).records[-1]["stopped"] == reason


def test_a_checkpoint_that_is_gone_keeps_nothing(journals: Path, tmp_path: Path, said: list[str]) -> None:
    training = scripted({2: str(tmp_path / "gone.ckpt")}, stop_when=StopWhen(overtrained=2))

    assert training.reasons == []
    assert "no checkpoint is known of epoch 2" in said.pop()


def test_a_framework_is_not_asked_where_nothing_is_to_be_stopped(journals: Path) -> None:
    assert scripted({}).asked == []


class Script(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
    """Stands before ours and writes the script's accuracies into the logs."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs |= {"accuracy": 1 - FALLING[epoch], "val_accuracy": 1 - OVERTRAINED[epoch]}


@pytest.fixture
def no_store(journals: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
    return journals


def keras_fit(*callbacks: Any, epochs: int = 10) -> Any:
    x, y = (np.concatenate([part] * 4) for part in DEV)  # so many that 0.1 and 0.2 are told apart
    return net().fit(*TRAIN, epochs=epochs, validation_data=(x, y), verbose=0, callbacks=[Script(), *callbacks])


def keras_callback(**options: Any) -> bvtrack_keras.BiasVarianceCallback:
    return bvtrack_keras.BiasVarianceCallback(**{"train_eval": "running", "stop_when": StopWhen(overtrained=2), **options})


def test_keras_stops_as_if_it_had_been_told_so_many_epochs(no_store: Path) -> None:
    keeper = keras.callbacks.ModelCheckpoint("best.weights.h5", "val_accuracy", save_best_only=True, save_weights_only=True)
    history = keras_fit(keeper, keras_callback())

    assert_same_training(history, keras_fit(epochs=6))
    assert read_run(no_store).records[-1]["stopped"].endswith("is kept in best.weights.h5")


def test_keras_stops_where_its_early_stopping_puts_the_best_weights_back(no_store: Path) -> None:
    patient = keras.callbacks.EarlyStopping("val_accuracy", patience=100, restore_best_weights=True)
    history = keras_fit(keras_callback(), patient)

    assert len(history.epoch) == 6
    for weight, of_best in zip(history.model.get_weights(), keras_fit(epochs=3).model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, of_best)
    assert read_run(no_store).records[-1]["stopped"].endswith("epoch 2, the best on dev, is what the model is left with")


def test_keras_goes_on_where_the_best_weights_are_lost_and_is_left_as_it_was(no_store: Path, said: list[str]) -> None:
    assert_same_training(keras_fit(keras_callback()), keras_fit())
    assert "goes on, for no checkpoint is known of epoch 2" in said.pop()


class ScriptedNet(lightning.LightningModule):
    """Logs accuracies by the script: the first input says whether an example is of dev."""

    def __init__(self, dev: Sequence[float] = OVERTRAINED) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.dev = dev

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        return nn.functional.cross_entropy(self.layer(batch[0]), batch[1])

    def validation_step(self, batch: Any, batch_index: int) -> None:
        errors = self.dev if batch[0][0, 0] else FALLING
        self.log("val_acc", 1 - errors[self.current_epoch], batch_size=len(batch[0]))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def examples(n: int, *, is_dev: bool) -> TensorDataset:
    x = torch.randn(n, 2, generator=torch.Generator().manual_seed(n))
    x[:, 0] = float(is_dev)
    return TensorDataset(x, (x[:, 1] > 0).long())


def keeping(folder: Path) -> ModelCheckpoint:
    return ModelCheckpoint(folder / "kept", monitor="val_acc", mode="max", save_top_k=-1, save_last=True)


def lightning_fit(*callbacks: Any, module: Any = None, ckpt_path: Any = None, **options: Any) -> lightning.Trainer:
    quiet = {"accelerator": "cpu", "logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    lightning.seed_everything(0, verbose=False)
    trainer = lightning.Trainer(callbacks=list(callbacks), **{**quiet, "max_epochs": 10, **options})
    train, dev = DataLoader(examples(40, is_dev=False), 20), DataLoader(examples(N_DEV, is_dev=True), 200)
    trainer.fit(module or ScriptedNet(), train, dev, ckpt_path=ckpt_path)
    return trainer


def lightning_callback(**options: Any) -> bvtrack_lightning.BiasVarianceCallback:
    return bvtrack_lightning.BiasVarianceCallback(**{"stop_when": StopWhen(overtrained=2), **options})


def assert_same_weights(trainer: lightning.Trainer, other: lightning.Trainer) -> None:
    for one, two in zip(trainer.lightning_module.parameters(), other.lightning_module.parameters(), strict=True):
        assert torch.equal(one, two)


def test_lightning_stops_as_if_it_had_been_told_so_many_epochs_and_goes_on_when_resumed(no_store: Path, tmp_path: Path) -> None:
    trainer = lightning_fit(lightning_callback(), keeping(tmp_path))

    assert trainer.current_epoch == 6
    assert_same_weights(trainer, lightning_fit(enable_checkpointing=False, max_epochs=6))
    assert (
        read_run(no_store)
        .records[-1]["stopped"]
        .startswith("stopped after epoch 5: overtrained for 2 epochs in a row; epoch 2")
    )
    resumed = lightning_fit(lightning_callback(), keeping(tmp_path), ckpt_path=tmp_path / "kept" / "last.ckpt")
    assert resumed.current_epoch == 8  # for two epochs in a row since


@pytest.mark.parametrize(("options", "n"), [({"min_epochs": 8}, 8), ({"min_steps": 14}, 7), ({}, 6)])
def test_lightning_trains_its_fewest_epochs_and_steps_all_the_same(
    options: Any, n: int, no_store: Path, tmp_path: Path
) -> None:
    assert lightning_fit(lightning_callback(), keeping(tmp_path), **options).current_epoch == n
    assert read_run(no_store).records[-1]["stopped"].startswith(f"stopped after epoch {n - 1}: overtrained")


def test_lightning_goes_on_where_the_errors_have_come_down_before_its_fewest_epochs_are_over(
    no_store: Path, tmp_path: Path
) -> None:
    module = ScriptedNet([*OVERTRAINED[:6], *[0.05] * 4])

    assert lightning_fit(lightning_callback(), keeping(tmp_path), module=module, min_epochs=7).current_epoch == 10


def test_lightning_goes_on_where_only_the_last_weights_are_kept(no_store: Path, tmp_path: Path, said: list[str]) -> None:
    trainer = lightning_fit(lightning_callback(), ModelCheckpoint(tmp_path / "kept"))

    assert trainer.current_epoch == 10
    assert_same_weights(trainer, lightning_fit(enable_checkpointing=False))
    assert "goes on, for no checkpoint is known of epoch 2" in said.pop()


def test_lightning_stops_a_diverged_training_that_keeps_no_weights(no_store: Path, said: list[str]) -> None:
    module = ScriptedNet([0.3, 0.2, *[math.nan] * 8])

    assert lightning_fit(lightning_callback(stop_when=StopWhen(diverged=True)), module=module).current_epoch == 5
    assert "must be a finite number" in said.pop()


def test_a_trial_of_lightning_is_not_stopped(no_store: Path) -> None:
    assert lightning_fit(lightning_callback(stop_when=StopWhen(diverged=True)), fast_dev_run=3).global_step == 2


def test_all_processes_stop_after_the_same_epoch(tmp_path: Path, empty_store: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(empty_store.read_bytes())
    command = [sys.executable, "-W", "ignore", str(Path(__file__).parent / "stopped_processes.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)

    assert done.returncode == 0, done.stderr
    assert {path.name: json.loads(path.read_text()) for path in tmp_path.glob("rank*.json")} == {
        "rank0.json": 6,
        "rank1.json": 6,
    }
    assert done.stderr.count("Stopped after epoch 5: overtrained for 2 epochs in a row; epoch 2") == 1

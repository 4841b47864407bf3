"""One callback object in several fits: each that is no resume is a run of its own, and each run ends as its training does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import optuna
import pytest
import torch
from lightning.pytorch.callbacks import BatchSizeFinder, LearningRateFinder, ModelCheckpoint
from lightning.pytorch.tuner.tuning import Tuner
from small_nets import Net, fit, new_trainer, points, runs, tracked

from bvtrack import Tracker
from bvtrack.adapters import Session
from bvtrack_lightning import BiasVarianceCallback
from bvtrack_lightning.training import LightningTraining

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning warns of workers, versions and its own future

Send = Callable[[], None]


@pytest.fixture(autouse=True)
def here(store: str, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)


def rate_finder() -> LearningRateFinder:
    return LearningRateFinder(num_training_steps=8)


def size_finder() -> BatchSizeFinder:
    return BatchSizeFinder(max_trials=2, steps_per_trial=1, init_val=10)


def a_trainer_each(ours: BiasVarianceCallback, finders: Any) -> None:
    for _ in range(2):
        fit(Net(), *finders(), ours, max_epochs=2, enable_checkpointing=True)


def tuned_first(ours: BiasVarianceCallback, finders: Any) -> None:
    for _ in range(2):
        trainer, net = new_trainer(ours, max_epochs=2), Net()
        Tuner(trainer).lr_find(net, num_training=8)
        Tuner(trainer).scale_batch_size(net, max_trials=2, init_val=10, steps_per_trial=1)
        trainer.fit(net)


def in_a_study(ours: BiasVarianceCallback, finders: Any) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def train(trial: optuna.Trial) -> float:
        trainer = fit(Net(), *finders(), ours, max_epochs=2)
        return float(trainer.callback_metrics["val_acc"])

    optuna.create_study().optimize(train, n_trials=2)


@pytest.mark.parametrize(
    "finders", [tuple, lambda: (rate_finder(),), lambda: (size_finder(),), lambda: (rate_finder(), size_finder())]
)
@pytest.mark.parametrize("fits", [a_trainer_each, tuned_first, in_a_study])
def test_fits_that_resume_nothing_are_a_run_each(fits: Any, finders: Any, store: str, send: Send) -> None:
    if fits is tuned_first and finders is not tuple:
        pytest.skip("the Tuner adds its own")
    fits(tracked(), finders)
    send()
    found = runs(store)

    assert [[step for step, _ in points(store, run, "dev_error")] for run in found] == [[0, 1], [0, 1]]
    assert {(run.data.tags["bvtrack.state"], run.info.status) for run in found} == {("complete", "FINISHED")}


@pytest.mark.parametrize("finder", [rate_finder, size_finder])
@pytest.mark.parametrize("is_same_object", [True, False])
def test_a_resume_goes_on_in_its_run_also_with_a_finder(finder: Any, is_same_object: bool, store: str, send: Send) -> None:
    first = tracked()
    fit(Net(), first, ModelCheckpoint("kept", filename="last"), max_epochs=2, enable_checkpointing=True)
    fit(Net(), first, max_epochs=1)  # another in between
    second = first if is_same_object else tracked()
    fit(Net(), finder(), second, max_epochs=4, enable_checkpointing=True, ckpt_path="kept/last.ckpt")
    send()
    found = [{step for step, _ in points(store, run, "dev_error")} for run in runs(store)]

    assert sorted(found, key=len) == [{0}, {0, 1, 2, 3}]  # with a finder Lightning itself begins again at epoch 0


def test_fits_in_a_run_of_the_users_own_stay_there(store: str, send: Send) -> None:
    mlflow.set_tracking_uri(store)
    ours = tracked()
    with mlflow.start_run():
        fit(Net(), rate_finder(), ours, max_epochs=1)
        fit(Net(), rate_finder(), ours, max_epochs=1)
    send()

    assert len(runs(store)) == 1


def test_a_fit_that_another_failed_before_is_a_run_of_its_own(store: str, send: Send) -> None:
    class Fails(Net):
        def on_train_epoch_start(self) -> None:
            if self.current_epoch == 1:
                raise RuntimeError("out of memory")

    ours = tracked()
    with pytest.raises(RuntimeError, match="out of memory"):
        fit(Fails(), ours)
    fit(Net(), rate_finder(), ours)
    send()

    assert [run.data.tags["bvtrack.state"] for run in runs(store)] == ["failed", "complete"]


def test_a_checkpoint_that_is_saved_before_the_training_has_no_run(store: str, send: Send, tmp_path: Path) -> None:
    class Saves(Net):
        def on_fit_start(self) -> None:
            self.trainer.save_checkpoint(tmp_path / "early.ckpt")

    ours = tracked()
    fit(Net(), ours, max_epochs=1)
    fit(Saves(), ours, max_epochs=1)

    assert "bvtrack" not in torch.load(tmp_path / "early.ckpt", weights_only=False)


BROKEN = [
    (BiasVarianceCallback, "_has_twin"),
    (BiasVarianceCallback, "_tracker_for"),
    (BiasVarianceCallback, "_open"),
    (BiasVarianceCallback, "_check"),
    (LightningTraining, "__init__"),
    (LightningTraining, "model_facts"),
    (LightningTraining, "monitors"),
    (LightningTraining, "splits"),
    (LightningTraining, "sets"),
    (LightningTraining, "begin_epoch"),
    (LightningTraining, "read"),
    (LightningTraining, "end_validation"),
    (LightningTraining, "is_over"),
    (LightningTraining, "marks_of_weights"),
    (Session, "__init__"),
    (Session, "begin"),
    (Session, "begin_epoch"),
    (Session, "measure_sets"),
    (Session, "close_epoch"),
    (Session, "log_epoch"),
    (Session, "_check_split"),
    (Tracker, "log_model"),
    (Tracker, "log_split"),
    (Tracker, "log_epoch"),
    (Tracker, "choose_measure"),
]


@pytest.mark.parametrize(("owner", "name"), BROKEN, ids=lambda part: getattr(part, "__name__", part))
def test_whatever_fails_in_the_callback_a_training_that_completed_is_no_run_or_a_complete_one(
    owner: Any, name: str, store: str, send: Send, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise OSError("broken on purpose")

    monkeypatch.setattr(owner, name, fails)
    ours = tracked()
    trainer = fit(Net(), ours, max_epochs=2)
    send()
    said.clear()

    assert trainer.current_epoch == 2
    assert {(run.data.tags["bvtrack.state"], run.info.status) for run in runs(store)} <= {("complete", "FINISHED")}
    if name in {"model_facts", "monitors", "splits", "begin", "_open", "_check", "log_model", "log_split", "marks_of_weights"}:
        assert [step for step, _ in points(store, runs(store)[0], "dev_error")] == [0, 1]

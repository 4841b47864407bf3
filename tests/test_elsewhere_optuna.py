"""Studies of Optuna: a run for each trial, its own numbers, in one thread, in several, and in several processes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from servers import wait_until

import bvtrack
from bvtrack.journal.folder import unsent_journals
from bvtrack.journal.journal_dir import default_journal_dir

optuna = pytest.importorskip("optuna")

Send = Callable[[], None]
N_EPOCHS = 3


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("BVTRACK_REPORT", "0")  # of dozens of runs
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


def dev_error(number: int, epoch: int) -> float:
    """Of a trial, unlike that of any other."""
    return 0.4 - 0.01 * number - 0.001 * epoch


def train(number: int, **options: Any) -> float:
    """A training whose numbers tell which trial it is of."""
    with bvtrack.Tracker(run_name=f"trial {number}", summary=False, **options) as tracker:
        tracker.log_split(train=5000 + number, dev=2000)
        for epoch in range(N_EPOCHS):
            tracker.log_epoch(epoch, train_error=0.01, dev_error=dev_error(number, epoch))
    assert tracker.diagnosis is not None
    return tracker.diagnosis.errors["dev"]


def runs_of(store: str) -> dict[str, Run]:
    found = {str(run.info.run_name): run for run in MlflowClient(store).search_runs(["0"])}
    assert len(found) == len(MlflowClient(store).search_runs(["0"]))
    return found


def assert_right(store: str, run: Run, number: int) -> None:
    points = MlflowClient(store).get_metric_history(run.info.run_id, "bvtrack/dev_error")
    expected: list[Any] = [(epoch, pytest.approx(dev_error(number, epoch), abs=1e-7)) for epoch in range(N_EPOCHS)]
    assert [(point.step, point.value) for point in points] == expected
    assert json.loads(run.data.tags["bvtrack.gaps"])["n"]["train"] == 5000 + number
    assert (run.info.status, run.data.tags["bvtrack.diagnosis"]) == ("FINISHED", "high_variance")


@pytest.mark.parametrize(("n_trials", "n_jobs"), [(20, 1), (20, 4)])
def test_each_trial_is_a_run_with_its_own_numbers(n_trials: int, n_jobs: int, store: str, send: Send) -> None:
    study = optuna.create_study()
    study.optimize(lambda trial: train(trial.number, tracking_uri=store), n_trials=n_trials, n_jobs=n_jobs)
    send()
    runs = runs_of(store)

    assert runs.keys() == {f"trial {number}" for number in range(n_trials)}
    for number in range(n_trials):
        assert_right(store, runs[f"trial {number}"], number)
    assert study.best_trial.number == n_trials - 1


def test_trials_in_threads_write_each_to_the_run_that_its_thread_has_opened(store: str, send: Send) -> None:
    mlflow.set_tracking_uri(store)

    def objective(trial: Any) -> float:
        has_run = trial.number % 2 == 0  # the others have one of their own
        with mlflow.start_run(run_name=f"trial {trial.number}") if has_run else contextlib.nullcontext():
            return train(trial.number)

    optuna.create_study().optimize(objective, n_trials=8, n_jobs=4)
    send()
    runs = runs_of(store)

    assert runs.keys() == {f"trial {number}" for number in range(8)}
    for number in range(8):
        assert_right(store, runs[f"trial {number}"], number)


PROCESS = """
import sys
import optuna
from test_elsewhere_optuna import train
storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend("study.log"))
study = optuna.create_study(study_name="study", storage=storage, load_if_exists=True)
study.optimize(lambda trial: train(trial.number, tracking_uri=sys.argv[1]), n_trials=2)
"""


def test_four_processes_of_one_study_have_a_run_for_each_trial(store: str) -> None:
    command = [sys.executable, "-W", "ignore", "-c", PROCESS, store]
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    processes = [subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}) for _ in range(4)]

    assert [process.wait(timeout=1200) for process in processes] == [0, 0, 0, 0]
    wait_until(lambda: not unsent_journals(default_journal_dir()))
    runs = runs_of(store)
    assert runs.keys() == {f"trial {number}" for number in range(8)}
    for number in range(8):
        assert_right(store, runs[f"trial {number}"], number)


@pytest.mark.filterwarnings("ignore")  # Lightning's own, of its loaders and of torch
def test_a_trial_that_is_pruned_by_its_exposed_variance_says_so(store: str, send: Send) -> None:
    import lightning.pytorch as lightning
    from small_nets import Net, tracked

    class Prune(lightning.Callback):
        def __init__(self, trial: Any) -> None:
            self.trial = trial

        def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
            self.trial.report(float(trainer.callback_metrics["bvtrack/variance"]), trainer.current_epoch)
            if self.trial.should_prune():
                raise optuna.TrialPruned

    def objective(trial: Any) -> float:
        lightning.seed_everything(0, verbose=False)
        callback = tracked(tracking_uri=store, expose=True, run_name=f"trial {trial.number}")
        trainer = lightning.Trainer(
            max_epochs=6,
            callbacks=[callback, Prune(trial)],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            accelerator="cpu",
        )
        net = Net()
        net.lr = trial.suggest_categorical("lr", [0.1, 0.2])
        trainer.fit(net)
        assert callback.tracker is not None
        assert callback.tracker.diagnosis is not None
        return callback.tracker.diagnosis.errors["dev"]

    study = optuna.create_study(
        sampler=optuna.samplers.GridSampler({"lr": [0.1, 0.2]}, seed=0),
        pruner=optuna.pruners.ThresholdPruner(upper=0.17, n_warmup_steps=2),
    )
    study.optimize(objective)
    send()
    runs = runs_of(store)

    assert runs.keys() == {"trial 0", "trial 1"}
    assert sorted(trial.state.name for trial in study.trials) == ["COMPLETE", "PRUNED"]
    for trial in study.trials:
        run = runs[f"trial {trial.number}"]
        assert run.info.status == "FINISHED"
        assert run.data.tags["bvtrack.state"] == trial.state.name.lower()
        told = MlflowClient(store).get_metric_history(run.info.run_id, "bvtrack/variance")
        assert {point.step: point.value for point in told} == pytest.approx(trial.intermediate_values, abs=1e-6)
    best = bvtrack.show(runs[f"trial {study.best_trial.number}"].info.run_id, tracking_uri=store)
    dev = best["evidence"]["errors"]["dev"]
    assert dev["low"] < study.best_value < dev["high"]

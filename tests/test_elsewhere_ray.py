"""Trainings in Ray's workers, whose working directory is another: one run for each, in the store of the driver."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from servers import wait_until

import bvtrack
from bvtrack.journal.folder import unsent_journals

ray = pytest.importorskip("ray", reason="ray is not installed")
pytest.importorskip("tensorboardX", reason="ray[tune] is not installed")
pytest.importorskip("lightning")

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own, of its settings and of pandas
N_EPOCHS = 4


@pytest.fixture(scope="module")
def place(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The working directory of the driver, with its store and journals, and a local Ray whose workers find these tests."""
    folder = tmp_path_factory.mktemp("driver")
    patch = pytest.MonkeyPatch()
    patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    patch.setenv("BVTRACK_JOURNAL_DIR", str(folder / "journals"))
    patch.setenv("BVTRACK_SUMMARY", "0")
    patch.setenv("RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S", "240")  # on a machine that is busy
    patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), *sys.path]))
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    (folder / "mlflow.db").write_bytes(empty_store.read_bytes())
    yield folder
    ray.shutdown()
    patch.undo()


@pytest.fixture
def store(place: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The driver's store, without runs; its address is absolute, its file is in the working directory."""
    monkeypatch.chdir(place)
    with closing(sqlite3.connect("mlflow.db")) as database, database:
        database.execute("UPDATE experiments SET artifact_location = ?", (f"{place}/mlruns/0",))
    client = MlflowClient(f"sqlite:///{place}/mlflow.db")
    for run in client.search_runs(["0"]):
        client.delete_run(run.info.run_id)
    return f"sqlite:///{place}/mlflow.db"


def runs_of(store: str, place: Path) -> list[Run]:
    """Once all has been sent; there is no other store in any worker's folder."""
    wait_until(lambda: not unsent_journals(place / "journals"))
    assert [*place.rglob("mlflow.db")] == [place / "mlflow.db"]
    return list(MlflowClient(store).search_runs(["0"]))


def curve(store: str, run: Run, name: str) -> list[float]:
    points = MlflowClient(store).get_metric_history(run.info.run_id, f"bvtrack/{name}")
    assert [point.step for point in points] == [*range(len(points))]
    return [point.value for point in points]


def test_gaps_that_are_exposed_are_reported_and_trials_that_the_scheduler_stops_end_as_interrupted(
    store: str, place: Path
) -> None:
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler
    from small_nets import tracked

    callback = tracked(tracking_uri="sqlite:///mlflow.db", expose=True)  # made in the driver's folder, copied to each trial

    def train(config: Mapping[str, Any]) -> None:
        import lightning.pytorch as lightning
        from ray.tune.integration.pytorch_lightning import TuneReportCheckpointCallback
        from small_nets import Net

        lightning.seed_everything(0, verbose=False)
        exposed = {name: f"bvtrack/{name}" for name in ("train_error", "dev_error", "variance")}
        report = TuneReportCheckpointCallback(exposed, save_checkpoints=False, on="train_epoch_end")
        net = Net()
        net.lr = config["lr"]
        trainer = lightning.Trainer(
            max_epochs=N_EPOCHS,
            callbacks=[callback, report],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            accelerator="cpu",
        )
        trainer.fit(net)

    tuner = tune.Tuner(
        train,
        param_space={"lr": tune.grid_search([0.2, 1e-6, 2e-6])},
        tune_config=tune.TuneConfig(
            metric="dev_error",
            mode="min",
            max_concurrent_trials=1,  # so that the first has reached its second epoch when the others do
            scheduler=ASHAScheduler(grace_period=2, max_t=100, reduction_factor=2),
        ),
        run_config=tune.RunConfig(storage_path=str(place / "results"), verbose=0),
    )
    results: Any = tuner.fit()
    tables = [result.metrics_dataframe for result in results]
    runs = runs_of(store, place)
    stored = {
        "variance": sorted(curve(store, run, "variance") for run in runs),
        "dev_error": sorted(curve(store, run, "dev_error") for run in runs),
    }

    assert results.num_errors == 0
    for name, curves in stored.items():
        reported = sorted([*map(float, table[name])] for table in tables)
        assert [pytest.approx(one, abs=1e-6) for one in reported] == curves
    ends = sorted((len(curve(store, run, "dev_error")), run.info.status, run.data.tags["bvtrack.state"]) for run in runs)
    assert ends == [(2, "KILLED", "interrupted"), (2, "KILLED", "interrupted"), (N_EPOCHS, "FINISHED", "complete")]


def test_workers_that_train_one_model_have_one_run_with_the_errors_of_all(store: str, place: Path) -> None:
    from accelerate_training import SIZES
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    def train(config: Mapping[str, Any]) -> None:
        import torch
        from accelerate_training import n_wrong, new_net, split
        from ray.train import get_context
        from ray.train.torch import prepare_data_loader, prepare_model
        from torch.utils.data import DataLoader

        torch.manual_seed(0)
        net: Any = prepare_model(new_net())
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        loader = prepare_data_loader(DataLoader(split("train"), 16, shuffle=True))
        is_writer = get_context().get_world_rank() == 0
        with bvtrack.Tracker(tracking_uri=store, enabled=is_writer) as tracker:
            tracker.log_split(**SIZES)
            for epoch in range(2):
                for x, y in loader:
                    optimizer.zero_grad()
                    loss: Any = torch.nn.functional.cross_entropy(net(x), y)
                    loss.backward()
                    optimizer.step()
                errors: dict[str, Any] = {f"{name}_error": n_wrong(net.module, name) / n for name, n in SIZES.items()}
                tracker.log_epoch(epoch, **errors)
                net.train()
            if is_writer:
                torch.save(net.module.state_dict(), f"{config['place']}/weights.pt")
                Path(f"{config['place']}/cwd").write_text(str(Path.cwd()))

    TorchTrainer(
        train,
        train_loop_config={"place": str(place)},
        torch_config=TorchConfig(backend="gloo"),
        scaling_config=ScalingConfig(num_workers=2),
        run_config=RunConfig(storage_path=str(place / "results")),
    ).fit()
    import torch
    from accelerate_training import n_wrong, new_net

    net = new_net()
    net.load_state_dict(torch.load(place / "weights.pt"))
    (run,) = runs_of(store, place)

    assert (place / "cwd").read_text() != str(place)
    for name, n in SIZES.items():
        assert curve(store, run, f"{name}_error")[1:] == [pytest.approx(n_wrong(net, name) / n, abs=1e-6)]
    assert (run.info.status, run.data.tags["bvtrack.state"]) == ("FINISHED", "complete")


def test_a_tracker_that_is_sent_to_a_worker_writes_nothing_and_says_why(store: str, place: Path) -> None:
    """Nor does the run that the driver goes on with have any point of it."""
    tracker = bvtrack.Tracker(tracking_uri=store)
    tracker.log_epoch(0, train_error=0.01, dev_error=0.11)

    def log(tracker: bvtrack.Tracker) -> list[str]:
        import logging

        said: list[str] = []

        class Keeper(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                said.append(record.getMessage())

        logging.getLogger("bvtrack").addHandler(Keeper())
        tracker.log_epoch(1, train_error=0.5, dev_error=0.5)
        tracker.close()
        return said

    (said,) = ray.get(ray.remote(log).remote(tracker))
    tracker.log_epoch(1, train_error=0.01, dev_error=0.12)
    tracker.close()
    (run,) = runs_of(store, place)

    assert said.startswith("bvtrack: the Tracker is a copy of another; a run has one writer")
    assert curve(store, run, "dev_error") == pytest.approx([0.11, 0.12])

"""Writes the files beside it, as trainings, an audit and a profile leave them.

They were made at commit fe3c8f0 (version 0.1.0, journals of format 2) and stay as they were written then: made anew by later
code they would show nothing. This script reaches into that version, and no later one has to be able to run it:

    git worktree add before fe3c8f0 && cd before && python WHERE/make.py FOLDER
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import bvtrack

STORE = "http://127.0.0.1:9"
"""Where none of them was sent."""
EXPERIMENT = "before"
TRACKED = [(0.30, 0.40, 0.41), (0.10, 0.25, 0.27), (0.02, 0.20, 0.23)]
"""Train, dev and test error by epoch."""
LONG = [round(0.5 * 0.98**epoch, 4) for epoch in range(60)]
"""The dev errors of a training of which most had been sent."""
GROUPS = np.repeat(np.arange(20), 6)


def main(folder: Path) -> None:
    """Write all files into a folder, from a passing one with a store."""
    folder = folder.absolute()
    sys.argv[0], os.environ["LOGNAME"] = "train.py", "ada"
    platform.node = lambda: "laptop"
    os.environ["KERAS_BACKEND"] = "torch"
    importlib.import_module("bvtrack.tracking.outbox").ShipperProcess = Idle  # type: ignore[attr-defined]  # of that version
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        os.environ["BVTRACK_JOURNAL_DIR"] = f"{place}/journals"
        tracked()
        resumed()
        trial()
        folded()
        write(folder / "lightning_checkpoint.json", lightning())
        (folder / "keras_backup.json").write_text(keras())
        write(folder / "profile.json", a_profile().to_json())
        store = f"sqlite:///{place}/mlflow.db"
        shutil.copytree("journals", folder / "journals")
        sent(store, folder)
        audited(store, folder)


class Idle:
    """Stands where a process would send a journal."""

    has_ended = False

    def __init__(self, journal: Path, tracking_uri: str) -> None:
        self.progress = importlib.import_module("bvtrack.shipping.progress").Progress()

    def close(self, timeout: float) -> bool:
        """Leaves it where it is."""
        return False


def write(path: Path, content: Any) -> None:
    """Write JSON, a key a line as far as it is outermost."""
    path.write_text("{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(content[key])}" for key in content) + "\n}\n")


def split(n: int, seed: int, by: float = 0.0) -> tuple[Any, Any]:
    """A feature, moved by something, and classes that go with it as a rule."""
    rng = np.random.default_rng(seed)
    x = rng.normal(by, 1, size=(n, 1)).astype("float32")
    return x, (x[:, 0] + rng.normal(size=n) > by).astype("int64")


def tracked() -> None:
    """A training with all that can be logged, whose dev set is drawn otherwise and shares examples with the train set."""
    train, dev = split(240, 0), split(80, 1, by=2.0)
    dev[0][:9] = train[0][:9]
    model = bvtrack.ModelFacts(parameters=42, optimizer="Adam", learning_rate=0.001, dropout=0.5, augmentation=False)
    with bvtrack.Tracker(
        tracking_uri=STORE, run_name="tracked", experiment=EXPERIMENT, human_error=0.01, measure="val_acc"
    ) as tracker:
        tracker.log_split(train=train, dev=dev, test=split(80, 2), monitors=["test_acc"])
        tracker.log_model(model)
        for epoch, (train_error, dev_error, test_error) in enumerate(TRACKED):
            tracker.log_epoch(
                epoch,
                train_error=train_error,
                dev_error=dev_error,
                test_error=test_error,
                n_train=100,
                n_dev=100,
                n_test=100,
                train_error_running=train_error + 0.01,
            )
        outputs = (np.random.default_rng(seed).normal(move, 1, size=(500, 2)) for seed, move in ((3, 0.0), (4, 1.0)))
        tracker.log_outputs(**dict(zip(("dev", "test"), outputs, strict=True)))


def resumed() -> None:
    """A training that goes on with one that was interrupted, in units, whose test error came later."""
    measure = bvtrack.Measure("val_rmse", higher_is_better=False, scale=4.0)
    about: dict[str, Any] = {
        "tracking_uri": STORE,
        "run_name": "resumed",
        "experiment": EXPERIMENT,
        "measure": measure,
        "at": "last",
    }
    first = bvtrack.Tracker(**about)
    for epoch in range(2):
        first.log_epoch(epoch, train_error=1.0, dev_error=2.0, intervals={"dev": (1.8, 2.2)})
    first.close("interrupted")
    time.sleep(1)  # no training goes on within a millisecond
    with bvtrack.Tracker(**about, resume=json.loads(json.dumps(first.state()))) as second:
        second.log_epoch(2, train_error=0.4, dev_error=1.6, intervals={"dev": (1.4, 1.8)})
        second.log_test(2.4, interval=(2.2, 2.6))


def trial() -> None:
    """A run that says nothing of bias or variance."""
    with bvtrack.Tracker(tracking_uri=STORE, run_name="trial", experiment=EXPERIMENT) as tracker:
        tracker.log_not_applicable()


def folded() -> None:
    """A training of which most had been sent, so that its journal keeps that in short."""
    journal = importlib.import_module("bvtrack.journal.journal")
    journal.SEGMENT_BYTES = 2000  # type: ignore[attr-defined]  # of that version
    tracker = bvtrack.Tracker(tracking_uri=STORE, run_name="folded", experiment=EXPERIMENT)
    for epoch, dev_error in enumerate(LONG):
        if epoch == 40:
            path = max(Path("journals").iterdir(), key=lambda one: one.stat().st_mtime_ns)
            shipper = importlib.import_module("bvtrack.shipping.shipper").Shipper(path, f"sqlite:///{Path.cwd()}/other.db")
            while not shipper.ship():
                pass
        tracker.log_epoch(epoch, train_error=0.5 * dev_error, dev_error=dev_error)
    tracker.close()
    (path / "progress.json").unlink()  # it was sent to another store than it is to go to
    journal.SEGMENT_BYTES = 1 << 20  # type: ignore[attr-defined]


def lightning() -> dict[str, Any]:
    """What the callback has put into the checkpoint of a training that failed in its third epoch."""
    import torch
    from lightning.pytorch import LightningModule, Trainer
    from lightning.pytorch.callbacks import ModelCheckpoint

    from bvtrack_lightning import BiasVarianceCallback

    class Net(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 2)

        def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
            if self.trainer.current_epoch == 2:
                raise RuntimeError("out of memory")
            return torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])

        def validation_step(self, batch: Any, batch_index: int) -> None:
            self.log("val_acc", (self.layer(batch[0]).argmax(1) == batch[1]).float().mean())

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), 0.1)

    data = torch.utils.data.TensorDataset(*map(torch.from_numpy, split(200, 5)))
    train, dev = (torch.utils.data.DataLoader(data, 50) for _ in range(2))
    callback = BiasVarianceCallback(tracking_uri=STORE, run_name="lightning", experiment=EXPERIMENT)
    callbacks = [callback, ModelCheckpoint("checkpoints", save_last=True)]
    quiet = dict.fromkeys(("logger", "enable_progress_bar", "enable_model_summary"), False)
    trainer = Trainer(max_epochs=4, accelerator="cpu", callbacks=callbacks, **quiet)  # type: ignore[arg-type]  # no progress
    with contextlib.suppress(RuntimeError):
        trainer.fit(Net(), train, dev)
    checkpoint = torch.load("checkpoints/last.ckpt", weights_only=True)
    return {key: value for key, value in checkpoint.items() if "bvtrack" in key}


def keras() -> str:
    """What the callback has noted beside the backup of a training that failed in its third epoch."""
    import keras

    from bvtrack_keras import BiasVarianceCallback

    class Failing(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no type hints
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                raise RuntimeError("out of memory")

    x, y = split(200, 6)
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    callback = BiasVarianceCallback(
        tracking_uri=STORE, run_name="keras", experiment=EXPERIMENT, train_data=(x, y), backup_dir="backup"
    )
    with contextlib.suppress(RuntimeError), callback:
        model.fit(x, y, epochs=4, validation_data=(x, y), callbacks=[callback, Failing()], verbose=0)
    return Path("backup/bvtrack.json").read_text()


def a_profile() -> bvtrack.SplitProfile:
    """Numbers, names and classes, with whom each example is of and when it was made."""
    x, y = split(len(GROUPS), 7)
    data = {"size": x[:, 0], "city": np.array(["Bonn", "Köln"])[(x[:, 0] > 0.5).astype(int)]}
    return bvtrack.profile(data, y, name="train", groups=GROUPS, time=np.arange(len(GROUPS)))


def sent(store: str, folder: Path) -> None:
    """Write what the first training shows once its journal has been sent: its tags and artifacts."""
    from mlflow import MlflowClient

    sync = importlib.import_module("bvtrack.shipping.sync")
    parcels: Sequence[Any] = sync.parcels_of(Path("journals"), store)
    (parcel,) = (one for one in parcels if '"tracked"' in (one.journal / "run.json").read_text())
    outcome = sync.send(parcel, lambda offset: None)
    assert outcome.problem is None, outcome
    client = MlflowClient(store)
    run = only_run(client, EXPERIMENT)
    write(folder / "tracked_tags.json", own_tags(run.data.tags))
    for name in ("diagnosis", "splits"):
        path = client.download_artifacts(run.info.run_id, f"bvtrack/{name}.json")
        write(folder / f"{name}.json", json.loads(Path(path).read_text()))


def audited(store: str, folder: Path) -> None:
    """Write the tags that an audit gives a run of a loop of one's own."""
    from mlflow import MlflowClient

    client = MlflowClient(store)
    experiment_id = client.create_experiment("audited")
    run_id = client.create_run(experiment_id, run_name="by hand").info.run_id
    client.log_param(run_id, "lr", "0.001")
    for step, (train, dev) in enumerate([(0.8, 0.8), (0.99, 0.85)]):
        client.log_metric(run_id, "train_acc", train, timestamp=1 + step, step=step)
        client.log_metric(run_id, "val_acc", dev, timestamp=1 + step, step=step)
    bvtrack.audit("audited", tracking_uri=store, human_error=0.005)
    write(folder / "audited_tags.json", own_tags(client.get_run(run_id).data.tags))


def only_run(client: Any, experiment: str) -> Any:
    """The run of an experiment."""
    (run,) = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    return run


def own_tags(tags: dict[str, str]) -> dict[str, str]:
    """Those of ours, in order."""
    return {name: tags[name] for name in sorted(tags) if name.startswith("bvtrack.")}


if __name__ == "__main__":
    main(Path(sys.argv[1]))

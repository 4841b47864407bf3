"""Modules that others wrote, of many shapes: what they train to, log and decide is the same with the callback as without."""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.demos import boring_classes as boring
from lightning.pytorch.demos.lstm import LightningLSTM
from lightning.pytorch.demos.transformer import LightningTransformer
from lightning.pytorch.loggers import CSVLogger
from mlflow import MlflowClient
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm
from torch.utils.data import DataLoader, Dataset, TensorDataset
from torchmetrics import JaccardIndex
from torchmetrics.classification import MultilabelF1Score

from bvtrack_lightning import BiasVarianceCallback

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning warns of workers, versions and its own future

Send = Callable[[], None]
Loader = Callable[[int, int], Any]
"""The first of so many examples, drawn with this seed, in batches."""


def features(n: int, seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(seed))


def loader(examples: Any, **options: Any) -> DataLoader[Any]:
    return DataLoader(examples, **{"batch_size": 16, **options})


def rows(n: int, seed: int) -> Any:
    x = features(n, seed, 8)
    return loader(TensorDataset(x, (x[:, 0] * x[:, 1] > 0).long()), shuffle=seed == 0)


def pictures(n: int, seed: int) -> Any:
    x = features(n, seed, 1, 6, 6)
    return loader(TensorDataset(x, (x[:, 0, 0, 0] > 0).long()), shuffle=seed == 0)


def masks(n: int, seed: int) -> Any:
    x = features(n, seed, 1, 6, 6)
    return loader(TensorDataset(x, (x[:, 0] > 0.5).long()))


def words(n: int, seed: int) -> Any:
    tokens = torch.randint(0, 12, (n, 7), generator=torch.Generator().manual_seed(seed))
    return loader(TensorDataset(tokens, (tokens[:, 0] > 5).long()), shuffle=seed == 0)


def labels(n: int, seed: int) -> Any:
    x = features(n, seed, 8)
    return loader(TensorDataset(x, (x[:, :4] > 0).long()))


class Pairs(Dataset[Any]):
    def __init__(self, n: int, seed: int) -> None:
        self.x = features(n, seed, 2, 8)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> Mapping[str, torch.Tensor]:
        left, right = self.x[index]
        return {"left": left, "right": right, "is_same": (left[0] * right[0] > 0).float()}


def pairs(n: int, seed: int) -> Any:
    return loader(Pairs(n, seed), shuffle=seed == 0)


@dataclass
class Graph:
    """A batch of a class of its own, which knows how to move itself."""

    nodes: torch.Tensor
    edges: torch.Tensor
    targets: torch.Tensor

    def to(self, device: torch.device, **_: Any) -> Graph:
        return Graph(self.nodes.to(device), self.edges.to(device), self.targets.to(device))


def _joined(examples: Sequence[torch.Tensor]) -> Graph:
    nodes = torch.stack(list(examples))
    return Graph(nodes, nodes @ nodes.mT, (nodes.sum(dim=(1, 2)) > 0).long())


def graphs(n: int, seed: int) -> Any:
    return loader(list(features(n, seed, 5, 8)), collate_fn=_joined, shuffle=seed == 0)


class Augmented(Dataset[Any]):
    """Examples that draw from every source of random numbers."""

    def __len__(self) -> int:
        return 48

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.randn(8) + float(np.random.rand()) + random.random(), index % 2


def augmented(n: int, seed: int) -> Any:
    return loader(Augmented(), shuffle=seed == 0)


def augmented_by_workers(n: int, seed: int) -> Any:
    return loader(Augmented(), shuffle=seed == 0, num_workers=2)


class Shape(lightning.LightningModule):
    """What the modules below share: they train, and are validated, by a loss of their own."""

    def __init__(self, network: nn.Module | None = None) -> None:
        super().__init__()
        self.network = network or nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 2))

    def training_step(self, batch: Any, batch_index: int) -> Any:
        loss = self.loss(batch)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=16)
        return loss

    def validation_step(self, batch: Any, batch_index: int) -> None:
        self.log("val_loss", self.loss(batch), batch_size=16)

    def loss(self, batch: Any) -> torch.Tensor:
        x, y = batch
        return torch.nn.functional.cross_entropy(self.network(x), y)

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=0.05)


class Accurate(Shape):
    def validation_step(self, batch: Any, batch_index: int) -> None:
        super().validation_step(batch, batch_index)
        x, y = batch
        self.log("val_acc", (self.network(x).argmax(dim=1) == y).float().mean())


class Convolution(Accurate):
    def __init__(self) -> None:
        layers = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout2d(0.2), nn.Flatten(), nn.Linear(64, 2)]
        super().__init__(nn.Sequential(*layers))


class FrozenNorm(Convolution):
    def on_train_epoch_start(self) -> None:
        self.network.get_submodule("1").eval()


class Recurrent(Accurate):
    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.last = nn.Embedding(12, 8), nn.Linear(8, 2)
            self.recurrent = nn.LSTM(8, 8, num_layers=2, dropout=0.2, batch_first=True)

        def forward(self, tokens: torch.Tensor) -> Any:
            return self.last(self.recurrent(self.embedding(tokens))[0][:, -1])

    def __init__(self) -> None:
        super().__init__(self.Network())


class Attention(Accurate):
    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.last = nn.Embedding(12, 8), nn.Linear(8, 2)
            self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, dropout=0.2, batch_first=True), 2)

        def forward(self, tokens: torch.Tensor) -> Any:
            return self.last(self.encoder(self.embedding(tokens)).mean(dim=1))

    def __init__(self) -> None:
        super().__init__(self.Network())


class Autoencoder(Shape):
    def __init__(self) -> None:
        super().__init__(nn.Sequential(nn.Linear(8, 3), nn.Tanh(), nn.Linear(3, 8)))

    def loss(self, batch: Any) -> torch.Tensor:
        return nn.functional.mse_loss(self.network(batch[0]), batch[0])

    def validation_step(self, batch: Any, batch_index: int) -> None:
        super().validation_step(batch, batch_index)
        self.log("val_mse", self.loss(batch))


class Variational(Autoencoder):
    """Draws random numbers in validation too."""

    def loss(self, batch: Any) -> torch.Tensor:
        encode, squash, decode = self.network.children()
        code = squash(encode(batch[0]))
        loss: torch.Tensor = nn.functional.mse_loss(decode(code + 0.1 * torch.randn_like(code)), batch[0])
        return loss


class Adversarial(Shape):
    """Two networks against each other, two optimisers stepped by hand."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(4, 8))
        self.judge = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.2), nn.ReLU(), nn.Linear(8, 1))
        self.automatic_optimization = False

    def training_step(self, batch: Any, batch_index: int) -> None:
        optimizers: Any = self.optimizers()
        for optimizer, is_true in zip(optimizers, (True, False), strict=True):
            self.toggle_optimizer(optimizer)
            optimizer.zero_grad()
            self.manual_backward(self.fooled(batch, is_true=is_true))
            optimizer.step()
            self.untoggle_optimizer(optimizer)

    def fooled(self, batch: Any, *, is_true: bool) -> torch.Tensor:
        made = self.judge(self.network(torch.randn(len(batch[0]), 4)))
        seen = self.judge(batch[0])
        sign = 1 if is_true else -1
        return nn.functional.softplus(-sign * made).mean() + nn.functional.softplus(sign * seen).mean()

    def loss(self, batch: Any) -> torch.Tensor:
        return self.fooled(batch, is_true=True)

    def configure_optimizers(self) -> Any:
        return [torch.optim.Adam(part.parameters(), lr=0.05) for part in (self.network, self.judge)]


class MultiLabel(Shape):
    def __init__(self) -> None:
        super().__init__(nn.Sequential(nn.Linear(8, 4), nn.Dropout(0.2)))
        self.f1 = MultilabelF1Score(4)

    def loss(self, batch: Any) -> torch.Tensor:
        return nn.functional.binary_cross_entropy_with_logits(self.network(batch[0]), batch[1].float())

    def validation_step(self, batch: Any, batch_index: int) -> None:
        super().validation_step(batch, batch_index)
        self.f1(self.network(batch[0]), batch[1])
        self.log("val_f1", self.f1)


class Segmentation(Shape):
    def __init__(self) -> None:
        super().__init__(nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 1)))
        self.overlap = JaccardIndex("multiclass", num_classes=2)

    def validation_step(self, batch: Any, batch_index: int) -> None:
        super().validation_step(batch, batch_index)
        self.overlap.update(self.network(batch[0]), batch[1])

    def on_validation_epoch_end(self) -> None:
        self.log("val_iou", self.overlap.compute())
        self.overlap.reset()


class Siamese(Shape):
    def loss(self, batch: Any) -> torch.Tensor:
        closeness = nn.functional.cosine_similarity(self.network(batch["left"]), self.network(batch["right"]))
        return nn.functional.binary_cross_entropy_with_logits(closeness, batch["is_same"])

    def validation_step(self, batch: Any, batch_index: int) -> None:
        super().validation_step(batch, batch_index)
        closeness = nn.functional.cosine_similarity(self.network(batch["left"]), self.network(batch["right"]))
        self.log("val_accuracy", ((closeness > 0) == (batch["is_same"] > 0)).float().mean())


class MessagePassing(Shape):
    def loss(self, batch: Any) -> torch.Tensor:
        return nn.functional.cross_entropy(self.network(batch.edges.softmax(dim=-1) @ batch.nodes).mean(dim=1), batch.targets)


class Lazy(Accurate):
    def __init__(self) -> None:
        super().__init__(nn.Sequential(nn.LazyLinear(16), nn.LazyBatchNorm1d(), nn.ReLU(), nn.Dropout(0.2), nn.LazyLinear(2)))


class Normed(Accurate):
    def __init__(self) -> None:
        layers = [spectral_norm(nn.Linear(8, 16)), nn.Dropout(0.2), weight_norm(nn.Linear(16, 2))]
        super().__init__(nn.Sequential(*layers))


class Collecting(Shape):
    def __init__(self) -> None:
        super().__init__()
        self.outputs: list[torch.Tensor] = []

    def validation_step(self, batch: Any, batch_index: int) -> None:
        super().validation_step(batch, batch_index)
        self.outputs.append(self.network(batch[0]).argmax(dim=1) == batch[1])

    def on_validation_epoch_end(self) -> None:
        self.log("val_acc", torch.cat(self.outputs).float().mean())
        self.log("n_seen", float(len(self.outputs)))
        self.outputs.clear()


class LogsThroughItsParent(Shape):
    """Hands its own `log` on: to a child module, and to a partial that it keeps."""

    def __init__(self) -> None:
        super().__init__()
        self.child: Any = lightning.LightningModule()

    def setup(self, stage: str) -> None:
        self.child.log = self.log
        self.note = partial(self.log_dict, batch_size=16)

    def validation_step(self, batch: Any, batch_index: int) -> None:
        self.child.log("val_loss", self.loss(batch), batch_size=16)
        self.note({"val_acc": (self.network(batch[0]).argmax(dim=1) == batch[1]).float().mean()})


class LogsTwice(Accurate):
    """Logs all under a name of its own too, and keeps what it has logged in a list of its class."""

    kept: list[str] = []  # noqa: RUF012  # as people write it

    def log(self, name: str, *arguments: Any, **options: Any) -> None:
        super().log(name, *arguments, **options)
        super().log(f"fold_1/{name}", *arguments, **options)
        self.kept.append(name)
        if len(self.kept) % 5 == 0:
            torch.rand(1)


class SchedulesByHand(Shape):
    """Logs its accuracy in the hook in which it steps its schedule, and stops when it has seen enough."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.right: list[torch.Tensor] = []

    def training_step(self, batch: Any, batch_index: int) -> None:
        optimizer: Any = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(super().training_step(batch, batch_index))
        optimizer.step()

    def validation_step(self, batch: Any, batch_index: int) -> None:
        super().validation_step(batch, batch_index)
        self.right.append((self.network(batch[0]).argmax(dim=1) == batch[1]).float())

    def on_validation_epoch_end(self) -> None:
        schedule: Any = self.lr_schedulers()
        schedule.step()
        right = torch.cat(self.right)
        self.log_dict({"val_acc": right.mean(), "rate": schedule.get_last_lr()[0]})
        self.trainer.should_stop = bool(self.trainer.should_stop or len(right) > 32)  # of the dev set there are no more
        self.right.clear()

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
        return [optimizer], [torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.8**epoch)]


SHAPES: Mapping[str, tuple[Callable[[], Shape], Loader]] = {
    "perceptron": (Accurate, rows),
    "perceptron on augmented data": (Accurate, augmented),
    "perceptron on data that workers augment": (Accurate, augmented_by_workers),
    "convolution": (Convolution, pictures),
    "frozen norm": (FrozenNorm, pictures),
    "recurrent": (Recurrent, words),
    "attention": (Attention, words),
    "autoencoder": (Autoencoder, rows),
    "variational": (Variational, rows),
    "adversarial": (Adversarial, rows),
    "multi-label": (MultiLabel, labels),
    "segmentation": (Segmentation, masks),
    "siamese": (Siamese, pairs),
    "message passing": (MessagePassing, graphs),
    "lazy": (Lazy, rows),
    "spectral and weight norm": (Normed, rows),
    "collecting": (Collecting, rows),
    "logging through its parent": (LogsThroughItsParent, rows),
    "logging twice": (LogsTwice, rows),
    "scheduling by hand": (SchedulesByHand, rows),
}


@dataclass(frozen=True)
class Outcome:
    """All that a user would see of a training."""

    weights: Mapping[str, torch.Tensor]
    metrics: Mapping[str, float]
    epochs: int
    decisions: Sequence[Any] = ()
    draws: Sequence[float] = ()
    logged: str = ""
    """All that the user's own logger wrote."""

    def differences(self, other: Outcome) -> list[str]:
        parts = [
            name
            for name in ("metrics", "epochs", "decisions", "draws", "logged")
            if getattr(self, name) != getattr(other, name)
        ]
        assert self.weights.keys() == other.weights.keys()
        return parts + [name for name, value in self.weights.items() if not torch.equal(value, other.weights[name])]


def train(
    new_module: Callable[[], Any], *callbacks: Any, fit: Mapping[str, Any], family: Any = lightning, **options: Any
) -> Outcome:
    """Train a new module, and draw a random number of each kind afterwards."""
    quiet = {"accelerator": "cpu", "logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    family.seed_everything(0, verbose=False)
    module = new_module()
    trainer = family.Trainer(callbacks=list(callbacks), **{"enable_checkpointing": False, "max_epochs": 3, **quiet, **options})
    trainer.fit(module, **fit)
    return Outcome(
        weights={name: value.clone() for name, value in module.state_dict().items()},
        metrics={name: float(value) for name, value in trainer.callback_metrics.items()},
        epochs=trainer.current_epoch,
        draws=(float(torch.rand(1)), float(np.random.rand()), random.random()),
    )


def train_shape(name: str, folder: Path, *callbacks: Any) -> Outcome:
    """The same with callbacks that decide: when to stop, and which epoch to keep."""
    new_module, load = SHAPES[name]
    stopping = EarlyStopping("val_loss", patience=1)
    keeping = ModelCheckpoint(folder, filename="{epoch}", monitor="val_loss")
    fit = {"train_dataloaders": load(48, 0), "val_dataloaders": load(32, 1)}
    LogsTwice.kept.clear()
    options = {"max_epochs": 5, "enable_checkpointing": True, "logger": CSVLogger(folder, name="", version="")}
    outcome = train(new_module, *callbacks, stopping, keeping, fit=fit, **options)
    decisions = stopping.stopped_epoch, Path(keeping.best_model_path).name, keeping.best_model_score
    logged = (folder / "metrics.csv").read_text()
    return Outcome(outcome.weights, outcome.metrics, outcome.epochs, decisions, outcome.draws, logged)


@pytest.mark.parametrize("name", SHAPES)
def test_a_module_of_any_shape_trains_the_same_with_the_callback(
    name: str, store: str, send: Send, tmp_path: Path, said: list[str]
) -> None:
    callback = BiasVarianceCallback(tracking_uri=store, test_dataloaders=SHAPES[name][1](32, 2))
    bare = train_shape(name, tmp_path / "bare")
    with_it = train_shape(name, tmp_path / "tracked", callback)
    failures = [message for message in said if "failed" in message or "skipped" in message]
    said.clear()  # some are diagnosed by a bare loss, which is said

    assert failures == []
    assert callback.tracker is not None
    assert callback.tracker.diagnosis is not None
    send()
    metrics = MlflowClient(store).search_runs(["0"])[0].data.metrics
    assert {f"bvtrack/{name}_error" for name in ("train", "dev", "test")} <= {one.removesuffix("_unscaled") for one in metrics}
    assert bare.differences(with_it) == []


class Draws(lightning.Callback):
    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        torch.rand(1)


class LeavesEvalMode(lightning.Callback):
    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        pl_module.network.eval()


class LogsInBetween(lightning.Callback):
    def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        pl_module.log("val_loss_of_another", 0.0)


class ChangesTheMonitor(lightning.Callback):
    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        trainer.callback_metrics["val_loss"].fill_(float(trainer.current_epoch))


@pytest.mark.parametrize("intruder", [Draws, LeavesEvalMode, LogsInBetween, ChangesTheMonitor])
def test_the_comparison_notices_a_callback_that_interferes(intruder: type[lightning.Callback], tmp_path: Path) -> None:
    bare = train_shape("perceptron", tmp_path / "bare")

    assert bare.differences(train_shape("perceptron", tmp_path / "again")) == []
    assert bare.differences(train_shape("perceptron", tmp_path / "changed", intruder())) != []


FAMILIES = ("lightning.pytorch", "pytorch_lightning")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", ["BoringModel", "ManualOptimBoringModel"])
@pytest.mark.parametrize("data", [None, "BoringDataModule", "BoringDataModuleNoLen"])
def test_the_boring_modules_of_either_family_train_the_same(
    family: str, name: str, data: str | None, store: str, send: Send, said: list[str]
) -> None:
    demos = importlib.import_module(f"{family}.demos.boring_classes")
    kind, package = getattr(demos, name), importlib.import_module(family)
    outcomes = []
    for callbacks in ([], [BiasVarianceCallback(tracking_uri=store)]):
        package.seed_everything(1, verbose=False)
        fit = {"datamodule": getattr(demos, data)()} if data else {}
        outcomes.append(train(kind, *callbacks, fit=fit, family=package, limit_train_batches=20, limit_val_batches=10))
    failures = [message for message in said if "failed" in message or "skipped" in message]
    said.clear()  # they log nothing that could be diagnosed, which is said

    assert failures == []
    assert outcomes[0].differences(outcomes[1]) == []


class Batches(Dataset[Any]):
    """Batches of a length that the demo's classifier takes."""

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> torch.Tensor:
        return features(4, index, 32)


@pytest.mark.parametrize("kind", [LightningTransformer, LightningLSTM])
def test_the_language_models_of_the_demos_train_the_same(
    kind: Any, store: str, send: Send, said: list[str], tmp_path: Path
) -> None:
    text = tmp_path / "data" / "wikitext-2.txt"  # where the demo would download it to
    text.parent.mkdir()
    text.write_text("the cat sat on the mat\n" * 150)
    outcomes = []
    for callbacks in ([], [BiasVarianceCallback(tracking_uri=store)]):
        outcomes.append(train(lambda: kind(vocab_size=8), *callbacks, fit={}, max_epochs=1, limit_train_batches=2))
    failures = [message for message in said if "failed" in message or "skipped" in message]
    said.clear()  # they have no validation data, which is said

    assert failures == []
    assert outcomes[0].differences(outcomes[1]) == []


def test_the_demo_model_trains_the_same(store: str, send: Send, said: list[str]) -> None:
    outcomes = []
    for callbacks in ([], [BiasVarianceCallback(tracking_uri=store)]):
        fit = {"train_dataloaders": DataLoader(Batches(), batch_size=None)}
        outcomes.append(train(boring.DemoModel, *callbacks, fit=fit))
    said.clear()  # it has no validation data, which is said

    assert outcomes[0].differences(outcomes[1]) == []

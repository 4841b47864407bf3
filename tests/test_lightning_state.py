"""What a step, a hook or a dataset keeps and changes, anywhere, is in a pass of ours as if there had been none."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import lightning.pytorch as lightning
import numpy as np
import pytest
import torch
import torchmetrics
from small_nets import DEV, TRAIN, Net, fit, held_out, points, runs, split, tracked
from torch import nn
from torch.utils.data import DataLoader, Dataset, Sampler

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning warns of workers, versions and its own future

Send = Callable[[], None]
GENERATOR = np.random.default_rng(0)
COUNT = 0
METERS: dict[str, Any] = {}


class Meter:
    n = 0

    def add(self) -> float:
        global COUNT
        COUNT += 1
        type(self).n += 1
        return float(COUNT + type(self).n)


class Slotted:
    __slots__ = ("n",)

    def __init__(self) -> None:
        self.n = 0


class Pair(NamedTuple):
    first: Any
    second: Any


class Single:
    """There is one of it."""

    one: Single | None = None
    n = 0

    def __new__(cls) -> Single:
        cls.one = cls.one or super().__new__(cls)
        return cls.one


class Keeps(Net):
    """Counts its validation batches in whatever `of` has made, and logs the count."""

    def __init__(self, kept: Any, count: Callable[[Any], float]) -> None:
        super().__init__()
        self.kept, self.count = kept, count

    def validation_step(self, batch: Any, batch_index: int) -> None:
        super().validation_step(batch, batch_index)
        self.log("count", self.count(self.kept), reduce_fx="max")


def one_more(meter: Any) -> float:
    meter.n += 1
    return float(meter.n)


def appended(kept: list[Any]) -> float:
    kept.append(1)
    return float(len(kept))


def one_more_in_metric(metric: torchmetrics.Metric) -> float:
    metric.update(torch.ones(1))
    return float(metric.compute())


def of_a_global_metric(_: Any) -> float:
    return one_more_in_metric(METERS["metric"])


class SwapsWeights(Net):
    """Is validated on averaged weights, which it swaps in and out by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.averages = [weights.detach().clone() for weights in self.parameters()]

    def on_train_batch_end(self, *_: Any) -> None:
        for average, weights in zip(self.averages, self.parameters(), strict=True):
            average.lerp_(weights.detach(), 0.3)

    def on_validation_epoch_start(self) -> None:
        self.trained = [weights.detach().clone() for weights in self.parameters()]
        self._use(self.averages)

    def on_validation_epoch_end(self) -> None:
        self._use(self.trained)
        self.log("seen", 1.0)

    def _use(self, values: list[torch.Tensor]) -> None:
        for weights, value in zip(self.parameters(), values, strict=True):
            weights.data.copy_(value)


class LooksForGradients(Net):
    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch: Any, batch_index: int) -> Any:
        optimizer: Any = self.optimizers()
        self.manual_backward(super().training_step(batch, batch_index))
        optimizer.step()
        optimizer.zero_grad()

    def validation_step(self, batch: Any, batch_index: int) -> None:
        super().validation_step(batch, batch_index)
        with torch.enable_grad():
            self.manual_backward(nn.functional.cross_entropy(self(batch[0]), batch[1]))


class LowersItsRate(Net):
    def on_validation_epoch_end(self) -> None:
        self.log("seen", 1.0)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] *= 0.5


class SetsTheEnd(Net):
    def __init__(self) -> None:
        super().__init__()
        self.n = 0

    def validation_step(self, batch: Any, batch_index: int) -> None:
        super().validation_step(batch, batch_index)
        self.n += len(batch[0])

    def on_validation_epoch_end(self) -> None:
        self.log("seen", 1.0)
        if self.n > len(DEV):  # never, of the dev set alone
            self.trainer.fit_loop.max_epochs = 1
        self.n = 0


class Draws(Net):
    def __init__(self) -> None:
        super().__init__()
        self.generators = torch.Generator().manual_seed(0), np.random.default_rng(0)

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        return super().training_step([batch[0] + self._noise(batch[0]), batch[1]], batch_index)

    def validation_step(self, batch: Any, batch_index: int) -> None:
        super().validation_step([batch[0] + self._noise(batch[0]), batch[1]], batch_index)

    def _noise(self, x: torch.Tensor) -> torch.Tensor:
        drawn = torch.as_tensor(self.generators[1].normal(size=x.shape)).float()
        return 0.1 * (torch.randn(x.shape, generator=self.generators[0]) + drawn + float(GENERATOR.normal()))


class Counted(Dataset[Any]):
    """Counts its readings, and prepares examples by that count, by a generator in a closure and by a global one."""

    def __init__(self) -> None:
        own = np.random.default_rng(0)
        self.n = 0
        self.transform: Callable[[Any], Any] = lambda x: x + 0.1 * float(own.normal())

    def __len__(self) -> int:
        return len(TRAIN)

    def __getitem__(self, index: int) -> Any:
        self.n += 1
        x, y = TRAIN[index]
        return self.transform(x) * min(1.0, 0.5 + self.n / 1000), y

    def collated(self, examples: Any) -> Any:
        self.n += 1
        x, y = torch.utils.data.default_collate(examples)
        return x + 0.1 * float(GENERATOR.normal()), y


class Mixed(Sampler[int]):
    def __iter__(self) -> Any:
        return iter(GENERATOR.permutation(len(TRAIN)).tolist())

    def __len__(self) -> int:
        return len(TRAIN)


class OnCounted(Net):
    def train_dataloader(self) -> Any:
        data = Counted()
        return DataLoader(data, batch_size=20, sampler=Mixed(), collate_fn=data.collated)


class NotesItsTest(Net):
    """Its test_dataloader leaves a note, by which its validation goes."""

    size = len(DEV)

    def test_dataloader(self) -> Any:
        self.size = 1
        return held_out()

    def on_validation_epoch_end(self) -> None:
        self.log("size", float(self.size))


MODULES: dict[str, Callable[[], Any]] = {
    "a global and a class's number": lambda: Keeps(Meter(), lambda meter: meter.add()),
    "slots": lambda: Keeps(Slotted(), one_more),
    "a singleton": lambda: Keeps(Single(), one_more),
    "a tuple": lambda: Keeps((Slotted(), 1), lambda kept: one_more(kept[0])),
    "a named tuple": lambda: Keeps(Pair([], 1), lambda kept: appended(kept.first)),
    "an iterator": lambda: Keeps(itertools.count(), lambda kept: float(next(kept))),
    "a global metric": lambda: Keeps(None, of_a_global_metric),
    "a metric in a list": lambda: Keeps([torchmetrics.SumMetric()], lambda kept: one_more_in_metric(kept[0])),
    "swapped weights": SwapsWeights,
    "gradients": LooksForGradients,
    "a rate lowered by hand": LowersItsRate,
    "an end set by hand": SetsTheEnd,
    "generators": Draws,
    "a dataset, a sampler and a collate function": OnCounted,
    "a test loader": NotesItsTest,
}


class Seen(lightning.Callback):
    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        self.rows.append({name: float(value) for name, value in trainer.callback_metrics.items()})


def outcome(new_module: Callable[[], Any], *callbacks: Any) -> Any:
    global GENERATOR, COUNT
    GENERATOR, COUNT, Meter.n, Single.one = np.random.default_rng(0), 0, 0, None
    METERS["metric"] = torchmetrics.SumMetric()
    torch.manual_seed(0)
    module, seen = new_module(), Seen()
    fit(module, *callbacks, seen)
    return seen.rows, [weights.tolist() for weights in module.parameters()]


@pytest.mark.parametrize("name", MODULES)
def test_the_training_is_the_same(name: str, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    callback = tracked(test_every=1, test_dataloaders=None if name == "a test loader" else held_out())

    assert outcome(MODULES[name]) == outcome(MODULES[name], callback)
    assert callback.tracker is not None
    assert callback.tracker.diagnosis is not None


def test_swapped_weights_are_those_of_all_errors(store: str, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    class Checks(SwapsWeights):
        def on_validation_epoch_end(self) -> None:
            with torch.no_grad():
                errors.append(1 - float(self.right(TRAIN.tensors).mean()))
            super().on_validation_epoch_end()

    errors: list[float] = []
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    fit(Checks(), tracked(train_eval="full"), num_sanity_val_steps=0)
    send()
    (run,) = runs(store)

    assert [value for _, value in points(store, run, "train_error")] == pytest.approx(errors, abs=1e-6)


def test_a_log_file_of_the_users_own_has_the_lines_of_the_training_alone(
    tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    class Logs(Net):
        def __init__(self) -> None:
            super().__init__()
            self.notes = notes

        def validation_step(self, batch: Any, batch_index: int) -> None:
            super().validation_step(batch, batch_index)
            self.notes.info("validated")

    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    notes = logging.getLogger("notes of a user")
    handler = logging.FileHandler(tmp_path / "notes.log")
    notes.addHandler(handler)
    notes.setLevel(logging.INFO)
    request.addfinalizer(handler.close)
    request.addfinalizer(lambda: notes.removeHandler(handler))
    counts = []
    for callbacks in ([], [tracked()]):
        fit(Logs(), *callbacks)
        counts.append(len((tmp_path / "notes.log").read_text().splitlines()))

    assert counts[1] == 2 * counts[0] > 0


class DividesByDev(Net):
    """Divides by the number of dev examples, whatever it runs over."""

    test_step: Any = lightning.LightningModule.test_step  # it has none of its own

    def __init__(self) -> None:
        super().__init__()
        self.n_right = 0.0

    def validation_step(self, batch: Any, batch_index: int) -> None:
        self.n_right += float(self.right(batch).sum())

    def on_validation_epoch_end(self) -> None:
        self.log("val_acc", self.n_right / len(DEV))
        self.n_right = 0.0


class AtItsLastBatch(DividesByDev):
    """Logs at the last batch that the Trainer speaks of."""

    def validation_step(self, batch: Any, batch_index: int) -> None:
        super().validation_step(batch, batch_index)
        self.n = getattr(self, "n", 0) + len(batch[0])
        if batch_index == self.trainer.num_val_batches[0] - 1:
            self.log("val_acc", self.n_right / self.n, batch_size=1)
            self.n_right, self.n = 0.0, 0

    def on_validation_epoch_end(self) -> None:
        pass


def test_a_share_of_the_dev_set_is_no_error_of_another_set(
    store: str, send: Send, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    fit(DividesByDev(), tracked(test_every=1, test_dataloaders=held_out(), train_eval="full"), num_sanity_val_steps=0)
    send()
    (run,) = runs(store)

    assert all("share of 70 examples" in message for message in said)
    assert len(said) == 2
    said.clear()
    assert "bvtrack/dev_error" in run.data.metrics
    assert not {"bvtrack/train_error", "bvtrack/test_error"} & run.data.metrics.keys()


def test_the_last_batch_is_that_of_the_set_that_is_passed_over(store: str, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    module = AtItsLastBatch()
    fit(module, tracked(test_every=1, test_dataloaders=held_out(), at="last"), num_sanity_val_steps=0)
    send()
    (run,) = runs(store)

    with torch.no_grad():
        error = 1 - float(module.right(split(90, 2).tensors).mean())
    assert run.data.metrics["bvtrack/test_error"] == pytest.approx(error, abs=1e-6)


@dataclass
class Batch:
    x: torch.Tensor
    y: torch.Tensor


def test_a_dataclass_weighs_as_many_as_it_holds(
    store: str, send: Send, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class OfBatches(Net):
        test_step: Any = lightning.LightningModule.test_step

        def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
            return super().training_step((batch.x, batch.y), batch_index)

        def validation_step(self, batch: Any, batch_index: int) -> None:
            super().validation_step((batch.x, batch.y), batch_index)

        def train_dataloader(self) -> Any:
            return in_batches(TRAIN, 20)

        def val_dataloader(self) -> Any:
            return in_batches(DEV, 50)

    def in_batches(data: Any, size: int) -> Any:
        return DataLoader(data, size, collate_fn=lambda examples: Batch(*torch.utils.data.default_collate(examples)))

    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    module = OfBatches()
    fit(module, tracked(test_every=1, test_dataloaders=in_batches(split(90, 2), 40), at="last"))
    send()
    said.clear()  # of the distributions, which are not compared
    (run,) = runs(store)

    with torch.no_grad():
        error = 1 - float(module.right(split(90, 2).tensors).mean())
    assert run.data.metrics["bvtrack/test_error"] == pytest.approx(error, abs=1e-6)

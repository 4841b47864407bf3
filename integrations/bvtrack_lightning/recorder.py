"""Records the metrics that are logged in a pass of our own, in place of the results of Lightning's loop."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torchmetrics import Metric

from bvtrack_lightning.error import is_over_examples
from bvtrack_lightning.processes import Part


class Recorder(dict[str, Any]):
    """Averages the numbers that a step logs over examples, and keeps torchmetrics.

    To Lightning it is the (empty) result collection of a loop: what `LightningModule.log` has checked ends here.
    """

    batch: Any = None
    batch_size: int | None = None
    dataloader_idx: int | None = None
    training = False

    def __init__(self) -> None:
        super().__init__()
        self.n_examples = 0
        self._values: dict[str, list[torch.Tensor]] = {}
        self._weights: dict[str, list[int]] = {}
        self._metrics: dict[str, Metric] = {}
        self._class_means: list[Metric] = []
        self._over_classes: set[str] = set()
        self._at_end: set[str] = set()

    @property
    def names(self) -> Collection[str]:
        return [*self._values, *self._metrics]

    def watch(self, module: torch.nn.Module) -> None:
        """Notice which logged numbers are what the module's own metrics over classes have computed."""
        self._class_means = [part for part in module.modules() if isinstance(part, Metric) and not is_over_examples(part)]

    def start(self, batch: Any) -> None:
        """Begin a batch: the next logged values belong to it."""
        self.batch = batch
        self.batch_size = batch_size_of(batch) or 1
        self.n_examples += self.batch_size

    def end_of_batches(self) -> None:
        """The values that follow are of all examples together."""
        self.batch, self.batch_size = None, self.n_examples

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # its graph would be made anew for each pass
    def log(self, fx: str, name: str, value: Any, *, batch_size: int | None = None, **options: Any) -> None:
        """Take what a hook `fx` logged; values that are not averaged over batches are left out."""
        if options.get("reduce_fx", "mean") not in ("mean", torch.mean):
            return
        if isinstance(value, Metric):
            self._metrics[name] = value
            return
        value = torch.as_tensor(value).detach()
        if self.batch is None:
            self._at_end.add(name)
            if any(_has_computed(metric, value) for metric in self._class_means):
                self._over_classes.add(name)
        self._values.setdefault(name, []).append(value)
        self._weights.setdefault(name, []).append(batch_size or self.batch_size or 1)

    def metrics(self, on_step: bool) -> dict[str, dict[str, Any]]:
        """Nothing that `trainer.callback_metrics` and the progress bar would take."""
        return {"callback": {}, "log": {}, "pbar": {}}

    def reset(self, metrics: bool | None = None, fx: str | None = None) -> None:
        """Each pass has a recorder of its own."""

    def part(self) -> Part:
        """The logged metrics; for those of one type an accelerator is waited for once."""
        logged = {name: torch.stack(values) for name, values in self._values.items()}
        values = {name: each.double() for name, each in _fetched(logged).items()}  # half does not add up
        sums = {name: float(torch.dot(values[name], torch.tensor(self._weights[name]).double())) for name in values}
        weights = {name: sum(weights) for name, weights in self._weights.items()}
        return Part(
            self.n_examples,
            sums=sums,
            weights=weights,
            metrics=self._metrics,
            over_classes=self._over_classes,
            at_end=self._at_end,
        )


def _fetched(values: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Lists of numbers `[n]` from wherever they are, those of one type all together."""
    groups: dict[tuple[torch.device, torch.dtype], list[str]] = {}
    for name, each in values.items():
        groups.setdefault((each.device, each.dtype), []).append(name)
    fetched: dict[str, torch.Tensor] = {}
    for names in groups.values():
        sizes = [len(values[name]) for name in names]
        fetched |= zip(names, torch.split(torch.cat([values[name] for name in names]).cpu(), sizes), strict=True)
    return fetched


def _has_computed(metric: Metric, value: torch.Tensor) -> bool:
    """True if a logged number is the value that a metric has kept of its last computation."""
    computed = getattr(metric, "_computed", None)
    return isinstance(computed, torch.Tensor) and computed.numel() == 1 and bool(computed.to(value) == value)


def batch_size_of(batch: Any) -> int | None:
    """The length of the first tensor in a batch; `None` where there is none. The same parts are looked at as by Lightning."""
    if isinstance(batch, torch.Tensor):
        return len(batch) if batch.ndim else 1
    parts: Iterable[Any] = ()
    if isinstance(batch, Mapping):
        parts = batch.values()
    elif is_dataclass(batch):
        parts = [getattr(batch, each.name) for each in fields(batch)]
    elif isinstance(batch, Iterable) and not isinstance(batch, (str, bytes, Iterator)):
        parts = batch
    return next((size for part in parts if (size := batch_size_of(part)) is not None), None)

"""One pass of a module's own step over some data, outside Lightning's loops: the metrics that it logs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from torchmetrics import Metric

from bvtrack_lightning.shadow import untouched

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

StepName = Literal["validation_step", "test_step"]


class Recorder:
    """Takes what a step logs: averages numbers over examples, computes torchmetrics at the end."""

    def __init__(self) -> None:
        self.batch_size = 1
        self.n_examples = 0
        self._sums: dict[str, float | torch.Tensor] = {}
        self._weights: dict[str, int] = {}
        self._metrics: dict[str, Metric] = {}

    @property
    def names(self) -> Collection[str]:
        return [*self._sums, *self._metrics]

    def start(self, batch: Any) -> None:
        """Say which batch the next values are of."""
        self.batch_size = batch_size_of(batch) or 1
        self.n_examples += self.batch_size

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # its graph would be made anew for each pass
    def log(self, name: str, value: Any, *_: Any, batch_size: int | None = None, **options: Any) -> None:
        """As `LightningModule.log`; values that are not averaged over batches are left out."""
        if options.get("reduce_fx", "mean") not in ("mean", torch.mean):
            return
        if isinstance(value, Metric):
            self._metrics[name] = value
            return
        weight = batch_size or self.batch_size
        value = value.detach().float() if isinstance(value, torch.Tensor) else value  # half precision does not add up
        self._sums[name] = self._sums.get(name, 0.0) + value * weight
        self._weights[name] = self._weights.get(name, 0) + weight

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # its graph would be made anew for each pass
    def log_dict(self, dictionary: Mapping[str, Any], *_: Any, batch_size: int | None = None, **options: Any) -> None:
        """As `LightningModule.log_dict`."""
        for name, value in dictionary.items():
            self.log(name, value, batch_size=batch_size, **options)

    def results(self) -> dict[str, float]:
        """Each metric over all examples; the one place that waits for the accelerator."""
        means = {name: float(total / self._weights[name]) for name, total in self._sums.items()}
        return means | {name: float(metric.compute()) for name, metric in self._metrics.items()}


def evaluate(
    trainer: Trainer,
    module: LightningModule,
    loader: Iterable[Any],
    step: StepName,
    is_enough: Callable[[Collection[str]], bool],
) -> tuple[dict[str, float], int]:
    """Run the module's own `step` over `loader` in eval mode; its metrics over all examples, and how many there were.

    Where the names that the steps logged are not `is_enough`, the module's own hook for the end of such an epoch is run too.
    Leaves no trace: weights, modes, random states, metric states, `callback_metrics` and the module's attributes are as
    they were, also when the step raises.
    """
    recorder = Recorder()
    takes = len(inspect.signature(getattr(module, step)).parameters)
    run = trainer.strategy.precision_plugin
    context = run.test_step_context if step == "test_step" else run.val_step_context
    with torch.no_grad(), untouched(trainer, module, recorder):
        for index, batch in enumerate(loader):
            batch = trainer.strategy.batch_to_device(module._on_before_batch_transfer(run.convert_input(batch), 0))
            recorder.start(batch)
            with context():
                getattr(module, step)(*(batch, index, 0)[:takes])
        if not is_enough(recorder.names) and module.automatic_optimization:  # a hook that steps schedulers is left alone
            getattr(module, f"on_{step.removesuffix('_step')}_epoch_end")()
        return recorder.results(), recorder.n_examples


def batch_size_of(batch: Any) -> int | None:
    """The length of the first tensor in a batch; `None` where there is none."""
    if isinstance(batch, torch.Tensor):
        return len(batch) if batch.ndim else 1
    parts: Iterable[Any] = ()
    if isinstance(batch, Mapping):
        parts = batch.values()
    elif isinstance(batch, Sequence) and not isinstance(batch, str):
        parts = batch
    return next((size for part in parts if (size := batch_size_of(part)) is not None), None)

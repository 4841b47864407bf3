"""One pass of a module over some data, outside Lightning's loops: what its own step logs, or what it predicts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal

import torch

from bvtrack import Measure
from bvtrack.adapters import measure_batches
from bvtrack_lightning.processes import Part, share_buffers
from bvtrack_lightning.recorder import Recorder
from bvtrack_lightning.shadow import untouched

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

StepName = Literal["validation_step", "test_step"]


def evaluate(
    trainer: Trainer,
    module: LightningModule,
    loader: Iterable[Any],
    step: StepName,
    is_enough: Callable[[Collection[str]], bool],
) -> Part:
    """Run the module's own `step` over `loader` in eval mode; what it logs.

    Where the names that the steps logged are not `is_enough`, the module's own hook for the end of such an epoch is run too.
    Leaves no trace: weights, modes, random states, metric states, `callback_metrics` and the module's attributes are as
    they were, also when the step raises.
    """
    recorder = Recorder()
    with torch.no_grad(), untouched(trainer, module, recorder):
        share_buffers(trainer, module)
        for index, batch in enumerate(_transferred(trainer, module, loader)):
            recorder.start(batch)
            with _precision(trainer, step):
                _call(getattr(module, step), batch, index)
        if not is_enough(recorder.names) and module.automatic_optimization:  # a hook that steps schedulers is left alone
            getattr(module, f"on_{step.removesuffix('_step')}_epoch_end")()
        return recorder.part()


def predict(trainer: Trainer, module: LightningModule, loader: Iterable[Any], measure: Measure) -> Part:
    """Run `module` over `loader` in eval mode and apply the function of `measure`. Leaves no trace, as `evaluate`.

    Predictions are what `validation_step` returns as `preds` (and `target`), else `module(inputs)` of a pair of inputs and
    targets.

    Raises `ValueError` for batches that are neither.
    """
    with torch.no_grad(), untouched(trainer, module, Recorder()):
        share_buffers(trainer, module)
        found = measure_batches(_predicted_arrays(trainer, module, loader), measure, _n_of(loader))
    return Part(**vars(found))


def _predicted_arrays(trainer: Trainer, module: LightningModule, loader: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    for index, batch in enumerate(_transferred(trainer, module, loader)):
        with _precision(trainer, "validation_step"):
            predictions, targets = _predicted(module, batch, index)
        predictions = predictions.detach().cpu()
        yield (predictions.float() if predictions.is_floating_point() else predictions).numpy(), targets.detach().cpu().numpy()


def _n_of(loader: Iterable[Any]) -> int | None:
    """The examples that a loader gives, where its batches are known beforehand."""
    batches = getattr(loader, "batch_sampler", None)
    return sum(map(len, batches)) if isinstance(batches, list) else None


def _predicted(module: LightningModule, batch: Any, index: int) -> Sequence[torch.Tensor]:
    if type(module).forward is torch.nn.Module.forward or not _is_pair(batch):
        answer = _call(module.validation_step, batch, index)
        if isinstance(answer, Mapping) and {"preds", "target"} <= answer.keys():
            return answer["preds"], answer["target"]
        raise ValueError(
            "error= needs batches (inputs, targets) and a forward, or a validation_step that returns {preds, target}; "
            f"got a batch of type {type(batch).__name__}"
        )
    return module(batch[0]), batch[1]


def _call(step: Callable[..., Any], batch: Any, index: int) -> Any:
    """Call a step with as many of batch, batch index and dataloader index as it takes."""
    takes = len(inspect.signature(step).parameters)
    return step(*(batch, index, 0)[:takes])


def _is_pair(batch: Any) -> bool:
    return isinstance(batch, (list, tuple)) and len(batch) == 2 and torch.is_tensor(batch[1])


def _transferred(trainer: Trainer, module: LightningModule, loader: Iterable[Any]) -> Iterator[Any]:
    """The batches where the module is, by the module's own hooks."""
    convert = trainer.strategy.precision_plugin.convert_input
    for batch in loader:
        yield trainer.strategy.batch_to_device(module._on_before_batch_transfer(convert(batch), 0))


def _precision(trainer: Trainer, step: StepName) -> AbstractContextManager[None]:
    plugin = trainer.strategy.precision_plugin
    return plugin.test_step_context() if step == "test_step" else plugin.val_step_context()

"""One pass of a module over some data, outside Lightning's loops: what its own step logs, or what it predicts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch

from bvtrack import Measure
from bvtrack.adapters import Seen, WriteGuard, listed, measure_batches
from bvtrack_lightning.family import is_users_own
from bvtrack_lightning.processes import Part, share_buffers
from bvtrack_lightning.recorder import Recorder
from bvtrack_lightning.shadow import untouched
from bvtrack_lightning.trainer_state import StepName
from bvtrack_lightning.weights import KeptWeights

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

LEAKS = (
    "{step} {leaks}, and does so too in the passes that measure the train and the test error; "
    "train_eval='running' with test_every=0 does without these passes"
)
TRANSFER_HOOKS = ("on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer")


@dataclass
class Evaluator:
    """A pass in eval mode with the module's own `step` (or what it predicts), which leaves no trace.

    Weights, modes, random states, metrics, schedules, results of the Trainer and attributes of the module are as they were,
    also when the step raises. What the user's code writes elsewhere is held back; what cannot be is said, once, by `say`.
    """

    trainer: Trainer
    module: LightningModule
    step: StepName
    say: Callable[..., None]
    weights: KeptWeights = field(default_factory=KeptWeights)
    recorder: Recorder = field(default_factory=Recorder, init=False)
    _parameters: dict[str, Sequence[str]] = field(default_factory=dict, init=False)

    def evaluate(self, loader: Iterable[Any], is_enough: Callable[[Collection[str]], bool]) -> Part:
        """Run the step over `loader`; what it logs. Where the names that the steps logged are not `is_enough`, the module's
        hook for the end of such an epoch is run too.
        """
        with self._untouched(loader) as guard:
            for index, batch in enumerate(guard.read(self._transferred(loader))):
                self.recorder.start(batch)
                with guard.step():
                    self._run_step(batch, index)
            self.recorder.end_of_batches()
            if not is_enough(self.recorder.names):
                with guard.step():
                    self._hook("epoch_end")
            return self.recorder.part()

    def predict(self, loader: Iterable[Any], measure: Measure) -> Part:
        """Apply the function of `measure` to what is predicted over `loader`: to what `validation_step` returns as `preds` and
        `target`, else to `module(inputs)` of a pair of inputs and targets. Raises `ValueError` for batches that are neither.
        """
        with self._untouched(loader) as guard:
            found = measure_batches(self._predicted_arrays(guard, loader), measure, getattr(loader, "n", None))
        return Part(**vars(found) | {"seen": with_places(found.seen, loader)})

    @contextmanager
    def _untouched(self, loader: Iterable[Any]) -> Iterator[WriteGuard]:
        n: int | None = getattr(loader, "n_batches", None)
        with torch.no_grad(), untouched(self.trainer, self.module, self.recorder, self.step, n) as guard:
            share_buffers(self.trainer, self.module)
            self.recorder.watch(self.module)
            try:
                with self.weights.unchanged(self.module) as leaks:
                    yield guard
            finally:
                if leaks := [*guard.leaks, *leaks]:
                    self.say(LEAKS.format(step=self.step, leaks=listed(leaks)), once_for=LEAKS)

    def _run_step(self, batch: Any, index: int) -> Any:
        self._hook("batch_start", batch, index)
        with self._precision():
            answer = self._call(self.step, batch, index)
        self._hook("batch_end", answer, batch, index)
        return answer

    def _call(self, name: str, *arguments: Any) -> Any:
        """Call a step or a hook as the Trainer does, by which `log` knows where it is called from."""
        self.module._current_fx_name = name
        function = getattr(self.module, name)
        if name not in self._parameters:
            self._parameters[name] = list(inspect.signature(function).parameters)
        parameters = self._parameters[name]
        if "dataloader_iter" in parameters:
            return function(iter([(*arguments, 0)]))
        return function(*(*arguments, 0)[: len(parameters)])

    def _hook(self, name: str, *arguments: Any) -> None:
        name = f"on_{self.step.removesuffix('_step')}_{name}"
        if is_users_own(getattr(self.module, name)):
            self._call(name, *arguments)

    def _predicted_arrays(self, guard: WriteGuard, loader: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        for index, batch in enumerate(guard.read(self._transferred(loader))):
            self.recorder.start(batch)
            with guard.step():
                predictions, targets = self._predicted(batch, index)
            predictions = predictions.detach().cpu()
            yield (
                (predictions.float() if predictions.is_floating_point() else predictions).numpy(),
                targets.detach().cpu().numpy(),
            )

    def _predicted(self, batch: Any, index: int) -> Sequence[torch.Tensor]:
        if type(self.module).forward is not torch.nn.Module.forward and _is_pair(batch):
            with self._precision():
                return self.module(batch[0]), batch[1]
        answer = self._run_step(batch, index)
        if isinstance(answer, Mapping) and {"preds", "target"} <= answer.keys():
            return answer["preds"], answer["target"]
        raise ValueError(
            "error= needs batches (inputs, targets) and a forward, or a validation_step that returns {preds, target}; "
            f"got a batch of type {type(batch).__name__}"
        )

    def _transferred(self, loader: Iterable[Any]) -> Iterator[Any]:
        """The batches where the module is, by the module's own hooks; what is there already is not moved again."""
        strategy, has_hooks = self.trainer.strategy, self._has_transfer_hooks()
        for batch in loader:
            batch = strategy.precision_plugin.convert_input(batch)
            if has_hooks or not _is_at(strategy.root_device, batch):
                batch = strategy.batch_to_device(self.module._on_before_batch_transfer(batch, 0))
            yield batch

    def _has_transfer_hooks(self) -> bool:
        """True if code of the user's own has a part in how batches get to the module."""
        owners = [owner for owner in (self.module, getattr(self.trainer, "datamodule", None)) if owner is not None]
        hooks = [getattr(owner, name) for owner in owners for name in TRANSFER_HOOKS]
        return any(map(is_users_own, [*hooks, self.trainer.strategy.batch_to_device]))

    def _precision(self) -> Any:
        plugin = self.trainer.strategy.precision_plugin
        return plugin.test_step_context() if self.step == "test_step" else plugin.val_step_context()


def with_places(seen: Seen | None, loader: Any) -> Seen | None:
    """What was seen of the examples, with their places in the loader's dataset, and the names of its classes."""
    if seen is None or seen.outcomes is None:
        return seen
    places, classes = getattr(loader, "places", None), getattr(getattr(loader, "dataset", None), "classes", ())
    names = dict(enumerate(map(str, classes))) if isinstance(classes, (list, tuple)) else None
    is_whole = places is not None and len(places) == len(seen.outcomes.size)
    return replace(seen, indices=places if is_whole else None, is_by_index=is_whole, names=names)


def _is_at(device: torch.device, batch: Any) -> bool:
    """True for a list of tensors that are on the device."""
    return type(batch) is list and all(type(part) is torch.Tensor and part.device == device for part in batch)


def _is_pair(batch: Any) -> bool:
    return isinstance(batch, (list, tuple)) and len(batch) == 2 and torch.is_tensor(batch[1])

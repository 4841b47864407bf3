"""Passes by the Trainer's own `evaluation_loop`, of which no callback and no log hears."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from transformers import DefaultFlowCallback, TrainerCallback
from transformers.trainer_callback import CallbackHandler

from bvtrack.adapters import MOST_BYTES, ErrorFunction, Pass, Predictions, evaluating, from_all, in_parts, outputs_in, picked


class Counting(TrainerCallback):  # type: ignore[misc]  # of transformers no type is read, for it may be absent
    """Notes the examples of each batch."""

    def __init__(self, note: Callable[[int], object]) -> None:
        self._note = note

    def on_prediction_step(self, args: Any, state: Any, control: Any, **known: Any) -> None:
        self._note((args.eval_batch_size or 1) * args.world_size)


class Evaluator:
    """Evaluates sets with a `trainer`; in several processes all take part, and each has the whole result.

    With an `error` function it is measured on predictions and labels, else all that the trainer would log is. Predictions
    take 256 MiB at a time: metrics of a set that needs more are means over parts of it. All metrics begin with the `prefix`.
    """

    def __init__(self, trainer: Any, error: ErrorFunction | None, say: Callable[..., None], prefix: str) -> None:
        self._trainer, self._error, self._say, self._prefix = trainer, error, say, prefix
        self._room: int | None = None
        self._is_loss_only = error is None and (trainer.compute_metrics is None or trainer.args.prediction_loss_only)

    def evaluate(self, data: Any, places: Sequence[int] | None = None, note: Callable[[int], object] = int) -> Pass:
        """The pass over the examples of a set at these `places`, or over all; `note` is told how many, batch by batch."""
        trainer, kept = self._trainer, Predictions(self._error) if self._error else None
        n, sums = 0, Counter[str]()
        with evaluating(trainer.model, trainer, is_data=lambda name: "dataset" in name, say=self._say):
            trainer.callback_handler = CallbackHandler([DefaultFlowCallback(), Counting(note)], trainer.model, None, None, None)
            trainer.optimizer = None  # a schedule-free one swaps the weights for an evaluation
            noted = getattr(trainer, "_metrics", {}).get("eval", {})  # by TRL's trainers, whose next log tells the means
            for part in in_parts(data, places, partial(self._most_at_once, data)):
                noted.clear()
                with self._loader(part) as loader:
                    found = trainer.evaluation_loop(loader, "Evaluation", self._is_loss_only, metric_key_prefix=self._prefix)
                if kept is not None:
                    is_whole = trainer.args.eval_do_concat_batches  # else lists by batches
                    for predicted, true in [found[:2]] if is_whole else zip(*found[:2], strict=True):
                        kept.add(outputs_in(predicted)[0], outputs_in(true)[0])
                n += found.num_samples
                values = {f"{self._prefix}_{name}": np.mean(values) for name, values in noted.items() if values} | found.metrics
                sums.update({name: x * found.num_samples for name, x in values.items() if isinstance(x, (int, float))})
        return kept.found() if kept is not None else Pass(n, {name: total / n for name, total in sums.items()})

    def _most_at_once(self, data: Any, places: Sequence[int]) -> int:
        """Number of examples whose predictions there is room for, judged once, by the first batch, in all processes alike."""
        if self._is_loss_only:
            return max(len(places), 1)
        if self._room is None:
            trainer = self._trainer
            with self._loader(picked(data, places[: trainer.args.eval_batch_size or 1])) as loader:
                _, predictions, labels = trainer.prediction_step(trainer.model, next(iter(loader)), False)
            if trainer.preprocess_logits_for_metrics is not None:
                predictions = trainer.preprocess_logits_for_metrics(predictions, labels)
            outputs = outputs_in(predictions)
            bytes_each = max(from_all(sum(output.nbytes for output in outputs) / len(outputs[0])))
            self._room = max(int(MOST_BYTES / max(bytes_each, 1)), 1)
        return self._room

    @contextmanager
    def _loader(self, data: Any) -> Iterator[Any]:
        loader = self._trainer.get_test_dataloader(data)
        try:
            yield loader
        finally:
            loader.end()  # accelerate's are open until then, also where one raises or is left early

"""One `Trainer.train` as a `Session` of the core sees it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from transformers import Trainer
from transformers.trainer_utils import default_compute_objective

from bvtrack import Measure, ModelFacts
from bvtrack.adapters import (
    CallbackOptions,
    Logged,
    ModuleTraining,
    Pass,
    RunningMeans,
    SetName,
    TimeBudget,
    is_by_index,
    module_facts,
    numbers,
    size_of,
)
from bvtrack_transformers.evaluation import Evaluator

SHARDED = "where weights are spread over processes, no set can be measured: errors are those that the Trainer logs"
LOSSES = {"regression": "MSELoss", "multi_label_classification": "BCELoss", "single_label_classification": "CrossEntropyLoss"}
"""The class of a model's own loss, by its config's `problem_type`."""
OF_TOKENS = ("CausalLM", "LMHead", "ConditionalGeneration", "MaskedLM", "TokenClassification", "QuestionAnswering")
"""Parts of the names of models whose own loss is the mean cross-entropy of tokens."""


class TransformersTraining(ModuleTraining):
    """In several processes each has one, and all take part in what is measured."""

    def __init__(
        self, trainer: Any, optimizer: Any, state: Any, options: CallbackOptions, say: Any, given: Any, train_eval: Any
    ) -> None:
        dev: Any = trainer.eval_dataset
        name, dev = next(iter(dev.items()), ("", None)) if isinstance(dev, dict) else ("", dev)  # of several the first
        self.prefix = f"eval_{name}" if name else "eval"
        data = {"train": trainer.train_dataset, "dev": dev, **given}
        super().__init__(trainer.model, options, say, data, train_eval, state.is_world_process_zero)
        self.trainer, self.args, self.optimizer, self.state = trainer, trainer.args, optimizer, state
        self._evaluator = Evaluator(trainer, options.error.function if options.error else None, say, self.prefix)
        self._n_dev = len(dev) if is_by_index(dev) else None
        if trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled:
            self.unmeasurable = SHARDED
        self.check_data("eval_dataset= to the Trainer, and eval_strategy='epoch' to its arguments")
        self.running = RunningMeans(self.step)
        self.begin_epoch()

    @property
    def step(self) -> int:
        return int(self.state.global_step)

    @property
    def epoch(self) -> int:
        """The number of the ending epoch, from 0 on; where the Trainer evaluates by steps, that of its evaluation."""
        by_steps = self.args.eval_strategy == "steps"
        return max(math.ceil(self.step / self.state.eval_steps if by_steps else self.state.epoch or 0) - 1, 0)

    def begin_epoch(self) -> None:
        self._dev: Mapping[str, float] = {}
        self._exposed: dict[str, Any] = {}
        self.running.begin_epoch()

    def take_logs(self, logs: Mapping[str, Any]) -> None:
        """Take up averages over the last steps; evaluations, and the summary at the end, say their time."""
        if not any(name.endswith("_runtime") for name in logs):
            self.running.add(numbers(logs, self.say), self.step)

    def take_evaluation(self, metrics: dict[str, Any], loader: Any) -> None:
        self._dev, self._n_dev, self._exposed = numbers(metrics, self.say), size_of(loader), metrics

    def is_own(self, metrics: Mapping[str, Any], loader: Any) -> bool:
        """False for an evaluation of other data, also under dev's names, such as a callback's `trainer.evaluate(train)`."""
        is_whole = type(self.trainer).get_eval_dataloader is Trainer.get_eval_dataloader
        return f"{self.prefix}_runtime" in metrics and self.is_of_dev(loader, is_whole=is_whole)

    def evaluate_dev(self) -> None:
        """Evaluate the dev set where the Trainer does not."""
        if self.data["dev"] is not None and not self.options.error and not self.unmeasurable:
            found = self._evaluator.evaluate(self.data["dev"])
            self._dev, self._n_dev = found.values, found.n

    def model_facts(self) -> ModelFacts:
        args = self.args
        return module_facts(
            self.model,
            getattr(self.optimizer, "optimizer", self.optimizer),  # accelerate's holds the user's
            schedule="none" if args.lr_scheduler_type == "constant" else str(getattr(args.lr_scheduler_type, "value", "")),
            batch_size=args.train_batch_size * args.gradient_accumulation_steps * args.world_size,
            augmentation=None if self.train_eval_data is None else True,
        )

    def monitors(self) -> Sequence[str]:
        metric = self.args.metric_for_best_model
        return [] if metric is None else [f"eval_{metric.removeprefix('eval_')}"]

    def known_as(self) -> Mapping[str, str]:
        """The class of the loss, where it is the model's own, by what the model says of itself."""
        trainer, args = self.trainer, self.args
        is_plain = type(trainer).__name__ == "SFTTrainer" or type(trainer).compute_loss is Trainer.compute_loss
        if not is_plain or trainer.compute_loss_func or args.label_smoothing_factor or getattr(args, "loss_type", 0) == "dft":
            return {}
        is_of_tokens = any(name in type(self.model).__name__ for name in OF_TOKENS)
        problem = getattr(getattr(self.model, "config", None), "problem_type", None)
        found = "CrossEntropyLoss" if is_of_tokens else LOSSES.get(problem or "")
        return {f"{self.prefix}_loss": found, "loss": found} if found else {}

    def logged(self) -> Logged:
        return Logged(self.running.of_epoch(), self._dev, n_dev=self._n_dev)

    def evaluate(self, name: SetName, measure: Measure | None, budget: TimeBudget) -> Pass:
        # clocks differ, and all processes must take part in as many batches
        most = budget.most if self.args.world_size == 1 else math.inf
        if self.options.train_eval == "subset" and self.args.eval_strategy == "steps":  # evaluations may be far shorter apart
            most = min(most, self._n_dev or math.inf)
        data, places = self.measured_on(name, self._n_dev, most)
        return self._evaluator.evaluate(data, places, int if places is None else budget.note)

    def expose(self, metrics: Mapping[str, float]) -> None:
        """Add the errors and gaps to the metrics of the evaluation, for `metric_for_best_model` and callbacks behind ours; not
        where a search takes the sum of all metrics for its objective, unless they are asked for by name.
        """
        is_summed = self.state.is_hyper_param_search and self.trainer.compute_objective is default_compute_objective
        if is_summed and "bvtrack_" not in str(self.args.metric_for_best_model):
            return
        self._exposed |= {f"eval_{name.replace('/', '_')}": value for name, value in metrics.items()}

    def stop(self, reason: str) -> None:
        self.trainer.control.should_training_stop = True

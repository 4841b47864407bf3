"""The contract between a framework and what measures its trainings: an adapter is one class that keeps it."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from bvtrack.adapters.budget import TimeBudget
from bvtrack.diagnosis.evidence import ModelFacts
from bvtrack.measures.measure import ErrorFunction, Measure
from bvtrack.measures.outcomes import Seen
from bvtrack.splits.sampling.source import SplitSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

SetName = Literal["train", "train_dev", "dev", "test"]


@dataclass(frozen=True)
class Logged:
    """Metrics that a training's own loop has logged for an epoch, by name: floats or what `float()` takes.

    `train` are averages taken while the weights were changing, and may hold the metrics of `dev` too: those that validation
    logged, on all of the dev data in eval mode; it is empty where there was no validation. `of_last_batch` are names in
    `train` that no average was taken of, `over_classes` names in `dev` of means over classes, as in a `Pass`, and `n_dev` the
    number of examples that validation ran over, where it is known.
    """

    train: Mapping[str, Any] = field(default_factory=dict)
    dev: Mapping[str, Any] = field(default_factory=dict)
    of_last_batch: Collection[str] = ()
    over_classes: Collection[str] = ()
    n_dev: int | None = None


@dataclass(frozen=True)
class Pass:
    """Result of one pass of the model over one set, in eval mode.

    Either `values`, means over all `n` examples by metric, or `examples`: predictions and targets, `[n, ...]` each. These are
    the errors of single examples, twice, where `is_by_example`; where predictions took too much memory to be kept
    (`is_averaged`), an example has the mean error of those around it. `over_classes` are names in `values` of means over
    classes, whose certainty no count of examples tells, `intervals` 95 % intervals of values that are known otherwise, such as
    those of the means over folds. `outputs` `[n_kept, ...]` are some of the model's predictions, and
    `seen` what `Predictions` has seen of the examples, by which epochs are compared example by example. `problem` says what
    ended the pass early; then nothing else counts.
    """

    n: int | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    examples: tuple[NDArray[Any], NDArray[Any]] | None = None
    is_by_example: bool = False
    is_averaged: bool = False
    over_classes: Collection[str] = ()
    outputs: NDArray[Any] | None = None
    seen: Seen | None = None
    problem: str = ""


class Training(Protocol):
    """One training of a framework, as a `Session` sees it. Inherit from it: what has a body here need not be written.

    A `Session` calls all of this from the thread, and at the moments, that its own methods are called from. Whatever is raised
    costs the check or the error that it was asked for, and is logged once; the training goes on.
    """

    @property
    def has_data(self) -> bool:
        """True if `splits` is known when the training begins; else it is called before the first measurement."""
        return True

    def model_facts(self) -> ModelFacts:
        """Facts about the model and its optimiser, before the first step; `augmentation` is True also if the user gave the
        training data without augmentation beside the others.
        """
        ...

    def monitors(self) -> Sequence[str]:
        """The metrics that the training stops, keeps epochs or lowers its learning rate by."""
        return ()

    def splits(self) -> Mapping[str, SplitSource]:
        """By set, its size and, for the check of the split, a function that reads some of its examples. Reading
        must leave the training's own data, their generators and their workers as they were; the random states of Python, NumPy
        and torch are kept by the `Session`.
        """
        ...

    def is_augmented(self) -> bool:
        """True if the examples that the train error is measured on change from one reading to the next."""
        return False

    def loss(self) -> ErrorFunction | None:
        """The loss as a function of predictions and targets `[n, ...]`, by which a constant predictor is judged where nothing
        but a loss is logged; `None` where it is not known.
        """
        return None

    def minimised(self) -> str | None:
        """The name of the loss, or its class, as far as the training's objects tell; `None` where they do not."""
        return None

    def known_as(self) -> Mapping[str, str]:
        """The classes of logged metrics whose objects are at hand, by name; the k of a top-k accuracy is behind its class."""
        return {}

    def logged(self) -> Logged:
        """The metrics that the loop has logged for the ending epoch by now, and not those that are left from earlier ones."""
        ...

    def sets(self, measure: Measure | None) -> Sequence[SetName]:
        """The sets that `evaluate` can measure errors on now, in the order in which it should; `dev` only where its error is
        not the one that validation logs. `test` is measured in those epochs that the user asked for.
        """
        ...

    def evaluate(self, name: SetName, measure: Measure | None, budget: TimeBudget) -> Pass:
        """Pass over a set in eval mode, and leave the training, with the user's objects, as it was, also when it raises.

        `measure` says which metric is asked for, `None` while nothing has been logged that tells; with the user's own `error=`
        it is the measure of that, whose `function` `Predictions` applies to what the model predicts. Where train is measured
        on a subset, what has been passed over is noted in the `budget`, and the pass ends, in each epoch, at its `most`.
        """
        ...

    def marks_of_weights(self) -> Sequence[str]:
        """Short texts that tell the present weights from those of other epochs; more than one where they may be met again in
        another form, none where they cannot be told.
        """
        return ()

    def weights_left(self) -> Sequence[str]:
        """The marks of the weights that the user is left with when the training is over, asked at its end: by default those
        that the model has then.
        """
        return self.marks_of_weights()

    def checkpoints(self) -> Mapping[str, str]:
        """The checkpoints that the training has saved, by path or URI: the mark of the weights that each holds. They are not
        read, and those that are gone from disk may be among them.
        """
        return {}

    def forget_checkpoints(self, paths: Collection[str]) -> None:
        """Name these checkpoints no more, of a training that has saved thousands: their epochs are none of those to keep."""
        return

    def now(self) -> float:
        """The time in seconds when all is done that was asked of an accelerator. Only a training's first pass asks."""
        return time.perf_counter()

    def wording(self, name: SetName) -> tuple[str, str]:
        """The names of the step that `evaluate` runs and of its data, for the message that it failed."""
        return "evaluating", f"the {name} data"

    def has_used(self, loader: Any) -> bool:
        """True for a loader of data that the training has trained or judged by, whose error after it is none of a test."""
        return False

    def join(self, passes: Mapping[SetName, Pass]) -> Mapping[SetName, Pass]:
        """The passes of all processes as one, where several train one model; each calls this once an epoch."""
        return passes

    def expose(self, metrics: Mapping[str, float]) -> None:
        """Hand an epoch's errors and gaps, fractions by the names of their MLflow metrics, to the training's own callbacks; by
        default to nobody, where a framework's callbacks see no metrics.
        """
        return

    def agreed(self, reason: str | None) -> str | None:
        """The reason to stop that the first process has, where several train one model; each calls this once an epoch, where
        `stop_when` is given.
        """
        return reason

    def stop(self, reason: str) -> None:
        """Ask the framework, after an epoch, to train no further one, as its early stopping does; `reason` is a sentence."""
        return

"""Which of the logged metrics is the error, and what passes and logs say it is for each set."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bvtrack import ErrorFunction, Measure, Tracker, find_measure, measure_examples
from bvtrack_lightning.error import is_over_examples
from bvtrack_lightning.evaluation import StepName
from bvtrack_lightning.part import Part

if TYPE_CHECKING:
    from lightning.pytorch import Trainer

FIRST_LOADER = "/dataloader_idx_0"
"""What Lightning puts behind a metric's name where there are several validation loaders; the first one is the dev set."""

Errors = dict[str, Any]
"""Arguments of `Tracker.log_epoch`."""


class Reader:
    """Knows the error's measure as soon as something of it has been logged, and reads errors by it."""

    def __init__(self, tracker: Tracker, say: Callable[[str], None]) -> None:
        self._tracker = tracker
        self._say = say
        self._remarks: list[str] = []
        own = tracker.measure
        self.measure: Measure | None = own if own is not None and own.function is not None else None

    @property
    def function(self) -> ErrorFunction | None:
        """What computes the error from predictions, where the user gave that."""
        return self.measure.function if self.measure else None

    def choose(self, names: Collection[str]) -> None:
        """Settle which logged metric is the error, once."""
        if self.measure is None:
            self.measure = self._tracker.choose_measure({name.removesuffix(FIRST_LOADER) for name in names})

    def is_measured(self, names: Collection[str]) -> bool:
        """Whether the error is among the logged `names`, as far as it is known yet which that is."""
        if self.measure is not None:
            return self.measure.find_in(names) is not None
        found = find_measure(names)
        return found is not None and found.kind != "loss"

    def logged(self, values: Mapping[str, Any], stage: str) -> float | None:
        """The error that was logged for a stage; `None` where it was not."""
        name = self.measure.find_in(values, stage) if self.measure else None
        return None if self.measure is None or name is None else self.measure.error(float(values[name]))

    def running(self, trainer: Trainer, values: Mapping[str, Any]) -> float | None:
        """The error of the training step's own metric, of another name than the dev metric's."""
        if self.measure is None:
            return None
        name = self.measure.find_in([name for name in values if name != self.measure.name], "train")
        if name is not None and name in _of_the_last_batch(trainer):
            self._say(f"{name} is that of the epoch's last batch, no running train error: log it with on_epoch=True")
            return None
        return None if name is None else self.measure.error(float(values[name]))

    def read(self, name: str, part: Part, step: StepName) -> Errors:
        """What a pass has found of a set; says once why it has found nothing."""
        problem = part.problem
        try:
            if not problem:
                return self._read_examples(name, part) if part.examples is not None else self._read_logged(name, part, step)
        except Exception as error:  # a metric that cannot be computed, a function that gives something else
            problem = repr(error)
        return self._without(name, f"{step} failed on the {name} data ({problem})")

    def _read_logged(self, name: str, part: Part, step: StepName) -> Errors:
        values = part.values()
        self._weigh_classes(part)
        error = self.logged(values, "test" if step == "test_step" else "dev")
        if error is None:
            return self._without(name, f"{step} did not log {self.measure} on the {name} data")
        return {f"{name}_error": error, f"n_{name}": part.n}

    def _without(self, name: str, reason: str) -> Errors:
        self._say(f"the {name} error is missing, for {reason}")
        self.remark(f"{name}: missing")
        return {}

    def _weigh_classes(self, part: Part) -> None:
        """Notice an accuracy that is a mean over classes: no count of examples tells how sure that is."""
        metric = part.metrics.get(self.measure.find_in(part.metrics) or "") if self.measure else None
        if self.measure and self.measure.is_rate and metric is not None and not is_over_examples(metric):
            self.measure = replace(self.measure, kind="score")
            self._log()

    def remark(self, remark: str) -> None:
        """Put a remark into the measure's tag, behind those that are there."""
        if remark not in self._remarks:
            self._remarks.append(remark)
            self._log()

    def _log(self) -> None:
        if self.measure is not None:
            self._tracker.log_measure(self.measure, "; ".join(self._remarks))

    def _read_examples(self, name: str, part: Part) -> Errors:
        error = _itself if part.is_by_example else self.function
        assert error is not None
        assert part.examples is not None
        found = measure_examples(error, *part.examples)
        if found.is_rate and self.measure is not None and not self.measure.is_rate:
            self.measure = replace(self.measure, kind="rate")
            self._log()
        intervals = {} if found.interval is None else {name: found.interval}
        return {f"{name}_error": found.value, f"n_{name}": found.n, "intervals": intervals}


def _itself(errors: Any, _: Any) -> Any:
    return errors


def _of_the_last_batch(trainer: Trainer) -> set[str]:
    """What the training step logged without averaging it over the epoch."""
    results = getattr(trainer.fit_loop.epoch_loop, "_results", {})
    return {result.meta.name for result in results.values() if not result.meta.on_epoch}


def logged_metrics(trainer: Trainer) -> dict[str, Any]:
    """What has been logged, the first of several loaders under its plain name."""
    return {name.removesuffix(FIRST_LOADER): value for name, value in trainer.callback_metrics.items()}

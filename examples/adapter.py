"""An adapter for a framework that bvtrack does not know: here a training loop in NumPy, with callbacks of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from bvtrack import Measure, ModelFacts
from bvtrack.adapters import (
    CallbackOptions,
    Logged,
    Pass,
    Session,
    SetName,
    SplitSource,
    TimeBudget,
    Training,
    choose_examples,
    is_disabled,
    measure_batches,
    never_raise,
    train_eval_size,
)

Pair = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]

# The framework: a softmax classifier and a loop that calls its callbacks and logs its metrics. It knows nothing of bvtrack.


@dataclass
class Loop:
    """Trains on `train` and validates on `dev`: pairs of features `[n, k]` and classes `[n]`."""

    train: Pair
    dev: Pair
    learning_rate: float = 0.5
    logs: dict[str, float] = field(default_factory=dict)
    should_stop: bool = False

    def __post_init__(self) -> None:
        self.weights = np.zeros((self.train[0].shape[1], 10))

    def predict(self, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        scores = np.exp(x @ self.weights)
        return np.asarray(scores / scores.sum(axis=1, keepdims=True))

    def accuracy(self, data: Pair) -> float:
        return float(np.mean(self.predict(data[0]).argmax(axis=1) == data[1]))

    def fit(self, epochs: int, callbacks: Iterable[Callback] = (), batch: int = 100) -> None:
        callbacks = list(callbacks)
        state = "failed"
        for callback in callbacks:
            callback.on_begin(self)
        try:
            for epoch in range(epochs):
                for callback in callbacks:
                    callback.on_epoch_begin(self)
                self._train_epoch(epoch, batch)
                self.logs["val_accuracy"] = self.accuracy(self.dev)
                for callback in callbacks:
                    callback.on_epoch_end(self, epoch)
                if self.should_stop:
                    break
            state = "complete"
        finally:
            for callback in callbacks:
                callback.on_end(self, state)

    def _train_epoch(self, epoch: int, batch: int) -> None:
        x, y = self.train
        order = np.random.default_rng(epoch).permutation(len(x))
        n_right = 0
        for start in range(0, len(x), batch):
            some = order[start : start + batch]
            predicted = self.predict(x[some])
            n_right += int((predicted.argmax(axis=1) == y[some]).sum())
            self.weights -= self.learning_rate * x[some].T @ (predicted - np.eye(10)[y[some]]) / len(some)
        self.logs["accuracy"] = n_right / len(x)


class Callback:
    def on_begin(self, loop: Loop) -> None: ...

    def on_epoch_begin(self, loop: Loop) -> None: ...

    def on_epoch_end(self, loop: Loop, epoch: int) -> None: ...

    def on_end(self, loop: Loop, state: Any) -> None: ...


# The adapter: what the loop logs, the data that it has, and how a set is measured.


class LoopTraining(Training):
    def __init__(self, loop: Loop, options: CallbackOptions, test: Pair | None) -> None:
        self._loop = loop
        self._options = options
        self._sets: dict[SetName, Pair] = {"train": loop.train, "dev": loop.dev}
        if test is not None:
            self._sets["test"] = test
        n = train_eval_size(len(loop.train[0]), len(loop.dev[0]), options.train_eval)
        chosen = choose_examples(len(loop.train[0]), n)
        self._measured = {**self._sets, "train": (loop.train[0][chosen], loop.train[1][chosen])} if n else self._sets

    def model_facts(self) -> ModelFacts:
        return ModelFacts(
            parameters=self._loop.weights.size, optimizer="SGD", learning_rate=self._loop.learning_rate, dropout=0.0
        )

    def splits(self) -> Mapping[str, SplitSource]:
        return {name: SplitSource.of(data) for name, data in self._sets.items()}

    def logged(self) -> Logged:
        return Logged({"accuracy": self._loop.logs["accuracy"]}, {"val_accuracy": self._loop.logs["val_accuracy"]})

    def sets(self, measure: Measure | None) -> Sequence[SetName]:
        """The loop measures dev itself, but for an error of the user's own."""
        left_out = set() if self._options.error else {"dev"}
        left_out |= {"train"} if self._options.train_eval == "running" else set()
        return [name for name in self._sets if name not in left_out]

    def evaluate(self, name: SetName, measure: Measure | None, budget: TimeBudget) -> Pass:
        x, y = self._measured[name]
        if measure is None or measure.function is None:
            return Pass(len(x), {"accuracy": self._loop.accuracy((x, y))})
        return measure_batches([(self._loop.predict(x), y)], measure, len(x))

    def expose(self, metrics: Mapping[str, float]) -> None:
        self._loop.logs |= metrics

    def stop(self, reason: str) -> None:
        self._loop.should_stop = True


class BiasVarianceCallback(Callback):
    """Logs the errors of each epoch to MLflow and keeps the run diagnosed; `options` are as those of the other callbacks."""

    def __init__(self, test: Pair | None = None, **options: Any) -> None:
        self._options = CallbackOptions(**options)
        self._test = test
        self.session: Session[LoopTraining] | None = None

    @never_raise
    def on_begin(self, loop: Loop) -> None:
        if not is_disabled():
            self.session = Session(LoopTraining(loop, self._options, self._test), self._options)
            self.session.begin()

    @never_raise
    def on_epoch_begin(self, loop: Loop) -> None:
        if self.session:
            self.session.begin_epoch()

    @never_raise
    def on_epoch_end(self, loop: Loop, epoch: int) -> None:
        if self.session:
            self.session.end_epoch(epoch)

    @never_raise
    def on_end(self, loop: Loop, state: Any) -> None:
        if self.session:
            self.session.end(state)


def main() -> None:
    pixels, classes = load_digits(return_X_y=True)
    pixels = pixels / 16
    x_train, x_rest, y_train, y_rest = train_test_split(pixels, classes, test_size=0.4, random_state=0, stratify=classes)
    x_dev, x_test, y_dev, y_test = train_test_split(x_rest, y_rest, test_size=0.5, random_state=0, stratify=y_rest)
    callback = BiasVarianceCallback(test=(x_test, y_test), human_error=0.02)
    Loop((x_train, y_train), (x_dev, y_dev)).fit(20, [callback])

    assert callback.session is not None
    assert callback.session.tracker.diagnosis is not None
    print(callback.session.tracker.diagnosis.explanation)
    for step in callback.session.tracker.steps:
        print(f"- {step.title}: {step.why}")


if __name__ == "__main__":
    main()

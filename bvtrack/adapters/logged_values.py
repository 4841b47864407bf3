"""What a training's loop logs: the values that are numbers, and averages over an epoch of those that it logs in its course."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

VECTOR = "{name} has {n} values and is left out, for an error is one number: log their mean"


def numbers(values: Mapping[str, Any], say: Callable[[str], None]) -> dict[str, float]:
    """The values that are one number, as floats: Python's, NumPy's and those of tensors. Of vectors it is said that they are
    left out, of texts and other objects nothing.

    >>> import numpy as np
    >>> numbers({"loss": np.float32(0.5), "f1": np.array([0.5, 1.0]), "epoch": "first"}, print)
    f1 has 2 values and is left out, for an error is one number: log their mean
    {'loss': 0.5}
    """
    found = {}
    for name, value in values.items():
        n = _n_values(value)
        if n == 1:
            found[name] = float(value)
        elif n > 1:
            say(VECTOR.format(name=name, n=n))
    return found


def _n_values(value: Any) -> int:
    """The numbers that a value holds; 0 for what holds none."""
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        return 0
    numel = getattr(value, "numel", None)  # torch's tensors have a `size` that is a method
    return int(numel()) if callable(numel) else int(getattr(value, "size", 1))


class RunningMeans:
    """Averages over the steps of an epoch, of values that are logged every few steps as averages since the last time.

    >>> means = RunningMeans()
    >>> means.add({"loss": 1.0}, step=10)
    >>> means.add({"loss": 0.4}, step=15)
    >>> means.of_epoch()["loss"]
    0.8
    """

    def __init__(self, step: int = 0) -> None:
        self._first = step
        self._last: dict[str, int] = {}
        self.begin_epoch()

    def begin_epoch(self) -> None:
        """Have done with the epoch before."""
        self._sums: dict[str, float] = {}
        self._weights: dict[str, int] = {}

    def add(self, values: Mapping[str, float], step: int) -> None:
        """Take what was logged at a step."""
        for name, value in values.items():
            n = step - self._last.get(name, self._first)
            self._last[name] = step
            self._sums[name] = self._sums.get(name, 0.0) + n * value
            self._weights[name] = self._weights.get(name, 0) + n

    def of_epoch(self) -> dict[str, float]:
        """The averages so far."""
        return {name: total / self._weights[name] for name, total in self._sums.items() if self._weights[name]}

"""The data that a user gives a callback: arrays, the framework's own kind of dataset, or a number of rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from bvtrack.measures.train_subset import TrainEval, train_eval_size
from bvtrack.splits.reading.random_subset import choose_examples
from bvtrack.splits.sampling.source import SplitSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXPECTED = "{}_data must be (features, targets), (features, targets, weights){} or a number of rows; got {}"


@dataclass(frozen=True)
class GivenData:
    """A set: what the model predicts on (`x`, `None` where only the number of rows is known), its targets and weights."""

    split: SplitSource
    x: Any = None
    targets: NDArray[Any] | None = None
    weights: NDArray[Any] | None = None

    @property
    def n(self) -> int:
        """The number of rows."""
        return self.split.n

    @property
    def can_be_predicted(self) -> bool:
        """True if errors can be measured on it."""
        return self.x is not None and self.targets is not None

    @classmethod
    def of(cls, name: str, data: Any, own_kind: str = "") -> Self:
        """From arrays or a count; `own_kind` names the framework's kind of data in the message.

        Raises `ValueError` for anything else, for lengths that differ, and for targets that are no numbers.
        """
        import numpy as np

        if isinstance(data, (int, np.integer)) and not isinstance(data, bool) and data > 0:
            return cls(SplitSource(int(data)))
        if not isinstance(data, tuple) or len(data) not in (2, 3):
            raise ValueError(EXPECTED.format(name, own_kind and f", {own_kind}", type(data).__name__))
        x = data[0] if hasattr(data[0], "shape") else np.asarray(data[0])
        targets, weights = np.asarray(data[1]), None if len(data) == 2 or data[2] is None else np.asarray(data[2])
        if targets.dtype.kind not in "biuf":
            raise ValueError(f"{name}_data needs the numbers that are trained on for targets; got {targets.dtype}")
        lengths = [x.shape[0], len(targets), *([] if weights is None else [len(weights)])]
        if len({*lengths}) > 1 or not lengths[0]:
            raise ValueError(f"{name}_data must have as many targets as rows, and at least one; got {lengths}")
        targets = targets.ravel() if targets.size == len(targets) else targets
        return cls(SplitSource.of((x, targets)), x, targets, weights)

    def some(self, n_dev: int | None, train_eval: TrainEval) -> GivenData:
        """As many of its rows, chosen at random, as the train error is to be measured on; all that are no arrays."""
        n = train_eval_size(self.n, n_dev, train_eval) or self.n
        if n == self.n or self.targets is None or not hasattr(self.x, "shape"):
            return self
        rows = choose_examples(self.n, n)
        rows.sort()
        x = self.x.iloc[rows] if hasattr(self.x, "iloc") else self.x[rows]
        weights = None if self.weights is None else self.weights[rows]
        return replace(self, split=SplitSource(n), x=x, targets=self.targets[rows], weights=weights)

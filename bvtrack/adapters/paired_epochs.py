"""The dev errors of single examples in several epochs, in bounded memory, to compare the epochs example by example."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bvtrack.error_rates.within_noise import Difference, of_counts, paired_difference

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_BYTES = 8 * 2**20
"""Memory for the errors of all epochs: 8 MiB hold 512 epochs of 131,072 examples that are right or wrong, a bit each; of other
errors, 4 bytes each, 512 epochs of 4,096 examples, or 52 epochs of 40,000."""
MOST_EPOCHS = 512
"""Epochs that are compared: as many as are kept of a long training (`KEPT_EPOCHS`). Those with the lowest errors stay."""
MOST_CARRIED = 32 * 2**10
"""Size of the best epoch's errors up to which a checkpoint carries them: those of 262,144 examples that are right or wrong."""
MOST_CARRIED_EPOCHS = 256
"""Epochs whose differences a checkpoint carries, those nearest to the best."""


@dataclass(frozen=True)
class ExampleErrors:
    """The errors of an epoch's `n` examples: booleans as bits, others as float32."""

    error: float
    n: int
    values: NDArray[Any]

    @classmethod
    def of(cls, error: float, values: NDArray[Any]) -> ExampleErrors:
        """From the errors `[n]`, whose mean, or the like, is `error`."""
        import numpy as np

        is_rate = values.dtype == bool or bool(((values == 0) | (values == 1)).all())
        return cls(error, len(values), np.packbits(values.astype(bool)) if is_rate else values.astype(np.float32))

    @property
    def is_rate(self) -> bool:
        return bool(self.values.dtype.kind == "u")

    def minus(self, best: ExampleErrors) -> Difference | None:
        """How much higher these errors are; `None` where they are not of the same kind."""
        import numpy as np

        if self.is_rate != best.is_rate or self.n != best.n:
            return None
        if not self.is_rate:
            return paired_difference(self.values, best.values)
        both, later, lowest = (
            int(np.count_nonzero(np.unpackbits(bits))) for bits in (self.values & best.values, self.values, best.values)
        )
        return of_counts(later - both, lowest - both, self.n)


class PairedEpochs:
    """Takes the errors of each epoch's examples, and compares the best epoch with the others.

    Examples that come in another order than before, or cannot be told, are not compared: the epochs before are dropped.
    """

    def __init__(self) -> None:
        self._order: str | None = None
        self._epochs: dict[int, ExampleErrors] = {}
        self._found: dict[int, Difference] = {}
        self._found_for: int | None = None
        self.is_in_order = False
        """True if the examples of two epochs came in the same order."""

    def add(self, epoch: int, error: float, values: NDArray[Any], order: str | None) -> None:
        """Take the errors `[n]` of an epoch's examples, whose mean, or the like, is `error`."""
        is_same = order is not None and order == self._order
        self.is_in_order = is_same and bool(self._epochs.keys() - {epoch})
        if not is_same:
            self._epochs, self._found, self._found_for, self._order = {}, {}, None, order
        self._forget(epoch)
        if order is None:
            return
        self._epochs[epoch] = ExampleErrors.of(error, values)
        self._drop_worst()

    @property
    def best(self) -> int | None:
        """The epoch with the lowest error, the earliest of equals, of those that are kept."""
        return min(self._epochs, key=lambda epoch: (self._epochs[epoch].error, epoch), default=None)

    def compared(self) -> Mapping[int, Difference]:
        """By epoch, how much higher its errors are than those of the `best`."""
        best = self.best
        if best is None:
            return {}
        if best != self._found_for:
            self._found, self._found_for = {}, best
        for epoch, errors in self._epochs.items():
            if epoch not in self._found and epoch != best:
                difference = errors.minus(self._epochs[best])
                if difference is not None:
                    self._found[epoch] = difference
        if len(self._found) > 2 * MOST_EPOCHS:
            self._found = self._nearest(MOST_EPOCHS)
        return self._found

    def _nearest(self, n: int) -> dict[int, Difference]:
        """Of the epochs that have been compared, so many that are nearest to the best."""
        near = {*sorted(self._found, key=lambda epoch: self._found[epoch].value)[:n]}
        return {epoch: difference for epoch, difference in self._found.items() if epoch in near}

    def state(self) -> dict[str, Any]:
        """What a resumed training needs to go on comparing, JSON types alone: the best epoch's errors, if they are few."""
        best = self.best
        if best is None or self._epochs[best].values.nbytes > MOST_CARRIED:
            return {}
        errors = self._epochs[best]
        self.compared()
        carried = self._nearest(MOST_CARRIED_EPOCHS)
        return {
            "order": self._order,
            "best": best,
            "error": errors.error,
            "n": errors.n,
            "is_rate": errors.is_rate,
            "errors": base64.b64encode(errors.values.tobytes()).decode(),
            "compared": [[epoch, one.value, one.deviation] for epoch, one in carried.items()],
        }

    def recall(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state()`. Raises `LookupError`, `TypeError` or `ValueError` for anything else."""
        import numpy as np

        if not state:
            return
        kind = np.uint8 if state["is_rate"] else np.float32
        values = np.frombuffer(base64.b64decode(state["errors"]), kind)
        best = int(state["best"])
        self._order = state["order"]
        self._epochs = {best: ExampleErrors(float(state["error"]), int(state["n"]), values)}
        self._found = {int(epoch): Difference(value, deviation) for epoch, value, deviation in state["compared"]}
        self._found_for = best

    def _forget(self, epoch: int) -> None:
        """Forget an epoch that is measured again."""
        self._epochs.pop(epoch, None)
        self._found.pop(epoch, None)
        if epoch == self._found_for:
            self._found, self._found_for = {}, None

    def _drop_worst(self) -> None:
        """Drop the epochs with the highest errors until the others are few enough; one stays."""
        size = sum(one.values.nbytes for one in self._epochs.values())
        while len(self._epochs) > 1 and (size > MOST_BYTES or len(self._epochs) > MOST_EPOCHS):
            size -= self._epochs.pop(max(self._epochs, key=lambda epoch: self._epochs[epoch].error)).values.nbytes

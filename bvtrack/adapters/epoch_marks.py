"""Which epoch had weights with which marks, in bounded memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

MOST_MARKS = 10_000
"""Marks after which those of epochs that are not wanted are forgotten: 2 MB, of the 2,500 epochs of a short training all."""
LATEST_EPOCHS = 1_000
"""Epochs whose marks stay in any case: callbacks that keep or restore weights look back at few."""


def mark_of_step(step: int) -> str:
    """A mark of the weights that a training had at a step, the same in its checkpoints' states."""
    return f"step={step}"


class EpochMarks:
    """The epoch by each mark of its weights, of two epochs with the same weights the later one.

    >>> marks = EpochMarks()
    >>> marks.note(["a", "b"], 0)
    >>> marks.epoch_of("b")
    0
    """

    def __init__(self) -> None:
        self._epochs: dict[str, int] = {}
        self._most = MOST_MARKS

    def note(self, marks: Sequence[str], epoch: int) -> None:
        """Note the marks of an epoch's weights."""
        for mark in marks:
            self._epochs.pop(mark, None)  # what was met again is among the latest
            self._epochs[mark] = epoch

    def epoch_of(self, mark: str) -> int | None:
        """The last epoch that had weights with this mark; `None` where none had, or it is forgotten."""
        return self._epochs.get(mark)

    @property
    def are_many(self) -> bool:
        """True if it is time to `thin` them."""
        return len(self._epochs) > self._most

    def thin(self, wanted: Collection[int]) -> None:
        """Forget the marks of all but the `wanted` epochs and the latest."""
        latest = list(dict.fromkeys(reversed(self._epochs.values())))[:LATEST_EPOCHS]
        self._epochs = self.of({*wanted, *latest})
        self._most = max(MOST_MARKS, 2 * len(self._epochs))

    def of(self, wanted: Collection[int]) -> dict[str, int]:
        """The epochs by mark, of the `wanted` ones alone."""
        return {mark: epoch for mark, epoch in self._epochs.items() if epoch in wanted}

    def recall(self, epochs: Mapping[str, int]) -> None:
        """Go on from what `of` gave."""
        self._epochs = dict(epochs)

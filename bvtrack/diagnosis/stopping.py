"""When a training should end for its own curve: the rules that a user chose, held against each epoch's class of the curve."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any

from bvtrack.argument_error import ArgumentError
from bvtrack.curves.curve import WARM_UP_EPOCHS
from bvtrack.diagnosis.kept_weights import Weights

DIVERGED_EPOCHS = 3
"""Epochs in a row that a curve must be `diverged`: the spike of a warm restart, or a loss that is no number in one batch, is
over after one or two (`tests/benchmarks/rules/stopping.py`)."""
PROGRESS = 0.002
"""A train or dev value this share below the lowest before is progress, though a run be no better than guessing yet. Without it
25 base runs of the intervention set are ended that would have learned, with 0.2 to 0.5 % some ten, after five epochs."""
NOT_KEPT = (
    "the training would be stopped ({reason}), and goes on, for no checkpoint is known of epoch {best}, the best on dev, or of "
    "one within noise of it: keep it, as a ModelCheckpoint of the best dev error or restore_best_weights=True does; in your "
    "own loop, name it by log_weights(checkpoints=...)"
)


@dataclass(frozen=True)
class StopWhen:
    """When a training is to be stopped, by the class of its learning curve (the tag `bvtrack.curve`); by default never.

    The rules see train and dev errors alone: the test error chooses and stops nothing.

    Args:
        diverged: stop once the curve has been `diverged` for three epochs in a row.
        not_learning: stop after so many epochs in a row no better than guessing and without any progress, on train or dev, but
            not within the first five, for a model may still be in warm-up; 0 for never.
        overtrained: stop after so many epochs in a row in which the dev error was well above its best, and the train error was
            not, but only where the weights of the best epoch, or of one within noise of it, are kept; 0 for never.

    Raises:
        ValueError: for anything but a truth value and numbers of epochs.

    >>> StopWhen(overtrained=-1)
    Traceback (most recent call last):
    bvtrack.argument_error.ArgumentError: overtrained must be a number of epochs in a row, 0 for never; got -1
    """

    diverged: bool = False
    not_learning: int = 0
    overtrained: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.diverged, bool):
            raise ArgumentError("diverged", "{} must be True or False; got {!r}", self.diverged)
        for name in ("not_learning", "overtrained"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise ArgumentError(name, "{} must be a number of epochs in a row, 0 for never; got {!r}", value)

    @property
    def is_never(self) -> bool:
        """True if no rule is chosen."""
        return self == StopWhen()

    def epochs_of(self, curve: str | None) -> int:
        """Epochs in a row with a curve of this class after which to stop; 0 for never."""
        in_a_row = {"diverged": DIVERGED_EPOCHS * self.diverged, "not_learning": self.not_learning}
        return {**in_a_row, "overtrained": self.overtrained}.get(curve or "", 0)


class Stopping:
    """Counts for how many epochs in a row a run's curve has been of one class, and says when that is enough.

    >>> stopping = Stopping(StopWhen(diverged=True))
    >>> for epoch in range(3):
    ...     stopping.take(epoch, "diverged")
    >>> stopping.reason(None)
    'stopped after epoch 2: diverged for 3 epochs in a row'
    """

    def __init__(self, rules: StopWhen) -> None:
        self._rules = rules
        self._row = self._before = Row()

    def take(self, epoch: int, curve: str | None, *, train: float | None = None, dev: float | None = None) -> None:
        """Take the class of the curve up to an epoch, and the epoch's values in any unit, which replace those of the same epoch
        if it is logged again.
        """
        if epoch != self._row.epoch:
            self._before = self._row
        self._row = self._before.followed_by(epoch, curve, train, dev)

    @property
    def rule(self) -> str | None:
        """The class of the curve, where its rule is met, wherever the weights are; `None` if none is."""
        row = self._row
        enough = self._rules.epochs_of(row.curve)
        is_judged = row.curve == "diverged" or row.n_epochs > WARM_UP_EPOCHS
        return row.curve if enough and is_judged and row.length >= enough else None

    def reason(self, weights: Weights | None) -> str | None:
        """Why the training should end now; `None` if it should go on."""
        kept = self._kept_in(weights)
        if self.rule is None or (self.rule == "overtrained" and kept is None):
            return None
        place = "" if kept is None or weights is None else f"; {_in_words(kept, weights)}"
        return f"stopped after epoch {self._row.epoch}: {self._row.in_words}{place}"

    def objection(self, weights: Weights | None) -> str | None:
        """Why the training goes on though a rule is met; `None` where it is to be stopped, or no rule is met."""
        if self.rule != "overtrained" or weights is None or self._kept_in(weights) is not None:
            return None
        return NOT_KEPT.format(reason=self._row.in_words, best=weights.best_epoch)

    def state(self, *, is_stopped: bool) -> Mapping[str, Any]:
        """JSON types for `recall`; a training that goes on though it was stopped counts its epochs in a row anew."""
        return {"n_epochs": self._row.n_epochs} if is_stopped else asdict(self._row)

    def recall(self, state: Mapping[str, Any]) -> None:
        """Go on counting from a `state()`."""
        self._row = self._before = Row(**{name: state[name] for name in Row.__dataclass_fields__ if name in state})

    def _kept_in(self, weights: Weights | None) -> int | None:
        """The best epoch, or one within noise of it, that is in a checkpoint, or that the model is left with; none of those
        that the row consists of.
        """
        if weights is None or self._row.since is None:
            return None
        kept = {*weights.checkpoints, weights.left_with}
        close = (epoch for epoch in (weights.best_epoch, *weights.within_noise) if epoch < self._row.since)
        return next((epoch for epoch in close if epoch in kept), None)


@dataclass(frozen=True)
class Row:
    """Epochs in a row, from `since` to `epoch`, with a curve of one class: `length` of the `n_epochs` so far, whose lowest
    values are `train` and `dev`.
    """

    epoch: int | None = None
    curve: str | None = None
    since: int | None = None
    length: int = 0
    n_epochs: int = 0
    train: float | None = None
    dev: float | None = None

    def followed_by(self, epoch: int, curve: str | None, train: float | None, dev: float | None) -> Row:
        """The row that ends in a later epoch. One of progress begins the row anew where nothing was learned; one without a dev
        error tells nothing new of what is overtrained.
        """
        n_epochs, lowest = self.n_epochs + 1, (_lower(self.train, train), _lower(self.dev, dev))
        is_progress = lowest != (self.train, self.dev)
        if curve == "not_learning" and is_progress:
            return Row(epoch, curve, epoch, 0, n_epochs, *lowest)
        if curve == self.curve:
            is_news = curve != "overtrained" or dev is not None
            return Row(epoch, curve, self.since, self.length + is_news, n_epochs, *lowest)
        return Row(epoch, curve, epoch, 1, n_epochs, *lowest)

    @property
    def in_words(self) -> str:
        """As in "overtrained for 5 epochs in a row"."""
        epochs = "1 epoch" if self.length == 1 else f"{self.length} epochs in a row"
        return f"{(self.curve or '').replace('_', ' ')} for {epochs}"


def _lower(lowest: float | None, value: float | None) -> float | None:
    """The lower of the two, of which the second is so by more than next to nothing."""
    if value is None or not math.isfinite(value):
        return lowest
    return value if lowest is None or value < lowest - PROGRESS * abs(lowest) else lowest


def _in_words(kept: int, weights: Weights) -> str:
    close = "the best on dev" if kept == weights.best_epoch else f"within noise of epoch {weights.best_epoch}, the best on dev"
    path = weights.checkpoints.get(kept)
    return f"epoch {kept}, {close}, is {f'kept in {PurePath(path).name}' if path else 'what the model is left with'}"

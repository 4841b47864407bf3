"""Which weights of a training to keep: the best epoch, those that may be as good, and where they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import PurePath
from typing import Any, Literal, Self, get_args

Comparison = Literal["paired", "unpaired", "unknown"]
MOST_SPELT_OUT = 6
"""Stretches of epochs that a sentence lists; of more, it says how many."""


@dataclass(frozen=True)
class Weights:
    """The epoch with the lowest dev error (`best_epoch`), the others that are `within_noise` of it, and where these are.

    `compared` says how: `paired`, on the same examples; `unpaired`, by the intervals of the errors alone, which are too wide
    for that, in at least one case; `unknown` where there are none. `checkpoints` are the paths, or URIs, of checkpoints that
    hold one of these epochs, by epoch. `judged_epoch` is the one that the verdict speaks of, `last_epoch` the last measured.
    `left_with` is the epoch whose weights the model has after the training, `None` where that is not known, or where it has
    those of no measured epoch (`is_left_with_none`).

    >>> print(Weights(best_epoch=7, judged_epoch=7, last_epoch=12, left_with=12, checkpoints={7: "a/epoch=7.ckpt"}).in_words())
    The model in memory has the weights of epoch 12; the verdict is of epoch 7, kept in …/epoch=7.ckpt.
    """

    best_epoch: int
    judged_epoch: int | None = None
    last_epoch: int | None = None
    within_noise: tuple[int, ...] = ()
    compared: Comparison = "unknown"
    checkpoints: Mapping[int, str] = field(default_factory=dict)
    left_with: int | None = None
    is_left_with_none: bool = False
    has_checkpoints: bool = False

    @property
    def checkpoint(self) -> str | None:
        """The checkpoint of the best epoch or, where that was not kept, of the best that is within noise of it."""
        epoch = self._kept_epoch
        return None if epoch is None else self.checkpoints[epoch]

    @property
    def is_settled(self) -> bool:
        """True if the model has the best weights already, those that the verdict speaks of."""
        return self.best_epoch == self.left_with == self.judged_epoch

    def in_words(self) -> str:
        """What a user has to know to keep the right weights; empty if there is nothing to do."""
        if self.is_settled:
            return ""
        said = [self._of_the_model(), self._of_checkpoints(), self.noise_in_words()]
        return " ".join(sentence for sentence in said if sentence)

    def noise_in_words(self) -> str:
        """The epochs within noise of the best; empty if there are none."""
        if not self.within_noise:
            return ""
        one = len(self.within_noise) == 1
        how = "on the same dev examples" if self.compared == "paired" else "as far as the number of dev examples tells"
        epochs = epochs_in_words(self.within_noise)
        return f"{epochs[0].upper()}{epochs[1:]} {'is' if one else 'are'} within noise of epoch {self.best_epoch}, {how}."

    def as_json(self) -> dict[str, Any]:
        """The content under `weights` in `bvtrack/diagnosis.json`."""
        return {
            "best_epoch": self.best_epoch,
            "judged_epoch": self.judged_epoch,
            "last_epoch": self.last_epoch,
            "within_noise": list(self.within_noise),
            "compared": self.compared,
            "checkpoints": {str(epoch): path for epoch, path in self.checkpoints.items()},
            "left_with": self.left_with,
            "is_left_with_none": self.is_left_with_none,
            "has_checkpoints": self.has_checkpoints,
            "in_words": self.in_words(),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`. Raises `LookupError`, `TypeError` or `ValueError` for other content."""
        known = {name: content[name] for name in cls.__dataclass_fields__ if name in content}
        known["within_noise"] = tuple(int(epoch) for epoch in content.get("within_noise", ()))
        known["checkpoints"] = {int(epoch): str(path) for epoch, path in dict(content.get("checkpoints", {})).items()}
        epochs = [known["best_epoch"], *filter(None, (known.get(name) for name in ("judged_epoch", "last_epoch", "left_with")))]
        if not all(isinstance(epoch, int) for epoch in epochs) or known.get("compared", "unknown") not in get_args(Comparison):
            raise TypeError(f"expected epochs and how they were compared, got {content!r}")
        return cls(**known)

    @property
    def _kept_epoch(self) -> int | None:
        return next((epoch for epoch in self.checkpoints if epoch in (self.best_epoch, *self.within_noise)), None)

    def _of_the_model(self) -> str:
        path = None if self.judged_epoch is None else self.checkpoints.get(self.judged_epoch)
        verdict = f"the verdict is of epoch {self.judged_epoch}{f', kept in {_short(path)}' if path else ''}"
        if self.left_with is not None and self.left_with != self.judged_epoch:
            close = f", within noise of epoch {self.best_epoch}" if self.left_with in self.within_noise else ""
            return f"The model in memory has the weights of epoch {self.left_with}{close}; {verdict}."
        if self.is_left_with_none:
            return f"The model in memory has the weights of none of the measured epochs; {verdict}."
        return f"Epoch {self.judged_epoch} is kept in {_short(path)}." if path else ""

    def _of_checkpoints(self) -> str:
        if self.best_epoch in self.checkpoints:
            is_said = self.best_epoch == self.judged_epoch
            return (
                "" if is_said else f"The best, epoch {self.best_epoch}, is kept in {_short(self.checkpoints[self.best_epoch])}."
            )
        if self.left_with == self.best_epoch:
            return "" if self.judged_epoch == self.best_epoch else f"Epoch {self.best_epoch} is the best."
        if (epoch := self._kept_epoch) is not None:
            instead = f"{_short(self.checkpoints[epoch])} holds epoch {epoch}, within noise of it"
            return f"No checkpoint holds epoch {self.best_epoch}, the best; {instead}."
        if self.has_checkpoints:
            close = ", or one within noise of it" if self.within_noise else ""
            return f"No checkpoint holds epoch {self.best_epoch}, the best{close}."
        is_left = self.left_with is not None or self.is_left_with_none
        return f"No checkpoint of epoch {self.best_epoch}, the best, is known." if is_left else ""


def epochs_in_words(epochs: Sequence[int]) -> str:
    """Epochs as a list of stretches.

    >>> epochs_in_words([3]), epochs_in_words([3, 5, 6, 7])
    ('epoch 3', 'epochs 3 and 5 to 7')
    """
    ordered = sorted(epochs)
    starts = [ordered[0], *(later for earlier, later in pairwise(ordered) if later > earlier + 1)]
    ends = [*(earlier for earlier, later in pairwise(ordered) if later > earlier + 1), ordered[-1]]
    if len(starts) > MOST_SPELT_OUT:
        return f"{len(ordered)} epochs from {ordered[0]} to {ordered[-1]}"
    parts = [part for start, end in zip(starts, ends, strict=True) for part in _stretch(start, end)]
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"epoch{'' if len(ordered) == 1 else 's'} {listed}"


def _stretch(start: int, end: int) -> list[str]:
    return [f"{start} to {end}"] if end > start + 1 else [str(epoch) for epoch in range(start, end + 1)]


def _short(path: str) -> str:
    """The end of a path, that a sentence has room for."""
    name = PurePath(path).name
    return path if name == path else f"…/{name}"

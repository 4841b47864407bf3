"""How a logged metric becomes an error: which of the logged names to take, and which way up it is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

STAGES = {
    "train": ("train", "training"),
    "dev": ("val", "valid", "validation", "dev", "eval"),
    "test": ("test",),
}
"""The words by which loops name the set that a metric was taken on."""

FLOAT32_ROUNDING = 1e-6
OTHER_STAGE = 2

_STAGE_WORDS = {word for words in STAGES.values() for word in words}
_SUFFIXES = {"epoch", "step"}
_ERROR_RATES = {"error", "err", "error_rate", "err_rate", "misclassification", "misclassification_rate"}
_SCORES = ({"acc", "accuracy"}, {"f1", "f1score"}, {"auroc", "auc", "rocauc"})
"""Scores in [0, 1], the best understood first."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A logged metric read as an error: the metric itself, or 1 minus it where higher is better.

    >>> Measure("val_acc", higher_is_better=True).error(0.9)
    0.1
    """

    name: str
    higher_is_better: bool

    def error(self, value: float) -> float:
        """The error as a fraction; what float32 leaves above 1 or below 0, or behind the 12th digit, is rounded away."""
        error = round(1 - value, 12) if self.higher_is_better else value
        nearest = min(max(error, 0.0), 1.0)
        return nearest if abs(error - nearest) < FLOAT32_ROUNDING else error

    @property
    def is_rate(self) -> bool:
        """True where the error is a share of wrong examples, for which intervals can be computed from counts."""
        words = set(core_name(self.name).split("_"))
        return core_name(self.name) in _ERROR_RATES or (bool(words & _SCORES[0]) and "balanced" not in words)

    def __str__(self) -> str:
        return f"1 - {self.name}" if self.higher_is_better else self.name

    def find_in(self, names: Iterable[str], stage: str | None = None) -> str | None:
        """The name under which the same metric was logged for `stage` (`train`, `dev`, `test`), or for no stage in particular;
        `None` if it was not. Without `stage`, any will do.

        >>> Measure("val_acc", higher_is_better=True).find_in(["train_loss", "train_acc"], "train")
        'train_acc'
        """
        ranked = [(_stage_rank(name, stage), len(name), name) for name in names if core_name(name) == core_name(self.name)]
        return min((name for name in ranked if name[0] < OTHER_STAGE or stage is None), default=(0, 0, None))[2]


def find_measure(names: Iterable[str], stage: str | None = "dev") -> Measure | None:
    """The error among the logged metric names, preferring `stage`'s own; `None` where there is only a loss.

    Error rates come first, then accuracies, F1 and AUROC. Regression errors have units and are no rates: name them.

    >>> find_measure(["train_loss", "val_loss", "train_acc", "val_acc"])
    Measure(name='val_acc', higher_is_better=True)
    """
    ranked = [(rank, _stage_rank(name, stage), len(name), name) for name in names if (rank := _kind(name)) is not None]
    if not ranked:
        return None
    rank, _, _, name = min(ranked)
    return Measure(name, higher_is_better=rank > 0)


def as_measure(measure: str | Measure | None) -> Measure | None:
    """What a user passed as `measure=`. Raises `ValueError` for a name that does not say which way up it is."""
    if measure is None or isinstance(measure, Measure):
        return measure
    kind = _kind(measure)
    if kind is None:
        raise ValueError(
            f"measure={measure!r} does not say whether higher is better; "
            f"pass bvtrack.Measure({measure!r}, higher_is_better=True) (or False)"
        )
    return Measure(measure, higher_is_better=kind > 0)


def has_diverged(logged: Mapping[str, float]) -> bool:
    """Whether a loss among the logged metrics is no longer a finite number.

    >>> has_diverged({"loss": float("nan"), "accuracy": 0.1})
    True
    """
    return any(not math.isfinite(value) for name, value in logged.items() if "loss" in name.lower())


def core_name(name: str) -> str:
    """A metric's name without the stage it was taken in: `val_acc`, `train/acc_epoch` and `Acc` are all `acc`."""
    return "_".join(word for word in _words(name) if word not in _STAGE_WORDS | _SUFFIXES)


def _words(name: str) -> list[str]:
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word]


def _kind(name: str) -> int | None:
    """0 for an error rate, 1 and up for a score, `None` for anything else."""
    core = core_name(name)
    if core in _ERROR_RATES:
        return 0
    words = set(core.split("_"))
    return next((rank for rank, kind in enumerate(_SCORES, start=1) if words & kind), None)


def _stage_rank(name: str, stage: str | None) -> int:
    """0 where the name says `stage`, 1 where it says none, `OTHER_STAGE` where it says another."""
    words = set(_words(name)) & _STAGE_WORDS
    if not words:
        return 1
    return 0 if stage is not None and words & set(STAGES[stage]) else OTHER_STAGE

"""How a metric becomes an error: which of the logged names to take, which way up it is, and what its units mean."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

Kind = Literal["rate", "score", "units", "loss"]
"""A `rate` is a share of wrong examples, for which counts give intervals; a `score` is another fraction in [0, 1] (F1, AUROC);
an error in `units` and a `loss` are brought to a fraction by what is known of the training targets."""

ErrorFunction = Callable[[Any, Any], Any]
"""Predictions and targets, `[n_examples, ...]` each, to one error, or to an error for each example `[n_examples]`."""

STAGES = {
    "train": ("train", "training"),
    "dev": ("val", "valid", "validation", "dev", "eval"),
    "test": ("test",),
}
"""The words by which loops name the set that a metric was taken on."""

FLOAT32_ROUNDING = 1e-6
OTHER_STAGE = 2
LOWEST_LOSS = -700.0
"""A bare loss as low as this is no likelihood's, and its exponential no number."""

_STAGE_WORDS = {word for words in STAGES.values() for word in words}
_SUFFIXES = {"epoch", "step"}


class _Family(NamedTuple):
    """Metrics that are read alike: by their whole names without a stage, by how those end, or by any one word of them."""

    kind: Kind
    higher_is_better: bool
    names: frozenset[str] = frozenset()
    endings: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    may_exceed_one: bool = False

    def holds(self, core: str) -> bool:
        ends = any(f"_{core}".endswith(f"_{ending}") for ending in self.endings)
        return ends or core in self.names or bool(self.words & set(core.split("_")))


def _set(*names: str) -> frozenset[str]:
    return frozenset(names)


_SQUARED = _set("mse", "mean_squared_error")
_ROOT = _set("rmse", "root_mean_squared_error")
_ABSOLUTE = _set("mae", "mean_absolute_error")
_FAMILIES = (
    _Family("rate", False, names=_set("error", "err", "error_rate", "err_rate", "misclassification", "misclassification_rate")),
    _Family("rate", True, words=_set("acc", "accuracy")),
    _Family("score", True, words=_set("f1", "f1score", "fbeta")),
    _Family("score", True, words=_set("auroc", "auc", "rocauc")),
    _Family("score", True, words=_set("iou", "miou", "jaccard", "dice")),
    _Family("score", False, names=_set("wer", "cer", "word_error_rate", "char_error_rate"), may_exceed_one=True),
    _Family("score", True, names=_set("r2", "r2score", "r2_score", "explained_variance"), may_exceed_one=True),
    _Family("units", False, endings=_SQUARED | _ROOT | _ABSOLUTE),
    _Family("loss", False, words=_set("loss", "nll", "crossentropy"), endings=_set("cross_entropy")),
)
"""What names say, the best understood first; a loss is the last resort."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric read as an error: the metric itself, or 1 minus it where higher is better.

    `kind` follows from the name where it is not given. `scale` is what brings an error in units to a fraction: the error of
    the best constant predictor on the training targets. `function` computes the error where no step logs it.

    >>> Measure("val_acc", higher_is_better=True).error(0.9)
    0.1
    """

    name: str
    higher_is_better: bool
    kind: Kind | None = None
    scale: float | None = None
    function: ErrorFunction | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.kind is None:
            family = _family(self.name)
            kind: Kind = "score" if family is None else family.kind
            if "balanced" in core_name(self.name).split("_"):  # a mean over classes, not over examples
                kind = "score"
            object.__setattr__(self, "kind", kind)

    def error(self, value: float) -> float:
        """The metric's value as an error, in the metric's own units; what float32 leaves above 1 or below 0, or behind the
        12th digit, is rounded away from a fraction.
        """
        error = round(1 - value, 12) if self.higher_is_better else value
        nearest = min(max(error, 0.0), 1.0)
        return nearest if abs(error - nearest) < FLOAT32_ROUNDING else error

    def fraction(self, error: float) -> float:
        """An error in the metric's own units as a fraction in [0, 1], where 1 is what the best constant predictor makes.

        A bare loss becomes 1 - exp(-loss): of a cross-entropy that is 1 minus the likelihood of an example's class, and it
        is where the error rate is for a model that guesses. Errors and scores that are fractions stay what they are.

        >>> Measure("val_rmse", higher_is_better=False, scale=4.0).fraction(1.0)
        0.25
        """
        if self.scale is not None:
            return min(error / self.scale, 1.0) if math.isfinite(error) else error
        if self.kind == "loss":
            return 1 - math.exp(-max(error, LOWEST_LOSS)) if math.isfinite(error) else error
        family = _family(self.name)
        is_bounded = family is not None and family.may_exceed_one and math.isfinite(error)
        return min(error, 1.0) if is_bounded else error

    @property
    def is_rate(self) -> bool:
        """True where the error is a share of wrong examples, for which intervals can be computed from counts."""
        return self.kind == "rate"

    @property
    def needs_scale(self) -> bool:
        """True where the error has units and it is not known yet what a constant predictor makes."""
        return self.kind == "units" and self.scale is None

    def __str__(self) -> str:
        if self.scale is not None:
            remark = "best constant" if self.kind == "units" else "best constant; a bare loss"
            return f"{self.name} / {self.scale:.4g} ({remark})"
        if self.kind == "loss":
            return f"1 - exp(-{self.name}) (a bare loss)"
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
    """The error among the logged metric names, preferring `stage`'s own; `None` where there is none.

    Error rates come first, then accuracies, F1, AUROC and other scores, then regression errors, and a bare loss last.

    >>> find_measure(["train_loss", "val_loss", "train_acc", "val_acc"]).name
    'val_acc'
    """
    known = [(family, name) for name in names if (family := _family(name)) is not None]

    def rank(found: tuple[_Family, str]) -> tuple[bool, int, int, int, str]:
        family, name = found
        place = _stage_rank(name, stage)
        return place == OTHER_STAGE, _FAMILIES.index(family), place, len(name), name

    if not known:
        return None
    family, name = min(known, key=rank)
    return Measure(name, family.higher_is_better)


def as_measure(measure: str | Measure | None) -> Measure | None:
    """What a user passed as `measure=`. Raises `ValueError` for a name that does not say which way up it is."""
    if measure is None or isinstance(measure, Measure):
        return measure
    family = _family(measure)
    if family is None:
        raise ValueError(
            f"measure={measure!r} does not say whether higher is better; "
            f"pass bvtrack.Measure({measure!r}, higher_is_better=True) (or False)"
        )
    return Measure(measure, family.higher_is_better)


def scaled(measure: Measure, targets: Any) -> Measure:
    """`measure` with the error of the best constant predictor on the training `targets` `[n_examples, ...]` as its scale.

    Of constants the mean and the median are tried: they are the best for squared and for absolute errors. A bare loss on
    continuous targets is taken for a squared error, and a function on them for an error in their units.
    Returned as it is where it needs no scale, or where all targets are equal.
    """
    import numpy as np

    has_own_units = measure.function is not None and measure.kind == "score"
    if measure.kind != "units" and not (is_continuous(targets) and (has_own_units or measure.kind == "loss")):
        return measure
    values = np.asarray(targets, dtype=float)
    constants = (np.broadcast_to(middle(values, axis=0), values.shape).copy() for middle in (np.mean, np.median))
    error = measure.function or _error_in_units(measure)
    scale = min(float(np.asarray(error(constant, values)).mean()) for constant in constants)
    return replace(measure, scale=scale, kind="units" if has_own_units else measure.kind) if scale > 0 else measure


def needs_targets(measure: Measure, *, has_classes: bool) -> bool:
    """Whether `scaled` may change the measure, of training targets that are classes or not."""
    return measure.kind == "units" or (not has_classes and (measure.kind == "loss" or measure.function is not None))


def is_continuous(targets: Any) -> bool:
    """Whether targets are numbers to be met, and no classes: floats other than 0 and 1."""
    import numpy as np

    values = np.asarray(targets)
    return values.dtype.kind == "f" and not np.isin(values, (0.0, 1.0)).all()


def _error_in_units(measure: Measure) -> ErrorFunction:
    ending = f"_{core_name(measure.name)}"

    def error(predictions: Any, targets: Any) -> Any:
        import numpy as np

        if ending.endswith(tuple(_ABSOLUTE)):
            return np.mean(np.abs(predictions - targets))
        squared = np.mean((predictions - targets) ** 2)
        return np.sqrt(squared) if ending.endswith(tuple(_ROOT)) else squared

    return error


def has_diverged(logged: Mapping[str, float]) -> bool:
    """Whether a loss among the logged metrics is no longer a finite number.

    >>> has_diverged({"loss": float("nan"), "accuracy": 0.1})
    True
    """
    return any(not math.isfinite(value) for name, value in logged.items() if "loss" in name.lower())


def is_of_stage(name: str, stage: str) -> bool:
    """Whether a metric's name says that it was taken on this set: `train`, `dev` or `test`.

    >>> is_of_stage("test_acc", "test"), is_of_stage("val_loss", "test")
    (True, False)
    """
    return _stage_rank(name, stage) == 0


def core_name(name: str) -> str:
    """A metric's name without the stage it was taken in: `val_acc`, `train/acc_epoch` and `Acc` are all `acc`."""
    return "_".join(word for word in words_of(name) if word not in _STAGE_WORDS | _SUFFIXES)


def words_of(name: str) -> list[str]:
    """The words of a metric's name in lower case, at whatever it separates them by.

    >>> words_of("validation_0-errorRate")
    ['validation', '0', 'error', 'rate']
    """
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word]


def _family(name: str) -> _Family | None:
    core = core_name(name)
    return next((family for family in _FAMILIES if family.holds(core)), None)


def _stage_rank(name: str, stage: str | None) -> int:
    """0 where the name says `stage`, 1 where it says none, `OTHER_STAGE` where it says another."""
    words = set(words_of(name)) & _STAGE_WORDS
    if not words:
        return 1
    return 0 if stage is not None and words & set(STAGES[stage]) else OTHER_STAGE

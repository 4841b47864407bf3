"""Metrics read as errors: which logged name to take, whether higher is better, and what its units are."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bvtrack.measures.losses import is_of_other_kind, kind_of_loss
from bvtrack.measures.metric_words import OTHER_STAGE, core_name, parts_of, stage_rank
from bvtrack.measures.qualifiers import NO_ERRORS, SOME_EXAMPLES
from bvtrack.measures.quantity import PART, Kind, Quantity, counted_from_zero, quantity_of
from bvtrack.measures.unit import ERROR_RATE, Unit, UnitKind

CE = "cross_entropy"

ErrorFunction = Callable[[Any, Any], Any]
"""Maps predictions and targets, `[n_examples, ...]` each, to one error, or to an error for each example `[n_examples]`."""

FLOAT32_ROUNDING = 1e-6
LOWEST_LOSS = -700.0
"""A bare loss below this is no likelihood's, and its exponential would overflow."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric read as an error: the metric itself, or 1 minus it if higher is better.

    `kind` follows from the name if it is not given. `scale` turns an error in units into a fraction: it is the error of the
    best constant predictor on the training targets. `function` computes the error if no step logs it.
    `is_cross_entropy` says of a loss whether it is a mean cross-entropy of single examples; `None` if its name does not tell.
    `known_as` is what the metric is by its own class, where that says more than its name.

    >>> Measure("val_acc", higher_is_better=True).error(0.9)
    0.1
    """

    name: str
    higher_is_better: bool
    kind: Kind | None = None
    scale: float | None = None
    function: ErrorFunction | None = field(default=None, compare=False)
    is_cross_entropy: bool | None = None
    known_as: str = ""

    def __post_init__(self) -> None:
        quantity = self._quantity
        if self.kind is None:
            object.__setattr__(self, "kind", "score" if quantity is None else quantity.kind)
        if self.is_cross_entropy is None and self.kind == "loss" and quantity and quantity.loss:
            object.__setattr__(self, "is_cross_entropy", quantity.loss == "cross_entropy")

    @property
    def _quantity(self) -> Quantity | None:
        return quantity_of(self.known_as or self.name)

    def error(self, value: float) -> float:
        """The metric's value as an error, in the metric's own units; a fraction is cleared of float32 rounding above 1, below
        0, and after the 12th digit.
        """
        error = round(1 - value, 12) if self.higher_is_better else value
        nearest = min(max(error, 0.0), 1.0)
        return nearest if abs(error - nearest) < FLOAT32_ROUNDING else error

    def fraction(self, error: float) -> float:
        """An error in the metric's own units as a fraction in [0, 1], where 1 is the error of the best constant predictor.

        A bare loss becomes 1 - exp(-loss): for a cross-entropy that is 1 minus the likelihood of an example's class, and equals
        the error rate of a model that guesses. Errors and scores that are fractions stay unchanged.

        >>> Measure("val_rmse", higher_is_better=False, scale=4.0).fraction(1.0)
        0.25
        """
        if self.scale is not None:
            return min(error / self.scale, 1.0) if math.isfinite(error) else error
        if self.kind == "loss":
            return 1 - math.exp(-max(error, LOWEST_LOSS)) if math.isfinite(error) else error
        quantity = self._quantity
        is_bounded = quantity is not None and quantity.family.may_exceed_one and math.isfinite(error)
        return min(error, 1.0) if is_bounded else error

    @property
    def is_rate(self) -> bool:
        """True if the error is a share of wrong examples, so that counts give intervals."""
        return self.kind == "rate"

    @property
    def unit(self) -> Unit:
        """What its errors are fractions of."""
        return Unit(self._unit_kind, str(self).partition(" (")[0])

    @property
    def _unit_kind(self) -> UnitKind:
        if self.scale is not None or self.kind == "units":
            return _spread_of(self)
        if self.kind == "loss":
            return "loss"
        quantity = self._quantity
        if self.kind == "rate" or (quantity is not None and quantity.family.kind == "rate"):
            return "error_rate"
        return "variance" if quantity is not None and quantity.family.is_of_variance else "score"

    @property
    def is_part(self) -> bool:
        """True if the metric is a part or a relaxation of that of the task: one class, the top 5."""
        quantity = self._quantity
        return quantity is not None and quantity.kind != "loss" and quantity.level == PART

    @property
    def needs_scale(self) -> bool:
        """True if the error has units, or is a loss that is no cross-entropy, and that of a constant predictor is not known."""
        has_units = self.kind == "units" or (self.kind == "loss" and self.is_cross_entropy is False)
        return has_units and self.scale is None

    def __str__(self) -> str:
        if self.scale is not None:
            remark = "best constant" if self.kind == "units" else "best constant; a bare loss"
            return f"{self.name} / {self.scale:.4g} ({remark})"
        if self.kind == "loss" and self.needs_scale:
            return f"{self.name} (a loss without an error scale)"
        if self.kind == "loss":
            return f"1 - exp(-{self.name}) (a bare loss)"
        return f"1 - {self.name}" if self.higher_is_better else self.name

    def find_in(self, names: Iterable[str], stage: str | None = None) -> str | None:
        """The name under which the same metric was logged for `stage` (`train`, `dev`, `test`), or for no particular stage;
        `None` if it was not. Without `stage`, any will do.

        >>> Measure("val_acc", higher_is_better=True).find_in(["train_loss", "train_acc"], "train")
        'train_acc'
        """
        of_stage = [name for name in names if stage is None or stage_rank(name, stage) < OTHER_STAGE]
        own = core_name(self.name)
        same = [name for name in of_stage if core_name(name) == own] or self._spelled_otherwise(of_stage)
        return min(same, key=lambda name: (stage_rank(name, stage), len(name), name), default=None)

    def _spelled_otherwise(self, names: Iterable[str]) -> list[str]:
        """The names of the same quantity (`accuracy`, `acc@1` and `top1`), if they have one spelling."""
        own = self._quantity
        same = [name for name in names if own and (other := quantity_of(name)) and other.core == own.core]
        return same if len({core_name(name) for name in same}) == 1 else []


def find_measure(
    names: Iterable[str],
    stage: str | None = "dev",
    *,
    loss: str | None = None,
    known_as: Mapping[str, str] | None = None,
) -> Measure | None:
    """The error among the logged metric names, preferably one of `stage`; `None` if there is none.

    Error rates come first, then accuracies, F1, AUROC and other scores, then regression errors, and a bare loss last; a part
    or a relaxation of a metric comes after the others (top 5, one class, one fold). A loss is no cross-entropy if losses of
    other kinds are beside it, as its terms. `loss` is the name of what the training minimises, if it is known: beside a
    regression's, accuracies and other metrics of classes mean nothing. `known_as` are the classes of metrics, by name, where
    the objects are at hand: a class says more than the name that was given to it.

    >>> find_measure(["train_loss", "val_loss", "train_acc", "val_acc"]).name
    'val_acc'
    >>> find_measure(["val_loss", "val_accuracy"], loss="mse").name
    'val_loss'
    """
    minimised = kind_of_loss(parts_of(loss)) if loss else None
    names = list(names)
    known = _quantities_in(names, known_as)
    if minimised == "regression":
        known = {name: quantity for name, quantity in known.items() if not quantity.family.is_of_classes}

    def rank(name: str) -> tuple[bool, tuple[int, int, int], int, int, int, str]:
        place, quantity = stage_rank(name, stage), known[name]
        return place == OTHER_STAGE, quantity.rank, place, quantity.distance, len(name), name

    if not known:
        return None
    name = min(known, key=rank)
    quantity = known[name]
    is_none = (
        quantity.kind == "loss"
        and quantity.loss is None
        and (any(is_of_other_kind(parts_of(each)) for each in names) or minimised not in (None, CE))
    )
    own_class = (known_as or {}).get(name, "")
    return Measure(
        name,
        quantity.family.higher_is_better,
        is_cross_entropy=False if is_none else None,
        known_as=own_class if quantity_of(own_class) not in (None, quantity_of(name)) else "",
    )


def as_good_as(measure: Measure, names: Iterable[str], known_as: Mapping[str, str] | None = None) -> list[str]:
    """The other metrics of the dev set among `names` that may be meant as well as this one, of the same set.

    >>> as_good_as(find_measure(["val_acc_a", "val_acc_b"]), ["val_acc_a", "val_acc_b"])
    ['val_acc_b']
    """
    place = stage_rank(measure.name, "dev")
    known = _quantities_in([measure.name, *(name for name in names if stage_rank(name, "dev") == place)], known_as)
    own = known.get(measure.name)
    return sorted(name for name, other in known.items() if own is not None and other.is_as_good_as(own))


def _quantities_in(names: Iterable[str], known_as: Mapping[str, str] | None) -> dict[str, Quantity]:
    return counted_from_zero({name: quantity for name in names if (quantity := _quantity_in(name, known_as)) is not None})


def _quantity_in(name: str, known_as: Mapping[str, str] | None) -> Quantity | None:
    """The quantity of a metric by its own class, where that tells, else by its name."""
    by_class = quantity_of(known_as[name]) if known_as and name in known_as else None
    return by_class or quantity_of(name)


def as_measure(measure: str | Measure | None) -> Measure | None:
    """The measure passed by a user as `measure=`. Raises `ValueError` for a name that does not say whether higher is better."""
    if measure is None or isinstance(measure, Measure):
        return measure
    quantity = quantity_of(measure)
    if quantity is None:
        raise ValueError(
            f"measure={measure!r} does not say whether higher is better; "
            f"pass bvtrack.Measure({measure!r}, higher_is_better=True) (or False)"
        )
    return Measure(measure, quantity.family.higher_is_better)


def scaled(measure: Measure, targets: Any) -> Measure:
    """`measure` with the error of the best constant predictor on the training `targets` `[n_examples, ...]` as its scale.

    The constants are the mean and the median, the best ones for squared and for absolute errors. A bare loss on continuous
    targets is taken for a squared error, and a function on them for an error in their units. Returned unchanged if it needs no
    scale, or if all targets are equal.
    """
    import numpy as np

    has_own_units = measure.function is not None and measure.kind == "score"
    if measure.kind != "units" and not (
        (has_own_units or _is_scalable(measure))
        and (is_continuous(targets) or (_is_of_regression(measure) and are_quantities(targets, is_regression=True)))
    ):
        return measure
    values = np.asarray(targets, dtype=float)
    constants = (np.broadcast_to(middle(values, axis=0), values.shape).copy() for middle in (np.mean, np.median))
    error = measure.function or _error_in_units(measure)
    scale = min(float(np.asarray(error(constant, values)).mean()) for constant in constants)
    return replace(measure, scale=scale, kind="units" if has_own_units else measure.kind) if scale > 0 else measure


def _is_scalable(measure: Measure) -> bool:
    """True for a loss that may be one of predictions and targets, which a constant predictor has too."""
    if measure.kind != "loss":
        return False
    is_known = _is_of_regression(measure) and bool(_SQUARED_OR_ABSOLUTE & {*parts_of(measure.known_as or measure.name)})
    return measure.function is not None or is_known or measure.is_cross_entropy is None


_SQUARED_OR_ABSOLUTE = {"mse", "rmse", "l2", "squared", "mae", "l1", "absolute"}


def _is_of_regression(measure: Measure) -> bool:
    return measure.kind == "loss" and kind_of_loss(parts_of(measure.known_as or measure.name)) == "regression"


def needs_targets(measure: Measure, *, has_classes: bool) -> bool:
    """True if `scaled` may change the measure, given whether the training targets are classes."""
    is_of_quantities = measure.kind == "units" or _is_of_regression(measure)
    return is_of_quantities or (not has_classes and (measure.kind == "loss" or measure.function is not None))


def is_continuous(targets: Any) -> bool:
    """True for regression targets, not classes: floats other than 0 and 1."""
    import numpy as np

    values = np.asarray(targets)
    return values.dtype.kind == "f" and not np.isin(values, (0.0, 1.0)).all()


FEWEST_QUANTITIES = 20
"""Targets that are no whole numbers and have more values than this are quantities; those of few are labels that were
smoothed.
"""


def are_quantities(targets: Any, *, is_regression: bool = False) -> bool:
    """True for regression targets `[n]` or `[n, 1]` that no prediction meets exactly, so that an accuracy means nothing.

    Class labels may be floats, and so may labels of several columns that were smoothed or mixed. Many different whole numbers
    are quantities where what is minimised is a regression's loss (`is_regression`), unless they are numbered as classes are.
    """
    import numpy as np

    values = np.asarray(targets)
    if values.dtype.kind not in "fiu" or values.size != len(values):
        return False
    different = np.unique(values)
    is_whole = bool((different == np.round(different)).all())
    if len(different) <= FEWEST_QUANTITIES or (is_whole and not is_regression):
        return False
    return not is_whole or bool(different[0] not in (0, 1) or different[-1] - different[0] >= len(different))


def _spread_of(measure: Measure) -> UnitKind:
    """The spread of the targets that is the error of the best constant guess, as far as the name tells."""
    name = measure.known_as or measure.name
    quantity = quantity_of(name)
    key, words = quantity.family.key if quantity else "", set(parts_of(name))
    if key == "mae" or {"mae", "l1", "absolute"} & words:
        return "absolute_deviation"
    if key == "rmse" or {"rmse", "root"} & words:
        return "standard_deviation"
    return "variance" if key == "mse" or {"mse", "l2", "squared"} & words else "best_constant"


def _error_in_units(measure: Measure) -> ErrorFunction:
    spread = _spread_of(measure)

    def error(predictions: Any, targets: Any) -> Any:
        import numpy as np

        if spread == "absolute_deviation":
            return np.mean(np.abs(predictions - targets))
        squared = np.mean((predictions - targets) ** 2)
        return np.sqrt(squared) if spread == "standard_deviation" else squared

    return error


_WRITTEN = re.compile(r"(?P<flipped>1 - )?(?P<metric>.+?)(?: / (?P<divisor>[\d.e+-]+))?")


def unit_of(measure: str, kind: UnitKind | None = None) -> Unit:
    """The unit of errors whose measure is written as in `bvtrack.measure`. Its kind follows from the name if it was not stored.

    >>> unit_of("1 - val_acc (train: as logged)").kind, unit_of("val_rmse / 28.87 (best constant)").kind, unit_of("").kind
    ('error_rate', 'standard_deviation', 'error_rate')
    """
    name, _, remark = measure.partition(" (")
    if kind is not None or not name:
        return Unit(kind or ERROR_RATE.kind, name)
    written = _WRITTEN.fullmatch(name)
    if name.startswith("1 - exp(") or written is None:
        return Unit("loss", name)
    scale = 1.0 if remark.startswith("best constant") else None
    return Unit(Measure(written["metric"], bool(written["flipped"]), scale=scale).unit.kind, name)


def has_diverged(logged: Mapping[str, float]) -> bool:
    """True if a loss among the logged metrics is not finite. The spread of one value is none either, nor is the mean of the
    examples of a class that a set lacks: they tell nothing.

    >>> has_diverged({"loss": float("nan"), "accuracy": 0.1}), has_diverged({"loss": 0.1, "loss_std": float("nan")})
    (True, False)
    """
    not_finite = [name for name, value in logged.items() if not math.isfinite(value) and "loss" in name.lower()]
    return any(not (NO_ERRORS | SOME_EXAMPLES) & {*parts_of(name)} for name in not_finite)

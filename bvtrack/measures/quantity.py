"""The quantity that a metric's name stands for: which error or score, of what, and how near to the plain metric of the task."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from itertools import pairwise
from typing import Literal, NamedTuple

from bvtrack.measures.losses import LossKind, kind_of_loss
from bvtrack.measures.metric_words import MOST_NAMES, parts_of
from bvtrack.measures.qualifiers import AVERAGES, NEUTRAL, NO_ERRORS, OF_PLACES, OF_QUANTITIES, PARTS, PLAYERS, TERMS, words

Kind = Literal["rate", "score", "units", "loss"]
"""A `rate` is a share of wrong examples, for which counts give intervals; a `score` is another fraction in [0, 1] (F1, AUROC);
an error in `units` and a `loss` become a fraction by means of the training targets."""

Phrase = tuple[str, ...]


class Family(NamedTuple):
    """Metrics that are read alike, by the words that name them. A `strict` family's names hold no words that are not known.
    `is_of_variance` says that the score is the part of the targets' variance that is explained.
    """

    key: str
    kind: Kind
    higher_is_better: bool
    phrases: frozenset[Phrase]
    is_strict: bool = False
    may_exceed_one: bool = False
    is_of_classes: bool = True
    is_of_variance: bool = False


def _phrases(*names: str) -> frozenset[Phrase]:
    return frozenset(tuple(name.split("_")) for name in names)


SQUARED = _phrases("mse", "mean_squared_error", "squarederror")
ROOT = _phrases("rmse", "root_mean_squared_error")
ABSOLUTE = _phrases("mae", "mean_absolute_error")
_ERRORS = words(
    "error err error_rate err_rate misclass misclassification misclassification_rate misclassification_error merror"
    " zero_one_loss hamming_loss"
)
_NUMBERED = frozenset({("top",), ("prec",), ("precision",)})
"""Accuracies where a number k is behind them: `top1`, `prec@5`."""
FAMILIES = (
    Family("error", "rate", False, _phrases(*_ERRORS), is_strict=True),
    Family("accuracy", "rate", True, _phrases("acc", "accuracy", "aacc", "macc", "bacc") | _NUMBERED),
    Family("f1_score", "score", True, _phrases("f1", "f1score", "fbeta", "fscore", "mfscore")),
    Family("auc", "score", True, _phrases("auroc", "auc", "rocauc", "roc_auc", "auc_roc")),
    Family("auc_pr", "score", True, _phrases("aucpr", "prauc", "auprc", "auc_pr", "pr_auc", "average_precision")),
    Family("iou", "score", True, _phrases("iou", "miou", "jaccard"), is_of_classes=False),
    Family("dice", "score", True, _phrases("dice", "mdice"), is_of_classes=False),
    Family("map", "score", True, _phrases("map", "mean_average_precision"), is_of_classes=False),
    Family(
        "mcc", "score", True, _phrases("mcc", "matthews_correlation", "matthews_corr_coef", "kappa", "qwk"), may_exceed_one=True
    ),
    Family("word_error_rate", "score", False, _phrases("wer", "word_error_rate"), is_strict=True, may_exceed_one=True),
    Family("char_error_rate", "score", False, _phrases("cer", "char_error_rate"), is_strict=True, may_exceed_one=True),
    Family(
        "r2_score",
        "score",
        True,
        _phrases("r2", "r2score"),
        is_strict=True,
        may_exceed_one=True,
        is_of_classes=False,
        is_of_variance=True,
    ),
    Family(
        "explained_variance",
        "score",
        True,
        _phrases("explained_variance"),
        is_strict=True,
        may_exceed_one=True,
        is_of_classes=False,
        is_of_variance=True,
    ),
    Family("mse", "units", False, SQUARED, is_of_classes=False),
    Family("rmse", "units", False, ROOT, is_of_classes=False),
    Family("mae", "units", False, ABSOLUTE, is_of_classes=False),
    Family(
        "loss",
        "loss",
        False,
        _phrases("loss", "nll", "crossentropy", "cross_entropy", "logloss", "mlogloss", "ce", "bce", "xent", "nce", "infonce"),
        is_of_classes=False,
    ),
)
"""The best understood first; a loss is the last resort."""

_BY_LENGTH = sorted(
    ((phrase, family) for family in FAMILIES for phrase in sorted(family.phrases)),
    key=lambda pair: (pair[0] in _NUMBERED, -len(pair[0])),
)


PART = 2
"""The level of a part or a relaxation."""


_AVERAGES = {"macc": "macro", "mfscore": "macro", "bal": "balanced", "bacc": "balanced"}
"""Averages under other names."""


class Quantity(NamedTuple):
    """What a metric measures: `core` is one for each quantity, whatever libraries call it. `level` is 0 for the task's metric
    and averages of it, 1 where words beside it are not known, 2 for a part or a relaxation of it (top 5, one class, one fold);
    `distance` ranks those of one level, and `qualifiers` are the words and numbers that make it another than the plain metric.
    """

    family: Family
    core: str
    kind: Kind
    level: int
    distance: int
    loss: LossKind | None = None
    qualifiers: tuple[str, ...] = ()

    @property
    def rank(self) -> tuple[int, int, int]:
        """Sort key: losses last, before them errors in the units of a part; else the plain metrics first, and of these
        errors, then accuracies, then other scores.
        """
        is_of_part = self.kind == "units" and self.level > 0
        return 2 if self.kind == "loss" else int(is_of_part), self.level, FAMILIES.index(self.family)

    def is_as_good_as(self, other: Quantity) -> bool:
        """True if nothing says which of two metrics is that of the task: words that are not known, or parts, qualify both."""
        is_loss, other_is_loss = self.kind == "loss", other.kind == "loss"
        return 0 < self.level == other.level and is_loss == other_is_loss and self.qualifiers != other.qualifiers


@functools.lru_cache(MOST_NAMES)
def quantity_of(name: str) -> Quantity | None:
    """The quantity of a metric with this name; `None` if it is no error, score or loss that is known.

    >>> quantity_of("val/acc@1").core, quantity_of("top1").core, quantity_of("val_acc5").core
    ('accuracy', 'accuracy', 'accuracy_5')
    >>> quantity_of("acc_std") is None
    True
    """
    parts = parts_of(name)
    if parts == ["multiclass"]:  # CatBoost's
        parts = ["log", "loss"]
    if set(parts) & NO_ERRORS - {"variance"} or ("variance" in parts and "explained" not in parts):
        return None
    found = next((pair for pair in _BY_LENGTH if _has(parts, pair[0])), None)
    if found is None or {("mean", "error"), ("max", "error")} & {*pairwise(parts)}:  # those of a regression, as a rule
        return None
    phrase, family = found
    if "loss" in parts and "loss" not in phrase:
        phrase, family = ("loss",), FAMILIES[-1]  # a Dice loss falls as Dice rises
    if family.kind == "loss":
        return _of_loss(family, parts)
    return _qualified(family, phrase, _without(parts, phrase))


def counted_from_zero(known: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """The quantities by name, where a 1 is the number of a class or a fold, and no top 1, if a 0 is beside it.

    >>> counted_from_zero({name: quantity_of(name) for name in ("f1_0", "f1_1")})["f1_1"].core
    'f1_score_1'
    """
    cores = {quantity.core for quantity in known.values()}
    return {
        name: quantity._replace(core=f"{quantity.core}_1", level=PART, qualifiers=(*quantity.qualifiers, "1"))
        if f"{quantity.core}_0" in cores and "1" in parts_of(name)
        else quantity
        for name, quantity in known.items()
    }


def is_of_quantities(name: str) -> bool:
    """True for a loss or a metric, by its name or its class, that a regression has and no classification.

    >>> is_of_quantities("HuberLoss"), is_of_quantities("R2Score"), is_of_quantities("MulticlassAccuracy")
    (True, True, False)
    """
    quantity = quantity_of(name)
    is_explained = quantity is not None and quantity.family.is_of_variance
    return is_explained or kind_of_loss(parts_of(name)) == "regression"


def _of_loss(family: Family, parts: list[str]) -> Quantity | None:
    kind = kind_of_loss(parts)
    if kind == "adversarial":
        return None
    core = "log_loss" if {"logloss", "mlogloss", "log"} & set(parts) else "_".join(_unless_neutral(parts))
    unknown = [part for part in _unless_neutral(parts) if part not in ("loss", "cross", "entropy", "log")]
    is_plain = kind == "cross_entropy" or (kind is None and not unknown)
    level = 0 if is_plain else PART if set(parts) & (PARTS | TERMS) or kind == "other" else 1
    return Quantity(family, core or "loss", "loss", level, len(unknown), kind, tuple(unknown))


def _qualified(family: Family, phrase: Phrase, rest: list[str]) -> Quantity | None:
    numbers = [int(part) for part in rest if part.isdecimal()]
    is_top_k = {"top", "k"} <= {*rest, *phrase} and not numbers
    if phrase in _NUMBERED and not numbers and not is_top_k:
        return None
    by_family = {"b"} if family.key == "map" else {"top", "k"} & {*rest, *phrase} if "top" in {*rest, *phrase} else set()
    named = _unless_neutral([part for part in rest if not part.isdecimal() and part not in by_family])
    averages = [_AVERAGES.get(word, word) for word in (*named, *phrase) if _AVERAGES.get(word, word) in AVERAGES]
    if "class" in named and {"mean", "avg", "average"} & {*rest}:
        averages, named = ["macro"], [word for word in named if word not in ("class", "per")]
    unknown = [word for word in named if word not in AVERAGES and word not in _AVERAGES]
    if "sum" in unknown:
        return None
    if family.is_strict and not set(unknown) <= PARTS | OF_PLACES:
        return None
    is_relaxed = _is_relaxed(family, numbers, rest) or is_top_k
    is_part = is_relaxed or bool(set(unknown) & PARTS)
    level = PART if is_part else 1 if unknown else 0
    distance = (
        len(unknown) + max((AVERAGES.index(each) + 1 for each in averages), default=0) + (is_relaxed and max([0, *numbers]))
    )
    is_score = averages not in ([], ["micro"]) or bool(set(unknown) & OF_PLACES) or phrase[0] == "aacc"
    kept = [str(number) for number in numbers if is_relaxed or unknown] + (["top_k"] if is_top_k else [])
    if family.is_of_classes and set(unknown) & (OF_QUANTITIES | PLAYERS):
        return None
    core = "_".join([family.key, *averages, *unknown, *kept])
    kind: Kind = "score" if family.kind == "rate" and is_score else family.kind
    return Quantity(family, core, kind, level, distance, qualifiers=(*unknown, *kept))


_ALL_OVERLAPS = ([50, 95], [0, 5, 0, 95])


def _is_relaxed(family: Family, numbers: list[int], rest: list[str]) -> bool:
    """True for the k of a top-k accuracy above 1, for an AP at one overlap (mAP50, but not mAP50-95), and for the number of a
    class, an output or a fold.
    """
    if family.key == "map":
        return bool(numbers) and numbers not in _ALL_OVERLAPS
    return any(number != 1 for number in numbers)


def _unless_neutral(parts: list[str]) -> list[str]:
    return [word for word in parts if word not in NEUTRAL]


def _has(parts: list[str], phrase: Phrase) -> bool:
    return any(tuple(parts[start : start + len(phrase)]) == phrase for start in range(len(parts)))


def _without(parts: list[str], phrase: Phrase) -> list[str]:
    start = next(start for start in range(len(parts)) if tuple(parts[start : start + len(phrase)]) == phrase)
    return parts[:start] + parts[start + len(phrase) :]

"""Which classes the errors of a set are in, and which examples are the worst, from what a model made of each example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bvtrack.error_rates.intervals import Rate
from bvtrack.measures.outcomes import Outcomes, Seen
from bvtrack.text import as_text, cut

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_CLASSES = 20
"""Classes that are told: those with most errors."""
MOST_PAIRS = 10
MOST_WORST = 10
FEWEST_CLASSES = 2
LONGEST_NAME = 60
"""Characters of a class's name."""


@dataclass(frozen=True)
class ClassErrors:
    """The errors of the `n` examples of one class, or with one label: `wrong` of them, and the 95 % interval of their share."""

    name: str
    n: int
    wrong: int
    low: float
    high: float

    @classmethod
    def of(cls, name: str, n: int, wrong: int) -> ClassErrors:
        low, high = Rate(wrong / n, n).interval()
        return cls(name, n, wrong, round(low, 4), round(high, 4))


def examples_found(
    seen: Seen, *, errors: NDArray[Any] | None = None, is_in_order: bool = False, set_name: str = "dev"
) -> dict[str, Any] | None:
    """The content under `examples` of `bvtrack/diagnosis.json`; `None` where nothing is known of single examples.

    `errors` `[n]` are the user's own, by which examples are then wrong, or the worst. The worst examples are named by their
    places only where the order of the set is known to be the same each time (`is_in_order`, or by `seen`).
    """
    outcomes = seen.outcomes
    if outcomes is None:
        return None
    n = len(outcomes.size)
    errors = errors if errors is not None and errors.shape == (n,) else None
    wrong = _wrong(outcomes, errors)
    found: dict[str, Any] = {"set": set_name, "kind": outcomes.kind, "n": n}
    if wrong is not None:
        found["wrong"] = int(wrong.sum())
    if outcomes.kind == "classes" and wrong is not None:
        found |= _by_class(outcomes, wrong, seen.names or {})
    if outcomes.kind == "labels":
        found |= _by_label(outcomes, n, seen.names or {})
    if is_in_order or seen.is_by_index:
        found["worst"] = _worst(outcomes, errors, wrong, seen)
    return found


def is_wrong(errors: NDArray[Any]) -> bool:
    """True if these are no amounts, but tell which examples are wrong."""
    return errors.dtype == bool or bool(((errors == 0) | (errors == 1)).all())


def class_errors(examples: Mapping[str, Any]) -> list[ClassErrors]:
    """The classes in the content under `examples`. Raises `LookupError` or `TypeError` if it is malformed."""
    return [ClassErrors(**one) for one in examples.get("classes", ())]


def _wrong(outcomes: Outcomes, errors: NDArray[Any] | None) -> NDArray[Any] | None:
    """By the user's own error, where that counts: the fifth-best class may be right."""
    if outcomes.kind == "classes" and errors is not None and is_wrong(errors):
        return errors.astype(bool)
    return outcomes.wrong


def _by_class(outcomes: Outcomes, wrong: NDArray[Any], names: Mapping[int, str]) -> dict[str, Any]:
    import numpy as np

    assert outcomes.true is not None
    assert outcomes.predicted is not None
    classes, of_class = np.unique(outcomes.true, return_inverse=True)
    n, n_wrong = np.bincount(of_class), np.bincount(of_class, weights=wrong).astype(int)
    most = np.lexsort((-n_wrong / n, -n_wrong))[:MOST_CLASSES]
    told = [ClassErrors.of(_name(classes[each], names), int(n[each]), int(n_wrong[each])) for each in most if n_wrong[each]]
    pairs = _counted_pairs(outcomes.true[wrong], outcomes.predicted[wrong])
    return {
        "n_classes": len(classes),
        "classes": [vars(one) for one in told],
        "pairs": [
            {"true": _name(true, names), "predicted": _name(predicted, names), "n": int(count)}
            for true, predicted, count in pairs
            if true != predicted
        ][:MOST_PAIRS],
    }


def _counted_pairs(true: NDArray[Any], predicted: NDArray[Any]) -> list[tuple[Any, Any, int]]:
    """The true and the predicted class of those that are wrong, most often confused first."""
    import numpy as np

    if not len(true):
        return []
    classes, codes = np.unique(np.concatenate([true, predicted]), return_inverse=True)
    pairs, counts = np.unique(codes[: len(true)] * len(classes) + codes[len(true) :], return_counts=True)
    most = np.argsort(-counts, kind="stable")[: MOST_PAIRS + 1]
    return [(classes[pairs[each] // len(classes)], classes[pairs[each] % len(classes)], int(counts[each])) for each in most]


def _by_label(outcomes: Outcomes, n: int, names: Mapping[int, str]) -> dict[str, Any]:
    import numpy as np

    assert outcomes.wrong_by_label is not None
    most = np.argsort(-outcomes.wrong_by_label, kind="stable")[:MOST_CLASSES]
    told = [ClassErrors.of(_name(each, names), n, int(outcomes.wrong_by_label[each])) for each in most]
    return {"n_classes": len(outcomes.wrong_by_label), "classes": [vars(one) for one in told if one.wrong]}


def _worst(outcomes: Outcomes, errors: NDArray[Any] | None, wrong: NDArray[Any] | None, seen: Seen) -> list[dict[str, Any]]:
    """The examples that are farthest off, of classes those that are wrong alone."""
    import numpy as np

    is_own = errors is not None and not is_wrong(errors)
    size = (errors if is_own else outcomes.size).astype(float)  # type: ignore[union-attr]  # there are errors
    candidates = np.arange(len(size)) if wrong is None else np.flatnonzero(wrong)
    candidates = candidates[np.isfinite(size[candidates])]
    if len(candidates) > MOST_WORST:
        kept = np.argpartition(-size[candidates], MOST_WORST - 1)[:MOST_WORST]
        candidates = candidates[np.sort(kept)]
    worst = candidates[np.argsort(-size[candidates], kind="stable")]
    is_told = is_own or outcomes.size_is != "score"
    return [_example(int(place), outcomes, float(size[place]) if is_told else None, is_own, seen) for place in worst]


def _example(place: int, outcomes: Outcomes, size: float | None, is_own: bool, seen: Seen) -> dict[str, Any]:
    found: dict[str, Any] = {"index": int(place if seen.indices is None else seen.indices[place])}
    if outcomes.true is not None and outcomes.predicted is not None:
        names = seen.names or {}
        found |= {"true": _name(outcomes.true[place], names), "predicted": _name(outcomes.predicted[place], names)}
    if size is not None and outcomes.size_is == "probability" and not is_own:
        found["probability"] = round(1 - size, 6)
    elif size is not None:
        found["error"] = float(f"{size:.6g}")
    return found


def _name(value: Any, names: Mapping[int, str]) -> str:
    plain = value.item() if hasattr(value, "item") else value
    named = names.get(plain, plain) if isinstance(plain, int) else plain
    return cut(as_text(named.decode(errors="replace") if isinstance(named, bytes) else str(named)), LONGEST_NAME)

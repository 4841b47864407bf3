"""The forms in which predictions and targets come, batch by batch, and the task that all of them together are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from bvtrack.measures.outcomes import Outcomes

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_EXAMPLES = 1_000_000
"""Examples up to which outcomes are kept: at most 28 bytes each, as much as 28 MB."""
CLOSE_TO_1 = 0.01
"""How far a sum of probabilities may be from 1: those in bfloat16 have three digits."""


class Form(Protocol):
    """Takes batches of one form, and reads the task from all of them. Raises `ValueError` for what is no task."""

    def add(self, predictions: NDArray[Any], targets: NDArray[Any]) -> None: ...

    def outcomes(self) -> Outcomes: ...


@dataclass
class Scores:
    """Scores of classes `[n, n_classes]`, and the true class of each example."""

    _rows: list[tuple[NDArray[Any], ...]] = field(default_factory=list)
    _are_probabilities: bool = True

    def add(self, predictions: NDArray[Any], targets: NDArray[Any]) -> None:
        self._are_probabilities = self._are_probabilities and _are_probabilities(predictions)
        self._rows.append(_scored(predictions, targets))

    def outcomes(self) -> Outcomes:
        predicted, true, of_true, ahead = _joined(self._rows)
        if self._are_probabilities:
            return Outcomes.of_classes(predicted, true, 1 - of_true, "probability")
        return Outcomes.of_classes(predicted, true, ahead, "score")


@dataclass
class Vectors:
    """Targets of the same shape as the predictions, `[n, k]`: one-hot classes, several labels, or quantities."""

    _as_classes: Scores = field(default_factory=Scores)
    _sizes: list[tuple[NDArray[Any], ...]] = field(default_factory=list)
    _counts: list[NDArray[Any]] = field(default_factory=list)
    _are_labels: bool = True
    _are_one_hot: bool = True

    def add(self, predictions: NDArray[Any], targets: NDArray[Any]) -> None:
        import numpy as np

        predictions, targets = predictions.reshape(len(predictions), -1), targets.reshape(len(targets), -1)
        size = np.abs(predictions - targets.astype(predictions.dtype)).mean(axis=1, dtype=np.float32)
        self._are_labels = self._are_labels and _are_binary(targets)
        if not self._are_labels:
            self._sizes.append((size, size))
            return
        self._are_one_hot = self._are_one_hot and bool((targets.sum(axis=1) == 1).all())
        is_other = _is_positive(predictions) != (targets == 1)
        counts = [is_other.sum(axis=0), targets.sum(axis=0).astype(int)]
        self._counts = [one + more for one, more in zip(self._counts, counts, strict=True)] if self._counts else counts
        self._sizes.append((size, is_other.mean(axis=1, dtype=np.float32)))
        self._as_classes.add(predictions, targets.argmax(axis=1))

    def outcomes(self) -> Outcomes:
        size, share_wrong = _joined(self._sizes)
        if not self._are_labels:
            return Outcomes.of_quantities(size)
        if self._are_one_hot:
            return self._as_classes.outcomes()
        wrong, positive = self._counts
        return Outcomes("labels", size, "distance", share_wrong > 0, wrong_by_label=wrong, positive_by_label=positive)


@dataclass
class Plain:
    """One prediction and one target an example: classes, or the score of the one of two, or quantities."""

    _rows: list[tuple[NDArray[Any], ...]] = field(default_factory=list)

    def add(self, predictions: NDArray[Any], targets: NDArray[Any]) -> None:
        self._rows.append((predictions.copy(), targets.copy()))

    def outcomes(self) -> Outcomes:
        import numpy as np

        predicted, true = _joined(self._rows)
        is_scored = predicted.dtype.kind == "f"
        if is_scored and true.dtype.kind in "biuf" and _are_binary(true):
            is_in_range = bool(predicted.min() >= 0 and predicted.max() <= 1)
            towards_true = np.where(true == 1, predicted, 1 - predicted if is_in_range else -predicted)
            size = (1 - towards_true if is_in_range else -towards_true).astype(np.float32)
            classes = _is_positive(predicted).astype(int)
            return Outcomes.of_classes(classes, true.astype(int), size, "probability" if is_in_range else "score")
        if is_scored or true.dtype.kind == "f":
            return Outcomes.of_quantities(np.abs(predicted - true).astype(np.float32))
        return Outcomes.of_classes(predicted, true, (predicted != true).astype(np.float32), "score")


def form_of(predictions: NDArray[Any], targets: NDArray[Any]) -> type[Form] | None:
    """The form of a batch; `None` for one that is neither of these, such as a sequence of classes an example."""
    if predictions.shape == targets.shape:
        return Plain if targets.ndim == 1 else Vectors if _are_numbers(predictions, targets) else None
    is_scored = predictions.ndim == 2 and targets.ndim == 1 and predictions.shape[1] > 1
    return Scores if is_scored and _are_numbers(predictions, targets) else None


def squeezed(values: NDArray[Any]) -> NDArray[Any]:
    """Columns `[n, 1]` as `[n]`."""
    return values.reshape(len(values)) if values.ndim > 1 and values[0].size == 1 else values


def _scored(scores: NDArray[Any], targets: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """The class that is scored highest, the true one, its score, and how much higher the best of the others is."""
    import numpy as np

    true = targets.astype(np.int64)
    if (true != targets).any() or true.min() < 0 or true.max() >= scores.shape[1]:
        raise ValueError("expected the indices of classes")
    each = np.arange(len(true))
    predicted, of_true = scores.argmax(axis=1), scores[each, true]
    others = scores.astype(np.float32)
    others[each, true] = -np.inf
    return predicted.astype(np.int32), true.astype(np.int32), of_true.astype(np.float32), others.max(axis=1) - of_true


def _are_probabilities(scores: NDArray[Any]) -> bool:
    return bool(scores.min() >= 0 and (abs(scores.sum(axis=1) - 1) < CLOSE_TO_1).all())


def _are_binary(values: NDArray[Any]) -> bool:
    return bool(((values == 0) | (values == 1)).all())


def _is_positive(scores: NDArray[Any]) -> NDArray[Any]:
    """True where a score is above the middle: of probabilities one half, of others 0."""
    return scores > (0.5 if scores.min() >= 0 and scores.max() <= 1 else 0)


def _are_numbers(*arrays: NDArray[Any]) -> bool:
    return all(array.dtype.kind in "biuf" for array in arrays)


def _joined(rows: list[tuple[NDArray[Any], ...]]) -> list[NDArray[Any]]:
    import numpy as np

    return [np.concatenate(column) for column in zip(*rows, strict=True)]

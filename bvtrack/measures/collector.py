"""Collects the outcomes of one pass, batch by batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bvtrack.measures.outcome_forms import MOST_EXAMPLES, Form, form_of, squeezed
from bvtrack.measures.outcomes import Order, Outcomes, Seen

if TYPE_CHECKING:
    from numpy.typing import NDArray


BUFFERED = 4 * 2**20
"""Bytes of batches that wait to be looked at together."""


class OutcomeCollector:
    """Takes predictions and targets as they come; what cannot be made sense of costs the outcomes alone, and raises nothing.

    >>> import numpy as np
    >>> collector = OutcomeCollector()
    >>> collector.add(np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 1]))
    >>> collector.seen().outcomes.wrong.tolist()
    [False, True]
    """

    def __init__(self) -> None:
        self._order: Order | None = Order()
        self._form: Form | None = None
        self._kind: type[Form] | None = None
        self._n = self._n_bytes = 0
        self._waiting: list[tuple[NDArray[Any], NDArray[Any]]] = []

    def add(self, predictions: Any, targets: Any) -> None:
        """Take a batch, `[n_batch, ...]` each."""
        import numpy as np

        if self._order is None and self._is_over:
            return
        arrays = np.asarray(predictions), np.asarray(targets)
        self._waiting.append(arrays)
        self._n_bytes += sum(array.nbytes for array in arrays)
        if self._n_bytes > BUFFERED:
            self._take_waiting()

    def seen(self) -> Seen:
        """What was seen of all batches."""
        self._take_waiting()
        try:
            outcomes: Outcomes | None = self._form.outcomes() if self._form else None
        except Exception:  # outputs of any kind
            outcomes = None
        return Seen(self._order.mark if self._order else None, outcomes)

    @property
    def _is_over(self) -> bool:
        return self._n > 0 and self._form is None

    def _take_waiting(self) -> None:
        """Take the batches that wait as one, for each costs more than its examples do."""
        import numpy as np

        waiting, self._waiting, self._n_bytes = self._waiting, [], 0
        if not waiting:
            return
        try:
            predictions, targets = (np.concatenate(arrays) for arrays in zip(*waiting, strict=True))
        except ValueError:  # batches of different shapes
            self._form, self._order, self._n = None, None, self._n + 1
            return
        try:
            if self._order is not None:
                self._order.add(targets)
        except Exception:  # targets of any kind
            self._order = None
        try:
            self._take(squeezed(predictions), squeezed(targets))
        except Exception:
            self._form = None

    def _take(self, predictions: NDArray[Any], targets: NDArray[Any]) -> None:
        kind, is_first = form_of(predictions, targets), self._n == 0
        self._n += len(targets)
        if is_first and kind is not None:
            self._form, self._kind = kind(), kind
        if self._form is not None and (kind is not self._kind or self._n > MOST_EXAMPLES):
            self._form = None
        if self._form is not None:
            self._form.add(predictions, targets)

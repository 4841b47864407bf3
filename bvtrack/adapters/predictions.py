"""Collects the predictions of one pass, within a memory limit, for errors that are computed on all examples together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from bvtrack.adapters.training import Pass
from bvtrack.measures.collector import OutcomeCollector
from bvtrack.measures.measure import ErrorFunction, Measure
from bvtrack.splits.comparing.outputs import OutputSample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Examples = tuple[NDArray[Any], NDArray[Any]]
    """Predictions and targets, or the errors of examples twice."""

MOST_BYTES = 256 * 2**20
"""Size limit of collected predictions: ImageNet's 50,000 validation examples, 1,000 float32 each, take 191 MiB. The error of
more is the mean over parts of this size, without a bootstrap."""


class Predictions:
    """Takes a pass batch by batch. Where `error` gives an error for each example, these are kept, which is little; else
    predictions and targets are, up to `MOST_BYTES`. `n` is the number of examples, where it is known.

    >>> import numpy as np
    >>> kept = Predictions(lambda predicted, true: predicted != true, n=3)
    >>> kept.add(np.array([0, 1, 1]), np.array([0, 1, 0]))
    >>> kept.found().examples[0].tolist()
    [False, False, True]
    """

    def __init__(self, error: ErrorFunction, n: int | None = None) -> None:
        self._error = error
        self._outputs = OutputSample(n)
        self._outcomes = OutcomeCollector()
        self._is_by_example: bool | None = None
        self._kept: list[Examples] = []
        self._averaged: list[Examples] = []
        self._n_bytes = 0

    def add(self, predictions: NDArray[Any], targets: NDArray[Any]) -> None:
        """Take a batch, `[n_batch, ...]` each. Raises what `error` raises."""
        import numpy as np

        self._outputs.add(predictions)
        self._outcomes.add(predictions, targets)
        if self._is_by_example is None:
            self._is_by_example = np.shape(self._error(predictions, targets)) == (len(targets),)
        if self._is_by_example:
            errors = np.asarray(self._error(predictions, targets))
            self._kept.append((errors, errors))
            return
        self._kept.append((predictions, targets))
        self._n_bytes += predictions.nbytes + targets.nbytes
        if self._n_bytes > MOST_BYTES:
            self._average()

    def found(self) -> Pass:
        """The finished pass. Raises `ValueError` if it had no examples."""
        if self._averaged and self._kept:
            self._average()
        examples = join_examples(self._averaged or self._kept)
        return Pass(
            n=len(examples[1]),
            examples=examples,
            is_by_example=bool(self._is_by_example or self._averaged),
            is_averaged=bool(self._averaged),
            outputs=self._outputs.rows,
            seen=self._outcomes.seen(),
        )

    def _average(self) -> None:
        """Let each of the examples that are kept have the error of all of them together."""
        import numpy as np

        predictions, targets = join_examples(self._kept)
        errors = np.full(len(targets), np.mean(np.asarray(self._error(predictions, targets), dtype=float)))
        self._averaged.append((errors, errors))
        self._kept, self._n_bytes = [], 0


def measure_batches(batches: Iterable[Examples], measure: Measure, n: int | None = None) -> Pass:
    """A pass over batches of predictions and targets, `n` examples in all where that is known, by the function of `measure`.

    Raises `ValueError` for a pass over nothing, and what reading the batches or the function raises.
    """
    assert measure.function is not None
    kept = Predictions(measure.function, n)
    for predictions, targets in batches:
        kept.add(predictions, targets)
    return kept.found()


def join_examples(batches: Sequence[Examples]) -> Examples:
    """The examples of several batches as one. Raises `ValueError` if there are none."""
    import numpy as np

    if not batches:
        raise ValueError("expected at least 1 example to predict, got none")
    predictions, targets = zip(*batches, strict=True)
    return np.concatenate(predictions), np.concatenate(targets)


def outputs_in(values: Any) -> list[Any]:
    """The arrays that a model gives, of several the predictions first.

    >>> outputs_in((0, [1, 2]))
    [0, 1, 2]
    """
    return [one for part in values for one in outputs_in(part)] if isinstance(values, (list, tuple)) else [values]

"""An error measured from the predictions themselves, and how sure it is: by counting, or by a bootstrap over the examples."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bvtrack.measures.measure import ErrorFunction

RESAMPLES = 200
"""Enough for the ends of a 95 % interval: its 2.5 % tail holds five of them (Efron and Tibshirani 1993, ch. 13 and 19)."""
FEWEST_RESAMPLES = 50
SECONDS = 0.25
"""No bootstrap takes longer than about this; where not even `FEWEST_RESAMPLES` fit, there is no interval."""
SEED = 0


@dataclass(frozen=True, slots=True)
class ExampleError:
    """An error over `n` examples. `is_rate` where it is a share of them; else `interval` is its 95 % bootstrap interval,
    `None` where that would have taken too long.
    """

    value: float
    n: int
    is_rate: bool
    interval: tuple[float, float] | None = None


def measure_examples(error: ErrorFunction, predictions: Any, targets: Any) -> ExampleError:
    """Apply `error` to predictions and targets, `[n_examples, ...]` each, arrays or tensors on the CPU.

    Where it gives a value for each example, the error is their mean, and a rate if all of them are 0 or 1.

    Raises `ValueError` where it gives something else than one number or one for each example.

    >>> import numpy as np
    >>> measure_examples(lambda predicted, true: predicted != true, np.array([0, 1, 1, 1]), np.array([0, 1, 0, 0])).value
    0.5
    """
    import numpy as np

    n = len(targets)
    start = time.perf_counter()
    values = np.asarray(error(predictions, targets), dtype=float)
    seconds = time.perf_counter() - start
    if values.shape == (n,):
        value = float(values.mean())
        if np.isin(values, (0.0, 1.0)).all():
            return ExampleError(value, n, is_rate=True)
        return ExampleError(value, n, False, _bootstrap(lambda drawn: values[drawn].mean(), n, value, 0.0))
    if values.size != 1:
        raise ValueError(
            f"error= must give one number, or one for each of the {n} examples; got an array of shape {values.shape}"
        )
    value = float(values.reshape(()))
    interval = _bootstrap(lambda drawn: error(predictions[drawn], targets[drawn]), n, value, seconds)
    return ExampleError(value, n, False, interval)


def _bootstrap(statistic: Callable[[Any], Any], n: int, value: float, seconds: float) -> tuple[float, float] | None:
    """The percentile interval of `statistic`, which takes the indices of the drawn examples, and about `seconds` a call."""
    import numpy as np

    affordable = min(RESAMPLES, int(SECONDS / seconds) if seconds else RESAMPLES)
    if affordable < FEWEST_RESAMPLES:
        return None
    generator = np.random.default_rng(SEED)
    values = [float(statistic(generator.integers(n, size=n))) for _ in range(affordable)]
    low, high = np.nanquantile(values, (0.025, 0.975))
    return min(float(low), value), max(float(high), value)

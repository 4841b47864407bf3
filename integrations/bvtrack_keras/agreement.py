"""Notices that `fit` trains or validates on other data than the callback was given, or weights them otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bvtrack.adapters import SetName
from bvtrack_keras.arrays import arrays_in, as_array, take_rows
from bvtrack_keras.data import EvaluationData
from bvtrack_keras.sources import Sources

SWAPPED = (
    "fit validates on train_data, and dev_data are other examples: the two seem to be swapped, in fit or in the callback, so "
    "that the dev error is that of train_data and the train error is not measured"
)
ON_TRAIN = (
    "fit validates on train_data: the dev error is that of examples that are trained on, and variance cannot be told by it"
)
OTHER_TRAIN = (
    "fit trains on {seen:,} examples an epoch, train_data hold {given:,}: the train error and the check of the split are of "
    "train_data; pass the data that fit trains on"
)
OTHER_DEV = (
    "fit validates on {seen:,} examples, dev_data hold {given:,}: the dev error is that of fit, the check of the split is of "
    "dev_data; pass the data that fit validates on"
)
OTHER_VALUE = (
    "fit's own validation gives {measure} {theirs:.4g}, dev_data give {ours:.4g} with the same weights: dev_data are not "
    "what fit validates on, or are prepared or weighted otherwise; the dev error is that of fit"
)
UNWEIGHTED = "without sample weights, where fit's validation data have some: pass (x, y, sample_weight)"
WEIGHTED = "with sample weights, where fit's validation data have none: pass (x, y), or weights in validation_data= too"

CLOSE = 1e-3
"""Difference between two evaluations of the same data on one model that devices and orders of batches may make."""
N_COMPARED = 256
"""Rows, evenly spaced, by which two arrays are compared."""


@dataclass(frozen=True)
class Agreement:
    """Compares the user's `sources` with what `fit` does.

    Args:
        validated: the data that `fit` validates on, as far as they can be seen.
        n_trained, n_validated: number of examples that `fit` trains and validates on in an epoch, if known.
        steps: number of batches that it trains on.
        say: warns once.
    """

    sources: Sources
    validated: EvaluationData | None
    n_trained: int | None
    n_validated: int | None
    steps: int | None
    say: Callable[[str], None]

    def check_sets(self) -> Mapping[SetName, str]:
        """Warn of data that are not those of `fit`. By set, why its error would not be that of its name."""
        train, dev = self.sources.train, self.sources.dev
        if train is not None and dev is not None and not self._validates_on(dev) and self._is_swapped(train, dev):
            self.say(SWAPPED)
            return {"train": "fit validates on it"}
        if dev is None and self._validates_on(train):
            self.say(ON_TRAIN)
        self._check_train_size(train)
        self._check_dev_size(dev)
        return {}

    def check_value(self, theirs: float, measured: Callable[[EvaluationData, int], Sequence[float]], name: str) -> None:
        """Warn if the metric `name` of fit's validation is not the one that evaluating dev_data gives. `measured` evaluates
        data so many times in a row, for a model that draws in eval mode gives another value each time.
        """
        dev = self.sources.dev
        if dev is None or self._validates_on(dev) or self._is_of_other_size(dev):
            return
        (ours,) = measured(dev, 1)
        if _are_close(ours, theirs) or not _are_close(*measured(dev, 2)):
            return
        self.say(OTHER_VALUE.format(measure=name, theirs=theirs, ours=ours))

    def check_weights(
        self, sets: Mapping[SetName, EvaluationData], measured: Callable[[EvaluationData, int], Sequence[float]]
    ) -> Mapping[SetName, str]:
        """By set that is weighted otherwise than fit's validation data, why its error cannot be compared with theirs; none
        where the metric does not count the weights.
        """
        if self.validated is None:
            return {}
        of_fit = self.validated.are_weighted()
        others = {name: data for name, data in sets.items() if data.are_weighted() != of_fit}
        if not others:
            return {}
        some = (self.validated if of_fit else next(iter(others.values()))).some(N_COMPARED)
        if some is None or _are_close(*measured(some, 1), *measured(replace(some, weights=None), 1)):
            return {}
        return dict.fromkeys(others, UNWEIGHTED if of_fit else WEIGHTED)

    def _validates_on(self, data: EvaluationData | None) -> bool:
        return data is not None and self.validated is not None and are_same_examples(data, self.validated)

    def _is_swapped(self, train: EvaluationData, dev: EvaluationData) -> bool:
        sizes = (self.n_trained, self.n_validated)
        return self._validates_on(train) or (None not in sizes and sizes == (dev.n, train.n) and train.n != dev.n)

    def _check_train_size(self, train: EvaluationData | None) -> None:
        seen, given = self.n_trained, None if train is None else train.n
        if seen is None or given is None or seen % given == 0:  # repeated
            return
        are_all_full = self.steps is not None and seen % self.steps == 0  # as where steps_per_epoch ends the epoch
        if seen > given or not are_all_full:
            self.say(OTHER_TRAIN.format(seen=seen, given=given))

    def _check_dev_size(self, dev: EvaluationData | None) -> None:
        if dev is not None and self._is_of_other_size(dev) and not self._validates_on(dev):
            self.say(OTHER_DEV.format(seen=self.n_validated, given=dev.n))

    def _is_of_other_size(self, dev: EvaluationData) -> bool:
        return self.n_validated is not None and dev.n is not None and self.n_validated % dev.n != 0


def are_same_examples(data: EvaluationData, other: EvaluationData) -> bool:
    """True for one dataset, and for arrays whose inputs and targets are equal in a sample of their rows."""
    if not (data.is_arrays and other.is_arrays):
        return data.source is other.source
    if data.n is None or data.n != other.n:
        return False
    rows = np.unique(np.linspace(0, data.n - 1, min(N_COMPARED, data.n)).astype(np.int64))
    pairs = [arrays_in(take_rows((one.x, one.y), rows)) for one in (data, other)]
    return len(pairs[0]) == len(pairs[1]) and all(map(_are_equal, *pairs))


def _are_equal(array: object, other: object) -> bool:
    one, two = as_array(array), as_array(other)
    if one.shape != two.shape:
        return False
    if "f" in one.dtype.kind + two.dtype.kind:
        return bool(np.allclose(one, two, rtol=1e-6, atol=1e-9, equal_nan=True))
    return bool(np.array_equal(one, two))


def _are_close(value: float, other: float) -> bool:
    return math.isclose(value, other, rel_tol=CLOSE, abs_tol=CLOSE) or not (math.isfinite(value) and math.isfinite(other))

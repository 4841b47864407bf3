"""The sets that a user handed to the callback."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bvtrack.adapters import SplitSource, TrainEval
from bvtrack_keras.data import EvaluationData

NO_SETS = "error= is measured on train_data and dev_data (or validation_split=) alone; got no {missing}"
NO_SPLIT = "validation_split needs train_data=(x, y), arrays, and no dev_data"


@dataclass(frozen=True)
class Sources:
    """The data for each error, if given; `plain` is the training data without augmentation."""

    train: EvaluationData | None
    plain: EvaluationData | None
    train_dev: EvaluationData | None
    dev: EvaluationData | None
    test: EvaluationData | None

    @classmethod
    def of(cls, **given: Any) -> Sources:
        """From data by the names of its fields. Raises `ValueError` as `EvaluationData.of` does."""
        names = {"plain": "train_eval_data"}
        return cls(
            **{
                name: None if data is None else EvaluationData.of(names.get(name, f"{name}_data"), data)
                for name, data in given.items()
            }
        )

    @property
    def for_train(self) -> EvaluationData | None:
        """The data that the train error is measured on."""
        return self.plain or self.train

    @property
    def may_hold_dev(self) -> bool:
        """True if `fit` may take its validation data from the end of these training data."""
        return self.train is not None and self.train.is_arrays and self.plain is None and self.dev is None

    def held_out(self, validation_split: float) -> Sources:
        """With the end of the training data as dev set, as `fit` divides them. Raises `ValueError` where that cannot be."""
        if self.train is None or self.train.n is None or not self.train.is_arrays or self.dev is not None:
            raise ValueError(NO_SPLIT)
        if not 0 < validation_split < 1:
            raise ValueError(f"validation_split must be a fraction between 0 and 1; got {validation_split!r}")
        n_train = math.floor(self.train.n * (1.0 - validation_split))
        if n_train == 0:
            raise ValueError(f"validation_split={validation_split!r} leaves none of {self.train.n} examples to train on")
        return self.with_tail_as_dev(self.train.n - n_train)

    def with_tail_as_dev(self, n_tail: int) -> Sources:
        """With the last `n_tail` examples of the training data as dev set."""
        assert self.train is not None
        assert self.train.n is not None
        head, tail = self.train.split(self.train.n - n_tail)
        return replace(self, train=head, dev=tail)

    def check_for_error(self, train_eval: TrainEval) -> None:
        """Raises `ValueError` where an error of the user's own cannot be measured, for a set that it cannot do without, or all
        passes, are missing.
        """
        if train_eval == "running":
            raise ValueError("error= is measured by passes of our own; got train_eval='running'")
        missing = [name for name, data in (("train_data", self.for_train), ("dev_data", self.dev)) if data is None]
        if missing:
            raise ValueError(NO_SETS.format(missing=" and no ".join(missing)))

    def splits(self) -> Mapping[str, SplitSource]:
        """By set, what is known of it for `Tracker.log_split`."""
        return {name: split for name, data in self._sets() if (split := data.split_source()) is not None}

    def _sets(self) -> Iterator[tuple[str, EvaluationData]]:
        for name in ("train", "train_dev", "dev", "test"):
            if (data := getattr(self, name)) is not None:
                yield name, data

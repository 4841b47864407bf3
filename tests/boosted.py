"""Data, runs and bare trainings of boosted trees, for the tests of their callbacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import make_classification
from written_journals import all_records

from bvtrack.journal.folder import unsent_journals
from bvtrack.journal.record_line import Record
from bvtrack.shipping.run_state import Ledger

Pair = tuple[NDArray[Any], NDArray[Any]]

_X, _Y = make_classification(1100, 8, n_informative=5, flip_y=0.15, random_state=0)
TRAIN, DEV, TEST = (_X[:500], _Y[:500]), (_X[500:800], _Y[500:800]), (_X[800:], _Y[800:])
_X3, _Y3 = make_classification(700, 8, n_informative=5, n_classes=3, flip_y=0.1, random_state=0)
TRAIN3, DEV3 = (_X3[:400], _Y3[:400]), (_X3[400:], _Y3[400:])


@dataclass(frozen=True)
class Run:
    """A run that stayed in its journal: its tags, and the errors of each epoch as they were logged."""

    tags: Mapping[str, str | None]
    epochs: list[Record]
    weights: Any
    splits: list[Record]

    @property
    def rounds(self) -> list[int]:
        return [one["epoch"] for one in self.epochs]

    def errors(self, number: int) -> Mapping[str, float]:
        (found,) = [one for one in self.epochs if one["epoch"] == number]
        errors: Mapping[str, float] = found["errors"]
        return errors

    def curve(self, name: str) -> Mapping[int, float]:
        return {one["epoch"]: one["errors"][name] for one in self.epochs if name in one["errors"]}

    @property
    def last(self) -> Record:
        return self.epochs[-1]


def read_run(journals: Path) -> Run:
    """The last run that stayed in its journal."""
    path = max(unsent_journals(journals), key=lambda journal: journal.stat().st_mtime_ns)
    header, *records = all_records(path)
    ledger = Ledger(header["options"])
    for record in records:
        ledger.take(record)
    return Run(
        ledger.bundle(records).tags,
        [one for one in records if one["kind"] == "epoch"],
        ledger.weights,
        [one for one in records if one["kind"] == "split"],
    )


def share_wrong(scores: Any, targets: Any) -> float:
    predicted = scores.argmax(axis=1) if scores.ndim == 2 else scores > 0.5
    return float(np.mean(predicted != targets))

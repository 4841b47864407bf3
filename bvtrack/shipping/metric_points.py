"""The metric points of a journal's records: an epoch's errors and gaps, or a later test error and its gap."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from bvtrack.diagnosis.run_history import History
from bvtrack.diagnosis.run_verdict import EpochErrors, with_test_error
from bvtrack.error_rates.error_rate import as_logged
from bvtrack.journal.records import EpochRecord, LaterTestRecord, TrainingRecord
from bvtrack.schema import names
from bvtrack.store.bundle import Point


def points_of(record: TrainingRecord, history: History, baseline: Mapping[str, Any]) -> Iterator[Point]:
    """The points of a record that `history` has already taken; none of one that measures no error."""
    match record:
        case EpochRecord():
            epoch, values = record.epoch, values_of(record, baseline)
            if record.running is not None:
                values[names.TRAIN_ERROR_RUNNING] = record.running
        case LaterTestRecord():
            later = record.as_epoch
            epoch, entry = record.epoch, with_test_error(history.get(record.epoch) or later, later)
            values = {name: value for name, value in values_of(entry, baseline).items() if name in names.OF_TEST_ERROR}
        case _:
            return
    for name, value in values.items():
        yield Point(name, as_logged(value), record.timestamp, epoch)


def values_of(entry: EpochErrors, baseline: Mapping[str, Any]) -> dict[str, float]:
    """Metrics of an epoch by name; `baseline` are the arguments of its gaps."""
    values = {names.error_metric(name): error for name, error in entry.finite.items()}
    values |= {names.unscaled_metric(name): value for name, value in entry.unscaled.items() if math.isfinite(value)}
    return values | {names.gap_metric(name): gap.value for name, gap in entry.gaps(**baseline).items()}

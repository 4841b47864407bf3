"""Group hashes and time ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bvtrack.splits.profiling.columns import numeric
from bvtrack.splits.profiling.row_hash import row_hashes
from bvtrack.splits.reading.arrays import TEXT, is_missing
from bvtrack.splits.reading.distinct import distinct

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def group_hashes(values: NDArray[Any]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Distinct hashes of the group names, without missing groups, and the first row of each, from 0. Raises `ValueError` for
    several values per example.
    """
    import numpy as np

    if values.size != len(values):
        raise ValueError(f"expected groups to have one value an example, got an array of shape {values.shape}")
    found = distinct(values.reshape(-1))
    rows: dict[str, int] = {}
    for value, row in zip(found.values.tolist(), found.first.tolist(), strict=True):
        if not is_missing(value):
            rows.setdefault(_group_name(value), row)
    hashes, first = np.unique(row_hashes({"group": np.array([*rows], dtype=object)}), return_index=True)
    return hashes, np.array([*rows.values()], np.int64)[first]


def _group_name(value: Any) -> str:
    """The group's name as text, the same for 1, 1.0 and "1"."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def span_of(values: NDArray[Any]) -> tuple[float, float] | None:
    """The earliest and the latest time, dates in seconds; `None` if all are missing."""
    import numpy as np

    if values.dtype.kind in TEXT:
        different = distinct(values.reshape(-1)).values.tolist()
        values = np.array([np.nan if is_missing(value) else _time(value) for value in different])
    numbers = np.asarray(numeric(values), float)
    numbers = numbers[~np.isnan(numbers)]
    return (float(numbers.min()), float(numbers.max())) if len(numbers) else None


def _time(value: Any) -> float:
    """Seconds since 1970 of a date or an ISO 8601 text, in UTC if no time zone is given. Raises `ValueError` for others."""
    from datetime import UTC, date, datetime

    try:
        time = datetime.fromisoformat(value.isoformat() if isinstance(value, date) else value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"expected times as numbers, dates or texts of ISO 8601, got {value!r}") from error
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()

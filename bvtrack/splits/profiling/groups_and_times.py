"""Whom examples are of, and when they were made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bvtrack.splits.profiling.columns import numeric
from bvtrack.splits.profiling.row_hash import row_hashes
from bvtrack.splits.reading.arrays import TEXT, is_missing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def group_hashes(values: NDArray[Any]) -> NDArray[np.uint64]:
    """Hashes of the groups' names; examples without one share none."""
    import numpy as np

    if values.size != len(values):
        raise ValueError(f"expected groups to have one value an example, got an array of shape {values.shape}")
    flat = values.reshape(-1)
    flat = flat if flat.dtype.kind == "O" else np.unique(flat)
    names = {_group_name(value) for value in flat.tolist() if not is_missing(value)}
    return np.unique(row_hashes({"group": np.array(sorted(names), dtype=object)}))


def _group_name(value: Any) -> str:
    """The same for 1, 1.0 and "1"."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def span_of(values: NDArray[Any]) -> tuple[float, float] | None:
    """The first and the last, dates in seconds; `None` where all are missing."""
    import numpy as np

    if values.dtype.kind in TEXT:
        values = np.array([np.nan if is_missing(value) else _time(value) for value in values.reshape(-1).tolist()])
    numbers = np.asarray(numeric(values), float)
    numbers = numbers[~np.isnan(numbers)]
    return (float(numbers.min()), float(numbers.max())) if len(numbers) else None


def _time(value: Any) -> float:
    """Of a date, as such or as ISO 8601 writes it, in UTC where no time zone is given."""
    from datetime import UTC, date, datetime

    try:
        time = datetime.fromisoformat(value.isoformat() if isinstance(value, date) else value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"expected times as numbers, dates or texts of ISO 8601, got {value!r}") from error
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()

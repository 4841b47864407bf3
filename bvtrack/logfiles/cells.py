"""Numbers in the cells of a log, as trainers and their users write them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime

BLANK = {"", "-", "--", "na", "n/a", "none", "null", "nil", "?", "—", "<na>"}
"""Cells without a value; Keras's CSVLogger writes NA."""
_WRAPPED = re.compile(r"(?:tensor|array|[a-z_.]*float\d*|np\.\w+)?\s*[(\[]+\s*([^\s,()\[\]]+)[^()\[\]]*[)\]]+", re.IGNORECASE)
"""`tensor(0.5, device='cuda:0')`, `np.float64(0.5)`, `[0.5]`."""
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:e[+-]?\d+)?", re.IGNORECASE)
MILLISECONDS = 1000
LATEST_IN_SECONDS = 1e11
"""A larger timestamp is in milliseconds."""


def number_in(cell: object) -> float | str | None:
    """The number in a cell, `None` for a blank one, or the text itself if it is neither.

    >>> [number_in(cell) for cell in ("0.5", " NA", "tensor(0.5, device='cuda:0')", "0,5", "12.5%", "00:03")]
    [0.5, None, 0.5, 0.5, 0.125, '00:03']
    """
    if cell is None or isinstance(cell, bool):
        return None
    if isinstance(cell, int | float):
        return _as_float(cell)
    text = str(cell).strip()
    try:
        return float(text)
    except ValueError:
        return None if text.lower() in BLANK else _unwrapped(text)


def _unwrapped(text: str) -> float | str:
    """The number in a text that is more than a number, else the text."""
    plain = wrapped[1] if (wrapped := _WRAPPED.fullmatch(text)) else text
    if _DECIMAL_COMMA.fullmatch(plain):
        plain = plain.replace(",", ".")
    try:
        return float(plain.removesuffix("%")) / (100 if plain.endswith("%") else 1)
    except ValueError:
        return text


def time_in(cell: object) -> int:
    """A time in milliseconds since 1970, from seconds, milliseconds or an ISO date; 0 if it is none."""
    value = number_in(cell)
    if isinstance(value, float):
        return 0 if not math.isfinite(value) else int(value if value > LATEST_IN_SECONDS else value * MILLISECONDS)
    try:
        found = datetime.fromisoformat(value or "")
    except ValueError:
        return 0
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * MILLISECONDS)


def without_padding(values: Sequence[float | None]) -> list[float | None]:
    """The values without each NaN that stands for a blank: one that a number follows, and as many at the end.

    Weights that have become NaN stay so; a NaN between numbers is how some loggers pad a row that lacks the metric.

    >>> without_padding([0.5, math.nan, 0.4, math.nan]), without_padding([0.5, 0.4, math.nan, math.nan])
    ([0.5, None, 0.4, None], [0.5, 0.4, nan, nan])
    """
    last = max((i for i, value in enumerate(values) if value is not None and math.isfinite(value)), default=-1)
    longest = max(_stretches(values[: last + 1]), default=0)
    end = last + 1 + longest
    has_tail = any(value is not None for value in values[end:])
    known_until = last + 1 if has_tail else len(values)
    return [None if value is not None and math.isnan(value) and i < known_until else value for i, value in enumerate(values)]


def _stretches(values: Sequence[float | None]) -> list[int]:
    """The lengths of all stretches of NaN."""
    lengths, n = [], 0
    for value in values:
        is_nan = value is not None and math.isnan(value)
        lengths += [n] if n and not is_nan else []
        n = n + 1 if is_nan else 0
    return lengths


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number of 400 digits
        return math.inf

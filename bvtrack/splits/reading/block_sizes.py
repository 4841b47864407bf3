"""Number of rows processed at once."""

from __future__ import annotations

SAMPLE = 2048
"""Examples that the bin edges are set from."""


ROWS_AT_ONCE = 8192

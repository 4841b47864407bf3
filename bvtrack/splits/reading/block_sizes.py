"""How many rows are worked on at once."""

from __future__ import annotations

SAMPLE = 2048
"""Examples that the edges are laid through."""


ROWS_AT_ONCE = 8192

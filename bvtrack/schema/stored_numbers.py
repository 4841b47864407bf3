"""How numbers are written in the tag `bvtrack.gaps`."""

from __future__ import annotations

MOST_EXAMPLES = 2**53
"""Maximum count, which a float still represents exactly; larger ones could overflow when rates are computed."""
DIGITS = 4
"""Decimals of a fraction, a hundredth of a point, to keep the value within 500 characters."""


def rounded(value: float | None) -> float | None:
    """A number rounded as in the tag."""
    return None if value is None else round(value, DIGITS)

"""The tag `bvtrack.gaps`, as it is read: anybody may have written it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.error_rates.error_rate import is_finite_number, is_fraction
from bvtrack.schema import names

MOST_EXAMPLES = 2**53
"""What a float holds exactly; more would overflow where rates are worked out."""


def read_gaps(tags: Mapping[str, str | None]) -> Mapping[str, Any]:
    """The content of `bvtrack.gaps`; empty where it holds nothing readable.

    >>> read_gaps({"bvtrack.gaps": "[" * 8000})
    {}
    """
    try:
        content = json.loads(tags.get(names.GAPS) or "{}")
    except (ValueError, RecursionError):  # no JSON, or nested without end
        return {}
    return content if isinstance(content, dict) else {}


def errors_of(gaps: Mapping[str, Any]) -> dict[str, float]:
    """The errors that `bvtrack.gaps` holds, by set.

    >>> errors_of({"errors": {"train": 0.01, "dev": "high", "constructor": 0.1}})
    {'train': 0.01}
    """
    return {name: error for name, error in _named(gaps, "errors").items() if name in SET_NAMES and is_fraction(error)}


def widths_of(gaps: Mapping[str, Any]) -> dict[str, float]:
    """How wide each gap is, by its name.

    >>> widths_of({"gaps": {"variance": [0.1, 0.05, 0.15], "avoidable_bias": [1e300]}})
    {'variance': 0.1}
    """
    first = {name: ends[0] for name, ends in _named(gaps, "gaps").items() if isinstance(ends, list) and ends}
    return {name: value for name, value in first.items() if is_finite_number(value) and -1 <= value <= 1}


def counts_of(gaps: Mapping[str, Any]) -> dict[str, int]:
    """How many examples are behind each error, by set.

    >>> counts_of({"n": {"train": 500, "dev": -1}})
    {'train': 500}
    """
    return {name: n for name, n in _named(gaps, "n").items() if isinstance(n, int) and 0 < n < MOST_EXAMPLES}


def _named(gaps: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    content = gaps.get(key)
    return content if isinstance(content, dict) else {}

"""Format and parse the tag `bvtrack.model`, whose value anybody may have changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from bvtrack.diagnosis.evidence import ModelFacts
from bvtrack.error_rates.error_rate import is_finite_number
from bvtrack.text import cut

LONGEST_NAME = 250
"""Maximum length of a name in the tag, so that the whole stays below 2,000 characters: MLflow took 5,000 before 2.21."""

_IS_VALID: Mapping[str, Callable[[object], bool]] = {
    "int | None": lambda value: isinstance(value, int) and _is_number(value),
    "float | None": lambda value: _is_number(value),
    "bool | None": lambda value: isinstance(value, bool),
    "str | None": lambda value: isinstance(value, str),
}
"""Checks of values, by the type of the field."""


def model_text(facts: Mapping[str, object]) -> str | None:
    """The value for fields of `ModelFacts` by name, without those that are unknown; `None` if all are.

    >>> model_text({"optimizer": "Adam", "learning_rate": 0.001, "dropout": None})
    '{"optimizer":"Adam","learning_rate":0.001}'
    """
    known = {name: _rounded(value) for name, value in facts.items() if not _is_unknown(value)}
    return json.dumps(known, separators=(",", ":"), default=str) if known else None


def read_facts(text: str) -> dict[str, Any]:
    """The facts in a value, by field of `ModelFacts`; those that are invalid are left out.

    >>> read_facts('{"optimizer": "Adam", "dropout": "much", "colour": "red"}')
    {'optimizer': 'Adam'}
    >>> read_facts("[" * 8000)
    {}
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):  # no JSON, or too deeply nested
        return {}
    if not isinstance(content, dict):
        return {}
    known = {field.name: _IS_VALID[str(field.type)] for field in fields(ModelFacts)}
    return {name: content[name] for name, is_valid in known.items() if name in content and is_valid(content[name])}


def fact_text(value: object) -> str:
    """A fact as text, as tags of earlier versions held it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _is_number(value: object) -> bool:
    return is_finite_number(value) and not isinstance(value, bool)


def _is_unknown(value: object) -> bool:
    return value is None or (isinstance(value, float) and not is_finite_number(value))


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return float(fact_text(value))
    return cut(value, LONGEST_NAME) if isinstance(value, str) else value

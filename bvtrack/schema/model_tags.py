"""The tags `bvtrack.model.*`, one per field of `ModelFacts`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from bvtrack.diagnosis.evidence import ModelFacts

MODEL = "bvtrack.model."

_READ: Mapping[str, Callable[[str], Any]] = {
    "int | None": int,
    "float | None": float,
    "bool | None": "True".__eq__,
    "str | None": str,
}
"""Parsers of tag values, by the type of the field."""


def model_tags(facts: Mapping[str, object]) -> dict[str, str | None]:
    """The tags for fields of `ModelFacts` by name; `None` for an unknown value.

    >>> model_tags({"optimizer": "Adam", "learning_rate": 0.001, "dropout": None})
    {'bvtrack.model.optimizer': 'Adam', 'bvtrack.model.learning_rate': '0.001', 'bvtrack.model.dropout': None}
    """
    return {MODEL + name: _text(value) for name, value in facts.items()}


def model_texts(tags: Mapping[str, str | None]) -> dict[str, str]:
    """The unparsed values of the model's tags, by field."""
    found = ((name, text) for name, text in tags.items() if name.startswith(MODEL))
    return {name.removeprefix(MODEL): text for name, text in found if text is not None}


def read_model(tags: Mapping[str, str | None]) -> ModelFacts:
    """Parse the model's tags; values that do not parse are left out."""
    texts, facts = model_texts(tags), {}
    for field in fields(ModelFacts):
        with contextlib.suppress(ValueError):
            if field.name in texts:
                facts[field.name] = _READ[str(field.type)](texts[field.name])
    return ModelFacts(**facts)


def _text(value: object) -> str | None:
    if value is None:
        return None
    return f"{value:g}" if isinstance(value, float) else str(value)

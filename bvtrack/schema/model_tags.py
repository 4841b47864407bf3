"""The facts about a run's model in its tags: in `bvtrack.model`, or as earlier versions wrote them, in a tag for each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from bvtrack.diagnosis.evidence import ModelFacts
from bvtrack.schema.model_text import fact_text
from bvtrack.schema.tags import MODEL, OF_MODEL_BEFORE, Tags

_READ: Mapping[str, Callable[[str], Any]] = {
    "int | None": int,
    "float | None": float,
    "bool | None": "True".__eq__,
    "str | None": str,
}
"""Parsers of the earlier tags' values, by the type of the field."""


def model_texts(tags: Tags) -> dict[str, str]:
    """The facts as text, by field."""
    return _texts_before(tags) | {name: fact_text(value) for name, value in (MODEL.read(tags) or {}).items()}


def read_model(tags: Tags) -> ModelFacts:
    """Parse the model's tags; values that do not parse are left out."""
    texts, facts = _texts_before(tags), {}
    for field in fields(ModelFacts):
        with contextlib.suppress(ValueError):
            if field.name in texts:
                facts[field.name] = _READ[str(field.type)](texts[field.name])
    return ModelFacts(**facts | (MODEL.read(tags) or {}))


def _texts_before(tags: Tags) -> dict[str, str]:
    found = ((name, text) for name, text in tags.items() if name.startswith(OF_MODEL_BEFORE))
    return {name.removeprefix(OF_MODEL_BEFORE): text for name, text in found if text is not None}

"""The part of JSON Schema (draft 2020-12) that our own schemas use, checked without a dependency."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "null": lambda value: value is None,
}
_KEYWORDS = {
    *("$schema", "title", "description", "type", "enum", "const", "minimum", "maximum"),
    *("required", "properties", "additionalProperties", "propertyNames", "items"),
}


def problems(value: Any, schema: Mapping[str, Any], at: str = "$") -> Iterator[str]:
    """Where the value breaks the schema, or has a field that the schema does not name. Unknown keywords are problems, too."""
    yield from (f"{at}: keyword {keyword} is not checked" for keyword in schema.keys() - _KEYWORDS)
    types = schema.get("type", list(_TYPES))
    if not any(_TYPES[name](value) for name in ([types] if isinstance(types, str) else types)):
        yield f"{at}: {value!r} is no {types}"
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        yield f"{at}: {value!r} is not allowed"
    if isinstance(value, int | float) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{at}: {value!r} is out of range"
    if isinstance(value, dict):
        yield from _in_object(value, schema, at)
    if isinstance(value, list) and "items" in schema:
        for index, one in enumerate(value):
            yield from problems(one, schema["items"], f"{at}[{index}]")


def _in_object(value: Mapping[str, Any], schema: Mapping[str, Any], at: str) -> Iterator[str]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    yield from (f"{at}: {name} is missing" for name in schema.get("required", ()) if name not in value)
    for name, one in value.items():
        if (inner := known.get(name, others)) is None:
            yield f"{at}: {name} is not described"
        else:
            yield from problems(one, inner, f"{at}.{name}")
        yield from problems(name, schema.get("propertyNames", {}), f"{at}, name {name}")

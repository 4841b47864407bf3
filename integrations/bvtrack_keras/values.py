"""The logged metrics that are one number, by which alone an error can be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bvtrack_keras.arrays import as_array

VECTOR = (
    "{name} has {n} values, as a metric with average=None gives one for each class, and is left out, for an error is one "
    "number: average='macro' or 'micro' gives one"
)


def numbers(values: Mapping[str, Any], say: Callable[[str], None]) -> dict[str, float]:
    """The values that are one number; of vectors it is said once that they are left out, of texts and other objects nothing."""
    found = {name: _number(name, value, say) for name, value in values.items()}
    return {name: number for name, number in found.items() if number is not None}


def _number(name: str, value: Any, say: Callable[[str], None]) -> float | None:
    if isinstance(value, (int, float)):
        return value
    array = as_array(value)
    if array.dtype.kind not in "biuf":
        return None
    if array.size > 1:
        say(VECTOR.format(name=name.removeprefix("val_"), n=array.size))
    return float(array.item()) if array.size == 1 else None

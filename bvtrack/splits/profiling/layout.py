"""The layout that two splits must share to be compared: the columns, their kinds, and the bin edges."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

from bvtrack.splits.profiling.binning import N_CODES, Coding
from bvtrack.splits.profiling.columns import MOST_CATEGORIES, Part, numeric
from bvtrack.splits.reading.arrays import TEXT, family, is_all_missing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bvtrack.splits.reading.features import Columns

Targets = Literal["none", "classes", "one_hot", "numbers"]


@dataclass(frozen=True)
class Layout:
    """The parts of an example, the bin edges of their numbers and of continuous targets, and the kind of targets."""

    parts: tuple[Part, ...]
    coding: Coding
    targets: Targets
    target_coding: Coding | None

    @classmethod
    def of(cls, columns: Columns, targets: NDArray[Any] | None) -> Self:
        """The layout of a sample of a few thousand examples, which sets the bin edges."""
        parts = tuple(Part.of(name, values) for name, values in columns.items())
        kind = _kind_of(targets)
        target_coding = Coding.of(target_numbers(targets)) if kind == "numbers" and targets is not None else None
        return cls(parts, Coding.of(numbers_of(parts, columns)), kind, target_coding)

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """Names of the numeric columns, in order."""
        return tuple(name for part in self.parts for name in part.columns)

    @cached_property
    def digest(self) -> str:
        """Equal for layouts whose counts can be added and compared."""
        import hashlib

        known = [[part.name, part.kind, part.shape] for part in self.parts], self.targets
        digest = hashlib.blake2b(json.dumps(known).encode(), digest_size=8)
        for coding in (self.coding, self.target_coding):
            if coding is not None:
                digest.update(coding.pivots.tobytes() + coding.edges.tobytes() + coding.is_fine.tobytes())
        return digest.hexdigest()

    def checked(self, name: str, columns: Columns) -> Columns:
        """The columns in the layout's order. Raises `ValueError` if their names, kinds or shapes differ from it."""
        wanted, found = [part.name for part in self.parts], list(columns)
        if set(wanted) != set(found):
            missing, extra = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
            raise ValueError(
                f"expected the columns of the other split in {name}; "
                f"missing: {', '.join(missing) or 'none'}; not expected: {', '.join(extra) or 'none'}"
            )
        for part in self.parts:
            values = columns[part.name]
            is_alike = family(values.dtype.str) == part.family or (part.family != "number" and is_all_missing(values))
            if values.shape[1:] != part.shape or not is_alike:
                raise ValueError(
                    f"expected {part.name} of {name} to be of shape {part.shape} and type {part.dtype} as in the other split, "
                    f"got {values.shape[1:]} and {values.dtype.str}"
                )
        return {part.name: _cast_missing(part, columns[part.name]) for part in self.parts}

    def to_json(self) -> dict[str, Any]:
        return {
            "parts": [
                {"name": part.name, "kind": part.kind, "shape": list(part.shape), "dtype": part.dtype} for part in self.parts
            ],
            "coding": _coding_json(self.coding),
            "targets": self.targets,
            "target_coding": None if self.target_coding is None else _coding_json(self.target_coding),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        parts = tuple(Part.named(**{**part, "shape": tuple(part["shape"])}) for part in content["parts"])
        of_targets = content["target_coding"]
        return cls(parts, _coding(content["coding"]), content["targets"], None if of_targets is None else _coding(of_targets))


def numbers_of(parts: tuple[Part, ...], columns: Columns) -> NDArray[Any]:
    """All numeric columns side by side, `[n, d]`, as float64 if there are several parts."""
    import numpy as np

    found = [(part, part.numbers(columns[part.name])) for part in parts]
    found = [(part, numbers) for part, numbers in found if numbers.shape[1]]
    if len(found) == 1:
        return _match_byte_dtype(*found[0])
    n = len(next(iter(columns.values())))
    return np.hstack([numbers.astype(np.float64) for _, numbers in found]) if found else np.empty((n, 0))


def _match_byte_dtype(part: Part, numbers: NDArray[Any]) -> NDArray[Any]:
    """Match the layout's dtype: numbers that are all bytes become uint8 if the layout has uint8, and uint8 becomes float if
    not.
    """
    import numpy as np

    is_byte, are_bytes = part.kind in ("number", "table") and part.dtype[1:] == "u1", numbers.dtype == np.uint8
    if is_byte and not are_bytes and bool(((numbers >= 0) & (numbers <= 255)).all()):
        as_bytes = numbers.astype(np.uint8)
        return as_bytes if bool((as_bytes == numbers).all()) else numbers
    return numbers.astype(np.float64) if are_bytes and not is_byte else numbers


def _cast_missing(part: Part, values: NDArray[Any]) -> NDArray[Any]:
    """The values, with None or NaT in place of an all-missing column that was read as another kind."""
    import numpy as np

    if family(values.dtype.str) == part.family:
        return values
    return np.full(values.shape, None, object) if part.is_text else np.full(values.shape, "NaT", part.dtype)


def _kind_of(targets: NDArray[Any] | None) -> Targets:
    import numpy as np

    if targets is None:
        return "none"
    if targets.ndim == 2 and targets.shape[1] > 1:
        is_binary = targets.dtype.kind in "biuf" and bool(np.isin(targets, (0, 1)).all())
        return "one_hot" if is_binary and bool((targets.sum(axis=1) == 1).all()) else "numbers"
    if targets.dtype.kind in TEXT or (targets.dtype.kind in "biu" and targets.ndim <= 2):
        return "numbers" if targets.dtype.kind in "iu" and len(np.unique(targets)) > MOST_CATEGORIES else "classes"
    return "numbers"


def target_numbers(targets: NDArray[Any]) -> NDArray[Any]:
    """Continuous targets as columns `[n, k]`. Raises `ValueError` for class names."""
    import numpy as np

    if targets.dtype.kind in TEXT:
        raise ValueError(f"expected numbers as targets, as in the other split, got names ({targets.dtype.str})")
    return numeric(targets).reshape(len(targets), -1).astype(np.float64)


def _coding_json(coding: Coding) -> dict[str, Any]:
    return {
        "pivots": coding.pivots.tolist(),
        "edges": coding.edges.tolist(),
        "is_fine": coding.is_fine.tolist(),
    }


def _coding(content: Mapping[str, Any]) -> Coding:
    import numpy as np

    return Coding(
        np.array(content["pivots"], float),
        np.array(content["edges"], float).reshape(-1, N_CODES - 1),
        np.array(content["is_fine"], bool),
    )

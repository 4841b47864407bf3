"""The layout that two splits must share to be compared: the columns, their kinds, and the bin edges."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

from bvtrack.splits.profiling.binning import N_CODES, Coding
from bvtrack.splits.profiling.columns import Part, numeric
from bvtrack.splits.profiling.conversion import LABEL, Place, check_classes, converted, to_numbers
from bvtrack.splits.profiling.key_columns import LeftOut, columns_to_leave_out
from bvtrack.splits.profiling.remarks import Remarks
from bvtrack.splits.profiling.target_kinds import FEW_IN_ORDER, kind_of_whole
from bvtrack.splits.reading.arrays import TEXT, as_objects
from bvtrack.splits.reading.words_as_numbers import are_numbers, numbers_among

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bvtrack.splits.reading.features import Columns

Targets = Literal["none", "classes", "either", "one_hot", "numbers"]
"""`either` are whole numbers that could be classes or quantities, and are counted as both."""
LARGEST_WHOLE = 2.0**63
"""Whole numbers below it fit into integers of 64 bits."""


@dataclass(frozen=True)
class Layout:
    """The parts of an example, the bin edges of their numbers and of targets that may be numbers, and the kind of targets."""

    parts: tuple[Part, ...]
    coding: Coding
    targets: Targets
    target_coding: Coding | None
    left_out: tuple[LeftOut, ...] = ()
    """Sets of columns without which copies are looked for, too."""

    @classmethod
    def of(cls, columns: Columns, targets: NDArray[Any] | None) -> Self:
        """The layout of a sample of a few thousand examples, which sets the bin edges."""
        columns = {name: _without_words(values) for name, values in columns.items()}
        parts = tuple(Part.of(name, values) for name, values in columns.items())
        targets = None if targets is None else _with_quantities(targets)
        kind = _kind_of(targets)
        target_coding = None if targets is None or not _are_ordered(kind, targets) else Coding.of(target_numbers(targets))
        left_out = columns_to_leave_out(parts, columns)
        return cls(parts, Coding.of(numbers_of(parts, columns)), kind, target_coding, left_out)

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """Names of the numeric columns, in order."""
        return tuple(name for part in self.parts for name in part.columns)

    @cached_property
    def digest(self) -> str:
        """Equal for layouts whose counts can be added and compared."""
        import hashlib

        known = [[part.name, part.kind, part.shape] for part in self.parts], self.targets, self.left_out
        digest = hashlib.blake2b(json.dumps(known).encode(), digest_size=8)
        for coding in (self.coding, self.target_coding):
            if coding is not None:
                digest.update(coding.pivots.tobytes() + coding.edges.tobytes() + coding.is_fine.tobytes())
        return digest.hexdigest()

    def checked(self, name: str, columns: Columns, start: int = 0) -> tuple[Columns, Remarks]:
        """The columns in the layout's order and types, and remarks on what was converted; `start` rows were before them.

        Raises `ValueError` if their names, kinds or shapes differ from the layout's.
        """
        columns = _side_by_side(self.parts, columns)
        wanted, found = [part.name for part in self.parts], list(columns)
        if set(wanted) != set(found):
            missing, extra = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
            raise ValueError(
                f"expected the columns of the other split in {name}; "
                f"missing: {', '.join(missing) or 'none'}; not expected: {', '.join(extra) or 'none'}"
            )
        converted_columns: dict[str, NDArray[Any]] = {}
        remarks = Remarks()
        for part in self.parts:
            converted_columns[part.name], new = converted(part, columns[part.name], Place(part.name, name, start))
            remarks |= new
        return converted_columns, remarks

    def checked_targets(self, name: str, targets: NDArray[Any], start: int = 0) -> tuple[NDArray[Any], Remarks]:
        """The targets as numbers or classes, and remarks on words among numbers. Raises `ValueError` for other targets."""
        place = Place(LABEL, name, start)
        if self.targets != "numbers":
            check_classes(targets, place)
            return targets, Remarks()
        return to_numbers(targets, place) if targets.dtype.kind in TEXT else (targets, Remarks())

    def to_json(self) -> dict[str, Any]:
        return {
            "parts": [
                {"name": part.name, "kind": part.kind, "shape": list(part.shape), "dtype": part.dtype} for part in self.parts
            ],
            "coding": _coding_json(self.coding),
            "targets": self.targets,
            "target_coding": None if self.target_coding is None else _coding_json(self.target_coding),
            "left_out": [list(names) for names in self.left_out],
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        parts = tuple(Part.named(**{**part, "shape": tuple(part["shape"])}) for part in content["parts"])
        of_targets = content["target_coding"]
        target_coding = None if of_targets is None else _coding(of_targets)
        left_out = tuple(tuple(names) for names in content.get("left_out", ()))
        return cls(parts, _coding(content["coding"]), content["targets"], target_coding, left_out)


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


def _side_by_side(parts: tuple[Part, ...], columns: Columns) -> Columns:
    """Columns that are in an array in the other split as such an array, and an array as the columns that it is there."""
    found = dict(columns)
    for part in parts:
        if part.kind == "table" and part.name not in found and all(name in found for name in part.columns):
            found[part.name] = _together([found.pop(name) for name in part.columns])
    for name, values in columns.items():
        of_array = [f"{name} {index}" for index in range(values.shape[1])] if values.ndim == 2 else []
        wanted = {part.name for part in parts}
        if name not in wanted and of_array and all(column in wanted for column in of_array):
            found |= dict(zip(of_array, found.pop(name).T, strict=True))
    return found


def _together(columns: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Columns `[n]` as an array `[n, k]`, of objects if there are texts among them."""
    import numpy as np

    is_of_texts = any(column.dtype.kind in TEXT for column in columns)
    return np.stack([as_objects(column) for column in columns] if is_of_texts else columns, axis=1)


def _without_words(values: NDArray[Any]) -> NDArray[Any]:
    """A column of numbers with a few words among them as numbers."""
    is_of_numbers = values.dtype.kind in TEXT and values.ndim == 1 and are_numbers(values)
    return numbers_among(values)[0] if is_of_numbers else values


def _with_quantities(targets: NDArray[Any]) -> NDArray[Any]:
    """Targets that are many different numbers written as texts as numbers, whole ones as integers."""
    import numpy as np

    numbers = _without_words(targets)
    if numbers is targets:
        return targets
    found = numbers[np.isfinite(numbers)]
    different = np.unique(found)
    if len(different) <= FEW_IN_ORDER:
        return targets
    is_whole = not (different % 1).any() and abs(different).max() < LARGEST_WHOLE
    return found.astype(np.int64) if is_whole else numbers


def _kind_of(targets: NDArray[Any] | None) -> Targets:
    import numpy as np

    if targets is None:
        return "none"
    if targets.ndim == 2 and targets.shape[1] > 1:
        is_binary = targets.dtype.kind in "biuf" and bool(np.isin(targets, (0, 1)).all())
        return "one_hot" if is_binary and bool((targets.sum(axis=1) == 1).all()) else "numbers"
    if targets.dtype.kind in "iu" and targets.ndim <= 2:
        return kind_of_whole(targets.reshape(-1))
    return "classes" if targets.dtype.kind in TEXT or (targets.dtype.kind == "b" and targets.ndim <= 2) else "numbers"


def _are_ordered(kind: Targets, targets: NDArray[Any]) -> bool:
    """True for targets that are compared as numbers, too: no order of many classes can be ruled out to mean something."""
    import numpy as np

    is_of_many = kind == "classes" and targets.dtype.kind in "iu" and len(np.unique(targets)) > FEW_IN_ORDER
    return kind in ("numbers", "either") or is_of_many


def target_numbers(targets: NDArray[Any]) -> NDArray[Any]:
    """Continuous targets as columns `[n, k]`, NaN for words."""
    import numpy as np

    if targets.dtype.kind in TEXT:
        targets, _ = numbers_among(targets)
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

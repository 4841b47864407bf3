"""Profile a split in one pass: counts and hashes by which splits are compared, merged and recognised."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

from bvtrack.random_states import preserve_random_states
from bvtrack.splits.profiling.class_labels import class_names
from bvtrack.splits.profiling.columns import Names
from bvtrack.splits.profiling.counts import Counts
from bvtrack.splits.profiling.counts_json import counts, counts_json, names_json, packed, unpacked
from bvtrack.splits.profiling.descriptors import described, described_together
from bvtrack.splits.profiling.groups_and_times import group_hashes, span_of
from bvtrack.splits.profiling.layout import Layout, numbers_of, target_numbers
from bvtrack.splits.profiling.row_hash import mixed, row_hashes, smallest
from bvtrack.splits.reading.arrays import as_array
from bvtrack.splits.reading.batches import batches
from bvtrack.splits.reading.batching import gathered, head, n_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bvtrack.splits.reading.batching import Batch
    from bvtrack.splits.reading.features import Columns

MASK = (1 << 64) - 1
ROWS_SIDE_BY_SIDE = 1 << 18
"""Rows of a table's columns that are stacked at once: enough for every thread."""


@dataclass(frozen=True)
class SplitProfile:
    """Counts of a split of `n` examples; `a | b` is the profile of both, in either order.

    `numbers`, `names` (by column) and the `labels` or `label_numbers` are exact counts. `hashes`, of the features, are sorted,
    and `None` if rows were not hashed. `groups` are the hashes of the group names, `time` is the earliest and latest time.
    """

    name: str
    layout: Layout
    n: int
    numbers: Counts
    names: Mapping[str, Names]
    labels: Names | None
    label_numbers: Counts | None
    fingerprint: int
    hashes: NDArray[np.uint64] | None = None
    groups: NDArray[np.uint64] | None = None
    time: tuple[float, float] | None = None
    descriptions: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits, the same for the same examples in any order; from the counts alone if no rows were hashed."""
        import hashlib

        state = [[part.name, part.kind, part.shape] for part in self.layout.parts], self.n, self.class_counts, self.fingerprint
        digest = hashlib.blake2b(json.dumps(state, sort_keys=True).encode(), digest_size=8)
        if self.hashes is None:
            counted = [found for found in (self.numbers, self.label_numbers) if found is not None]
            digest.update(
                b"".join(found.codes.tobytes() + found.products.tobytes() + found.digits.tobytes() for found in counted)
            )
            digest.update(json.dumps([names_json(names) for names in self.names.values()]).encode())
        return digest.hexdigest()

    @property
    def class_counts(self) -> Mapping[str, int]:
        """Number of examples by class; empty if the targets are not classes."""
        return {} if self.labels is None else dict(sorted(self.labels.counts.items()))

    def __or__(self, other: SplitProfile) -> SplitProfile:
        """The profile of both. Raises `ValueError` for profiles that were not made `like` one another."""
        if self.layout.digest != other.layout.digest or (self.hashes is None) != (other.hashes is None):
            raise ValueError(
                f"expected profiles that share their edges, got {self.name or 'one'} and {other.name or 'another'} with edges "
                "of their own; make both with like= the same profile (and the same leaks=)"
            )
        return replace(
            self,
            n=self.n + other.n,
            numbers=self.numbers + other.numbers,
            names={name: names + other.names[name] for name, names in self.names.items()},
            labels=_sum(self.labels, other.labels),
            label_numbers=_sum(self.label_numbers, other.label_numbers),
            fingerprint=(self.fingerprint + other.fingerprint) & MASK,
            hashes=_joined(self.hashes, other.hashes, smallest),
            groups=_joined(self.groups, other.groups, _unique),
            time=_span(self.time, other.time),
            descriptions=described_together(self.descriptions, other.descriptions),
        )

    def to_json(self) -> dict[str, Any]:
        """The profile as JSON types, without the descriptors of images and texts."""
        return {
            "name": self.name,
            "layout": self.layout.to_json(),
            "n": self.n,
            "numbers": counts_json(self.numbers),
            "names": {name: names_json(names) for name, names in self.names.items()},
            "labels": None if self.labels is None else names_json(self.labels),
            "label_numbers": None if self.label_numbers is None else counts_json(self.label_numbers),
            "fingerprint": self.fingerprint,
            "hashes": None if self.hashes is None else packed(self.hashes),
            "groups": None if self.groups is None else packed(self.groups),
            "time": self.time,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        import numpy as np

        optional = {
            name: None if content[name] is None else unpacked(content[name], np.dtype("uint64"))
            for name in ("hashes", "groups")
        }
        return cls(
            name=content["name"],
            layout=Layout.from_json(content["layout"]),
            n=content["n"],
            numbers=counts(content["numbers"]),
            names={name: Names(**names) for name, names in content["names"].items()},
            labels=None if content["labels"] is None else Names(**content["labels"]),
            label_numbers=None if content["label_numbers"] is None else counts(content["label_numbers"]),
            fingerprint=content["fingerprint"],
            hashes=optional["hashes"],
            groups=optional["groups"],
            time=None if content["time"] is None else (content["time"][0], content["time"][1]),
        )


def profile(
    data: Any,
    targets: Any = None,
    *,
    name: str = "",
    like: SplitProfile | None = None,
    groups: Any = None,
    time: Any = None,
    leaks: bool | Literal["exact"] = True,
) -> SplitProfile:
    """Read a split once, and count what tells splits apart.

    `data` and `targets` are as for `compare_splits`. `like` is the profile of the split to compare with; its columns and bin
    edges are used. `groups` `[n_examples]` is the group of each example (a patient, a user), `time` `[n_examples]` when it was
    recorded. `leaks="exact"` computes no descriptors of images and texts, without which near duplicates are not found, and
    `leaks=False` hashes no rows either, which is faster.

    Raises `ValueError` for a split without examples, arrays of different lengths, or columns other than those of `like`.

    >>> import numpy as np
    >>> data = np.random.default_rng(0).normal(size=(1000, 3))
    >>> whole = profile(data)
    >>> halves = profile(data[600:], like=whole) | profile(data[:600], like=whole)
    >>> halves.digest == whole.digest
    True
    """
    with preserve_random_states():
        parts = _naming_the_split(name, gathered(batches(data, targets)))
        layout, parts = (like.layout, parts) if like else _layout_of(parts)
        found = _merged(_counted(name, layout, *part, leaks=leaks) for part in parts)
    return replace(
        found,
        groups=None if groups is None else group_hashes(_checked_length("groups", groups, found.n)),
        time=None if time is None else span_of(_checked_length("time", time, found.n)),
    )


def _layout_of(parts: Iterator[Batch]) -> tuple[Layout, Iterator[Batch]]:
    """The layout of the first batches, and an iterator over all batches."""
    some, parts = head(parts)
    return Layout.of(*some), parts


def _naming_the_split(name: str, parts: Iterator[tuple[Columns, Any]]) -> Iterator[tuple[Columns, Any]]:
    """The batches; a `ValueError` raised while reading them begins with the split's name."""
    try:
        yield from parts
    except ValueError as error:
        raise ValueError(f"{name}: {error}" if name else str(error)) from error


def _merged(profiles: Iterator[SplitProfile]) -> SplitProfile:
    """Merge profiles, those of similar size first, so that the time grows little faster than their number."""
    sums: list[SplitProfile] = []
    for found in profiles:
        sums.append(found)
        while len(sums) > 1 and sums[-2].n <= sums[-1].n:
            last = sums.pop()
            sums[-1] |= last
    while len(sums) > 1:
        last = sums.pop()
        sums[-1] |= last
    return sums[0]


def _counted(name: str, layout: Layout, columns: Columns, targets: Any, *, leaks: bool | Literal["exact"]) -> SplitProfile:
    columns = layout.checked(name or "this split", columns)
    if (targets is None) != (layout.targets == "none"):
        has, lacks = ("targets", "none") if targets is not None else ("no targets", "some")
        raise ValueError(
            f"expected targets in both splits or in none, got {has} in {name or 'this split'} and {lacks} in the other"
        )
    hashes = _hashes(layout, columns) if leaks else None
    numbers, labels = (None, None) if targets is None else _targets(layout, targets)
    return SplitProfile(
        name=name,
        layout=layout,
        n=n_of((columns, targets)),
        numbers=_numbers(layout, columns),
        names={part.name: Names.of(columns[part.name]) for part in layout.parts if part.is_of_names},
        labels=labels,
        label_numbers=numbers,
        fingerprint=0 if hashes is None else _fingerprint(hashes, layout, targets),
        hashes=None if hashes is None else smallest([hashes]),
        descriptions=described(layout, columns) if leaks is True else {},
    )


def _numbers(layout: Layout, columns: Columns) -> Counts:
    n = n_of((columns, None))
    if len(columns) == 1:
        return Counts.of(layout.coding, numbers_of(layout.parts, columns))
    rows = [slice(start, start + ROWS_SIDE_BY_SIDE) for start in range(0, n, ROWS_SIDE_BY_SIDE)]
    found = [
        Counts.of(layout.coding, numbers_of(layout.parts, {name: values[some] for name, values in columns.items()}))
        for some in rows
    ]
    return sum(found[1:], found[0])


def _hashes(layout: Layout, columns: Columns) -> NDArray[np.uint64]:
    """Row hashes after casting to the reference dtypes; where that changes a value, the original row is hashed in too."""
    import numpy as np

    cast, is_changed = dict(columns), np.zeros(n_of((columns, None)), bool)
    for part in layout.parts:
        values = columns[part.name]
        if not part.is_text and values.dtype.str != part.dtype:
            cast[part.name], is_other = _as_type(values, part.dtype)
            is_changed |= is_other.reshape(len(values), -1).any(axis=1)
    hashes = row_hashes({part.name: cast[part.name] for part in layout.parts})
    if is_changed.any():
        hashes[is_changed] += mixed(
            row_hashes({part.name: _as_float64(columns[part.name][is_changed]) for part in layout.parts})
        )
    return hashes


def _as_type(values: NDArray[Any], dtype: str) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Values cast to a dtype, and a mask of those that the cast changed; rounding of floats does not count."""
    import numpy as np

    with np.errstate(all="ignore"):
        if dtype[1] == "c":
            return values.astype(dtype), np.zeros(values.shape, bool)
        found = values.real.astype(dtype)
        if dtype[1] == "f":
            return found, np.isinf(found) & np.isfinite(values)
        return found, (found != values) & ~(np.isnat(values) if dtype[1] in "Mm" else False)


def _as_float64(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype("float64") if values.dtype.kind in "biuf" else values


def _fingerprint(hashes: NDArray[np.uint64], layout: Layout, targets: Any) -> int:
    """Sum of the hashes of all examples with their targets, the same in any order."""
    if targets is None:
        return int(mixed(hashes).sum(dtype="uint64"))
    alike = target_numbers(targets) if layout.target_coding is not None else class_names(layout, targets)
    return int(mixed(mixed(hashes) + row_hashes({"target": alike})).sum(dtype="uint64"))


def _targets(layout: Layout, targets: NDArray[Any]) -> tuple[Counts | None, Names | None]:
    if layout.target_coding is not None:
        numbers = target_numbers(targets)
        if numbers.shape[1] != len(layout.target_coding.pivots):
            raise ValueError(
                f"expected {len(layout.target_coding.pivots)} targets an example as in the other split, got {numbers.shape[1]}"
            )
        return Counts.of(layout.target_coding, numbers), None
    return None, Names.of(class_names(layout, targets))


def _checked_length(what: str, values: Any, n: int) -> NDArray[Any]:
    array = as_array(values)
    if len(array) != n:
        raise ValueError(f"expected {what} to have one value an example, {n:,}; got {len(array):,}")
    return array


def _sum(one: Any, other: Any) -> Any:
    return None if one is None or other is None else one + other


def _joined(one: Any, other: Any, join: Any) -> Any:
    return None if one is None or other is None else join([one, other])


def _unique(parts: Any) -> NDArray[np.uint64]:
    import numpy as np

    return np.unique(np.concatenate(list(parts)))


def _span(one: tuple[float, float] | None, other: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if one is None or other is None else (min(one[0], other[0]), max(one[1], other[1]))

"""Profile a split in one pass: counts and hashes by which splits are compared, merged and recognised."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

from bvtrack.display import as_words
from bvtrack.random_states import preserve_random_states
from bvtrack.splits.profiling.class_labels import class_labels
from bvtrack.splits.profiling.columns import Names
from bvtrack.splits.profiling.counts import Counts
from bvtrack.splits.profiling.counts_json import counts, counts_json, names_json, packed, unpacked
from bvtrack.splits.profiling.descriptors import described, described_together
from bvtrack.splits.profiling.groups_and_times import group_hashes, span_of
from bvtrack.splits.profiling.layout import Layout, numbers_of, target_numbers
from bvtrack.splits.profiling.remarks import Remarks
from bvtrack.splits.profiling.row_hash import MOST_KEPT_WITHOUT, smallest
from bvtrack.splits.profiling.row_places import RowPlaces
from bvtrack.splits.profiling.rows_of_splits import fingerprint_of, hashes_of_rows
from bvtrack.splits.reading.arrays import as_array
from bvtrack.splits.reading.batches import batches
from bvtrack.splits.reading.batching import gathered, head, n_of
from bvtrack.splits.reading.distinct import Distinct, distinct

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bvtrack.splits.reading.batching import Batch
    from bvtrack.splits.reading.features import Columns

MASK = (1 << 64) - 1
ROWS_SIDE_BY_SIDE = 1 << 18
"""Rows of a table's columns that are stacked at once: enough for every thread."""


@dataclass(frozen=True, repr=False)
class SplitProfile:
    """Counts of a split of `n` examples; `a | b` is the profile of both, in either order.

    `numbers`, `names` (by column) and the `labels` or `label_numbers` are exact counts. `hashes`, of the features, are sorted,
    and `None` if rows were not hashed; `hashes_without` are those without each of the layout's sets of columns. `groups` are
    the hashes of the group names, `time` is the earliest and latest time; `remarks` say what was read otherwise than it is
    written. `places` say which rows have the hashes, with all columns, then without each set of them, and `group_rows` are the
    first rows of the groups; both are empty where the order of the rows is not known.
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
    hashes_without: tuple[NDArray[np.uint64], ...] = ()
    groups: NDArray[np.uint64] | None = None
    time: tuple[float, float] | None = None
    descriptions: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    remarks: Remarks = field(default_factory=Remarks)
    places: tuple[RowPlaces, ...] = ()
    group_rows: NDArray[np.int64] | None = None

    def __repr__(self) -> str:
        """Which profile it is; its counts may be megabytes."""
        return f"SplitProfile(name={self.name!r}, n={self.n}, digest={self.digest!r})"

    def __str__(self) -> str:
        return as_words(self)

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
        """The profile of both, which knows no rows by their numbers. Raises `ValueError` for profiles that were not made `like`
        one another.
        """
        found = self.followed_by(other)
        return replace(found, remarks=self.remarks.without_rows() | other.remarks.without_rows(), places=())

    def followed_by(self, other: SplitProfile) -> SplitProfile:
        """The profile of both, of which `other` was read after this one, so that remarks name its rows by their numbers."""
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
            hashes_without=tuple(
                smallest(pair, MOST_KEPT_WITHOUT) for pair in zip(self.hashes_without, other.hashes_without, strict=True)
            ),
            groups=_joined(self.groups, other.groups, _unique),
            time=_span(self.time, other.time),
            descriptions=described_together(self.descriptions, other.descriptions),
            remarks=self.remarks | other.remarks,
            places=tuple(one.followed_by(more) for one, more in zip(self.places, other.places, strict=False)),
            group_rows=None,
        )

    def to_json(self) -> dict[str, Any]:
        """The profile as JSON types, without the descriptors of images and texts, and the places of rows."""
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
            "hashes_without": [packed(hashes) for hashes in self.hashes_without],
            "groups": None if self.groups is None else packed(self.groups),
            "time": self.time,
            "remarks": self.remarks.to_json(),
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
            hashes_without=tuple(unpacked(hashes, np.dtype("uint64")) for hashes in content.get("hashes_without", ())),
            groups=optional["groups"],
            time=None if content["time"] is None else (content["time"][0], content["time"][1]),
            remarks=Remarks.from_json(content["remarks"]) if "remarks" in content else Remarks(),
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
        found = _merged(_in_order(name, layout, parts, leaks=leaks))
    of_groups = (None, None) if groups is None else group_hashes(_checked_length("groups", groups, found.n))
    return replace(
        found,
        groups=of_groups[0],
        group_rows=of_groups[1],
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


def _in_order(name: str, layout: Layout, parts: Iterator[Batch], *, leaks: bool | Literal["exact"]) -> Iterator[SplitProfile]:
    start = 0
    for part in parts:
        yield _counted(name, layout, *part, leaks=leaks, start=start)
        start += n_of(part)


def _merged(profiles: Iterator[SplitProfile]) -> SplitProfile:
    """Merge profiles, those of similar size first, so that the time grows little faster than their number."""
    sums: list[SplitProfile] = []
    for found in profiles:
        sums.append(found)
        while len(sums) > 1 and sums[-2].n <= sums[-1].n:
            last = sums.pop()
            sums[-1] = sums[-1].followed_by(last)
    while len(sums) > 1:
        last = sums.pop()
        sums[-1] = sums[-1].followed_by(last)
    return sums[0]


def _counted(
    name: str, layout: Layout, columns: Columns, targets: Any, *, leaks: bool | Literal["exact"], start: int
) -> SplitProfile:
    """The profile of a batch, before which there are `start` rows."""
    columns, remarks = layout.checked(name or "this split", columns, start)
    if targets is not None and layout.targets == "none":
        targets, remarks = None, replace(remarks, ignored_labels=True)
    if targets is not None:
        targets, new = layout.checked_targets(name or "this split", targets, start)
        remarks |= new
    hashes, *hashes_without = hashes_of_rows(layout, columns) if leaks else (None,)
    classes = None if targets is None or layout.targets == "numbers" else class_labels(layout, targets)
    quantities = None if targets is None else _quantities(layout, targets, classes)
    return SplitProfile(
        name=name,
        layout=layout,
        n=n_of((columns, targets)),
        numbers=_numbers(layout, columns),
        names={part.name: Names.of(distinct(columns[part.name])) for part in layout.parts if part.is_of_names},
        labels=None if classes is None else Names.of(classes),
        label_numbers=None if quantities is None else _label_numbers(layout, quantities),
        fingerprint=0 if hashes is None else fingerprint_of(hashes, classes, quantities),
        hashes=None if hashes is None else smallest([hashes]),
        hashes_without=tuple(smallest([found], MOST_KEPT_WITHOUT) for found in hashes_without),
        descriptions=described(layout, columns) if leaks is True else {},
        remarks=remarks,
        places=() if hashes is None else tuple(map(RowPlaces.of, (hashes, *hashes_without))),
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


def _quantities(layout: Layout, targets: NDArray[Any], classes: Distinct | None) -> NDArray[Any] | None:
    """Targets that may be quantities as columns `[n, k]`; `None` for those that are classes only."""
    if layout.target_coding is None:
        return None
    return target_numbers(targets) if classes is None else classes.of_each(target_numbers(classes.values))


def _label_numbers(layout: Layout, quantities: NDArray[Any]) -> Counts:
    assert layout.target_coding is not None
    n_wanted = len(layout.target_coding.pivots)
    if quantities.shape[1] != n_wanted:
        raise ValueError(f"expected {n_wanted} targets an example as in the other split, got {quantities.shape[1]}")
    return Counts.of(layout.target_coding, quantities)


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

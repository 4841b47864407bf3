"""One pass over a split: what is counted of it, so that splits compare, add up and are known again."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any, Literal, Self

from bvtrack.data.coding import SAMPLE
from bvtrack.data.counting import Counts
from bvtrack.data.features import Names
from bvtrack.data.layout import Layout, numbers_of, target_numbers
from bvtrack.data.reading import as_array, batches
from bvtrack.data.row_hash import mixed, row_hashes, smallest
from bvtrack.data.sample import choose_examples

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bvtrack.data.reading import Columns

MOST_DESCRIBED = 100_000
"""Examples of which near copies are looked for, 12 MB of descriptions."""
MASK = (1 << 64) - 1


@dataclass(frozen=True)
class SplitProfile:
    """What is counted of a split of `n` examples; `a | b` is the profile of both, whatever the order.

    `numbers`, `names` (by column) and the `labels` or `label_numbers` are exact counts. `hashes`, of the features, are sorted,
    `None` where rows were not hashed. `groups` are the hashes of the groups' names, `time` is the first and last time.
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
        """16 hexadecimal digits: the same for the same examples in any order; of the counts where no rows were hashed."""
        state = [[part.name, part.kind, part.shape] for part in self.layout.parts], self.n, self.class_counts, self.fingerprint
        digest = hashlib.blake2b(json.dumps(state, sort_keys=True).encode(), digest_size=8)
        if self.hashes is None:
            digest.update(self.numbers.codes.tobytes() + self.numbers.products.tobytes() + self.numbers.digits.tobytes())
        return digest.hexdigest()

    @property
    def class_counts(self) -> Mapping[str, int]:
        """Examples by class; empty where the targets are no classes."""
        return {} if self.labels is None else dict(sorted(self.labels.counts.items()))

    def __or__(self, other: SplitProfile) -> SplitProfile:
        """Raises `ValueError` for profiles that were not made `like` one another."""
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
            descriptions=_described_together(self.descriptions, other.descriptions),
        )

    def to_json(self) -> dict[str, Any]:
        """All but the descriptions of images and texts, as JSON types."""
        return {
            "name": self.name,
            "layout": self.layout.to_json(),
            "n": self.n,
            "numbers": _counts_json(self.numbers),
            "names": {name: _names_json(names) for name, names in self.names.items()},
            "labels": None if self.labels is None else _names_json(self.labels),
            "label_numbers": None if self.label_numbers is None else _counts_json(self.label_numbers),
            "fingerprint": self.fingerprint,
            "hashes": None if self.hashes is None else _packed(self.hashes),
            "groups": None if self.groups is None else _packed(self.groups),
            "time": self.time,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The profile whose `to_json` this is."""
        import numpy as np

        optional = {
            name: None if content[name] is None else _unpacked(content[name], np.dtype("uint64"))
            for name in ("hashes", "groups")
        }
        return cls(
            name=content["name"],
            layout=Layout.from_json(content["layout"]),
            n=content["n"],
            numbers=_counts(content["numbers"]),
            names={name: Names(**names) for name, names in content["names"].items()},
            labels=None if content["labels"] is None else Names(**content["labels"]),
            label_numbers=None if content["label_numbers"] is None else _counts(content["label_numbers"]),
            fingerprint=content["fingerprint"],
            time=None if content["time"] is None else (content["time"][0], content["time"][1]),
            **optional,
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
    """Read a split once and count what tells splits apart.

    `data` and `targets` are as for `compare_splits`. `like` is the profile of the split to compare with, whose columns and
    edges are taken over. `groups` `[n_examples]` says whom each example is of (a patient, a user), `time` `[n_examples]` when
    it was made. `leaks="exact"` describes no images and texts, by which near copies are found, and `leaks=False` hashes no
    rows either: quicker.

    Raises `ValueError` for a split without examples, arrays of different lengths, or other columns than those of `like`.

    >>> import numpy as np
    >>> data = np.random.default_rng(0).normal(size=(1000, 3))
    >>> whole = profile(data)
    >>> halves = profile(data[600:], like=whole) | profile(data[:600], like=whole)
    >>> halves.digest == whole.digest
    True
    """
    parts = batches(data, targets)
    layout = like.layout if like else None
    if layout is None:
        head, parts = _head(parts)
        layout = Layout.of(*head)
    found = reduce(SplitProfile.__or__, (_counted(name, layout, *part, leaks=leaks) for part in parts))
    return replace(
        found,
        groups=None if groups is None else _unique([row_hashes({"group": _one_each("groups", groups, found.n)})]),
        time=None if time is None else _times(_one_each("time", time, found.n)),
    )


def _head(parts: Iterator[tuple[Columns, Any]]) -> tuple[tuple[Columns, Any], Iterator[tuple[Columns, Any]]]:
    """Some thousand examples to lay edges through, from all over the first batches, and all batches again."""
    read, n = [], 0
    for part in parts:
        read.append(part)
        n += len(next(iter(part[0].values())))
        if n >= SAMPLE:
            break
    some = [_some(*part, most=max(1, SAMPLE * len(next(iter(part[0].values()))) // n)) for part in read]
    return _together(some), itertools.chain(read, parts)


def _some(columns: Columns, targets: Any, most: int) -> tuple[Columns, Any]:
    chosen = choose_examples(len(next(iter(columns.values()))), most)
    return {name: values[chosen] for name, values in columns.items()}, None if targets is None else targets[chosen]


def _together(parts: list[tuple[Columns, Any]]) -> tuple[Columns, Any]:
    import numpy as np

    columns = {name: np.concatenate([part[name] for part, _ in parts]) for name in parts[0][0]}
    return columns, None if parts[0][1] is None else np.concatenate([targets for _, targets in parts])


def _counted(name: str, layout: Layout, columns: Columns, targets: Any, *, leaks: bool | Literal["exact"]) -> SplitProfile:
    columns = layout.checked(name or "this split", columns)
    if (targets is None) != (layout.targets == "none"):
        has, lacks = ("targets", "none") if targets is not None else ("no targets", "some")
        raise ValueError(
            f"expected targets in both splits or in none, got {has} in {name or 'this split'} and {lacks} in the other"
        )
    hashes = row_hashes(_as_laid_out(layout, columns)) if leaks else None
    numbers, labels = (None, None) if targets is None else _targets(layout, targets)
    return SplitProfile(
        name=name,
        layout=layout,
        n=len(next(iter(columns.values()))),
        numbers=Counts.of(layout.coding, numbers_of(layout.parts, columns)),
        names={part.name: Names.of(columns[part.name]) for part in layout.parts if part.is_of_names},
        labels=labels,
        label_numbers=numbers,
        fingerprint=0 if hashes is None else _fingerprint(hashes, targets),
        hashes=None if hashes is None else smallest([hashes]),
        descriptions=_described(layout, columns) if leaks is True else {},
    )


def _as_laid_out(layout: Layout, columns: Columns) -> Columns:
    """Of the same types as in the other split, so that equal values have equal hashes."""
    return {
        part.name: columns[part.name] if part.is_text else columns[part.name].astype(part.dtype, copy=False)
        for part in layout.parts
    }


def _fingerprint(hashes: NDArray[np.uint64], targets: Any) -> int:
    """The sum over all examples, with their targets: the same in any order."""
    whole = hashes if targets is None else mixed(hashes) + row_hashes({"target": targets})
    return int(mixed(whole).sum(dtype="uint64"))


def _targets(layout: Layout, targets: NDArray[Any]) -> tuple[Counts | None, Names | None]:
    if layout.target_coding is not None:
        numbers = target_numbers(targets)
        if numbers.shape[1] != len(layout.target_coding.pivots):
            raise ValueError(
                f"expected {len(layout.target_coding.pivots)} targets an example as in the other split, got {numbers.shape[1]}"
            )
        return Counts.of(layout.target_coding, numbers), None
    return None, Names.of(targets.argmax(axis=1) if layout.targets == "one_hot" else _class_names(targets))


def _class_names(targets: NDArray[Any]) -> NDArray[Any]:
    """Integers, also where a table has made them floats."""
    return targets.astype(int) if targets.dtype.kind in "biu" else targets


def _described(layout: Layout, columns: Columns) -> dict[str, NDArray[np.uint8]]:
    from bvtrack.data.near_duplicates import describe_images, describe_texts

    describe = {"image": describe_images, "text": describe_texts}
    return {
        part.name: describe[part.kind](columns[part.name][:MOST_DESCRIBED]) for part in layout.parts if part.kind in describe
    }


def _described_together(
    one: Mapping[str, NDArray[np.uint8]], other: Mapping[str, NDArray[np.uint8]]
) -> dict[str, NDArray[np.uint8]]:
    import numpy as np

    return {
        name: found if len(found) >= MOST_DESCRIBED else np.concatenate([found, other[name]])[:MOST_DESCRIBED]
        for name, found in one.items()
    }


def _one_each(what: str, values: Any, n: int) -> NDArray[Any]:
    array = as_array(values)
    if len(array) != n:
        raise ValueError(f"expected {what} to have one value an example, {n:,}; got {len(array):,}")
    return array


def _times(values: NDArray[Any]) -> tuple[float, float]:
    import numpy as np

    numbers = values.astype("datetime64[ns]").astype(np.int64) if values.dtype.kind in "MOUS" else values
    return float(numbers.min()), float(numbers.max())


def _sum(one: Any, other: Any) -> Any:
    return None if one is None or other is None else one + other


def _joined(one: Any, other: Any, join: Any) -> Any:
    return None if one is None or other is None else join([one, other])


def _unique(parts: Any) -> NDArray[np.uint64]:
    import numpy as np

    return np.unique(np.concatenate(list(parts)))


def _span(one: tuple[float, float] | None, other: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if one is None or other is None else (min(one[0], other[0]), max(one[1], other[1]))


def _counts_json(counts: Counts) -> dict[str, Any]:
    packed = {name: _packed(getattr(counts, name)) for name in ("codes", "digits", "products", "squares")}
    return {"n": counts.n, "shape": [len(counts.codes), len(counts.products)], **packed}


def _counts(content: Mapping[str, Any]) -> Counts:
    import numpy as np

    d, m = content["shape"]
    arrays = {name: _unpacked(content[name], np.dtype("int64")) for name in ("codes", "digits", "products", "squares")}
    shaped = {name: array.reshape((m, m) if name in ("products", "squares") else (d, -1)) for name, array in arrays.items()}
    return Counts(content["n"], **shaped)


def _names_json(names: Names) -> dict[str, Any]:
    return {"counts": dict(sorted(names.counts.items())), "is_bucketed": names.is_bucketed}


def _packed(array: NDArray[Any]) -> str:
    return base64.b85encode(zlib.compress(array.tobytes(), 1)).decode()


def _unpacked(text: str, dtype: Any) -> NDArray[Any]:
    import numpy as np

    return np.frombuffer(zlib.decompress(base64.b85decode(text)), dtype).copy()

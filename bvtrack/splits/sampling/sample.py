"""The size of a split, and the examples that were read of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

from bvtrack.splits.profiling.profile import SplitProfile, profile
from bvtrack.splits.reading.batch_similarity import are_alike, one_each
from bvtrack.splits.reading.batches import batches as read
from bvtrack.splits.reading.batching import n_of, together
from bvtrack.splits.sampling.all_labels import with_all_labels

MOST_EXAMPLES = 2**53
"""The largest count up to which floats are exact."""
MOST_TARGETS = 1 << 23
"""Size limit of in-memory targets that are used although their examples are not read: 8 MiB, a million numbers."""


@dataclass(frozen=True)
class SplitSample:
    """A split of `n` examples; `features` `[n_read, ...]` and `targets` `[n_read, ...]` hold the examples read, if any.

    `features` may be several arrays, in a mapping or a list. `all_targets` `[n, ...]` also include those of unread examples, if
    available; `problem` says why none were read. `rows` `[n_read]` are the numbers in the split of the examples read, `None`
    for 0, 1, …, empty where their order says nothing; `look` reads the features of examples by these numbers again. Raises
    `ValueError` for an `n` below 1 or above 2 ** 53.
    """

    n: int
    features: Any = None
    targets: Any = None
    all_targets: Any = None
    problem: str = ""
    rows: Sequence[int] | None = None
    look: Callable[[Sequence[int]], Any] | None = None

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ValueError(f"a split must have at least 1 example; got {self.n!r} (leave a missing one out)")
        if self.n > MOST_EXAMPLES:
            raise ValueError(f"a split can have {MOST_EXAMPLES} examples at most; got a larger count")

    @classmethod
    def of(cls, data: Any) -> SplitSample:
        """From a count, an array of features or a pair `(features, targets)`; a sample is returned as it is.

        Raises `ValueError` for a list, whose items could be either.

        >>> SplitSample.of(1200).n
        1200
        """
        if isinstance(data, SplitSample):
            return data
        if isinstance(data, Integral):
            return cls(int(data))
        if isinstance(data, list):
            raise ValueError(
                "a split is a count, an array or a pair (features, targets); got a list: make it an array or a tuple"
            )
        if isinstance(tensors := getattr(data, "tensors", None), tuple):  # a TensorDataset
            data = tensors[:2] if len(tensors) in (2, 3) else (tensors, None)
        features, targets = data if isinstance(data, tuple) else (data, None)
        features = by_name(features, targets)
        return cls(_length_of(features), features, targets)

    @classmethod
    def of_batches(cls, n: int, batches: Iterable[Any]) -> SplitSample:
        """From some batches of a split of `n` examples, of a kind that `compare_splits` reads; without batches, the count
        alone.

        Raises `ValueError` for batches that cannot be read.
        """
        return cls(n, *together(list(read(iter(batches)))))

    @classmethod
    def of_drawn_batches(cls, n: int, batches: Iterable[Any], rows: Sequence[Sequence[int]] = ()) -> SplitSample:
        """From randomly drawn batches, of which `rows` are the numbers of the examples, where they are known. If they show a
        batch effect, as those of sorted data do, one example of each is used, unless they are the whole split.
        """
        found = list(read(iter(batches)))
        is_sample = sum(map(n_of, found)) < n and not are_alike(found)
        kept = _known_rows(rows[: len(found)], [n_of(batch) for batch in found])
        kept = [some[len(some) // 2 : len(some) // 2 + 1] for some in kept] if is_sample else kept
        return cls(n, *together(one_each(found) if is_sample else found), rows=[int(row) for some in kept for row in some])

    def row(self, place: int) -> int | None:
        """The number in the split of the example read at this place; `None` if it is not known."""
        if self.rows is None:
            return place
        return int(self.rows[place]) if place < len(self.rows) else None

    @property
    def n_read(self) -> int:
        return 0 if self.features is None else _length_of(by_name(self.features, self.targets))

    @property
    def most_targets(self) -> Any:
        """All targets if they are a small array in memory, else those that were read."""
        whole = self.all_targets
        return whole if type(whole).__name__ == "ndarray" and whole.nbytes <= MOST_TARGETS else self.targets

    def without_examples(self) -> SplitSample:
        """The sample without its features, of which only the number is kept."""
        return replace(self, features=range(self.n_read), targets=self.most_targets, all_targets=None)

    def profile(self, name: str, like: SplitProfile | None) -> SplitProfile | None:
        """The profile of the examples read, with the class counts of all examples if available; `None` if none were read.

        Raises `ValueError` as `bvtrack.profile` does, and if reading failed.
        """
        if self.problem:
            raise ValueError(f"{name}: {self.problem}")
        if not self.n_read:
            return None
        found = profile(self.features, self.targets, name=name, like=like, leaks="exact")
        return found if self.all_targets is None else with_all_labels(found, self.all_targets, self.n)


def _known_rows(rows: Sequence[Sequence[int]], sizes: Sequence[int]) -> Sequence[Sequence[int]]:
    """The numbers of the examples of batches of these sizes, if they are numbers, and one an example."""
    are_known = list(map(len, rows)) == list(sizes) and all(isinstance(row, Integral) for some in rows for row in some)
    return rows if are_known else ()


def by_name(features: Any, targets: Any = None) -> Any:
    """Several inputs in a list or tuple, arrays `[n, ...]`, as a mapping; anything else as it is, including a list of examples.

    >>> by_name([3, 4])
    [3, 4]
    """
    if not isinstance(features, (list, tuple)) or not all(getattr(part, "shape", ()) for part in features):
        return features
    lengths = {int(part.shape[0]) for part in features}
    are_examples = targets is not None and len(targets) == len(features) and len(targets) not in lengths
    return features if len(lengths) != 1 or are_examples else {f"feature {index}": part for index, part in enumerate(features)}


def _length_of(features: Any) -> int:
    while isinstance(features, Mapping) and features:
        features = next(iter(features.values()))
    shape = getattr(features, "shape", None)
    return int(shape[0]) if shape else len(features)

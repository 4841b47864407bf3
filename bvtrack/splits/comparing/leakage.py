"""Leakage between two splits: copies, near copies, shared groups, and overlapping times."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from bvtrack.error_rates.intervals import Rate
from bvtrack.special import binomial_tail
from bvtrack.splits.comparing.repeated import Kind, RepeatedRows
from bvtrack.splits.finding import Finding, Level
from bvtrack.splits.finding_codes import FindingCode, named
from bvtrack.splits.near_duplicates.images import near_duplicates
from bvtrack.splits.near_duplicates.texts import near_duplicate_texts
from bvtrack.splits.profiling.profile import SplitProfile
from bvtrack.splits.profiling.row_hash import MOST_KEPT, MOST_KEPT_WITHOUT
from bvtrack.splits.profiling.row_places import RowPlaces, is_shared, shared_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEWEST_NEIGHBOURS = 10
"""Minimum size of the reference set: a near copy is much nearer than the tenth nearest neighbour."""
FEW = 0.01
"""Share of copies, or of near copies, from which they are an error: fewer move an error by less than a hundredth of itself."""
BY_NATURE = 0.005
"""Share of natural images that merely look alike; and for whole copies: data sets hold some rows twice by nature, by which half
of all random splits of iris, german credit and ring would have an error, and at this share none of 60."""
CHANCE_FACTOR = 2.0
"""Maximum ratio of copies to repeats within a set that is no leak: rows that repeat within a set also recur across sets."""
CHANCE = 0.01
"""P-value of so many copies if rows recur across sets as they do within one, for copies in some of the columns; and of so many
copies or near copies if examples merely recur or look alike by nature."""
OFTEN = 0.5
"""If this share of rows repeats without some columns, these are what an example is known by."""


@dataclass(frozen=True)
class Leak:
    """A finding, and some of the rows that make it, where they are known."""

    finding: Finding
    repeated: RepeatedRows | None = None


@dataclass(frozen=True)
class Copies:
    """`n` of the `n_later` examples read of one set that are among the `n_earlier` read of another, of which a share `usual`
    comes more than once; found without the columns `left_out`, the set of them at `place`. `sizes` are those of the whole sets,
    the later and the earlier one.
    """

    n: int
    n_later: int
    n_earlier: int
    usual: float
    left_out: tuple[str, ...] = ()
    place: int = 0
    sizes: tuple[int, int] = (0, 0)

    @property
    def share(self) -> float:
        """Share of the later examples read."""
        return self.n / self.n_later

    @property
    def seen(self) -> float:
        """Share of the earlier set that was read: of an example that is in it, it is the probability to be found there."""
        return min(1.0, self.n_earlier / max(self.sizes[1], 1))

    @property
    def are_of_all(self) -> bool:
        """True if both sets were read whole."""
        return self.n_later >= self.sizes[0] and self.n_earlier >= self.sizes[1]

    @property
    def likely_share(self) -> float:
        """Share of all later examples that are copies, as far as what was read tells."""
        return min(1.0, self.share / self.seen)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of that share, by what was read: Wilson's."""
        low, high = Rate(self.share, self.n_later).interval()
        return min(1.0, low / self.seen), min(1.0, high / self.seen)

    @property
    def n_likely(self) -> int:
        """Number of copies in the whole later set, at least those that were found."""
        return max(self.n, round(self.likely_share * max(self.sizes[0], self.n_later)))

    @property
    def are_many(self) -> bool:
        """True for so many that they are no chance of a set without a leak, and matter. Where a part of the earlier set was
        read, a later example counts as that part of one: so much of it was looked for.
        """
        return _are_many(self.n, max(self.n, math.ceil(self.n_later * self.seen)))

    @property
    def are_by_chance(self) -> bool:
        """True if rows recur across the sets as they do within one; without some of the columns, also if too few recur to
        tell.
        """
        if self.share <= CHANCE_FACTOR * self.usual:
            return True
        n_within, of_later = self.usual * self.n_earlier, self.n_later / (self.n_later + self.n_earlier)
        return bool(self.left_out) and float(binomial_tail(self.n, n=self.n + n_within, probability=of_later)) > CHANCE


@dataclass(frozen=True)
class Pair:
    """Two sets, by names and profiles, in the order in which the training sees them."""

    earlier: str
    one: SplitProfile
    later: str
    other: SplitProfile
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Sizes of the sets that were not read whole."""

    @cached_property
    def copies(self) -> Copies:
        """The examples of `other` that are also in `one`, by all columns, or without those that hide more copies."""
        if self.one.hashes is None or self.other.hashes is None:
            return Copies(0, self.other.n, self.one.n, 0.0)
        whole = self._copies(0, (), self.one.hashes, self.other.hashes)
        without = zip(self.one.layout.left_out, self.one.hashes_without, self.other.hashes_without, strict=True)
        hidden = [
            found
            for place, names in enumerate(without, 1)
            if (found := self._copies(place, *names)).n > whole.n and found.usual < OFTEN
        ]
        no_chance = (found for found in hidden if not found.are_by_chance)
        return next(no_chance, whole if whole.n or not hidden else hidden[0])

    @property
    def placed(self) -> tuple[RowPlaces, RowPlaces] | None:
        """The places of both sets' rows, as the copies are found; `None` where they are not known."""
        if not (self.one.places and self.other.places):
            return None
        return self.one.places[self.copies.place], self.other.places[self.copies.place]

    def _copies(self, place: int, left_out: tuple[str, ...], one: NDArray[np.uint64], other: NDArray[np.uint64]) -> Copies:
        """The copies by these hashes, extrapolated if only some are kept."""
        usual = _share_repeated(one)
        if self.other.n > len(other) or self.one.n > len(one):  # only the range that both sets kept
            other = other[other <= min(one[-1], other[-1])]
        n = int(_is_in(other, one).sum() * self.other.n / max(len(other), 1))
        sizes = self.sizes.get(self.later, self.other.n), self.sizes.get(self.earlier, self.one.n)
        return Copies(n, self.other.n, self.one.n, usual, left_out, place, sizes)

    def finding(self, code: FindingCode, level: Level | None = None, /, **measured: object) -> Finding:
        """A finding about these two sets."""
        return code.finding(level, earlier=self.earlier, later=self.later, **measured)

    def leak(self, finding: Finding, kind: Kind, n: int, rows: Iterable[Iterable[int]]) -> Leak:
        """A leak of which these rows, in the later and in the earlier set, are known."""
        return Leak(finding, RepeatedRows.of(self.later, self.earlier, kind, finding.code, n, rows))


def find_leaks(sets: Mapping[str, SplitProfile], sizes: Mapping[str, int]) -> Iterator[Leak]:
    """Leaks by pair of splits: an error for groups, for many copies and near copies; a warning for few copies, and for
    overlapping times. `sizes` are those of sets of which the profiles know a random sample.
    """
    if unhashed := [name for name, found in sets.items() if found.hashes is None]:
        yield Leak(FindingCode.COPIES_NOT_LOOKED_FOR.finding(unhashed=" and ".join(unhashed)))
    for (earlier, one), (later, other) in itertools.combinations(sets.items(), 2):
        pair = Pair(earlier, one, later, other, sizes)
        for check in PAIR_CHECKS:
            yield from check(pair)


def _is_in(hashes: NDArray[np.uint64], ordered: NDArray[np.uint64]) -> NDArray[np.bool_]:
    import numpy as np

    found: NDArray[np.bool_] = ordered[np.minimum(ordered.searchsorted(hashes), len(ordered) - 1)] == hashes
    return found


def _share_repeated(hashes: NDArray[np.uint64]) -> float:
    """Share of a set's examples that occur in it more than once."""
    if len(hashes) < 2:
        return 0.0
    again = hashes[1:] == hashes[:-1]
    return float(again.sum() + (again & ~_shifted_by_one(again)).sum()) / len(hashes)


def _shifted_by_one(again: NDArray[np.bool_]) -> NDArray[np.bool_]:
    import numpy as np

    return np.concatenate([[False], again[:-1]])


def _copies(pair: Pair) -> Iterator[Leak]:
    found = pair.copies
    if not found.n:
        return
    are_short, low, high = found.are_by_chance, *found.interval
    finding = pair.finding(
        FindingCode.REPEATS,
        "note" if are_short else "error" if found.are_many else "warning",
        n_shared=found.n if are_short else found.n_likely,
        n=found.n_later if are_short else max(found.sizes[0], found.n_later),
        share=found.share if are_short else found.likely_share,
        usual=found.usual,
        of_part=not (are_short or found.are_of_all),
        found=found.n,
        n_later=found.n_later,
        n_earlier=found.n_earlier,
        size=max(found.sizes[1], found.n_earlier),
        low=low,
        high=high,
        few=found.are_of_all or found.likely_share < FEW,
        maybe=not found.are_of_all and found.likely_share >= FEW,
        of_sample=max(found.n_later, found.n_earlier) > (MOST_KEPT_WITHOUT if found.left_out else MOST_KEPT),
        but_for=found.left_out,
        keys=named(found.left_out),
    )
    if finding.level == "note":  # short rows, each of which comes more than once
        yield Leak(finding)
    else:
        yield pair.leak(finding, "copy", found.n_likely, zip(*shared_rows(*pair.placed), strict=True) if pair.placed else ())


def _near_copies(pair: Pair) -> Iterator[Leak]:
    kinds = {part.name: part.kind for part in pair.one.layout.parts}
    for name, described in pair.one.descriptions.items():
        again = pair.other.descriptions.get(name)
        if again is None or len(described) < FEWEST_NEIGHBOURS:
            continue
        alike = (near_duplicate_texts if kinds[name] == "text" else near_duplicates)(described, again)
        n, n_near = len(again), alike.n_leaks
        if n_near > pair.copies.n:
            level: Level = "error" if _are_many(n_near, n) else "note"
            finding = pair.finding(FindingCode.NEARLY_REPEATS, level, n_near=n_near, n=n, share=n_near / n, part=name)
            yield pair.leak(finding, "near_copy", n_near, _but_for_copies(pair, alike.surest) if pair.placed else ())


def _but_for_copies(pair: Pair, rows: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    assert pair.placed is not None
    copied = set(is_shared(*pair.placed).tolist()) if pair.copies.n else set()
    return ((row, other) for row, other in rows if row not in copied)


def _are_many(n_alike: int, n: int) -> bool:
    """True for so many of a set's `n` examples that they are no chance of a set without a leak, and matter."""
    return n_alike >= FEW * n and float(binomial_tail(n_alike, n=n, probability=BY_NATURE)) < CHANCE


def _groups(pair: Pair) -> Iterator[Leak]:
    one, other = pair.one, pair.other
    if one.groups is None or other.groups is None:
        return
    import numpy as np

    shared, of_one, of_other = np.intersect1d(one.groups, other.groups, return_indices=True)
    if not len(shared):
        return
    finding = pair.finding(FindingCode.SHARES_GROUPS, n_shared=len(shared), n=len(other.groups))
    are_known = one.group_rows is not None and other.group_rows is not None
    rows = sorted(zip(other.group_rows[of_other], one.group_rows[of_one], strict=True)) if are_known else ()  # type: ignore[index]  # both
    yield pair.leak(finding, "group", len(shared), rows)


def _times(pair: Pair) -> Iterator[Leak]:
    one, other = pair.one.time, pair.other.time
    if one is None or other is None or one[1] < other[0]:
        return
    yield Leak(pair.finding(FindingCode.OVERLAPS_IN_TIME))


PAIR_CHECKS: tuple[Callable[[Pair], Iterator[Leak]], ...] = (_copies, _near_copies, _groups, _times)
"""The checks of each pair of splits."""

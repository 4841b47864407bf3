"""Leakage between two splits: copies, near copies, shared groups, and overlapping times."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bvtrack.splits.finding import Finding, Level
from bvtrack.splits.finding_codes import FindingCode
from bvtrack.splits.near_duplicates.images import near_duplicates
from bvtrack.splits.near_duplicates.texts import near_duplicate_texts
from bvtrack.splits.profiling.profile import SplitProfile
from bvtrack.splits.profiling.row_hash import MOST_KEPT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEWEST_NEIGHBOURS = 10
"""Minimum size of the reference set: a near copy is much nearer than the tenth nearest neighbour."""
NEAR_SHARE = 0.01
"""Share of near copies from which they are an error: 5 in 1,000 natural images merely look alike."""
CHANCE_FACTOR = 2.0
"""Maximum ratio of copies to repeats within a set that is no leak: rows that repeat within a set also recur across sets."""


@dataclass(frozen=True)
class Pair:
    """Two sets, by names and profiles, in the order in which the training sees them."""

    earlier: str
    one: SplitProfile
    later: str
    other: SplitProfile

    @cached_property
    def n_copies(self) -> int:
        """Number of examples of `other` that are also in `one`: 0 without hashes, extrapolated if only some are kept."""
        if self.one.hashes is None or self.other.hashes is None:
            return 0
        hashes = self.other.hashes
        if self.other.n > len(hashes) or self.one.n > len(self.one.hashes):  # only the range that both sets kept
            hashes = hashes[hashes <= min(self.one.hashes[-1], hashes[-1])]
        return int(_is_in(hashes, self.one.hashes).sum() * self.other.n / max(len(hashes), 1))

    def finding(self, code: FindingCode, level: Level | None = None, /, **measured: object) -> Finding:
        """A finding about these two sets."""
        return code.finding(level, earlier=self.earlier, later=self.later, **measured)


def leak_findings(sets: Mapping[str, SplitProfile]) -> Iterator[Finding]:
    """Leaks by pair of splits: an error for copies, groups and many near copies, a warning for overlapping times."""
    if unhashed := [name for name, found in sets.items() if found.hashes is None]:
        yield FindingCode.COPIES_NOT_LOOKED_FOR.finding(unhashed=" and ".join(unhashed))
    for (earlier, one), (later, other) in itertools.combinations(sets.items(), 2):
        pair = Pair(earlier, one, later, other)
        for check in PAIR_CHECKS:
            yield from check(pair)


def _is_in(hashes: NDArray[np.uint64], ordered: NDArray[np.uint64]) -> NDArray[np.bool_]:
    import numpy as np

    found: NDArray[np.bool_] = ordered[np.minimum(ordered.searchsorted(hashes), len(ordered) - 1)] == hashes
    return found


def _share_repeated(one: SplitProfile) -> float:
    """Share of a set's examples that occur in it more than once."""
    if one.hashes is None or len(one.hashes) < 2:
        return 0.0
    again = one.hashes[1:] == one.hashes[:-1]
    return float(again.sum() + (again & ~_shifted_by_one(again)).sum()) / len(one.hashes)


def _shifted_by_one(again: NDArray[np.bool_]) -> NDArray[np.bool_]:
    import numpy as np

    return np.concatenate([[False], again[:-1]])


def _copies(pair: Pair) -> Iterator[Finding]:
    if not pair.n_copies:
        return
    share, usual = pair.n_copies / pair.other.n, _share_repeated(pair.one)
    yield pair.finding(
        FindingCode.REPEATS,
        "note" if share <= CHANCE_FACTOR * usual else "error",
        n_shared=pair.n_copies,
        n=pair.other.n,
        share=share,
        usual=usual,
        of_sample=max(pair.one.n, pair.other.n) > MOST_KEPT,
    )


def _near_copies(pair: Pair) -> Iterator[Finding]:
    kinds = {part.name: part.kind for part in pair.one.layout.parts}
    for name, described in pair.one.descriptions.items():
        again = pair.other.descriptions.get(name)
        if again is None or len(described) < FEWEST_NEIGHBOURS:
            continue
        find = near_duplicate_texts if kinds[name] == "text" else near_duplicates
        n, n_near = len(again), int(find(described, again).is_leak.sum())
        if n_near > pair.n_copies:
            level: Level = "error" if n_near >= NEAR_SHARE * n else "note"
            yield pair.finding(FindingCode.NEARLY_REPEATS, level, n_near=n_near, n=n, share=n_near / n, part=name)


def _groups(pair: Pair) -> Iterator[Finding]:
    if pair.one.groups is None or pair.other.groups is None:
        return
    shared = int(_is_in(pair.other.groups, pair.one.groups).sum())
    if shared:
        yield pair.finding(FindingCode.SHARES_GROUPS, n_shared=shared, n=len(pair.other.groups))


def _times(pair: Pair) -> Iterator[Finding]:
    one, other = pair.one.time, pair.other.time
    if one is None or other is None or one[1] < other[0]:
        return
    yield pair.finding(FindingCode.OVERLAPS_IN_TIME)


PAIR_CHECKS: tuple[Callable[[Pair], Iterator[Finding]], ...] = (_copies, _near_copies, _groups, _times)
"""The checks of each pair of splits."""

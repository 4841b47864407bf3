"""Examples that are in two splits: copies, near copies, the same groups, and times that overlap."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from bvtrack.diagnosis.explanation import percent
from bvtrack.splits.finding import Finding, Level
from bvtrack.splits.near_duplicates.images import near_duplicates
from bvtrack.splits.near_duplicates.texts import near_duplicate_texts
from bvtrack.splits.profiling.profile import SplitProfile
from bvtrack.splits.profiling.row_hash import MOST_KEPT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


FEWEST_NEIGHBOURS = 10
"""A near copy is much nearer than the tenth nearest example."""
NEAR_SHARE = 0.01
"""Near copies from which on they are an error: of natural images 5 of 1,000 only look alike."""
BY_CHANCE = 2.0
"""Rows that come twice within a set come in both sets as well: so many times as often is no leak."""


def leak_findings(sets: Mapping[str, SplitProfile]) -> Iterator[Finding]:
    """What the pairs of splits share: an error for copies, groups and many near copies, a warning for times that overlap."""
    if unhashed := [name for name, found in sets.items() if found.hashes is None]:
        message = (
            f"copies were not looked for, as the rows of {' and '.join(unhashed)} were not hashed: profile with leaks=True"
        )
        yield Finding("copies_not_looked_for", "note", message)
    for (earlier, one), (later, other) in itertools.combinations(sets.items(), 2):
        exact = _n_shared(one, other)
        yield from _copies(earlier, one, later, other, exact)
        yield from _near_copies(earlier, one, later, other, exact)
        yield from _groups(earlier, one, later, other)
        yield from _times(earlier, one, later, other)


def _n_shared(one: SplitProfile, other: SplitProfile) -> int:
    """How many of the examples of `other` are in `one` too, as far as both were hashed."""
    if one.hashes is None or other.hashes is None:
        return 0
    hashes = other.hashes
    if other.n > len(hashes) or one.n > len(one.hashes):  # the smallest hashes of both: a sample of the same rows
        hashes = hashes[hashes <= min(one.hashes[-1], hashes[-1])]
    return int(_is_in(hashes, one.hashes).sum() * other.n / max(len(hashes), 1))


def _is_in(hashes: NDArray[np.uint64], ordered: NDArray[np.uint64]) -> NDArray[np.bool_]:
    import numpy as np

    found: NDArray[np.bool_] = ordered[np.minimum(ordered.searchsorted(hashes), len(ordered) - 1)] == hashes
    return found


def _share_repeated(one: SplitProfile) -> float:
    """Of a set's examples, how many are in it more than once."""
    if one.hashes is None or len(one.hashes) < 2:
        return 0.0
    again = one.hashes[1:] == one.hashes[:-1]
    return float(again.sum() + (again & ~_shifted(again)).sum()) / len(one.hashes)


def _shifted(again: NDArray[np.bool_]) -> NDArray[np.bool_]:
    import numpy as np

    return np.concatenate([[False], again[:-1]])


def _copies(earlier: str, one: SplitProfile, later: str, other: SplitProfile, exact: int) -> Iterator[Finding]:
    if not exact:
        return
    share, usual = exact / other.n, _share_repeated(one)
    said = f"{exact:,} of {other.n:,} {later} examples ({percent(share)}) are copies of {earlier} examples"
    if max(one.n, other.n) > MOST_KEPT:
        said += ", by a random sample of them"
    if share <= BY_CHANCE * usual:
        message = (
            f"{said}, but {percent(usual)} of the {earlier} examples come more than once too: rows so short repeat by chance"
        )
        yield Finding(f"{later}_repeats_{earlier}", "note", message)
        return
    yield Finding(f"{later}_repeats_{earlier}", "error", f"{said}: remove them from one of the two, and split again")


def _near_copies(earlier: str, one: SplitProfile, later: str, other: SplitProfile, exact: int) -> Iterator[Finding]:
    kinds = {part.name: part.kind for part in one.layout.parts}
    for name, described in one.descriptions.items():
        again = other.descriptions.get(name)
        if again is None or len(described) < FEWEST_NEIGHBOURS:
            continue
        find = near_duplicate_texts if kinds[name] == "text" else near_duplicates
        n_near = int(find(described, again).is_leak.sum())
        if n_near > exact:
            message = (
                f"{n_near:,} of {len(again):,} {later} examples ({percent(n_near / len(again))}) are near copies of {earlier} "
                f"examples by their {name}: keep what was made of one original in one set"
            )
            level: Level = "error" if n_near >= NEAR_SHARE * len(again) else "note"
            yield Finding(f"{later}_nearly_repeats_{earlier}", level, message)


def _groups(earlier: str, one: SplitProfile, later: str, other: SplitProfile) -> Iterator[Finding]:
    if one.groups is None or other.groups is None:
        return
    shared = int(_is_in(other.groups, one.groups).sum())
    if shared:
        message = (
            f"{shared:,} of {len(other.groups):,} groups of {later} are in {earlier} too: "
            "split by group, or the error will be too low for new ones"
        )
        yield Finding(f"{later}_shares_groups_with_{earlier}", "error", message)


def _times(earlier: str, one: SplitProfile, later: str, other: SplitProfile) -> Iterator[Finding]:
    if one.time is None or other.time is None or one.time[1] < other.time[0]:
        return
    message = (
        f"{earlier} goes on after {later} begins: where the model will meet later data than it has seen, "
        f"let {later} begin when {earlier} ends"
    )
    yield Finding(f"{later}_overlaps_{earlier}_in_time", "warning", message)

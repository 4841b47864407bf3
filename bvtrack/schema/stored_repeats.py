"""The part of the tag `bvtrack.gaps` that tells of a configuration's repeats, whose value anybody may have changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.error_rates.error_rate import is_fraction
from bvtrack.error_rates.spread import OVER, Over
from bvtrack.schema.stored_numbers import MOST_EXAMPLES, rounded

if TYPE_CHECKING:
    from bvtrack.diagnosis.repeats import Repeated


@dataclass(frozen=True, slots=True)
class StoredRepeats:
    """What a configuration's tag says of its `n` repeats, which differ in what `over` says.

    `deviations` are the standard deviations of a single repeat's errors, and `intervals` the 95 % intervals of their means, as
    fractions by set; `tags` says how many of the repeats have which diagnosis by themselves.
    """

    over: Over
    n: int
    deviations: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    tags: Mapping[str, int] = field(default_factory=dict)


def repeats_content(repeated: Repeated) -> dict[str, Any]:
    """What the tag holds of a configuration's repeats: JSON types alone."""
    return {
        "over": repeated.design.over,
        "n": len(repeated.repeats),
        "sd": {name: rounded(spread.deviation) for name, spread in repeated.spreads.items()},
        "ci": {name: [rounded(low), rounded(high)] for name, (low, high) in repeated.intervals.items()},
        "tags": dict(repeated.tags),
    }


def read_repeats(part: object) -> StoredRepeats | None:
    """Parse that; each part is validated separately, and left out if it is invalid. `None` for a single run.

    >>> read_repeats({"over": "seeds", "n": 5, "sd": {"dev": 0.004, "train": "small"}}).deviations
    {'dev': 0.004}
    """
    if not isinstance(part, dict):
        return None
    over = next((kind for kind in OVER if kind == part.get("over")), None)
    n = part.get("n")
    if over is None or not (isinstance(n, int) and 1 < n < MOST_EXAMPLES):
        return None
    return StoredRepeats(
        over,
        n,
        deviations={name: one for name, one in _of_sets(part, "sd") if is_fraction(one)},
        intervals={name: (ends[0], ends[1]) for name, ends in _of_sets(part, "ci") if _are_ends(ends)},
        tags={str(tag): n for tag, n in _items(part, "tags") if isinstance(n, int) and 0 < n < MOST_EXAMPLES},
    )


def _are_ends(ends: object) -> bool:
    return isinstance(ends, list) and len(ends) == 2 and all(map(is_fraction, ends))


def _of_sets(part: Mapping[str, Any], key: str) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in _items(part, key) if name in SET_NAMES)


def _items(part: Mapping[str, Any], key: str) -> Iterable[tuple[str, Any]]:
    found = part.get(key)
    return found.items() if isinstance(found, dict) else ()

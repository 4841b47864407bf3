"""The part of a curve that was in the running for its lowest value, and how much its values differ by noise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from bvtrack.curves.stretches import Part
from bvtrack.error_rates.optimism import Optimism, expected_optimism, reach

LOST_TO_FEW_VALUES = 2
"""Degrees of freedom that an estimated variance loses if it must hold for other values as well: its mean, given the sum of
squares of `n`, is that sum over n - 2."""


def optimism_of_lowest(parts: Sequence[Part], at: int, lowest: float, noise: float) -> Optimism:
    """The optimism of the value `lowest`, which is in `parts[at]`, if noise gives each value at most this standard deviation.

    In the running is a value that noise may have kept from being the lowest. They differ by what is neither a fall before the
    lowest nor a rise behind it; and as few values say little of that, one of them counts as if it were all noise.
    """
    n_all, n_own = _count(parts), parts[at][0]
    before, behind = (_in_the_running(some, lowest, noise, n_all) for some in (parts[:at], parts[at + 1 :]))
    others = [*before, *behind]
    n = n_own + _count(others)
    spread = math.sqrt(_jitter(before, parts[at], behind) + noise**2 / n)
    while (fewer := n_own + _count(_in_the_running(others, lowest, min(spread, noise), n))) < n:
        n = fewer
    return Optimism(expected_optimism(n, spread=spread, noise=noise), noise * reach(n), n)


def _in_the_running(parts: Iterable[Part], lowest: float, noise: float, n: int) -> list[Part]:
    """The parts that lie no further above the mean of `n` values with this noise than the lowest one may lie below it."""
    highest = lowest + 2 * reach(n) * noise
    return [part for part in parts if part[1] <= highest * part[0]]


def _count(parts: Iterable[Part]) -> int:
    return sum(part[0] for part in parts)


def _jitter(before: Sequence[Part], lowest: Part, behind: Sequence[Part]) -> float:
    """The variance around the nearest curve that falls up to the part with the lowest value, and rises from there."""
    mirrored = [(n, total, squares, -fall) for n, total, squares, fall in reversed(behind)]
    blocks = [lowest, *_falling(before), *_falling(mirrored)]
    scatter = sum(max(squares - total * total / n, 0.0) for n, total, squares, _ in blocks)
    lines = sum(part[0] > 1 for part in (*before, *behind)) / 2  # by chance half of them fall, or rise, as the curve does
    return scatter / max(_count(blocks) - len(blocks) - lines - LOST_TO_FEW_VALUES, 1)


def _falling(parts: Iterable[Part]) -> list[Part]:
    """The falling curve nearest to the parts (isotonic regression): those that do not lie below the one before are merged.
    What a part's own line makes up if it falls is left out of its squares.
    """
    blocks: list[Part] = []
    for n, total, squares, fall in parts:
        squares -= max(fall, 0.0)
        while blocks and blocks[-1][1] * n <= total * blocks[-1][0]:
            others = blocks.pop()
            n, total, squares = n + others[0], total + others[1], squares + others[2]
        blocks.append((n, total, squares, 0.0))
    return blocks

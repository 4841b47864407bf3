"""The regions of the diagnoses on the map, found by calling `bvtrack.diagnose` itself; written to `page/regions.json`.

`python -m bvtrack_server.regions` rewrites the file after a change of the rule (a minute). A column holds the tags
along one avoidable bias, and the variances at which they change. The rule compares sums of errors, so that between two columns
with the same tags these variances lie on straight lines, and only columns at which they bend are kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import bvtrack
from bvtrack_server.document import PAGE

GIVEN = (
    *(0.0, 0.0001, 0.0002, 0.0005),
    *(step / 1000 for step in range(1, 50)),
    *(step / 400 for step in range(20, 40)),
    *(step / 200 for step in range(20, 40)),
    *(
        0.2,
        0.21,
        0.22,
        0.23,
        0.24,
        0.25,
        0.26,
        0.27,
        0.28,
        0.29,
        0.3,
        0.325,
        0.35,
        0.375,
        0.4,
        0.45,
        0.5,
        0.6,
        0.7,
        0.8,
        0.9,
        1.0,
    ),
)
"""Human errors, as far from each other as makes two or three pixels; the page interpolates between the nearest two."""
REACHED = GIVEN[::3]
"""Errors of best runs; fewer of them, which keeps the file small: what depends on few of them is in the columns of `below`."""
_STEPS = (
    *(0.0005, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.0075, 0.009, 0.0099, 0.0101, 0.0115, 0.013, 0.0149, 0.0151),
    *(0.0175, 0.0199, 0.0201, 0.025, 0.03, 0.035, 0.04, 0.0475, 0.055, 0.07, 0.1, 0.15, 0.2, 0.3, 0.45, 0.7, 1.0),
)
LEVELS = (*(-step for step in reversed(_STEPS)), 0.0, *_STEPS)
"""Gaps at which the rule is asked first, nearer to each other where its thresholds are."""
PRECISION = 1e-5
"""A thousandth of a point, which no screen shows."""
STRAIGHT = 4e-5
"""Distance from a straight line up to which a column is left out."""


class Baseline(NamedTuple):
    """A human error as a fraction, and by which rule the bias above it is judged: the error was `given`, 0 is `assumed`, not
    even that because the errors are no error rates (`none`), or another run has `reached` it. A reached error counts for
    nothing `below` it, so that there, whatever it is, the diagnosis is that by train and dev error alone; the bias of these
    columns is the train error.
    """

    kind: Literal["given", "assumed", "none", "reached", "below"]
    human: float = 0.0

    @property
    def least_bias(self) -> float:
        return 0.0 if self.kind == "reached" else 0.0 - self.human

    def tag(self, train: float, dev: float) -> str:
        return bvtrack.diagnose(
            train_error=train,
            dev_error=dev,
            human_error=train if self.kind == "below" else self.human if self.kind in ("given", "reached") else None,
            is_error_rate=self.kind != "none",
            is_upper_bound=self.kind in ("reached", "below"),
        ).tag


BASELINES = (
    Baseline("assumed"),
    Baseline("none"),
    Baseline("below"),
    *(Baseline("given", human) for human in GIVEN),
    *(Baseline("reached", human) for human in REACHED),
)


class Column(NamedTuple):
    """The tags from the lowest variance to the highest, along one avoidable bias, and the variances at which they change."""

    bias: float
    tags: tuple[str, ...]
    edges: tuple[float, ...]


def regions() -> dict[str, object]:
    """All columns by baseline, each as its bias, the position of its tags in `sequences`, and its edges."""
    entries = [(baseline, columns(baseline)) for baseline in BASELINES]
    sequences = sorted({column.tags for _, some in entries for column in some})
    return {
        "sequences": sequences,
        "entries": [baseline._asdict() | {"columns": [_packed(one, sequences) for one in some]} for baseline, some in entries],
    }


def columns(baseline: Baseline) -> list[Column]:
    """The columns for a baseline."""
    least, most = baseline.least_bias, 1.0 - baseline.human
    biases = sorted({least, *(level for level in LEVELS if least < level < most), most})
    some = [column_at(baseline, bias) for bias in biases]
    found = [some[0]]
    for left, right in pairwise(some):
        found += [*_between(baseline, left, right), right]
    return _bends(found)


def column_at(baseline: Baseline, bias: float) -> Column:
    """The column at any bias."""
    train = min(max(baseline.human + bias, 0.0), 1.0)
    levels = sorted({-train, *(level for level in LEVELS if -train < level < 1 - train), 1 - train})
    tags, edges = [_tag(baseline, train, levels[0])], []
    for low, high in pairwise(levels):
        while tags[-1] != _tag(baseline, train, high):  # more than once if there is a region between
            low = _edge(baseline, train, low, high)
            edges.append(low)
            tags.append(_tag(baseline, train, low))
    return Column(bias, tuple(tags), tuple(edges))


def interpolated(left: Column, right: Column, bias: float) -> tuple[float, ...]:
    """The edges at a bias between two columns with the same tags."""
    share = (bias - left.bias) / (right.bias - left.bias)
    return tuple(a + share * (b - a) for a, b in zip(left.edges, right.edges, strict=True))


def _between(baseline: Baseline, left: Column, right: Column) -> Iterator[Column]:
    """The columns that are needed between two, in order."""
    if right.bias - left.bias <= PRECISION:
        return
    middle = column_at(baseline, (left.bias + right.bias) / 2)
    if not _is_straight(left, middle, right):
        yield from _between(baseline, left, middle)
        yield middle
        yield from _between(baseline, middle, right)


def _bends(some: Sequence[Column]) -> list[Column]:
    """Those without which the lines would be others."""
    if len(some) < 2:
        return list(some)
    kept, passed = [some[0]], list[Column]()
    for column, following in pairwise(some[1:]):
        passed.append(column)
        if not all(_is_straight(kept[-1], one, following) for one in passed):
            kept.append(column)
            passed = []
    return [*kept, some[-1]]


def _is_straight(left: Column, middle: Column, right: Column) -> bool:
    if not left.tags == middle.tags == right.tags:
        return False
    expected = interpolated(left, right, middle.bias)
    return all(abs(a - b) <= STRAIGHT for a, b in zip(expected, middle.edges, strict=True))


def _edge(baseline: Baseline, train: float, low: float, high: float) -> float:
    """The variance at which the tag changes, by bisection between `low` and `high`."""
    tag = _tag(baseline, train, low)
    while high - low > PRECISION:
        middle = (low + high) / 2
        low, high = (middle, high) if _tag(baseline, train, middle) == tag else (low, middle)
    return high


def _tag(baseline: Baseline, train: float, variance: float) -> str:
    dev = min(max(train + variance, 0.0), 1.0)
    return baseline.tag(train, dev)


def _packed(column: Column, sequences: Sequence[tuple[str, ...]]) -> list[float]:
    return [round(column.bias, 6), sequences.index(column.tags), *(round(edge, 5) for edge in column.edges)]


if __name__ == "__main__":
    (PAGE / "regions.json").write_text(json.dumps(regions(), separators=(",", ":")) + "\n")

"""The boundaries of the diagnoses on the map, found by calling `bvtrack.diagnose` itself; written to `page/regions.json`.

`python -m bvtrack_server.regions` rewrites the file after a change of the rule.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise

import bvtrack
from bvtrack_server.document import PAGE

HUMAN_ERRORS = (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5)
"""The rule depends on the human error, too; the page draws the regions of the nearest of these."""
_FAR = (0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.45, 0.7, 1.0)
_NEAR = tuple(step / 2000 for step in range(40))
JUST_BELOW = 0.01499  # of the step at 1.5 points, from which on bias is named
BIASES = tuple(sorted({sign * value for value in (*_NEAR, *_FAR) for sign in (1, -1)} | {JUST_BELOW}))
VARIANCES = BIASES
PRECISION = 1e-5
"""A thousandth of a point, which no screen shows."""


def regions() -> list[dict[str, object]]:
    """The regions for each human error: a tag, and for each avoidable bias its range of variances."""
    return [{"human": human, "regions": _regions(human)} for human in HUMAN_ERRORS]


def _regions(human: float) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for bias in (bias for bias in BIASES if 0 <= human + bias <= 1):
        for tag, low, high in _column(human, bias):
            column = [round(bias, 6), round(low, 5), round(high, 5)]
            last = next((region for region in found if region["tag"] == tag), None)
            if last is None:
                found.append({"tag": tag, "columns": [column]})
            else:
                last["columns"].append(column)  # type: ignore[attr-defined]  # a list, made above
    return found


def _column(human: float, bias: float) -> Iterator[tuple[str, float, float]]:
    """The tags along one bias, each with its range of variances."""
    train = human + bias
    inside = [v for v in VARIANCES if 0 <= train + v <= 1]
    levels = sorted({-train, *inside, 1 - train})
    start = levels[0]
    for low, high in pairwise(levels):
        if _tag(human, bias, low) != _tag(human, bias, high):
            edge = _edge(human, bias, low, high)
            yield _tag(human, bias, low), start, edge
            start = edge
    yield _tag(human, bias, levels[-1]), start, levels[-1]


def _edge(human: float, bias: float, low: float, high: float) -> float:
    """The variance at which the tag changes, by bisection between `low` and `high`."""
    tag = _tag(human, bias, low)
    while high - low > PRECISION:
        middle = (low + high) / 2
        low, high = (middle, high) if _tag(human, bias, middle) == tag else (low, middle)
    return high


def _tag(human: float, bias: float, variance: float) -> str:
    train = human + bias
    dev = min(max(train + variance, 0.0), 1.0)
    return bvtrack.diagnose(train_error=train, dev_error=dev, human_error=human or None).tag


if __name__ == "__main__":
    (PAGE / "regions.json").write_text(json.dumps(regions(), separators=(",", ":")) + "\n")

"""The gaps of an epoch among the logs of `fit`, for callbacks that watch a value there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from bvtrack import Measure, diagnose

SETS = ("train", "train_dev", "dev")
PREFIX = "bvtrack_"


def gap_logs(errors: Mapping[str, Any], measure: Measure | None, human_error: float | None) -> dict[str, float]:
    """`bvtrack_train_error`, `bvtrack_dev_error` and the gaps between them as fractions, as far as they are known."""
    known = {name: errors.get(f"{name}_error") for name in SETS}
    fractions: dict[str, Any] = {
        f"{name}_error": error if measure is None else measure.fraction(error)
        for name, error in known.items()
        if error is not None and math.isfinite(error)
    }
    if not fractions:
        return {}
    gaps = diagnose(**{"train_error": None, **fractions}, human_error=human_error).gaps
    named = {"variance", "avoidable_bias"} & gaps.keys()
    values = {name: value for name, value in fractions.items() if name != "train_dev_error"}
    return {f"{PREFIX}{name}": value for name, value in (values | {name: gaps[name].value for name in named}).items()}

"""The error of guessing, the yardstick of a model that has not learned."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bvtrack.measures.measure import Measure


def error_of_guessing(measure: Measure | None, class_counts: Mapping[str, Mapping[str, int]]) -> float | None:
    """The error of a model that learned nothing but the training targets; `None` if unknown.

    Of a rate: the error of always guessing one class, the one it is lowest for. Errors in units are 1 by their scale. A bare
    loss is the entropy of the classes, as a fraction.
    """
    counts = [class_counts[name] for name in ("train", "dev") if name in class_counts]
    if measure is not None and measure.scale is not None:
        return 1.0
    if len(counts) < 2 or not all(counts):
        return None
    if measure is None or measure.is_rate:
        return 1 - max(max(classes.values()) / sum(classes.values()) for classes in counts)
    if measure.kind == "loss" and not measure.needs_scale:
        return measure.fraction(_entropy(counts[0]))
    return None


def loss_of_guessing(measure: Measure, class_counts: Mapping[str, Mapping[str, int]]) -> float | None:
    """The loss of a model that learned nothing but the training targets, if it is what it is taken for; `None` if unknown.

    A loss with a scale is that of the best constant predictor, any other the entropy of the classes.
    """
    if measure.scale is not None:
        return measure.scale
    counts = next((class_counts[name] for name in ("train", "dev") if class_counts.get(name)), None)
    return _entropy(counts) if counts else None


def _entropy(classes: Mapping[str, int]) -> float:
    shares = [count / sum(classes.values()) for count in classes.values() if count]
    return -sum(share * math.log(share) for share in shares)

"""The verdict on a run of which only the curve can be judged, because its values cannot be read as errors."""

from __future__ import annotations

import math
from dataclasses import replace

from bvtrack.curves.curve import Shape
from bvtrack.diagnosis.diagnosis import STATES_WITHOUT_GAPS, Diagnosis
from bvtrack.diagnosis.evidence import Evidence
from bvtrack.diagnosis.recipe import Step, recommend, steps_for_curve

NO_SCALE = (
    "What was logged cannot be read as an error: a loss that is no cross-entropy of single examples as far as can be told, "
    "or an error in units without the training targets. So no gap can be named; log an error rate or an accuracy to have one."
)
BY_CURVE = {
    "learning": f"{NO_SCALE} By its curve the run is still improving.",
    "converged": f"{NO_SCALE} By its curve the run has stopped improving.",
    "overtrained": f"{NO_SCALE} By its curve the run was better on dev at an earlier epoch than it is now.",
    "unstable": f"{NO_SCALE} By its curve the run was better at an earlier epoch than it is now, on train and on dev.",
    "not_learning": "The loss is the same on train and dev and hardly moves, as it does if a model guesses: as far as a curve "
    "without a scale tells, it is not learning.",
    "diverged": "The training has diverged, as far as a curve without a scale tells: its loss ends far above where it "
    "began, or has not come back below that since it blew up.",
}
"""The explanations by the class of the curve."""


def likely_failure(curve: str, diagnosis: Diagnosis) -> Diagnosis:
    """A diagnosis of `diverged` or `not_learning` that rests on the curve's own progress and so is no more than likely."""
    return replace(diagnosis, certainty="likely", explanation=BY_CURVE[curve])


def verdict_by_curve(curve: str, shape: Shape, *, human_error: float | None) -> tuple[Diagnosis, tuple[Step, ...]]:
    """The diagnosis and the steps that follow from a curve of this class and shape."""
    if curve not in STATES_WITHOUT_GAPS:
        explanation = f"{BY_CURVE[curve]}{_best_and_last(shape)}"
        return replace(Diagnosis.without_gaps("undetermined", {}, human_error), explanation=explanation), steps_for_curve(curve)
    diagnosis = Diagnosis.without_gaps(curve, {}, human_error)
    diagnosis = likely_failure(curve, diagnosis) if shape.ends_finite else diagnosis
    return diagnosis, recommend(diagnosis, Evidence(curve=curve))


def _best_and_last(shape: Shape) -> str:
    """The best and the last dev value in words."""
    best, last = shape.dev.lowest[1], shape.dev.last_finite[1]
    return f" The best dev value was {best:.4g}, the last is {last:.4g}." if math.isfinite(best) else ""

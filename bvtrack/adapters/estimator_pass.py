"""A pass of an estimator over a set: what it predicts, or the value of a scorer."""

from __future__ import annotations

from typing import Any

from bvtrack.adapters.predictions import measure_batches
from bvtrack.adapters.training import Pass
from bvtrack.estimators.error import EstimatorError, predictions
from bvtrack.estimators.kinds import within
from bvtrack.estimators.pairs import Pair
from bvtrack.estimators.quiet import without_autologging


def measure_pair(error: EstimatorError, estimator: Any, pair: Pair) -> Pass:
    """The pass of a fitted estimator over a set, of which nothing is autologged. Raises what its `predict` raises."""
    with without_autologging():
        if error.value is not None:
            return Pass(pair.n, {error.measure.name: error.value(estimator, *pair)})
        return measure_batches([predictions(estimator, pair)], error.measure, pair.n)


def transformed(estimator: Any, pair: Pair) -> Pair:
    """The set as the part of an estimator that predicts takes it, once the steps of pipelines in front of that are fitted."""
    pipelines = [one for one in within(estimator) if len(getattr(one, "steps", ())) > 1]
    with without_autologging():
        for pipeline in pipelines:
            pair = pair._replace(x=pipeline[:-1].transform(pair.x))
    return pair

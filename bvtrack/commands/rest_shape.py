"""Runs in the shape in which MLflow's REST API answers them, as far as the map reads them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from bvtrack.schema import names, tags
from bvtrack.store.logged_run import PARENT, Latest, LoggedDataset, LoggedRun

if TYPE_CHECKING:
    from mlflow.entities import Run

KEPT_TAGS = (tags.PREFIX, "mlflow.runName", PARENT)
"""Prefixes of the tags that the map needs; notes and model histories would only make the file large."""
OF_LENGTH = frozenset(names.error_metric(name) for name in ("train", "dev"))
"""The metrics whose last step says how many epochs a run had."""


def in_rest_shape(run: Run) -> dict[str, Any]:
    """A run that MLflow's search returned, without what nobody reads."""
    known = {name: getattr(run.info, name) for name in ("run_id", "run_name", "experiment_id", "status", "start_time")}
    logged = LoggedRun.of(run)
    kept = {key: value for key, value in run.data.tags.items() if key.startswith(KEPT_TAGS)}
    read = [_metric(key, at) for key, at in logged.metrics.items() if key in OF_LENGTH or key.startswith(names.VERDICT_PREFIX)]
    data = {"tags": _pairs(kept), "params": _pairs(run.data.params), "metrics": read}
    return {"info": known, "data": data, "inputs": {"dataset_inputs": [_dataset(each) for each in logged.datasets]}}


def _pairs(texts: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in texts.items()]


def _metric(key: str, at: Latest) -> dict[str, Any]:
    return {"key": key, "value": at.value if math.isfinite(at.value) else None, "step": at.step}


def _dataset(logged: LoggedDataset) -> dict[str, Any]:
    count = {} if logged.n is None else {names.DATASET_COUNT: str(logged.n)}
    read = {names.DATASET_CONTEXT: logged.context, **count}
    return {"tags": _pairs(read), "dataset": {"name": logged.name, "digest": logged.digest}}

"""Keeps MLflow's autologging out of fits and predictions that are ours: they would be runs, or metrics, of their own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without_autologging() -> Iterator[None]:
    """Nothing is autologged meanwhile, in this process; a switch that somebody else has turned off stays off."""
    utils: Any = sys.modules.get("mlflow.utils.autologging_utils")
    if utils is None or utils._AUTOLOGGING_GLOBALLY_DISABLED:
        yield
        return
    with utils.disable_autologging():
        yield


def autologged_run(estimator: Any) -> str | None:
    """The run that MLflow has autologged the fit of this very object to; `None` where there is none, or another is active."""
    mlflow, run_id = sys.modules.get("mlflow"), getattr(estimator, "_mlflow_run_id", None)
    is_free = mlflow is not None and mlflow.active_run() is None and "MLFLOW_RUN_ID" not in os.environ
    return run_id if is_free and isinstance(run_id, str) else None

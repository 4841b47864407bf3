"""MLflow's settings in a process of ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

PROGRESS_BAR = "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"
MLFLOW_DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    PROGRESS_BAR: "false",
}
"""No retries within a call: the backoff is ours, and MLflow's own would block for minutes. The address, which may hold a
password, is not printed, and a file of some kilobytes gets no progress bar.
"""


def settle_mlflow() -> None:
    """Make MLflow in this process, which must be ours, fail fast and print nothing; a user's own settings stay."""
    for name, value in MLFLOW_DEFAULTS.items():
        os.environ.setdefault(name, value)


@contextmanager
def without_progress_bar() -> Iterator[None]:
    """No bar for a file of some kilobytes in a process that is the user's, whose own setting stays."""
    if PROGRESS_BAR in os.environ:
        yield
        return
    os.environ[PROGRESS_BAR] = "false"
    try:
        yield
    finally:
        os.environ.pop(PROGRESS_BAR, None)

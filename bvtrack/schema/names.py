"""Names of all metrics, artifacts and dataset tags that users see in MLflow; tags of runs are in `bvtrack.schema.tags`."""

from __future__ import annotations

from bvtrack.text import SPACED_ELLIPSIS, as_text, cut

PREFIX = "bvtrack/"
"""Common prefix of metrics, for which the MLflow UI makes a chart section."""

TRAIN_ERROR_RUNNING = f"{PREFIX}train_error_running"
CHANCE_ERROR = f"{PREFIX}chance_error"
"""Error of guessing, a single point; it is the threshold of `not_learning`."""


def error_metric(set_name: str) -> str:
    """The metric of a set's error; `set_name` is `train`, `train_dev`, `dev` or `test`."""
    return f"{PREFIX}{set_name}_error"


def unscaled_metric(set_name: str) -> str:
    """The metric of a set's error in its original units, if the error is scaled."""
    return f"{error_metric(set_name)}_unscaled"


def gap_metric(gap_name: str) -> str:
    """The metric of a gap, for example `bvtrack/variance`."""
    return f"{PREFIX}{gap_name}"


OF_TEST_ERROR = {error_metric("test"), unscaled_metric("test"), gap_metric("dev_overfit")}
"""Metrics that a test error measured after the training adds to its epoch."""

NOTE = "mlflow.note.content"
NOTE_END = "<!-- bvtrack: your own text goes below this line -->"

DIAGNOSIS_FILE = "bvtrack/diagnosis.json"
SPLITS_FILE = "bvtrack/splits.json"
REPORT_FILE = "bvtrack/report.html"


def run_page(experiment_id: str, run_id: str, artifact: str = "") -> str:
    """A run's page in MLflow's view for model training, or one of its artifacts there, as a link within MLflow's UI.

    >>> run_page("1", "4f1c")
    '#/experiments/1/runs/4f1c?workflowType=machine_learning'
    """
    tab = f"/artifacts/{artifact}" if artifact else ""
    return f"#/experiments/{experiment_id}/runs/{run_id}{tab}?workflowType=machine_learning"


DATASET_CONTEXT = "mlflow.data.context"
DATASET_COUNT = "bvtrack.n"
DATASET_CLASS_COUNTS = "bvtrack.class_counts"

UNCHECKED = "unchecked"
DATASET_TAG_LENGTH = 500
"""MLflow refuses longer values of a dataset's input tags."""
TAG_LENGTH = 8000
"""MLflow silently truncates longer values of tags, the description included."""
NAME_LENGTH = 250
"""Maximum length of a run's or an experiment's name in every database that MLflow supports."""


def as_tag(value: str) -> str:
    """`value` as the value of a tag, cut with an ellipsis if it is too long for MLflow."""
    return cut(as_text(value), TAG_LENGTH, SPACED_ELLIPSIS)


def as_name(value: str) -> str:
    """`value` as the name of a run or an experiment, cut with an ellipsis if it is too long."""
    return cut(as_text(value), NAME_LENGTH, SPACED_ELLIPSIS)

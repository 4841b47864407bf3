"""Every metric, artifact and dataset-tag name that users see in MLflow, once; tags are in `bvtrack.schema.tags`."""

from __future__ import annotations

from bvtrack.text import SPACED_ELLIPSIS, as_text, cut

PREFIX = "bvtrack/"
"""Metrics share a prefix so that the MLflow UI gives them a chart section of their own."""

TRAIN_ERROR_RUNNING = f"{PREFIX}train_error_running"
CHANCE_ERROR = f"{PREFIX}chance_error"
"""What guessing scores: one point, the yardstick of `not_learning`."""


def error_metric(set_name: str) -> str:
    """The metric of a set's error; `set_name` is `train`, `train_dev`, `dev` or `test`."""
    return f"{PREFIX}{set_name}_error"


def unscaled_metric(set_name: str) -> str:
    """The metric of a set's error in its own units, where the error is scaled."""
    return f"{error_metric(set_name)}_unscaled"


def gap_metric(gap_name: str) -> str:
    """The metric of a gap, for example `bvtrack/variance`."""
    return f"{PREFIX}{gap_name}"


OF_TEST_ERROR = {error_metric("test"), unscaled_metric("test"), gap_metric("dev_overfit")}
"""What a test error that is measured after the training adds to its epoch."""

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
"""MLflow cuts longer values of tags, the description among them, without a word."""
NAME_LENGTH = 250
"""Of a run or an experiment: what fits into the columns of every database that MLflow knows."""


def as_tag(value: str) -> str:
    """`value` as the value of a tag: where it is too long for MLflow, the end says so."""
    return cut(as_text(value), TAG_LENGTH, SPACED_ELLIPSIS)


def as_name(value: str) -> str:
    """`value` as the name of a run or an experiment, cut as a tag is."""
    return cut(as_text(value), NAME_LENGTH, SPACED_ELLIPSIS)

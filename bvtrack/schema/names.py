"""Names of all metrics, artifacts and dataset tags that users see in MLflow; tags of runs are in `bvtrack.schema.tags`."""

from __future__ import annotations

from bvtrack.text import SPACED_ELLIPSIS, as_text, cut

PREFIX = "bvtrack/"
"""Common prefix of metrics, for which the MLflow UI makes a chart section."""

TRAIN_ERROR_RUNNING = f"{PREFIX}train_error_running"
CHANCE_ERROR = f"{PREFIX}chance_error"
"""Error of guessing, a single point that version 0.1 logged; it stands in `diagnosis.json` since."""


def error_metric(set_name: str) -> str:
    """The metric of a set's error; `set_name` is `train`, `train_dev`, `dev` or `test`."""
    return f"{PREFIX}{set_name}_error"


def unscaled_metric(set_name: str) -> str:
    """The metric of a set's error in its original units, if the error is scaled."""
    return f"{error_metric(set_name)}_unscaled"


def gap_metric(gap_name: str) -> str:
    """The metric of a gap, for example `bvtrack/variance`."""
    return f"{PREFIX}{gap_name}"


VERDICT_PREFIX = f"{PREFIX}verdict/"
"""Common prefix of the metrics of the epoch that the tags speak of."""


def verdict_metric(metric: str) -> str:
    """The metric that holds the value of `metric` at the epoch of the verdict, and of no other.

    >>> verdict_metric("bvtrack/dev_error")
    'bvtrack/verdict/dev_error'
    """
    return f"{VERDICT_PREFIX}{metric.removeprefix(PREFIX)}"


def is_of_verdict(metric: str) -> bool:
    """True for a metric that repeats what the verdict says, and so is no evidence for one."""
    return metric.startswith(VERDICT_PREFIX)


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


MODEL_TRAINING = {"mlflow.experimentKind": "custom_model_development"}
"""Tag of an experiment that MLflow's UI shall open as model training; without it, links to it may open as GenAI."""

VIEW_KEY = "bvtrack"
"""Key of the saved view among those of an experiment."""


def view_page(experiment_id: str) -> str:
    """The experiment's runs as the saved view shows them, as a link within MLflow's UI.

    >>> view_page("1")
    '#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=bvtrack'
    """
    return f"#/experiments/{experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={VIEW_KEY}"


def view_charts_page(experiment_id: str) -> str:
    """The charts of the saved view, as a link within MLflow's UI."""
    return f"{view_page(experiment_id)}&compareRunsMode=CHART"


DATASET_CONTEXT = "mlflow.data.context"
DATASET_COUNT = "bvtrack.n"
DATASET_CLASS_COUNTS = "bvtrack.class_counts"

UNCHECKED = "unchecked"
OK = "ok"
"""Values of `bvtrack.split` without findings: for a split that could be checked, but was not, and for one in which all that
could be was."""
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

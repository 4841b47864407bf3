"""Ties a run's verdict to the models that it has logged (MLflow 3): errors with their datasets, and tags.

No model is made, and nothing is fetched of one but its entry in MLflow.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mlflow.entities import LoggedModelStatus, Metric

from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.schema import names
from bvtrack.schema.model_weights import OF_MODEL, Training, tags_of_model
from bvtrack.store.bundle import Point
from bvtrack.store.shown_verdict import shown_points

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run

MOST_MODELS = 50
"""Newest models of a run that are looked at, as many as a page of MLflow's table shows."""

STILL_TO_COME = sys.maxsize
"""Later than any time: autologging makes a model's entry before the training, and fills it after it."""

Dataset = tuple[str, str]
"""Name and digest."""


def tie_models(client: MlflowClient, run_id: str, training: Training) -> int:
    """Tag each of the run's models with the verdict of its training, and tie the verdict's metrics to the newest one; the
    number of models. Raises what MLflow raises, for a server that knows no logged models as well.
    """
    run = client.get_run(run_id)
    models = _models_of(client, run)
    for model in models:
        tags = {name: names.as_tag(value) for name, value in tags_of_model(training, _made_at(model)).items()}
        if news := {name: value for name, value in tags.items() if model.tags.get(name) != value}:
            client.set_logged_model_tags(model.model_id, news)
        for name in OF_MODEL & model.tags.keys() - tags.keys():  # the training has gone on since
            client.delete_logged_model_tag(model.model_id, name)
    points = [point for point in shown_points(run) if not math.isnan(point.value)]
    if models and points:
        client.log_batch(run_id, list(_tied(points, models[0].model_id, _datasets(run))))
    return len(models)


def _models_of(client: MlflowClient, run: Run) -> Sequence[LoggedModel]:
    """The models that the run is the source of, the newest first."""
    return client.search_logged_models(
        [run.info.experiment_id],
        filter_string=f"source_run_id = '{run.info.run_id}'",
        max_results=MOST_MODELS,
        order_by=[{"field_name": "creation_timestamp", "ascending": False}],
    )


def _made_at(model: LoggedModel) -> tuple[int, int]:
    """When the model's entry was made and when it was last changed; one that is not ready is still to be changed."""
    is_filled = model.status != LoggedModelStatus.PENDING
    return model.creation_timestamp, model.last_updated_timestamp if is_filled else STILL_TO_COME


def _tied(points: Sequence[Point], model_id: str, datasets: Mapping[str, Dataset]) -> Iterator[Metric]:
    """The run's own last points once more, which it therefore keeps once, each with the model and the set it is measured on."""
    sets = {names.verdict_metric(names.error_metric(name)): name for name in SET_NAMES}
    for point in points:
        name, digest = datasets.get(sets.get(point.name, ""), (None, None))
        yield Metric(
            point.name,
            point.value,
            point.timestamp,
            point.step,
            model_id=model_id,
            dataset_name=name,
            dataset_digest=digest,
        )


def _datasets(run: Run) -> dict[str, Dataset]:
    """The run's datasets by context: those that were logged with their split; autologgers log one of their own for `train`."""
    found: dict[str, Dataset] = {}
    for each in run.inputs.dataset_inputs if run.inputs else ():
        tags = {tag.key: tag.value for tag in each.tags}
        if names.DATASET_COUNT in tags:
            found[tags.get(names.DATASET_CONTEXT, "")] = (each.dataset.name, each.dataset.digest)
    return found

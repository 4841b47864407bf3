"""Finds the run of a journal's training in MLflow, or makes it, and its experiment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bvtrack.journal.record_line import Record
from bvtrack.schema import names
from bvtrack.schema.tags import ID, Tags, first_of
from bvtrack.store.group_run import experiment_of_parent, join_group, tags_of_child
from bvtrack.store.mlflow_errors import is_missing

if TYPE_CHECKING:
    from mlflow import MlflowClient

DEFAULT_EXPERIMENT_ID = "0"


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """A run's id, and its tags if they are known; `is_new` if it was made now, `is_resumed` if its training goes on with it."""

    run_id: str
    tags: Tags | None = None
    is_new: bool = False
    is_resumed: bool = False


def find_or_make(client: MlflowClient, header: Record, tags: Tags, *, is_moved: bool) -> TrainingRun:
    """The run that the header names, else the one of its training, else a new one with the first of `tags`.

    `is_moved` says that the store is not the header's, so that the named run may not exist. Raises what MLflow raises.
    """
    if (run_id := _named(client, header, is_moved=is_moved)) is not None:
        if header.get("group"):
            join_group(client, header, run_id)
        return TrainingRun(run_id)
    experiment_id = _experiment_id(client, header)
    return _of_this_training(client, header, experiment_id) or _new(client, header, experiment_id, first_of(tags))


def _named(client: MlflowClient, header: Record, *, is_moved: bool) -> str | None:
    from mlflow.exceptions import MlflowException

    run_id: str | None = header["run_id"]
    if run_id is None or not is_moved:
        return run_id
    try:
        return str(client.get_run(run_id).info.run_id)
    except MlflowException as error:
        if not is_missing(error):
            raise
        return None


def _of_this_training(client: MlflowClient, header: Record, experiment_id: str) -> TrainingRun | None:
    """The run that the training created before it was interrupted, or that another of its processes created."""
    of_this_training = f"tags.`{ID}` = '{header['tags'][ID]}'"
    for run in client.search_runs([experiment_id], of_this_training, max_results=1):
        return TrainingRun(str(run.info.run_id), run.data.tags, is_resumed=True)
    return None


def _new(client: MlflowClient, header: Record, experiment_id: str, first: Tags) -> TrainingRun:
    of_group = tags_of_child(client, header, experiment_id) if header.get("group") else {}
    tags = {key: names.as_tag(value) for key, value in {**first, **header["tags"], **of_group}.items()}
    run = client.create_run(
        experiment_id,
        start_time=header["timestamp"],
        tags=tags,
        run_name=header["run_name"] and names.as_name(header["run_name"]),
    )
    return TrainingRun(str(run.info.run_id), tags, is_new=True)


def _experiment_id(client: MlflowClient, header: Record) -> str:
    name, experiment_id = header["experiment"], header["experiment_id"]
    if name is None:
        return experiment_id or experiment_of_parent(client, header) or DEFAULT_EXPERIMENT_ID
    name = names.as_name(name)
    if experiment := client.get_experiment_by_name(name):
        return str(experiment.experiment_id)
    try:
        return str(client.create_experiment(name, tags=names.MODEL_TRAINING))
    except Exception:  # a store may be a plugin's, and know no tags of experiments
        if experiment := client.get_experiment_by_name(name):  # another training has just made it
            return str(experiment.experiment_id)
        return str(client.create_experiment(name))  # whatever it has against the tag

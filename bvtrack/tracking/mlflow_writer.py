"""Journal records in, MLflow calls out: as few calls as the records allow, and each of them safe to repeat."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking.context.registry import resolve_tags

from bvtrack.tracking import names
from bvtrack.tracking.journal import Record
from bvtrack.tracking.ledger import Bundle

METRICS_PER_BATCH = 1000
TAGS_PER_BATCH = 100
"""MLflow's own limits of one `log_batch` call."""
DEFAULT_EXPERIMENT_ID = "0"


class MlflowWriter:
    """Writes one run's records; makes the run first where it is our own and not there yet."""

    def __init__(self, tracking_uri: str, run_id: str | None) -> None:
        self._client = MlflowClient(tracking_uri)
        self.run_id = run_id

    def write(self, header: Record, bundle: Bundle) -> None:
        """Write to the run that the journal's first record, `header`, names. Raises what MLflow raises."""
        run_id = self.run_id = self.run_id or header["run_id"] or self._create_run(header)
        for points in _slices(bundle.points, METRICS_PER_BATCH):
            metrics = [Metric(point.name, point.value, point.timestamp, point.step) for point in points]
            self._client.log_batch(run_id, metrics=metrics)
        self._write_tags(run_id, bundle.tags)
        if bundle.datasets:
            self._client.log_inputs(run_id, [_dataset_input(dataset) for dataset in bundle.datasets])
        if bundle.note is not None:
            self._write_note(run_id, bundle.note)
        for path, content in bundle.files.items():
            self._client.log_dict(run_id, content, path)
        if bundle.status is not None:
            self._client.set_terminated(run_id, bundle.status)

    def _write_tags(self, run_id: str, tags: Mapping[str, str | None]) -> None:
        present = [RunTag(key, value) for key, value in tags.items() if value is not None]
        for some in _slices(present, TAGS_PER_BATCH):
            self._client.log_batch(run_id, tags=some)
        for key in (key for key, value in tags.items() if value is None):
            try:
                self._client.delete_tag(run_id, key)
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise

    def _create_run(self, header: Record) -> str:
        """The training's own run: the one it began before it was interrupted, else a new one."""
        experiment_id = self._experiment_id(header["experiment"], header["experiment_id"])
        of_this_training = f"tags.`{names.ID}` = '{header['tags'][names.ID]}'"
        for begun in self._client.search_runs([experiment_id], of_this_training, max_results=1):
            self._client.update_run(begun.info.run_id, "RUNNING")
            return str(begun.info.run_id)
        run = self._client.create_run(
            experiment_id,
            start_time=header["timestamp"],
            tags=resolve_tags(header["tags"]),
            run_name=header["run_name"],
        )
        return str(run.info.run_id)

    def _experiment_id(self, name: str | None, experiment_id: str | None) -> str:
        if name is None:
            return experiment_id or DEFAULT_EXPERIMENT_ID
        if experiment := self._client.get_experiment_by_name(name):
            return str(experiment.experiment_id)
        try:
            return str(self._client.create_experiment(name))
        except MlflowException:
            if experiment := self._client.get_experiment_by_name(name):  # another training has just made it
                return str(experiment.experiment_id)
            raise

    def _write_note(self, run_id: str, block: str) -> None:
        present = self._client.get_run(run_id).data.tags.get(names.NOTE, "")
        self._client.set_tag(run_id, names.NOTE, with_users_text(block, present))


def with_users_text(block: str, present: str) -> str:
    """Our block, our end marker, and behind it what the user wrote into the present note."""
    _, marker, behind = present.partition(names.NOTE_END)
    users_text = (behind if marker else present).strip()
    return "\n\n".join(part for part in (block.strip(), names.NOTE_END, users_text) if part)


def _dataset_input(dataset: Mapping[str, Any]) -> DatasetInput:
    entity = Dataset(
        name=dataset["name"],
        digest=dataset["digest"],
        source_type="code",
        source=json.dumps({"tags": {"mlflow.source.name": dataset["source"]}}),
        profile=json.dumps(dataset["profile"]),
    )
    return DatasetInput(entity, [InputTag(key, value) for key, value in dataset["tags"].items()])


_Item = TypeVar("_Item")


def _slices(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]

"""Writes bundles to MLflow in as few calls as it allows, each of them idempotent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LifecycleStage, Metric, RunTag
from mlflow.environment_variables import MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT
from mlflow.exceptions import MlflowException

from bvtrack.diagnosis.evidence import OtherRun
from bvtrack.journal.record_line import Record
from bvtrack.report.content import RunAddress
from bvtrack.schema import names
from bvtrack.schema.tags import ID
from bvtrack.store.best_other_run import best_other_run
from bvtrack.store.bundle import Bundle, Point
from bvtrack.store.existing_points import ExistingPoints
from bvtrack.store.mlflow_errors import is_missing, is_refused, short_cause
from bvtrack.store.parts import ENOUGH, write_in_parts
from bvtrack.store.setup_lock import first_use_of
from bvtrack.store.target import without_credentials
from bvtrack.text import as_text
from bvtrack.tracking_uri.address import read_address

METRICS_PER_BATCH = 1000
TAGS_PER_BATCH = 100
"""MLflow's limits for one `log_batch` call."""
DEFAULT_EXPERIMENT_ID = "0"


class MlflowWriter:
    """Writes to the run of a journal's first record, `header`: the one with its run id, else the one of its training, which is
    created if it does not exist yet.
    """

    def __init__(
        self,
        tracking_uri: str,
        header: Record,
        run_id: str | None,
        *,
        is_moved: bool = False,
        has_report: bool = False,
        refused: Sequence[str] = (),
    ) -> None:
        """`run_id` is the run written to earlier, `refused` what was refused then; `is_moved` says that the store is not the
        header's, `has_report` that the description shall link to a report.
        """
        with first_use_of(tracking_uri):
            self._client = MlflowClient(tracking_uri)
        self._header = header
        self.uri = tracking_uri
        self._is_moved = is_moved
        self._has_report = has_report
        self._is_resumed = False
        self.refused = list(refused)
        """Descriptions of what MLflow permanently refuses, each once."""
        self._has_credentials = read_address(tracking_uri).has_credentials
        self._existing: ExistingPoints | None = ExistingPoints(self._client, run_id) if run_id else None
        self.run_id = run_id

    @property
    def owns_run(self) -> bool:
        """True if the run was created by its training, so that we have to end it."""
        return bool(self.run_id != self._header["run_id"])

    def find_run(self) -> str:
        """The run's id; the run is created now if it does not exist yet. Raises what MLflow raises."""
        if self.run_id is None:
            self.run_id = self._named_run() or self._run_of_this_training()
            if self.run_id:
                self._existing = ExistingPoints(self._client, self.run_id)
            else:
                self.run_id = self._new_run()
        return self.run_id

    def check_run(self) -> None:
        """Raises what MLflow raises if the run written to earlier no longer exists."""
        if self.run_id is not None:
            self._client.get_run(self.run_id)

    def write(self, bundle: Bundle) -> bool:
        """Write all but the files; true if the run shows this bundle now. Raises what MLflow raises.

        False if the run has newer points: a late bundle adds its points and datasets and leaves the tags as they are.
        """
        run_id = self.find_run()
        points = self._missing(bundle.points)
        is_latest = self._existing is None or self._existing.timestamp <= bundle.timestamp
        try:
            self._write(run_id, replace(bundle if is_latest else bundle.only_new, points=points))
        except BaseException:
            self._existing = ExistingPoints(self._client, run_id)  # some of it may have arrived
            raise
        if is_latest and len(points) == len(bundle.points) > 0:
            self._existing = None  # from here on all is new
        return is_latest

    def write_file(self, path: str, content: Any) -> None:
        """Write a JSON artifact, unless it is permanently refused. Raises what MLflow or the artifact store raises."""
        with self._noting_refusal(f"the file {path}", json.dumps(content, default=str)):
            self._client.log_dict(self.find_run(), content, path)

    def write_text(self, path: str, content: str) -> bool:
        """Write a text artifact; false if it is permanently refused. Raises what MLflow or the artifact store raises."""
        with self._noting_refusal(f"the file {path}", content):
            self._client.log_text(self.find_run(), content, path)
            return True
        return False

    def name_and_address(self) -> tuple[str, RunAddress]:
        """The run's name and address. Raises what MLflow raises."""
        info = self._client.get_run(self.find_run()).info
        address = RunAddress(info.run_id, str(info.experiment_id), without_credentials(self.uri))
        return info.run_name or info.run_id, address

    def best_other_run(self, dev_digest: str, measure: str | None) -> OtherRun | None:
        """The experiment's best other run on this dev set. Raises what MLflow raises."""
        return best_other_run(self._client, self.find_run(), dev_digest=dev_digest, measure=measure)

    def _missing(self, points: Sequence[Point]) -> Sequence[Point]:
        return self._existing.missing(points) if self._existing else points

    def _write(self, run_id: str, bundle: Bundle) -> None:
        if self._is_resumed and bundle.tags:
            self._client.update_run(run_id, "RUNNING")
            self._is_resumed = False
        for points in _slices(bundle.points, METRICS_PER_BATCH):
            self._write_metrics(run_id, [Metric(point.name, point.value, point.timestamp, point.step) for point in points])
        self._write_tags(run_id, bundle.tags)
        self._write_datasets(run_id, [_dataset_input(dataset) for dataset in bundle.datasets])
        if bundle.note is not None:
            with self._noting_refusal("the description", bundle.note):
                self._write_note(run_id, bundle.note)
        if bundle.status is not None and self.owns_run:
            self._end_run(run_id, bundle.status, bundle.timestamp)

    def _write_metrics(self, run_id: str, metrics: Sequence[Metric]) -> None:
        enough = max(2, min(ENOUGH, len(metrics)))  # if none is accepted, they are kept until the store is fixed
        refused = write_in_parts(metrics, lambda some: self._client.log_batch(run_id, metrics=some), enough=enough)
        for metric, error in refused:
            self._note_refusal(f"the metric {metric.key}", error)

    def _write_datasets(self, run_id: str, datasets: Sequence[DatasetInput]) -> None:
        refused = write_in_parts(datasets, lambda some: self._client.log_inputs(run_id, some), enough=len(datasets) + 1)
        if refused and len(refused) == len(datasets):
            self._note_refusal("the datasets", refused[0].error, "".join(str(one.to_dictionary()) for one in datasets))
            return
        for one, error in refused:
            self._note_refusal(f"the dataset {one.dataset.name}", error, str(one.to_dictionary()))

    def _write_tags(self, run_id: str, tags: Mapping[str, str | None]) -> None:
        present = [RunTag(key, names.as_tag(value)) for key, value in tags.items() if value is not None]
        for some in _slices(present, TAGS_PER_BATCH):
            for tag, error in write_in_parts(some, lambda these: self._client.log_batch(run_id, tags=these)):
                self._note_refusal(f"the tag {tag.key}", error, tag.value)
        for key in (key for key, value in tags.items() if value is None):
            try:
                self._client.delete_tag(run_id, key)
            except MlflowException as error:
                if not is_missing(error):
                    raise

    @contextmanager
    def _noting_refusal(self, what: str, content: str) -> Iterator[None]:
        """Note one thing that MLflow permanently refuses, so that it does not block what follows."""
        try:
            yield
        except Exception as error:  # artifact stores are third-party code
            if not is_refused(error):
                raise
            self._note_refusal(what, error, content)

    def _note_refusal(self, what: str, error: Exception, content: str = "") -> None:
        """Note what was refused and its size. Raises if the store or the run is the cause, not this one thing."""
        if self._client.get_run(self.find_run()).info.lifecycle_stage == LifecycleStage.DELETED:
            raise error
        size = f"{len(content.encode(errors='replace')):,} bytes; " if content else ""
        if not any(words.startswith(f"{what} (") for words in self.refused):
            self.refused.append(f"{what} ({size}{short_cause(error, self.uri)})")

    def _end_run(self, run_id: str, status: str, timestamp: int) -> None:
        is_quiet = MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.get()  # type: ignore[no-untyped-call]  # MLflow has no hint there
        if self._has_credentials and not is_quiet:
            self._client.update_run(run_id, status)  # which does not print the address
        else:
            self._client.set_terminated(run_id, status, timestamp)

    def _named_run(self) -> str | None:
        """The id of the run named by the header; it may not exist in another store than the intended one."""
        run_id: str | None = self._header["run_id"]
        if run_id is None or not self._is_moved:
            return run_id
        try:
            return str(self._client.get_run(run_id).info.run_id)
        except MlflowException as error:
            if not is_missing(error):
                raise
            return None

    def _run_of_this_training(self) -> str | None:
        """The run that the training created before it was interrupted, or that another of its processes created."""
        of_this_training = f"tags.`{ID}` = '{self._header['tags'][ID]}'"
        for run in self._client.search_runs([self._experiment_id()], of_this_training, max_results=1):
            self._is_resumed = True
            return str(run.info.run_id)
        return None

    def _new_run(self) -> str:
        run = self._client.create_run(
            self._experiment_id(),
            start_time=self._header["timestamp"],
            tags={key: names.as_tag(value) for key, value in self._header["tags"].items()},
            run_name=self._header["run_name"] and names.as_name(self._header["run_name"]),
        )
        return str(run.info.run_id)

    def _experiment_id(self) -> str:
        name, experiment_id = self._header["experiment"], self._header["experiment_id"]
        if name is None:
            return experiment_id or DEFAULT_EXPERIMENT_ID
        name = names.as_name(name)
        if experiment := self._client.get_experiment_by_name(name):
            return str(experiment.experiment_id)
        try:
            return str(self._client.create_experiment(name))
        except MlflowException:
            if experiment := self._client.get_experiment_by_name(name):  # another training has just made it
                return str(experiment.experiment_id)
            raise

    def _write_note(self, run_id: str, block: str) -> None:
        run = self._client.get_run(run_id)
        ours = as_text(block)
        if self._has_report:
            page = names.run_page(run.info.experiment_id, run_id, names.REPORT_FILE)
            ours = f"{ours}\n\n[Curves, forecasts and the split in the report]({page})"
        self._client.set_tag(run_id, names.NOTE, with_users_text(ours, run.data.tags.get(names.NOTE, "")))


def with_users_text(block: str, present: str) -> str:
    """Our block, our end marker, and then the user's own text from the present note.

    If MLflow would not accept that length, the user's text takes precedence, and only our first lines are kept.
    """
    _, marker, behind = present.partition(names.NOTE_END)
    users_text = (behind if marker else present).strip()
    room = names.TAG_LENGTH - len(names.NOTE_END) - len(users_text) - 2 * len("\n\n")
    ours = block.strip()
    if len(ours) > room:
        ours = ours[: max(room, 0)].rpartition("\n")[0].strip()
        if not ours:
            return present
    return "\n\n".join(part for part in (ours, names.NOTE_END, users_text) if part)


def _dataset_input(dataset: Mapping[str, Any]) -> DatasetInput:
    entity = Dataset(
        name=dataset["name"],
        digest=dataset["digest"],
        source_type="code",
        source=json.dumps({"tags": {"mlflow.source.name": names.as_tag(dataset["source"])}}),
        profile=json.dumps(dataset["profile"]),
    )
    return DatasetInput(entity, [InputTag(key, as_text(value)) for key, value in dataset["tags"].items()])


_Item = TypeVar("_Item")


def _slices(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]

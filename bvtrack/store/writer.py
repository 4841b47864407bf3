"""Writes bundles to MLflow in as few calls as it allows, each of them idempotent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeVar

from mlflow.entities import Dataset, DatasetInput, InputTag, LifecycleStage, Metric, RunTag
from mlflow.environment_variables import MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT
from mlflow.exceptions import MlflowException
from mlflow.tracking.client import MlflowClient

from bvtrack.diagnosis.evidence import OtherRun
from bvtrack.journal.record_line import Record
from bvtrack.report.content import RunAddress
from bvtrack.schema import names
from bvtrack.schema.model_weights import Training
from bvtrack.schema.tags import AWAITED, DIAGNOSIS, Tags, obsolete_in
from bvtrack.store.best_other_run import best_other_run
from bvtrack.store.bundle import Bundle, Point
from bvtrack.store.existing_points import ExistingPoints
from bvtrack.store.experiment_view import ExperimentView
from bvtrack.store.group_run import tag_parent
from bvtrack.store.logged_models import tie_models
from bvtrack.store.mlflow_errors import is_missing, is_refused, short_cause
from bvtrack.store.parts import ENOUGH, write_in_parts
from bvtrack.store.reader import Store
from bvtrack.store.setup_lock import first_use_of
from bvtrack.store.shown_verdict import ShownVerdict, shown_points
from bvtrack.store.target import without_credentials
from bvtrack.store.training_run import find_or_make
from bvtrack.store.users_text import with_users_text
from bvtrack.text import as_text
from bvtrack.tracking_uri.address import read_address

METRICS_PER_BATCH = 1000
TAGS_PER_BATCH = 100
"""MLflow's limits for one `log_batch` call."""


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
        header's, `has_report` that the description shall link to a report, instead of telling how to get one.
        """
        with first_use_of(tracking_uri):
            self._client = MlflowClient(tracking_uri)
        self._header = header
        self.uri = tracking_uri
        self._is_moved = is_moved
        self.has_report = has_report
        self._is_resumed = False
        self.refused = list(refused)
        """Descriptions of what MLflow permanently refuses, each once."""
        self._view = ExperimentView(self._client, self.refused, is_wanted=header["options"].get("saved_view", True))
        self._has_credentials = read_address(tracking_uri).has_credentials
        self._existing: ExistingPoints | None = ExistingPoints(self._client, run_id) if run_id else None
        self._shown: ShownVerdict | None = None
        self._tags: Tags | None = None  # the run's, as far as they are known
        self.run_id = run_id
        self.experiment_id: str | None = None
        """The run's experiment, once the description has been written."""

    @property
    def owns_run(self) -> bool:
        """True if the run was created by its training, so that we have to end it."""
        return bool(self.run_id != self._header["run_id"])

    @property
    def has_view(self) -> bool:
        """True if the run's experiment is known to have its saved view."""
        return self._view.is_there

    def find_run(self, tags: Tags = MappingProxyType({})) -> str:
        """The run's id; if it does not exist yet, it is created now, with the first of `tags`. Raises what MLflow raises."""
        if self.run_id is None:
            found = find_or_make(self._client, self._header, tags, is_moved=self._is_moved)
            self.run_id, self._tags, self._is_resumed = found.run_id, found.tags, found.is_resumed
            if found.is_new:
                self._shown = ShownVerdict()
            else:
                self._existing = ExistingPoints(self._client, self.run_id)
        return self.run_id

    def check_run(self) -> None:
        """Raises what MLflow raises if the run written to earlier no longer exists."""
        if self.run_id is not None:
            self._client.get_run(self.run_id)

    def write(self, bundle: Bundle) -> bool:
        """Write all but the files; true if the run shows this bundle now. Raises what MLflow raises.

        False if the run has newer points: a late bundle adds its points and datasets and leaves the tags and the verdict's
        metrics as they are.
        """
        run_id = self.find_run()
        points = self._missing(bundle.points)
        is_latest = self._existing is None or self._existing.timestamp <= bundle.timestamp
        try:
            self._write(run_id, replace(bundle if is_latest else bundle.only_new, points=points))
        except BaseException:
            self._existing, self._shown = ExistingPoints(self._client, run_id), None  # some of it may have arrived
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

    def tag_parent(self) -> None:
        """Bring the verdict over the repeats up to date that this run is one of. Raises what MLflow raises."""
        tag_parent(Store(self.uri), self.find_run())

    def tie_models(self, training: Training) -> int:
        """Tie the verdict to the run's logged models; their number. Raises what MLflow raises."""
        return tie_models(self._client, self.find_run(), training)

    def _missing(self, points: Sequence[Point]) -> Sequence[Point]:
        return self._existing.missing(points) if self._existing else points

    def _write(self, run_id: str, bundle: Bundle) -> None:
        if self._is_resumed and bundle.tags:
            self._client.update_run(run_id, "RUNNING")
            self._is_resumed = False
        of_verdict = self._verdict_points(run_id, bundle)
        for points in _slices([*of_verdict, *bundle.points], METRICS_PER_BATCH):
            self._write_metrics(run_id, [Metric(point.name, point.value, point.timestamp, point.step) for point in points])
        if bundle.tags:
            tags = self._due_tags(run_id, bundle)
            self._write_tags(run_id, tags)
            self._tags = {name: value for name, value in {**(self._tags or {}), **tags}.items() if value is not None}
        self._write_datasets(run_id, [_dataset_input(dataset) for dataset in bundle.datasets])
        if bundle.note is not None:
            with self._noting_refusal("the description", bundle.note):
                self._write_note(run_id, bundle.note)
        if bundle.status is not None and self.owns_run:
            self._end_run(run_id, bundle.status, bundle.timestamp)

    def _verdict_points(self, run_id: str, bundle: Bundle) -> Sequence[Point]:
        """The points after which the run shows the bundle's verdict; the run is asked only where others may have written it."""
        if not bundle.verdict:
            return ()
        if self._shown is None:
            self._shown = ShownVerdict.of(self._existing.run if self._existing else self._client.get_run(run_id))
        points = self._shown.news(bundle.verdict, bundle.timestamp)
        self._shown.see(points)
        return points

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

    def _due_tags(self, run_id: str, bundle: Bundle) -> Tags:
        """The bundle's tags, without placeholders if the run has a verdict, and the removal of what the run has of others."""
        if self._tags is None:
            self._tags = (self._existing.run if self._existing else self._client.get_run(run_id)).data.tags
        has_verdict = DIAGNOSIS.read(self._tags) is not None
        held = {tag.name for tag in AWAITED} if bundle.awaits_verdict and has_verdict else set()
        tags = {name: value for name, value in {**bundle.tags, **obsolete_in(self._tags)}.items() if name not in held}
        return {name: value for name, value in tags.items() if value is not None or name in self._tags}

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

    def _write_note(self, run_id: str, block: str) -> None:
        run = self._client.get_run(run_id)
        if self._shown is not None:
            self._shown.see(shown_points(run))  # an audit may have written since
        self.experiment_id = experiment_id = str(run.info.experiment_id)
        page = names.run_page(experiment_id, run_id, names.REPORT_FILE)
        linked, awaited = f"[Curves, forecasts and the split in the report]({page})", f"`bvtrack report {run_id} --log`"
        report = linked if self.has_report else f"Curves, forecasts and the split in a report: {awaited}"
        parts = [as_text(block), report]
        with self._view.kept(experiment_id) as is_there:
            if is_there:
                table, charts = names.view_page(experiment_id), names.view_charts_page(experiment_id)
                parts.append(f"[All runs of the experiment by bias and variance]({table}), [and their charts]({charts})")
            self._client.set_tag(run_id, names.NOTE, with_users_text("\n\n".join(parts), run.data.tags.get(names.NOTE, "")))


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

"""The MLflow calls of an audit: pages of runs, metric histories, tags, and the metrics of verdicts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bvtrack.journal.records import now
from bvtrack.schema import names
from bvtrack.schema.tags import SOURCE
from bvtrack.schema.verdict_metrics import STEP
from bvtrack.store.experiment_view import keep_view, remove_view
from bvtrack.store.logged_run import PARENT, LoggedRun, finite_or_nan
from bvtrack.store.metric_point import Point
from bvtrack.store.mlflow_errors import is_missing
from bvtrack.store.mlflow_settings import without_progress_bar

if TYPE_CHECKING:
    from mlflow.entities import Experiment, Run
    from mlflow.exceptions import MlflowException
    from mlflow.store.entities import PagedList

PAGE = 1000
OWN_TAGS = "bvtrack"
SHOWN_EXPERIMENTS = 5


class Store:
    """One MLflow store. MLflow's errors are passed on, except for what a user has mistyped."""

    def __init__(self, tracking_uri: str) -> None:
        from mlflow.tracking.client import MlflowClient  # seconds of import, where the package is not there yet

        self.tracking_uri = tracking_uri
        self._client = MlflowClient(tracking_uri)

    def experiment_id(self, name: str) -> str:
        """The id of the experiment with this name. Raises `ValueError` if there is none."""
        experiment = self._client.get_experiment_by_name(name)
        if experiment is None:
            others = self._client.search_experiments(max_results=SHOWN_EXPERIMENTS)
            listed = ", ".join(repr(other.name) for other in others)
            raise ValueError(f"expected an experiment that is there, got {name!r}; name one such as {listed}")
        if experiment.lifecycle_stage == "deleted":
            raise ValueError(f"the experiment {name!r} is deleted; restore it first (mlflow experiments restore)")
        return str(experiment.experiment_id)

    def all_experiment_ids(self) -> list[str]:
        """The ids of all experiments that are not deleted."""
        ids: list[str] = []
        token = None
        while True:
            page = self._client.search_experiments(max_results=PAGE, page_token=token)
            ids += [str(experiment.experiment_id) for experiment in page]
            token = page.token
            if not token:
                return ids

    def pages(self, experiment_ids: Sequence[str], filter_string: str = "") -> Iterator[Sequence[Run]]:
        """The runs that are not deleted, oldest first, so that runs started meanwhile come last.

        If the filter uses tags that an audit writes, the matching runs are listed before the first one is changed.
        Raises `ValueError` for a filter that MLflow does not understand.
        """
        pages = self._pages(experiment_ids, filter_string)
        if OWN_TAGS not in filter_string:
            yield from pages
            return
        run_ids = [run.info.run_id for page in pages for run in page]
        for start in range(0, len(run_ids), PAGE):
            some = ", ".join(f"'{run_id}'" for run_id in run_ids[start : start + PAGE])
            yield from self._pages(experiment_ids, f"attributes.run_id IN ({some})")

    def _pages(self, experiment_ids: Sequence[str], filter_string: str) -> Iterator[Sequence[Run]]:
        token = None
        while True:
            page = self._page(experiment_ids, filter_string, token)
            yield page
            token = page.token
            if not token:
                return

    def _page(self, experiment_ids: Sequence[str], filter_string: str, token: str | None) -> PagedList[Run]:
        from mlflow.exceptions import MlflowException

        try:
            return self._client.search_runs(
                list(experiment_ids), filter_string, max_results=PAGE, order_by=["start_time ASC"], page_token=token
            )
        except MlflowException as error:
            if error.error_code != "INVALID_PARAMETER_VALUE":
                raise
            example = "\"params.lr = '0.1' AND tags.team = 'vision'\""
            raise ValueError(f"expected a filter such as {example}, got {filter_string!r}: {_sentence(error)}") from error

    def run(self, run_id: str) -> Run:
        """The run with this id."""
        return self._client.get_run(run_id)

    def children(self, experiment_ids: Sequence[str], parent: str, most: int) -> list[Run]:
        """At most so many runs that are nested in another, oldest first."""
        nested = f"tags.`{PARENT}` = '{parent}'"
        found = self._client.search_runs(list(experiment_ids), nested, max_results=most, order_by=["start_time ASC"])
        return list(found)

    def set_status(self, run_id: str, status: str) -> None:
        """Set the status of a run of our own."""
        self._client.update_run(run_id, status)

    def newest_runs(self, experiment_ids: Sequence[str], most: int) -> Sequence[Run]:
        """At most so many runs that are not deleted, the newest first."""
        return self._client.search_runs(list(experiment_ids), max_results=most, order_by=["start_time DESC"])

    def experiment(self, experiment_id: str) -> Experiment:
        """The experiment with this id."""
        return self._client.get_experiment(experiment_id)

    def has_artifact(self, run_id: str, path: str) -> bool:
        """True if a run has the artifact; false, too, if its artifacts cannot be listed."""
        try:
            return any(found.path == path for found in self._client.list_artifacts(run_id, path.rpartition("/")[0]))
        except Exception:  # artifact stores are third-party code
            return False

    def json_artifact(self, run_id: str, path: str) -> Mapping[str, Any]:
        """A JSON artifact of a run; empty if it is missing or cannot be read."""
        try:
            with TemporaryDirectory() as folder, without_progress_bar():
                local = self._client.download_artifacts(run_id, path, folder)
                content = json.loads(Path(local).read_text(encoding="utf-8"))
        except Exception:  # artifact stores are third-party code
            return {}
        return content if isinstance(content, dict) else {}

    def write_text(self, run_id: str, path: str, text: str) -> None:
        """Write a text artifact."""
        self._client.log_text(run_id, text, path)

    def keep_view(self, experiment_id: str) -> bool:
        """Write the experiment's saved view if it has none yet; true if it has one now."""
        return keep_view(self._client, experiment_id)

    def remove_view(self, experiment_id: str) -> bool:
        """Remove the experiment's saved view, unless a diagnosed run is left; true if it was ours to remove."""
        return remove_view(self._client, experiment_id)

    def history(self, run_id: str, name: str) -> list[Point]:
        """A metric's history."""
        points = self._client.get_metric_history(run_id, name)
        return [Point(point.step, point.timestamp, finite_or_nan(point.value)) for point in points]

    def write(self, run: LoggedRun, tags: Mapping[str, str | None], verdict: Mapping[str, float]) -> None:
        """Set the tags and the metrics of the verdict in one request; a tag that is `None` is deleted.

        The source tag is deleted last: it marks runs that still have others. The metrics get the clock's time, or if they have
        a later one, the next.
        """
        from mlflow.entities import Metric, RunTag
        from mlflow.exceptions import MlflowException

        present = [RunTag(name, names.as_tag(value)) for name, value in tags.items() if value is not None]
        at = max([now(), *(latest.timestamp + 1 for latest in run.verdict.values())])
        metrics = [Metric(name, value, at, STEP) for name, value in verdict.items()]
        if present or metrics:
            self._client.log_batch(run.run_id, metrics, tags=present)
        for name in sorted((name for name, value in tags.items() if value is None), key=SOURCE.name.__eq__):
            try:
                self._client.delete_tag(run.run_id, name)
            except MlflowException as error:
                if not is_missing(error):
                    raise


def _sentence(error: MlflowException) -> str:
    """The first line of MLflow's message, without the error code."""
    return str(error.message).strip().partition("\n")[0].removeprefix(f"{error.error_code}: ")

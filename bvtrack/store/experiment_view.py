"""Writes the saved view of an experiment, once, and removes it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bvtrack.schema import saved_view
from bvtrack.schema.tags import DIAGNOSIS
from bvtrack.store.mlflow_errors import is_forbidden, is_missing, short_cause

if TYPE_CHECKING:
    from mlflow import MlflowClient

WHAT = f"the saved view {saved_view.NAME!r}"
MOST_FAILURES = 2
"""Failures of a server that takes all else, after which nothing more is tried."""
MOST_EXPERIMENTS = 1000
"""Those changed last; a search for more is refused by some databases."""
_KNOWN: dict[tuple[str, str], bool] = {}
"""Experiments that this process has seen to, by store and id, and whether they have a view: `bvtrack sync` sends many runs."""


class ExperimentView:
    """The saved view of the experiment of one run, which is not needed for anything else: its failures stop nothing."""

    def __init__(self, client: MlflowClient, refused: list[str], *, is_wanted: bool) -> None:
        """`refused` takes the description of a refusal, and may hold one of an earlier try."""
        self._client = client
        self._refused = refused
        self._is_wanted = is_wanted
        self._n_failures = 0
        self.is_there = False

    @contextmanager
    def kept(self, experiment_id: str) -> Iterator[bool]:
        """Write the view if there is none yet; within the block, true if it is there.

        A failure counts only if what is written within the block arrives: in an outage nothing does.
        """
        if not self._is_wanted or any(words.startswith(WHAT) for words in self._refused):
            yield False
            return
        try:
            self.is_there, trouble = keep_view(self._client, experiment_id), None
        except Exception as error:  # whatever a server, or a proxy before it, makes of experiment tags
            trouble = error
        yield self.is_there
        if trouble is not None:
            self._count(trouble, experiment_id)

    def _count(self, error: Exception, experiment_id: str) -> None:
        self._n_failures += 1
        if is_forbidden(error) or self._n_failures >= MOST_FAILURES:
            _KNOWN[self._client.tracking_uri, experiment_id] = False  # nor is it tried for the experiment's other runs
            self._refused.append(f"{WHAT} ({short_cause(error, self._client.tracking_uri)}; saved_view=False leaves it out)")


def keep_view(client: MlflowClient, experiment_id: str) -> bool:
    """Write the experiment's view if it has none yet, or ours of an older version; true if it has one now.

    Raises what MLflow raises.
    """
    place = (client.tracking_uri, experiment_id)
    if place not in _KNOWN:
        tags = client.get_experiment(experiment_id).tags
        news = saved_view.news_for(tags, round(time.time() * 1000))
        for name, value in news.items():  # the view, then its marker: one without the other is completed by the next
            _set(client, experiment_id, name, value)
        _KNOWN[place] = saved_view.TAG in tags or saved_view.TAG in news
    return _KNOWN[place]


def remove_view(client: MlflowClient, experiment_id: str) -> bool:
    """Remove what was written of the view, unless a diagnosed run is left; one that the user has changed stays. True if
    anything was removed.

    Raises what MLflow raises.
    """
    tags = client.get_experiment(experiment_id).tags
    if saved_view.MARKER not in tags:
        return False
    if client.search_runs([experiment_id], f"tags.`{DIAGNOSIS.name}` LIKE '%'", max_results=1):
        return False
    _KNOWN.pop((client.tracking_uri, experiment_id), None)
    for name in [saved_view.TAG, saved_view.MARKER] if saved_view.is_unchanged(tags) else [saved_view.MARKER]:
        _delete(client, experiment_id, name)
    return True


def newest_view(tracking_uri: str) -> str | None:
    """The id of the experiment that has a view and, of all of these, the newest run; `None` if none has one.

    Raises what MLflow raises.
    """
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri)
    experiments = client.search_experiments(filter_string=f"tags.`{saved_view.TAG}` LIKE '%'", max_results=MOST_EXPERIMENTS)
    ids = [str(experiment.experiment_id) for experiment in experiments]
    newest = client.search_runs(ids, order_by=["start_time DESC"], max_results=1) if ids else []
    return str(newest[0].info.experiment_id) if newest else None


def _set(client: MlflowClient, experiment_id: str, name: str, value: str) -> None:
    try:
        client.set_experiment_tag(experiment_id, name, value)
    except Exception:
        if name not in client.get_experiment(experiment_id).tags:  # else another training has just written it
            raise


def _delete(client: MlflowClient, experiment_id: str, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.delete_experiment_tag(experiment_id, name)
    except MlflowException as error:
        if not is_missing(error):
            raise

"""The parent run of a group: found or made for its children, and tagged with the verdict over them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bvtrack.journal.file_lock import Held, acquired
from bvtrack.journal.journal_dir import passing_journal_dir
from bvtrack.journal.private_files import remove_file
from bvtrack.journal.record_line import Record
from bvtrack.report.repeats_markdown import note_of_repeats
from bvtrack.schema import names
from bvtrack.schema import tags as schema
from bvtrack.schema.tags import GROUP, ID, OF_GROUP
from bvtrack.schema.verdict_metrics import unlike, verdict_metrics
from bvtrack.store.logged_run import PARENT, LoggedRun
from bvtrack.store.mlflow_errors import is_missing
from bvtrack.store.repeated_runs import RepeatedRun, own_sets, tags_of_parent
from bvtrack.store.users_text import with_users_text

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from bvtrack.store.reader import Store

MOST_CHILDREN = 1000
"""Children that a verdict is made of: one MLflow call."""
STATUS = {"running": "RUNNING", "complete": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
"""MLflow's run status by the state of a training: a logger may end its run only after ours has arrived."""
LOCK_SECONDS = 60.0
"""Longer than a store takes to answer two calls."""


def tags_of_child(client: MlflowClient, header: Record, experiment_id: str) -> dict[str, str]:
    """The tags by which a new run is one of its group's repeats. Raises what MLflow raises."""
    return {PARENT: _parent_id(client, header, experiment_id), **_labels(header)}


def join_group(client: MlflowClient, header: Record, run_id: str) -> None:
    """Make a run that was there before one of the group's repeats; one that is nested already keeps its parent.

    Raises what MLflow raises.
    """
    from mlflow.entities import RunTag

    run = client.get_run(run_id)
    missing = {name: value for name, value in _labels(header).items() if name not in run.data.tags}
    if PARENT not in run.data.tags:
        missing[PARENT] = _parent_id(client, header, str(run.info.experiment_id))
    if missing and missing.get(PARENT) != run_id:
        client.log_batch(run_id, tags=[RunTag(name, names.as_tag(value)) for name, value in missing.items()])


def experiment_of_parent(client: MlflowClient, header: Record) -> str | None:
    """The experiment of a parent that was there before; `None` if there is none. Raises what MLflow raises."""
    parent = (header.get("group") or {}).get("run_id")
    run = _found(client, parent) if parent else None
    return str(run.info.experiment_id) if run else None


def tag_parent(store: Store, run_id: str) -> None:
    """Bring the tags of a run's parent up to date with those of all its children, where these are the repeats of one
    configuration, and end the parent with the last of them if it was made for them.

    A parent with a verdict on a training of its own keeps that. Raises what MLflow raises.
    """
    child = store.run(run_id)
    parent_id = child.data.tags.get(PARENT)
    if parent_id is None:
        return
    with _one_at_a_time(parent_id):
        parent = store.run(parent_id)
        experiments = {str(run.info.experiment_id) for run in (parent, child)}
        children = store.children(sorted(experiments), parent_id, MOST_CHILDREN)
        _tag(store, parent, children)
        if ID in parent.data.tags and not schema.is_tracked(_without_configuration(parent)):
            _end(store, parent, children)


def _tag(store: Store, parent: Run, children: list[Run]) -> None:
    own = schema.DIAGNOSIS.read(parent.data.tags)
    if own is not None and not schema.is_configuration(parent.data.tags):
        return
    repeats = []
    for run in map(LoggedRun.of, children):
        dev_set, n_train = own_sets(run)
        repeats.append(RepeatedRun.of(run, run.tags, dev_set=dev_set, n_train=n_train))
    source = schema.SOURCE.read(parent.data.tags) or OF_GROUP
    found = tags_of_parent([repeat for repeat in repeats if repeat is not None], source)
    if found is None:
        return
    repeated, tags = found
    logged = LoggedRun.of(parent)
    shown = {name: latest.value for name, latest in logged.verdict.items()}
    note = with_users_text(note_of_repeats(repeated, schema.MEASURE.read(tags), logged.run_id), logged.tags.get(names.NOTE, ""))
    news = {name: value for name, value in {**tags, names.NOTE: note}.items() if logged.tags.get(name) != value}
    store.write(logged, news, dict(unlike(verdict_metrics(repeated.verdict), shown)))


def _end(store: Store, parent: Run, children: list[Run]) -> None:
    """Give a parent of our own the status of its children: that of the last one, once none runs any more."""
    states = [STATUS.get(schema.STATE.read(run.data.tags) or "", str(run.info.status)) for run in children]
    status = "RUNNING" if "RUNNING" in states else states[-1] if states else str(parent.info.status)
    if status != parent.info.status:
        store.set_status(str(parent.info.run_id), status)


def _without_configuration(parent: Run) -> schema.Tags:
    """The parent's tags, but for those of the verdict over its children."""
    return {} if schema.is_configuration(parent.data.tags) else parent.data.tags


def _labels(header: Record) -> dict[str, str]:
    return {GROUP: header["group"]["name"], **header["group"]["labels"]}


def _parent_id(client: MlflowClient, header: Record, experiment_id: str) -> str:
    """The group's parent: the run that was there before, else the one that was made for it, else a new one."""
    group = header["group"]
    if group["run_id"] and _found(client, group["run_id"]):
        return str(group["run_id"])
    with _one_at_a_time(group["id"]):
        of_group = f"tags.`{ID}` = '{group['id']}'"
        for run in client.search_runs([experiment_id], of_group, max_results=1):
            if run.info.status != "RUNNING":
                client.update_run(run.info.run_id, "RUNNING")  # another of its children begins
            return str(run.info.run_id)
        about = {name: value for name, value in header["tags"].items() if name != ID}
        tags = {name: names.as_tag(value) for name, value in {ID: group["id"], **about}.items()}
        made = client.create_run(experiment_id, group["began"], tags, names.as_name(group["name"]))
        return str(made.info.run_id)


def _found(client: MlflowClient, run_id: str) -> Run | None:
    """The run; `None` if the store has none of this id, or has deleted it."""
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if not is_missing(error):
            raise
        return None
    return run if run.info.lifecycle_stage != "deleted" else None


@contextlib.contextmanager
def _one_at_a_time(group: str) -> Iterator[None]:
    """Within a `with` block, no other process of this user on this machine does the same for the group."""
    guard = passing_journal_dir() / f"group-{group}"
    lock = None
    with contextlib.suppress(Held):
        lock = acquired(guard, LOCK_SECONDS)
    try:
        yield
    finally:
        if lock is not None:
            remove_file(guard)
            lock.release()

"""The verdict on any run in MLflow as plain data, with its links."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bvtrack.auditing.stored_content import content_of
from bvtrack.auditing.stored_run import StoredRun, read_rest
from bvtrack.report.summary import plain, summary_of
from bvtrack.schema import names, saved_view, tags
from bvtrack.shipping.unfinished import wait_for_unfinished
from bvtrack.store.reader import Store
from bvtrack.store.run_reference import RunReference, find_run, read_reference
from bvtrack.store.target import check_file, checked_uri, current_uri, is_uri_set
from bvtrack.tracking_uri.address import page_on

if TYPE_CHECKING:
    from mlflow.entities import Experiment, Run

SCHEMA_VERSION = 1
"""Version of the data: additions leave it as it is."""
NOT_YET = "the training has logged no error so far; the verdict comes with its first epoch"
NO_VERDICT: Mapping[str, Any] = {
    **{"verdict": None, "evidence": None, "steps": [], "findings": []},
    **{"repeats": None, "configuration": None},
}


def show(run: str, *, tracking_uri: str | None = None, experiment: str | None = None) -> dict[str, Any]:
    """The verdict on a run in MLflow, whatever logged it, as `bvtrack show --json` prints it; nothing is written.

    `run` is its id, the beginning of it (at least four characters), its name, or the address of its page; `experiment` is the
    name of the experiment in which names and beginnings are looked up, by default all. `tracking_uri` defaults to MLflow's own
    setting, and without one to the server of the address. `docs/show.schema.json` describes the result.

    Raises `ValueError`, with what there is, if there is no such run or several, for a deleted run, and for a malformed
    tracking URI, and MLflow's own exceptions if it does not respond. What this process's trainings have sent is waited for.

    >>> show("4f1c2b9e")["verdict"]["diagnosis"]  # doctest: +SKIP
    'high_variance'
    """
    reference = read_reference(run)
    wait_for_unfinished()
    return shown_run(Store(opened_uri(reference, tracking_uri)), reference, experiment)


def opened_uri(reference: RunReference, tracking_uri: str | None) -> str:
    """The tracking URI of the store in which to look for a run. Raises `ValueError` if it cannot be opened.

    A page's own server comes last: credentials from the environment must go to no address that was only pasted.
    """
    of_page = None if is_uri_set() else reference.server
    uri = checked_uri(tracking_uri or of_page or current_uri())
    check_file(uri)
    return uri


def shown_run(store: Store, reference: RunReference, experiment: str | None = None) -> dict[str, Any]:
    """The result of `show`. Raises what `show` raises."""
    logged = find_run(store, reference, experiment)
    stored = read_rest(store, logged)
    found, why_not = _summary(stored)
    status = "diagnosed" if why_not is None else "not_diagnosed"
    if why_not is not None and _is_at_work(logged):
        status, why_not = "pending", NOT_YET
    of_experiment = store.experiment(str(logged.info.experiment_id))
    shown: dict[str, Any] = plain(
        {
            "schema_version": SCHEMA_VERSION,
            "status": status,
            "why_not": why_not,
            "run": _facts(stored, of_experiment),
            **{name: found[name] for name in ("verdict", "evidence", "repeats", "configuration", "steps")},
            "split": {
                "tag": tags.SPLIT.read(stored.run.tags),
                "distribution": tags.DISTRIBUTION.read(stored.run.tags),
                "findings": found["findings"],
            },
            "weights": stored.choice.weights.as_json() if stored.choice.weights else None,
            "examples": stored.choice.examples or None,
            "links": _links(store, stored, of_experiment),
        }
    )
    return shown


def _summary(stored: StoredRun) -> tuple[Mapping[str, Any], str | None]:
    """The summary of the run's verdict, or why there is none."""
    try:
        return summary_of(content_of(stored)), None
    except ValueError as error:
        return NO_VERDICT, str(error)


def _is_at_work(logged: Run) -> bool:
    """True while a callback or a Tracker may still come to a verdict."""
    known = logged.data.tags
    is_awaited = tags.is_tracked(known) or known.get(tags.DIAGNOSIS.name) == tags.PENDING
    return is_awaited and logged.info.status in ("RUNNING", "SCHEDULED")


def _facts(stored: StoredRun, experiment: Experiment) -> dict[str, Any]:
    run, address = stored.run, stored.address
    return {
        "run_id": address.run_id,
        "name": run.name,
        "experiment_id": address.experiment_id,
        "experiment": experiment.name,
        "tracking_uri": address.tracking_uri,
        "source": tags.SOURCE.read(run.tags),
        "state": tags.STATE.read(run.tags),
    }


def _links(store: Store, stored: StoredRun, experiment: Experiment) -> dict[str, str | None]:
    """Addresses in MLflow's UI; without a server the command that opens it."""
    address = stored.address
    pages = {"run": address.link, "report": None, "view": None, "command": None}
    if address.link is None:
        return pages | {"command": f"bvtrack ui --tracking-uri {shlex.quote(address.tracking_uri)}"}
    if store.has_artifact(address.run_id, names.REPORT_FILE):
        report = names.run_page(address.experiment_id, address.run_id, names.REPORT_FILE)
        pages["report"] = page_on(address.tracking_uri, report)
    if saved_view.TAG in experiment.tags:
        pages["view"] = page_on(address.tracking_uri, names.view_page(address.experiment_id))
    return pages

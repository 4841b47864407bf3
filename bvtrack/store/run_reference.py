"""Which run is meant: an id, the beginning of one, a name, or the address of a run's page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bvtrack.store.mlflow_errors import is_missing
from bvtrack.store.target import without_credentials
from bvtrack.text import shortened
from bvtrack.tracking_uri.address import is_server

if TYPE_CHECKING:
    from mlflow.entities import Run

    from bvtrack.store.reader import Store

_ID = r"[a-zA-Z0-9][\w-]{0,255}"
"""MLflow's own pattern for run ids."""
_OF_PAGE = re.compile(rf"(?:^|/)runs/({_ID})(?=[/?#]|$)")
"""In the address of a run's page in MLflow's UI and in Databricks', and of each of its tabs."""
_OF_ARTIFACTS = re.compile(rf"runs:/+({_ID})(?=/|$)")
_WHOLE_ID = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)
_BEGINNING = re.compile(r"[a-zA-Z0-9][\w-]{3,255}")
"""Four characters: fewer begin the ids of too many runs."""
_UNSAFE = re.compile(r"[^\w .,:;/()+=-]")
"""What a pattern of `LIKE` could misread, in one of the databases; each becomes the wildcard for one character."""
SHOWN_RUNS = 5


@dataclass(frozen=True, slots=True)
class RunReference:
    """What was given for a run: `run_id` if it names its id, and the `server` of the page whose address it is."""

    given: str
    run_id: str | None = None
    server: str | None = None


def read_reference(given: str) -> RunReference:
    """Parse what was given for a run. Raises `ValueError` for an address that is not of the page of one run.

    >>> read_reference("http://localhost:5000/#/experiments/1/runs/4f1c/artifacts?workflowType=machine_learning")
    RunReference(given='4f1c', run_id='4f1c', server='http://localhost:5000')
    >>> read_reference("runs:/4f1c/model").run_id, read_reference(" wide net ").given
    ('4f1c', 'wide net')
    """
    text = given.strip()
    if of_artifacts := _OF_ARTIFACTS.match(text):
        return RunReference(of_artifacts[1], of_artifacts[1])
    if not is_server(text) and not text.startswith(("#/", "/#/")):
        return RunReference(text)
    server, mark, page = text.partition("#")
    found = _OF_PAGE.search(page if mark else text)
    if found is None:
        shown = without_credentials(text) if is_server(text) else text
        raise ValueError(f"expected the address of a run's page, as .../#/experiments/1/runs/4f1c…, got {shown!r}")
    is_mlflows = bool(mark) and is_server(server)
    return RunReference(found[1], found[1], server.partition("?")[0].rstrip("/") if is_mlflows else None)


def find_run(store: Store, reference: RunReference, experiment: str | None = None) -> Run:
    """The run that is meant: one that is deleted only where its whole id was given.

    Raises `ValueError`, with what there is, if there is no such run or several, and MLflow's own exceptions.
    """
    given = reference.given
    if reference.run_id is not None or _WHOLE_ID.fullmatch(given):
        for run_id in dict.fromkeys((given, given.lower())):
            if (run := _run_with_id(store, run_id)) is not None:
                return run
    within = [store.experiment_id(experiment)] if experiment is not None else store.all_experiment_ids()
    found = [] if reference.run_id is not None else _candidates(store, within, given)
    if len(found) == 1:
        return found[0]
    raise ValueError(_ambiguous(given, found) if found else _missing(store, within, reference))


def _run_with_id(store: Store, run_id: str) -> Run | None:
    try:
        return store.run(run_id)
    except Exception as error:  # a store may be a plugin's
        if is_missing(error):
            return None
        raise


def _candidates(store: Store, experiment_ids: Sequence[str], given: str) -> list[Run]:
    """The runs of this name, and those whose id begins so, newest first."""
    found: dict[str, Run] = {}
    for run in _matching(store, experiment_ids, "run_name", given):
        if run.info.run_name == given:
            found[run.info.run_id] = run
    if _BEGINNING.fullmatch(given):
        beginning = given.lower()
        for run in _matching(store, experiment_ids, "run_id", given, beginning):
            if run.info.run_id.startswith((given, beginning)):
                found[run.info.run_id] = run
    return sorted(found.values(), key=lambda run: run.info.start_time or 0, reverse=True)


def _matching(store: Store, experiment_ids: Sequence[str], attribute: str, *given: str) -> Iterator[Run]:
    """The runs whose attribute is like this, for databases that compare in their own ways; of an id, its beginning."""
    end = "%" if attribute == "run_id" else ""
    for text in dict.fromkeys(given):
        for page in store.pages(experiment_ids, f"attributes.{attribute} LIKE '{_UNSAFE.sub('_', text)}{end}'"):
            yield from page


def _ambiguous(given: str, found: Sequence[Run]) -> str:
    several = f"expected one run, found {len(found):,} for {shortened(given, 80)!r}"
    return f"{several}: {_listed(found)}; give the id of one"


def _missing(store: Store, experiment_ids: Sequence[str], reference: RunReference) -> str:
    where = without_credentials(store.tracking_uri)
    what = "id" if reference.run_id is not None else "id, beginning of an id, or name"
    newest = store.newest_runs(experiment_ids, SHOWN_RUNS)
    there = f"; the newest there: {_listed(newest)}" if newest else ", which holds no runs"
    return f"expected a run, found none of this {what}, {shortened(reference.given, 80)!r}, in {where}{there}"


def _listed(runs: Sequence[Run]) -> str:
    shown = [
        f"{run.info.run_id} ({shortened(run.info.run_name or 'no name', 40)}, {_started(run)})" for run in runs[:SHOWN_RUNS]
    ]
    return ", ".join([*shown, *(["…"] if len(runs) > SHOWN_RUNS else [])])


def _started(run: Run) -> str:
    started = datetime.fromtimestamp((run.info.start_time or 0) / 1000, UTC)
    return f"{started:%Y-%m-%d %H:%M} UTC"

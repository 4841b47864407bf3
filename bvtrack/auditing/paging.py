"""Process runs page by page, concurrently; only one page is held in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from bvtrack.auditing.audited import Audited, skipped
from bvtrack.logged.unknown import Unknown
from bvtrack.store.logged_run import PARENT, LoggedRun
from bvtrack.store.mlflow_errors import short_cause

if TYPE_CHECKING:
    from mlflow.entities import Run

REFUSED = "refused by MLflow"
Task = Callable[[LoggedRun], Audited]


def map_runs(task: Task, pages: Iterable[Iterable[Run]], *, threads: int, uri: str) -> Iterator[Audited]:
    """Apply `task` to each run, in order. A run that MLflow at `uri` refuses is skipped, and the others go on."""
    with ThreadPoolExecutor(threads) as pool:
        for page in pages:
            parents = {run.data.tags[PARENT] for run in page if PARENT in run.data.tags}
            yield from pool.map(partial(_try_run, task, parents, uri), page)


def _try_run(task: Task, parents: Collection[str], uri: str, found: Run) -> Audited:
    from mlflow.exceptions import MlflowException

    run = LoggedRun(found.info.run_id, found.info.run_name or found.info.run_id)
    try:
        run = LoggedRun.of(found, is_parent=run.run_id in parents)
        return task(run)
    except (MlflowException, OSError) as error:
        if getattr(error, "error_code", None) == "PERMISSION_DENIED":
            return skipped(run, Unknown(REFUSED, "MLflow does not let you tag it; ask for permission to edit its experiment"))
        return skipped(run, Unknown(REFUSED, f"MLflow refused to read or tag it ({short_cause(error, uri)})"))
    except Exception as error:  # one unforeseen run must not end an audit of ten thousand
        return skipped(
            run, Unknown("not understood", f"it could not be read ({type(error).__name__}: {error}); please report it")
        )

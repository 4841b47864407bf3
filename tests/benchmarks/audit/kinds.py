"""What an audit makes of each way to log a run, as the table in docs/trust/audits.md: real trainings by what is installed here;
and what our own callback says of the same training.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import tempfile
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")

from autologged import EXPERIMENT, KINDS, TRACKED, track_all, train_all
from mlflow import MlflowClient

import bvtrack
from bvtrack import Audited


def row(kind: str, audited: Audited | None, tracked: str) -> str:
    if audited is None:
        return f"| {kind} | | | its package is not installed | |"
    found = ", ".join(f"{stage} `{name}`" for stage, name in audited.metrics.items())
    diagnosed = f"`{audited.verdict}` ({audited.certainty})" if audited.tag else ""
    split = f"`{audited.split}`" if audited.split not in (None, "unchecked") else ""
    return f"| {kind} | {found} | {diagnosed} | {split} | {audited.why_not or ''} | {tracked} |"


def tracked_verdicts(store: str) -> dict[str, str]:
    """By kind, the diagnosis, its certainty and the split, as the tags of the run with our callback have them."""
    client = MlflowClient(store)
    experiment = client.get_experiment_by_name(TRACKED)
    assert experiment is not None
    runs = {run.info.run_name or "": run.data.tags for run in client.search_runs([experiment.experiment_id])}
    names = ("bvtrack.diagnosis", "bvtrack.certainty", "bvtrack.split")
    return {kind: "`{}` ({}), `{}`".format(*(tags.get(name, "-") for name in names)) for kind, tags in runs.items()}


def main() -> None:
    logging.disable(logging.WARNING)
    os.environ["BVTRACK_WAIT"] = "30"
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        store = f"sqlite:///{Path(folder, 'mlflow.db')}"
        with contextlib.redirect_stdout(io.StringIO()):
            train_all(KINDS, store)
            track_all(KINDS, store)
        runs = {audited.name: audited for audited in bvtrack.audit(EXPERIMENT, tracking_uri=store, dry_run=True)}
        tracked = tracked_verdicts(store)
    print("| logged by | found | diagnosed | split | why not | our callback says |\n|---|---|---|---|---|---|")
    for kind in KINDS:
        print(row(kind.name, runs.get(kind.name), tracked.get(kind.name, "")))


if __name__ == "__main__":
    main()

"""What an audit makes of each way to log a run: real trainings by what is installed here, as the table in the README."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import tempfile
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")

from autologged import EXPERIMENT, KINDS, train_all

import bvtrack
from bvtrack import Audited


def row(kind: str, audited: Audited | None) -> str:
    if audited is None:
        return f"| {kind} | | | its package is not installed |"
    found = ", ".join(f"{stage} `{name}`" for stage, name in audited.metrics.items())
    diagnosed = f"`{audited.verdict}` ({audited.certainty})" if audited.tag else ""
    split = f"`{audited.split}`" if audited.split not in (None, "unchecked") else ""
    return f"| {kind} | {found} | {diagnosed} | {split} | {audited.why_not or ''} |"


def main() -> None:
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        store = f"sqlite:///{Path(folder, 'mlflow.db')}"
        with contextlib.redirect_stdout(io.StringIO()):
            train_all(KINDS, store)
        runs = {audited.name: audited for audited in bvtrack.audit(EXPERIMENT, tracking_uri=store, dry_run=True)}
    print("| logged by | found | diagnosed | split | why not |\n|---|---|---|---|---|")
    for kind in KINDS:
        print(row(kind.name, runs.get(kind.name)))


if __name__ == "__main__":
    main()

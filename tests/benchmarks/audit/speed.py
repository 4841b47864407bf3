"""What an audit of many runs takes, beside the MLflow calls that it cannot do without: time and the peak of memory.

The calls are a search for each 1,000 runs, two histories for each run (train and dev), and one `log_batch` of its tags. Each
measurement is a process of its own on a copy of one SQLite store, with as many threads.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from bvtrack.auditing.audit import THREADS
from bvtrack.auditing.experiments import WRITTEN, Auditing

EPOCHS = 20
COPIED = ("runs", "metrics", "latest_metrics", "params", "tags")


def make_store(folder: Path, n_runs: int) -> Path:
    """A store with `n_runs` like those that Keras logs, copied from one row by row."""
    store = folder / f"{n_runs}.db"
    client = MlflowClient(f"sqlite:///{store}")
    run_id = client.create_run("0").info.run_id
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    metrics = [Metric(name, 1 / (2 + epoch), epoch, epoch) for name in names for epoch in range(EPOCHS)]
    params = [Param(f"optimizer_{index}", str(index)) for index in range(20)]
    client.log_batch(run_id, metrics, params)
    client.set_terminated(run_id)
    with sqlite3.connect(store) as database:
        for table in COPIED:
            _copy_rows(database, table, run_id, [uuid.UUID(int=index).hex for index in range(n_runs - 1)])
    return store


def _copy_rows(database: sqlite3.Connection, table: str, run_id: str, copies: list[str]) -> None:
    names = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    rows = database.execute(f"SELECT * FROM {table} WHERE run_uuid = ?", [run_id]).fetchall()
    place = names.index("run_uuid")
    copied = ((*row[:place], copy, *row[place + 1 :]) for copy in copies for row in rows)
    database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(names))})", copied)


def call_raw(uri: str) -> int:
    """The calls by themselves, with the tags that an audit writes."""
    client = MlflowClient(uri)
    tags = [RunTag(name, "x" * 30) for name in TAGS]

    def one(run_id: str) -> None:
        for name in ("accuracy", "val_accuracy"):
            client.get_metric_history(run_id, name)
        client.log_batch(run_id, tags=tags)

    n_runs, token = 0, None
    with ThreadPoolExecutor(THREADS) as pool:
        while n_runs == 0 or token:
            page = client.search_runs(["0"], order_by=["start_time ASC"], page_token=token)
            n_runs += len(list(pool.map(one, [run.info.run_id for run in page])))
            token = page.token
    return n_runs


TAGS = [*WRITTEN, "bvtrack.model.optimizer"]


def audit(uri: str) -> int:
    """The audit as the command does it."""
    return sum(audited.tag is not None for audited in Auditing(uri).runs_of("Default"))


WAYS: dict[str, Callable[[str], int]] = {"raw": call_raw, "audit": audit}


def measure(way: str, store: Path) -> dict[str, Any]:
    """Seconds and peak memory of one way, in a process of its own."""
    output = subprocess.run(
        [sys.executable, __file__, "--way", way, "--store", str(store)], capture_output=True, text=True, check=True
    )
    result: dict[str, Any] = json.loads(output.stdout.splitlines()[-1])
    return result


def say(way: str, store: Path) -> None:
    MlflowClient(f"sqlite:///{store}").get_experiment("0")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    n = WAYS[way](f"sqlite:///{store}")
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"runs": n, "seconds": seconds, "peak": peak / 1024, "grown": (peak - before) / 1024}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--store", type=Path)
    arguments = parser.parse_args()
    if arguments.way:
        say(arguments.way, arguments.store)
        return
    with tempfile.TemporaryDirectory() as folder:
        for n_runs in arguments.runs:
            store = make_store(Path(folder), n_runs)
            copy = Path(shutil.copy(store, Path(folder) / "copy.db"))
            for name, way, where in (("raw calls", "raw", copy), ("audit", "audit", store), ("audit again", "audit", store)):
                found = measure(way, where)
                print(f"{n_runs:>7,} runs  {name:<12} {found['seconds']:7.1f} s  {found['peak']:6.0f} MB", flush=True)


if __name__ == "__main__":
    main()

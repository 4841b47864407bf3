"""What an audit of many runs takes, beside the MLflow calls that it cannot do without: time on the clock, the processor's time
of the auditing process, and the peak of memory.

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
from servers import running

from bvtrack.auditing.baseline import THREADS
from bvtrack.auditing.experiments import Auditing
from bvtrack.schema.tags import TAGS

EPOCHS = 20
COPIED = ("runs", "metrics", "latest_metrics", "params", "tags")


def make_store(folder: Path, n_runs: int) -> Path:
    """A store with `n_runs` like those that Keras logs, copied from one row by row."""
    store = folder / f"{n_runs}.db"
    client = MlflowClient(f"sqlite:///{store}")
    run_id = client.create_run("0").info.run_id
    errors = {"loss": 0.9, "accuracy": 0.6, "val_loss": 1.1, "val_accuracy": 0.8}
    values = {name: [error / (2 + epoch) for epoch in range(EPOCHS)] for name, error in errors.items()}
    values |= {name: [1 - error for error in some] for name, some in values.items() if name.endswith("accuracy")}
    metrics = [Metric(name, value, epoch, epoch) for name, some in values.items() for epoch, value in enumerate(some)]
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
    tags = [RunTag(name, "x" * 30) for name in WRITTEN]

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


WRITTEN = [tag.name for tag in TAGS if "audit" in tag.writers]


def audit(uri: str) -> int:
    """The audit as the command does it."""
    return sum(audited.tag is not None for audited in Auditing(uri).runs_of("Default"))


WAYS: dict[str, Callable[[str], int]] = {"raw": call_raw, "audit": audit}


def measure(way: str, uri: str) -> dict[str, Any]:
    """Seconds and peak memory of one way, in a process of its own."""
    command = [sys.executable, __file__, "--way", way, "--uri", uri]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result


def say(way: str, uri: str) -> None:
    MlflowClient(uri).get_experiment("0")  # so that what is imported and opened first is not measured
    start, used = time.perf_counter(), time.process_time()
    n_runs = WAYS[way](uri)
    seconds, processor = time.perf_counter() - start, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"runs": n_runs, "seconds": seconds, "processor": processor, "peak": peak}))


def measure_all(n_runs: int, where: str, *, raw: str, audited: str) -> None:
    """Print what each way takes, on two stores that are alike."""
    for name, way, uri in (("raw calls", "raw", raw), ("audit", "audit", audited), ("audit again", "audit", audited)):
        found = measure(way, uri)
        times = f"{found['seconds']:.1f} s | {found['processor']:.1f} s"
        print(f"| {where} | {n_runs:,} | {name} | {times} | {found['peak']:.0f} MB |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, nargs="*", default=[1000, 10_000])
    parser.add_argument("--server-runs", type=int, nargs="*", default=[1000])
    parser.add_argument("--way", choices=WAYS, help="(for the script's own processes)")
    parser.add_argument("--uri")
    arguments = parser.parse_args()
    if arguments.way:
        say(arguments.way, arguments.uri)
        return
    print("| store | runs | | time | of the processor | peak memory |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for n_runs in sorted({*arguments.runs, *arguments.server_runs}):
            store = make_store(folder, n_runs)
            copies = [shutil.copy(store, folder / f"{n_runs}-{index}.db") for index in range(4)]
            raw, audited, raw_behind, audited_behind = (f"sqlite:///{copy}" for copy in copies)
            if n_runs in arguments.runs:
                measure_all(n_runs, "SQLite file", raw=raw, audited=audited)
            if n_runs in arguments.server_runs:
                with running(raw_behind, folder) as one, running(audited_behind, folder) as other:
                    measure_all(n_runs, "server", raw=one.uri, audited=other.uri)


if __name__ == "__main__":
    main()

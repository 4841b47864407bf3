"""What happens when the store is down, slow or behind: the figures of docs/operate/index.md, beside MLflow's own ways to log.

Each part prints its own lines; all take about six minutes, `--peers` some more: one call of MLflow's to a dead server blocks
for minutes, which is the point. Rates are medians of interleaved pairs in one process.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import socket
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import mlflow
import torch
from mlflow import MlflowClient
from torch import nn

sys.path.insert(0, str(Path(__file__).parent.parent))

from servers import free_port, kill_sender, running

from bvtrack import Tracker
from bvtrack.journal.folder import unsent_journals
from bvtrack.shipping.process import ShipperProcess
from bvtrack.shipping.shipper import send_left_behind
from bvtrack.shipping.thread import ShipperThread
from bvtrack.store.mlflow_settings import settle_mlflow

N_POINTS = 100_000
POINTS_PER_EPOCH = 4
N_EPOCHS = N_POINTS // POINTS_PER_EPOCH
CALLS = 300


def log(tracker: Tracker, epoch: int) -> None:
    """One epoch of four points: two errors and two gaps."""
    error = 0.1 + 0.5 / (epoch + 1)
    tracker.log_epoch(epoch, train_error=error, dev_error=error + 0.01 + epoch % 7 / 1000)


@contextmanager
def dead_servers() -> Iterator[dict[str, str]]:
    """A server that refuses connections, and one that takes them and never answers."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        yield {
            "refuses": f"http://127.0.0.1:{free_port()}",
            "hangs": f"http://127.0.0.1:{silent.getsockname()[1]}",
        }


def milliseconds(call: Callable[[], object]) -> float:
    before = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - before)


def stalls(folder: Path) -> None:
    """The longest call on the training thread while the server is down, the first one, which starts the process, apart."""
    with dead_servers() as servers:
        for name, uri in servers.items():
            tracker = Tracker(tracking_uri=uri, journal_dir=folder / name)
            first = milliseconds(partial(log, tracker, 0))
            times = []
            for epoch in range(1, CALLS):
                time.sleep(0.02)
                times.append(milliseconds(partial(log, tracker, epoch)))
            end = milliseconds(tracker.close)
            median, longest = statistics.median(times), max(times)
            print(f"server {name}: log_epoch median {median:.2f} ms, longest of {CALLS} {longest:.1f} ms")
            print(f"  the first call {first:.0f} ms; close() {end / 1000:.1f} s", flush=True)


def peer_stalls() -> None:
    """One call of MLflow's own to the server that refuses connections."""
    with dead_servers() as servers:
        client = MlflowClient(servers["refuses"])

        def call() -> None:
            with suppress(mlflow.exceptions.MlflowException):
                client.log_metric("0" * 32, "loss", 0.1)

        print(f"MlflowClient.log_metric, server refuses: {milliseconds(call) / 1000:.0f} s, then it raises", flush=True)


class TinyTraining:
    """Steps of a small network, as many a second as the processor gives."""

    def __init__(self) -> None:
        self._model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))
        self._optimizer = torch.optim.SGD(self._model.parameters(), 0.01)
        self._x, self._y = torch.randn(32, 16), torch.randint(0, 2, (32,))

    def steps_per_second(self, seconds: float) -> float:
        n_steps, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            self._optimizer.zero_grad()
            loss: torch.Tensor = nn.functional.cross_entropy(self._model(self._x), self._y)
            torch.autograd.backward(loss)
            self._optimizer.step()
            n_steps += 1
        return n_steps / (time.perf_counter() - start)


def backlog(folder: Path, n_epochs: int = N_EPOCHS) -> Path:
    """A journal of 100,000 points, or of so many epochs, that nobody has sent."""
    tracker = Tracker(tracking_uri=f"http://127.0.0.1:{free_port()}", journal_dir=folder)
    for epoch in range(n_epochs):
        log(tracker, epoch)
    link = tracker._logbook._link
    assert link is not None
    assert isinstance(link._shipper, ShipperProcess)
    kill_sender(link._shipper._process)
    tracker.close(timeout=0)
    (journal,) = unsent_journals(folder)
    return journal


def slowdown(folder: Path, rounds: int) -> None:
    """The speed of a tiny training while the backlog ships into SQLite: by our process, our thread, or one without a limit."""
    import bvtrack.shipping.thread as thread

    training = TinyTraining()
    whole, part = backlog(folder / "backlog"), backlog(folder / "part", N_EPOCHS // 10)  # a thread must be waited for
    training.steps_per_second(2)
    ways: dict[str, tuple[Callable[[Path, str], ShipperProcess | ShipperThread], float]] = {
        "a process": (ShipperProcess, thread.SHARE),
        "a thread at work 5 % of the time": (ShipperThread, thread.SHARE),
        "a thread without a limit": (ShipperThread, 1.0),
    }
    for name, (start, share) in ways.items():
        ratios, sent = [], []
        source = whole if start is ShipperProcess else part
        for number in range(rounds):
            place = folder / f"{name[2:12].strip()}-{share}-{number}"
            shutil.copytree(source, place / source.name)
            bare = training.steps_per_second(3)
            thread.SHARE = share
            shipper = start(place / source.name, f"sqlite:///{place}/mlflow.db")
            while shipper.progress.offset == 0 and not shipper.has_ended:  # the start-up is in the cost benchmark
                training.steps_per_second(0.1)
            before = shipper.progress.offset
            ratios.append(training.steps_per_second(3) / bare)
            sent.append(shipper.progress.offset - before)
            if isinstance(shipper, ShipperProcess):
                kill_sender(shipper._process)
            else:
                shipper._is_over.set()
                shipper._thread.join(120)
        low, middle, high = statistics.quantiles(ratios, n=4) if rounds > 1 else ratios * 3
        print(
            f"sent by {name}: {middle:.2f} of bare ({low:.2f} to {high:.2f}), {statistics.median(sent) / 3e3:.0f} KB/s",
            flush=True,
        )


def n_rows(database: Path) -> int:
    with sqlite3.connect(database) as connection:
        return int(connection.execute("select count(*) from metrics").fetchone()[0])


def replay(folder: Path) -> None:
    """100,000 points to a local HTTP server, and the same journal again as if nothing were known of the first time."""
    source = backlog(folder / "replayed")
    settle_mlflow()
    with running(f"sqlite:///{folder}/replay.db", folder) as server:
        for attempt in ("once", "again"):
            journal = folder / attempt / source.name
            shutil.copytree(source, journal)
            (journal / "progress.json").unlink(missing_ok=True)
            before = time.perf_counter()
            send_left_behind(journal, server.uri)
            seconds = time.perf_counter() - before
            print(f"{N_POINTS} points sent {attempt}: {seconds:.1f} s, {n_rows(folder / 'replay.db')} rows", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", action="store_true", help="also the call of MLflow's that blocks for minutes")
    arguments = parser.parse_args()
    logging.getLogger("bvtrack").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stalls(folder)
        replay(folder)
        slowdown(folder, arguments.rounds)
    if arguments.peers:
        peer_stalls()


if __name__ == "__main__":
    main()

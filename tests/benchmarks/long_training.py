"""What a training of 100,000 epochs costs at its end, and what it did at its beginning. Prints Markdown tables (`make bench`).

Times are of the processor, of the calling thread in `log_epoch` and of the whole process in the sender, medians of windows; a
part runs in a process of its own, so that memory is what it alone holds.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import multiprocessing
import os
import random
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from idle_shipper import IdleShipper

import bvtrack.tracking.outbox
from bvtrack import Tracker
from bvtrack.error_rates.within_noise import Difference
from bvtrack.journal.folder import size_of
from bvtrack.shipping.process import ShipperProcess

MARKS = (10, 1_000, 10_000, 100_000)
WINDOW = 100
"""Calls around a mark that are timed; before the first one, as many as there are."""
PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
SETS = ("train", "train_dev", "dev", "test")
SIZES = {"train": 60_000, "train_dev": 5_000, "dev": 10_000, "test": 10_000}


def best_each_time(epoch: int) -> float:
    return 0.1 + 0.3 / (1 + epoch / 50)


def best_at_once(epoch: int) -> float:
    return 0.4 - 0.3 / (1 + epoch / 50)


def noisy(epoch: int) -> float:
    return 0.2 + 0.05 / (1 + epoch / 50) + random.Random(epoch).gauss(0, 0.005)


def with_gaps(epoch: int) -> float:
    """One that is no number now and then."""
    return math.nan if epoch % 7 == 3 else noisy(epoch)


CURVES: Mapping[str, Callable[[int], float]] = {
    "each epoch the best": best_each_time,
    "the first one the best": best_at_once,
    "noisy": noisy,
    "not a number now and then": with_gaps,
}


def log_errors(tracker: Tracker, epoch: int, dev: float) -> None:
    """All that an epoch can have: four errors, their counts and intervals, and the running one."""
    errors = {"train": dev / 2, "train_dev": dev * 0.9, "dev": dev, "test": dev * 1.05}
    ends = {name: (error * 0.9, error * 1.1) for name, error in errors.items()}
    arguments: dict[str, Any] = {f"{name}_error": error for name, error in errors.items()}
    arguments |= {f"n_{name}": n for name, n in SIZES.items()}
    tracker.log_epoch(epoch, **arguments, intervals=ends, train_error_running=dev * 0.7)


def log_loss(tracker: Tracker, epoch: int, dev: float) -> None:
    """The same of a loss, which keeps its own values beside the errors."""
    log_errors(tracker, epoch, 10 * dev)


def log_everything(tracker: Tracker, epoch: int, dev: float) -> None:
    """The errors, and each time the weights to keep and the examples that are wrong."""
    log_errors(tracker, epoch, dev)
    near = range(max(0, epoch - 128), epoch)
    tracker.log_weights(
        best=epoch,
        differences={one: Difference(0.01, 0.02) for one in near},
        checkpoints={one: f"/home/somebody/checkpoints/epoch={one}.ckpt" for one in near},
        has_checkpoints=True,
    )
    worst = [{"index": one, "true": "seven", "predicted": "one", "probability": 0.01} for one in range(10)]
    tracker.log_examples(epoch, {"set": "dev", "kind": "classes", "n": 10_000, "wrong": 1_000, "worst": worst})


def resident() -> float:
    """This process's memory in megabytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6


def train(tracker: Tracker, curve: str, log: Callable[[Tracker, int, float], None], n_epochs: int) -> dict[str, Any]:
    """Log so many epochs; microseconds of the thread at each mark, and the memory beyond that of the first epochs."""
    taken: dict[int, list[int]] = {mark: [] for mark in MARKS}
    marked = {epoch: mark for mark in MARKS for epoch in range(max(1, mark - WINDOW), min(mark + 1, n_epochs))}
    before, held = 0.0, {}
    for epoch in range(n_epochs):
        dev = CURVES[curve](epoch)
        began = time.thread_time_ns()
        log(tracker, epoch, dev)
        if epoch in marked:
            taken[marked[epoch]].append(time.thread_time_ns() - began)
        if epoch + 1 == MARKS[0]:
            before = resident()
        if epoch + 1 in MARKS:
            held[epoch + 1] = resident() - before
    return {"us": {mark: statistics.median(times) / 1e3 for mark, times in taken.items() if times}, "held": held}


def tracked(curve: str, log: Callable[[Tracker, int, float], None], n_epochs: int, measure: str | None) -> dict[str, Any]:
    """A training whose sender is idle, and another that goes on from its state."""
    bvtrack.tracking.outbox.ShipperProcess = IdleShipper  # type: ignore[attr-defined,assignment]  # in its place
    with tempfile.TemporaryDirectory() as folder:
        tracker = Tracker(tracking_uri=f"sqlite:///{folder}/mlflow.db", journal_dir=folder, measure=measure, summary=False)
        found = train(tracker, curve, log, n_epochs)
        began = time.thread_time()
        state = json.dumps(tracker.state())
        found |= {"state": len(state.encode()), "state_ms": 1e3 * (time.thread_time() - began)}
        assert tracker._logbook._link is not None
        found["journal"] = size_of(tracker._logbook._link._journal.path)
        gc.collect()
        before, began = resident(), time.thread_time()
        resumed = Tracker(
            tracking_uri=f"sqlite:///{folder}/other.db", journal_dir=folder, resume=json.loads(state), summary=False
        )
        log(resumed, n_epochs, 0.1)
        found |= {"resume_ms": 1e3 * (time.thread_time() - began), "resume_held": resident() - before}
        tracker.close(timeout=0)
        resumed.close(timeout=0)
    return found


def allocated(curve: str, log: Callable[[Tracker, int, float], None], n_epochs: int, measure: str | None) -> float:
    """Megabytes that Python's own allocator holds for a training after so many epochs."""
    tracemalloc.start()
    bvtrack.tracking.outbox.ShipperProcess = IdleShipper  # type: ignore[attr-defined,assignment]  # in its place
    with tempfile.TemporaryDirectory() as folder:
        tracker = Tracker(tracking_uri=f"sqlite:///{folder}/mlflow.db", journal_dir=folder, measure=measure, summary=False)
        log(tracker, 0, 0.5)
        before = tracemalloc.get_traced_memory()[0]
        for epoch in range(1, n_epochs):
            log(tracker, epoch, CURVES[curve](epoch))
        gc.collect()
        held = tracemalloc.get_traced_memory()[0] - before
        tracker.close(timeout=0)
    return held / 1e6


def alone(task: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a task in a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(task, *arguments).result()


WAYS: Mapping[str, tuple[str, Callable[[Tracker, int, float], None], str | None]] = {
    **{curve: (curve, log_errors, None) for curve in CURVES},
    "a loss": ("noisy", log_loss, "val_loss"),
    "weights and examples each time": ("each epoch the best", log_everything, None),
}


def print_tracker(n_epochs: int) -> None:
    heads = " | ".join(f"epoch {mark:,}, µs" for mark in MARKS if mark <= n_epochs)
    columns = "resident, MB more | allocated, MB | `state()`, KiB | ms | resumed, ms | MB more | journal, MB"
    print(f"| training | {heads} | {columns} |")
    print("|---" * (8 + sum(mark <= n_epochs for mark in MARKS)) + "|")
    for name, (curve, log, measure) in WAYS.items():
        found = alone(tracked, curve, log, n_epochs, measure)
        held = alone(allocated, curve, log, min(n_epochs, 20_000), measure)
        cells = [f"{us:.0f}" for us in found["us"].values()]
        cells += [
            f"{max(found['held'].values()):.1f}",
            f"{held:.1f}",
            f"{found['state'] / 1024:.0f}",
            f"{found['state_ms']:.1f}",
        ]
        cells += [f"{found['resume_ms']:.0f}", f"{found['resume_held']:.1f}", f"{found['journal'] / 1e6:.1f}"]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


class Sender:
    """The process that sends a training's points, seen from outside."""

    def __init__(self, tracker: Tracker) -> None:
        link = tracker._logbook._link
        assert link is not None
        assert isinstance(link._shipper, ShipperProcess)
        self.journal = link._journal.path
        self._shipper = link._shipper
        aside = link._shipper._process.pid  # what stands between it and the training
        while not (children := Path(f"/proc/{aside}/task/{aside}/children").read_text().split()):
            time.sleep(0.01)
        self._pid = int(children[0])

    @property
    def seconds(self) -> float:
        """Processor time so far, in seconds."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self, name: str) -> float:
        """Its memory now (`VmRSS`), or at most so far (`VmHWM`), in megabytes."""
        lines = Path(f"/proc/{self._pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1e3 for line in lines if line.startswith(name))

    def wait(self) -> None:
        """Wait until all that is written has arrived."""
        while self._shipper.progress.offset < size_of(self.journal):
            time.sleep(0.02)

    @property
    def on_disk(self) -> float:
        """Size of the journal's folder in megabytes."""
        return sum(file.stat().st_size for file in self.journal.iterdir()) / 1e6


LIVE = 40
"""Epochs at a mark that are sent one by one, as those of a slow training are."""


def sent(curve: str, marks: tuple[int, ...]) -> list[list[float]]:
    """A training that is sent to SQLite: in between the marks as fast as it goes, at each one epoch by epoch."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        tracker = Tracker(tracking_uri=f"sqlite:///{folder}/mlflow.db", journal_dir=folder, summary=False)
        log_errors(tracker, 0, CURVES[curve](0))
        sender, epoch = Sender(tracker), 1
        sender.wait()
        for mark in marks:
            before, first = sender.seconds, epoch
            while epoch < mark:
                log_errors(tracker, epoch, CURVES[curve](epoch))
                epoch += 1
            sender.wait()
            in_bulk = 1e3 * (sender.seconds - before) / max(epoch - first, 1)
            before = sender.seconds
            for _ in range(LIVE):
                log_errors(tracker, epoch, CURVES[curve](epoch))
                epoch += 1
                sender.wait()
            one_by_one = 1e3 * (sender.seconds - before) / LIVE
            sizes = [file.stat().st_size / 1e3 for file in Path.cwd().rglob("diagnosis.json")]
            rows.append(
                [
                    mark,
                    one_by_one,
                    in_bulk,
                    sender.memory("VmRSS"),
                    sender.memory("VmHWM"),
                    sender.on_disk,
                    max(sizes, default=0),
                ]
            )
        tracker.close(timeout=600)
    return rows


def in_folder(task: Callable[..., Any], *arguments: Any) -> Any:
    """A task whose artifacts go to a folder that is removed."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        return task(*arguments)


def print_sender(n_epochs: int) -> None:
    print(
        "| training | epoch | sent one by one, ms each | in bulk, ms each | sender, MB | at most | journal on disk, MB | "
        "diagnosis.json, KB |"
    )
    print("|---|---|---|---|---|---|---|---|")
    marks = tuple(mark for mark in MARKS if mark <= n_epochs)
    for curve in ("each epoch the best", "noisy"):
        for mark, *cells in alone(partial(in_folder, sent), curve, marks):
            print(f"| {curve} | {mark:,} | {' | '.join(f'{one:.2f}' for one in cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=MARKS[-1], help="length of the trainings (default: %(default)s)")
    parser.add_argument("--only", choices=["tracker", "sender"], help="one of the tables")
    chosen = parser.parse_args()
    tables = {"tracker": print_tracker, "sender": print_sender}
    for title, table in tables.items():
        if chosen.only in (None, title):
            table(chosen.epochs)
            print(flush=True)


if __name__ == "__main__":
    main()

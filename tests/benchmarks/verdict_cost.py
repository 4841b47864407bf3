"""What a verdict costs after ever more epochs, and what is kept of them. Prints a Markdown table (`make bench`).

A verdict is that of a whole ledger, in medians of processor time. A replay is what the sender does of a backlog beside the
calls to MLflow: read the journal by its chunks, work out the points, the tags and the files, and fold what has been sent.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

from bvtrack.journal.journal import Journal, compact, record
from bvtrack.journal.reader import JournalReader
from bvtrack.journal.record_line import Record
from bvtrack.shipping.run_state import Ledger

EPOCHS = (100, 1_000, 10_000, 100_000)
ROUNDS = 101
OPTIONS = {"human_error": None, "measure": None, "same_distribution": True, "source": "tracker", "version": "0"}
COUNTS = {"train": 6_000, "dev": 2_000}
Curve = Callable[[int], float]


def falling(epoch: int) -> float:
    """A dev error that is the best one at each epoch."""
    return 0.1 + 0.3 / (1 + epoch / 50)


def noisy(epoch: int) -> float:
    """One that falls less than it jumps about."""
    return 0.2 + 0.05 / (1 + epoch / 50) + random.Random(epoch).gauss(0, 0.005)


def epochs(n_epochs: int, dev: Curve) -> Iterator[Record]:
    for epoch in range(n_epochs):
        errors = {"train": dev(epoch) / 2, "dev": dev(epoch)}
        yield record("epoch", epoch=epoch, errors=errors, counts=COUNTS, intervals={}, unscaled={}, running=None)


def ledger(n_epochs: int, dev: Curve, at: str = "best") -> Ledger:
    found = Ledger(OPTIONS | {"at": at})
    for one in epochs(n_epochs, dev):
        found.take(one)
    return found


def verdict_ms(found: Ledger) -> float:
    """A verdict when another epoch has come."""
    taken = []
    for _ in range(ROUNDS):
        found.take({"kind": "model", "timestamp": 0, "facts": {}})  # any record asks for another verdict
        began = time.process_time_ns()
        assert found.verdict is not None
        taken.append(time.process_time_ns() - began)
    return statistics.median(taken) / 1e6


def replay_us(n_epochs: int) -> float:
    """A backlog of so many epochs, each of them."""
    header = record("run", options=OPTIONS | {"at": "best"})
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder), header)
        journal.append(*epochs(n_epochs, falling))
        began = time.process_time()
        found = Ledger(header["options"])
        reader = JournalReader(journal.path, header=header)
        while records := reader.read():
            for one in records:
                found.take(one)
            found.bundle(records)
            compact(journal.path, header, found.compacted(), reader.offset)
        taken = time.process_time() - began
        journal.close()
    return 1e6 * taken / n_epochs


def megabytes(n_epochs: int) -> float:
    """What a ledger holds after so many epochs."""
    tracemalloc.start()
    found = ledger(n_epochs, noisy)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.verdict is not None
    return held / 1e6


def main() -> None:
    """Print all by the number of epochs."""
    print('| epochs | verdict, falling | noisy | `at="last"` | replay, each epoch | state | in memory |')
    print("|---|---|---|---|---|---|---|")
    verdict_ms(ledger(100, falling))  # the first one of a process pays for what is imported
    for n_epochs in EPOCHS:
        kinds = ledger(n_epochs, falling), ledger(n_epochs, noisy), ledger(n_epochs, noisy, "last")
        verdicts = " | ".join(f"{verdict_ms(one):.2f} ms" for one in kinds)
        replay = statistics.median(replay_us(n_epochs) for _ in range(3))
        state = len(json.dumps(kinds[1].compacted_epochs())) / 1000
        print(f"| {n_epochs:,} | {verdicts} | {replay:.0f} µs | {state:.0f} KB | {megabytes(n_epochs):.1f} MB |")


if __name__ == "__main__":
    main()

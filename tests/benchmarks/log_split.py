"""What `Tracker.log_split` costs a training before its first step, by the kind of data. Prints a Markdown table.

    python tests/benchmarks/log_split.py

Each round is a process of its own, in which a small split has been logged before: what is imported once is not counted.
Memory is what becomes resident at most beyond that; the processor's time is beside the clock's, for other work slows that.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROUNDS = 5
Made = tuple[str, Any, Any]


def memory_map(folder: Path, n: int = 300_000) -> Made:
    np.lib.format.open_memmap(folder / "x.npy", mode="w+", dtype="f4", shape=(n, 1000))  # a sparse file: it takes no room
    x = np.load(folder / "x.npy", mmap_mode="r")
    return f"{n:,} x 1,000 float32, {x.nbytes / 1e9:.1f} GB", x, x[:10_000]


def large_memory_map(folder: Path) -> Made:
    return memory_map(folder, 2_500_000)


def arrays(folder: Path) -> Made:
    rng = np.random.default_rng(0)
    train, dev = ((rng.random((n, 784), dtype=np.float32), rng.integers(0, 10, n)) for n in (60_000, 10_000))
    return "60,000 and 10,000 x 784 float32", train, dev


def long_arrays(folder: Path) -> Made:
    rng = np.random.default_rng(0)
    train, dev = ((rng.normal(size=(n, 20)), rng.integers(0, 10, n)) for n in (1_000_000, 250_000))
    return "1,000,000 and 250,000 x 20 float64", train, dev


def table(folder: Path) -> Made:
    import pandas as pd

    rng = np.random.default_rng(0)
    train, dev = (
        pd.DataFrame({f"c{index}": rng.normal(size=n) for index in range(20)}).assign(name=rng.choice(list("abc"), n))
        for n in (1_000_000, 250_000)
    )
    return "1,000,000 and 250,000 rows, 20 numbers and a name", train, dev


def sparse_matrix(folder: Path) -> Made:
    from scipy import sparse

    n = 200_000
    train = sparse.random_array((n, 100_000), density=1e-4, format="csr", rng=np.random.default_rng(0))
    return f"{n:,} x 100,000, {train.nnz:,} values", train, train[:20_000]


def hdf5(folder: Path) -> Made:
    import h5py  # type: ignore[import-untyped]  # it has no types

    file = h5py.File(folder / "x.h5", "w")
    x = file.create_dataset("x", (100_000, 1000), dtype="f4", fillvalue=0)
    for start in range(0, len(x), 10_000):
        x[start : start + 10_000] = np.random.default_rng(start).random((10_000, 1000), dtype=np.float32)
    return "100,000 x 1,000 float32", x, np.zeros((5000, 1000), "f4")


def texts(folder: Path) -> Made:
    words = np.random.default_rng(0).choice([f"word{index}" for index in range(500)], (100_000, 100))
    found = np.array([" ".join(row) for row in words.tolist()], object)
    return "100,000 and 10,000 texts of 100 words", found, found[:10_000]


class Slow:
    """A dataset that takes a second for each example, as a network drive might."""

    def __len__(self) -> int:
        return 50_000

    def __getitem__(self, index: int) -> Any:
        time.sleep(1)
        return np.zeros(3), 0


class Images(Slow):
    """Pictures of 224 x 224, made one by one."""

    def __getitem__(self, index: int) -> Any:
        return np.random.default_rng(index).integers(0, 256, (224, 224, 3), dtype=np.uint8), index % 10


def slow_dataset(folder: Path) -> Made:
    return "50,000 and 50,000 items, 1 s each", Slow(), Slow()


def images(folder: Path) -> Made:
    return "50,000 and 50,000 items of 150 KB", Images(), Images()


KINDS: dict[str, Callable[[Path], Made]] = {
    "memory map": memory_map,
    "larger memory map": large_memory_map,
    "arrays": arrays,
    "long arrays": long_arrays,
    "table of pandas": table,
    "sparse matrix (CSR)": sparse_matrix,
    "HDF5": hdf5,
    "texts": texts,
    "dataset of images": images,
    "slow dataset": slow_dataset,
}


def _peak() -> float:
    """The largest resident memory so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1000 if sys.platform == "linux" else 1_000_000)


def one_round(kind: str, folder: Path) -> None:
    """Log one split in this process, and print its size and what it cost."""
    from bvtrack import Tracker

    size, train, dev = KINDS[kind](folder)
    tracker = Tracker(tracking_uri="sqlite:///mlflow.db", journal_dir=folder / "journals", enabled=False)
    small = np.random.default_rng(0).normal(size=(3000, 20))
    tracker.log_split(train=small, dev=small[:1000] + 1)
    _forget_peak()
    before, start, worked = _peak_since(), time.perf_counter(), time.process_time()
    tracker.log_split(train=train, dev=dev)
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    print(size, seconds, worked, _peak_since() - before, sep="|")


def _forget_peak() -> None:
    """Begin the measure of the largest resident memory anew, which making the data has raised; Linux alone can."""
    if sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")


def _peak_since() -> float:
    if sys.platform != "linux":
        return _peak()
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


def measured(kind: str) -> tuple[str, float, float, float]:
    """The size, and the medians of the seconds, of those of the processor, and of the MB, over all rounds."""
    rounds = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, kind, folder]
            answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder).stdout
            size, *figures = answer.strip().split("|")
            rounds.append([float(figure) for figure in figures])
    seconds, worked, megabytes = (statistics.median(found) for found in zip(*rounds, strict=True))
    return size, seconds, worked, megabytes


def main() -> None:
    if len(sys.argv) == 3:
        one_round(sys.argv[1], Path(sys.argv[2]))
        return
    print("| kind | train and dev | seconds | of the processor | resident MB more |\n|---|---|---|---|---|")
    for kind in KINDS:
        size, seconds, worked, megabytes = measured(kind)
        print(f"| {kind} | {size} | {seconds:.2f} | {worked:.2f} | {megabytes:.0f} |", flush=True)
    print(f"\nMedians of {ROUNDS} processes each.")


if __name__ == "__main__":
    main()

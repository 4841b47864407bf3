"""What the check of a split costs a training: the first on its data, and one that comes back to them.

    python tests/benchmarks/splits/repeat.py

Medians of rounds in one process, each of which begins with no verdict kept; what is timed is all that the callbacks do for
it, from the data as they have them to the record in the journal.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import torch
from figures import Figure, show
from torch.utils.data import DataLoader, Dataset, TensorDataset

from bvtrack import Tracker
from bvtrack.tracking.split_cache import known_splits_dir
from bvtrack_keras.sources import Sources
from bvtrack_lightning.keyed_readers import Use
from bvtrack_lightning.readers import reader_of

ROUNDS = 5
REPEATS = 5
START_SECONDS = 20
SIZES = {"train": 60_000, "dev": 10_000, "test": 10_000}
REACH = "<= 5 ms again"
Splits = Mapping[str, Any]


class Images(Dataset[Any]):
    """Made-up digits, each of them converted when it is asked for."""

    def __init__(self, n: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.data, self.targets = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8), rng.integers(0, 10, n)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Any:
        return torch.from_numpy(self.data[index]).float().div(255)[None], int(self.targets[index])


def _arrays(n: int, d: int, seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.random((n, d), dtype=np.float32), rng.integers(0, 10, n)


def _of_keras(sets: Mapping[str, Any]) -> Splits:
    return Sources.of(plain=None, train_dev=None, **sets).splits()


def _of_lightning(loaders: Mapping[str, Any]) -> Splits:
    return {name: reader_of(loader, Use()).split() for name, loader in loaders.items()}


def _milliseconds(splits: Callable[[], Splits], tracker: Tracker) -> float:
    start = time.perf_counter()
    tracker.log_split(**splits())
    return 1000 * (time.perf_counter() - start)


def costs(what: str, splits: Callable[[], Splits], tracker: Tracker, journals: Path) -> Figure:
    """The first training's cost and that of the next ones."""
    first, again = [], []
    for _ in range(ROUNDS):
        shutil.rmtree(known_splits_dir(journals), ignore_errors=True)
        first.append(_milliseconds(splits, tracker))
        again += [_milliseconds(splits, tracker) for _ in range(REPEATS)]
    seen = f"{statistics.median(first):.0f} ms, then {statistics.median(again):.1f} ms (at most {max(again):.1f})"
    return Figure(what, "", REACH, seen)


def figures_in(folder: Path) -> list[Figure]:
    """All figures, with the journal in a folder."""
    journals = folder / "journals"
    tracker = Tracker(journal_dir=journals, tracking_uri=f"sqlite:///{folder}/mlflow.db")
    tracker.log_not_applicable()
    time.sleep(START_SECONDS)  # until the process that sends has started, which is not what is timed
    arrays = {name: _arrays(n, 784, seed) for seed, (name, n) in enumerate(SIZES.items())}
    tensors = {name: TensorDataset(*map(torch.from_numpy, pair)) for name, pair in arrays.items()}
    images = {name: Images(n, seed) for seed, (name, n) in enumerate(SIZES.items())}
    table = {"train": _arrays(1_000_000, 20, 0), "dev": _arrays(250_000, 20, 1)}
    loaders = [{name: DataLoader(one, 64, shuffle=True) for name, one in sets.items()} for sets in (tensors, images)]
    of = partial(costs, tracker=tracker, journals=journals)
    return [
        of("Keras, arrays 60,000 x 784", partial(_of_keras, {"dev": None, "test": None, **arrays})),
        of("Lightning, tensors 60,000 x 784", partial(_of_lightning, loaders[0])),
        of("Lightning, images 60,000 x 28 x 28", partial(_of_lightning, loaders[1])),
        of("Tracker, arrays 1,000,000 x 20", lambda: table),
    ]


def main() -> None:
    """Print all figures."""
    with tempfile.TemporaryDirectory() as folder:
        figures = figures_in(Path(folder))
    show(f"A training's check of its split (medians of {ROUNDS} rounds)", figures)


if __name__ == "__main__":
    main()

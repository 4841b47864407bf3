"""What `StopWhen` saves, and what it costs: stored curves replayed, epoch by epoch, as a training would have shown them.

    python tests/benchmarks/rules/stopping.py [--own build/own_curves.npz]

By rule: how many runs it ends, the share of all runs' epochs that it saves, and how many of the runs that it ended would have
become better than their best by more than 2 % in the dev value at any later epoch (*false stops*; by how much in the median;
and of how many the later best epoch is so much better than the kept one on a test set too, which no rule sees). Of
`overtrained` it is taken that the weights of the best epoch are kept: a run that is ended loses what was still to come alone.

The curves: TaskSet's (text RNNs; losses at 51 points, what guessing costs not given), those of the intervention set (its
base runs in `../advice`: errors at up to 240 epochs, with the number of dev examples), and with `--own` those
of `../rivals/own_curves.py` (losses at 8 to 120 points, with restarts and passing incidents of the learning rate among the
schedules). LCDB's curves are over sizes of data, not over epochs, and say nothing here.
"""

from __future__ import annotations

import argparse
import csv
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table
from taskset import losses

from bvtrack import StopWhen
from bvtrack.diagnosis.kept_weights import Weights
from bvtrack.diagnosis.run_history import History
from bvtrack.diagnosis.stopping import Stopping
from bvtrack.error_rates.epoch_errors import EpochErrors

INTERVENTIONS = Path(__file__).parents[1] / "advice" / "results.csv.gz"
HELPS = 0.98
"""Training on would have helped where the best later dev value is below this share of the best so far."""
RULES = {
    "diverged (3)": StopWhen(diverged=True),
    **{f"not_learning={n}": StopWhen(not_learning=n) for n in (1, 5, 10)},
    **{f"overtrained={n}": StopWhen(overtrained=n) for n in (1, 3, 5, 10)},
}
PATIENCE = (5, 10, 20)
"""Epochs without a better dev value after which early stopping, the usual rule, ends a run: to compare with."""
IN_A_ROW = (1, 2, 3, 5)
"""Other numbers of `diverged` epochs in a row, from which `DIVERGED_EPOCHS` was chosen."""


@dataclass(frozen=True)
class Run:
    """A stored run: its dev and test values, and its epochs as logged, with the error of guessing where that is known."""

    dev: Sequence[float]
    test: Sequence[float]
    epochs: Sequence[EpochErrors]
    chance: float | None = None

    @classmethod
    def of_losses(cls, loss: NDArray[np.float64]) -> Run:
        """From losses `[n_points, (train, dev, test)]`."""
        train, dev, test = (loss[:, part].astype(float).tolist() for part in range(3))
        pairs = enumerate(zip(train, dev, strict=True))
        return cls(dev, test, [EpochErrors(epoch, {}, {}, {}, {"train": one, "dev": two}) for epoch, (one, two) in pairs])

    @classmethod
    def of_counts(cls, row: Mapping[str, str]) -> Run:
        """From a row of the intervention set."""
        n = {name: int(row[given]) for name, given in (("train", "n_train_eval"), ("dev", "n_dev"), ("test", "n_test"))}
        errors = {name: [int(wrong) / n[name] for wrong in row[f"curve_{name}"].split()] for name in n}
        pairs = list(zip(errors["train"], errors["dev"], strict=True))
        epochs = [EpochErrors(at, {"train": one, "dev": two}, n, {}, {}) for at, (one, two) in enumerate(pairs)]
        return cls(errors["dev"], errors["test"], epochs, chance=1 - 1 / int(row["n_classes"]))

    @property
    def curves(self) -> list[str]:
        """The class of its curve after each epoch, as the tag has it."""
        history: History = History("best")
        found: list[str] = []
        for epoch in self.epochs:
            history.add(epoch)
            found.append(history.classify(self.chance, history.chosen.counts.get("dev")))
        return found

    def stopped_after(self, curves: Sequence[str], rules: StopWhen) -> int | None:
        """The epoch after which these rules end it; `None` for one that is not ended before its last."""
        stopping = Stopping(rules)
        for epoch, curve in enumerate(curves[:-1]):
            values = self.epochs[epoch].errors or self.epochs[epoch].unscaled
            stopping.take(epoch, curve, train=values["train"], dev=values["dev"])
            best = self.best(range(epoch + 1))
            if stopping.reason(Weights(best, checkpoints={best: "best.ckpt"})):
                return epoch
        return None

    def out_of_patience(self, n: int) -> int | None:
        """The epoch after which early stopping on the dev value, with this patience, ends it; `None` for none but the last."""
        return next((end for end in range(n, len(self.dev) - 1) if end - self.best(range(end + 1)) >= n), None)

    def best(self, epochs: range) -> int:
        """The first of these epochs with the lowest dev value."""
        return min(epochs, key=lambda epoch: self.dev[epoch] if np.isfinite(self.dev[epoch]) else np.inf)

    def gains_after(self, end: int) -> tuple[float, float]:
        """By what share the best later epoch is better than the best up to `end`, on dev and on test."""
        kept, later = self.best(range(end + 1)), self.best(range(end + 1, len(self.dev)))
        return gain(self.dev[kept], self.dev[later]), gain(self.test[kept], self.test[later])


def gain(before: float, after: float) -> float:
    """By what share a value is below another; 0 if it is not, 1 if the other is no number."""
    if not np.isfinite(after):
        return 0.0
    return max((before - after) / before if before else 0.0, 0.0) if np.isfinite(before) else 1.0


def of_taskset() -> list[Run]:
    return [Run.of_losses(run) for run in losses()]


def of_interventions() -> list[Run]:
    with gzip.open(INTERVENTIONS, "rt") as file:
        return [Run.of_counts(row) for row in csv.DictReader(file) if row["step"] == "base"]


def of_own(path: Path) -> list[Run]:
    data = np.load(path)
    pairs = zip(data["loss"].astype(float), data["n_points"], strict=True)
    return [Run.of_losses(loss[:n]) for loss, n in pairs]


def row_of(runs: Sequence[Run], ends: Sequence[int | None]) -> list[str]:
    """What these ends of the runs save and cost, in words."""
    ended = [(run, end) for run, end in zip(runs, ends, strict=True) if end is not None]
    saved = sum(len(run.dev) - 1 - end for run, end in ended)
    gains = [gains for run, end in ended if (gains := run.gains_after(end))[0] > 1 - HELPS]
    false = f"{len(gains)} of {len(ended)} ({len(gains) / max(len(ended), 1):.1%})"
    lost = f"{median(on_dev for on_dev, _ in gains):.0%}" if gains else ""
    on_test = str(sum(on_test > 1 - HELPS for _, on_test in gains))
    return [f"{len(ended) / len(runs):.1%}", f"{saved / sum(len(run.dev) for run in runs):.1%}", false, lost, on_test]


def diverged_in_a_row(curves: Sequence[str], n: int) -> int | None:
    """The first epoch that is the nth `diverged` one in a row, but the last."""
    places = (end for end in range(n - 1, len(curves) - 1) if {*curves[end + 1 - n : end + 1]} == {"diverged"})
    return next(places, None)


def report(title: str, runs: Sequence[Run]) -> None:
    """Print the table of a set of runs."""
    table = Table(title=f"{title}: {len(runs):,} runs", title_justify="left", box=MARKDOWN)
    for heading in ("rule", "runs ended", "epochs saved", "false stops", "better by", "on test too"):
        table.add_column(heading)
    curves = [run.curves for run in runs]
    pairs = list(zip(runs, curves, strict=True))
    for name, rules in RULES.items():
        table.add_row(name, *row_of(runs, [run.stopped_after(classes, rules) for run, classes in pairs]))
    for n in PATIENCE:
        table.add_row(f"patience={n}", *row_of(runs, [run.out_of_patience(n) for run in runs]))
    for n in IN_A_ROW:
        table.add_row(f"diverged for {n}", *row_of(runs, [diverged_in_a_row(classes, n) for classes in curves]))
    Console(width=120).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--own", type=Path, help="curves that rivals/own_curves.py has made")
    chosen = parser.parse_args()
    report("TaskSet", of_taskset())
    report("Intervention set, base runs", of_interventions())
    if chosen.own:
        report("Own curves", of_own(chosen.own))


if __name__ == "__main__":
    main()

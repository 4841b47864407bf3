"""The best of several runs, and how much too low its dev error is because it was chosen by that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bvtrack.auditing.groups import DiagnosedRun, measures_of
from bvtrack.error_rates.error_rate import is_share_of
from bvtrack.error_rates.intervals import Rate
from bvtrack.error_rates.optimism import Optimism, optimism_of_best
from bvtrack.measures.percent import in_points, percent
from bvtrack.store.best_other_run import WITHOUT_ERRORS
from bvtrack.text import printable


@dataclass(frozen=True, slots=True)
class BestRun:
    """The run with the lowest dev error by the most frequent measure, of `n_runs` on the same dev set.

    `expected` and `most` are how much too low that is, as fractions: it is the lowest of several runs, and of their epochs.
    """

    name: str
    dev_error: float
    n_runs: int
    expected: float = 0.0
    most: float = 0.0

    def in_words(self) -> str:
        """A sentence; empty if nothing is known of its noise, or if there is no other run."""
        if self.n_runs < 2 or (more := in_points(self.expected)) == "0.0":
            return ""
        best = f"The best run, {printable(self.name)}, makes {percent(self.dev_error)}, the lowest dev error of {self.n_runs:,}"
        return f"{best} runs: on new examples expect about {more} points more, at most {in_points(self.most)}."


def best_of(runs: Sequence[DiagnosedRun]) -> BestRun | None:
    """The best of the runs; `None` if none has a dev error that means something."""
    measured = [run for run in runs if "dev" in run.errors and run.tag not in WITHOUT_ERRORS]
    measure = measures_of(measured)[0] if measured else ""
    best = min((run for run in measured if run.measure == measure), key=lambda run: run.errors["dev"], default=None)
    if best is None:
        return None
    rivals = [run.errors["dev"] for run in measured if (run.measure, run.dev_set) == (measure, best.dev_set)]
    error, n = best.errors["dev"], best.n_dev
    rate = Rate(error, n if n is not None and is_share_of(error, n) else None)
    by_runs = optimism_of_best(rivals, rate)
    both = Optimism.of(rate, by_runs.n_epochs * best.n_epochs, by_runs.expected + best.optimism)
    return BestRun(best.name, error, len(rivals), both.expected, both.most)

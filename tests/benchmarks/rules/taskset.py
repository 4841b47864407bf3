"""Curves of real trainings (TaskSet, text RNNs): are those that failed or overtrained found, and does training on help?

    python tests/benchmarks/rules/taskset.py

The labels: diverged is a loss that is not finite or above 5, never learned a best valid
loss above 0.68 (chance is 0.693), overtrained a last one above 1.05 times the best, and training on helps where the best later
loss is below 0.98 times the best so far.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from figures import DATA, Figure, show
from numpy.typing import NDArray
from scipy.stats import rankdata

from bvtrack import Forecast, classify_curve, forecast_longer

Flags = NDArray[np.bool_]

CHANCE = math.log(2)
TIMES = (20, 30, 40)
SLOPE_AUC = {20: 0.83, 30: 0.82, 40: 0.76}
REACH = {20: 0.84, 30: 0.85, 40: 0.84}


def losses() -> NDArray[np.float64]:
    """All runs' train and valid losses `[n_runs, n_points, 2]`."""
    paths = sorted((DATA / "taskset").glob("*.npz"))
    if not paths:
        raise SystemExit(f"expected TaskSet's .npz files in {DATA / 'taskset'}; got none; set BVTRACK_BENCHMARK_DATA")
    return np.concatenate([np.load(path)["loss"][:, :, :2].astype(float) for path in paths])


@dataclass(frozen=True)
class Labels:
    """What became of each run, `[n_runs]` each."""

    failed: Flags
    overtrained: Flags

    @property
    def healthy(self) -> Flags:
        return ~self.failed & ~self.overtrained


def label(valid: NDArray[np.float64]) -> Labels:
    """The labels of runs with these valid losses `[n_runs, n_points]`."""
    with np.errstate(invalid="ignore"):
        has_diverged = ~(valid <= 5).all(axis=1)
    best = np.where(np.isfinite(valid), valid, np.inf).min(axis=1)
    failed = has_diverged | (best > 0.68)
    return Labels(failed, ~failed & (valid[:, -1] > 1.05 * best))


def classify(runs: NDArray[np.float64]) -> Labels:
    """What `classify_curve` says of each run."""
    said = np.array([classify_curve(list(run[:, 0]), list(run[:, 1]), chance=CHANCE) for run in runs])
    return Labels(np.isin(said, ("diverged", "not_learning")), said == "overtrained")


def main() -> None:
    """Classify every run, and forecast those that learned."""
    runs = losses()
    true, said = label(runs[:, :, 1]), classify(runs)
    figures = [
        Figure("healthy runs flagged", "16.5 %", "≤ 5 %", share(~said.healthy[true.healthy])),
        Figure("overtrained runs found", "83 %", "≥ 83 %", share(said.overtrained[true.overtrained])),
        Figure("diverged and never-learned runs recognised", "-", "≥ 99 %", share(said.failed[true.failed])),
        Figure("learned runs mistaken for these", "-", "≤ 1 %", share(said.failed[~true.failed])),
    ]
    for time in TIMES:
        forecasts, helps, best = forecast(runs[~true.failed, :, 1], time)
        scores = np.array([each.improves for each in forecasts])
        held = np.mean([each.low <= value <= each.high for each, value in zip(forecasts, best, strict=True)])
        seen = f"{auc(scores, helps):.3f}; Brier {np.mean((scores - helps) ** 2):.3f}; 80 % band covers {held:.0%}"
        what = f"training on helps, AUC at {time} of 50"
        figures.append(Figure(what, f"slope {SLOPE_AUC[time]}", f"≥ {REACH[time]}", seen))
    n_learned = (~true.failed).sum()
    show(f"TaskSet: {len(runs):,} runs, {n_learned} learned, {true.overtrained.sum()} of them overtrained", figures)


def forecast(valid: NDArray[np.float64], time: int) -> tuple[list[Forecast], Flags, NDArray[np.float64]]:
    """Of each curve up to `time`: the forecast for all points to come, whether they helped, and the best loss of all."""
    n_more = valid.shape[1] - 1 - time
    helps = valid[:, time + 1 :].min(axis=1) < 0.98 * valid[:, : time + 1].min(axis=1)
    return [forecast_longer(list(curve[: time + 1]), epochs=n_more) for curve in valid], helps, valid.min(axis=1)


def auc(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """The probability that a positive has the higher score."""
    n_positive, n_negative = labels.sum(), (~labels).sum()
    return float((rankdata(scores)[labels].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def share(flags: NDArray[np.bool_]) -> str:
    """How many of them, and out of how many."""
    return f"{flags.mean():.1%} ({flags.sum()} of {len(flags)})"


if __name__ == "__main__":
    main()

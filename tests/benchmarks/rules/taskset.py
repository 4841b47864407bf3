"""Curves of real trainings (TaskSet, text RNNs): are those that failed or overtrained found, and does training on help?

    python tests/benchmarks/rules/taskset.py

The labels are those of the fact that they name: diverged is a loss that is not finite or above 5, never learned a best valid
loss above 0.68 (chance is 0.693), overtrained a last one above 1.05 times the best, and training on helps where the best later
loss is below 0.98 times the best so far.
"""

from __future__ import annotations

import math

import numpy as np
from figures import DATA, Figure, show
from numpy.typing import NDArray
from scipy.stats import rankdata

from bvtrack import classify_curve, forecast_longer

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


def main() -> None:
    """Classify every run, and forecast those that learned."""
    runs = losses()
    train, valid = runs[:, :, 0], runs[:, :, 1]
    with np.errstate(invalid="ignore"):
        diverged = ~(valid <= 5).all(axis=1)
    best = np.where(np.isfinite(valid), valid, np.inf).min(axis=1)
    failed = diverged | (best > 0.68)
    overtrained = ~failed & (valid[:, -1] > 1.05 * best)
    said = np.array([classify_curve(list(t), list(v), chance=CHANCE) for t, v in zip(train, valid, strict=True)])
    is_failure, is_overtrained = np.isin(said, ("diverged", "not_learning")), said == "overtrained"
    healthy = ~failed & ~overtrained
    figures = [
        Figure("healthy runs flagged", "16.5 %", "≤ 5 %", share((is_overtrained | is_failure)[healthy])),
        Figure("overtrained runs found", "83 %", "≥ 83 %", share(is_overtrained[overtrained])),
        Figure("diverged and never-learned runs recognised", "-", "≥ 99 %", share(is_failure[failed])),
        Figure("learned runs mistaken for these", "-", "≤ 1 %", share(is_failure[~failed])),
    ]
    figures += [will_training_on_help(valid[~failed], time) for time in TIMES]
    show(f"TaskSet: {len(runs):,} runs, {(~failed).sum()} learned, {overtrained.sum()} of them overtrained", figures)


def will_training_on_help(valid: NDArray[np.float64], time: int) -> Figure:
    """AUC of the probability that the curve up to `time` gives, of all points to come."""
    n_more = valid.shape[1] - 1 - time
    helps = valid[:, time + 1 :].min(axis=1) < 0.98 * valid[:, : time + 1].min(axis=1)
    forecasts = [forecast_longer(list(curve[: time + 1]), epochs=n_more) for curve in valid]
    scores = np.array([forecast.improves for forecast in forecasts])
    held = np.mean([f.low <= curve.min() <= f.high for f, curve in zip(forecasts, valid, strict=True)])
    seen = f"{auc(scores, helps):.3f}; Brier {np.mean((scores - helps) ** 2):.3f}; 80 % band covers {held:.0%}"
    return Figure(f"training on helps, AUC at {time} of 50", f"slope {SLOPE_AUC[time]}", f"≥ {REACH[time]}", seen)


def auc(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """The probability that a positive has the higher score."""
    n_positive, n_negative = labels.sum(), (~labels).sum()
    return float((rankdata(scores)[labels].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def share(flags: NDArray[np.bool_]) -> str:
    """How many of them, and out of how many."""
    return f"{flags.mean():.1%} ({flags.sum()} of {len(flags)})"


if __name__ == "__main__":
    main()

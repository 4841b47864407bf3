"""Curves of real trainings (TaskSet, text RNNs): are those that failed or overtrained found, and does training on help?

    python tests/benchmarks/rules/taskset.py

The labels: diverged is a valid loss that is not finite or above 5, never learned a best one above 0.68 (chance is 0.693). A run
that learned is overtrained if its last test loss is above 1.05 times the one at the point of its best valid loss, and healthy
if its last valid loss is not above 1.05 times the best. Training on helps where the best later loss is below 0.98 times the
best so far.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from figures import DATA, Figure, show
from numpy.typing import NDArray
from scipy.stats import rankdata

from bvtrack import Forecast, classify_curve, forecast_longer
from bvtrack.auditing.baseline import given
from bvtrack.auditing.judge import judge_run
from bvtrack.store.logged_run import Latest, LoggedRun, finite_or_nan
from bvtrack.store.metric_point import Point

Flags = NDArray[np.bool_]
Names = NDArray[np.str_]
Curves = NDArray[np.float64]
Classify = Callable[[Curves], str]

CHANCE = math.log(2)
TIMES = (20, 30, 40)
REACH = {20: 0.84, 30: 0.85, 40: 0.84}
SLOPE_POINTS = 10
"""Points at a curve's end, whose slope is what the forecast is held against."""
LOOKS = (6, 12, 19, 25, 31, 38, 44, 51)
"""Numbers of points after which a run is looked at while it goes on."""
TRAIN, VALID, TEST = 0, 1, 2
SECONDS = 60_000
"""Milliseconds between two points of a run as it is logged."""


def losses() -> Curves:
    """All runs' train, valid and test losses `[n_runs, n_points, 3]`."""
    paths = sorted((DATA / "taskset").glob("*.npz"))
    if not paths:
        raise SystemExit(f"expected TaskSet's .npz files in {DATA / 'taskset'}; got none; set BVTRACK_BENCHMARK_DATA")
    return np.concatenate([np.load(path)["loss"].astype(float) for path in paths])


@dataclass(frozen=True)
class Labels:
    """What became of each run, `[n_runs]` each."""

    diverged: Flags
    never_learned: Flags
    overtrained: Flags
    healthy: Flags

    @property
    def learned(self) -> Flags:
        return ~self.diverged & ~self.never_learned


def label(runs: Curves) -> Labels:
    """The labels of runs."""
    valid, test = runs[:, :, VALID], runs[:, :, TEST]
    with np.errstate(invalid="ignore"):
        has_diverged: Flags = ~np.all(valid <= 5, axis=1)
    finite = np.where(np.isfinite(valid), valid, np.inf)
    best = finite.min(axis=1)
    never = ~has_diverged & (best > 0.68)
    at_best = test[np.arange(len(runs)), finite.argmin(axis=1)]
    learned = ~has_diverged & ~never
    healthy = learned & (valid[:, -1] <= 1.05 * best)
    overtrained: Flags = learned & np.asarray(test[:, -1] > 1.05 * at_best)
    return Labels(has_diverged, never, overtrained, healthy)


def with_chance(run: Curves) -> str:
    """The class of a run's curve, told what guessing costs."""
    return classify_curve(list(run[:, TRAIN]), list(run[:, VALID]), chance=CHANCE)


def without_chance(run: Curves) -> str:
    """The class of a run's curve."""
    return classify_curve(list(run[:, TRAIN]), list(run[:, VALID]))


def audited(run: Curves) -> str:
    """The class that an audit finds if the run has logged nothing but these losses."""
    points = {
        name: [Point(step, step * SECONDS, finite_or_nan(float(value))) for step, value in enumerate(run[:, part])]
        for name, part in (("train_loss", TRAIN), ("val_loss", VALID))
    }
    latest = {name: Latest(some[-1].value, some[-1].step, some[-1].timestamp) for name, some in points.items()}
    return judge_run(LoggedRun(metrics=latest), points.__getitem__, given(None)).audited.curve or ""


def main() -> None:
    """Classify every run, and forecast those that learned."""
    runs = losses()
    true = label(runs)
    for title, classify in (
        ("the chance loss given", with_chance),
        ("the chance loss not given", without_chance),
        ("logged as a bare loss, and audited", audited),
    ):
        said = np.array([classify(run) for run in runs])
        show(f"TaskSet, {len(runs):,} runs, {title}", named(said, true))
    show(f"TaskSet, {true.learned.sum()} runs that learned, {len(LOOKS)} looks at each", watched(runs[true.learned]))
    show("TaskSet, does training on help?", forecast_figures(runs[true.learned, :, VALID]))


def named(said: Names, true: Labels) -> list[Figure]:
    """How many runs of each kind are named, and how many others with them."""
    alarms = np.isin(said, ("overtrained", "unstable"))
    failures = np.isin(said, ("diverged", "not_learning"))
    false = alarms & true.learned & ~true.overtrained
    return [
        Figure("diverged runs named", "-", "≥ 97 %", share(np.asarray(said == "diverged")[true.diverged])),
        Figure("runs that never learned named", "-", "≥ 90 %", share(np.asarray(said == "not_learning")[true.never_learned])),
        Figure("runs that learned mistaken for these", "-", "≤ 1 %", share(failures[true.learned])),
        Figure("overtrained runs found", "-", "≥ 90 %", share(alarms[true.overtrained])),
        Figure("at false alarms over those that learned", "-", "≤ 4 %", share(false[true.learned])),
    ]


def watched(learned: Curves) -> list[Figure]:
    """How often a run is called overtrained too soon while it goes on."""
    true = label(learned)
    alarms = np.array([[without_chance(run[:n]) == "overtrained" for n in LOOKS] for run in learned])
    valid = learned[:, :, VALID]
    too_soon = np.array([valid[:, n:].min(axis=1) < 0.98 * valid[:, :n].min(axis=1) for n in LOOKS[:-1]]).T
    return [
        Figure("healthy runs ever called overtrained", "-", "≤ 2 %", share(np.asarray(alarms.any(axis=1))[true.healthy])),
        Figure("such alarms before a better point", "-", "≤ 3 %", share(too_soon[alarms[:, :-1]])),
    ]


def forecast_figures(valid: Curves) -> list[Figure]:
    """How well it is told whether training on helps."""
    figures = []
    for time in TIMES:
        forecasts, helps, best = forecast(valid, time)
        scores = np.array([each.improves for each in forecasts])
        held = np.mean([each.low <= value <= each.high for each, value in zip(forecasts, best, strict=True)])
        seen = f"{auc(scores, helps):.3f}; Brier {np.mean((scores - helps) ** 2):.3f}; 80 % band covers {held:.0%}"
        what = f"training on helps, AUC at {time} of 50"
        slopes = np.polyfit(np.arange(SLOPE_POINTS), valid[:, time + 1 - SLOPE_POINTS : time + 1].T, 1)[0]
        plain = f"{auc(-slopes / valid[:, time], helps):.2f} (slope of {SLOPE_POINTS})"
        figures.append(Figure(what, plain, f"≥ {REACH[time]}", seen))
    return figures


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

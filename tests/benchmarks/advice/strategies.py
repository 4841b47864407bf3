"""Ways to choose the first step of a base run: bvtrack's, and what one could do without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from advice_taken import STOP, advised
from base_run import BaseRun

First = Callable[[BaseRun], str]
"""The id of the advice that comes first for a run."""

SMALLEST_BIAS, SMALLEST_GAP, NEGLIGIBLE = 0.015, 0.01, 0.001
GAP_SHARE, MOST_OF_THE_ERROR = 0.3, 2 / 3
ROUNDING = 1e-6
FIRST_STEPS = {"bias": "bigger_network", "variance": "more_data", "mismatch": "match_data", "": STOP}
"""The course's first step for a problem; without one there is nothing to do."""


def bvtrack(run: BaseRun) -> str:
    """The first step of the run's own recipe."""
    return advised(run.verdict.steps[0]) if run.verdict.steps else STOP


def bvtrack_beside_others(run: BaseRun) -> str:
    """The same where the experiment's other runs are known."""
    steps = run.verdict_beside_others.steps
    return advised(steps[0]) if steps else STOP


def recipe(run: BaseRun) -> list[str]:
    """All steps of the run's own recipe."""
    return [step.id for step in run.steps]


def fixed_order(run: BaseRun) -> str:
    """The course's first step for the widest gap that is named, once it trains at all."""
    gaps = named_gaps(run)
    return _unless_it_fails(run, FIRST_STEPS[max(gaps, key=lambda gap: gaps[gap], default="")])


def bias_first(run: BaseRun) -> str:
    """The course's first step for the first gap that is named, bias before variance."""
    return _unless_it_fails(run, FIRST_STEPS[next(iter(named_gaps(run)), "")])


def always(step: str) -> First:
    """The same for every run."""
    return lambda run: step


STRATEGIES: Mapping[str, First] = {
    "bvtrack": bvtrack,
    "bvtrack, other runs known": bvtrack_beside_others,
    "the course's fixed order": fixed_order,
    "bias always first": bias_first,
    "always more data": always("more_data"),
    "always bigger": always("bigger_network"),
    "always longer": always("train_longer"),
    "always regularise": always("regularize"),
    "always another model": always("different_model"),
    "always another optimiser": always("different_optimizer"),
}


def named_gaps(run: BaseRun) -> dict[str, float]:
    """The gaps above the thresholds of bvtrack 0.1 against a human error of 0, by the errors of the best epoch alone.

    It is a copy that stays as it is, so that the opponent does not move with the product's rules. (A third threshold there,
    for gaps beside a small bias, decides neither which gap is the first nor which is the widest.)
    """
    errors = run.chosen.errors
    train, dev = errors["train"], errors["dev"]
    unseen = errors.get("train_dev", dev)
    gaps = {"bias": (train, SMALLEST_BIAS), "variance": (unseen - train, _threshold(unseen))}
    if "train_dev" in errors:
        gaps["mismatch"] = (dev - unseen, _threshold(dev))
    return {name: width for name, (width, threshold) in gaps.items() if width >= threshold - ROUNDING}


def _threshold(later: float) -> float:
    return min(max(SMALLEST_GAP, GAP_SHARE * later), max(MOST_OF_THE_ERROR * later, NEGLIGIBLE))


def _unless_it_fails(run: BaseRun, step: str) -> str:
    return "fix_training" if run.verdict.curve in ("not_learning", "diverged") else step

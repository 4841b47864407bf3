"""How often a first suggestion helps, what is lost by it, and whether the best step is in the recipe.

from intervention_set import load
from scores import compare, score
found = load("fit")
score(found, lambda run: "more_data", "same epochs").hits       # by run; `.text()` of .helps and .regret
compare(found, lambda run: …, fixed_order)                      # both definitions, with intervals over data sets
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from advice_taken import DEFINITIONS, STOP, MoreData, Taken
from base_run import BaseRun
from intervention_set import InterventionSet
from numpy.typing import NDArray
from over_datasets import Estimate, mean
from strategies import First

Recipe = Callable[[BaseRun], Sequence[str]]
"""The ids of all that is advised for a run."""


@dataclass(frozen=True)
class Scores:
    """By run: whether the first suggestion helped (or the share of times, where it is drawn), and its regret in points."""

    hits: NDArray[np.float64]
    regrets: NDArray[np.float64]
    datasets: Sequence[str]

    @property
    def helps(self) -> Estimate:
        return mean(self.hits, self.datasets)

    @property
    def regret(self) -> Estimate:
        return mean(self.regrets, self.datasets)

    def more_hits_than(self, other: Scores) -> Estimate:
        """The difference of the shares, run by run."""
        return mean(self.hits - other.hits, self.datasets)

    def more_regret_than(self, other: Scores) -> Estimate:
        """The difference of the regrets, run by run."""
        return mean(self.regrets - other.regrets, self.datasets)


def score(found: InterventionSet, first: First, more_data: MoreData) -> Scores:
    """The scores of any way to choose the first step."""
    taken = _taken(found, more_data)
    pairs = [(run.case, first(run)) for run in found.runs]
    hits = np.array([taken.hit(*pair) for pair in pairs], dtype=float)
    return Scores(hits, np.array([taken.regret(*pair) for pair in pairs]), found.datasets)


def score_random(found: InterventionSet, more_data: MoreData) -> Scores:
    """The scores of a step drawn from all that can be advised."""
    taken = _taken(found, more_data)
    options = [(run.case, list(taken.options[run.case])) for run in found.runs]
    hits = np.array([np.mean([taken.hit(case, step) for step in steps]) for case, steps in options])
    regrets = np.array([np.mean([taken.regret(case, step) for step in steps]) for case, steps in options])
    return Scores(hits, regrets, found.datasets)


def score_oracle(found: InterventionSet, more_data: MoreData) -> Scores:
    """The scores of the best that can be advised."""
    taken = _taken(found, more_data)
    options = [(run.case, [*taken.options[run.case], STOP]) for run in found.runs]
    hits = np.array([max(taken.hit(case, step) for step in steps) for case, steps in options], dtype=float)
    return Scores(hits, np.zeros(len(hits)), found.datasets)


@dataclass(frozen=True)
class Searched:
    """By run: the step that saves most (to stop, where nothing helps), whether it is among those advised, and how often it is
    among as many that are drawn, since a recipe of all steps misses none.
    """

    best: Sequence[str]
    hits: NDArray[np.float64]
    drawn: NDArray[np.float64]
    datasets: Sequence[str]

    @property
    def share(self) -> Estimate:
        return mean(self.hits, self.datasets)

    @property
    def share_by_chance(self) -> Estimate:
        return mean(self.drawn, self.datasets)


def search(found: InterventionSet, recipe: Recipe, more_data: MoreData) -> Searched:
    """Look for the step that saves most in any recipe; where nothing helps there is none to miss."""
    taken = _taken(found, more_data)
    best = [taken.best(run.case) for run in found.runs]
    hits = [step == STOP or is_told(step, recipe(run)) for step, run in zip(best, found.runs, strict=True)]
    shares = [np.mean([is_told(step, recipe(run)) for step in taken.options[run.case]]) for run in found.runs]
    drawn = [1.0 if step == STOP else share for step, share in zip(best, shares, strict=True)]
    return Searched(best, np.array(hits, dtype=float), np.array(drawn, dtype=float), found.datasets)


def is_told(step: str, advice: Sequence[str]) -> bool:
    """True if the step is among what is advised; to make it train is to try another optimiser."""
    return step in advice or (step == "different_optimizer" and "fix_training" in advice)


@cache
def _taken(found: InterventionSet, more_data: MoreData) -> Taken:
    return Taken(found, more_data)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A first suggestion against another one: its share of hits, how much more that is, its regret, how much more that is."""

    helps: Estimate
    more_hits: Estimate
    regret: Estimate
    more_regret: Estimate

    def __str__(self) -> str:
        return (
            f"helps {self.helps.text(0.01)} %, {self.more_hits.text(0.01, sign=True)} more; "
            f"regret {self.regret.text(digits=2)}, {self.more_regret.text(digits=2, sign=True)} more"
        )


def compare(found: InterventionSet, first: First, other: First) -> Mapping[MoreData, Comparison]:
    """One first suggestion against another, in both definitions of more data."""
    compared = {}
    for more_data in DEFINITIONS:
        ours, theirs = score(found, first, more_data), score(found, other, more_data)
        compared[more_data] = Comparison(ours.helps, ours.more_hits_than(theirs), ours.regret, ours.more_regret_than(theirs))
    return compared

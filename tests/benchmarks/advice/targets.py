"""What the advice has to reach, beside what it does: one table for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from advice_taken import DEFINITIONS, MoreData
from bands import coverages
from gains import FEWEST_TOLD, gains
from intervention_set import InterventionSet
from scores import Scores, score, score_random, search
from strategies import always, bvtrack, fixed_order, recipe
from verdict_checks import assumed_bias, certain_verdicts, lowest_known

OTHERS: Mapping[str, Callable[..., Scores]] = {
    "always more data": partial(score, first=always("more_data")),
    "always bigger": partial(score, first=always("bigger_network")),
    "always longer": partial(score, first=always("train_longer")),
    "random": score_random,
}


@dataclass(frozen=True, slots=True)
class Target:
    """A figure, what it has to reach, what was seen, and whether that is enough."""

    what: str
    reach: str
    seen: str
    is_reached: bool


def targets(found: InterventionSet) -> Iterator[Target]:
    """All of them."""
    yield from _against_the_fixed_order(found)
    for more_data in DEFINITIONS:
        yield from _against_others(found, more_data)
        share = search(found, recipe, more_data).share
        yield Target(f"the best step is in the recipe, {more_data}", ">= 95 %", f"{share.text(0.01)} %", share.value >= 0.95)
    yield from _of_forecasts(found)
    certain = next(certain_verdicts(found))
    yield Target("certain, and no step helps", "<= 3 %", f"{certain.unhelped.text(0.01)} %", certain.unhelped.value <= 0.03)
    bias = assumed_bias(found, lowest_known(found))
    yield Target("assumed bias, precision", ">= 0.85", bias.precision.text(digits=2), bias.precision.value >= 0.85)
    yield Target("assumed bias, recall", ">= 0.90", bias.recall.text(digits=2), bias.recall.value >= 0.90)


def _against_the_fixed_order(found: InterventionSet) -> Iterator[Target]:
    """The lower end of the interval is to lie above 0 in one definition, and above -1 point in the other."""
    ours, theirs = ({name: score(found, first, name) for name in DEFINITIONS} for first in (bvtrack, fixed_order))
    lows = {name: ours[name].more_hits_than(theirs[name]).low for name in DEFINITIONS}
    is_ahead = max(lows.values()) > 0 and min(lows.values()) > -0.01
    for name in DEFINITIONS:
        hits, regret = ours[name].more_hits_than(theirs[name]), ours[name].more_regret_than(theirs[name])
        yield Target(f"helps more often than the fixed order, {name}", "> 0 / > -1", hits.text(0.01, sign=True), is_ahead)
        yield Target(f"regret against the fixed order, {name}", "<= 0", regret.text(digits=2, sign=True), regret.value <= 0)


def _against_others(found: InterventionSet, more_data: MoreData) -> Iterator[Target]:
    ours = score(found, bvtrack, more_data)
    for name, scored in OTHERS.items():
        hits = ours.more_hits_than(scored(found, more_data=more_data))
        yield Target(f"helps more often than {name}, {more_data}", "> 0", hits.text(0.01, sign=True), hits.value > 0)


def _of_forecasts(found: InterventionSet) -> Iterator[Target]:
    for coverage in coverages(found):
        (name, lowest), held = coverage.lowest, coverage.held
        is_reached = 0.75 <= held.value <= 0.85 and lowest >= 0.6
        seen = f"{held.text(0.01)} %, {lowest:.0%} on {name}"
        yield Target(f"80 % band: {coverage.what}", "75 to 85 %, each >= 60", seen, is_reached)
    for gain in gains(found):
        if gain.n >= FEWEST_TOLD:
            what = f"realised by expected gain, {gain.step}" + (f", {gain.more_data}" if gain.more_data else "")
            yield Target(what, "0.7 to 1.3", gain.ratio.text(digits=2), 0.7 <= gain.ratio.value <= 1.3)

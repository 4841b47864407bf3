"""Tables of the advice: the strategies, what is in the recipes, and where advice wins or loses."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

import numpy as np
from advice_taken import DEFINITIONS, MoreData
from base_run import BaseRun, Case
from intervention_set import InterventionSet
from over_datasets import mean
from rich.console import Console
from rich.table import Table
from scores import Scores, score, score_oracle, score_random, search
from strategies import STRATEGIES, recipe

CONSOLE = Console(width=180)
FIRST = 3
"""As many steps are read before one is chosen."""
OURS, THEIRS = "bvtrack", "the course's fixed order"


def show_strategies(found: InterventionSet) -> None:
    """How often each first suggestion helps, and its regret, beside bvtrack's."""
    for more_data in DEFINITIONS:
        scored = _scored(found, more_data)
        table = Table(title=f"the first suggestion, more data at the {more_data}", title_justify="left")
        for heading in ("strategy", "helps, %", "bvtrack helps more often by", "regret, points", "bvtrack's is more by"):
            table.add_column(heading)
        for name, scores in scored.items():
            more_hits = scored[OURS].more_hits_than(scores).text(0.01, sign=True) if name != OURS else ""
            more_regret = scored[OURS].more_regret_than(scores).text(digits=2, sign=True) if name != OURS else ""
            table.add_row(name, scores.helps.text(0.01), more_hits, scores.regret.text(digits=2), more_regret)
        CONSOLE.print(table)
    for name in (OURS, THEIRS):
        print(f"suggested first, {name}:", dict(Counter(STRATEGIES[name](run) for run in found.runs).most_common()))


def _scored(found: InterventionSet, more_data: MoreData) -> Mapping[str, Scores]:
    scored = {name: score(found, first, more_data) for name, first in STRATEGIES.items()}
    return scored | {"a random step": score_random(found, more_data), "the best step (oracle)": score_oracle(found, more_data)}


def show_recipes(found: InterventionSet) -> None:
    """How often the best step is in the recipe, beside one of as many steps that are drawn, and which are missed."""
    length = mean([len(recipe(run)) for run in found.runs], found.datasets)
    print(f"steps in a recipe: {length.text()}")
    for more_data in DEFINITIONS:
        searched = search(found, recipe, more_data)
        first = search(found, lambda run: recipe(run)[:FIRST], more_data)
        print(f"the best step is in the recipe, more data at the {more_data}: {searched.share.text(0.01)} %", end="; ")
        print(f"in one of as many steps that are drawn: {searched.share_by_chance.text(0.01)} %", end="; ")
        print(f"among its first {FIRST}: {first.share.text(0.01)} % ({first.share_by_chance.text(0.01)} %)", end="; ")
        missed = Counter(best for best, hit in zip(searched.best, searched.hits, strict=True) if not hit)
        print("missed:", dict(missed.most_common()))


def show_breakdown(found: InterventionSet, by: str, key: Callable[[BaseRun], str]) -> None:
    """Where bvtrack's first suggestion wins and loses against the fixed order, in both definitions."""
    table = Table(title=f"by {by}: bvtrack / fixed order", title_justify="left")
    for heading in (
        by,
        "runs",
        *(f"{what}, {name}" for name in DEFINITIONS for what in ("helps", "regret")),
        "bvtrack's first",
    ):
        table.add_column(heading)
    groups = np.array([key(run) for run in found.runs])
    scored = [(score(found, STRATEGIES[OURS], name), score(found, STRATEGIES[THEIRS], name)) for name in DEFINITIONS]
    for group, n in Counter(groups).most_common():
        of, cells = groups == group, []
        for ours, theirs in scored:
            cells += [f"{ours.hits[of].mean():.0%} / {theirs.hits[of].mean():.0%}"]
            cells += [f"{ours.regrets[of].mean():.1f} / {theirs.regrets[of].mean():.1f}"]
        first = Counter(STRATEGIES[OURS](run) for run, is_of in zip(found.runs, of, strict=True) if is_of)
        table.add_row(group, str(n), *cells, " ".join(f"{step} {count}" for step, count in first.most_common(3)))
    CONSOLE.print(table)


def show_steps(found: InterventionSet) -> None:
    """By verdict and trained step: how often it helped, and how many points it saved (median)."""
    steps = list(dict.fromkeys(step for saved in found.saved.values() for step in saved))
    table = Table("step", title="how often a step helped (and the points it saved, median), by verdict", title_justify="left")
    by_tag: dict[str, list[Case]] = defaultdict(list, {"all": [run.case for run in found.runs]})
    for run in found.runs:
        by_tag[run.diagnosis.tag].append(run.case)
    tags = sorted(by_tag, key=lambda tag: -len(by_tag[tag]))
    for tag in tags:
        table.add_column(f"{tag} ({len(by_tag[tag])})", justify="right")
    for step in steps:
        table.add_row(step, *(_tried(found, by_tag[tag], step) for tag in tags))
    CONSOLE.print(table)


def _tried(found: InterventionSet, cases: list[Case], step: str) -> str:
    saved = [found.saved[case][step] for case in cases if step in found.saved[case]]
    if not saved:
        return "-"
    return f"{np.mean([each.helps for each in saved]):.0%} ({np.median([each.points for each in saved]):+.1f})"

"""Does following the advice help? What the intervention set says of each step, and of the order they are recommended in.

    python tests/benchmarks/advice/report.py                   # what the rules may be fitted to
    python tests/benchmarks/advice/report.py --part both       # and the data that no rule was fitted to: once rules are fixed
    python tests/benchmarks/advice/report.py --results FILE    # other trainings in the same format, .csv or .csv.gz

Each figure stands with its 95 % interval over data sets (over_datasets.py). What a step saves, and when it helps, is said in
intervention_set.py; what it comes to, to follow an advice, in advice_taken.py; the strategies beside bvtrack in strategies.py.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from advice_tables import show_breakdown, show_recipes, show_steps, show_strategies
from bands import coverages
from bigger_dev_sets import choices
from gains import FEWEST_TOLD, gains
from intervention_set import RESULTS, InterventionSet, Part, load
from rich.console import Console
from rich.table import Table
from targets import targets
from verdict_checks import assumed_bias, certain_verdicts, lowest_known, lowest_mean_known

CONSOLE = Console(width=180)


def main() -> None:
    """Print what was found of the part that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=["fit", "held-out", "both"], default="fit")
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    parts: list[Part] = ["fit", "held-out"] if arguments.part == "both" else [arguments.part]
    for part in parts:
        show(part, load(part, arguments.results))


def show(part: str, found: InterventionSet) -> None:
    """Print all that is measured of these trainings."""
    cases, datasets = {run.case for run in found.runs}, set(found.datasets)
    size = f"{len(found.rows):,} trainings, {len(found.runs):,} base runs, {len(cases)} cases, {len(datasets)} data sets"
    print(f"\n{part}: {size}\n")
    show_strategies(found)
    show_recipes(found)
    show_breakdown(found, "data set", lambda run: run.dataset)
    show_breakdown(found, "kind of base", lambda run: run.kind)
    show_breakdown(found, "verdict", lambda run: run.diagnosis.tag)
    show_steps(found)
    show_coverages(found)
    show_gains(found)
    show_verdicts(found)
    show_bigger_dev_sets(found)
    show_targets(found)


def show_coverages(found: InterventionSet) -> None:
    """The 80 % bands."""
    table = Table(title="80 % bands on real trainings", title_justify="left")
    for heading in ("forecast of", "runs", "held, %", "above it, %", "lowest of a data set", "mean points off"):
        table.add_column(heading)
    for each in coverages(found):
        name, lowest = each.lowest
        held = each.held.text(0.01)
        table.add_row(each.what, str(each.n), held, each.above.text(0.01), f"{lowest:.0%} {name}", f"{each.points_off:.2f}")
    CONSOLE.print(table)
    for each in coverages(found):
        print(f"  {each.what}: {', '.join(f'{name} {held:.0%}' for name, held in sorted(each.by_dataset.items()))}")


def show_gains(found: InterventionSet) -> None:
    """What was expected of a step beside what it saved."""
    table = Table(title="expected and realised gain, points", title_justify="left")
    for heading in ("step", "more data at", "runs", "expected", "realised", "realised / expected"):
        table.add_column(heading)
    for gain in gains(found):
        if gain.n >= FEWEST_TOLD:
            told = (estimate.text(digits=2) for estimate in (gain.expected, gain.realised, gain.ratio))
            table.add_row(gain.step, gain.more_data or "", str(gain.n), *told)
    CONSOLE.print(table)


def show_verdicts(found: InterventionSet) -> None:
    """Whether the verdicts are true."""
    print("verdicts:", dict(Counter(f"{run.diagnosis.tag} {run.diagnosis.certainty}" for run in found.runs).most_common()))
    for certain in certain_verdicts(found):
        print(f"certain, no step helps, {certain.what}: {certain.unhelped.text(0.01)} % of {certain.n}")
    for what, known in (("any training", lowest_known(found)), ("a training's mean", lowest_mean_known(found))):
        bias = assumed_bias(found, known)
        precision, recall = bias.precision.text(digits=2), bias.recall.text(digits=2)
        told = f"precision {precision} of {bias.n_named}, recall {recall} of {bias.n_true}"
        print(f"assumed bias against the lowest test error of {what}: {told}")


def show_bigger_dev_sets(found: InterventionSet) -> None:
    """Whether a bigger dev set pays."""
    for each in choices(found):
        what = "dev_overfit named" if each.is_named else "not named"
        print(
            f"bigger_dev_set, {what}: {each.n} choices, {each.saved.text(digits=2, sign=True)} points saved by 4x the dev set"
        )


def show_targets(found: InterventionSet) -> None:
    """What is aimed at beside what was found."""
    table = Table(title="what is aimed at", title_justify="left")
    for heading in ("what", "reach", "here", ""):
        table.add_column(heading)
    for target in targets(found):
        table.add_row(target.what, target.reach, target.seen, "yes" if target.is_reached else "NO")
    CONSOLE.print(table)


if __name__ == "__main__":
    main()

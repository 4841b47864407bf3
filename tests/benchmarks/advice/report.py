"""Does following the advice help? What the intervention set says of each step, and of the order they are recommended in.

    python tests/benchmarks/advice/report.py                # both parts
    python tests/benchmarks/advice/report.py --part fit     # what the rules may be fitted to

A case is a base configuration on a dataset. What a step saves is the mean, over the repeats (other splits and seeds), of the
base run's test error minus that of the run with the step applied: on examples that chose nothing, so that a lucky dev error is
no gain; the model that a run leaves is that of its last epoch. It helps where that mean is above 0 beyond noise (one-sided
t-test at 5 %; the repeats share examples, so that this is a little liberal, alike for all strategies). A verdict is given on
every base run by itself; intervals are over cases (bootstrap), since the repeats of a case are no new evidence, and over
datasets.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from real_data import SOURCES
from rich.console import Console
from rich.table import Table
from scipy import stats

from bvtrack import Diagnosis, Evidence, ModelFacts, OtherRun, Step, classify_curve, diagnose, recommend

RESULTS = Path(__file__).with_name("results.csv")
SIGNIFICANCE = 0.05
RESAMPLES = 2000
FIXED_ORDER = {
    "high_bias": "bigger_network",
    "high_variance": "more_data",
    "data_mismatch": "match_data",
}
"""The course's first step for the problem to attack first, by the errors alone (it knows no intervals)."""
STAND_IN = {"fix_training": "different_optimizer", "bigger_dev_set": "stop_here"}
"""To make it train first is to try another learning rate or optimiser first; to ask for a dev set that can tell is to say that
nothing is worth changing by what is known, as `stop_here` does: right where no step helps."""
N_CLASSES = {"wine": 3, "iris": 3, "diabetes": 2, "breast_cancer": 2}

Row = Mapping[str, str]
Numbers = NDArray[np.float64]
Case = tuple[str, int]


@dataclass(frozen=True)
class BaseRun:
    """One base run, and all that its training would have shown."""

    row: Row
    best_other: OtherRun | None

    @property
    def case(self) -> Case:
        return self.row["dataset"], int(self.row["case"])

    def curve(self, name: str) -> list[float]:
        """The errors by epoch; empty where the set was not measured."""
        return [int(wrong) / self.count(name) for wrong in self.row[f"curve_{name}"].split()]

    def count(self, name: str) -> int:
        return int(self.row["n_train_eval" if name == "train" else f"n_{name}"])

    @cached_property
    def shape(self) -> str:
        n_classes = N_CLASSES.get(self.row["dataset"].removesuffix("_shifted"), 10)
        return classify_curve(self.curve("train"), self.curve("dev"), 1 - 1 / n_classes, n_dev=self.count("dev"))

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """The verdict on the epoch with the lowest dev error."""
        if self.shape in ("not_learning", "diverged"):
            return Diagnosis.without_gaps(self.shape)
        best = int(np.argmin(self.curve("dev")))
        measured = [name for name in ("train", "train_dev", "dev") if self.row[f"curve_{name}"]]
        errors = {f"{name}_error": self.curve(name)[best] for name in measured}
        return diagnose(**errors, **{f"n_{name}": self.count(name) for name in measured})  # type: ignore[arg-type]

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """What is recommended, on all the evidence."""
        evidence = Evidence(
            curve=self.shape,
            model=_model_facts(self.row),
            n_train=int(self.row["n_train"]),
            dev_curve=self.curve("dev"),
            best_other=self.best_other,
        )
        return recommend(self.diagnosis, evidence)


class InterventionSet:
    """The base runs of some datasets, and by case what each step saved: its mean in points, and whether beyond noise."""

    def __init__(self, rows: Sequence[Row], *, knows_others: bool = False) -> None:
        by_group = defaultdict(dict)  # type: ignore[var-annotated]  # (dataset, case, repeat) to step to row
        for row in rows:
            by_group[row["dataset"], int(row["case"]), row["repeat"]][row["step"]] = row
        saved: dict[tuple[Case, str], list[float]] = defaultdict(list)
        for (dataset, case, _), steps in by_group.items():
            for step, row in steps.items():
                if step != "base":
                    saved[(dataset, case), step].append(100 * (_test_error(steps["base"]) - _test_error(row)))
        bases = [steps["base"] for steps in by_group.values()]
        self.runs = [BaseRun(row, _best_other(row, bases) if knows_others else None) for row in bases]
        self.gain = {key: float(np.mean(points)) for key, points in saved.items()}
        self.helps = {key: _is_above_zero(points) for key, points in saved.items()}
        self.n_runs, self.n_pairs = len(rows), sum(map(len, saved.values()))

    def steps_of(self, case: Case) -> list[str]:
        return [step for of, step in self.gain if of == case]

    def hit(self, case: Case, step: str) -> float:
        """Whether the step helps; of stopping here, whether nothing does."""
        if step == "stop_here":
            return float(not any(self.helps[case, other] for other in self.steps_of(case)))
        return float(self.helps.get((case, step), False))

    def regret(self, case: Case, step: str) -> float:
        """How many points the best step saves more than this one."""
        best = max(0.0, *(self.gain[case, other] for other in self.steps_of(case)))
        return best - self.gain.get((case, step), 0.0)


def main() -> None:
    """Print what was found of the asked part, or of both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=["fit", "held-out"])
    part = parser.parse_args().part
    everything = _read(RESULTS)
    for chosen in [part] if part else ["fit", "held-out"]:
        rows = [row for row in everything if SOURCES[row["dataset"]].part == chosen]
        found = InterventionSet(rows)
        cases = {run.case for run in found.runs}
        print(f"\n{chosen}: {found.n_runs:,} runs, {len(cases)} cases on {len({case[0] for case in cases})} datasets\n")
        show_steps(found)
        show_rankings(found, InterventionSet(rows, knows_others=True))
        show_bigger_dev_sets(rows)


def show_steps(found: InterventionSet) -> None:
    """By diagnosis and step: how often it helped, and how many points it saved."""
    table = Table(title="how often a step helped (and the points it saved, median), by diagnosis", title_justify="left")
    table.add_column("diagnosis (base runs)")
    steps = list(dict.fromkeys(step for _, step in found.gain))
    for step in steps:
        table.add_column(step, justify="right")
    by_tag = defaultdict(list)
    for run in found.runs:
        by_tag[run.diagnosis.tag].append(run.case)
    for tag, cases in sorted(by_tag.items(), key=lambda item: -len(item[1])):
        cells = []
        for step in steps:
            tried = [case for case in cases if (case, step) in found.gain]
            share = np.mean([found.helps[case, step] for case in tried]) if tried else 0
            cells.append(f"{share:.0%} ({np.median([found.gain[case, step] for case in tried]):+.1f})" if tried else "-")
        table.add_row(f"{tag} ({len(cases)})", *cells)
    Console(width=190).print(table)


def show_rankings(found: InterventionSet, with_others: InterventionSet) -> None:
    """Hit rate and regret of the first suggestion, beside what one could do without a diagnosis."""
    first = {"bvtrack": [first_step(run) for run in found.runs]}
    first["bvtrack, other runs known"] = [first_step(run) for run in with_others.runs]
    first["the course's fixed order"] = [fixed_order(run) for run in found.runs]
    for step in ("regularize", "different_model", "bigger_network", "more_data", "train_longer"):
        first[f"always {step}"] = [step] * len(found.runs)
    cases = [run.case for run in found.runs]
    hits = {name: np.array([found.hit(*item) for item in zip(cases, steps, strict=True)]) for name, steps in first.items()}
    regrets = {
        name: np.array([found.regret(*item) for item in zip(cases, steps, strict=True)]) for name, steps in first.items()
    }
    every = [(case, found.steps_of(case)) for case in cases]
    hits["random step"] = np.array([np.mean([found.hit(case, step) for step in steps]) for case, steps in every])
    regrets["random step"] = np.array([np.mean([found.regret(case, step) for step in steps]) for case, steps in every])
    hits["the best step (oracle)"] = np.array(
        [max(found.hit(case, step) for step in (*steps, "stop_here")) for case, steps in every]
    )
    regrets["the best step (oracle)"] = np.zeros(len(cases))
    table = Table(title="the first suggestion", title_justify="left")
    for heading in ("strategy", "helps", "bvtrack helps more often by (95 %)", "regret, points", "less regret by (95 %)"):
        table.add_column(heading)
    for name in hits:
        more_hits = "" if name == "bvtrack" else _interval(100 * (hits["bvtrack"] - hits[name]), cases)
        less_regret = "" if name == "bvtrack" else _interval(regrets[name] - regrets["bvtrack"], cases)
        table.add_row(name, f"{hits[name].mean():.1%}", more_hits, f"{regrets[name].mean():.2f}", less_regret)
    _show_by_dataset(hits, regrets, cases)
    both = np.array(["stop_here" not in pair for pair in zip(first["bvtrack"], first["the course's fixed order"], strict=True)])
    console = Console(width=150)
    console.print(table)
    console.print("suggested first:", dict(Counter(first["bvtrack"]).most_common()))
    print(f"of the {both.sum()} runs for which both bvtrack and the fixed order suggest a change:", end=" ")
    print(", ".join(f"{hits[name][both].mean():.1%} {name}" for name in ("bvtrack", "the course's fixed order")))


def _show_by_dataset(hits: Mapping[str, Numbers], regrets: Mapping[str, Numbers], cases: Sequence[Case]) -> None:
    """The first suggestion against the fixed order, dataset by dataset."""
    ours, fixed = "bvtrack", "the course's fixed order"
    table = Table(title="by dataset", title_justify="left")
    for heading in ("dataset", "bvtrack helps", "fixed order helps", "regret of bvtrack", "of the fixed order"):
        table.add_column(heading)
    datasets = [case[0] for case in cases]
    for name in dict.fromkeys(datasets):
        of = np.array([dataset == name for dataset in datasets])
        shares = [f"{hits[strategy][of].mean():.0%}" for strategy in (ours, fixed)]
        table.add_row(name, *shares, *(f"{regrets[strategy][of].mean():.1f}" for strategy in (ours, fixed)))
    Console(width=150).print(table)
    groups = [(dataset, 0) for dataset in datasets]
    print("over datasets: helps more often by", _interval(100 * (hits[ours] - hits[fixed]), groups), end="; ")
    print("less regret by", _interval(regrets[fixed] - regrets[ours], groups))


def show_bigger_dev_sets(rows: Iterable[Row]) -> None:
    """Choose the best of a split's runs by a quarter of the dev set, or by all of it: which choice has less test error?"""
    by_split = defaultdict(list)
    for row in rows:
        by_split[row["dataset"], row["repeat"]].append(row)
    saved: dict[bool, list[float]] = {True: [], False: []}
    for runs in by_split.values():
        by_quarter = min(runs, key=lambda row: int(row["wrong_dev_quarter"]))
        by_all = min(runs, key=lambda row: int(row["wrong_dev"]))
        n_quarter = int(by_quarter["n_dev"]) // 4
        verdict = diagnose(
            train_error=None,
            dev_error=int(by_quarter["wrong_dev_quarter"]) / n_quarter,
            test_error=_test_error(by_quarter),
            n_dev=n_quarter,
            n_test=int(by_quarter["n_test"]),
        )
        saved["dev_overfit" in verdict.problems].append(100 * (_test_error(by_quarter) - _test_error(by_all)))
    for is_named, points in saved.items():
        what = "dev_overfit named" if is_named else "not named"
        if points:
            print(
                f"bigger_dev_set, {what}: {len(points)} choices, {np.mean(points):+.2f} points saved by 4x the dev set,",
                end=" ",
            )
            print(f"less test error in {np.mean(np.array(points) > 0):.0%}, more in {np.mean(np.array(points) < 0):.0%}")


def first_step(run: BaseRun) -> str:
    """What bvtrack suggests first."""
    first = run.steps[0].id if run.steps else "stop_here"
    return STAND_IN.get(first, first)


def fixed_order(run: BaseRun) -> str:
    """What the course's recipe says of the errors alone."""
    if run.shape in ("not_learning", "diverged"):
        return STAND_IN["fix_training"]
    by_errors = diagnose(**{f"{name}_error": error for name, error in run.diagnosis.errors.items()})  # type: ignore[arg-type]
    return FIXED_ORDER.get(by_errors.focus or "", "stop_here")


def _best_other(row: Row, bases: Iterable[Row]) -> OtherRun | None:
    """The best of the other configurations on the same split: what the experiment would show by then."""
    others = [
        other
        for other in bases
        if (other["dataset"], other["repeat"]) == (row["dataset"], row["repeat"]) and other["case"] != row["case"]
    ]
    if not others:
        return None
    best = min(others, key=_lowest_dev_error)
    return OtherRun(_lowest_dev_error(best), model=_model_facts(best))


def _lowest_dev_error(row: Row) -> float:
    return min(map(int, row["curve_dev"].split())) / int(row["n_dev"])


def _model_facts(row: Row) -> ModelFacts:
    return ModelFacts(
        parameters=int(row["parameters"]),
        optimizer="Adam" if row["optimizer"] == "adam" else "SGD",
        learning_rate=float(row["learning_rate"]),
        momentum=0.9 if row["optimizer"] == "momentum" else 0.0,
        weight_decay=float(row["weight_decay"]),
        dropout=float(row["dropout"]),
        batch_size=int(row["batch_size"]),
    )


def _interval(differences: NDArray[np.float64], cases: Sequence[Case]) -> str:
    """The mean with its bootstrap interval over cases."""
    by_case: Mapping[Case, list[float]] = defaultdict(list)
    for case, difference in zip(cases, differences, strict=True):
        by_case[case].append(float(difference))
    means = np.array([np.mean(of_case) for of_case in by_case.values()])
    drawn = np.random.default_rng(0).integers(len(means), size=(RESAMPLES, len(means)))
    low, high = np.quantile(means[drawn].mean(axis=1), (0.025, 0.975))
    return f"{means.mean():+.1f} ({low:+.1f} to {high:+.1f})"


def _is_above_zero(points: Sequence[float]) -> bool:
    if np.ptp(points) == 0:
        return points[0] > 0
    return bool(stats.ttest_1samp(points, 0, alternative="greater").pvalue < SIGNIFICANCE)


def _test_error(row: Row) -> float:
    return int(row["wrong_test"]) / int(row["n_test"])


def _read(path: Path) -> list[Row]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main()

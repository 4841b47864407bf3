"""Are the verdicts true? Certain ones against what helped, an assumed bias against the best error that is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from advice_taken import OPTIONS
from base_run import BaseRun
from intervention_set import InterventionSet, reserve_error
from numpy.typing import NDArray
from over_datasets import Estimate, share

from bvtrack import diagnose

TRUE_BIAS = 0.015
"""From here on there is a bias to avoid; the threshold of the rule itself."""
STEPS_FOR: Mapping[str, tuple[str, ...]] = {
    "high_bias": ("bigger_network", "train_longer", "different_optimizer", "different_model", "reduce_regularization"),
    "high_variance": ("more_data", "regularize", "different_model"),
    "data_mismatch": ("match_data",),
}
"""The steps against a problem, each by any of its trainings, with more data in both definitions."""


@dataclass(frozen=True, slots=True)
class Certain:
    """The certain verdicts of some kind: how many, and how many of them name problems of which no step helps."""

    what: str
    n: int
    unhelped: Estimate


def certain_verdicts(found: InterventionSet) -> Iterator[Certain]:
    """Of all problems that a certain verdict names, then of each alone."""
    sure = np.array([run.diagnosis.certainty == "certain" and bool(problems_of(run)) for run in found.runs])
    helped = np.array([any(_is_helped(found, run, name) for name in problems_of(run)) for run in found.runs])
    yield Certain("any of the problems named", int(sure.sum()), share(~helped, sure, found.datasets))
    for problem in STEPS_FOR:
        named = sure & np.array([problem in problems_of(run) for run in found.runs])
        helped = np.array([_is_helped(found, run, problem) for run in found.runs])
        if named.any():
            yield Certain(problem, int(named.sum()), share(~helped, named, found.datasets))


def problems_of(run: BaseRun) -> list[str]:
    """The problems named of which a step was trained."""
    return [problem for problem in run.diagnosis.problems if problem in STEPS_FOR]


def _is_helped(found: InterventionSet, run: BaseRun, problem: str) -> bool:
    trainings = {training for step in STEPS_FOR[problem] for training in OPTIONS[step]}
    return any(saved.helps for training, saved in found.saved[run.case].items() if training in trainings)


@dataclass(frozen=True, slots=True)
class AssumedBias:
    """How well a bias that is named without a human error tells a true one: above the best error that is known."""

    n_named: int
    n_true: int
    precision: Estimate
    recall: Estimate


def assumed_bias(found: InterventionSet, known: Mapping[str, float]) -> AssumedBias:
    """By the errors of the epoch that the tags are about, their counts and nothing else; `known` is by data set."""
    named, true = is_bias_named(found), is_bias_true(found, known)
    precision, recall = share(true, named, found.datasets), share(named, true, found.datasets)
    return AssumedBias(int(named.sum()), int(true.sum()), precision, recall)


def is_bias_named(found: InterventionSet) -> NDArray[np.bool_]:
    """By run."""
    verdicts = (
        diagnose(
            train_error=run.chosen.errors["train"],
            dev_error=run.chosen.errors["dev"],
            n_train=run.count("train"),
            n_dev=run.count("dev"),
        )
        for run in found.runs
    )
    return np.array(["high_bias" in verdict.problems for verdict in verdicts])


def is_bias_true(found: InterventionSet, known: Mapping[str, float]) -> NDArray[np.bool_]:
    """By run."""
    above = [run.chosen.errors["train"] - _on_its_labels(known[run.dataset], run) for run in found.runs]
    return np.array(above) >= TRUE_BIAS


def _on_its_labels(error: float, run: BaseRun) -> float:
    """What an error on true labels is on the run's, of which some are another class's: that much cannot be avoided."""
    noise, n_classes = float(run.row["label_noise"]), int(run.row["n_classes"])
    return (1 - error) * noise + error * (1 - noise / (n_classes - 1))


def lowest_known(found: InterventionSet) -> dict[str, float]:
    """The lowest test error of any training on each data set."""
    lowest: dict[str, float] = {}
    for row in found.rows:
        lowest[row["dataset"]] = min(lowest.get(row["dataset"], 1.0), reserve_error(row))
    return lowest


def lowest_mean_known(found: InterventionSet) -> dict[str, float]:
    """The same of the mean over the repeats of a training, which no lucky draw lowers."""
    errors: dict[tuple[str, str, str], list[float]] = {}
    for row in found.rows:
        errors.setdefault((row["dataset"], row["kind"], row["step"]), []).append(reserve_error(row))
    means = [(dataset, float(np.mean(of))) for (dataset, _, _), of in errors.items()]
    return {dataset: min(error for of, error in means if of == dataset) for dataset, _ in means}

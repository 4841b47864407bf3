"""Diagnosis in, next steps out: the course's recipe, ranked by what each step can be expected to bring to this run.

High bias: a bigger network, longer training, another optimiser, another model. High variance: more data, regularisation,
another model (Deep Learning Specialization, course 2 week 1, "Basic recipe for machine learning"). Data mismatch: make the
training data more like the dev data (course 3 week 2). An overfit dev set: a bigger one (Machine Learning Yearning, ch. 11).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bvtrack.diagnosis.diagnosis import PROBLEMS, STATES_WITHOUT_GAPS, Diagnosis
from bvtrack.diagnosis.evidence import Evidence
from bvtrack.diagnosis.expected_gains import Gains, expected_gains
from bvtrack.diagnosis.explanation import SET_NAMES, sets_of
from bvtrack.diagnosis.step_reasons import Reasons

TITLES = {
    "bigger_network": "Train a bigger network",
    "train_longer": "Train longer",
    "different_optimizer": "Try another optimiser or learning rate",
    "different_model": "Try another model",
    "more_data": "Get more training data",
    "regularize": "Regularise",
    "stop_earlier": "Stop earlier",
    "match_data": "Make the training data more like the dev data",
    "bigger_dev_set": "Get a bigger dev set",
    "fix_training": "Make it train first",
    "stop_here": "Stop here",
}

RECIPE = {
    "high_bias": ("bigger_network", "train_longer", "different_optimizer", "different_model"),
    "high_variance": ("more_data", "regularize", "different_model"),
    "data_mismatch": ("match_data",),
    "dev_overfit": ("bigger_dev_set",),
    "balanced": ("stop_here",),
    "beyond_human": ("stop_here",),
    "easier_dev": ("match_data",),
    "diverged": ("fix_training",),
    "not_learning": ("fix_training",),
}
"""The course's order, by problem or state: it decides where equal gains are expected."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to try next: `id` for machines, `title` and `why` for people.

    `expected_gain` is the dev error that it should save, as a fraction, where a forecast can be made of it.
    """

    id: str
    title: str
    why: str
    expected_gain: float | None = None


def recommend(diagnosis: Diagnosis, evidence: Evidence | None = None) -> tuple[Step, ...]:
    """The steps to try next, the one that can be expected to save most first; empty where nothing can be advised.

    They are the course's for the problems that are named, `stop_earlier` where the dev error has turned, and what leads to a
    better run of the experiment. What each can be expected to save follows from the errors and the `evidence`; where the dev
    set is too small to tell, a bigger one comes first.

    >>> from bvtrack import diagnose
    >>> [step.id for step in recommend(diagnose(train_error=0.01, dev_error=0.11))]
    ['more_data', 'regularize', 'different_model']
    """
    evidence = evidence or Evidence()
    gains = expected_gains(diagnosis, evidence)
    reasons = Reasons(evidence, gains)
    if diagnosis.tag == "undetermined":
        return _to_be_able_to_tell(diagnosis) + _ranked(_suspected(diagnosis), gains, reasons)
    towards_best = [gains.towards_best] if gains.towards_best else []
    if diagnosis.tag in STATES_WITHOUT_GAPS:  # what does not train yet has to do that first
        return _ranked(_of_the_recipe(diagnosis, evidence), gains, reasons) + _ranked(towards_best, gains, reasons)
    return _ranked([*_of_the_recipe(diagnosis, evidence), *towards_best], gains, reasons)


def _of_the_recipe(diagnosis: Diagnosis, evidence: Evidence) -> list[str]:
    """The course's steps for what is named, that of the focus first, and what the curve adds."""
    problems = sorted(diagnosis.problems, key=lambda problem: problem != diagnosis.focus) or [diagnosis.tag]
    steps = [step_id for problem in problems for step_id in RECIPE.get(problem, ())]
    return [*steps, "stop_earlier"] if evidence.curve == "overtrained" else steps


def _suspected(diagnosis: Diagnosis) -> list[str]:
    """The steps for what would be named if it were no noise."""
    return [step_id for name, gap in diagnosis.decided.items() if gap.is_unclear for step_id in RECIPE[PROBLEMS[name]]]


def _ranked(step_ids: Iterable[str], gains: Gains, reasons: Reasons) -> tuple[Step, ...]:
    """The steps, each once, by expected gain; `sorted` leaves those of equal gain in the given order."""
    ranked = sorted(dict.fromkeys(step_ids), key=gains.of, reverse=True)
    return tuple(Step(step_id, TITLES[step_id], reasons.of(step_id), gains.forecast.get(step_id)) for step_id in ranked)


def _to_be_able_to_tell(diagnosis: Diagnosis) -> tuple[Step, ...]:
    """What would let an undetermined run be diagnosed."""
    if "dev" not in diagnosis.errors:
        return (Step("bigger_dev_set", "Hold out a dev set", "Without a dev error variance cannot be measured."),)
    unclear = [name for name, gap in diagnosis.decided.items() if gap.is_unclear]
    if unclear:
        sides = [side for side in sets_of(unclear[0], diagnosis.errors) if side in diagnosis.counts]
        fewest = min(sides, key=lambda side: diagnosis.counts[side], default="dev")
        measure = f"Measure the {SET_NAMES[fewest]} error on more examples"
        why = "The errors rest on too few examples to tell a gap from noise; the explanation says how many would."
        return (Step("bigger_dev_set", TITLES["bigger_dev_set"] if fewest == "dev" else measure, why),)
    if "train" in diagnosis.errors:
        why = "Train and dev come from different sources; a train-dev set would tell variance from data mismatch."
        return (Step("match_data", TITLES["match_data"], why),)
    return ()

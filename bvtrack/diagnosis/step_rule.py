"""A step of the recipe: what it is for, what it can be expected to save, and what speaks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bvtrack.diagnosis.evidence import Evidence
from bvtrack.diagnosis.expected_gains import Gain, Prospects


def no_gain(prospects: Prospects) -> Gain:
    """Of a step that saves nothing, or nothing that could be told."""
    return Gain()


def unchanged_reason(why: str, prospects: Prospects, gain: Gain) -> str:
    """A reason that takes nothing from the run."""
    return why


def never_leads_to_best(evidence: Evidence) -> bool:
    """Of a step that does not lead to what another run has otherwise."""
    return False


@dataclass(frozen=True, slots=True)
class StepRule:
    """One thing that can be tried next: `id` for machines, `title` for people.

    `why` is what the course and Machine Learning Yearning give as the reason; `reason` makes of it what is said of a run, with
    its numbers. `problems` are the problems and states that the step is for, `curves` the values of `classify_curve` that ask
    for it, too. `gain` is what it can be expected to save. `leads_to_best` says whether it is the step to what the experiment's
    best run, which is clearly better, has otherwise.
    """

    id: str
    title: str
    why: str
    problems: tuple[str, ...] = ()
    curves: tuple[str, ...] = ()
    gain: Callable[[Prospects], Gain] = no_gain
    reason: Callable[[str, Prospects, Gain], str] = unchanged_reason
    leads_to_best: Callable[[Evidence], bool] = never_leads_to_best

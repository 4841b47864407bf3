"""A rule of the recipe: the problems a step is for, its expected gain, and the reason for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bvtrack.diagnosis.evidence import Evidence
from bvtrack.diagnosis.expected_gains import Gain, Prospects


def no_gain(prospects: Prospects) -> Gain:
    """For a step with no gain, or an unknown one."""
    return Gain()


def unchanged_reason(why: str, prospects: Prospects, gain: Gain) -> str:
    """For a step whose reason does not depend on the run."""
    return why


def never_leads_to_best(evidence: Evidence) -> bool:
    """For a step that adopts no difference of another run."""
    return False


@dataclass(frozen=True, slots=True)
class StepRule:
    """A step that can be tried next: `id` for machines, `title` for people.

    `why` is the reason given by the course and Machine Learning Yearning; `reason` turns it into one with the run's numbers.
    `problems` are the problems and states that the step is for, `curves` the values of `classify_curve` that also call for it.
    `gain` is its expected gain. `leads_to_best` is true if the step adopts a difference of the experiment's clearly better best
    run.
    """

    id: str
    title: str
    why: str
    problems: tuple[str, ...] = ()
    curves: tuple[str, ...] = ()
    gain: Callable[[Prospects], Gain] = no_gain
    reason: Callable[[str, Prospects, Gain], str] = unchanged_reason
    leads_to_best: Callable[[Evidence], bool] = never_leads_to_best

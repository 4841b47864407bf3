"""A rule of the recipe: the problems a step is for, its expected gain, and the reason for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from bvtrack.diagnosis.expected_gains import Prospects


def unchanged_reason(why: str, prospects: Prospects) -> str:
    """For a step whose reason does not depend on the run."""
    return why


def always(prospects: Prospects) -> bool:
    """For a step that every run can take."""
    return True


class Words(NamedTuple):
    """A step's title and its reason."""

    title: str
    why: str


@dataclass(frozen=True, slots=True)
class StepRule:
    """A step that can be tried next: `id` for machines, `title` for people.

    `why` is the reason given by the course and Machine Learning Yearning; `reason` turns it into one with the run's numbers.
    `problems` are the problems and states that the step is for, `curves` the values of `classify_curve` that also call for it.
    `gain` is its forecast gain, as a fraction, for a step whose gain is not just what such steps saved on average. `applies` is
    false for a run that cannot take the step. A step `is_left` if it may help a run for whose problems it is not. `of_trees`
    holds its words for boosted trees, to which a network's mean nothing.
    """

    id: str
    title: str
    why: str
    problems: tuple[str, ...] = ()
    curves: tuple[str, ...] = ()
    gain: Callable[[Prospects], float | None] | None = None
    reason: Callable[[str, Prospects], str] = unchanged_reason
    applies: Callable[[Prospects], bool] = always
    is_left: bool = False
    of_trees: Words | None = None

    def words(self, prospects: Prospects) -> Words:
        """The step in words, with the run's numbers."""
        if self.of_trees is not None and prospects.evidence.model.kind == "trees":
            return self.of_trees
        return Words(self.title, self.reason(self.why, prospects))

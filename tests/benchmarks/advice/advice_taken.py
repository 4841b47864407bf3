"""What it comes to, to follow an advice: the training that it stands for, in either definition of more data.

| advice | is judged by |
|---|---|
| `more_data` | four times the examples, at the same epochs or at the same updates: the definition that the score is for |
| `different_optimizer` | the optimiser at its default rate; the rate that the sentence names, where it names a direction |
| `regularize` | the middle of three strengths |
| `reduce_regularization` | half of it; none of it where only that was trained |
| `fix_training` | `different_optimizer`, since to make it train is to try another rate or optimiser first |
| `bigger_dev_set`, `stop_here`, none | no change, which is right where no step helps, and saves nothing |
| any other | the step of that name; one that was not trained on the data set helps nobody |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from base_run import Case
from intervention_set import InterventionSet, Saved

from bvtrack import Step

MoreData = Literal["same epochs", "same updates"]
DEFINITIONS: Mapping[MoreData, str] = {"same epochs": "more_data_epochs", "same updates": "more_data_updates"}
"""The training by the definition of more data."""
STOP = "stop_here"
NOTHING = Saved(0.0, helps=False)
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "bigger_network": ("bigger_network",),
    "train_longer": ("train_longer",),
    "different_optimizer": ("different_optimizer", "lower_rate", "higher_rate"),
    "more_data": tuple(DEFINITIONS.values()),
    "regularize": ("regularize_medium", "regularize_weak", "regularize_strong"),
    "reduce_regularization": ("reduce_regularization_half", "reduce_regularization_none"),
    "different_model": ("different_model",),
    "stop_earlier": ("stop_earlier",),
    "match_data": ("match_data",),
}
"""What can be advised, and its trainings; the first of them that there is judges it."""
JUDGED_BY: Mapping[str, tuple[str, ...]] = {
    **OPTIONS,
    "lower_rate": ("lower_rate", "different_optimizer"),
    "higher_rate": ("higher_rate", "different_optimizer"),
    "fix_training": ("different_optimizer",),
}
STOPS = ("bigger_dev_set", STOP)
RATES = {"lower_rate": ("lower rate", "lower learning rate"), "higher_rate": ("higher rate", "higher learning rate")}
"""The words of a sentence that name a direction of the learning rate."""


@dataclass(frozen=True)
class Taken:
    """What each advice saves, where more data are meant in one of the two definitions."""

    found: InterventionSet
    more_data: MoreData

    def hit(self, case: Case, advice: str) -> bool:
        """True if the advice helps; of stopping here, if nothing that can be advised does."""
        if advice in STOPS:
            return not any(saved.helps for saved in self.options[case].values())
        return self.saved(case, advice).helps

    def regret(self, case: Case, advice: str) -> float:
        """How many points the best advice saves more than this one."""
        saved = self.saved(case, advice).points
        return max(0.0, saved, *(other.points for other in self.options[case].values())) - saved

    def saved(self, case: Case, advice: str) -> Saved:
        """What an advice saves; `lower_rate` and `higher_rate` are such, too."""
        trained = self.found.saved[case]
        return next((trained[step] for step in self.trainings(advice) if step in trained), NOTHING)

    def best(self, case: Case) -> str:
        """The advice that saves most of those that help, by any of its trainings; to stop, where none does."""
        trained = self.found.saved[case]
        tried = [(trained[step], advice) for advice in OPTIONS for step in self.trainings(advice) if step in trained]
        return max(((saved.points, advice) for saved, advice in tried if saved.helps), default=(0.0, STOP))[1]

    def trainings(self, advice: str) -> tuple[str, ...]:
        """The trainings of an advice, the one that judges it first."""
        return (DEFINITIONS[self.more_data],) if advice == "more_data" else JUDGED_BY.get(advice, (advice,))

    @cached_property
    def options(self) -> Mapping[Case, Mapping[str, Saved]]:
        """By case, what can be advised, each with what it saves."""
        return {
            case: {advice: self.saved(case, advice) for advice in OPTIONS if trained.keys() & {*self.trainings(advice)}}
            for case, trained in self.found.saved.items()
        }


def advised(step: Step) -> str:
    """The id of what a step tells the user to do, the direction of the rate by its sentence."""
    if step.id != "different_optimizer":
        return step.id
    return next((rate for rate, words in RATES.items() if any(word in step.why for word in words)), step.id)

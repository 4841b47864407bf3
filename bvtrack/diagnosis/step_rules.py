"""All steps of the recipe, in the course's order; a new step is one entry, here or among those for bias and variance."""

from __future__ import annotations

from bvtrack.diagnosis.bias_steps import BIAS_STEPS
from bvtrack.diagnosis.expected_gains import Prospects
from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.diagnosis.leads import is_dev_set_alone, is_rate_suspect
from bvtrack.diagnosis.model_in_words import optimizer_of
from bvtrack.diagnosis.step_rule import StepRule, Words
from bvtrack.diagnosis.variance_steps import VARIANCE_STEPS
from bvtrack.measures.percent import in_points, percent


def _why_mend_split(why: str, prospects: Prospects) -> str:
    if not is_dev_set_alone(prospects):
        return why
    errors = prospects.diagnosis.errors
    source = "train_dev" if "train_dev" in errors else "train"
    seen, dev, test = (percent(errors[name]) for name in (source, "dev", "test"))
    return (
        f"Dev ({dev}) is far easier than {SET_NAMES[source]} ({seen}) and test ({test}): were two of the sets swapped, or is "
        f"dev in the training data? {why}"
    )


def _why_fix_training(why: str, prospects: Prospects) -> str:
    if not is_rate_suspect(prospects):
        return why
    model = prospects.evidence.model
    return f"{optimizer_of(model)} takes steps that are far too large: {model.usual_rate:g} is usual, so lower it first. {why}"


def _rise(prospects: Prospects) -> float:
    """The rise of the dev error since its best epoch."""
    trend = prospects.evidence.trend
    return trend.last - trend.best if trend.n_values else 0.0


def _has_risen(prospects: Prospects) -> bool:
    return prospects.evidence.curve in ("overtrained", "unstable") or in_points(_rise(prospects)) != "0.0"


def _gain_of_stopping_earlier(prospects: Prospects) -> float | None:
    """None for a verdict that speaks of the best epoch already."""
    trend = prospects.evidence.trend
    return max(prospects.dev_error - trend.best, 0.0) or None if trend.n_values else None


def _why_stop_earlier(why: str, prospects: Prospects) -> str:
    rise = in_points(_rise(prospects))
    if rise == "0.0":
        return why
    risen = f"The dev error has risen by {rise} points since its best epoch: keep that epoch, or stop there."
    is_unstable = prospects.evidence.curve == "unstable"
    return f"{risen} The train error has risen as well, which a lower learning rate may prevent." if is_unstable else risen


def _is_mismatch_possible(prospects: Prospects) -> bool:
    return bool({"data_mismatch", "easier_dev"} & {*prospects.problems}) or prospects.gap("data_mismatch") > 0


_FIRST_OF_ALL = (
    StepRule(
        id="mend_split",
        title="Mend the split first",
        why="An error measured on a split at fault is not the one that counts: mend the split, and measure again.",
        reason=_why_mend_split,
    ),
    StepRule(
        id="fix_training",
        title="Make it train first",
        why="Check the learning rate, the initialisation and the labels; first overfit a single batch on purpose.",
        problems=("diverged", "not_learning"),
        reason=_why_fix_training,
        of_trees=Words(
            "Make it train first",
            "Check the objective, the labels and the learning rate; first let it learn a hundred rows by heart on purpose.",
        ),
    ),
)
_OTHER_STEPS = (
    StepRule(
        id="stop_earlier",
        title="Stop earlier",
        why="An earlier epoch was better on the dev set than the last one: keep that epoch, or stop there.",
        curves=("overtrained", "unstable"),
        gain=_gain_of_stopping_earlier,
        reason=_why_stop_earlier,
        applies=_has_risen,
        is_left=True,
    ),
    StepRule(
        id="match_data",
        title="Make the training data more like the dev data",
        why="Find out how the two differ, then collect, or make, training data that is like the dev data.",
        problems=("data_mismatch", "easier_dev"),
        applies=_is_mismatch_possible,
        is_left=True,
    ),
    StepRule(
        id="bigger_dev_set",
        title="Get a bigger dev set",
        why="Choices were fitted to this dev set; a bigger one is harder to overfit.",
        problems=("dev_overfit",),
    ),
    StepRule(
        id="stop_here",
        title="Stop here",
        why="Bias and variance are both low against this baseline: a lower human error would show if more can be had.",
        problems=("balanced", "beyond_human"),
    ),
)
STEP_RULES = {rule.id: rule for rule in (*_FIRST_OF_ALL, *BIAS_STEPS, *VARIANCE_STEPS, *_OTHER_STEPS)}
"""Steps by id, in the course's order."""

"""All steps of the recipe, in the course's order; a new step is one entry, here or among those for bias and variance."""

from __future__ import annotations

from bvtrack.diagnosis.bias_steps import BIAS_STEPS
from bvtrack.diagnosis.expected_gains import Gain, Prospects
from bvtrack.diagnosis.explanation import in_points
from bvtrack.diagnosis.step_rule import StepRule
from bvtrack.diagnosis.variance_steps import VARIANCE_STEPS

MISMATCH_SHARE = 0.1
"""Share of data mismatch removed by training on data half of which is like the dev set's; 7 % in the intervention set."""
OVERFIT_SHARE = 0.5
"""Share of dev overfit removed by a bigger dev set: four times the examples halve the overfitting to their noise."""


def _gain_of_stopping_earlier(prospects: Prospects) -> Gain:
    trend = prospects.evidence.trend
    return Gain(trend.last - trend.best, prospects.dev_error - trend.best) if trend.n_values else Gain()


def _why_stop_earlier(why: str, prospects: Prospects, gain: Gain) -> str:
    if gain.expected <= 0:
        return why
    risen = (
        f"The dev error has risen by {in_points(gain.expected)} points since its best epoch: keep that epoch, or stop there."
    )
    is_unstable = prospects.evidence.curve == "unstable"
    return f"{risen} The train error has risen as well, which a lower learning rate may prevent." if is_unstable else risen


def _gain_of_matching_data(prospects: Prospects) -> Gain:
    return Gain(MISMATCH_SHARE * prospects.gap("data_mismatch"))


def _gain_of_bigger_dev_set(prospects: Prospects) -> Gain:
    return Gain(OVERFIT_SHARE * prospects.gap("dev_overfit"))


_OTHER_STEPS = (
    StepRule(
        id="stop_earlier",
        title="Stop earlier",
        why="An earlier epoch was better on the dev set than the last one: keep that epoch, or stop there.",
        curves=("overtrained", "unstable"),
        gain=_gain_of_stopping_earlier,
        reason=_why_stop_earlier,
    ),
    StepRule(
        id="match_data",
        title="Make the training data more like the dev data",
        why="Find out how the two differ, then collect, or make, training data that is like the dev data.",
        problems=("data_mismatch", "easier_dev"),
        gain=_gain_of_matching_data,
    ),
    StepRule(
        id="bigger_dev_set",
        title="Get a bigger dev set",
        why="Choices were fitted to this dev set; a bigger one is harder to overfit.",
        problems=("dev_overfit",),
        gain=_gain_of_bigger_dev_set,
    ),
    StepRule(
        id="fix_training",
        title="Make it train first",
        why="Check the learning rate, the initialisation and the labels; first overfit a single batch on purpose.",
        problems=("diverged", "not_learning"),
    ),
    StepRule(
        id="stop_here",
        title="Stop here",
        why="Bias and variance are both low against this baseline: a lower human error would show if more can be had.",
        problems=("balanced", "beyond_human"),
    ),
)
STEP_RULES = {rule.id: rule for rule in (*BIAS_STEPS, *VARIANCE_STEPS, *_OTHER_STEPS)}
"""Steps by id, in the course's order, which breaks ties between equal expected gains."""

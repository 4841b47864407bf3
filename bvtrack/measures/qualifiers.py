"""Words in metric names beside the quantity: those that leave it as it is, and those that make another, or no error, of it."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text, each once."""
    return frozenset(text.split())


NEUTRAL = words(
    "binary multi multiclass multilabel categorical sparse classification metric metrics score rate mean avg average overall"
    " total global final current full all raw at bvtrack index coef coeff coefficient cohen"
    " agg ovr ovo roc single label"
)
"""The same quantity, named at greater length."""

AVERAGES = ("micro", "weighted", "macro", "balanced")
"""Ways to average over classes, those nearest to the plain metric first."""

NO_ERRORS = words(
    "std stdev stdv stddev sd var variance sem stderr ci lower upper delta diff difference gap range iqr change improvement"
    " slope time seconds sec duration count n num steps lr grad gradient threshold thresh weight weights lambda scale scaler"
    " uncertainty pm drop target baseline patience gpu cpu mem memory temp temperature util speed fps throughput latency"
    " flops ratio"
)
"""Spreads and differences of a metric, and what is no value of it: none of them is an error."""

PARTS = words(
    "mask aux auxiliary fold class per head task group worst best max min slice subset bbox small medium large running"
    " smooth smoothed noisy adv adversarial robust attack corrupted ood shadow sanity batch loader dataloader idx domain"
    " support oracle random majority dummy seen unseen category"
)
"""A part of the examples, the classes or the model, or the best so far, but not the metric of the task at this epoch."""

PLAYERS = words("d discriminator disc critic")
"""A discriminator that is right about half the time has met a good generator: its accuracy is no error of the model."""

SOME_EXAMPLES = words("class per group slice subset small medium large domain ood seen unseen category")
"""Parts of the examples, of which a set may have none."""

TERMS = words("cls")
"""A term of a loss that is a sum, but the task by which an accuracy is named where a model has others too."""

OF_QUANTITIES = words("reg regression regressor")
"""An output that is a regression's: an accuracy of it means nothing."""

OF_PLACES = words("token tokens pixel pix voxel point points char character word sequence span edge frame mlm")
"""What is counted in place of examples: the number of examples then tells nothing of the metric's certainty."""

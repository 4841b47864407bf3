"""Parse a metric's name: the set it was measured on, and the quantity."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from bvtrack.measures.losses import LossKind
from bvtrack.measures.metric_words import MOST_NAMES, STAGES, words_of
from bvtrack.measures.quantity import PART, Kind, Quantity, quantity_of
from bvtrack.measures.quantity import counted_from_zero as quantities_from_zero

STAGE_OF = {
    **{word: stage for stage, words in STAGES.items() for word in words},
    **dict.fromkeys(("holdout", "heldout", "cv", "oof", "oob"), "dev"),
    "testing": "test",
    "trainval": "train",
    "traindev": "train_dev",
}
"""Words for the set in metric names, including those for data a model has not been fitted to."""
GENERIC = {"eval", "evaluation"}
"""Prefixes that are not the name of a set if another word is: `eval_train_loss`."""
OF_DATA = {"x", "y", "df", "ds", "data", "set", "dataset", "loader", "dataloader", "idx", "epoch", "step"}
"""Words that say nothing about the quantity."""
CORES = {"l2": "mse", "l1": "mae"}
"""LightGBM's names for errors, which are those of norms elsewhere."""


class MetricName(NamedTuple):
    """A metric that can be read as an error.

    `stage` is `train`, `train_dev`, `dev` or `test`, or `None` if the name says none. Metrics with one `core` measure the same
    quantity. `rank` puts losses last; else plain metrics before parts of them, and of these errors first, then accuracies;
    of two alike, the one that is nearer to the plain metric.
    """

    name: str
    stage: str | None
    core: str
    kind: Kind
    higher_is_better: bool
    rank: tuple[int, int, int, int]
    loss: LossKind | None = None
    may_exceed_one: bool = False
    is_of_classes: bool = False
    quantity: Quantity | None = None

    @property
    def is_cross_entropy(self) -> bool:
        """True if the name says that it is a cross-entropy."""
        return self.loss == "cross_entropy"

    @property
    def is_part(self) -> bool:
        """True if the metric is a part or a relaxation of that of the task."""
        return self.rank[1] == PART

    def is_as_good_as(self, other: MetricName) -> bool:
        """See `Quantity.is_as_good_as`."""
        return bool(self.quantity and other.quantity and self.quantity.is_as_good_as(other.quantity))

    def _with(self, quantity: Quantity | None) -> MetricName:
        if quantity is None or quantity == self.quantity:
            return self
        return self._replace(core=quantity.core, rank=(*quantity.rank, quantity.distance), quantity=quantity)

    @property
    def preference(self) -> tuple[bool, bool, int, str]:
        """Sort key for names of one quantity: a value per epoch first, then one that says neither, then one per step."""
        words = words_of(self.name)
        return "step" in words, "epoch" not in words, len(self.name), self.name


@functools.lru_cache(MOST_NAMES)
def read_metric_name(name: str) -> MetricName | None:
    """The parsed name; `None` if it is not an error, or names two sets.

    >>> read_metric_name("valid_1-binary_error")[1:3]
    ('dev', 'error')
    >>> read_metric_name("accuracy_score_X_test")[1:3]
    ('test', 'accuracy')
    """
    words = words_of(name)
    stages = {STAGE_OF[word]: word for word in words if word in STAGE_OF}
    if ("train", "dev") in pairwise(words):
        stages = {"train_dev": "dev"}
    elif len(stages) > 1 and stages.get("dev") in GENERIC:
        del stages["dev"]
    quantity = quantity_of(_core(words))
    if quantity is None or len(stages) > 1:
        return None
    family = quantity.family
    return MetricName(
        name,
        next(iter(stages), None),
        quantity.core,
        quantity.kind,
        family.higher_is_better,
        (*quantity.rank, quantity.distance),
        quantity.loss,
        family.may_exceed_one,
        family.is_of_classes,
        quantity,
    )


def counted_from_zero(metrics: Sequence[MetricName]) -> list[MetricName]:
    """The metrics, where a 1 is the number of a class or a fold, and no top 1, if a 0 is beside it."""
    known = quantities_from_zero({each.name: each.quantity for each in metrics if each.quantity})
    return [each._with(known.get(each.name)) for each in metrics]


def _core(words: list[str]) -> str:
    """The quantity: the words without those for the set, and without the number of the set (`valid_0`)."""
    left, is_behind_set = [], False
    for word in words:
        is_of_set = word in STAGE_OF or word in OF_DATA
        if not is_of_set and not (is_behind_set and word.isdecimal()):
            left.append(word)
        is_behind_set = is_of_set
    core = "_".join(left)
    return CORES.get(core, core)

"""What a metric's name says: the set it was taken on, and what it measures."""

from __future__ import annotations

import functools
from itertools import pairwise
from typing import NamedTuple

from bvtrack.measures.measure import STAGES, Kind, find_measure, words_of

STAGE_OF = {
    **{word: stage for stage, words in STAGES.items() for word in words},
    **dict.fromkeys(("holdout", "heldout", "cv", "oof", "oob"), "dev"),
    "testing": "test",
    "traindev": "train_dev",
}
"""The words by which loops name the set, and those for what a model has not been fitted to."""
GENERIC = {"eval", "evaluation"}
"""A prefix of what is measured rather than the name of a set, where another word names that: `eval_train_loss`."""
OF_DATA = {"x", "y", "df", "ds", "data", "set", "dataset", "loader", "dataloader", "idx", "epoch", "step"}
"""Words that say no more of what is measured."""
CORES = {
    **dict.fromkeys(("accuracy_score", "acc"), "accuracy"),
    **dict.fromkeys(("binary_error", "multi_error", "merror", "zero_one_loss", "err", "error_rate", "err_rate"), "error"),
    "bvtrack_error": "error",
    **dict.fromkeys(("logloss", "mlogloss", "binary_logloss", "multi_logloss"), "log_loss"),
    **dict.fromkeys(("roc_auc_score", "roc_auc", "auroc"), "auc"),
    **dict.fromkeys(("r2", "r2score"), "r2_score"),
    "f1": "f1_score",
    "explained_variance_score": "explained_variance",
    "aucpr": "auc_pr",
    "l2": "mse",
    "l1": "mae",
}
"""One word for what libraries call differently (the metrics of scikit-learn, XGBoost and LightGBM, and our own)."""
CROSS_ENTROPIES = {"log_loss", "nll", "nll_loss", "ce", "ce_loss", "bce", "bce_loss", "xent"}
"""Losses that say what they are."""


class MetricName(NamedTuple):
    """A metric that can be read as an error.

    `stage` is `train`, `train_dev`, `dev` or `test`, `None` where the name says none. Metrics with one `core` measure the
    same. `rank` puts errors first, then accuracies, other scores, and losses last.
    """

    name: str
    stage: str | None
    core: str
    kind: Kind
    higher_is_better: bool
    rank: int

    @property
    def is_cross_entropy(self) -> bool:
        """Whether a loss says that it is one."""
        return self.core in CROSS_ENTROPIES or "crossentropy" in self.core.replace("_", "")

    @property
    def preference(self) -> tuple[bool, bool, int, str]:
        """Sorts names of the same: an epoch's value before one that says nothing, and that before a single step's."""
        words = words_of(self.name)
        return "step" in words, "epoch" not in words, len(self.name), self.name


RANKS = {"rate": 0, "score": 2, "units": 4, "loss": 5}


@functools.lru_cache(maxsize=10_000)
def read_metric_name(name: str) -> MetricName | None:
    """What the name says; `None` where it is no error, or names two sets.

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
    core = _core(words)
    measure = find_measure([core], None)
    if measure is None or measure.kind is None or len(stages) > 1:
        return None
    rank = RANKS[measure.kind] + (measure.kind == "rate" and measure.higher_is_better)
    return MetricName(name, next(iter(stages), None), core, measure.kind, measure.higher_is_better, rank)


def _core(words: list[str]) -> str:
    """The words without those for the set, and without the number of the set (`valid_0`)."""
    left, is_behind_set = [], False
    for word in words:
        is_of_set = word in STAGE_OF or word in OF_DATA
        if not is_of_set and not (is_behind_set and word.isdecimal()):
            left.append(word)
        is_behind_set = is_of_set
    core = "_".join(left)
    return CORES.get(core, core)

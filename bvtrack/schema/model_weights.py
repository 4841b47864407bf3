"""Tags of a logged model: the verdict, if it is one on the model's weights, else the epochs of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bvtrack.schema import tags
from bvtrack.schema.tags import Tags

LAST, UNKNOWN = "last epoch", "unknown"
WEIGHTS = "bvtrack.weights"
OF_VERDICT = (tags.DIAGNOSIS.name, tags.NEXT_STEP.name, tags.CERTAINTY.name)
OF_MODEL = {*OF_VERDICT, tags.EPOCH.name, WEIGHTS}
"""All tags of ours that a model may have."""


@dataclass(frozen=True, slots=True)
class Training:
    """A training that is over: its run's tags, its last epoch, and when that ended, in milliseconds since the Unix epoch.

    `left_with` is the epoch of the weights that the model has after it, `None` if they are those of no measured epoch. Where
    nothing is known of them, they are taken for the last epoch's.
    """

    tags: Tags
    last_epoch: int
    ended: int
    left_with: int | None


def weights_of(training: Training, made_at: tuple[int, int]) -> int | None:
    """The epoch whose weights a model has that was made, and last changed, at these times; `None` if that is not known.

    One that was filled after the last epoch has the weights that its training was left with; one that was filled before, or is
    of another training, may have any.
    """
    return training.left_with if max(made_at) >= training.ended else None


def tags_of_model(training: Training, made_at: tuple[int, int]) -> Mapping[str, str]:
    """The tags of a model: what the verdict says, if its epoch is that of the weights; else, which epochs they are.

    >>> training = Training({"bvtrack.epoch": "3", "bvtrack.diagnosis": "high_bias"}, last_epoch=4, ended=50, left_with=4)
    >>> tags_of_model(training, made_at=(60, 60))
    {'bvtrack.epoch': '3', 'bvtrack.weights': 'last epoch (4)'}
    >>> tags_of_model(training, made_at=(20, 20))
    {'bvtrack.epoch': '3', 'bvtrack.weights': 'unknown'}
    """
    epoch, weights = training.tags.get(tags.EPOCH.name), weights_of(training, made_at)
    told = UNKNOWN if weights is None else f"{LAST} ({weights})" if weights == training.last_epoch else f"epoch {weights}"
    own = {tags.EPOCH.name: epoch, WEIGHTS: told}
    said = {name: training.tags.get(name) for name in OF_VERDICT} if epoch == str(weights) else {}
    return {name: value for name, value in {**said, **own}.items() if value is not None}

"""The optimiser and hyper-parameters of a run, from its params."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from bvtrack.diagnosis.evidence import ModelFacts
from bvtrack.logged.autologgers import is_measured_after_fit
from bvtrack.store.logged_run import LoggedRun

OPTIMIZERS = ("optimizer_name", "optimizer", "optim")
LEARNING_RATES = ("optimizer_learning_rate", "learning_rate", "lr")
MOMENTA = ("optimizer_momentum", "momentum")
WEIGHT_DECAYS = ("optimizer_weight_decay", "weight_decay")
DROPOUTS = ("dropout", "dropout_rate", "hidden_dropout_prob")
BATCH_SIZES = ("batch_size", "per_device_train_batch_size")
"""Names of params used by the autologgers of Keras, Lightning and Transformers, and by most people."""


def model_facts(run: LoggedRun) -> ModelFacts:
    """The optimiser and its hyper-parameters; none of trees and forests, whose learning rate means something else."""
    if is_measured_after_fit(run):
        return ModelFacts(kind="trees" if "num_boost_round" in run.params else None)
    batch_size = _number(run.params, BATCH_SIZES)
    return ModelFacts(
        optimizer=next((run.params[key] for key in OPTIMIZERS if key in run.params), None),
        learning_rate=_number(run.params, LEARNING_RATES),
        momentum=_number(run.params, MOMENTA),
        weight_decay=_number(run.params, WEIGHT_DECAYS),
        dropout=_number(run.params, DROPOUTS),
        batch_size=None if batch_size is None else int(batch_size),
    )


def _number(params: Mapping[str, str], keys: tuple[str, ...]) -> float | None:
    for key in keys:
        with contextlib.suppress(KeyError, ValueError, OverflowError):
            number = float(params[key])
            return number if number - number == 0 else None  # neither infinite nor NaN
    return None

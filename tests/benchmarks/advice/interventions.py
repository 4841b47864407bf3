"""What each step changes in a configuration: one thing, and where it is "more", four times as much ("less": a quarter)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from real_data import MORE, Source
from training import CHANNELS, Config

STRENGTHS = {"weak": (0.1, 1e-4), "medium": (0.25, 1e-3), "strong": (0.5, 1e-2)}
"""Dropout and weight decay that `regularize` adds."""


def _bigger_network(config: Config, source: Source) -> Config:
    """Four times the width; of a convolutional network twice the channels too, which is four times their parameters."""
    return replace(config, width=MORE * config.width, channels=2 * config.channels)


def _train_longer(config: Config, source: Source) -> Config:
    return replace(config, epochs=MORE * config.epochs)


def _different_optimizer(config: Config, source: Source) -> Config:
    """Adam at its default rate; where that was used, SGD with momentum."""
    if (config.optimizer, config.learning_rate) == ("adam", 0.001):
        return replace(config, optimizer="momentum", learning_rate=0.03)
    return replace(config, optimizer="adam", learning_rate=0.001)


def _lower_rate(config: Config, source: Source) -> Config:
    return replace(config, learning_rate=config.learning_rate / MORE)


def _higher_rate(config: Config, source: Source) -> Config:
    return replace(config, learning_rate=config.learning_rate * MORE)


def _different_model(config: Config, source: Source) -> Config:
    """For images and series a small convolutional network; for tables, and where there was one, a random forest."""
    if source.sort == "table" or config.model == "cnn":
        return replace(config, model="forest")
    return replace(config, model="cnn", depth=1, width=32, channels=CHANNELS[source.sort])


def _more_data_epochs(config: Config, source: Source) -> Config:
    """For the same epochs, as people do: it is longer training too."""
    return replace(config, n_train=MORE * config.n_train)


def _more_data_updates(config: Config, source: Source) -> Config:
    """For as many updates as before, so that the data alone are changed."""
    return replace(config, n_train=MORE * config.n_train, epochs=max(round(config.epochs / MORE), 1))


def _regularize(config: Config, source: Source, *, strength: str) -> Config:
    """Add dropout and weight decay to what there is."""
    dropout, weight_decay = STRENGTHS[strength]
    return replace(config, dropout=1 - (1 - config.dropout) * (1 - dropout), weight_decay=config.weight_decay + weight_decay)


def _half_regularization(config: Config, source: Source) -> Config:
    return replace(config, dropout=config.dropout / 2, weight_decay=config.weight_decay / 2)


def _no_regularization(config: Config, source: Source) -> Config:
    return replace(config, dropout=0.0, weight_decay=0.0, augmentation=False)


def _match_data(config: Config, source: Source) -> Config:
    """Replace half the training examples by ones from the dev set's source."""
    return replace(config, dev_like=0.5)


INTERVENTIONS: Mapping[str, Callable[[Config, Source], Config]] = {
    "bigger_network": _bigger_network,
    "train_longer": _train_longer,
    "different_optimizer": _different_optimizer,
    "lower_rate": _lower_rate,
    "higher_rate": _higher_rate,
    "different_model": _different_model,
    "more_data_epochs": _more_data_epochs,
    "more_data_updates": _more_data_updates,
    **{f"regularize_{strength}": partial(_regularize, strength=strength) for strength in STRENGTHS},
    "reduce_regularization_half": _half_regularization,
    "reduce_regularization_none": _no_regularization,
    "match_data": _match_data,
}
"""`stop_earlier` changes no training: it is the base's best epoch in place of its last."""


def steps_for(config: Config, source: Source) -> list[str]:
    """The steps that can be tried: less regularisation where there is some, matching where sets were made to differ."""
    impossible = set() if source.is_shifted else {"match_data"}
    if not config.dropout:
        impossible.add("reduce_regularization_half")
        if not config.augmentation:
            impossible.add("reduce_regularization_none")
    return [step for step in INTERVENTIONS if step not in impossible]

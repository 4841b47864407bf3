"""What each step of the recipe changes in a configuration: one thing, and where it is "more", four times as much."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from real_data import MORE, Source
from training import Config


def _bigger_network(config: Config, source: Source) -> Config:
    return replace(config, width=MORE * config.width)


def _train_longer(config: Config, source: Source) -> Config:
    return replace(config, epochs=MORE * config.epochs)


def _different_optimizer(config: Config, source: Source) -> Config:
    """Adam at its default rate; where that was used, SGD with momentum."""
    if (config.optimizer, config.learning_rate) == ("adam", 0.001):
        return replace(config, optimizer="momentum", learning_rate=0.03)
    return replace(config, optimizer="adam", learning_rate=0.001)


def _different_model(config: Config, source: Source) -> Config:
    """For images a small convolutional network, for a table a random forest."""
    return replace(config, model="forest" if source.side is None else "cnn")


def _more_data(config: Config, source: Source) -> Config:
    """For as many updates as before, so that it is not longer training too."""
    return replace(config, n_train=MORE * config.n_train, epochs=max(round(config.epochs / MORE), 1))


def _regularize(config: Config, source: Source) -> Config:
    """Some dropout and weight decay; where there were, twice as much dropout and ten times the weight decay."""
    return replace(config, dropout=2 * config.dropout or 0.25, weight_decay=10 * config.weight_decay or 1e-3)


def _stop_earlier(config: Config, source: Source) -> Config:
    """Keep the epoch with the lowest dev error instead of the last."""
    return replace(config, keep="best")


def _match_data(config: Config, source: Source) -> Config:
    """Replace half the training examples by ones from the dev set's source."""
    return replace(config, dev_like=0.5)


INTERVENTIONS: Mapping[str, Callable[[Config, Source], Config]] = {
    "bigger_network": _bigger_network,
    "train_longer": _train_longer,
    "different_optimizer": _different_optimizer,
    "different_model": _different_model,
    "more_data": _more_data,
    "regularize": _regularize,
    "stop_earlier": _stop_earlier,
    "match_data": _match_data,
}


def steps_for(source: Source) -> list[str]:
    """The steps that can be tried on a dataset: the data are matched only where they were made to differ."""
    return [step for step in INTERVENTIONS if step != "match_data" or source.is_shifted]

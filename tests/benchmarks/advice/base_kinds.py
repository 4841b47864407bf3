"""The bases: the configurations that people really have when they ask what to do next, fixed by kind and not drawn.

Each kind is the sensible configuration, or a usual larger one, with one thing wrong or one thing done to it, so that the step
that mends it is known for some and open for the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from real_data import Source
from training import CHANNELS, Config

UPDATES = 320
"""How many updates a base takes about: most of these curves are flat by then, and the set trains in an hour."""
FEWEST_EPOCHS, MOST_EPOCHS = 12, 60
LABEL_NOISE = 0.15


def _good(source: Source) -> Config:
    """Two layers of 32 units and SGD with momentum at a usual rate: nothing is plainly wrong."""
    batch_size = 8 if source.n_train < 32 else 16 if source.n_train < 128 else 32 if source.n_train < 800 else 64
    epochs = round(UPDATES / -(-source.n_train // batch_size))
    return Config(
        n_train=source.n_train,
        width=32,
        depth=2,
        epochs=min(max(epochs, FEWEST_EPOCHS), MOST_EPOCHS),
        optimizer="momentum",
        learning_rate=0.03,
        batch_size=batch_size,
    )


def _too_small(source: Source) -> Config:
    """One hidden layer of two units: a bias that a larger network takes away, where the data are not separable so."""
    return replace(_good(source), width=2, depth=1)


def _wide(source: Source) -> Config:
    """Two layers of 128 units and Adam at its default: what a tutorial's network is for small data."""
    return replace(_good(source), width=128, optimizer="adam", learning_rate=0.001)


def _too_little_data(source: Source) -> Config:
    """A quarter of the sensible examples, for the same number of updates at most: variance that more data take away."""
    good = _good(source)
    n_train = max(source.n_train // 4, min(source.n_train, 8))
    batch_size = max(good.batch_size // 2, 4)
    return replace(good, n_train=n_train, batch_size=batch_size, epochs=min(2 * good.epochs, MOST_EPOCHS))


def _strongly_regularised(source: Source) -> Config:
    """64 units with dropout of a half and a weight decay of 0.01: a bias, though the network is large enough."""
    return replace(_wide(source), width=64, dropout=0.5, weight_decay=0.01)


def _low_rate(source: Source) -> Config:
    """64 units and Adam at a tenth of its default: has not arrived when the training ends."""
    return replace(_wide(source), width=64, learning_rate=0.0001)


def _high_rate(source: Source) -> Config:
    """64 units and Adam at thirty times its default: curves that jump, or never fall."""
    return replace(_wide(source), width=64, learning_rate=0.03)


def _stopped_early(source: Source) -> Config:
    """64 units and Adam at its default for a fifth of the epochs: what a first try is left at."""
    base = replace(_wide(source), width=64)
    return replace(base, epochs=max(round(base.epochs / 5), 4))


def _noisy_labels(source: Source) -> Config:
    """64 units and Adam at its default, where 15 % of the training and dev labels are another class's.

    The test reserve keeps its labels: dev errors lie about 15 points above it, of which none can be avoided.
    """
    return replace(_wide(source), width=64, label_noise=LABEL_NOISE)


def _cnn(source: Source) -> Config:
    """A small convolutional network: what people have for images and series from the start."""
    return replace(_good(source), model="cnn", depth=1, channels=CHANNELS[source.sort], optimizer="adam", learning_rate=0.001)


def _augmented(source: Source) -> Config:
    """The same on examples that are moved at random each time; the train error is that of the examples as they are."""
    return replace(_cnn(source), augmentation=True)


BASES: Mapping[str, Callable[[Source], Config]] = {
    "good": _good,
    "strongly_regularised": _strongly_regularised,
    "too_small": _too_small,
    "too_little_data": _too_little_data,
    "wide": _wide,
    "high_rate": _high_rate,
    "stopped_early": _stopped_early,
    "noisy_labels": _noisy_labels,
    "low_rate": _low_rate,
    "cnn": _cnn,
    "augmented": _augmented,
}
FEW_KINDS = ("good", "strongly_regularised", "too_small", "too_little_data", "wide")
"""Enough to see how a mismatch stands beside the other problems, and how things are with many examples."""
MANY = 2000
"""From this many training examples on, all kinds would take as long as all kinds of ten small datasets."""


def kinds_for(source: Source) -> list[str]:
    """The kinds of base that a dataset is tried with: convolutions need an image or a series."""
    if source.is_shifted or source.n_train > MANY:
        return list(FEW_KINDS)
    return [kind for kind in BASES if source.shape or kind not in ("cnn", "augmented")]

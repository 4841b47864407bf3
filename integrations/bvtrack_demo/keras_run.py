"""One training with Keras, on any backend."""

from __future__ import annotations

import math
from typing import Any

import keras

from bvtrack import Tracker
from bvtrack_demo.digits import Digits
from bvtrack_demo.place import EXPERIMENT, Place
from bvtrack_keras import BiasVarianceCallback

layers = keras.layers


def perceptron(width: int) -> Any:
    """A multi-layer perceptron with one hidden layer."""
    return keras.Sequential(
        [keras.Input((64,)), layers.Dense(width, activation="relu"), layers.Dense(10, activation="softmax")]
    )


def regularized_network() -> Any:
    """A small convolutional network with shifted images and dropout."""
    return keras.Sequential(
        [
            keras.Input((64,)),
            layers.Reshape((8, 8, 1)),
            layers.RandomTranslation(0.1, 0.1, fill_mode="constant"),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.25),
            layers.Dense(10, activation="softmax"),
        ]
    )


def train(
    digits: Digits, place: Place, *, width: int | None, optimizer: str, learning_rate: float, batch_size: int, epochs: int
) -> Tracker | None:
    """Train a perceptron of this width, or the regularised network, with nothing added to `fit` but the callback."""
    keras.utils.set_random_seed(0)
    model = regularized_network() if width is None else perceptron(width)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    steps = epochs * math.ceil(len(digits.train[1]) / batch_size)
    model.optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps)  # ends where it is steady
    callback = BiasVarianceCallback(
        train_data=digits.train,
        dev_data=digits.dev,
        test_data=digits.test,
        tracking_uri=place.tracking_uri,
        experiment=EXPERIMENT,
        run_name=place.run_name,
        summary=False,
        journal_dir=place.journal_dir,
    )
    options = {"batch_size": batch_size, "epochs": epochs, "verbose": 0, "callbacks": [callback]}
    model.fit(*digits.train, validation_data=digits.dev, **options)
    return callback.tracker

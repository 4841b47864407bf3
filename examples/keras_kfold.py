"""Keras, k folds, two configurations: one verdict over the folds of each, and how much of their difference is noise."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold

import bvtrack
from bvtrack_keras import BiasVarianceCallback

pixels, classes = load_digits(return_X_y=True)
pixels = pixels / 16
folds = list(StratifiedKFold(3, shuffle=True, random_state=0).split(pixels, classes))

for width in (64, 8):
    with bvtrack.group(f"{width} wide") as group:
        for fold, (train, dev) in enumerate(folds):
            keras.utils.set_random_seed(0)
            model = keras.Sequential(
                [keras.Input((64,)), keras.layers.Dense(width, activation="relu"), keras.layers.Dense(10, activation="softmax")]
            )
            model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
            train_data, dev_data = (pixels[train], classes[train]), (pixels[dev], classes[dev])
            with (
                group.repeat(fold=fold),
                BiasVarianceCallback(human_error=0.01, train_data=train_data, dev_data=dev_data, summary=False) as callback,
            ):
                model.fit(*train_data, validation_data=dev_data, epochs=4, verbose=0, callbacks=[callback])

wide, narrow = bvtrack.configurations("Default")
print(wide)
print(wide.verdict.diagnosis.explanation)
print(wide.minus(narrow))

assert (wide.name, narrow.name) == ("64 wide", "8 wide")
assert wide.minus(narrow).n_pairs == 3

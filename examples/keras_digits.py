"""Keras, on the torch backend: one callback, handed the data that Keras does not hand on."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from bvtrack_keras import BiasVarianceCallback

pixels, classes = load_digits(return_X_y=True)
x_train, x_rest, y_train, y_rest = train_test_split(pixels / 16, classes, test_size=0.4, random_state=0, stratify=classes)
x_dev, x_test, y_dev, y_test = train_test_split(x_rest, y_rest, test_size=0.5, random_state=0, stratify=y_rest)

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [keras.Input((64,)), keras.layers.Dense(128, activation="relu"), keras.layers.Dense(10, activation="softmax")]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
with BiasVarianceCallback(train_data=(x_train, y_train), dev_data=(x_dev, y_dev), test_data=(x_test, y_test)) as callback:
    model.fit(x_train, y_train, validation_data=(x_dev, y_dev), epochs=10, verbose=0, callbacks=[callback])

assert callback.tracker is not None
assert callback.tracker.diagnosis is not None
print(callback.tracker.diagnosis.explanation)

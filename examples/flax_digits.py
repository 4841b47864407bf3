"""A loop in Flax (nnx): a Tracker is told the errors of each epoch, measured with dropout off (`nnx.view`)."""

from __future__ import annotations

from typing import Any

import numpy as np
import optax
from flax import nnx
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import bvtrack

pixels, classes = load_digits(return_X_y=True)
x_train, x_rest, y_train, y_rest = train_test_split(pixels / 16, classes, test_size=0.4, random_state=0, stratify=classes)
x_dev, x_test, y_dev, y_test = train_test_split(x_rest, y_rest, test_size=0.5, random_state=0, stratify=y_rest)


class Net(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.first = nnx.Linear(64, 64, rngs=rngs)
        self.dropout = nnx.Dropout(0.2, rngs=rngs)
        self.second = nnx.Linear(64, 10, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        return self.second(self.dropout(nnx.relu(self.first(x))))


@nnx.jit
def step(net: Net, optimizer: nnx.Optimizer[Net], x: Any, y: Any) -> None:
    def loss(net: Net) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(net(x), y).mean()

    optimizer.update(net, nnx.grad(loss)(net))


@nnx.jit
def error(net: Net, x: Any, y: Any) -> Any:
    return (net(x).argmax(axis=-1) != y).mean()


net = Net(nnx.Rngs(0))
optimizer = nnx.Optimizer(net, optax.adam(0.01), wrt=nnx.Param)
still = nnx.view(net, deterministic=True)  # the same weights, without dropout; no switch to be left on
with bvtrack.Tracker(human_error=0.02) as tracker:
    tracker.log_split(train=(x_train, y_train), dev=(x_dev, y_dev), test=(x_test, y_test))
    for epoch in range(10):
        order = np.random.default_rng(epoch).permutation(len(x_train))
        for start in range(0, len(x_train), 100):
            batch = order[start : start + 100]
            step(net, optimizer, x_train[batch], y_train[batch])
        tracker.log_epoch(
            epoch,
            train_error=float(error(still, x_train, y_train)),
            dev_error=float(error(still, x_dev, y_dev)),
            test_error=float(error(still, x_test, y_test)),
        )

assert tracker.diagnosis is not None
assert tracker.diagnosis.errors["dev"] < 0.1
print(tracker.diagnosis.explanation)

"""A loop in JAX and Optax: a Tracker is told the errors of each epoch, all of the weights at its end."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import bvtrack

pixels, classes = load_digits(return_X_y=True)
x_train, x_rest, y_train, y_rest = train_test_split(pixels / 16, classes, test_size=0.4, random_state=0, stratify=classes)
x_dev, x_test, y_dev, y_test = train_test_split(x_rest, y_rest, test_size=0.5, random_state=0, stratify=y_rest)

first, second = jax.random.split(jax.random.key(0))
weights = {"first": 0.1 * jax.random.normal(first, (64, 64)), "second": 0.1 * jax.random.normal(second, (64, 10))}
optimizer = optax.adam(0.01)
state = optimizer.init(weights)


def scores(weights: Any, x: Any) -> Any:
    return jax.nn.relu(x @ weights["first"]) @ weights["second"]


@jax.jit
def step(weights: Any, state: Any, x: Any, y: Any) -> tuple[Any, Any]:
    def loss(weights: Any) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(scores(weights, x), y).mean()

    updates, state = optimizer.update(jax.grad(loss)(weights), state)
    return optax.apply_updates(weights, updates), state


@jax.jit
def error(weights: Any, x: Any, y: Any) -> Any:
    return jnp.mean(scores(weights, x).argmax(axis=-1) != y)


with bvtrack.Tracker(human_error=0.02) as tracker:
    tracker.log_split(train=(x_train, y_train), dev=(x_dev, y_dev), test=(x_test, y_test))
    for epoch in range(10):
        order = np.random.default_rng(epoch).permutation(len(x_train))
        for start in range(0, len(x_train), 100):
            batch = order[start : start + 100]
            weights, state = step(weights, state, x_train[batch], y_train[batch])
        tracker.log_epoch(
            epoch,
            train_error=float(error(weights, x_train, y_train)),
            dev_error=float(error(weights, x_dev, y_dev)),
            test_error=float(error(weights, x_test, y_test)),
        )

assert tracker.diagnosis is not None
assert tracker.diagnosis.errors["dev"] < 0.1
print(tracker.diagnosis.explanation)

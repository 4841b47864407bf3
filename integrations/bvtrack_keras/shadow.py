"""Restores all state that an evaluation changes, and holds back what the user's own code writes in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bvtrack.adapters import guard_writes, listed, preserve_named_state, preserve_random_states
from bvtrack_keras.attributes import owners, preserve_attributes
from bvtrack_keras.state import preserve_generators, preserve_state

LEAKS = (
    "the model's own code {leaks}, and does so too in the evaluations that measure the train and the test error; "
    "train_eval='running' without test_data does without them"
)


@contextmanager
def untouched(callback: Any, data: Any, say: Callable[..., None]) -> Iterator[None]:
    """The model of `callback` can be evaluated on `data` in here; all that this may touch is as it was afterwards.

    What the user's own steps, layers, metrics and losses write elsewhere is held back; what cannot be is said, once.
    """
    model = callback.model
    with (
        preserve_random_states(),
        preserve_generators(data),
        _held_writes(model, say),
        preserve_attributes(model),
        preserve_state(callback),
    ):
        yield


def has_own_code(model: Any) -> bool:
    """True if code of the user's own, not of Keras' alone, has a part in evaluating the model."""
    return any(True for _ in owners(model)) or any(True for _ in _functions(model))


@contextmanager
def _held_writes(model: Any, say: Callable[..., None]) -> Iterator[None]:
    if not has_own_code(model):  # Keras' own code alone writes to nobody
        yield
        return
    own = [*owners(model)]
    functions = [*_functions(model), *(value for owner in own for value in vars(owner).values())]
    with preserve_named_state(map(type, own), functions), guard_writes(notes_all=False) as guard:
        try:
            with guard.step():
                yield
        finally:
            if guard.leaks:
                say(LEAKS.format(leaks=listed(guard.leaks)), once_for=LEAKS)


def _functions(model: Any) -> Iterator[Any]:
    """Losses and metrics that are functions of the user's own."""
    for function in (model.loss, *(getattr(metric, "_fn", None) for metric in _all_metrics(model))):
        if callable(function) and not getattr(function, "__module__", "keras.").startswith("keras."):
            yield function


def _all_metrics(model: Any) -> Iterator[Any]:
    for metric in model.metrics:
        yield from (metric, *getattr(metric, "metrics", ()))

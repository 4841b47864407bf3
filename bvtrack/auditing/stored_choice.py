"""Parse and validate what a training stored of its weights, of single examples and of smaller training sets, which anybody may
have changed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from bvtrack.auditing.stored_files import UNREADABLE
from bvtrack.curves.more_data import checked_sizes
from bvtrack.diagnosis.kept_weights import Weights
from bvtrack.diagnosis.worst_examples import ClassErrors, class_errors


@dataclass(frozen=True, slots=True)
class StoredChoice:
    """The valid content of `bvtrack/diagnosis.json` on which weights to keep, on which examples are wrong, on the dev error by
    the size of the training set, and on why the training was stopped.
    """

    weights: Weights | None = None
    examples: Mapping[str, Any] = field(default_factory=dict)
    sizes: Sequence[tuple[int, float]] = ()
    stopped: str | None = None


def read_choice(content: Mapping[str, Any]) -> StoredChoice:
    """The weights to keep, the worst examples, the learning curve, and why the training was stopped; nothing of what cannot be
    meant.

    >>> read_choice({"weights": {"best_epoch": -1}, "examples": {"set": "dev"}, "learning_curve": [[100, 2]]})
    StoredChoice(weights=None, examples={}, sizes=(), stopped=None)
    """
    weights, examples = None, {}
    sizes: Sequence[tuple[int, float]] = ()
    with contextlib.suppress(*UNREADABLE):
        weights = _weights(Weights.from_json(content["weights"]))
    with contextlib.suppress(*UNREADABLE):
        examples = _examples(content["examples"])
    with contextlib.suppress(*UNREADABLE):
        sizes = checked_sizes(content["learning_curve"])
    stopped = content.get("stopped")
    return StoredChoice(weights, examples, sizes, stopped if isinstance(stopped, str) else None)


def _weights(weights: Weights) -> Weights | None:
    epochs = (weights.best_epoch, weights.judged_epoch, weights.last_epoch, weights.left_with)
    flags = (weights.is_left_with_none, weights.has_checkpoints)
    is_sound = (
        all(epoch is None or _is_count(epoch) for epoch in epochs)
        and all(isinstance(flag, bool) for flag in flags)
        and isinstance(weights.compared, str)
    )
    return weights if is_sound else None


def _examples(examples: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "set": str(examples["set"]),
        "epoch": _count(examples["epoch"]),
        "n": _count(examples["n"]),
        "wrong": _perhaps(examples, "wrong"),
        "kind": str(examples["kind"]),
        "n_classes": _perhaps(examples, "n_classes"),
        "classes": [_class(one) for one in class_errors(examples)],
        "pairs": [
            {"true": str(one["true"]), "predicted": str(one["predicted"]), "n": _count(one["n"])}
            for one in _list(examples, "pairs")
        ],
        "worst": [_worst(one) for one in _list(examples, "worst")],
    }


def _class(one: ClassErrors) -> dict[str, Any]:
    if not _count(one.n):
        raise ValueError("a class without examples has no errors")
    return {"name": str(one.name), "n": one.n, "wrong": _count(one.wrong), "low": one.low + 0.0, "high": one.high + 0.0}


def _worst(one: Mapping[str, Any]) -> dict[str, Any]:
    texts = {name: None if one.get(name) is None else str(one[name]) for name in ("true", "predicted")}
    sizes = {name: None if one.get(name) is None else one[name] + 0.0 for name in ("probability", "error")}
    return {"index": _count(one["index"]), **texts, **sizes}


def _list(content: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    found = content.get(name, ())
    if not isinstance(found, Sequence):
        raise TypeError(f"{name} is no list")
    return found


def _perhaps(content: Mapping[str, Any], name: str) -> int | None:
    return None if content.get(name) is None else _count(content[name])


def _count(value: object) -> int:
    if not _is_count(value):
        raise TypeError(f"expected a whole number, got {value!r}")
    return value


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0

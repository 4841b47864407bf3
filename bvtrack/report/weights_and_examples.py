"""The report's sections on which weights to keep, and on which classes the errors are in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bvtrack.diagnosis.kept_weights import Weights
from bvtrack.diagnosis.worst_examples import MOST_CLASSES, ClassErrors, class_errors
from bvtrack.measures.percent import percent
from bvtrack.report.content import Content
from bvtrack.text import shortened

LONGEST = 300
"""Longest path and class name, in characters."""


def weights_and_examples(content: Content) -> dict[str, Any]:
    """What the two templates show; nothing of what is not known, or does not have its form."""
    try:
        examples = examples_in_words(content.examples) if content.examples else None
    except (LookupError, TypeError, ValueError, AttributeError):  # written by another version
        examples = None
    if examples is not None and not (examples["classes"] or examples["worst"]):  # nothing is wrong, or nothing is named
        examples = None
    return {"weights": weights_in_words(content.weights) if content.weights else None, "examples": examples}


def weights_in_words(weights: Weights) -> dict[str, Any] | None:
    """The weights to keep; `None` where there is nothing to choose."""
    if not (weights.within_noise or weights.checkpoints or weights.in_words()):
        return None
    places = dict.fromkeys([weights.best_epoch, *weights.checkpoints])
    return {
        "said": weights.in_words() or weights.noise_in_words(),
        "rows": [
            {
                "epoch": epoch,
                "is": _standing(weights, epoch),
                "path": shortened(weights.checkpoints.get(epoch, ""), LONGEST),
            }
            for epoch in places
        ]
        if weights.checkpoints
        else [],
    }


def examples_in_words(examples: Mapping[str, Any]) -> dict[str, Any]:
    """Classes and examples as text. Raises `LookupError`, `TypeError` or the like if they are malformed."""
    kind = "label" if examples["kind"] == "labels" else "class"
    classes = class_errors(examples)
    n_classes = int(examples.get("n_classes") or 0)
    return {
        "set": examples["set"],
        "epoch": examples["epoch"],
        "n": f"{int(examples['n']):,}",
        "wrong": None if examples.get("wrong") is None else f"{int(examples['wrong']):,}",
        "kind": kind,
        "more": _left_out(len(classes), n_classes, kind),
        "classes": [_row(one) for one in classes],
        "pairs": [(one["true"], one["predicted"], f"{int(one['n']):,}") for one in examples.get("pairs", ())],
        "worst": [_example(one) for one in examples.get("worst", ())],
        "has_classes": any(one.get("true") is not None for one in examples.get("worst", ())),
        "amount": next(
            (name for one in examples.get("worst", ()) for name in ("probability", "error") if one.get(name) is not None), None
        ),
    }


def _standing(weights: Weights, epoch: int) -> str:
    said = ["best"] if epoch == weights.best_epoch else ["within noise"] if epoch in weights.within_noise else []
    said += ["judged"] if epoch == weights.judged_epoch != weights.best_epoch else []
    said += ["in memory"] if epoch == weights.left_with else []
    return ", ".join(said)


def _left_out(n_shown: int, n: int, kind: str) -> str:
    if not n_shown or n_shown >= n:
        return ""
    if n_shown < MOST_CLASSES:
        return f"the other {n - n_shown:,} of {n:,} {kind}{'es' if kind == 'class' else 's'} have none"
    return f"shown are the {n_shown} of {n:,} with most errors"


def _row(one: ClassErrors) -> tuple[str, str, str, str, str]:
    interval = f"{100 * one.low:.0f} to {100 * one.high:.0f} %"
    return shortened(one.name, LONGEST), f"{one.wrong:,}", f"{one.n:,}", percent(one.wrong / one.n), interval


def _example(one: Mapping[str, Any]) -> dict[str, Any]:
    probability, error = one.get("probability"), one.get("error")
    amount = "" if error is None else f"{error:.4g}"
    amount = amount if probability is None else f"{100 * probability:.3g} %"
    return {"index": int(one["index"]), "true": one.get("true"), "predicted": one.get("predicted"), "amount": amount}

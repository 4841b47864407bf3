"""How the experiment's best other run does against this one, in a sentence or two."""

from __future__ import annotations

from collections.abc import Mapping

from bvtrack.diagnosis.evidence import OtherRun
from bvtrack.diagnosis.explanation import joined, percent

WHY = {
    "bigger_network": "The network may be too small for the pattern; a bigger one does not hurt as long as it is regularised.",
    "train_longer": "More epochs may bring the train error down further.",
    "different_optimizer": "The optimiser may be stuck where another one, or another learning rate, would go on.",
    "different_model": "Another architecture may suit this kind of data better.",
    "more_data": "More examples leave less room to learn the training set by heart.",
    "regularize": "Weight decay, dropout or augmentation keep the model from learning the training set by heart.",
    "stop_earlier": "The dev error has turned and rises while the train error still falls.",
    "match_data": "Find out how the two differ, then collect, or make, training data that is like the dev data.",
    "bigger_dev_set": "Choices were fitted to this dev set; a bigger one is harder to overfit.",
    "fix_training": "Check the learning rate, the initialisation and the labels; first overfit a single batch on purpose.",
    "stop_here": "Bias and variance are both low against this baseline: a lower human error would show if more can be had.",
}
"""What the course and Machine Learning Yearning give as the reason, where nothing more is known of the run."""

SHOWN_DIFFERENCES = 4
LONGEST_VALUE = 40
"""Of a parameter that differs: a longer value is cut, so that a sentence stays one."""


def best_run(other: OtherRun) -> str:
    """What the experiment's best other run on this dev set makes, as the beginning of a sentence."""
    name = f", {_short(other.name)}," if other.name else ""
    return f"The experiment's best other run on this dev set{name} makes {percent(other.dev_error)}"


def compared(other: OtherRun, dev_error: float) -> str:
    """How the experiment's best other run does against this one, and, where it does better, what it does otherwise."""
    if round(other.dev_error, 4) >= round(dev_error, 4):
        return f"{best_run(other)}: none does better than this one."
    return f"{best_run(other)}. {differences_in_words(other.differences)}".strip()


def differences_in_words(differences: Mapping[str, tuple[str | None, str | None]]) -> str:
    """What the better run does otherwise, as a sentence; empty where nothing is known to differ."""
    told = [
        f"{_short(name)} ({_short(there)} there, {_short(here)} here)"
        for name, (there, here) in list(differences.items())[:SHOWN_DIFFERENCES]
    ]
    rest = len(differences) - len(told)
    told += [f"{rest} more"] if rest > 0 else []
    return f"It differs in {joined(told)}." if told else ""


def _short(value: str | None) -> str:
    text = "none" if value is None else " ".join(value.split())
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"

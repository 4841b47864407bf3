"""What an estimator is: what it predicts, whether it is fitted, and which of its parts does the predicting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_INNER = ("best_estimator_", "_final_estimator", "regressor_", "estimator")
"""Attributes of searches, pipelines, targets' transformers and other wrappers that hold the estimator they wrap."""


NOT_JUDGED = {
    "clusterer": "it finds groups, and fits no targets",
    "density_estimator": "it fits a density, and no targets",
    "outlier_detector": "it looks for outliers, and fits no targets",
}
"""Estimators of which bias and variance mean nothing, and why."""


class NotJudgedError(ValueError):
    """An estimator has no error of which bias or variance could be told; the message says why."""


def task_of(estimator: Any, targets: Any) -> str:
    """`classifier`, `regressor` or the like, by its tags, or where these do not say, by the `targets`.

    Raises `NotJudgedError` for one that fits no targets, or predicts nothing.
    """
    from sklearn.utils import get_tags
    from sklearn.utils.multiclass import type_of_target

    try:
        told = get_tags(estimator).estimator_type
    except AttributeError:  # a class that inherits nothing of scikit-learn
        told = None
    why_not = NOT_JUDGED.get(str(told), "" if _predicts(estimator, told) else "it predicts nothing")
    if why_not:
        raise NotJudgedError(f"{type(estimator).__name__} has no bias or variance to measure: {why_not}")
    if told is not None:
        return str(told)
    return "regressor" if type_of_target(targets).startswith("continuous") else "classifier"


def _predicts(estimator: Any, told: str | None) -> bool:
    """True if it has a `predict`, or may have one once it is fitted, as those have that ask what they are made of."""
    return callable(getattr(estimator, "predict", None)) or (told in ("classifier", "regressor") and not is_fitted(estimator))


def is_fitted(estimator: Any) -> bool:
    """True if it says so itself, or has attributes that end with an underscore, which `fit` gives to estimators."""
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    except AttributeError:  # as in `task_of`
        return any(name.endswith("_") and not name.startswith("_") for name in vars(estimator))
    return True


def unfitted(estimator: Any) -> Any:
    """A clone with the same parameters, without callbacks, neither its own nor those of its parts."""
    from sklearn.base import clone

    copied = clone(estimator)
    for part in (copied, *copied.get_params().values()):
        if hasattr(part, "set_callbacks") and hasattr(part, "fit") and not isinstance(part, type):
            vars(part).pop("_skl_callbacks", None)
    return copied


def within(estimator: Any) -> Iterator[Any]:
    """The estimator, and what is wrapped in it, from the outermost to the one that does the predicting."""
    seen: list[Any] = []
    while estimator is not None and all(estimator is not one for one in seen):
        seen.append(estimator)
        yield estimator
        inner = (getattr(estimator, name, None) for name in _INNER)
        estimator = next((one for one in inner if hasattr(one, "get_params")), None)

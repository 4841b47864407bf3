"""What is known of an estimator for the recipe: its class, and the parameters by which it fits more, or less."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any, NamedTuple

from bvtrack.diagnosis.evidence import ModelFacts
from bvtrack.estimators.kinds import within


class Lever(NamedTuple):
    """A parameter: whether a larger value lets a model fit more, and the value beyond which it does nothing more."""

    fits_more: bool
    end: object = None


UNLIMITED = (None, -1)
"""Values that stand for no limit, of depths and leaves."""
LEVERS: Mapping[str, Lever] = {
    "max_depth": Lever(True),
    "depth": Lever(True),
    "max_leaf_nodes": Lever(True),
    "num_leaves": Lever(True),
    "min_samples_leaf": Lever(False, 1),
    "min_child_samples": Lever(False, 1),
    "min_child_weight": Lever(False, 0),
    "C": Lever(True, math.inf),
    "alpha": Lever(False, 0),
    "n_neighbors": Lever(False, 1),
    "l2_regularization": Lever(False, 0),
    "reg_lambda": Lever(False, 0),
    "l2_leaf_reg": Lever(False, 0),
    "gamma": Lever(True),
    "hidden_layer_sizes": Lever(True),
    "var_smoothing": Lever(False, 0),
    "reg_param": Lever(False, 0),
}
"""Parameters of scikit-learn, XGBoost, LightGBM and CatBoost by which a model fits more or less, as is documented."""
MOST_NAMED = 3
ROUNDS = ("n_estimators", "max_iter", "iterations")
MORE_FEATURES = "give it more features, such as products of those that it has (PolynomialFeatures)"


def estimator_facts(estimator: Any) -> ModelFacts:
    """Facts about a fitted estimator, of the part that does the predicting."""
    parts = list(within(estimator))
    model = next((one for one in parts if _levers_of(one)), parts[-1])
    is_linear = hasattr(model, "coef_") and not hasattr(model, "coefs_") and getattr(model, "kernel", "linear") == "linear"
    more = [*([MORE_FEATURES] if is_linear else []), *_turned(model, fits_more=True)]
    return ModelFacts(
        parameters=_parameters_of(model),
        family=type(model).__name__,
        fits_more=" or ".join(more[:MOST_NAMED]) or None,
        fits_less=" or ".join([*_turned(model, fits_more=False)][:MOST_NAMED]) or None,
        trains_longer=_longer(model),
    )


def _levers_of(model: Any) -> Mapping[str, Any]:
    """The values of those parameters that are levers."""
    values = model.get_params(deep=False) if hasattr(model, "get_params") else {}
    has_gamma = values.get("kernel") in ("rbf", "poly", "sigmoid")  # XGBoost's is another
    return {name: values[name] for name in LEVERS if name in values and (name != "gamma" or has_gamma)}


def _turned(model: Any, *, fits_more: bool) -> Iterator[str]:
    """The levers in words, each with the value that it has now, without those that are at their end."""
    for name, value in _levers_of(model).items():
        lever = LEVERS[name]
        is_raised = lever.fits_more == fits_more
        if is_raised and lever.fits_more and (value in UNLIMITED or value == lever.end):
            continue
        if not is_raised and not lever.fits_more and (value is None or value == lever.end):
            continue
        yield f"{'raise' if is_raised else 'lower'} {name} ({_as_text(value, is_limit=lever.fits_more)})"


def _as_text(value: object, *, is_limit: bool) -> str:
    if is_limit and value in UNLIMITED:
        return "no limit now"
    if isinstance(value, (tuple, list)):
        return f"{' and '.join(map(str, value))} now"
    return f"{value:g} now" if isinstance(value, Real) else f"{value} now" if value is not None else "its default now"


def _longer(model: Any) -> str | None:
    """How to train it longer: more rounds of a boosting, or more iterations where it stopped at the most that it may take."""
    values = model.get_params(deep=False) if hasattr(model, "get_params") else {}
    name = next((name for name in ROUNDS if name in values), None)
    is_boosting = "learning_rate" in values and not isinstance(values["learning_rate"], str)
    if name is None or not (is_boosting or (name == "max_iter" and _has_stopped_at(values[name], model))):
        return None
    return f"raise {name} ({_as_text(values[name], is_limit=False)})"


def _has_stopped_at(most: object, model: Any) -> bool:
    """True if it has taken as many iterations as it may, so that it has not converged."""
    n_iter = getattr(model, "n_iter_", None)
    return n_iter is not None and isinstance(most, Real) and 0 < float(most) <= _largest(n_iter)


def _largest(values: Any) -> float:
    import numpy as np

    return float(np.max(np.asarray(values, dtype=float)))


def _parameters_of(model: Any) -> int | None:
    """The fitted weights of linear models and of perceptrons; of others their number says little."""
    import numpy as np

    weights = [*getattr(model, "coefs_", ()), *getattr(model, "intercepts_", ())]
    return sum(int(np.size(one)) for one in weights) or None

"""How many training examples the train error is measured on."""

from __future__ import annotations

from typing import Literal

FEWEST_TRAIN_EXAMPLES = 1000
"""A train error is measured on as many examples as the dev error, and on this many at least (or all there are)."""


TrainEval = Literal["subset", "full", "running"] | int
"""How the train error is measured: on a `subset` of the training data, on all of it, on so many examples of it, or not by
passes of our own but as the `running` average that the training itself logs."""


def train_eval_size(n_train: int, n_dev: int | None, train_eval: TrainEval = "subset") -> int:
    """On how many training examples to measure the train error; 0 for the running average.

    A `subset` is as large as the dev set, 1,000 examples at least, or all there are.

    Raises `ValueError` for a `train_eval` that is none of those in `TrainEval`.

    >>> train_eval_size(60_000, 10_000), train_eval_size(60_000, 100), train_eval_size(600, None)
    (10000, 1000, 600)
    """
    match train_eval:
        case "subset":
            return min(n_train, max(n_dev or n_train, FEWEST_TRAIN_EXAMPLES))
        case "full":
            return n_train
        case "running":
            return 0
        case int() if train_eval >= 1 and not isinstance(train_eval, bool):
            return min(n_train, train_eval)
    raise ValueError(f"train_eval must be 'subset', 'full', 'running' or a number of examples; got {train_eval!r}")

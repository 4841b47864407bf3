"""A learning curve: the dev error of an estimator that is fitted on parts of its training set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from bvtrack.estimators.error import EstimatorError
from bvtrack.estimators.kinds import unfitted, within
from bvtrack.estimators.pairs import Pair
from bvtrack.log import is_for_the_program, warn
from bvtrack.splits.reading.random_subset import choose_examples

SHARES = (0.1, 0.325, 0.55, 0.775, 1.0)
"""The sizes of scikit-learn's own `learning_curve`, as shares of the training set."""


class Size(NamedTuple):
    """A size of the training set, and the errors of an estimator fitted on so many examples, in the measure's own units."""

    n_train: int
    train_error: float
    dev_error: float


def check_sizes(sizes: bool | Sequence[float] | None, n_train: int) -> list[int]:
    """The sizes below the whole set to fit on, ascending, from shares of it or numbers of examples; none for none asked for.

    Raises `ValueError` for a size that is no share or number of examples of the training set.

    >>> check_sizes(True, 1000), check_sizes([0.25, 0.5], 1000), check_sizes([100, 1000], 1000)
    ([100, 325, 550, 775], [250, 500], [100])
    """
    if sizes is None or sizes is False:
        return []
    given = SHARES if sizes is True else tuple(sizes) if isinstance(sizes, Iterable) else ()
    found = {int(size * n_train) if isinstance(size, float) and size <= 1 else int(size) for size in given}
    if not found or min(found) < 1 or max(found) > n_train:
        expected = f"sizes of the training set, as shares or as 1 to {n_train:,} examples"
        raise ValueError(f"learning_curve must be True, or {expected}; got {sizes!r}")
    return sorted(found - {n_train})


def learning_curve_of(estimator: Any, pairs: Mapping[str, Pair], sizes: Sequence[int], error: EstimatorError) -> Iterator[Size]:
    """The errors of clones that are fitted on nested parts of the training set, in one random order; what cannot be fitted on
    a part, such as one of a single class, is said and left out. Of a search it is the best estimator, with its parameters.
    """
    train, model = pairs["train"], next(one for one in within(estimator) if not hasattr(one, "best_estimator_"))
    order = choose_examples(train.n, train.n)
    for n in sizes:
        part = train.take(sorted(order[:n]))
        try:
            fitted = unfitted(model).fit(*part)
            yield Size(n, error.of(fitted, part).value, error.of(fitted, pairs["dev"]).value)
        except Exception as problem:  # an estimator may raise anything
            if is_for_the_program(problem):
                raise
            warn(f"the learning curve has no point at {n:,} examples, which the estimator cannot be fitted on ({problem!r})")

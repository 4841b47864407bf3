"""A gap below an error that another run has reached may be chance, and the explanation says how many examples would tell."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

import bvtrack

COUNTS = st.integers(1, 400)
SHARES = st.floats(0, 1)


@given(n_train=COUNTS, n_dev=COUNTS, train=SHARES, dev=SHARES, reached=SHARES)
@example(n_train=100, n_dev=100, train=0.02, dev=0.05, reached=0.1)
def test_a_run_of_few_examples_is_judged_against_any_error_that_was_reached(
    n_train: int, n_dev: int, train: float, dev: float, reached: float
) -> None:
    found = bvtrack.diagnose(
        train_error=round(train * n_train) / n_train,
        dev_error=round(dev * n_dev) / n_dev,
        n_train=n_train,
        n_dev=n_dev,
        human_error=reached,
        is_upper_bound=True,
    )

    assert found.explanation.count("would tell.") == len(found.unclear_gaps)

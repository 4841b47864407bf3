"""After its first epoch, a training has not shown yet what it can fit."""

from __future__ import annotations

import pytest

from bvtrack import ModelFacts
from bvtrack.diagnosis.run_verdict import EpochErrors, judge

COUNTS = {"train": 2000, "dev": 2000}


@pytest.mark.parametrize(
    ("train", "dev", "n_epochs", "verdict"),
    [
        (0.30, 0.31, 1, ("high_bias", "likely")),
        (0.30, 0.31, 2, ("high_bias", "certain")),
        (0.30, 0.60, 1, ("high_bias+high_variance", "likely")),
        (0.01, 0.31, 1, ("high_variance", "certain")),
    ],
)
def test_a_bias_is_not_certain_after_one_epoch(train: float, dev: float, n_epochs: int, verdict: tuple[str, str]) -> None:
    history = [EpochErrors(epoch, {"train": train, "dev": dev}, COUNTS) for epoch in range(n_epochs)]

    judged = judge(
        history, at="best", human_error=0.0, same_distribution=True, chance=None, model=ModelFacts(), n_train=None
    ).diagnosis

    assert (judged.tag, judged.certainty) == verdict

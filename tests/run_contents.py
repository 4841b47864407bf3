"""What reports are made of, without a training."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np

from bvtrack.diagnosis.evidence import ModelFacts
from bvtrack.diagnosis.run_verdict import EpochErrors, judge
from bvtrack.report.content import Content, RunAddress
from bvtrack.splits.check import check_samples
from bvtrack.splits.sampling.sample import SplitSample

COUNTS = {"train": 5000, "dev": 2000, "test": 2000}


def history(n_epochs: int = 20, *, train: float = 0.005, dev: float = 0.10) -> list[EpochErrors]:
    """Curves that fall to these errors, and a dev error that rises a little again."""
    falling = [0.6 * math.exp(-epoch / 3) for epoch in range(n_epochs)]
    errors = (
        {"train": train + drop, "dev": dev + drop + 0.001 * min(max(0, epoch - 12), 100), "test": dev + drop + 0.02}
        for epoch, drop in enumerate(falling)
    )
    return [
        EpochErrors(epoch, {name: round(error * COUNTS[name]) / COUNTS[name] for name, error in found.items()}, COUNTS)
        for epoch, found in enumerate(errors)
    ]


def content(epochs: list[EpochErrors] | None = None, *, human_error: float | None = 0.01, name: str = "digits") -> Content:
    epochs = history() if epochs is None else epochs
    verdict = judge(
        epochs, at="best", human_error=human_error, same_distribution=True, chance=0.9, model=ModelFacts(), n_train=5000
    )
    return Content(name, verdict, epochs, "1 - val_acc", "complete", RunAddress("4f1c", "1", "http://mlflow.example/"))


def shifted_split(what: str = "feature") -> Content:
    """With three sets, of which two are drawn otherwise than the first."""
    rng = np.random.default_rng(0)

    def drawn(n: int, by: float) -> tuple[dict[str, object], object]:
        return {what: rng.normal(by, 1, n), "kind": rng.random(n) < 0.3 + by / 2}, rng.choice(["cat", "dog"], n)

    given = {"train": drawn(5000, 0.0), "dev": drawn(2000, 0.4), "test": drawn(2000, 0.4)}
    check = check_samples((name, SplitSample.of(data)) for name, data in given.items())
    return replace(content(), split=json.loads(json.dumps(check.as_json())), findings=check.findings)

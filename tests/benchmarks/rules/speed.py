"""What a verdict costs: `diagnose` and `recommend` on all the evidence of an epoch, and `judge` on a whole history, which looks
at each of its epochs once; medians of many calls. A training's own verdicts are timed by `tests/benchmarks/verdict_cost.py`.

python tests/benchmarks/rules/speed.py
"""

from __future__ import annotations

import statistics
import time

from figures import Figure, show

from bvtrack import Evidence, ModelFacts, OtherRun, diagnose, recommend
from bvtrack.diagnosis.run_verdict import EpochErrors, judge

CALLS = 100
MODEL = ModelFacts(parameters=10_000, optimizer="Adam", learning_rate=1e-3, weight_decay=0.0, dropout=0.0)
OTHER = OtherRun(0.08, "other", MODEL, {"width": ("64", "4")})
COUNTS = {"train": 2_000, "dev": 2_000, "test": 2_000}


def errors_of(epoch: int) -> tuple[float, float]:
    """Train and dev error of an epoch of a training that makes its best one at each."""
    return 0.05 + 0.3 / (1 + epoch / 50), 0.12 + 0.3 / (1 + epoch / 50)


def verdict(n_epochs: int) -> None:
    """What an epoch needs by itself."""
    train, dev = zip(*map(errors_of, range(n_epochs)), strict=True)
    diagnosis = diagnose(train_error=train[-1], dev_error=dev[-1], n_train=2_000, n_dev=2_000)
    evidence = Evidence("learning", MODEL, 60_000, dev, OTHER)
    recommend(diagnosis, evidence)


def whole_judgement(n_epochs: int) -> None:
    """What is worked out for a run that somebody else has logged, with so many epochs."""
    history = []
    for epoch in range(n_epochs):
        train, dev = errors_of(epoch)
        history.append(EpochErrors(epoch, {"train": train, "dev": dev}, COUNTS))
    judge(history, at="best", human_error=None, same_distribution=True, chance=0.9, model=MODEL, n_train=60_000)


def milliseconds(call: object, n_epochs: int) -> str:
    """The median time of a call."""
    assert callable(call)
    seconds = []
    for _ in range(CALLS):
        start = time.perf_counter()
        call(n_epochs)
        seconds.append(time.perf_counter() - start)
    return f"{1000 * statistics.median(seconds):.2f} ms"


def main() -> None:
    """Time both for trainings of three lengths."""
    lengths = (10, 100, 1_000)
    figures = [Figure(f"diagnose and recommend, epoch {n:,}", "-", "≤ 2 ms", milliseconds(verdict, n)) for n in lengths]
    figures += [
        Figure(f"the verdict on a whole history, {n:,} epochs", "-", "-", milliseconds(whole_judgement, n)) for n in lengths
    ]
    show("Cost of a verdict, building its input included", figures)


if __name__ == "__main__":
    main()

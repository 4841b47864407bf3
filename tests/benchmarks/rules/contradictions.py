"""Verdicts that contradict each other: over a grid of a million triples of errors, and along 10,000 paths of small steps.

    python tests/benchmarks/rules/contradictions.py

A triple is a train, a dev and a human error, the last given or assumed; half of them have numbers of examples. A path moves one
of the three by a tenth of a point at a time. Contradictions are: a gap left unnamed beside a narrower one that is named (for an
assumed bias this is the rule: how wide it is is not known); a gap that may be chance, and a narrower one named; a bias against
an assumed human error that is certain; and a step on a path at which one problem takes the place of another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from figures import Figure, show

from bvtrack import Diagnosis, diagnose

TRIPLES, PATHS, STEPS = 1_000_000, 10_000, 100
A_TENTH = 0.001
COUNTS = (20, 50, 100, 300, 1000, 10_000)

Triple = tuple[float, float, float | None]


def main() -> None:
    """Count the contradictions of each kind."""
    generator = np.random.default_rng(0)
    found: Counter[str] = Counter()
    for _ in range(TRIPLES):
        found.update(contradictions(random_diagnosis(generator)))
    paths = [random_path(generator) for _ in range(PATHS)]
    swaps = sum(swaps_along(path, None if index % 2 else 1_000 * 10 ** (index % 3)) for index, path in enumerate(paths))
    figures = [Figure(what, "-", "0", str(found[what])) for what in KINDS]
    figures.append(Figure("problems swapped at a step of 0.1 point", "", "0", f"{swaps} of {PATHS * STEPS:,} steps"))
    show(f"contradictions of {TRIPLES:,} verdicts, and along {PATHS:,} paths", figures)


KINDS = ("a wider gap is not named", "a wider gap may be chance", "an assumed bias is certain")


def contradictions(diagnosis: Diagnosis) -> Iterator[str]:
    """The kinds of contradiction in one verdict."""
    named = set(diagnosis.named_gaps)
    known = {name for name in diagnosis.gaps if name != "avoidable_bias" or diagnosis.baseline == "given"}
    for name in named:
        wider = {other for other in diagnosis.gaps if diagnosis.gaps[other].width > diagnosis.gaps[name].width} - named
        if wider & known:
            yield KINDS[0]
        if wider & set(diagnosis.unclear_gaps):
            yield KINDS[1]
    if diagnosis.baseline == "zero" and "high_bias" in diagnosis.problems and diagnosis.certainty == "certain":
        yield KINDS[2]


def random_triple(generator: np.random.Generator) -> Triple:
    """Errors as they are: most of them small, dev mostly above train, a human error in three of four."""
    train = float(generator.beta(0.7, 3))
    dev = min(max(train + float(generator.exponential(0.06)) * (1 if generator.random() < 0.85 else -1), 0.0), 1.0)
    human = None if generator.random() < 0.25 else float(min(max(train - generator.normal(0.02, 0.06), 0.0), 1.0))
    return train, dev, human


def random_diagnosis(generator: np.random.Generator) -> Diagnosis:
    """The verdict on a random triple, with numbers of examples in half of the cases."""
    train, dev, human = random_triple(generator)
    if generator.random() < 0.5:
        return diagnose(train_error=train, dev_error=dev, human_error=human)
    n_train, n_dev = (int(n) for n in generator.choice(COUNTS, 2))
    train, dev = round(train * n_train) / n_train, round(dev * n_dev) / n_dev
    return diagnose(train_error=train, dev_error=dev, human_error=human, n_train=n_train, n_dev=n_dev)


def random_path(generator: np.random.Generator) -> list[Triple]:
    """A walk on which one error changes by a tenth of a point at each step, most of the time in the same direction."""
    errors = [round(error / A_TENTH) * A_TENTH if error is not None else None for error in random_triple(generator)]
    path: list[Triple] = []
    which, sign = 0, 1
    for _ in range(STEPS + 1):
        path.append((errors[0], errors[1], errors[2]))  # type: ignore[arg-type]  # only the human error may be None
        if generator.random() < 0.3:
            which, sign = int(generator.integers(2 if errors[2] is None else 3)), int(generator.choice((-1, 1)))
        errors[which] = min(max((errors[which] or 0.0) + sign * A_TENTH, 0.0), 1.0)
    return path


def swaps_along(path: list[Triple], n: int | None = None) -> int:
    """The steps at which a problem goes while another one comes, where the errors are shares of `n` examples."""
    problems = [
        set(diagnose(train_error=train, dev_error=dev, human_error=human, n_train=n, n_dev=n).problems)
        for train, dev, human in path
    ]
    return sum(bool(before - after) and bool(after - before) for before, after in pairwise(problems))


if __name__ == "__main__":
    main()

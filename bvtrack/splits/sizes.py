"""Check split sizes against the guidelines of the Deep Learning Specialization, and compute their precision."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bvtrack.display import as_html, as_words
from bvtrack.error_rates.error_rate import is_finite_number
from bvtrack.error_rates.gaps import ROUNDING
from bvtrack.measures.percent import percent
from bvtrack.measures.train_subset import train_eval_size
from bvtrack.splits.finding import Finding, Level, is_ok, tag_of
from bvtrack.splits.finding_codes import FindingCode
from bvtrack.splits.resolution import Resolution, resolution_of

FEWEST_EXAMPLES = 100
"""Minimum total in the guidelines (course 2 week 1)."""
LARGE = 1_000_000
"""Largest total for 60/20/20; above it 99+/<=1/<=1."""
HELD_OUT_SHARE = 0.20
LARGE_HELD_OUT_SHARE = 0.01
SHARE_TOLERANCE = 0.05
"""Tolerance of five points either way: 60/20/20, 70/15/15 and 55/25/20 follow the same guideline."""


@dataclass(frozen=True)
class SplitReport:
    """The sizes of a split compared with the guidelines.

    `resolution` is the half-width of the 95 % interval of a 10 % error, as a fraction, by held-out set. `smallest_gap` is the
    smallest significant difference between a dev error of 10 % and the train error, measured on `train_eval_size` examples.
    Where the targets are quantities (`is_of_quantities`), both are those of a mean squared error, as parts of it.
    """

    counts: Mapping[str, int]
    findings: tuple[Finding, ...]
    resolution: Mapping[str, float]
    smallest_gap: float
    is_of_quantities: bool = False

    @property
    def knows(self) -> Resolution:
        """What errors the precision is of."""
        return resolution_of(is_of_quantities=self.is_of_quantities)

    @property
    def ok(self) -> bool:
        """True if nothing is worse than a note."""
        return is_ok(self.findings)

    @property
    def tag(self) -> str:
        """The value of `bvtrack.split` by the sizes alone: `ok`, or the codes of the warnings joined by `+`."""
        return tag_of(self.findings)

    def __str__(self) -> str:
        return as_words(self)

    def _repr_html_(self) -> str:
        return as_html(self)


def check_split(*, train: int, dev: int, test: int | None = None, train_dev: int | None = None) -> SplitReport:
    """Check the numbers of examples in a split: 60/20/20 for 100 to 1,000,000 examples, 99+/<=1/<=1 above.

    A train-dev set is held out of the training data and counts with it. Findings: `too_few_examples`, `dev_too_small`,
    `dev_too_large`, `test_too_small`, `test_too_large`, `no_test_set`. A set off its share is a note if it
    still resolves a typical gap, and a warning if it is too small for that.

    Raises `ValueError` for a count below 1; leave a set that does not exist out, or pass `None`.

    >>> check_split(train=6000, dev=2000, test=2000).ok
    True
    >>> [finding.code for finding in check_split(train=800, dev=200).findings]
    ['no_test_set']
    """
    given = {"train": train, "train_dev": train_dev, "dev": dev, "test": test}
    return check_sizes({name: count for name, count in given.items() if count is not None})


def check_sizes(counts: Mapping[str, int], *, is_of_quantities: bool = False) -> SplitReport:
    """The same by set, of a split whose targets may be those of a regression."""
    for name, count in counts.items():
        if isinstance(count, bool) or not is_finite_number(count) or count != int(count) or count < 1:
            raise ValueError(f"{name} must be a whole number of examples, at least 1; got {count!r} (leave a missing set out)")
    held_out: list[str] = [name for name in ("dev", "test") if name in counts]
    knows = resolution_of(is_of_quantities=is_of_quantities)
    return SplitReport(
        counts=counts,
        findings=(*_size_findings(counts, held_out, knows), *_missing_test(counts)),
        resolution={name: knows.half_width(counts[name]) for name in held_out},
        smallest_gap=math.hypot(
            knows.half_width(counts["dev"]), knows.half_width(train_eval_size(counts["train"], counts["dev"]))
        ),
        is_of_quantities=is_of_quantities,
    )


def _size_findings(counts: Mapping[str, int], held_out: Sequence[str], knows: Resolution) -> list[Finding]:
    total = sum(counts.values())
    if total < FEWEST_EXAMPLES:
        return [FindingCode.TOO_FEW_EXAMPLES.finding(total=total, fewest=FEWEST_EXAMPLES)]
    return [finding for name in held_out if (finding := _share_finding(name, counts, total, knows))]


def _share_finding(name: str, counts: Mapping[str, int], total: int, knows: Resolution) -> Finding | None:
    count, width = counts[name], knows.half_width(counts[name])
    is_imprecise = width > knows.widest
    guideline, low, high = _guideline(total, has_test="test" in counts)
    share = count / total
    if share < low or (total > LARGE and is_imprecise):
        code = FindingCode.TOO_SMALL
    elif share > high:
        code = FindingCode.TOO_LARGE
    else:
        return None
    level: Level = "warning" if is_imprecise and code == FindingCode.TOO_SMALL else "note"
    sizes = {"count": count, "total": total, "share": share, "guideline": guideline}
    return code.finding(level, split=name, **sizes, precision=knows.clause(width))


def _guideline(total: int, *, has_test: bool) -> tuple[str, float, float]:
    """The recommended share of a held-out set in words, and the lowest and highest acceptable shares."""
    if total > LARGE:
        return f"at most {percent(LARGE_HELD_OUT_SHARE)}", 0.0, LARGE_HELD_OUT_SHARE
    high = HELD_OUT_SHARE if has_test else HELD_OUT_SHARE + SHARE_TOLERANCE  # without a test set 60/20 is 75/25
    return percent(HELD_OUT_SHARE), HELD_OUT_SHARE - SHARE_TOLERANCE - ROUNDING, high + SHARE_TOLERANCE + ROUNDING


def _missing_test(counts: Mapping[str, int]) -> tuple[Finding, ...]:
    return () if "test" in counts else (FindingCode.NO_TEST_SET.finding(),)

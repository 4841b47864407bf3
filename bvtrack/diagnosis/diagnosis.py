"""The diagnosis of a set of errors: the problems named, or a state, and its certainty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bvtrack.display import as_html, as_words
from bvtrack.error_rates.gaps import SMALLEST_BIAS, Gap
from bvtrack.error_rates.optimism import NO_OPTIMISM, Optimism
from bvtrack.measures.percent import in_points
from bvtrack.measures.unit import ERROR_RATE, Unit

PROBLEMS = {
    "avoidable_bias": "high_bias",
    "variance": "high_variance",
    "data_mismatch": "data_mismatch",
    "dev_overfit": "dev_overfit",
}
"""The problem indicated by each gap that is too wide, in the order in which problems are named."""

STATES_WITHOUT_GAPS = {
    "diverged": "The training diverged: an error is no longer a finite number, so no gap means anything.",
    "not_learning": "The model does no better than guessing: it is not learning yet, and no gap means anything.",
    "undetermined": "No error was logged, so nothing can be said.",
    "not_applicable": "A trial run (fast_dev_run or overfit_batches) says nothing about bias or variance.",
}


@dataclass(frozen=True)
class Diagnosis:
    """The diagnosis of a set of errors.

    `tag` is the problems joined by `+`, with `easier_dev` behind them if the dev set is easier, or a state if no problem is
    named. `certainty` is `certain` (the whole 95 % interval agrees), `likely` (the measured value does) or `unclear`. `errors`
    and `counts` are those given, by set: `train`, `train_dev`, `dev`, `test`. `baseline` is the source of the human error:
    `given`, or `zero` where it is assumed. `unit` is what the errors are fractions of. `optimism` is how much too low the dev
    error is because its epoch was chosen by it; the intervals know of it. `is_upper_bound` is true if the human error is one
    that another run has reached.

    >>> from bvtrack import diagnose
    >>> print(diagnose(train_error=0.01, dev_error=0.11, human_error=0.005))
    High variance (likely)
    Errors: train 1.0 %, dev 11.0 %; human error 0.50 %. Avoidable bias is 0.5 points.
    Variance is 10.0 points. So it does worse on examples it has not seen (high variance).
    """

    tag: str
    certainty: str
    explanation: str
    problems: tuple[str, ...] = ()
    focus: str | None = None
    gaps: Mapping[str, Gap] = field(default_factory=dict)
    errors: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    human_error: float = 0.0
    baseline: str = "zero"
    unit: Unit = ERROR_RATE
    optimism: Optimism = NO_OPTIMISM
    is_upper_bound: bool = False

    @classmethod
    def without_gaps(
        cls,
        state: str,
        errors: Mapping[str, float] | None = None,
        human_error: float | None = None,
        *,
        is_sure: bool = True,
        unit: Unit = ERROR_RATE,
    ) -> Diagnosis:
        """The diagnosis of a run whose errors cannot be compared: `diverged`, `not_learning`, `not_applicable`, or, if
        there are no errors, `undetermined`.

        Raises `ValueError` for any other state.

        >>> Diagnosis.without_gaps("not_learning").certainty
        'certain'
        """
        if state not in STATES_WITHOUT_GAPS:
            raise ValueError(f"a state without gaps is one of {', '.join(STATES_WITHOUT_GAPS)}; got {state!r}")
        certainty = "unclear" if state == "undetermined" else certainty_if(is_sure)
        return cls(
            tag=state,
            certainty=certainty,
            explanation=STATES_WITHOUT_GAPS[state],
            errors=errors or {},
            human_error=human_error or 0.0,
            baseline="zero" if human_error is None else "given",
            unit=unit,
        )

    @property
    def named_gaps(self) -> tuple[str, ...]:
        """The gaps behind the problems, in the same order."""
        return tuple(name for name, problem in PROBLEMS.items() if problem in self.problems)

    @property
    def unclear_gaps(self) -> tuple[str, ...]:
        """The gaps that are wide, but may be chance; those below one point only where one hides a narrower gap."""
        wide = {name: gap for name, gap in self.gaps.items() if gap.is_wide}
        is_one_held_back = any(not gap.may_be_chance and name not in self.named_gaps for name, gap in wide.items())
        holding = {name for name, gap in wide.items() if is_one_held_back and gap.may_be_chance and name != "dev_overfit"}
        return tuple(name for name, gap in wide.items() if gap.is_unclear or name in holding)

    @property
    def is_bias_assumed(self) -> bool:
        """True if there is a bias only as long as the human error is assumed, so that it cannot be told from a problem that is
        hard.
        """
        return self.baseline == "zero" and "avoidable_bias" in self.gaps and self.gaps["avoidable_bias"].value >= SMALLEST_BIAS

    def is_open(self, gap_name: str) -> bool:
        """True for a bias whose floor is neither given nor assumed: its gap is no more than an upper end."""
        return is_open(gap_name, is_given=self.baseline == "given", unit=self.unit)

    def width(self, gap_name: str, sign: str = "") -> str:
        """The width of a gap in points, as text."""
        at_most = "at most " if self.is_open(gap_name) else ""
        return f"{at_most}{in_points(self.gaps[gap_name].value, sign)}"

    def __str__(self) -> str:
        return as_words(self)

    def _repr_html_(self) -> str:
        return as_html(self)


def is_open(gap_name: str, *, is_given: bool, unit: Unit) -> bool:
    """True for a bias whose floor is neither given nor assumed: the train error is no more than its upper end."""
    return gap_name == "avoidable_bias" and not is_given and not unit.is_error_rate


def certainty_if(is_sure: bool) -> str:
    """The certainty of a verdict that is sure, or not."""
    return "certain" if is_sure else "likely"

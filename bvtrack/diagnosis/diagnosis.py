"""Diagnosis of a set of errors: bias, variance, both or neither, and its certainty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from bvtrack.argument_error import Argument, ArgumentError
from bvtrack.diagnosis.explanation import explain
from bvtrack.display import as_html
from bvtrack.error_rates.error_rate import is_finite_number, is_fraction, is_share_of
from bvtrack.error_rates.gaps import Gap, easier_dev_gap, measure_gaps
from bvtrack.error_rates.intervals import Rate

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

    `tag` is the problems joined by `+`, or a state if no problem is named. `certainty` is `certain` (the whole 95 % interval
    agrees), `likely` (the measured value does) or `unclear`. `errors` and `counts` are those given, by set: `train`,
    `train_dev`, `dev`, `test`. `reference_gaps` are the gaps that decided which problems are named: those of an earlier epoch
    while the change since is within noise (see `diagnose`, `previous`). `baseline` is the source of the human error: `given` or
    `zero`.
    """

    tag: str
    certainty: str
    explanation: str
    problems: tuple[str, ...] = ()
    focus: str | None = None
    gaps: Mapping[str, Gap] = field(default_factory=dict)
    reference_gaps: Mapping[str, Gap] = field(default_factory=dict, repr=False)
    errors: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    human_error: float = 0.0
    baseline: str = "zero"

    @classmethod
    def without_gaps(
        cls,
        state: str,
        errors: Mapping[str, float] | None = None,
        human_error: float | None = None,
        *,
        is_sure: bool = True,
    ) -> Diagnosis:
        """The diagnosis of a run whose errors cannot be compared: `diverged`, `not_learning`, `not_applicable`, or, if
        there are no errors, `undetermined`.

        Raises `ValueError` for any other state.

        >>> Diagnosis.without_gaps("not_learning").certainty
        'certain'
        """
        if state not in STATES_WITHOUT_GAPS:
            raise ValueError(f"a state without gaps is one of {', '.join(STATES_WITHOUT_GAPS)}; got {state!r}")
        certainty = "unclear" if state == "undetermined" else _certainty(is_sure)
        return cls(
            tag=state,
            certainty=certainty,
            explanation=STATES_WITHOUT_GAPS[state],
            errors=errors or {},
            human_error=human_error or 0.0,
            baseline="zero" if human_error is None else "given",
        )

    @property
    def named_gaps(self) -> tuple[str, ...]:
        """The gaps behind the problems, in the same order."""
        return tuple(name for name, problem in PROBLEMS.items() if problem in self.problems)

    def _repr_html_(self) -> str:
        return as_html(self)


def diagnose(
    *,
    train_error: float | None,
    dev_error: float | None = None,
    human_error: float | None = None,
    train_dev_error: float | None = None,
    test_error: float | None = None,
    n_train: int | None = None,
    n_train_dev: int | None = None,
    n_dev: int | None = None,
    n_test: int | None = None,
    same_distribution: bool = True,
    intervals: Mapping[str, tuple[float, float]] | None = None,
    previous: Diagnosis | None = None,
) -> Diagnosis:
    """Diagnose bias, variance, data mismatch or an overfit dev set from errors, with the certainty of that.

    Errors are fractions in [0, 1]. `train_error` may be `None` if only a later gap is of interest. `n_*` are the numbers of
    examples that each error was measured on (not the size of the training set); without them there are no intervals and nothing
    is `certain`. `human_error` defaults to 0, the course's assumption. `same_distribution=False` means that train and dev are
    known to come from different sources: only a train-dev error then separates variance from mismatch. `intervals` are the 95 %
    intervals, by set (`train`, `train_dev`, `dev`, `test`), of errors that are not shares of examples. `previous` is the
    diagnosis of an earlier epoch of the run: a gap whose distance from its threshold has changed only within its interval is
    named if, and only if, it was named then.

    Raises `ValueError` for an error that is not a number in [0, 1], a count below 1, a count of which the error
    cannot be a share, a count or an interval without its error, or an interval that does not contain it.

    >>> diagnose(train_error=0.01, dev_error=0.11).tag
    'high_variance'
    >>> diagnose(train_error=0.15, dev_error=0.30).tag
    'high_bias+high_variance'
    >>> diagnose(train_error=0.15, dev_error=0.16, human_error=0.14).tag
    'balanced'
    """
    errors = _given({"train": train_error, "train_dev": train_dev_error, "dev": dev_error, "test": test_error})
    counts = _given({"train": n_train, "train_dev": n_train_dev, "dev": n_dev, "test": n_test})
    intervals = intervals or {}
    _validate(errors, counts, human_error)
    _validate_intervals(errors, intervals)
    rates = {name: Rate(error, counts.get(name), intervals.get(name)) for name, error in errors.items()}
    gaps = measure_gaps(rates, human_error or 0.0, same_distribution)

    reference_gaps = with_hysteresis(gaps, previous.reference_gaps if previous is not None else {})
    named = [name for name, gap in reference_gaps.items() if gap.is_named]
    is_unclear = any(gap.is_unclear for gap in reference_gaps.values())
    tag, certainty = _verdict(gaps, named, rates, human_error, same_distribution, is_unclear=is_unclear)
    return Diagnosis(
        tag=tag,
        certainty=certainty,
        explanation=explain(tag, gaps=gaps, reference_gaps=reference_gaps, rates=rates, human_error=human_error),
        problems=tuple(PROBLEMS[name] for name in named),
        focus=PROBLEMS[max(named, key=lambda name: gaps[name].value)] if named else None,
        gaps=gaps,
        reference_gaps=reference_gaps,
        errors=errors,
        counts=counts,
        human_error=human_error or 0.0,
        baseline="zero" if human_error is None else "given",
    )


def with_hysteresis(gaps: Mapping[str, Gap], before: Mapping[str, Gap]) -> dict[str, Gap]:
    """The reference gaps: hysteresis keeps a gap of `before` while the change in its distance from the threshold is within
    noise.
    """

    def is_unchanged(name: str, gap: Gap) -> bool:
        if name not in before or not gap.is_near_its_threshold:
            return False
        return gap.may_be(gap.threshold + before[name].value - before[name].threshold)

    return {name: before[name] if is_unchanged(name, gap) else gap for name, gap in gaps.items()}


def _verdict(
    gaps: Mapping[str, Gap],
    named: list[str],
    rates: Mapping[str, Rate],
    human_error: float | None,
    same_distribution: bool,
    *,
    is_unclear: bool,
) -> tuple[str, str]:
    """The tag and its certainty: the problems, else `undetermined`, else the state of the dev error."""
    if named:
        tag = "+".join(PROBLEMS[name] for name in named)
        return tag, _certainty(all(gaps[name].is_surely_wide for name in named))
    dev = rates.get("dev")
    if is_unclear or dev is None:
        return "undetermined", "unclear"
    if not same_distribution and "train_dev" not in rates:
        return "undetermined", "unclear"
    if human_error is not None and dev.error < human_error:
        return "beyond_human", _certainty(dev.has_interval and dev.interval()[1] < human_error)
    if "train" not in rates:
        return "undetermined", "unclear"
    easier = easier_dev_gap(rates)
    if easier is not None and easier.is_named:
        return "easier_dev", _certainty(easier.is_surely_wide)
    return "balanced", _certainty(all(gap.is_surely_narrow for gap in gaps.values()))


def _certainty(sure: bool) -> str:
    return "certain" if sure else "likely"


_Value = TypeVar("_Value", float, int)


def _given(values: Mapping[str, _Value | None]) -> dict[str, _Value]:
    return {name: value for name, value in values.items() if value is not None}


def _validate(errors: Mapping[str, float], counts: Mapping[str, int], human_error: float | None) -> None:
    if not errors:
        raise ArgumentError(Argument("train_error", ""), "expected at least one error, {} or a later one; got none")
    given = {f"{name}_error": error for name, error in errors.items()} | _given({"human_error": human_error})
    for argument, error in given.items():
        if not is_fraction(error):
            expected = "{} must be a fraction in [0, 1]; got {!r} (11 % is 0.11; an accuracy a is 1 - a)"
            raise ArgumentError(argument, expected, error)
    for name, count in counts.items():
        if isinstance(count, bool) or not is_finite_number(count) or count < 1 or count != int(count):
            raise ArgumentError(f"n_{name}", "{} must be a whole number of examples, at least 1; got {!r}", count)
        n_examples = Argument(f"n_{name}", count)
        if name not in errors:
            raise ArgumentError(n_examples, "{} was given without {}; pass both or neither", Argument(f"{name}_error"))
        if not is_share_of(errors[name], int(count)):
            expected = "{} must be a share of {} examples; got {!r}, which is {:.2f} of them: pass the examples that it was "
            expected += "measured on, or none"
            raise ArgumentError(f"{name}_error", expected, n_examples, errors[name], errors[name] * count)


def _validate_intervals(errors: Mapping[str, float], intervals: Mapping[str, tuple[float, float]]) -> None:
    for name, (low, high) in intervals.items():
        error = Argument(f"{name}_error")
        if name not in errors:
            raise ArgumentError("intervals", "{}[{!r}] was given without {}; pass both or neither", name, error)
        if not low <= errors[name] <= high:
            raise ArgumentError(
                "intervals", "{}[{!r}] must hold {}, {!r}; got {!r} to {!r}", name, error, errors[name], low, high
            )

"""The rule: errors in, their diagnosis out: bias, variance, both or neither, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from bvtrack.argument_error import Argument, ArgumentError
from bvtrack.diagnosis.diagnosis import PROBLEMS, Diagnosis, certainty_if
from bvtrack.diagnosis.explanation import explain
from bvtrack.error_rates.error_rate import is_finite_number, is_fraction, is_share_of
from bvtrack.error_rates.gaps import Gap, easier_dev_gap, measure_gaps, named_gaps
from bvtrack.error_rates.intervals import Rate
from bvtrack.error_rates.optimism import NO_OPTIMISM, Optimism
from bvtrack.measures.unit import ERROR_RATE, SOME_SCORE, Unit


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
    is_error_rate: bool = True,
    unit: Unit | None = None,
    n_epochs: int | None = None,
    dev_optimism: float | None = None,
    is_upper_bound: bool = False,
) -> Diagnosis:
    """Diagnose bias, variance, data mismatch or an overfit dev set from errors, with the certainty of that.

    Errors are fractions in [0, 1]. `train_error` may be `None` if only a later gap is of interest. `n_*` are the numbers of
    examples that each error was measured on (not the size of the training set); without them there are no intervals and nothing
    is `certain`. `human_error` defaults to 0, the course's assumption: a bias is then never `certain`, and one below 5 points
    is not named, but the run is `undetermined` unless another gap is named. `same_distribution=False` means that train and dev
    are known to come from different sources: only a train-dev error then separates variance from mismatch. `intervals` are the
    95 % intervals, by set (`train`, `train_dev`, `dev`, `test`), of errors that are not shares of examples.
    `is_error_rate=False` is for errors that are no shares of examples at all, such as 1 - R²: how low they can get is not even
    assumed, and a bias is named only against a `human_error` that is given. `unit` says what they are fractions of, if that is
    known, and with it whether they are error rates.

    `n_epochs` says that the dev error is the lowest of so many epochs that were in the running: it is then too low, by
    `dev_optimism`, or, where that is not given, by as much as the lowest of so many independent errors. The intervals are
    widened by it, and that much of the gap between test and dev error is no sign of an overfit dev set.

    `is_upper_bound=True` says that `human_error` is one that was reached, such as the dev error of a better run: what is above
    it is avoidable, but lower errors may be possible, so that no gap is excused by it, and none is `beyond_human`.

    Raises `ValueError` for an error that is not a number in [0, 1], a count below 1, a count of which the error
    cannot be a share, a count or an interval without its error, or an interval that does not contain it; also for `n_epochs`
    below 1, a `dev_optimism` that is no fraction, or either without a dev error.

    >>> diagnose(train_error=0.01, dev_error=0.11).tag
    'high_variance'
    >>> diagnose(train_error=0.15, dev_error=0.30).tag
    'high_bias+high_variance'
    >>> diagnose(train_error=0.15, dev_error=0.16, human_error=0.14).tag
    'balanced'
    >>> diagnose(train_error=0.03, dev_error=0.03).tag
    'undetermined'
    """
    errors = _given({"train": train_error, "train_dev": train_dev_error, "dev": dev_error, "test": test_error})
    counts = _given({"train": n_train, "train_dev": n_train_dev, "dev": n_dev, "test": n_test})
    intervals = intervals or {}
    _validate(errors, counts, human_error)
    _validate_intervals(errors, intervals)
    _validate_choice(errors, n_epochs, dev_optimism)
    rates = {name: Rate(error, counts.get(name), intervals.get(name)) for name, error in errors.items()}
    unit = unit or (ERROR_RATE if is_error_rate else SOME_SCORE)
    optimism = Optimism.of(rates["dev"], int(n_epochs or 1), dev_optimism) if "dev" in rates else NO_OPTIMISM
    return diagnose_rates(
        rates,
        human_error=human_error,
        same_distribution=same_distribution,
        unit=unit,
        optimism=optimism,
        is_upper_bound=is_upper_bound,
    )


def diagnose_rates(
    rates: Mapping[str, Rate],
    *,
    human_error: float | None,
    same_distribution: bool,
    unit: Unit,
    optimism: Optimism,
    is_upper_bound: bool,
) -> Diagnosis:
    """Same as `diagnose`, from valid errors with their noise, at least one, by set; `optimism` is that of the dev error."""
    if "dev" in rates:
        rates = {**rates, "dev": replace(rates["dev"], optimism=optimism.expected)}
    gaps = measure_gaps(rates, human_error, same_distribution, is_error_rate=unit.is_error_rate, is_upper_bound=is_upper_bound)
    named, easier = named_gaps(gaps), easier_dev_gap(rates, same_distribution)
    measured = Diagnosis(
        tag="undetermined",
        certainty="unclear",
        explanation="",
        problems=tuple(PROBLEMS[name] for name in named),
        focus=PROBLEMS[max(named, key=lambda name: gaps[name].width)] if named else None,
        gaps=gaps,
        errors={name: rate.error for name, rate in rates.items()},
        counts={name: rate.n for name, rate in rates.items() if rate.n is not None},
        human_error=human_error or 0.0,
        baseline="zero" if human_error is None else "given",
        unit=unit,
        optimism=optimism,
        is_upper_bound=is_upper_bound,
    )
    tag, certainty = _of_problems(measured, easier) if named else _of_state(measured, rates, easier)
    judged = replace(measured, tag=tag, certainty=certainty)
    return replace(judged, explanation=explain(judged, rates, easier))


def _of_problems(measured: Diagnosis, easier: Gap | None) -> tuple[str, str]:
    """The tag and its certainty if problems are named; a bias against a human error that nobody gave, or that is another
    run's dev error, is at most likely.
    """
    is_sure = all(measured.gaps[name].is_surely_wide for name in measured.named_gaps) and not measured.unclear_gaps
    is_sure &= not ("high_bias" in measured.problems and (measured.baseline == "zero" or measured.is_upper_bound))
    return "+".join([*measured.problems, *(["easier_dev"] if easier else [])]), certainty_if(is_sure)


def _of_state(measured: Diagnosis, rates: Mapping[str, Rate], easier: Gap | None) -> tuple[str, str]:
    """The tag and its certainty if no problem is named: `undetermined`, or the state of the dev error."""
    dev, human_error = rates.get("dev"), measured.human_error
    is_untold = "train" in rates and "variance" not in measured.gaps  # another source, and no train-dev set
    if measured.unclear_gaps or dev is None or is_untold:
        return "undetermined", "unclear"
    if measured.baseline == "given" and not measured.is_upper_bound and dev.error < human_error:
        return "beyond_human", certainty_if(dev.has_interval and dev.interval()[1] < human_error)
    if easier:
        return "easier_dev", certainty_if(easier.is_surely_wide)
    if "train" not in rates or measured.is_bias_assumed:
        return "undetermined", "unclear"
    is_sure = all(gap.is_surely_narrow for gap in measured.gaps.values()) and not measured.is_upper_bound
    return "balanced", certainty_if(is_sure)


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


def _validate_choice(errors: Mapping[str, float], n_epochs: int | None, dev_optimism: float | None) -> None:
    for name in _given({"n_epochs": n_epochs, "dev_optimism": dev_optimism}):
        if "dev" not in errors:
            raise ArgumentError(name, "{} is of a dev error; pass {} as well, or leave it out", Argument("dev_error"))
    if n_epochs is not None and (isinstance(n_epochs, bool) or not is_finite_number(n_epochs) or n_epochs < 1 or n_epochs % 1):
        raise ArgumentError("n_epochs", "{} must be a whole number of epochs, at least 1; got {!r}", n_epochs)
    if dev_optimism is not None and not is_fraction(dev_optimism):
        raise ArgumentError("dev_optimism", "{} must be a fraction in [0, 1]; got {!r} (1 point is 0.01)", dev_optimism)

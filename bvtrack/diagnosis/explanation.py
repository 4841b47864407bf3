"""A diagnosis in words that a student understands, with its numbers."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence

from bvtrack.error_rates.gaps import SMALLEST_GAP, Gap
from bvtrack.error_rates.intervals import Rate, examples_to_tell

GAP_NAMES = {
    "avoidable_bias": "avoidable bias",
    "variance": "variance",
    "data_mismatch": "data mismatch",
    "dev_overfit": "dev overfit",
}
SET_NAMES = {"train": "train", "train_dev": "train-dev", "dev": "dev", "test": "test"}
PROBLEM_PHRASES = {
    "avoidable_bias": "the model does not fit even the data it was trained on (high bias)",
    "variance": "it does worse on examples it has not seen (high variance)",
    "data_mismatch": "it does worse on the dev set's kind of data than on the training set's (data mismatch)",
    "dev_overfit": "it does worse on the test set than on the dev set it was tuned on (the dev set is overfit)",
}


def percent(error: float) -> str:
    """An error or a gap in percent: `11.0 %`, with a second digit for a value below 0.995 %.

    >>> percent(0.11), percent(0.005)
    ('11.0 %', '0.50 %')
    """
    digits = 2 if 0 < abs(error) < 0.00995 else 1
    return f"{100 * error:.{digits}f} %"


def points(gap: Gap) -> str:
    """A gap in percentage points, with its 95 % interval if it has one."""
    value = f"{in_points(gap.value)} points"
    if gap.low is None or gap.high is None:
        return value
    return f"{value} (95 % interval {in_points(gap.low)} to {in_points(gap.high)})"


def in_points(difference: float, sign: str = "") -> str:
    """A difference of fractions in percentage points; `sign="+"` shows a plus sign, too.

    >>> in_points(-0.0001), in_points(0.025, sign="+")
    ('0.0', '+2.5')
    """
    return f"{round(100 * difference, 1) + 0.0:{sign}.1f}"


def explain(
    tag: str,
    *,
    gaps: Mapping[str, Gap],
    reference_gaps: Mapping[str, Gap],
    rates: Mapping[str, Rate],
    human_error: float | None,
) -> str:
    """The reasons for a verdict: the errors, the gaps, why problems are named or not, and missing errors.

    `reference_gaps` are the gaps that decided which problems are named.
    """
    named = [name for name, gap in reference_gaps.items() if gap.is_named]
    sentences = [in_numbers({name: rate.error for name, rate in rates.items()}, gaps, human_error)]
    sentences += [f"So {joined([PROBLEM_PHRASES[name] for name in named])}."] if named else []
    sentences += [
        _sentence_on_noise(name, gaps[name], rates, human_error or 0.0)
        for name, gap in reference_gaps.items()
        if gap.is_unclear
    ]
    sentences += [*_sentences_on_hysteresis(gaps, named), *_sentences_below_human(gaps, named, rates, human_error or 0.0)]
    sentences += [*_sentences_on_missing(gaps, rates), *_STATE_SENTENCES.get(tag, ())]
    return " ".join(sentences)


def in_numbers(errors: Mapping[str, float], gaps: Mapping[str, Gap], human_error: float | None) -> str:
    """The errors and the gaps: the beginning of an explanation, which a table may replace."""
    measured = ", ".join(f"{SET_NAMES[name]} {percent(error)}" for name, error in errors.items())
    assumed = "0.0 % (assumed: none was given)" if human_error is None else percent(human_error)
    gap_sentences = [f"{GAP_NAMES[name].capitalize()} is {points(gap)}." for name, gap in gaps.items()]
    return " ".join([f"Errors: {measured}; human error {assumed}.", *gap_sentences])


_STATE_SENTENCES = {
    "balanced": ("No gap is wide enough to be named.",),
    "beyond_human": ("The dev error is below the human error, so that can no longer tell how much bias is avoidable.",),
    "easier_dev": ("The dev set is easier than the training data: check that it is the data that the model is for.",),
}


def _sentence_on_noise(name: str, gap: Gap, rates: Mapping[str, Rate], human_error: float) -> str:
    later, earlier = sets_of(name, rates)
    if any(rates[side].bounds for side in (later, earlier) if side in rates):
        assert gap.low is not None
        needed = f"{math.ceil(((gap.value - gap.low) / gap.value) ** 2)} times as many"  # the width halves with 4 times as many
    else:
        known = rates.get(earlier, Rate(human_error))
        needed = f"about {examples_to_tell(rates[later].error, known.error, earlier_is_known=earlier not in rates):,}"
    return f"The {GAP_NAMES[name]} may be chance, for its interval holds 0: {needed} examples a set would tell."


def _sentences_on_hysteresis(gaps: Mapping[str, Gap], named: Sequence[str]) -> Iterator[str]:
    for name, gap in gaps.items():
        if (name in named) != gap.is_named:
            what = "named" if name in named else "not named"
            yield f"The {GAP_NAMES[name]} is still {what}: it has changed by no more than noise since that was decided."


def _sentences_below_human(
    gaps: Mapping[str, Gap], named: Sequence[str], rates: Mapping[str, Rate], human_error: float
) -> Iterator[str]:
    """Why a wide gap is not a problem: the part below the human error need not be closed."""
    for name, gap in gaps.items():
        later, earlier = (rates.get(side) for side in sets_of(name, rates))
        if name not in named and later and earlier and earlier.error < human_error and gap.value >= SMALLEST_GAP:
            above = in_points(max(later.error - human_error, 0.0))
            yield f"Of the {GAP_NAMES[name]} only {above} points lie above the human error, and that is what could be closed."


def _sentences_on_missing(gaps: Mapping[str, Gap], errors: Collection[str]) -> Iterator[str]:
    if "dev" not in errors:
        missing = "data mismatch" if "variance" in gaps else "variance"
        yield f"There is no dev error, so {missing} cannot be measured: hold out a dev set."
    elif "train" not in errors:
        yield "There is no train error, so neither bias nor variance can be measured."
    elif "variance" not in gaps:
        yield (
            "Train and dev come from different sources and there is no train-dev set, so variance and data mismatch cannot be "
            "told apart: hold out some of the training source's examples as a train-dev set."
        )


def sets_of(gap_name: str, errors: Collection[str]) -> tuple[str, str]:
    """The sets of a gap's larger and smaller error: for variance without a train-dev set, `dev` and `train`."""
    unseen = "train_dev" if "train_dev" in errors else "dev"
    sets = {
        "avoidable_bias": ("train", "human"),
        "variance": (unseen, "train"),
        "data_mismatch": ("dev", "train_dev"),
        "dev_overfit": ("test", "dev"),
    }
    return sets[gap_name]


def joined(phrases: Sequence[str]) -> str:
    """Join phrases with commas and `and`.

    >>> joined(["a", "b"]), joined(["a", "b", "c"])
    ('a and b', 'a, b and c')
    """
    return phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} and {phrases[-1]}"

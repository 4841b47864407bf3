"""A diagnosis in words that a student understands, with its numbers."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence

from bvtrack.diagnosis.diagnosis import Diagnosis, is_open
from bvtrack.error_rates.gaps import SMALLEST_GAP, Gap, easier_dev_gap
from bvtrack.error_rates.intervals import Rate, examples_to_tell
from bvtrack.measures.percent import in_points, percent
from bvtrack.measures.unit import ERROR_RATE, Unit

GAP_NAMES = {
    "avoidable_bias": "avoidable bias",
    "variance": "variance",
    "data_mismatch": "data mismatch",
    "dev_overfit": "dev overfit",
}
SET_NAMES = {"train": "train", "train_dev": "train-dev", "dev": "dev", "test": "test"}
HALF = 0.5
"""From here on an error may be an accuracy: most classifiers that someone diagnoses are right more often than wrong."""
PROBLEM_PHRASES = {
    "avoidable_bias": "the model does not fit even the data it was trained on (high bias)",
    "variance": "it does worse on examples it has not seen (high variance)",
    "data_mismatch": "it does worse on the dev set's kind of data than on the training set's (data mismatch)",
    "dev_overfit": "it does worse on the test set than on the dev set it was tuned on (the dev set is overfit)",
}


def points(gap: Gap) -> str:
    """A gap in percentage points, with its 95 % interval if it has one."""
    value = f"{in_points(gap.value)} points"
    if gap.low is None or gap.high is None:
        return value
    return f"{value} (95 % interval {in_points(gap.low)} to {in_points(gap.high)})"


def explain(diagnosis: Diagnosis, rates: Mapping[str, Rate], easier: Gap | None) -> str:
    """The reasons for a verdict: the errors, the gaps, why problems are named or not, and missing errors.

    `easier` is the amount by which dev is easier than the training source, if it is.
    """
    gaps, named = diagnosis.gaps, diagnosis.named_gaps
    given = diagnosis.human_error if diagnosis.baseline == "given" else None
    sentences = [in_numbers(diagnosis.errors, gaps, given, diagnosis.unit)]
    sentences += [f"So {joined([PROBLEM_PHRASES[name] for name in named])}."] if named else []
    sentences += [_sentence_on_noise(name, diagnosis, rates) for name in diagnosis.unclear_gaps]
    sentences += [
        *_sentences_on_narrower(diagnosis),
        *_sentences_below_human(diagnosis),
        *_sentences_on_assumption(diagnosis),
        *_sentences_on_reached(diagnosis),
    ]
    sentences += [
        *_sentences_on_choice(diagnosis),
        *_sentences_on_missing(gaps, rates),
        *_sentences_on_easier_sets(rates, easier),
        *_sentences_on_accuracies(diagnosis),
    ]
    return " ".join([*sentences, *(one.format(floor=diagnosis.unit.floor) for one in _STATE_SENTENCES.get(diagnosis.tag, ()))])


def in_numbers(errors: Mapping[str, float], gaps: Mapping[str, Gap], human_error: float | None, unit: Unit = ERROR_RATE) -> str:
    """The errors and the gaps: the beginning of an explanation, which a table may replace."""
    told = unit.told({SET_NAMES[name]: error for name, error in errors.items()})
    gap_sentences = [f"{GAP_NAMES[name].capitalize()} is {_width(name, gap, human_error, unit)}." for name, gap in gaps.items()]
    return " ".join([f"{told[0].upper()}{told[1:]}{_baseline(human_error, unit)}.", *gap_sentences])


def _baseline(human_error: float | None, unit: Unit) -> str:
    """What the train error is compared with, as the end of a sentence."""
    if human_error is not None:
        return f"; {unit.floor} {unit.amount(human_error)}"
    return "; human error 0.0 % (assumed: none was given)" if unit.is_error_rate else f"; no {unit.floor} was given"


def _width(name: str, gap: Gap, human_error: float | None, unit: Unit) -> str:
    """The width of a gap; of a bias against an unknown floor no more than its upper end."""
    if is_open(name, is_given=human_error is not None, unit=unit):
        return f"at most {in_points(gap.value)} points"
    return points(gap)


_STATE_SENTENCES = {
    "balanced": ("No gap is wide enough to be named.",),
    "beyond_human": ("The dev error is below the {floor}, so that can no longer tell how much bias is avoidable.",),
}


def _sentence_on_noise(name: str, diagnosis: Diagnosis, rates: Mapping[str, Rate]) -> str:
    gap, human_error = diagnosis.gaps[name], diagnosis.human_error
    later, earlier = sets_of(name, rates)
    if any(rates[side].spread for side in (later, earlier) if side in rates):
        needed = "more repeats, or more examples a set,"
    elif any(rates[side].bounds for side in (later, earlier) if side in rates):
        assert gap.low is not None
        share = (gap.value - gap.low) / (gap.value - gap.chance)
        times = max(math.ceil(share**2), 2)  # the width halves with 4 times as many
        needed = f"{times} times as many examples a set" if diagnosis.unit.is_error_rate else f"sets {times} times as large"
    else:
        is_known = earlier not in rates
        known = human_error + gap.chance if is_known else rates[earlier].error + gap.below_human
        needed = f"about {examples_to_tell(rates[later].error, known, earlier_is_known=is_known):,} examples a set"
    if gap.below_human > 0:
        return f"As far as it lies above the {diagnosis.unit.floor}, the {GAP_NAMES[name]} may be chance: {needed} would tell."
    return (
        f"The {GAP_NAMES[name]} may be chance, for its interval holds {in_points(gap.chance).removesuffix('.0')}: "
        f"{needed} would tell."
    )


def _sentences_on_narrower(diagnosis: Diagnosis) -> Iterator[str]:
    """Why a wide gap is not named that is none of chance: a wider one may be."""
    for name, gap in diagnosis.gaps.items():
        if gap.is_wide and not gap.may_be_chance and name not in diagnosis.named_gaps:
            yield f"The {GAP_NAMES[name]} is narrower than that, and is not named before it is known."


def _sentences_below_human(diagnosis: Diagnosis) -> Iterator[str]:
    """Why a wide gap is not a problem: the part below the human error need not be closed."""
    for name, gap in diagnosis.gaps.items():
        if name not in diagnosis.named_gaps and gap.below_human > 0 and gap.value >= SMALLEST_GAP:
            above = in_points(max(gap.width, 0.0))
            floor = diagnosis.unit.floor
            yield f"Of the {GAP_NAMES[name]} only {above} points lie above the {floor}, and that is what could be closed."


def _sentences_on_assumption(diagnosis: Diagnosis) -> Iterator[str]:
    """How much of the train error is avoidable, and what would settle it, where nobody gave a human error."""
    if not diagnosis.is_bias_assumed:
        return
    if not diagnosis.unit.is_error_rate:
        yield diagnosis.unit.what_settles
        return
    train = percent(diagnosis.errors["train"])
    settle = "a human error, a target that was set, or a better run of the experiment would settle it (human_error=)"
    if "high_bias" in diagnosis.problems:
        yield f"That the train error of {train} is avoidable is assumed: {settle}."
    else:
        yield f"Whether the train error of {train} is avoidable bias is not known: {settle}."


def _sentences_on_reached(diagnosis: Diagnosis) -> Iterator[str]:
    """What an error that another run has reached says of this one."""
    bias = diagnosis.gaps.get("avoidable_bias")
    if not diagnosis.is_upper_bound:
        return
    yield f"The {percent(diagnosis.human_error)} are what the best other run makes on this dev set, and need not be the limit."
    if bias is not None and bias.value <= 0:
        yield "How much of a train error below them is avoidable is not known."


def _sentences_on_easier_sets(rates: Mapping[str, Rate], easier: Gap | None) -> Iterator[str]:
    """That a set is easier than one it should be like, and what that may come from."""
    if easier:
        reference = SET_NAMES["train_dev" if "train_dev" in rates else "train"]
        yield (
            f"The dev set is easier than the training data, by {in_points(easier.value)} points: check that it is the data "
            f"that the model is for, that none of it is in the training data, that the {reference} error is no running average "
            "(dropout and augmentation raise that), and that the two were not swapped."
        )
    train, train_dev = rates.get("train"), rates.get("train_dev")
    if train and train_dev and easier_dev_gap({"dev": train_dev, "train": train}, same_distribution=True):
        yield (
            f"The train-dev set is easier than the train set, by {in_points(train.error - train_dev.error)} points: check that "
            "none of it is in the training data, and that the two were not swapped."
        )
    test, dev = rates.get("test"), rates.get("dev")
    if test and dev and easier_dev_gap({"dev": test, "train": dev}, same_distribution=True):
        yield (
            f"The test set is easier than the dev set, by {in_points(dev.error - test.error)} points: check that both are "
            "drawn alike, that no test example is in the training data, and that the two were not swapped."
        )


def _sentences_on_accuracies(diagnosis: Diagnosis) -> Iterator[str]:
    """That the errors may be accuracies: they are large, and larger on train than on dev, or for humans than for the model."""
    train, dev = (diagnosis.errors.get(name, 0.0) for name in ("train", "dev"))
    is_reversed = dev >= HALF and train - dev >= SMALLEST_GAP
    is_human_reversed = diagnosis.tag == "beyond_human" and diagnosis.human_error >= HALF
    if diagnosis.unit.is_error_rate and (is_reversed or is_human_reversed):
        yield "Errors as large as these may be accuracies: if so, pass 1 - accuracy."


def _sentences_on_choice(diagnosis: Diagnosis) -> Iterator[str]:
    """How much too low the dev error is, because its epoch was chosen by it."""
    optimism = diagnosis.optimism
    if (expected := in_points(optimism.expected)) == "0.0":
        return
    of_epochs = f"The dev error is the lowest of {optimism.n_epochs:,} epochs whose dev errors may differ by noise alone"
    chosen = of_epochs if optimism.n_epochs > 1 else "The dev error was chosen"
    test = (
        ", and that much of its distance to the test error is no sign of an overfit dev set"
        if "dev_overfit" in diagnosis.gaps
        else ""
    )
    yield f"{chosen}: on new examples expect about {expected} points more, at most {in_points(optimism.most)}{test}."


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

"""The repeats of a configuration in words and as rows, for its report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.diagnosis.repeats import Repeat, Repeated, mean_and_deviation
from bvtrack.error_rates.spread import student_t
from bvtrack.measures.percent import percent
from bvtrack.report.content import Content
from bvtrack.text import shortened

LONGEST_NAME = 200
"""Longest name of a repeat, in characters, so that none makes the page large."""
LABELS = ("seed", "fold", "split")
MANY = 30
"""Degrees of freedom from which on Student's t is 2.0."""
DEVIATION = "Behind ± stands the standard deviation of a single repeat."
SPREAD_OF_SEEDS = (
    "The repeats have the same data and differ in the seed alone: in the first weights, the order of the batches, dropout. "
    "So the spread tells how far an error moves by the chance of training. "
    "It does not tell how far it would move with other data."
)
SPREAD_OF_REPEATS = (
    "The repeats have the same data, and no seed was logged of them. "
    "So the spread tells how far an error moves from one training to the next, and not how far it would move with other data."
)
SPREAD_OF_DATA = (
    "Each repeat has {own}, and is trained on the rest. "
    "So the spread tells how far an error moves with the data and with the chance of training, and holds the noise of the dev "
    "examples. The training sets overlap, so that the errors agree more than independent ones would: the interval counts for "
    "that (Nadeau and Bengio 2003). It does not tell of a model that is trained on all data, which should err a bit less."
)
EXAMPLES = "The noise of the {n:,} dev examples, which all repeats share, is no part of the spread, but is in the intervals."
NO_EXAMPLES = "The noise of the dev examples, which all repeats share, is no part of the spread; their number is not known."


class RepeatRow(NamedTuple):
    """A repeat: its name, its labels and its errors in words, its own diagnosis, and its run."""

    name: str
    labels: Sequence[str]
    errors: Sequence[str]
    diagnosis: str
    run_id: str
    link: str | None


class SpreadRow(NamedTuple):
    """A set: its mean error with the deviation of a single repeat, the interval of the mean, and the extremes."""

    name: str
    mean: str
    interval: str
    lowest: str
    highest: str


class RepeatsInWords(NamedTuple):
    """What a page says of repeats; `labels` and `sets` are the columns of `rows`."""

    number: str
    tells: str
    failed: str
    spreads: Sequence[SpreadRow]
    labels: Sequence[str]
    sets: Sequence[str]
    rows: Sequence[RepeatRow]


def repeats_in_words(content: Content, repeated: Repeated) -> RepeatsInWords:
    """All that is said of the repeats of a configuration."""
    repeats = repeated.repeats
    labels = [name for name in LABELS if any(getattr(one, name) is not None for one in repeats)]
    sets = [name for name in SET_NAMES if any(name in one.errors for one in repeats)]
    return RepeatsInWords(
        f"{len(repeats)} {repeated.design.over}",
        what_spread_tells(repeated),
        failed_in_words(repeated),
        list(spread_rows(repeated)),
        labels,
        [SET_NAMES[name] for name in sets],
        [_row(one, labels, sets, content) for one in repeats],
    )


def what_spread_tells(repeated: Repeated) -> str:
    """What the spread is over, and what it does and does not tell; empty if there is none."""
    if not repeated.spreads:
        return ""
    design, n_dev = repeated.design, repeated.verdict.diagnosis.counts.get("dev")
    times = f"{student_t(design.degrees):.1f} of its standard errors on either side"
    width = f"As there are so few of them, the interval of a mean is {times}." if design.degrees < MANY else ""
    if design.shares_dev_set:
        first = SPREAD_OF_SEEDS if design.over == "seeds" else SPREAD_OF_REPEATS
        of_examples = EXAMPLES.format(n=n_dev) if n_dev else NO_EXAMPLES if "dev" in repeated.spreads else ""
    else:
        own = "a fold of its own for a dev set" if design.over == "folds" else "a dev set that is drawn anew"
        first, of_examples = SPREAD_OF_DATA.format(own=own), ""
    return " ".join(part for part in (DEVIATION, first, of_examples, width) if part)


def failed_in_words(repeated: Repeated) -> str:
    """How many repeats are no part of the means; empty if none."""
    n = sum(not one.is_measured for one in repeated.repeats)
    if not n or not repeated.spreads:
        return ""
    return f"{n} of them failed, and {'is' if n == 1 else 'are'} no part of the means."


def spread_rows(repeated: Repeated) -> Iterator[SpreadRow]:
    """The means by set."""
    for name, spread in repeated.spreads.items():
        low, high = repeated.intervals.get(name, (None, None))
        between = "" if low is None or high is None else f"{100 * low:.1f} to {100 * high:.1f}"
        mean = mean_and_deviation(spread.mean, spread.deviation)
        yield SpreadRow(SET_NAMES[name], mean, between, percent(min(spread.values)), percent(max(spread.values)))


def _row(one: Repeat, labels: Sequence[str], sets: Sequence[str], content: Content) -> RepeatRow:
    return RepeatRow(
        shortened(one.name, LONGEST_NAME),
        [shortened(getattr(one, name) or "", LONGEST_NAME) for name in labels],
        [percent(one.errors[name]) if name in one.errors else "" for name in sets],
        one.tag,
        one.run_id,
        content.address.beside(one.run_id).link if content.address else None,
    )


def configuration_as_data(content: Content) -> dict[str, Any] | None:
    """The configuration that a run is a repeat of, as plain data; `None` if it is of none."""
    of = content.configuration
    if of is None:
        return None
    said = {"name": of.name, "repeats": of.repeats, "diagnosis": of.tag, "certainty": of.certainty}
    return {"run_id": of.address.run_id, **said, "in_words": str(of), "link": of.address.link}


def repeats_as_data(content: Content) -> dict[str, Any] | None:
    """The repeats as plain data for programs; `None` for a single run. Errors are fractions."""
    repeated = content.repeated
    if repeated is None:
        return None
    return {
        "over": repeated.design.over,
        "n": len(repeated.repeats),
        "in_short": repeated.in_short,
        "deviations": {name: spread.deviation for name, spread in repeated.spreads.items()},
        "diagnoses": dict(repeated.tags),
        "tells": what_spread_tells(repeated),
        "runs": [
            {
                "run_id": one.run_id,
                "name": one.name,
                **{name: getattr(one, name) for name in LABELS},
                "diagnosis": one.tag,
                "errors": dict(one.errors),
                "link": content.address.beside(one.run_id).link if content.address else None,
            }
            for one in repeated.repeats
        ],
    }

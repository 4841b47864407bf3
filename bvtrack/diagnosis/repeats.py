"""One verdict over the repeats of a configuration: trainings that differ in nothing but their seed or fold.

Its errors are means over the repeats, and it is made by the rule that judges a single run. What is noise is told by the spread
over the repeats together with the numbers of examples (`bvtrack.error_rates.spread`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

from bvtrack.diagnosis.diagnosis import STATES_WITHOUT_GAPS, Diagnosis
from bvtrack.diagnosis.evidence import Evidence, ModelFacts
from bvtrack.diagnosis.explanation import SET_NAMES, joined
from bvtrack.diagnosis.recipe import recommend
from bvtrack.diagnosis.rule import diagnose_rates
from bvtrack.diagnosis.run_verdict import Verdict
from bvtrack.diagnosis.split_first import SplitFault
from bvtrack.error_rates.intervals import Rate
from bvtrack.error_rates.optimism import NO_OPTIMISM, Optimism
from bvtrack.error_rates.spread import Design, Over, Spread
from bvtrack.measures.unit import ERROR_RATE, Unit

FEWEST = 2
"""Repeats from which there is a spread."""
FAILED = frozenset(STATES_WITHOUT_GAPS) - {"undetermined"}
"""Diagnoses of repeats whose errors mean nothing."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """One repeat: a training's errors at the epoch that its own tags describe, as fractions by set, and its own diagnosis.

    `counts` are the examples behind each error, `n_train` the size of its training set, and `dev_set` the digest of its dev
    set, if known; `split` is the seed of a split that is drawn anew. `optimism` is that of its dev error, the lowest of
    `n_epochs`.
    """

    run_id: str
    name: str
    tag: str
    errors: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    seed: str | None = None
    fold: str | None = None
    split: str | None = None
    dev_set: str | None = None
    n_train: int | None = None
    n_epochs: int = 1
    optimism: float = 0.0

    @property
    def label(self) -> tuple[str | None, ...] | None:
        """Its seed and fold, by which it is paired with another configuration's repeat; `None` where neither is known."""
        found = (self.seed, self.fold, self.split)
        return found if any(part is not None for part in found) else None

    @property
    def own_split(self) -> tuple[str | None, ...] | None:
        """What tells its dev set from those of the others; `None` where nothing was logged of it."""
        found = (self.fold, self.split)
        return found if any(part is not None for part in found) else None

    @property
    def is_measured(self) -> bool:
        return self.tag not in FAILED and bool(self.errors)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the train errors are compared with, as for `bvtrack.diagnose`."""

    human_error: float | None = None
    same_distribution: bool = True
    is_upper_bound: bool = False


@dataclass(frozen=True, slots=True)
class Repeated:
    """The verdict on a configuration, and what it rests on.

    `repeats` are all of them, `spreads` their errors by set, of those sets that every measured repeat has an error of, and
    `intervals` the 95 % intervals of their means, without those that are not known. Where most repeats failed, there are none.
    """

    verdict: Verdict
    design: Design
    repeats: tuple[Repeat, ...]
    spreads: Mapping[str, Spread] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def tags(self) -> Mapping[str, int]:
        """How many of the repeats have which diagnosis by themselves, the most frequent first."""
        return dict(Counter(repeat.tag for repeat in self.repeats).most_common())

    @property
    def leading(self) -> str | None:
        """The set whose error a configuration is known by: dev, else test, else train."""
        return next((name for name in ("dev", "test", "train") if name in self.spreads), None)

    @property
    def in_short(self) -> str:
        """`5 seeds: dev 11.2 ± 0.4 %`: the mean and the standard deviation of a single repeat."""
        number = f"{len(self.repeats)} {self.design.over}"
        if self.leading is None:
            return f"{number}: {_counted(self.tags)}"
        spread, of = self.spreads[self.leading], self.verdict.diagnosis.unit.of
        return f"{number}: {SET_NAMES[self.leading]} {mean_and_deviation(spread.mean, spread.deviation)}{of}"


def mean_and_deviation(mean: float, deviation: float) -> str:
    """A mean and a standard deviation, fractions, in percent.

    >>> mean_and_deviation(0.112, 0.004), mean_and_deviation(0.0082, 0.0011)
    ('11.2 ± 0.4 %', '0.82 ± 0.11 %')
    """
    digits = 2 if 0 < abs(mean) < 0.00995 or 0 < deviation < 0.0005 else 1
    return f"{100 * mean:.{digits}f} ± {100 * deviation:.{digits}f} %"


def judge_repeats(
    repeats: Sequence[Repeat],
    baseline: Baseline,
    *,
    unit: Unit = ERROR_RATE,
    curve: str | None = None,
    model: ModelFacts | None = None,
    split_faults: Sequence[SplitFault] = (),
) -> Repeated:
    """The verdict on a configuration with these repeats, at least two, whose errors are of this `unit`.

    `curve` and `split_faults` are those that all repeats have. Where half of the repeats or more failed (`diverged`,
    `not_learning`), that is the diagnosis.

    Raises `ValueError` for fewer repeats.

    >>> errors = [{"train": 0.01, "dev": dev} for dev in (0.11, 0.111, 0.112, 0.113, 0.114)]
    >>> found = judge_repeats([Repeat("", "wide", "high_variance", one, {"dev": 2000}) for one in errors], Baseline())
    >>> found.verdict.diagnosis.tag, found.in_short
    ('high_variance', '5 repeats: dev 11.2 ± 0.2 %')
    """
    if len(repeats) < FEWEST:
        raise ValueError(f"a configuration has at least {FEWEST} repeats; got {len(repeats)}")
    measured = [repeat for repeat in repeats if repeat.is_measured]
    failed = len(repeats) - len(measured)
    n_train = round(fmean(sizes)) if (sizes := [repeat.n_train for repeat in repeats if repeat.n_train]) else None
    if 2 * failed >= len(repeats) or not (rates := _rates(measured)):
        diagnosis, found = _of_failures(repeats, baseline, unit), Repeated(_NO_VERDICT, design_of(repeats), tuple(repeats))
    else:
        diagnosis = diagnose_rates(
            rates,
            human_error=baseline.human_error,
            same_distribution=baseline.same_distribution,
            unit=unit,
            optimism=_optimism(measured),
            is_upper_bound=baseline.is_upper_bound,
        )
        if failed and diagnosis.certainty == "certain":
            diagnosis = replace(diagnosis, certainty="likely")
        spreads = {name: rate.spread for name, rate in rates.items() if rate.spread is not None}
        known = {name: rate.interval() for name, rate in rates.items() if rate.has_interval}
        found = Repeated(_NO_VERDICT, design_of(measured), tuple(repeats), spreads, known)
    steps = recommend(diagnosis, Evidence(curve, model or ModelFacts(), n_train))
    found = replace(found, verdict=Verdict.of(None, diagnosis, curve, steps, split_faults))
    explained = replace(found.verdict.diagnosis, explanation=f"{found.verdict.diagnosis.explanation} {_in_words(found)}")
    return replace(found, verdict=replace(found.verdict, diagnosis=explained))


def design_of(repeats: Sequence[Repeat]) -> Design:
    """How repeats hang together: by their folds and the digests of their dev sets, else by the sizes of these.

    A dev set's share of the data is taken from the sizes of both sets, else to be one of as many equal folds as there are.
    """
    n = len(repeats)
    n_folds = len({repeat.fold for repeat in repeats if repeat.fold is not None})
    n_splits = len({repeat.own_split for repeat in repeats})
    n_digests = len({repeat.dev_set for repeat in repeats if repeat.dev_set is not None})
    n_sizes = len({repeat.counts["dev"] for repeat in repeats if "dev" in repeat.counts})
    n_told = max(n_splits, n_digests)
    n_dev_sets = n if n_told == 1 and n_sizes > 1 else n_told
    if n_dev_sets == 1:
        has_seeds = len({repeat.seed for repeat in repeats if repeat.seed is not None}) == n
        return Design(n, over="seeds" if has_seeds else "repeats")
    sizes = [(repeat.counts["dev"], repeat.n_train) for repeat in repeats if "dev" in repeat.counts and repeat.n_train]
    shares = [n_dev / n_train for n_dev, n_train in sizes if n_train]
    to_train = fmean(shares) if shares else 1 / ((n_folds if n_folds > 1 else n_dev_sets) - 1)
    over: Over = "folds" if n_folds > 1 or _is_whole(repeats) else "splits"
    return Design(n, n_dev_sets, to_train, over)


def _is_whole(repeats: Sequence[Repeat]) -> bool:
    """True if the dev sets are as large, together, as all data: each repeat has its own, and the rest to train on."""
    n_dev = [repeat.counts.get("dev", 0) for repeat in repeats]
    totals = {n + (repeat.n_train or 0) for n, repeat in zip(n_dev, repeats, strict=True)}
    return len({repeat.dev_set for repeat in repeats}) == len(repeats) and totals == {sum(n_dev)}


def _rates(repeats: Sequence[Repeat]) -> dict[str, Rate]:
    """The mean errors with their noise, of the sets that each repeat has an error of; none for a single repeat."""
    if len(repeats) < FEWEST:
        return {}
    design = design_of(repeats)
    rates = {}
    for name in (name for name in SET_NAMES if all(name in repeat.errors for repeat in repeats)):
        shares_examples = design.shares_dev_set or name == "test"
        spread = Spread(tuple(repeat.errors[name] for repeat in repeats), design, shares_examples)
        n = _n_dev(repeats) if name == "dev" and not design.shares_dev_set else _least(repeats, name)
        rates[name] = Rate(spread.mean, n, spread=spread)
    return rates


def _least(repeats: Sequence[Repeat], name: str) -> int | None:
    """The number of examples that each repeat was measured on, at least; `None` if it is not known of all."""
    counts = [repeat.counts.get(name) for repeat in repeats]
    return None if None in counts else min(count for count in counts if count is not None)


def _n_dev(repeats: Sequence[Repeat]) -> int | None:
    """The number of examples in different dev sets together, as far as there are so many: sets drawn anew overlap."""
    if _least(repeats, "dev") is None:
        return None
    by_set = {
        (repeat.dev_set, repeat.own_split) if repeat.dev_set or repeat.own_split else number: repeat.counts["dev"]
        for number, repeat in enumerate(repeats)
    }
    totals = [repeat.counts["dev"] + repeat.n_train for repeat in repeats if repeat.n_train]
    return min([sum(by_set.values()), *totals])


def _optimism(repeats: Sequence[Repeat]) -> Optimism:
    """The mean of that of the repeats: as many choices do not average out."""
    if not any(repeat.optimism for repeat in repeats):
        return NO_OPTIMISM
    expected = fmean(repeat.optimism for repeat in repeats)
    return Optimism(expected, max(repeat.optimism for repeat in repeats), max(repeat.n_epochs for repeat in repeats))


def _of_failures(repeats: Sequence[Repeat], baseline: Baseline, unit: Unit) -> Diagnosis:
    """The diagnosis where the errors of most repeats mean nothing: what most of these are."""
    failed = Counter(repeat.tag for repeat in repeats if repeat.tag in FAILED).most_common(1)
    state, n = failed[0] if failed else ("undetermined", 0)
    return Diagnosis.without_gaps(state, human_error=baseline.human_error, is_sure=n == len(repeats), unit=unit)


def _in_words(found: Repeated) -> str:
    """The repeats, their spread, and how many of them are what by themselves, as sentences."""
    words = [f"This is over {found.in_short}{' (mean and standard deviation)' if found.spreads else ''}."]
    if len(found.tags) > 1:
        words.append(f"By themselves {_counted(found.tags)}.")
    elif found.spreads:
        (tag,) = found.tags
        words.append(f"By itself each is {tag}.")
    return " ".join(words)


def _counted(tags: Mapping[str, int]) -> str:
    """How many are what, as a phrase.

    >>> _counted({"high_variance": 4, "balanced": 1})
    '4 are high_variance and 1 is balanced'
    """
    return joined([f"{n} {'is' if n == 1 else 'are'} {tag}" for tag, n in tags.items()])


_NO_VERDICT = Verdict(None, Diagnosis.without_gaps("undetermined"), None, ())

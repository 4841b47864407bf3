"""The labels of several sets made comparable: written alike, present in all that are compared, and seen in training."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from bvtrack.special import binomial_tail
from bvtrack.splits.comparing.hidden_labels import has_targets, missing_label
from bvtrack.splits.finding import Finding, Level
from bvtrack.splits.finding_codes import FindingCode, named
from bvtrack.splits.profiling.columns import Names
from bvtrack.splits.profiling.profile import SplitProfile

Sets = Mapping[str, SplitProfile]

FEWEST_EXPECTED = 10
"""Minimum expected count of a class in a sample: if it has none, the whole set is taken to lack the class."""
MOSTLY_ALONE = 0.5
"""Texts of which more than this share occur once are answers rather than classes."""
CHANCE = 0.01
"""P-value of so many unseen labels, if they are quantities of which each example may have one of its own."""
TAIL = 0.05
"""Share of the examples up to which the largest label may be the tail of counts of things."""
TRUTHS = {"true": "1", "false": "0"}


def comparable_labels(sets: Sets) -> tuple[dict[str, SplitProfile], list[Finding]]:
    """The sets, their labels written alike, those without labels having none; and what is to be said of it."""
    found, said = dict(sets), []
    first = next(iter(sets))
    for name, profile in sets.items():
        if profile.remarks.ignored_labels:
            said.append(FindingCode.HAS_NO_LABELS.finding(split=first, others=name, hidden=False, label=""))
            continue
        label = missing_label(sets[first], profile) if has_targets(sets[first]) else None
        if label is not None and not _is_known(label, sets[first]):
            found[name] = replace(profile, labels=None, label_numbers=None)
            with_labels = [other for other in sets if other != name and has_targets(sets[other])]
            said.append(
                FindingCode.HAS_NO_LABELS.finding(split=name, others=" and ".join(with_labels), hidden=bool(label), label=label)
            )
    return _written_alike(found, said), said


def unseen_classes(sets: Sets, samples: Collection[str]) -> Iterator[Finding]:
    """Classes that the first set lacks; `samples` are the sets whose labels are only a sample."""
    (first, reference), *others = sets.items()
    if reference.labels is None or reference.labels.is_bucketed:
        return
    for name, found in others:
        if found.labels is None or found.labels.is_bucketed:
            continue
        fewest = FEWEST_EXPECTED * found.n / reference.n if first in samples else 0
        unseen = {
            label: n
            for label, n in found.class_counts.items()
            if label and label not in reference.labels.counts and n >= fewest
        }
        if unseen and (level := _level_of(reference, found, unseen)):
            classes = named([f"{label} ({n:,})" for label, n in unseen.items()])
            yield FindingCode.HAS_UNSEEN_CLASSES.finding(level, earlier=first, later=name, classes=classes)


def _level_of(reference: SplitProfile, found: SplitProfile, unseen: Mapping[str, int]) -> Level | None:
    """A warning for classes; for what may be quantities a note, if more are unseen than rare values lead one to expect.

    The share of examples with an unseen value is about that of the values seen once (Good 1953), here at most three standard
    errors more.
    """
    assert reference.labels is not None
    n_once = sum(1 for n in reference.labels.counts.values() if n == 1)
    are_classes = reference.layout.target_coding is None and n_once <= MOSTLY_ALONE * reference.n
    if are_classes and not _go_on_counting(reference.labels.counts, unseen):
        return "warning"
    most = n_once + 1 + 3 * math.sqrt(n_once + 1)
    is_expected = float(binomial_tail(sum(unseen.values()), n=found.n, probability=min(most / reference.n, 1))) > CHANCE
    if reference.layout.targets == "either":
        return None if is_expected else "note"
    return "note" if is_expected else "warning"


def _go_on_counting(known: Mapping[str, int], unseen: Mapping[str, int]) -> bool:
    """True for labels that may be counts of things: whole numbers of which the largest is rare, and larger ones."""
    if len(known) < 3 or not all(label.isdigit() for label in (*known, *unseen)):
        return False
    largest = max(known, key=int)
    return known[largest] <= TAIL * sum(known.values()) and min(map(int, unseen)) > int(largest)


def _is_known(label: str, first: SplitProfile) -> bool:
    """True for a label that the first set has, perhaps in another spelling."""
    return label != "" and first.labels is not None and _spelling(label) in map(_spelling, first.labels.counts)


def _written_alike(sets: dict[str, SplitProfile], said: list[Finding]) -> dict[str, SplitProfile]:
    """The sets with labels of one spelling, if those of two sets are the same but for how they are written."""
    labelled = {name: found.labels for name, found in sets.items() if found.labels is not None}
    if len(labelled) < 2 or any(names.is_bucketed for names in labelled.values()):
        return sets
    (first, reference), *others = labelled.items()
    for name, names in others:
        other_spelling = _other_spelling(reference.counts, names.counts)
        if other_spelling:
            one, other = next(iter(other_spelling.items()))
            said.append(
                FindingCode.LABELS_WRITTEN_OTHERWISE.finding(earlier=first, later=name, one=repr(other), other=repr(one))
            )
            counts = {other_spelling.get(label, label): n for label, n in names.counts.items()}
            sets[name] = replace(sets[name], labels=Names(counts))
    return sets


def _other_spelling(wanted: Mapping[str, int], found: Mapping[str, int]) -> dict[str, str]:
    """By label of `found` that is not wanted, the wanted one that it is another spelling of; empty if two would be the same."""
    known = {_spelling(label): label for label in wanted}
    others = {label: known[_spelling(label)] for label in found if label not in wanted and label and _spelling(label) in known}
    after = [others.get(label, label) for label in found]
    return others if len(set(after)) == len(after) and len(known) == len(wanted) else {}


def _spelling(label: str) -> str:
    """A label without the differences that types and files make: 1.0 and True for 1, spaces, a full stop, capitals,
    letters and accents apart.
    """
    text = unicodedata.normalize("NFC", label).strip().rstrip(".").lower()
    try:
        number = float(text)
    except ValueError:
        return TRUTHS.get(text, text)
    return str(int(number)) if number.is_integer() else text

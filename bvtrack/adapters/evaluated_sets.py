"""Which of the sets that a training evaluates is train, dev or test, by the names that they were given."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, get_args

from bvtrack.adapters.known_words import set_words
from bvtrack.adapters.training import SetName

UNNAMED = re.compile(r"(?:validation|valid|eval|test)_\d+")
"""The names that boosters make up for sets that the user has not named."""
NO_SUCH = "no evaluated set is named {!r}; evaluated: {}"
WHICH = "which of the evaluated sets {0} is the {1} set is not known: pass {1}_set= with its name, or {1}_data="
TEST_CHOOSES = "{!r} is the only held-out set, by which rounds are chosen, and so is taken for the dev set"


class NamedSets(NamedTuple):
    """The set that each evaluated one is, by its name, and what is to be said of the others."""

    sets: Mapping[str, SetName]
    problems: Sequence[str]


def named_sets(names: Sequence[str], chosen: Mapping[SetName, str], known: Mapping[str, SetName]) -> NamedSets:
    """The sets by the user's choice, by what is `known` of their data, by their names; and of those whose name says nothing the
    last is dev, as early stopping has it.

    >>> named_sets(["train", "eval", "test"], {}, {}).sets
    {'train': 'train', 'eval': 'dev', 'test': 'test'}
    >>> named_sets(["validation_0", "validation_1"], {}, {"validation_0": "train"}).sets
    {'validation_0': 'train', 'validation_1': 'dev'}
    """
    evaluated = ", ".join(names) or "none"
    problems = [NO_SUCH.format(told, evaluated) for told in chosen.values() if told not in names]
    found: dict[str, SetName] = {told: name for name, told in chosen.items() if told in names}
    for told in names:
        name = known.get(told) or _by_words(told)
        if told not in found and name is not None and name not in found.values():
            found[told] = name
    left = [told for told in names if told not in found]
    if left and "dev" not in found.values():
        found[left.pop()] = "dev"
    if "dev" not in found.values():
        for told in [told for told, name in found.items() if name == "test" and told not in chosen.values()]:
            found[told] = "dev"
            problems.append(TEST_CHOOSES.format(told))
    if left:
        missing = "train" if "train" not in found.values() else "test"
        problems.append(WHICH.format(", ".join(repr(told) for told in names), missing))
    return NamedSets({told: found[told] for told in names if told in found}, problems)


def _by_words(told: str) -> SetName | None:
    if UNNAMED.fullmatch(told):
        return None
    stages = {set_words()[word] for word in re.split(r"[^a-z]+", told.lower()) if word in set_words()}
    return next((name for name in get_args(SetName) if {name} == stages), None)

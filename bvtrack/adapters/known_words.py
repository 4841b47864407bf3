"""The ids in tags, in words, for pages that read tags alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bvtrack.diagnosis.evidence import ModelFacts
from bvtrack.diagnosis.model_in_words import by_levers
from bvtrack.diagnosis.step_rules import STEP_RULES
from bvtrack.measures.metric_name import STAGE_OF
from bvtrack.splits.faults import faults_of_codes, harmful_codes


class SplitFaultWords(NamedTuple):
    """A fault of the split, and the step that mends it. If it `may_be_slight`, it counts where that step came first."""

    words: str
    step: str
    may_be_slight: bool


def split_fault_words() -> Mapping[str, SplitFaultWords]:
    """The faults by their code in `bvtrack.split`.

    >>> split_fault_words()["dev_shares_groups_with_train"].words
    'groups of dev are in train too: split by group'
    """
    codes = harmful_codes()
    faults = [fault for code in sorted(codes) for fault in faults_of_codes(code)]
    return {fault.code: SplitFaultWords(fault.message, fault.step, codes[fault.code].may_be_slight) for fault in faults}


def step_titles(model: ModelFacts | None = None) -> Mapping[str, str]:
    """The titles of the steps by their id in `bvtrack.next_step`, for such a model, or for a network.

    >>> step_titles()["mend_split"]
    'Mend the split first'
    >>> step_titles(ModelFacts(kind="trees"))["bigger_network"]
    'Grow larger trees'
    """
    facts = model or ModelFacts()
    rules = {rule.id: rule.of_trees if rule.of_trees and facts.kind == "trees" else rule for rule in STEP_RULES.values()}
    return {step: by_levers(step, words.title, words.why, facts)[0] for step, words in rules.items()}


def set_words() -> Mapping[str, str]:
    """The words in names of metrics and datasets that name a set, and the set: `train`, `train_dev`, `dev` or `test`.

    >>> set_words()["validation"]
    'dev'
    """
    return dict(STAGE_OF)

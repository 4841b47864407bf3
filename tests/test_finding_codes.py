from __future__ import annotations

import json
from dataclasses import asdict
from string import Formatter

import pytest

from bvtrack import check_split
from bvtrack.splits.finding import Level
from bvtrack.splits.finding_codes import FindingCode

FINDINGS = [(code, level) for code in FindingCode for level in code.sentences]


def fields_of(code: FindingCode) -> set[str]:
    """What a finding of this code names or counts."""
    templates = [code.value, *code.sentences.values(), *code.clauses.values()]
    return {field for template in templates for _, field, _, _ in Formatter().parse(template) if field}


@pytest.mark.parametrize(("code", "level"), FINDINGS)
def test_every_code_has_a_sentence_at_each_of_its_levels(code: FindingCode, level: Level) -> None:
    measured = dict.fromkeys(fields_of(code), 0.25)

    finding = code.finding(level, **measured)

    assert finding.level == level
    assert len(finding.message.split()) >= 3
    assert not {"{", "}"} & set(finding.code + finding.message)


def test_a_clause_is_said_only_where_it_holds() -> None:
    both, one = (
        FindingCode.TEST_USED_TO_CHOOSE.finding(
            same_examples=True, both=is_said, monitored=is_said, monitors="test_acc"
        ).message
        for is_said in (True, False)
    )

    assert both.startswith("the test set holds the dev set's examples and callbacks of the training choose by test_acc, so it")
    assert one.startswith("the test set holds the dev set's examples, so it")


def test_a_code_is_a_plain_string_for_tags_and_scripts() -> None:
    (finding,) = check_split(train=7500, dev=2500).findings

    assert finding.code == str(FindingCode.NO_TEST_SET) == "no_test_set"
    assert type(finding.code) is str
    assert f"{FindingCode.NO_TEST_SET}" == "no_test_set"
    assert json.loads(json.dumps(asdict(finding)))["code"] == "no_test_set"


def test_a_code_that_names_sets_is_the_code_of_its_finding() -> None:
    finding = FindingCode.OVERLAPS_IN_TIME.finding(earlier="train", later="dev")

    assert finding.code == FindingCode.OVERLAPS_IN_TIME.of(earlier="train", later="dev") == "dev_overlaps_train_in_time"

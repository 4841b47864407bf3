"""The faults of a split: those of its findings that no verdict is certain beside, from findings or from their codes alone."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping

from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.diagnosis.split_first import SplitFault
from bvtrack.splits.finding import Finding
from bvtrack.splits.finding_codes import FindingCode, Harm

MENDED_BY = "mend_split"
"""The step for an error that this version does not know."""


def faults_of(findings: Iterable[Finding]) -> tuple[SplitFault, ...]:
    """The faults among these findings: every error, and the warnings that make an error or a gap untrue.

    >>> from bvtrack.splits.finding_codes import FindingCode
    >>> faults_of([FindingCode.NO_TEST_SET.finding()])
    ()
    """
    return tuple(fault for finding in findings if (fault := _fault_of(finding)))


def faults_of_codes(codes: str | None, first_step: str | None = None) -> tuple[SplitFault, ...]:
    """The faults with these codes, a value of `bvtrack.split`, in words without numbers.

    Of a code whose findings may be slight, `first_step`, the step that came first when they were known, tells whether it is a
    fault; without it, it is one.

    >>> [fault.step for fault in faults_of_codes("dev_repeats_train+test_too_small")]
    ['mend_split']
    """
    return tuple(_faults_by_code(codes or "", first_step))


def why_it_matters(code: str) -> str:
    """What a finding with this code does to the errors, for people; empty for one that does nothing to them.

    >>> why_it_matters("no_test_set")
    ''
    """
    found, sets = _known_codes().get(code, (None, {}))
    if found is None or found.harm is None:
        return ""
    return found.harm.why.format_map({role: SET_NAMES.get(name, name) for role, name in sets.items()})


def _faults_by_code(codes: str, first_step: str | None) -> Iterator[SplitFault]:
    for code in codes.split("+"):
        found, sets = _known_codes().get(code, (None, {}))
        if found is None or found.harm is None:
            continue
        if not found.may_be_slight or first_step in (None, found.harm.step):
            yield _fault(code, found.harm, sets, found.harm.in_short.format_map(sets))


def harmful_codes() -> Mapping[str, FindingCode]:
    """The findings that make an error or a gap untrue, by code with its sets filled in."""
    return {code: finding for code, (finding, _) in _known_codes().items()}


def _fault_of(finding: Finding) -> SplitFault | None:
    found, sets = _known_codes().get(finding.code, (None, {}))
    harm = found.harm if found else None
    if harm is not None and finding.level == harm.level:
        return _fault(finding.code, harm, sets, finding.message)
    return SplitFault(finding.code, finding.message, MENDED_BY) if finding.level == "error" else None


def _fault(code: str, harm: Harm, sets: Mapping[str, str], message: str) -> SplitFault:
    return SplitFault(
        code,
        message,
        harm.step,
        untrue=harm.untrue.format_map(sets),
        effect=harm.effect.format_map(sets),
        between=tuple(side.format_map(sets) for side in harm.between),
    )


@functools.cache
def _known_codes() -> Mapping[str, tuple[FindingCode, Mapping[str, str]]]:
    """The harmful codes with their sets filled in, and these sets."""
    known: dict[str, tuple[FindingCode, Mapping[str, str]]] = {}
    for earlier, later in itertools.permutations(SET_NAMES, 2):
        sets = {"earlier": earlier, "later": later}
        for code in FindingCode:
            if code.harm is not None:
                known.setdefault(code.of(**sets), (code, sets))
    return known

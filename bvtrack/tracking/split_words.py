"""What a training says of a split at fault: when it is checked, and at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bvtrack.diagnosis.run_verdict import Verdict
from bvtrack.report.note import headline
from bvtrack.splits.faults import faults_of
from bvtrack.splits.finding import Finding


def warning_of(findings: Iterable[Mapping[str, Any]]) -> str:
    """The warning on the findings in a split's record; empty for a split that no errors are untrue by."""
    said = [fault.message for fault in faults_of(Finding(**one) for one in findings) if fault.is_of_errors]
    return f"the split comes first, and no diagnosis on it is certain: {'; '.join(said)}" if said else ""


def last_words(verdict: Verdict | None) -> str:
    """The verdict of a training whose split makes its errors untrue, with what is wrong; empty for any other."""
    if verdict is None or not any(fault.is_of_errors for fault in verdict.split_faults):
        return ""
    return f"{headline(verdict.diagnosis, verdict.steps, verdict.curve)}. {verdict.split_in_words}"

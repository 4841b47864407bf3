"""The warning on a split at fault, when it is checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bvtrack.splits.faults import faults_of
from bvtrack.splits.finding import Finding


def warning_of(findings: Iterable[Mapping[str, Any]]) -> str:
    """The warning on the findings in a split's record; empty for a split that no errors are untrue by."""
    said = [fault.message for fault in faults_of(Finding(**one) for one in findings) if fault.is_of_errors]
    return f"the split comes first, and no diagnosis on it is certain: {'; '.join(said)}" if said else ""

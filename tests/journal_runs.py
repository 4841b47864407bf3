"""Runs as their journals tell them, for tests that do without MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from written_journals import all_records

from bvtrack.journal.folder import unsent_journals
from bvtrack.shipping.run_state import Ledger
from bvtrack.store.bundle import Point


@dataclass(frozen=True)
class Run:
    """What a run shows: its points in the order they were logged, its tags, its JSON files by path, and the records that all of
    it comes from.
    """

    points: list[Point]
    tags: Mapping[str, str]
    files: Mapping[str, Any]
    records: list[Mapping[str, Any]]

    @property
    def metrics(self) -> dict[str, float]:
        return {point.name: point.value for point in self.points}

    def curve(self, metric: str) -> dict[int, float]:
        return {point.step: point.value for point in self.points if point.name == metric}


def read_run(journals: Path) -> Run:
    """The last run that stayed in its journal, as MLflow would show it."""
    path = max(unsent_journals(journals), key=lambda journal: journal.stat().st_mtime_ns)
    header, *records = all_records(path)
    ledger = Ledger(header["options"])
    for record in records:
        ledger.take(record)
    bundle = ledger.bundle(records)
    tags = {name: value for name, value in bundle.tags.items() if value is not None}
    return Run(list(bundle.points), tags, bundle.files, records)

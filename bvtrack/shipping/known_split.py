"""The split of a run from its journal's records: what the check of the data found, and what the models' outputs did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bvtrack.journal.record_line import Record
from bvtrack.journal.records import OutputsRecord, SplitRecord
from bvtrack.schema import names
from bvtrack.splits.finding import Finding, gravest_first, tag_of


class KnownSplit:
    """The newest records of the split and of the outputs, as one."""

    def __init__(self) -> None:
        self._checked = SplitRecord(timestamp=0)
        self._outputs: OutputsRecord | None = None

    def take(self, record: SplitRecord | OutputsRecord) -> None:
        """Put a record in the place of the one before of its kind."""
        if isinstance(record, SplitRecord):
            self._checked = record
        else:
            self._outputs = record

    @property
    def n_train(self) -> int | None:
        """The number of training examples, if it is known."""
        return self._checked.counts.get("train")

    @property
    def data_kind(self) -> Any:
        """What the examples are, as the check of the data tells."""
        return (self._checked.report or {}).get("data_kind")

    @property
    def findings(self) -> list[Finding]:
        """All findings, the gravest first."""
        of_outputs = self._outputs.findings if self._outputs else ()
        return list(gravest_first(Finding(**one) for one in (*(self._checked.findings or ()), *of_outputs)))

    @property
    def report(self) -> Mapping[str, Any]:
        """The content of `bvtrack/splits.json`."""
        return {**(self._checked.report or {}), **({"outputs": self._outputs.report} if self._outputs else {})}

    @property
    def tag(self) -> str:
        """The codes of all findings; if there are none, the result of the check of the split."""
        codes = tag_of(self.findings)
        return codes if codes != names.OK else self._checked.tag or names.UNCHECKED

    @property
    def distribution(self) -> str:
        """The value of `bvtrack.distribution`."""
        return self._checked.distribution or names.UNCHECKED

    @property
    def dev_digest(self) -> str | None:
        """The digest of the dev set; `None` if no example was read, because then it only identifies the size."""
        logged = (dataset for dataset in self._checked.datasets if dataset["profile"]["read"])
        return next((dataset["digest"] for dataset in logged if dataset["name"] == "dev"), None)

    def records(self) -> list[Record]:
        """The record of the check without its datasets and its report, which are in MLflow; none before there is one."""
        return [replace(self._checked, datasets=(), report=None).to_json()] if self._checked.timestamp else []

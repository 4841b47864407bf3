"""Say how a table was read."""

from __future__ import annotations

from dataclasses import dataclass

from bvtrack.splits.finding import Finding
from bvtrack.splits.finding_codes import FindingCode


@dataclass(frozen=True)
class Remark:
    """A sentence on how a split was read; `is_loss` if something in its file or folder was not read."""

    message: str
    is_loss: bool = False

    def finding(self, split: str) -> Finding:
        code = FindingCode.NOT_ALL_READ if self.is_loss else FindingCode.READ_AS
        return code.finding(split=split, remark=self.message)

"""What trainings have written, for tests to look at and to spoil."""

from __future__ import annotations

from pathlib import Path

from bvtrack.tracking.journal import read_header
from bvtrack.tracking.journal_reader import JournalReader
from bvtrack.tracking.record_line import Record, from_line, to_line


def all_records(journal: Path) -> list[Record]:
    """Every record of a journal that is whole, in order."""
    reader = JournalReader(journal, header={"format": 2})
    found: list[Record] = []
    while records := reader.read():
        found += records
    assert reader.damage == {}
    return found


def change_header(journal: Path, **changes: object) -> None:
    """Write the first record anew in all of its copies, as a training with these values would have."""
    header = {**read_header(journal), **changes}
    first, *_ = sorted(journal.glob("0*.jsonl"))
    _, _, behind = first.read_bytes().partition(b"\n")
    lines = [from_line(line + b"\n", is_signed=True) for line in behind.splitlines()]
    content = to_line(header, at=0)
    for line in lines:
        assert line is not None
        content += to_line(line.record, at=len(content))
    first.write_bytes(content)
    (journal / "run.json").write_bytes(to_line(header))


def whole_records(journal: Path) -> list[Record]:
    """Every record of any file of a journal whose checksum is right, wherever it stands."""
    contents = [path.read_bytes() for path in sorted(journal.glob("*.jsonl")) if path.is_file()]
    lines = [line + b"\n" for content in contents for line in content.split(b"\n")[:-1]]
    return [said.record for line in lines if (said := from_line(line, is_signed=True)) is not None]

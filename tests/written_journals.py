"""What trainings have written, for tests to look at and to spoil."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bvtrack
from bvtrack.journal.journal import read_header
from bvtrack.journal.reader import JournalReader
from bvtrack.journal.record_line import Record, from_line, to_line


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
    lines = [from_line(line + b"\n", has_checksum=True) for line in behind.splitlines()]
    content = to_line(header, at=0)
    for line in lines:
        assert line is not None
        content += to_line(line.record, at=len(content))
    first.write_bytes(content)
    (journal / "run.json").write_bytes(to_line(header))


def whole_records(journal: Path) -> list[Record]:
    """Every record of any file of a journal whose checksum is right, wherever it stands."""
    contents = [path.read_bytes() for path in sorted(journal.glob("*.jsonl")) if path.is_file()]
    parts = [b'{"kind":' + part for content in contents for part in content.split(b'{"kind":')[1:]]
    ends = [part.rfind(b'"}') + len(b'"}') for part in parts]
    found = [from_line(part[:end], has_checksum=True) for part, end in zip(parts, ends, strict=True)]
    return [said.record for said in found if said is not None]


def is_whole(file: Path) -> bool:
    """Whether each byte of a journal's file belongs to a line whose checksum is right."""
    *lines, rest = file.read_bytes().split(b"\n")
    return not rest and all(from_line(line, has_checksum=True) is not None for line in lines)


def written_training(store: str, n_epochs: int, **options: Any) -> None:
    """A training that is over, of which nothing has been sent where nothing sends (the fixture `journals`)."""
    with bvtrack.Tracker(tracking_uri=store, **options) as tracker:
        for epoch in range(n_epochs):
            tracker.log_epoch(epoch, train_error=0.01, dev_error=0.11)


def has_header(journal: Path) -> bool:
    """Whether one of the copies of the first record is whole."""
    files = [journal / "kept.jsonl", *sorted(journal.glob("0*.jsonl"))[:1], journal / "run.json"]
    lines = [file.read_bytes().partition(b"\n") for file in files if file.exists()]
    found = [from_line(line, has_checksum=True) for line, end, _ in lines if end]
    return any(one is not None and one.record["kind"] == "run" for one in found)


def as_version_0_1(journal: Path) -> None:
    """Write a journal of one part as that version did: without checksums, and without what it did not know."""
    new = ("format", "writer", "address")
    old = [{name: value for name, value in one.items() if name not in new} for one in all_records(journal)]
    (journal / "00000000000000000000.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in old))
    (journal / "run.json").unlink()

"""Reads a journal in order, whatever has happened to it: what is whole is read, what is not is noted and holds up nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from bvtrack.journal.journal import CHUNK_BYTES, LAST_BYTES, has_checksums, read_header, readable, segments
from bvtrack.journal.private_files import open_plain
from bvtrack.journal.record_line import Record, from_line, intact_records

_TORN_BEFORE_THE_END = re.compile(rb'\{"kind":"(?!end")[a-z_]+"[ -~]*')
"""What a full disk, or a kill, leaves of a record that is not the last one of a training."""


class Segment(NamedTuple):
    """A file, the byte of the journal at which it begins, as its records say, and the one at which it ends."""

    start: int
    end: int
    path: Path


class JournalReader:
    """The records of a journal from a byte on. `offset` is the byte behind what has been read.

    `damage` says, by byte, what is not as it was written. Files of which one does not end where the next one begins are read as
    a whole, whatever the offset: what has been acknowledged of them cannot be told.
    """

    def __init__(self, journal: Path, offset: int = 0, *, header: Record | None = None) -> None:
        """Raises `JournalError` where `header`, the first record, is not given and cannot be read."""
        self.offset = offset
        self.damage: dict[int, str] = {}
        self.ends_in_damage = False
        """Whether what is broken stands behind the last record that is whole: that may have been the training's end."""
        self._journal = journal
        self._has_checksums = has_checksums(header or read_header(journal))
        self._starts: dict[Path, int] = {}
        self._salvaged: set[Path] = set()

    def read(self, *, chunk_bytes: int = CHUNK_BYTES, end: int | None = None) -> list[Record]:
        """The next whole records, a chunk of them at most, up to byte `end` of the journal; none where there are no more.

        Raises `UnreadableJournalError` where the system does not let it be read.
        """
        with readable():
            return self._read(chunk_bytes, end)

    def _read(self, chunk_bytes: int, end: int | None) -> list[Record]:
        found = self._segments()
        if not all(one.end == other.start for one, other in pairwise(found)):
            if end is not None:
                return []
            if records := self._salvage(found[:-1]):
                return records
            found = found[-1:]
        for segment in found:
            is_last = segment is found[-1]
            while (is_last or self.offset < segment.end) and (end is None or self.offset < end):
                before = self.offset
                if records := self._some_of(segment, chunk_bytes, end, is_last=is_last):
                    return records
                if self.offset == before:
                    break
        return []

    def tail_bytes(self) -> int:
        """What lies behind the last whole line: a record that is being written, or was when its training ended."""
        return max(0, max((segment.end for segment in self._segments()), default=0) - self.offset)

    def read_tail(self) -> list[Record]:
        """What is whole behind the last whole line, once nobody writes any more: a record may have lost its end of line.

        Where there is no such record, and what stands there may have been the training's last word, it ends in damage.
        """
        size = self.tail_bytes()
        if not size:
            return []
        self.note(self.offset, f"the last {size} bytes are no whole record")
        segment = self._segments()[-1]
        with open_plain(segment.path) as file:
            file.seek(self.offset - segment.start)
            tail = file.read()
        self.offset = segment.end
        records = list(intact_records(tail))
        self.ends_in_damage = not (records or _TORN_BEFORE_THE_END.fullmatch(tail))
        return records

    def note(self, place: int, what: str) -> None:
        """Note that what stands at byte `place` is not as it was written."""
        self.damage.setdefault(place, what)

    def _salvage(self, found: list[Segment]) -> list[Record]:
        """All records of the next file that has not been read as a whole."""
        for segment in found:
            if segment.path not in self._salvaged:
                self._salvaged.add(segment.path)
                self.note(segment.start, f"{segment.path.name} does not end where the next part begins")
                if records := list(self._records(segment, 0, segment.end - segment.start, is_whole=True)):
                    return records
        return []

    def _some_of(self, segment: Segment, chunk_bytes: int, end: int | None, *, is_last: bool) -> list[Record]:
        """Read on in one file; the offset stays where it holds nothing more."""
        if segment.start > self.offset:
            if not self._salvaged:
                self.note(self.offset, f"bytes {self.offset} to {segment.start} are missing")
            self.offset = segment.start
        room = chunk_bytes if end is None else max(0, min(chunk_bytes, end - self.offset))
        before = self.offset
        records = list(self._records(segment, self.offset - segment.start, room, is_whole=False))
        if self.offset == before and not is_last:
            self.note(self.offset, f"bytes {self.offset} to {segment.end} are torn")
            self.offset = segment.end
        return records

    def _records(self, segment: Segment, position: int, room: int, *, is_whole: bool) -> Iterator[Record]:
        """The records in the lines that begin in the `room` bytes from `position` on; `is_whole` counts a torn last one too."""
        for line in _lines(segment.path, position, room, is_whole=is_whole):
            place = segment.start + position
            position += len(line)
            said = from_line(line, has_checksum=self._has_checksums)
            if said is None or not line.endswith(b"\n"):
                self.note(place, f"the line at byte {place} is none that was written")
                self.ends_in_damage = True  # perhaps, for what is whole of it may be its last part
                yield from intact_records(line)
                continue
            if said.at not in (None, place):
                self.note(place, f"the line at byte {place} was written at byte {said.at}")
            self.ends_in_damage = False
            yield said.record
        if not is_whole:
            self.offset = segment.start + position

    def _segments(self) -> list[Segment]:
        found = []
        for by_name, path in segments(self._journal):
            start = self._start_of(path, by_name)
            if start != by_name:
                self.note(start, f"{path.name} holds what was written at byte {start}")
            found.append(Segment(start, start + path.stat().st_size, path))
        return sorted(found)

    def _start_of(self, path: Path, by_name: int) -> int:
        """Where a file begins by its first whole record, which knows its place even where files have changed theirs."""
        if self._has_checksums and path not in self._starts:
            position = 0
            for line in _lines(path, 0, LAST_BYTES, is_whole=False):
                said = from_line(line, has_checksum=self._has_checksums)
                if said is not None and said.at is not None and said.at >= position:
                    self._starts[path] = said.at - position
                    break
                position += len(line)
        return self._starts.get(path, by_name)


def _lines(path: Path, position: int, room: int, *, is_whole: bool) -> list[bytes]:
    """The lines that begin in the `room` bytes from `position` on; one that has no end only where `is_whole`."""
    with open_plain(path) as file:
        file.seek(position)
        data = file.read(room)
        if len(data) == room and not data.endswith(b"\n"):
            data += file.readline()
    *lines, rest = data.split(b"\n")
    return [line + b"\n" for line in lines] + ([rest] if is_whole and rest else [])

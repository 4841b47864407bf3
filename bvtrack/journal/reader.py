"""Reads a journal in order, damaged or not: intact records are returned, damage is noted and blocks nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from bvtrack.journal.folder import segments
from bvtrack.journal.journal import CHUNK_BYTES, LAST_BYTES, has_checksums, read_header, readable
from bvtrack.journal.private_files import open_plain
from bvtrack.journal.record_line import Record, from_line, intact_records

_TORN_BEFORE_THE_END = re.compile(rb'\{"kind":"(?!end")[a-z_]+"[ -~]*')
"""A record, other than that of a training's end, torn by a full disk or a kill."""


class Segment(NamedTuple):
    """A segment file, with the byte offsets in the journal at which it begins, by its records, and ends."""

    start: int
    end: int
    path: Path


class JournalReader:
    """Reads a journal's records from a byte offset on; `offset` is the end of what has been read.

    `damage` describes, by byte offset, what is not as it was written. If one segment does not end where the next begins, they
    are read whole, whatever the offset: it is unknown which of their records were acknowledged.
    """

    def __init__(self, journal: Path, offset: int = 0, *, header: Record | None = None) -> None:
        """Raises `JournalError` if `header`, the first record, is not given and cannot be read."""
        self.offset = offset
        self.damage: dict[int, str] = {}
        self.ends_in_damage = False
        """True if there is damage after the last intact record: it may have been the training's end."""
        self._journal = journal
        self._has_checksums = has_checksums(header or read_header(journal))
        self._starts: dict[Path, int] = {}
        self._salvaged: set[Path] = set()

    def read(self, *, chunk_bytes: int = CHUNK_BYTES, end: int | None = None) -> list[Record]:
        """The next intact records, one chunk at most, up to byte `end` of the journal; empty if there are no more.

        Raises `UnreadableJournalError` if the journal cannot be read at the moment.
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
        """Number of bytes after the last complete line: a record being written, or cut off when its training ended."""
        return max(0, max((segment.end for segment in self._segments()), default=0) - self.offset)

    def read_tail(self) -> list[Record]:
        """The intact records after the last complete line, once writing has stopped: one may have lost only its newline.

        Sets `ends_in_damage` if there are none and the rest may have been the record of the training's end.
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
        """Note damage at byte offset `place`."""
        self.damage.setdefault(place, what)

    def _salvage(self, found: list[Segment]) -> list[Record]:
        """All records of the next segment that has not been read whole."""
        for segment in found:
            if segment.path not in self._salvaged:
                self._salvaged.add(segment.path)
                self.note(segment.start, f"{segment.path.name} does not end where the next part begins")
                if records := list(self._records(segment, 0, segment.end - segment.start, is_whole=True)):
                    return records
        return []

    def _some_of(self, segment: Segment, chunk_bytes: int, end: int | None, *, is_last: bool) -> list[Record]:
        """The next records of one segment; the offset stays if there are none."""
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
        """The records in lines that begin within `room` bytes from `position`; `is_whole` includes a torn last line."""
        for line in _lines(segment.path, position, room, is_whole=is_whole):
            place = segment.start + position
            position += len(line)
            said = from_line(line, has_checksum=self._has_checksums)
            if said is None or not line.endswith(b"\n"):
                self.note(place, f"the line at byte {place} is none that was written")
                self.ends_in_damage = True  # perhaps: an intact part of it may be the last record
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
        """A segment's byte offset by its first intact record, which is right even if files were renamed."""
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
    """The lines that begin within `room` bytes from `position`; an unterminated one only if `is_whole`."""
    with open_plain(path) as file:
        file.seek(position)
        data = file.read(room)
        if len(data) == room and not data.endswith(b"\n"):
            data += file.readline()
    *lines, rest = data.split(b"\n")
    return [line + b"\n" for line in lines] + ([rest] if is_whole and rest else [])

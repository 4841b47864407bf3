"""The write-ahead journal: the append-only log that a run's records are written to before they are sent to MLflow.

A journal is a folder of its own. Records are JSON lines in segments that are named by their byte offset in the journal. A line
counts as written once its newline has reached the operating system, which survives the death of the process. It carries its
offset and a checksum, so that a changed or moved line is noticed. Points carry the time they were measured, so that sending is
idempotent: MLflow stores a point once however often it is sent. Acknowledged records are compacted into `kept.jsonl`, so that
a journal stays small however long the training. The first record, which identifies the run, is copied to `run.json`.

Only a journal's own files are removed, by their exact names, in a folder with the exact name of a journal, and records only
once all of them have been acknowledged.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from bvtrack.journal.file_lock import acquired
from bvtrack.journal.folder import _remove_folder, kept_file, segments, writer_lock
from bvtrack.journal.private_files import (
    PRIVATE_FOLDER,
    new_file,
    open_plain,
    read_plain,
    remove_file,
    write_private,
)
from bvtrack.journal.record_line import Record, from_line, intact_records, to_line
from bvtrack.journal.records import Kind, now

if TYPE_CHECKING:
    from filelock import FileLock

FORMAT = 2
"""Version of the record format: from 2 on each record has a checksum."""
FORMATS = range(1, FORMAT + 1)
"""The formats that are read."""
SEGMENT_BYTES = 1 << 20
"""Size of a segment, some 4,000 epochs; at most two of them, and the compacted records, are on disk."""
CHUNK_BYTES = 1 << 20
"""Bytes read and sent at a time: the memory that a backlog takes."""
LAST_BYTES = 1 << 16
"""Bytes at a journal's end that are searched for its last record: no record of a training's end is longer."""
MOST_HEADER_BYTES = 1 << 24
"""Longest first record in bytes, which holds the user's names and paths; anything longer is not one."""
HEADER_KEYS = {"timestamp", "run_id", "run_name", "experiment", "experiment_id", "store", "tags", "options"}


class JournalError(ValueError):
    """A journal that holds something other than records."""


class UnreadableJournalError(JournalError):
    """A journal that cannot be read at the moment."""


@contextlib.contextmanager
def readable() -> Iterator[None]:
    """Raise `UnreadableJournalError` in place of any `OSError` while a journal is read."""
    try:
        yield
    except OSError as error:
        raise UnreadableJournalError(f"it cannot be read ({error.strerror or error}), so it is left as it is") from error


class Journal:
    """One run's journal, open for appending by the one process that trains."""

    def __init__(self, directory: Path, *header: Record) -> None:
        """Create a new journal in `directory` that begins with `header`. Raises `OSError` if that is not possible."""
        self.path = directory / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.urandom(8).hex()}"
        self._start = self._end = self._whole = self._size = 0
        self._unwritten = b""
        self._appending = threading.RLock()  # a signal handler may log while this thread does
        self._process = os.getpid()
        self._writing: FileLock | None = None
        self._is_made = False
        try:
            directory.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
            self.path.mkdir(PRIVATE_FOLDER)
            self._is_made = True
            self._writing = _writer_lock(self.path)
            self._file = _new_segment(self.path, 0)
            self._write(*header)
            if header:
                write_private(_copy_of_header(self.path), to_line(header[0]))
        except OSError as error:  # with the parent folder, so that the message is the same each time
            self.__del__()
            if self._is_made:
                _remove_folder(self.path)
            raise OSError(error.errno, error.strerror, str(directory)) from None

    def append(self, *records: Record) -> None:
        """Write records, usually in one system call.

        Raises `OSError` if the disk is full; what was not written goes before the next records.
        """
        with self._appending:
            self._write(*records)

    def _write(self, *records: Record) -> None:
        self._count_written()
        for record in records:
            line = to_line(record, at=self._end + len(self._unwritten))
            self._unwritten += line
        while self._unwritten:
            self._file.write(self._unwritten)
            self._count_written()
        if self._end - self._start >= SEGMENT_BYTES:
            self._begin_segment()

    def _count_written(self) -> None:
        """Count the bytes written by the file's size: an interrupt may come between a write and its return."""
        size = os.fstat(self._file.fileno()).st_size
        n_written, self._size = size - self._size, size
        if n_written > 0:
            whole = self._unwritten.rfind(b"\n", 0, n_written) + 1
            self._whole = self._end + whole if whole else self._whole
            self._end += n_written
            self._unwritten = self._unwritten[n_written:]

    @property
    def n_unwritten(self) -> int:
        """Number of records that are not completely written."""
        return self._unwritten.count(b"\n")

    def close(self) -> None:
        """Close the file. Raises `OSError` if the last records still cannot be written; a partial record is cut off."""
        with self._file:
            try:
                self.append()
            except OSError:
                os.ftruncate(self._file.fileno(), self._whole - self._start)
                raise
        self._release()

    def __del__(self) -> None:
        """Everything appended is already written."""
        if (file := getattr(self, "_file", None)) is not None:
            file.close()
        self._release()

    def _release(self) -> None:
        """Release the writer's lock, except in a process that was forked with this journal open."""
        writing, self._writing = getattr(self, "_writing", None), None
        if writing is not None and self._process == os.getpid():
            writing.release()

    def _begin_segment(self) -> None:
        with contextlib.suppress(OSError):  # if no new file can be made, the present one keeps growing
            file = _new_segment(self.path, self._end)
            self._file.close()
            self._file, self._start, self._size = file, self._end, 0


def record(kind: Kind, **content: Any) -> Record:
    """A record as stored in the journal; `timestamp` is in milliseconds since the Unix epoch."""
    return {"kind": kind, "timestamp": now(), **content}


def read_header(journal: Path) -> Record:
    """The first record, which names the run and its store. Raises `JournalError` if there is no intact one."""
    with readable():
        copies = [kept_file(journal), *(path for _, path in segments(journal)[:1]), _copy_of_header(journal)]
        lines = [line for path in copies if (line := _first_line(path)).endswith(b"\n")]
    found = [said for line in lines if (said := _header_in(line)) is not None]
    if not lines:
        raise JournalError("expected the record of a run, got none yet; remove the folder once its training is over")
    headers = [one for one in found if one["kind"] == "run"]
    if not headers:
        got = f"one of kind {found[0]['kind']!r}" if found else f"{lines[0][:40]!r}"
        raise JournalError(f"expected the record of a run first, got {got}; remove the folder")
    header = headers[0]
    if missing := ", ".join(sorted(HEADER_KEYS - header.keys())):
        raise JournalError(f"expected a run's {missing} in the first record, got none; remove the folder")
    if (written_in := header.get("format", 1)) not in FORMATS:
        raise JournalError(
            f"expected a journal of format {FORMATS[0]} to {FORMATS[-1]}, got {written_in!r}, that of a newer bvtrack:"
            " send it with that one, or update (pip install -U bvtrack)"
        )
    return header


def _header_in(line: bytes) -> Record | None:
    said = from_line(line, has_checksum=False)
    if said is not None and has_checksums(said.record):
        said = from_line(line, has_checksum=True)
    return None if said is None else said.record


def has_checksums(header: Record) -> bool:
    """True if each record of the journal has a checksum: those of version 0.1 have none."""
    return bool(header.get("format", 1) >= FORMAT)


def read_kept(journal: Path) -> tuple[list[Record], int, bool]:
    """The compacted records, the offset up to which they replace segments, and true if all are intact; at first none and 0."""
    with readable():
        try:
            content = read_plain(kept_file(journal))
        except FileNotFoundError:
            return [], 0, True
    records: list[Record] = []
    is_whole = content.endswith(b"\n")
    is_checked = has_checksums(read_header(journal))
    for line in content.removesuffix(b"\n").split(b"\n"):
        if (said := from_line(line, has_checksum=is_checked)) is not None:
            records.append(said.record)
        else:
            is_whole = False
            records += intact_records(line)
    mark = next((int(one["offset"]) for one in records if one["kind"] == "kept"), 0)
    return [one for one in records if one["kind"] not in ("run", "kept")], mark, is_whole


def compact(journal: Path, header: Record, records: Sequence[Record], offset: int) -> None:
    """Replace everything before byte `offset` with `records`, and remove the segments that are no longer needed."""
    lines = [header, {"kind": "kept", "offset": offset}, *records]
    write_private(kept_file(journal), b"".join(map(to_line, lines)))
    for segment in spent_segments(journal, offset):
        remove_file(segment)


def spent_segments(journal: Path, offset: int) -> list[Path]:
    """Segments that hold nothing after byte `offset`, except the one being written."""
    return [segment for start, segment in segments(journal)[:-1] if start + segment.stat().st_size <= offset]


def has_end_record(journal: Path, header: Record) -> bool:
    """True if the last line of a journal is an intact record of its training's end."""
    with contextlib.suppress(OSError):
        for _, segment in segments(journal)[-1:]:
            with open_plain(segment) as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - LAST_BYTES))
                *_, last, rest = (b"", b"", *file.read().split(b"\n"))
            said = from_line(last, has_checksum=has_checksums(header))
            return not rest and said is not None and said.record["kind"] == "end"
    return False


def _writer_lock(journal: Path) -> FileLock | None:
    return acquired(writer_lock(journal))


def _new_segment(journal: Path, start: int) -> BinaryIO:
    return new_file(journal / f"{start:020}.jsonl")


def _copy_of_header(journal: Path) -> Path:
    return journal / "run.json"


def _first_line(path: Path) -> bytes:
    with contextlib.suppress(FileNotFoundError), open_plain(path) as file:
        return file.readline(MOST_HEADER_BYTES)
    return b""

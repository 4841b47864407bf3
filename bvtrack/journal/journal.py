"""The append-only log a run's points are written to before anything else happens to them.

A journal is a folder of its own. Records are JSON, one a line, in segments that are named by the byte at which they begin. A
line counts as written when its newline has reached the operating system, which survives the death of the process. It carries
the byte at which it was written and a checksum, so that what a fault has changed or moved is noticed. Points carry the
timestamp of their measuring, so that MLflow stores a point once however often it is sent. What has been acknowledged is folded
into `kept.jsonl`, so that a journal stays small however long the training. The first record, which says what run this is,
stands in `run.json` once more.

Nothing is removed but files that a journal has, by their exact names, in a folder that has the exact name of one, and what
they hold only once all of it has been acknowledged.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from bvtrack.journal.file_lock import acquired
from bvtrack.journal.private_files import (
    PRIVATE_FOLDER,
    ForeignFileError,
    check_own,
    is_own_folder,
    new_file,
    open_plain,
    read_plain,
    remove_file,
    write_private,
)
from bvtrack.journal.record_line import Record, from_line, intact_records, to_line
from bvtrack.journal.user import user_name

if TYPE_CHECKING:
    from filelock import FileLock

Kind = Literal["run", "model", "measure", "chance", "split", "outputs", "epoch", "test", "past", "trial", "end"]
FORMAT = 2
"""Of the records: from 2 on each has a checksum."""
SEGMENT_BYTES = 1 << 20
"""Of some 4,000 epochs; what lies on disk is at most this, twice, and what is kept of the epochs before."""
CHUNK_BYTES = 1 << 20
"""Read, and sent, at a time: what a backlog takes of memory."""
LAST_BYTES = 1 << 16
"""Of a journal's end, where its last record is looked for: no record of a training's end is longer."""
MOST_HEADER_BYTES = 1 << 24
"""Of a first record, whose names and paths are the user's; what is longer is none."""
BIRTH_SECONDS = 60.0
"""A journal that is older has its first record."""
NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{16}")
SEGMENT = re.compile(r"\d{20}\.jsonl")
_FILE = re.compile(rf"{SEGMENT.pattern}|(kept|run|progress|context)\.tmp|kept\.jsonl|(run|progress|context)\.json|writer|lock")
"""The names of a journal's folder, and of all files that are ever in it."""
HEADER_KEYS = {"timestamp", "run_id", "run_name", "experiment", "experiment_id", "store", "tags", "options"}


def default_journal_dir() -> Path:
    """`BVTRACK_JOURNAL_DIR`, else a folder of the user's own; where the system knows no home of theirs, a passing one."""
    if named := os.environ.get("BVTRACK_JOURNAL_DIR"):
        return absolute(named)
    from platformdirs import user_state_path  # a tenth of the time of `import bvtrack`

    try:
        path = user_state_path("bvtrack", appauthor=False) / "journals"
    except (RuntimeError, KeyError, OSError):
        return passing_journal_dir()
    return passing_journal_dir() if "~" in path.parts[:1] else absolute(path)


def absolute(directory: str | Path) -> Path:
    """A folder by its whole path, which stays the same where the training changes its working directory."""
    try:
        return Path(directory).expanduser().absolute()
    except (RuntimeError, OSError):  # of a user without a home, or in a working directory that is gone
        return passing_journal_dir()


def passing_journal_dir() -> Path:
    """Where journals go that find no room elsewhere: a private folder within the system's, until that is restarted as a rule.

    It has the user's name, unless somebody else has put something there under it.
    """
    import tempfile

    named = Path(tempfile.gettempdir()) / f"bvtrack-{user_name()}"
    with contextlib.suppress(OSError):
        named.parent.mkdir(parents=True, exist_ok=True)
        named.mkdir(PRIVATE_FOLDER, exist_ok=True)
    return named if is_own_folder(named) else Path(tempfile.mkdtemp(prefix="bvtrack-"))


class JournalError(ValueError):
    """A journal that holds something else than records."""


class UnreadableJournalError(JournalError):
    """A journal that the system does not let be read, at the moment."""


@contextlib.contextmanager
def readable() -> Iterator[None]:
    """While a journal is read. Raises `UnreadableJournalError` for what the system says against it."""
    try:
        yield
    except OSError as error:
        raise UnreadableJournalError(f"it cannot be read ({error.strerror or error}), so it is left as it is") from error


class Journal:
    """One run's journal, open for appending by the one process that trains."""

    def __init__(self, directory: Path, *header: Record) -> None:
        """Create a new journal in `directory` that begins with `header`. Raises `OSError` where that is not possible."""
        self.path = directory / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.urandom(8).hex()}"
        self._start = self._end = self._whole = self._size = 0
        self._unwritten = b""
        self._appending = threading.RLock()  # a signal's handler may log while this thread does
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
        except OSError as error:  # named by its directory, so that it is the same trouble each time
            self.__del__()
            if self._is_made:
                _remove_folder(self.path)
            raise OSError(error.errno, error.strerror, str(directory)) from None

    def append(self, *records: Record) -> None:
        """Write records, as a rule in one call to the operating system.

        Raises `OSError` where the disk is full; what it did not take goes before the next records.
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
        """Ask the file how much it has taken: an interrupt may have come behind a call that wrote, and before its answer."""
        size = os.fstat(self._file.fileno()).st_size
        n_written, self._size = size - self._size, size
        if n_written > 0:
            whole = self._unwritten.rfind(b"\n", 0, n_written) + 1
            self._whole = self._end + whole if whole else self._whole
            self._end += n_written
            self._unwritten = self._unwritten[n_written:]

    @property
    def n_unwritten(self) -> int:
        """The records that the disk has not taken whole."""
        return self._unwritten.count(b"\n")

    def close(self) -> None:
        """Close the file. Raises `OSError` where the disk still does not take what was appended; no part of a record stays."""
        with self._file:
            try:
                self.append()
            except OSError:
                os.ftruncate(self._file.fileno(), self._whole - self._start)
                raise
        self._release()

    def __del__(self) -> None:
        """All that was appended is written already."""
        if (file := getattr(self, "_file", None)) is not None:
            file.close()
        self._release()

    def _release(self) -> None:
        """Say that nothing more is written; not from a process that was forked with this journal open."""
        writing = getattr(self, "_writing", None)
        if writing is not None and self._process == os.getpid():
            writing.release()

    def _begin_segment(self) -> None:
        with contextlib.suppress(OSError):  # where there is no room for another file the present one grows on
            file = _new_segment(self.path, self._end)
            self._file.close()
            self._file, self._start, self._size = file, self._end, 0


def record(kind: Kind, **content: Any) -> Record:
    """A record as it stands in the journal; `timestamp` is milliseconds since the epoch."""
    return {"kind": kind, "timestamp": time.time_ns() // 1_000_000, **content}


def read_header(journal: Path) -> Record:
    """The first record, which names the run and its store. Raises `JournalError` where there is none that is whole."""
    with readable():
        copies = [_kept_file(journal), *(path for _, path in segments(journal)[:1]), _copy_of_header(journal)]
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
    return header


def _header_in(line: bytes) -> Record | None:
    said = from_line(line, has_checksum=False)
    if said is not None and has_checksums(said.record):
        said = from_line(line, has_checksum=True)
    return None if said is None else said.record


def has_checksums(header: Record) -> bool:
    """Whether each record of the journal has a checksum: those of version 0.1 have none."""
    return bool(header.get("format", 1) >= FORMAT)


def read_kept(journal: Path) -> tuple[list[Record], int, bool]:
    """What is kept of the acknowledged records, the offset up to which it stands for them, and whether all of it can be read;
    nothing and 0 at first.
    """
    with readable():
        try:
            content = read_plain(_kept_file(journal))
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
    """Keep `records` in the place of all before byte `offset`, and remove the segments that are read no more."""
    lines = [header, {"kind": "kept", "offset": offset}, *records]
    write_private(_kept_file(journal), b"".join(map(to_line, lines)))
    for segment in spent_segments(journal, offset):
        remove_file(segment)


def spent_segments(journal: Path, offset: int) -> list[Path]:
    """The files that hold nothing behind byte `offset`, without the one that is being written to."""
    return [segment for start, segment in segments(journal)[:-1] if start + segment.stat().st_size <= offset]


def has_end_record(journal: Path, header: Record) -> bool:
    """Whether the last thing in a journal says that its training is over."""
    with contextlib.suppress(OSError):
        for _, segment in segments(journal)[-1:]:
            with open_plain(segment) as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - LAST_BYTES))
                *_, last, rest = (b"", b"", *file.read().split(b"\n"))
            said = from_line(last, has_checksum=has_checksums(header))
            return not rest and said is not None and said.record["kind"] == "end"
    return False


def delete_segments(journal: Path) -> None:
    """Remove the records of a journal that has been sent to the end; its progress stays until the training has read it."""
    for _, segment in segments(journal):
        remove_file(segment)
    remove_file(_kept_file(journal))


def delete_folder(journal: Path) -> None:
    """Remove what is left of a journal that has arrived; one that has not stays."""
    if NAME.fullmatch(journal.name) and journal.is_dir() and not journal.is_symlink() and not has_records(journal):
        _remove_folder(journal)


def unsent_journals(directory: Path) -> Sequence[Path]:
    """The folders that hold segments of a journal, oldest first, for their names begin with their time; `directory` may be one
    itself.
    """
    if NAME.fullmatch(directory.name) and has_records(directory):
        return [directory]
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return sorted((one for one in directory.iterdir() if has_records(one)), key=lambda journal: journal.name)
    return []


def sweep(directory: Path) -> None:
    """Remove the journals that hold nothing: those of trainings that were killed before the first record, or after the last.

    A folder is one of ours by its exact name and its owner, and empty where all of its files are ours by name and none holds
    a record.
    """
    for journal in directory.iterdir() if directory.is_dir() else ():
        if NAME.fullmatch(journal.name):
            with contextlib.suppress(OSError, ForeignFileError):  # swept by another, or none of ours
                check_own(journal)
                is_young = time.time() - journal.stat().st_mtime < BIRTH_SECONDS
                files = list(journal.iterdir())
                has_been_sent = any(file.suffix == ".jsonl" for file in files) and (journal / "progress.json").exists()
                if not is_young and not has_been_sent and all(map(_holds_nothing, files)):
                    _remove_folder(journal)


def size_of(journal: Path) -> int:
    """The offset of the journal's end."""
    with contextlib.suppress(FileNotFoundError):  # sent by another process just now
        for start, segment in segments(journal)[-1:]:
            return start + segment.stat().st_size
    return 0


def segments(journal: Path) -> list[tuple[int, Path]]:
    """The segments and the byte at which each begins by its name, in order."""
    files = list(journal.iterdir()) if journal.is_dir() else []  # where glob would find nothing, this says what it cannot read
    return sorted((int(path.stem), path) for path in files if SEGMENT.fullmatch(path.name))


def writer_lock(journal: Path) -> Path:
    """Held by the training as long as it may write."""
    return journal / "writer"


def _writer_lock(journal: Path) -> FileLock | None:
    return acquired(writer_lock(journal))


def _new_segment(journal: Path, start: int) -> BinaryIO:
    return new_file(journal / f"{start:020}.jsonl")


def has_records(folder: Path) -> bool:
    """Whether there are files of a journal's records in a folder; also where it has the name of one and cannot be read."""
    is_named = bool(NAME.fullmatch(folder.name))
    try:
        return (is_named and _kept_file(folder).is_file()) or any(path.is_file() for _, path in segments(folder))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return is_named


def _holds_nothing(file: Path) -> bool:
    """Whether this is a file of a journal's that goes with the records, of which there are none in it."""
    return bool(_FILE.fullmatch(file.name)) and not (file.suffix == ".jsonl" and file.stat().st_size)


def _remove_folder(journal: Path) -> None:
    """Remove the files that a journal has by their names, and then the folder, which fails where there is anything else."""
    with contextlib.suppress(OSError):
        for file in journal.iterdir():
            if _FILE.fullmatch(file.name):
                remove_file(file)
        journal.rmdir()


def _kept_file(journal: Path) -> Path:
    return journal / "kept.jsonl"


def _copy_of_header(journal: Path) -> Path:
    return journal / "run.json"


def _first_line(path: Path) -> bytes:
    with contextlib.suppress(FileNotFoundError), open_plain(path) as file:
        return file.readline(MOST_HEADER_BYTES)
    return b""


EndState = Literal["complete", "interrupted", "failed"]

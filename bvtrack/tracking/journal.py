"""The append-only log a run's points are written to before anything else happens to them.

A journal is a folder of its own. Records are JSON, one a line, in segments that are named by the byte at which they begin. A
line counts as written when its newline has reached the operating system, which survives the death of the process; a torn last
line is ignored by readers. Points carry the timestamp of their measuring, so that MLflow stores a point once however often it
is sent. What has been acknowledged is folded into `kept.jsonl`, so that a journal stays small however long the training.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bvtrack.tracking.environment import user_name

if TYPE_CHECKING:
    from filelock import FileLock

Kind = Literal["run", "model", "measure", "chance", "split", "outputs", "epoch", "test", "past", "trial", "end"]
Record = Mapping[str, Any]
PRIVATE = 0o600
PRIVATE_FOLDER = 0o700
SEGMENT_BYTES = 1 << 20
"""Of some 4,000 epochs; what lies on disk is at most this, twice, and what is kept of the epochs before."""
CHUNK_BYTES = 1 << 20
"""Read, and sent, at a time: what a backlog takes of memory."""
REPLACE_TRIES = 10
BIRTH_SECONDS = 60.0
"""A journal that is older has its first record."""
SHOWN_BYTES = 40
_NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{16}")
_FILE = re.compile(r"\d{20}\.jsonl|kept\.(jsonl|tmp)|(progress|context)\.(json|tmp)|writer|lock")
"""The names of a journal's folder, and of all files that are ever in it."""
HEADER_KEYS = {"timestamp", "run_id", "run_name", "experiment", "experiment_id", "store", "tags", "options"}


def default_journal_dir() -> Path:
    """`BVTRACK_JOURNAL_DIR`, else a folder of the user's own."""
    if named := os.environ.get("BVTRACK_JOURNAL_DIR"):
        return Path(named)
    from platformdirs import user_state_path  # a tenth of the time of `import bvtrack`

    return user_state_path("bvtrack", appauthor=False) / "journals"


def passing_journal_dir() -> Path:
    """Where journals go that find no room elsewhere: until the system is restarted, as a rule, and under the user's name."""
    import tempfile

    return Path(tempfile.gettempdir()) / f"bvtrack-{user_name()}"


class JournalError(ValueError):
    """A journal that holds something else than records."""


class Journal:
    """One run's journal, open for appending by the one process that trains."""

    def __init__(self, directory: Path, *header: Record) -> None:
        """Create a new journal in `directory` that begins with `header`. Raises `OSError` where that is not possible."""
        self.path = directory / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.urandom(8).hex()}"
        self._start = self._end = 0
        self._unwritten = b""
        self._appending = threading.Lock()
        self._writing: FileLock | None = None
        try:
            self.path.mkdir(PRIVATE_FOLDER, parents=True)
            self._writing = _writer_lock(self.path)
            self._file = _new_segment(self.path, 0)
            self._write(*header)
        except OSError as error:  # named by its directory, so that it is the same trouble each time
            self.__del__()
            shutil.rmtree(self.path, ignore_errors=True)
            raise OSError(error.errno, error.strerror, str(directory)) from None

    def append(self, *records: Record) -> None:
        """Write records, as a rule in one call to the operating system.

        Raises `OSError` where the disk is full; what it did not take goes before the next records.
        """
        with self._appending:
            self._write(*records)

    def _write(self, *records: Record) -> None:
        self._unwritten += "".join(f"{_ENCODER.encode(record)}\n" for record in records).encode()
        while self._unwritten:
            n_written = self._file.write(self._unwritten)
            self._end += n_written
            self._unwritten = self._unwritten[n_written:]
        if self._end - self._start >= SEGMENT_BYTES:
            self._begin_segment()

    @property
    def n_unwritten(self) -> int:
        """The records that the disk has not taken whole."""
        return self._unwritten.count(b"\n")

    def close(self) -> None:
        """Close the file. Raises `OSError` where the disk still does not take what was appended."""
        with self._file:
            self.append()
        self._release()

    def __del__(self) -> None:
        """All that was appended is written already."""
        if (file := getattr(self, "_file", None)) is not None:
            file.close()
        self._release()

    def _release(self) -> None:
        """Say that nothing more is written."""
        if self._writing is not None:
            self._writing.release()

    def _begin_segment(self) -> None:
        with contextlib.suppress(OSError):  # where there is no room for another file the present one grows on
            file = _new_segment(self.path, self._end)
            self._file.close()
            self._file, self._start = file, self._end


def record(kind: Kind, **content: Any) -> Record:
    """A record as it stands in the journal; `timestamp` is milliseconds since the epoch."""
    return {"kind": kind, "timestamp": time.time_ns() // 1_000_000, **content}


def read_records(
    journal: Path, offset: int, end: int | None = None, *, chunk_bytes: int = CHUNK_BYTES
) -> tuple[list[Record], int]:
    """The whole records from byte `offset` on, a chunk of them at most, and the offset behind the last one.

    `end` is where to stop before the end of the journal. Raises `JournalError` for a line that is no record.
    """
    for start, segment in _segments(journal):
        offset = max(offset, start)  # what came before has been folded
        if offset < start + segment.stat().st_size and (end is None or offset < end):
            room = chunk_bytes if end is None else min(chunk_bytes, end - offset)
            lines = _whole_lines(segment, offset - start, room)
            return [_record_of(line) for line in lines.splitlines()], offset + len(lines)
    return [], offset


def read_header(journal: Path) -> Record:
    """The first record, which names the run and its store. Raises `JournalError` where there is none."""
    first = next((path for path in [_kept_file(journal), *(path for _, path in _segments(journal))] if path.exists()), None)
    line = _first_line(first) if first else b""
    if not line.endswith(b"\n"):
        raise JournalError("expected the record of a run, got none yet; remove the folder once its training is over")
    header = _record_of(line)
    if header["kind"] != "run":
        raise JournalError(f"expected the record of a run first, got one of kind {header['kind']!r}; remove the folder")
    if missing := ", ".join(sorted(HEADER_KEYS - header.keys())):
        raise JournalError(f"expected a run's {missing} in the first record, got none; remove the folder")
    return header


def read_kept(journal: Path) -> tuple[list[Record], int]:
    """What is kept of the acknowledged records, and the offset up to which it stands for them; nothing and 0 at first."""
    with contextlib.suppress(FileNotFoundError):
        _, mark, *records = (_record_of(line) for line in _kept_file(journal).read_bytes().splitlines())
        return records, int(mark["offset"])
    return [], 0


def fold(journal: Path, header: Record, records: Sequence[Record], offset: int) -> None:
    """Keep `records` in the place of all before byte `offset`, and remove the segments that are read no more."""
    lines = [header, {"kind": "kept", "offset": offset}, *records]
    write_private(_kept_file(journal), "".join(f"{_ENCODER.encode(line)}\n" for line in lines))
    for segment in spent_segments(journal, offset):
        segment.unlink()


def spent_segments(journal: Path, offset: int) -> list[Path]:
    """The files that hold nothing behind byte `offset`, without the one that is being written to."""
    return [segment for start, segment in _segments(journal)[:-1] if start + segment.stat().st_size <= offset]


def is_being_written(journal: Path) -> bool:
    """Whether the training of this journal is still there."""
    try:
        lock = _writer_lock(journal)
    except TimeoutError:
        return True
    if lock is not None:
        lock.release()
    return False


def write_private(path: Path, text: str) -> None:
    """Write a file, that nobody else may read, in one atomic step."""
    draft = path.with_suffix(".tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    for _ in range(REPLACE_TRIES):
        with contextlib.suppress(PermissionError):  # Windows replaces no file that is being read
            draft.replace(path)
            return
        time.sleep(0.01)
    draft.replace(path)


def discard(journal: Path) -> None:
    """Remove a journal that has been sent to the end; its progress stays until the training has read it."""
    for _, segment in _segments(journal):
        segment.unlink(missing_ok=True)
    _kept_file(journal).unlink(missing_ok=True)


def forget(journal: Path) -> None:
    """Remove what is left of a journal that has arrived; one that has not stays."""
    if not _segments(journal):
        shutil.rmtree(journal, ignore_errors=True)


def unsent_journals(directory: Path) -> Sequence[Path]:
    """The journals that still hold something to send, oldest first, for their names begin with their time."""
    return sorted({segment.parent for segment in directory.glob("*/*.jsonl")}, key=lambda journal: journal.name)


def sweep(directory: Path) -> None:
    """Remove the journals that hold nothing: those of trainings that were killed before the first record, or after the last.

    A folder is one of ours by its exact name, and empty where all of its files are ours by name and none holds a record.
    """
    for journal in directory.iterdir() if directory.is_dir() else ():
        if _NAME.fullmatch(journal.name) and journal.is_dir() and not journal.is_symlink():
            with contextlib.suppress(FileNotFoundError):  # swept by another
                is_young = time.time() - journal.stat().st_mtime < BIRTH_SECONDS
                if not is_young and _holds_nothing(journal):
                    _remove_folder(journal)


def _holds_nothing(journal: Path) -> bool:
    """Whether all that is in the folder of a journal is what one without records leaves."""
    files = list(journal.iterdir())
    ours = all(_FILE.fullmatch(file.name) and file.is_file() and not file.is_symlink() for file in files)
    return ours and not any(file.stat().st_size for file in files if file.suffix == ".jsonl")


def _remove_folder(journal: Path) -> None:
    """Remove the files that a journal has by their names, and then the folder, which fails where there is anything else."""
    for file in journal.iterdir():
        if _FILE.fullmatch(file.name):
            file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        journal.rmdir()


def size_of(journal: Path) -> int:
    """The offset of the journal's end."""
    with contextlib.suppress(FileNotFoundError):  # sent by another process just now
        for start, segment in reversed(_segments(journal)):
            return start + segment.stat().st_size
    return 0


def plain(value: Any) -> Any:
    """A NumPy number as one of Python's; anything else that JSON does not know, in words."""
    return value.item() if hasattr(value, "item") else str(value)


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=plain)


def _new_segment(journal: Path, start: int) -> Any:
    path = journal / f"{start:020}.jsonl"
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL, PRIVATE), "ab", buffering=0)


def _segments(journal: Path) -> list[tuple[int, Path]]:
    """The segments and the byte at which each begins, in order."""
    return sorted((int(path.stem), path) for path in journal.glob("*.jsonl") if path.stem.isdigit())


def _writer_lock(journal: Path) -> FileLock | None:
    """Held by the training as long as it may write. Raises `TimeoutError` where it is."""
    from bvtrack.tracking.lock import acquired  # a fifth of the time of `import bvtrack`

    return acquired(journal / "writer")


def _kept_file(journal: Path) -> Path:
    return journal / "kept.jsonl"


def _first_line(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.readline()


def _whole_lines(segment: Path, offset: int, n_bytes: int) -> bytes:
    """The lines from `offset` on, those that begin in its first `n_bytes`."""
    with segment.open("rb") as file:
        file.seek(offset)
        data = file.read(n_bytes)
        if len(data) == n_bytes and not data.endswith(b"\n"):
            data += file.readline()
    return data[: data.rfind(b"\n") + 1]


def _record_of(line: bytes) -> Record:
    with contextlib.suppress(ValueError):
        content = json.loads(line)
        if isinstance(content, dict) and "kind" in content:
            return content
    raise JournalError(
        f"expected a record of a training in each line, got {line[:SHOWN_BYTES]!r}; remove the line or the folder"
    )

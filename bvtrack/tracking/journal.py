"""The append-only file a run's points are written to before anything else happens to them.

One JSON record a line. A line counts as written when its newline has reached the operating system, which survives the death
of the process; a torn last line is ignored by readers. Points carry the timestamp of their measuring, so that MLflow stores
a point once however often it is sent.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["run", "model", "measure", "chance", "split", "epoch", "test", "trial", "end"]
Record = Mapping[str, Any]
PRIVATE = 0o600
SHOWN_BYTES = 40
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def default_journal_dir() -> Path:
    """`BVTRACK_JOURNAL_DIR`, else a folder of the user's own."""
    if named := os.environ.get("BVTRACK_JOURNAL_DIR"):
        return Path(named)
    from platformdirs import user_state_path  # a tenth of the time of `import bvtrack`

    return user_state_path("bvtrack", appauthor=False) / "journals"


class JournalError(ValueError):
    """A journal that holds something else than records."""


class Journal:
    """One run's journal, open for appending by the one process that trains."""

    def __init__(self, directory: Path) -> None:
        """Create a new journal in `directory`. Raises `OSError` where that is not possible."""
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / f"{os.urandom(16).hex()}.jsonl"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL
        try:
            self._file = os.fdopen(os.open(self.path, flags, PRIVATE), "ab", buffering=0)
        except OSError as error:  # named by its folder, so that it is the same trouble each time
            raise OSError(error.errno, error.strerror, str(directory)) from None
        self._unwritten = b""

    def append(self, *records: Record) -> None:
        """Write records, as a rule in one call to the operating system.

        Raises `OSError` where the disk is full; what it did not take goes before the next records.
        """
        lines = [_ENCODER.encode(record) + "\n" for record in records]
        self._unwritten += "".join(lines).encode()
        while self._unwritten:
            self._unwritten = self._unwritten[self._file.write(self._unwritten) :]

    def close(self) -> None:
        """Close the file. Raises `OSError` where the disk still does not take what was appended."""
        with self._file:
            self.append()


def record(kind: Kind, **content: Any) -> Record:
    """A record as it stands in the journal; `timestamp` is milliseconds since the epoch."""
    return {"kind": kind, "timestamp": time.time_ns() // 1_000_000, **content}


def read_records(path: Path, offset: int, end: int | None = None) -> tuple[list[Record], int]:
    """The whole records from byte `offset` to `end` (of the file by default), and the offset behind the last of them.

    Raises `JournalError` for a line that is no record.
    """
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(-1 if end is None else end - offset)
    whole = data[: data.rfind(b"\n") + 1]
    return [_record_of(line) for line in whole.splitlines()], offset + len(whole)


def read_header(path: Path) -> Record:
    """The first record, which names the run and its store. Raises `JournalError` where there is none."""
    with path.open("rb") as file:
        line = file.readline()
    if not line.endswith(b"\n"):
        raise JournalError("expected the record of a run, got none yet; remove the file once its training is over")
    header = _record_of(line)
    if header["kind"] != "run":
        raise JournalError(f"expected the record of a run first, got one of kind {header['kind']!r}; remove the file")
    return header


def _record_of(line: bytes) -> Record:
    with contextlib.suppress(ValueError):
        content = json.loads(line)
        if isinstance(content, dict) and "kind" in content:
            return content
    raise JournalError(f"expected a record of a training in each line, got {line[:SHOWN_BYTES]!r}; remove the line or the file")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a journal has been sent: the acknowledged byte offset, the run it went to, what is wrong at the moment, and
    whether that is a run or an experiment which the store does not have.
    """

    offset: int = 0
    run_id: str | None = None
    problem: str | None = None
    is_run_missing: bool = False

    @classmethod
    def of(cls, journal: Path) -> Progress:
        """The progress noted beside `journal`; none yet where nothing readable is there."""
        with contextlib.suppress(OSError, ValueError, TypeError):
            return cls(**json.loads(_progress_file(journal).read_text()))
        return cls()

    def save(self, journal: Path) -> None:
        """Note this progress in one atomic step."""
        target = _progress_file(journal)
        draft = target.with_suffix(".tmp")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(self), file)
        draft.replace(target)


def discard(journal: Path) -> None:
    """Remove a journal that has been sent to the end; its progress stays until the training has read it."""
    journal.unlink(missing_ok=True)


def forget_progress(journal: Path) -> None:
    """Remove what stands beside a journal that has arrived."""
    _progress_file(journal).unlink(missing_ok=True)


def unsent_journals(directory: Path) -> Sequence[Path]:
    """The journals that still hold something to send, oldest first."""
    return sorted(directory.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)


def _progress_file(journal: Path) -> Path:
    return journal.with_suffix(".progress")

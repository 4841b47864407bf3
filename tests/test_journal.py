from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bvtrack.tracking.journal import (
    Journal,
    JournalError,
    Progress,
    Record,
    default_journal_dir,
    discard,
    forget_progress,
    read_header,
    read_records,
    record,
    unsent_journals,
)

posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has no permission bits")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _written(directory: Path, *records: Record) -> Path:
    journal = Journal(directory)
    journal.append(*records)
    journal.close()
    return journal.path


def test_records_come_back_as_they_were_written(tmp_path: Path) -> None:
    records = [record("epoch", errors={"dev": 0.1}), record("measure", name="a\nb\r\u2028ü")]
    path = _written(tmp_path, *records)

    read, _ = read_records(path, 0)

    assert read == records


def test_each_record_is_a_line_of_json(tmp_path: Path) -> None:
    path = _written(tmp_path, {"kind": "note", "text": "a\nb"}, {"kind": "end"})

    assert path.read_bytes() == b'{"kind":"note","text":"a\\nb"}\n{"kind":"end"}\n'


def test_what_was_appended_is_there_before_the_journal_is_closed(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append({"kind": "end"})

    read, _ = read_records(journal.path, 0)
    journal.close()

    assert read == [{"kind": "end"}]


def test_reading_goes_on_where_it_stopped(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append({"kind": "run"})
    _, offset = read_records(journal.path, 0)
    journal.append({"kind": "end"})
    journal.close()

    read, _ = read_records(journal.path, offset)

    assert read == [{"kind": "end"}]


def test_the_offset_is_that_of_the_end(tmp_path: Path) -> None:
    path = _written(tmp_path, {"kind": "run"}, {"kind": "end"})
    _, first = read_records(path, 0)

    again = read_records(path, first)

    assert again == ([], path.stat().st_size)


@pytest.mark.parametrize("torn", [b"{", b'{"kind":"metrics","val', b'{"kind":"end"}', b"\xc3"])
def test_a_torn_last_line_is_ignored(torn: bytes, tmp_path: Path) -> None:
    path = _written(tmp_path, {"kind": "run"})
    whole = path.stat().st_size
    path.write_bytes(path.read_bytes() + torn)

    read = read_records(path, 0)

    assert read == ([{"kind": "run"}], whole)


def test_a_torn_line_is_read_once_it_is_whole(tmp_path: Path) -> None:
    path = _written(tmp_path, {"kind": "run"})
    path.write_bytes(path.read_bytes() + b'{"kind":')
    _, offset = read_records(path, 0)
    path.write_bytes(path.read_bytes() + b'"end"}\n')

    read, _ = read_records(path, offset)

    assert read == [{"kind": "end"}]


@posix_only
@pytest.mark.parametrize("room", [0, 20])
def test_what_a_full_disk_did_not_take_is_written_once_there_is_room(room: int, tmp_path: Path) -> None:
    import resource

    journal = Journal(tmp_path)
    journal.append({"kind": "run"})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (journal.path.stat().st_size + room, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            journal.append({"kind": "note", "text": "a note that is longer than the room"})
        with pytest.raises(OSError, match="too large"):
            journal.append({"kind": "tags"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    journal.append({"kind": "end"})
    journal.close()
    read, _ = read_records(journal.path, 0)

    assert [found["kind"] for found in read] == ["run", "note", "tags", "end"]


def test_an_empty_journal_holds_no_records(tmp_path: Path) -> None:
    path = _written(tmp_path)

    assert read_records(path, 0) == ([], 0)


def test_a_record_carries_its_kind_and_the_milliseconds_of_its_measuring() -> None:
    before = time.time() * 1000

    made = record("end", status="FINISHED")

    assert made["kind"] == "end"
    assert made["status"] == "FINISHED"
    assert before - 1 <= made["timestamp"] <= time.time() * 1000 + 1


def test_two_journals_of_a_directory_are_two_files(tmp_path: Path) -> None:
    first, second = _written(tmp_path), _written(tmp_path)

    assert first != second


def test_a_missing_directory_is_made(tmp_path: Path) -> None:
    path = _written(tmp_path / "a" / "b")

    assert path.parent == tmp_path / "a" / "b"


def test_a_directory_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OSError, match="file"):
        Journal(tmp_path / "file" / "journals")


@posix_only
def test_a_journal_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = _written(tmp_path)
    finally:
        os.umask(before)

    assert _mode(path) == 0o600


@posix_only
def test_progress_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Progress(1).save(tmp_path / "a.jsonl")
    finally:
        os.umask(before)

    assert _mode(tmp_path / "a.progress") == 0o600


def test_progress_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    progress = Progress(offset=42, run_id="abc", problem="no answer")

    progress.save(tmp_path / "a.jsonl")

    assert Progress.of(tmp_path / "a.jsonl") == progress


def test_later_progress_replaces_the_earlier_and_leaves_no_draft(tmp_path: Path) -> None:
    Progress(1, problem="a problem that is gone by now").save(tmp_path / "a.jsonl")

    Progress(2).save(tmp_path / "a.jsonl")

    assert Progress.of(tmp_path / "a.jsonl") == Progress(2)
    assert [path.name for path in tmp_path.iterdir()] == ["a.progress"]


def test_each_journal_has_its_own_progress(tmp_path: Path) -> None:
    Progress(1).save(tmp_path / "a.jsonl")

    assert Progress.of(tmp_path / "b.jsonl") == Progress()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"null", b'{"unknown": 1}', b"\xff"])
def test_unreadable_progress_begins_anew(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.progress").write_bytes(content)

    assert Progress.of(tmp_path / "a.jsonl") == Progress(offset=0, run_id=None, problem=None)


def test_a_discarded_journal_leaves_its_progress_until_it_is_forgotten(tmp_path: Path) -> None:
    path = _written(tmp_path)
    Progress(1).save(path)

    discard(path)

    assert [left.suffix for left in tmp_path.iterdir()] == [".progress"]


def test_forgotten_progress_leaves_nothing(tmp_path: Path) -> None:
    path = _written(tmp_path)
    Progress(1).save(path)
    discard(path)

    forget_progress(path)

    assert list(tmp_path.iterdir()) == []


def test_what_is_gone_already_can_be_discarded_and_forgotten(tmp_path: Path) -> None:
    discard(tmp_path / "a.jsonl")
    forget_progress(tmp_path / "a.jsonl")

    assert list(tmp_path.iterdir()) == []


def test_unsent_journals_are_listed_oldest_first(tmp_path: Path) -> None:
    for name, age in [("new.jsonl", 10), ("old.jsonl", 30), ("middle.jsonl", 20), ("old.progress", 40)]:
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (1_000_000 - age, 1_000_000 - age))

    assert [path.name for path in unsent_journals(tmp_path)] == ["old.jsonl", "middle.jsonl", "new.jsonl"]


def test_a_directory_that_is_not_there_holds_no_journals(tmp_path: Path) -> None:
    assert list(unsent_journals(tmp_path / "none")) == []


def test_the_environment_names_the_journal_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BVTRACK_JOURNAL_DIR", str(tmp_path))

    assert default_journal_dir() == tmp_path


@pytest.mark.parametrize("value", [None, ""])
def test_by_default_journals_lie_in_a_folder_of_the_users_own(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BVTRACK_JOURNAL_DIR", raising=False)
    if value is not None:
        monkeypatch.setenv("BVTRACK_JOURNAL_DIR", value)

    assert default_journal_dir().parts[-2:] == ("bvtrack", "journals")


@given(texts=st.lists(st.text()))
def test_any_text_survives_the_journal(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    records: list[dict[str, Any]] = [{"kind": "note", "text": text} for text in texts]
    path = _written(tmp_path_factory.mktemp("journals"), *records)

    read, offset = read_records(path, 0)

    assert json.dumps(read) == json.dumps(records)
    assert offset == path.stat().st_size


def test_reading_up_to_an_offset_leaves_out_what_is_behind_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append({"kind": "run"})
    _, offset = read_records(journal.path, 0)
    journal.append({"kind": "end"})
    journal.close()

    assert read_records(journal.path, 0, offset) == ([{"kind": "run"}], offset)
    assert read_records(journal.path, 0, 0) == ([], 0)


@pytest.mark.parametrize("garbage", [b"\x00\xff\n", b"{\n", b"[1]\n", b"{}\n"])
def test_a_line_that_is_no_record_is_said(garbage: bytes, tmp_path: Path) -> None:
    path = _written(tmp_path, {"kind": "run"})
    path.write_bytes(path.read_bytes() + garbage)

    with pytest.raises(JournalError, match="expected a record of a training in each line, got b"):
        read_records(path, 0)


@pytest.mark.parametrize("content", [b"", b'{"kind":"ru', b'{"kind":"run"}'])
def test_a_journal_without_a_whole_first_line_has_no_header(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(content)

    with pytest.raises(JournalError, match="expected the record of a run, got none yet"):
        read_header(tmp_path / "a.jsonl")


def test_a_journal_that_begins_with_something_else_has_no_header(tmp_path: Path) -> None:
    path = _written(tmp_path, {"kind": "epoch"}, {"kind": "run"})

    with pytest.raises(JournalError, match="expected the record of a run first, got one of kind 'epoch'"):
        read_header(path)


def test_the_header_is_the_first_record(tmp_path: Path) -> None:
    path = _written(tmp_path, {"kind": "run", "store": "sqlite:///a.db"}, {"kind": "end"})

    assert read_header(path) == {"kind": "run", "store": "sqlite:///a.db"}

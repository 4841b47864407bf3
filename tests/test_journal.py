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

from bvtrack.tracking import journal as journals
from bvtrack.tracking.journal import (
    Journal,
    JournalError,
    Record,
    default_journal_dir,
    discard,
    fold,
    forget,
    read_header,
    read_kept,
    read_records,
    record,
    size_of,
    unsent_journals,
)
from bvtrack.tracking.progress import Progress

posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has no permission bits")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _segment(journal: Path) -> Path:
    """The only file of a journal."""
    (segment,) = journal.glob("*.jsonl")
    return segment


def _garbled(directory: Path, content: bytes) -> Path:
    """A journal that holds `content`."""
    journal = directory / "20260101T000000Z-a"
    journal.mkdir(parents=True)
    (journal / "00000000000000000000.jsonl").write_bytes(content)
    return journal


HEADER = record("run", run_id=None, run_name=None, experiment=None, experiment_id=None, store="here", tags={}, options={})


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

    assert _segment(path).read_bytes() == b'{"kind":"note","text":"a\\nb"}\n{"kind":"end"}\n'


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

    assert again == ([], size_of(path))


@pytest.mark.parametrize("torn", [b"{", b'{"kind":"metrics","val', b'{"kind":"end"}', b"\xc3"])
def test_a_torn_last_line_is_ignored(torn: bytes, tmp_path: Path) -> None:
    path = _written(tmp_path, {"kind": "run"})
    whole = size_of(path)
    _segment(path).write_bytes(_segment(path).read_bytes() + torn)

    read = read_records(path, 0)

    assert read == ([{"kind": "run"}], whole)


def test_a_torn_line_is_read_once_it_is_whole(tmp_path: Path) -> None:
    path = _written(tmp_path, {"kind": "run"})
    _segment(path).write_bytes(_segment(path).read_bytes() + b'{"kind":')
    _, offset = read_records(path, 0)
    _segment(path).write_bytes(_segment(path).read_bytes() + b'"end"}\n')

    read, _ = read_records(path, offset)

    assert read == [{"kind": "end"}]


@posix_only
@pytest.mark.parametrize("room", [0, 20])
def test_what_a_full_disk_did_not_take_is_written_once_there_is_room(room: int, tmp_path: Path) -> None:
    import resource

    journal = Journal(tmp_path)
    journal.append({"kind": "run"})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_of(journal.path) + room, hard))
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
        fold(path, record("run"), [], 0)
        Progress(1).save(path)
    finally:
        os.umask(before)

    assert {_mode(file) for file in path.iterdir()} == {0o600}
    assert _mode(path) == 0o700


def test_progress_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    progress = Progress(offset=42, run_id="abc", problem="no answer")

    progress.save(tmp_path)

    assert Progress.of(tmp_path) == progress


def test_later_progress_replaces_the_earlier_and_leaves_no_draft(tmp_path: Path) -> None:
    Progress(1, problem="a problem that is gone by now").save(tmp_path)

    Progress(2).save(tmp_path)

    assert Progress.of(tmp_path) == Progress(2)
    assert [path.name for path in tmp_path.iterdir()] == ["progress.json"]


def test_progress_towards_one_store_is_none_towards_another(tmp_path: Path) -> None:
    Progress(5, store="sqlite:////a.db", run_id="abc").save(tmp_path)

    assert Progress.towards(tmp_path, "sqlite:////a.db").offset == 5
    assert Progress.towards(tmp_path, "http://b") == Progress(store="http://b")


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"null", b'{"unknown": 1}', b"\xff"])
def test_unreadable_progress_begins_anew(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "progress.json").write_bytes(content)

    assert Progress.of(tmp_path) == Progress(offset=0, run_id=None, problem=None)


def test_a_discarded_journal_leaves_its_progress_until_it_is_forgotten(tmp_path: Path) -> None:
    path = _written(tmp_path)
    Progress(1).save(path)

    discard(path)

    assert sorted(left.name for left in path.iterdir()) == ["progress.json", "writer"]


def test_forgotten_progress_leaves_nothing(tmp_path: Path) -> None:
    path = _written(tmp_path)
    Progress(1).save(path)
    discard(path)

    forget(path)

    assert list(tmp_path.iterdir()) == []


def test_a_journal_that_holds_something_is_not_forgotten(tmp_path: Path) -> None:
    path = _written(tmp_path, record("run"))

    forget(path)

    assert unsent_journals(tmp_path) == [path]


def test_what_is_gone_already_can_be_discarded_and_forgotten(tmp_path: Path) -> None:
    discard(tmp_path / "a")
    forget(tmp_path / "a")

    assert list(tmp_path.iterdir()) == []


def test_unsent_journals_are_listed_oldest_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    for seconds in (20, 10, 30):
        moment = time.struct_time((2026, 1, 1, 0, 0, seconds, 3, 1, 0))
        monkeypatch.setattr(time, "gmtime", lambda moment=moment: moment)
        written.append(_written(tmp_path))
    (tmp_path / "empty").mkdir()

    assert unsent_journals(tmp_path) == [written[1], written[0], written[2]]


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "SEGMENT_BYTES", 100)


def _read_all(path: Path, chunk_bytes: int) -> list[Record]:
    found: list[Record] = []
    records, offset = read_records(path, 0, chunk_bytes=chunk_bytes)
    while records:
        found += records
        records, offset = read_records(path, offset, chunk_bytes=chunk_bytes)
    assert offset == size_of(path)
    return found


@pytest.mark.parametrize("chunk_bytes", [1, 30, 64, 1000])
def test_a_journal_of_many_segments_is_read_in_chunks_as_it_was_written(
    chunk_bytes: int, tmp_path: Path, small_segments: None
) -> None:
    records = [record("epoch", epoch=epoch) for epoch in range(20)]
    journal = Journal(tmp_path)
    for one in records:
        journal.append(one)
    journal.close()
    path = journal.path

    assert len(list(path.glob("*.jsonl"))) > 5
    assert _read_all(path, chunk_bytes) == records


def test_a_journal_that_is_folded_loses_its_acknowledged_segments_alone(tmp_path: Path, small_segments: None) -> None:
    journal = Journal(tmp_path)
    journal.append(HEADER)
    for epoch in range(20):
        journal.append(record("epoch", epoch=epoch))
    journal.close()
    size = size_of(journal.path)
    records, offset = read_records(journal.path, 0)
    while records[-1].get("epoch", 0) < 9:
        records, offset = read_records(journal.path, offset)
    fold(journal.path, HEADER, [record("model", facts={})], offset)
    kept, start = read_kept(journal.path)

    assert (start, [one["kind"] for one in kept]) == (offset, ["model"])
    assert read_header(journal.path)["store"] == "here"
    assert size_of(journal.path) == size
    assert read_records(journal.path, start)[0][0]["epoch"] == records[-1]["epoch"] + 1
    assert len(list(journal.path.glob("0*.jsonl"))) < 8


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
    assert offset == size_of(path)


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
    _segment(path).write_bytes(_segment(path).read_bytes() + garbage)

    with pytest.raises(JournalError, match="expected a record of a training in each line, got b"):
        read_records(path, 0)


@pytest.mark.parametrize("content", [b"", b'{"kind":"ru', b'{"kind":"run"}'])
def test_a_journal_without_a_whole_first_line_has_no_header(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="expected the record of a run, got none yet"):
        read_header(_garbled(tmp_path, content))


def test_a_journal_that_begins_with_something_else_has_no_header(tmp_path: Path) -> None:
    path = _written(tmp_path, {"kind": "epoch"}, {"kind": "run"})

    with pytest.raises(JournalError, match="expected the record of a run first, got one of kind 'epoch'"):
        read_header(path)


def test_the_header_is_the_first_record(tmp_path: Path) -> None:
    path = _written(tmp_path, HEADER, {"kind": "end"})

    assert read_header(path) == HEADER


def test_a_header_that_lacks_something_is_said(tmp_path: Path) -> None:
    path = _written(tmp_path, HEADER, {"kind": "end"})
    (segment := _segment(path)).write_bytes(segment.read_bytes().replace(b'"store"', b'"shop"'))

    with pytest.raises(JournalError, match="expected a run's store in the first record"):
        read_header(path)

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bvtrack.journal import journal as journals
from bvtrack.journal.folder import delete_folder, delete_segments, size_of, unsent_journals
from bvtrack.journal.journal import Journal, JournalError, compact, read_header, read_kept, record
from bvtrack.journal.journal_dir import default_journal_dir
from bvtrack.journal.reader import JournalReader
from bvtrack.journal.record_line import Record, from_line, to_line
from bvtrack.shipping.progress import Progress

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


HEADER = record(
    "run", run_id=None, run_name=None, experiment=None, experiment_id=None, store="here", tags={}, options={}, format=2
)


def _reader(journal: Path, offset: int = 0) -> JournalReader:
    return JournalReader(journal, offset, header=HEADER)


def read_records(journal: Path, offset: int, end: int | None = None, **options: Any) -> tuple[list[Record], int]:
    """The next records, and the byte behind them."""
    reader = _reader(journal, offset)
    return reader.read(end=end, **options), reader.offset


def _written(directory: Path, *records: Record) -> Path:
    journal = Journal(directory, *records)
    journal.close()
    return journal.path


def test_records_come_back_as_they_were_written(tmp_path: Path) -> None:
    records = [record("epoch", errors={"dev": 0.1}), record("measure", name="a\nb\r\u2028ü")]
    path = _written(tmp_path, *records)

    read, _ = read_records(path, 0)

    assert read == records


def test_each_record_is_a_line_of_json(tmp_path: Path) -> None:
    path = _written(tmp_path, {"kind": "note", "text": "a\nb"}, {"kind": "end"})

    first, second = _segment(path).read_bytes().splitlines()

    assert json.loads(first) == {"kind": "note", "text": "a\nb", "at": 0, "crc": "8e60c8fd"}
    assert json.loads(second) == {"kind": "end", "at": len(first) + 1, "crc": "338e1e52"}


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
    line = to_line({"kind": "end"}, at=size_of(path))
    _segment(path).write_bytes(_segment(path).read_bytes() + line[:9])
    _, offset = read_records(path, 0)
    _segment(path).write_bytes(_segment(path).read_bytes() + line[9:])

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
        compact(path, record("run"), [], 0)
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
    path = _written(tmp_path, HEADER)
    Progress(5, store="sqlite:////a.db", run_id="abc").save(path)

    assert Progress.towards(path, "sqlite:////a.db").offset == 5
    assert Progress.towards(path, "http://b") == Progress(store="http://b")


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"null", b'{"unknown": 1}', b"\xff"])
def test_unreadable_progress_begins_anew(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "progress.json").write_bytes(content)

    assert Progress.of(tmp_path) == Progress(offset=0, run_id=None, problem=None)


def test_a_discarded_journal_leaves_its_progress_until_it_is_forgotten(tmp_path: Path) -> None:
    path = _written(tmp_path, HEADER)
    Progress(1).save(path)

    delete_segments(path)

    assert sorted(left.name for left in path.iterdir()) == ["progress.json", "run.json", "writer"]


def test_forgotten_progress_leaves_nothing(tmp_path: Path) -> None:
    path = _written(tmp_path)
    Progress(1).save(path)
    delete_segments(path)

    delete_folder(path)

    assert list(tmp_path.iterdir()) == []


def test_a_journal_that_holds_something_is_not_forgotten(tmp_path: Path) -> None:
    path = _written(tmp_path, record("run"))

    delete_folder(path)

    assert unsent_journals(tmp_path) == [path]


def test_what_is_gone_already_can_be_discarded_and_forgotten(tmp_path: Path) -> None:
    delete_segments(tmp_path / "a")
    delete_folder(tmp_path / "a")

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
    compact(journal.path, HEADER, [record("model", facts={})], offset)
    kept, start, is_whole = read_kept(journal.path)

    assert (start, [one["kind"] for one in kept], is_whole) == (offset, ["model"], True)
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


@pytest.mark.parametrize("garbage", [b"\x00\xff\n", b"{\n", b"[1]\n", b"{}\n", b'{"kind":"epoch"}\n', b"\r\n"])
def test_a_line_that_is_none_of_ours_is_noted_and_holds_up_nothing_behind_it(garbage: bytes, tmp_path: Path) -> None:
    path = _written(tmp_path, {"kind": "run"})
    end = size_of(path)
    behind = to_line({"kind": "end"}, at=end + len(garbage))
    _segment(path).write_bytes(_segment(path).read_bytes() + garbage + behind)
    reader = _reader(path)

    assert reader.read() == [{"kind": "run"}, {"kind": "end"}]
    assert reader.damage == {end: f"the line at byte {end} is none that was written"}
    assert not reader.ends_in_damage


@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_no_bit_of_a_line_can_change_without_being_noticed(place: int, bit: int) -> None:
    line = bytearray(to_line({"kind": "epoch", "epoch": 7, "errors": {"dev": 0.1875}}, at=1234))
    line[place % (len(line) - 1)] ^= 1 << bit

    assert from_line(bytes(line), has_checksum=True) is None


def test_lines_of_version_0_1_are_read_and_those_that_are_broken_are_noted(tmp_path: Path) -> None:
    lines = [b'{"kind":"run"}\n', b'{"kind":"epo\n', b'{"kind":"end"}\n']
    reader = JournalReader(_garbled(tmp_path, b"".join(lines)), header={"kind": "run"})

    assert reader.read() == [{"kind": "run"}, {"kind": "end"}]
    assert list(reader.damage) == [15]


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
    path = _written(tmp_path, {name: value for name, value in HEADER.items() if name != "store"})

    with pytest.raises(JournalError, match="expected a run's store in the first record"):
        read_header(path)


class Interrupted:
    """A file behind whose every write something happens."""

    def __init__(self, file: Any, then: Callable[[], None]) -> None:
        self.file, self.then = file, then

    def write(self, content: bytes) -> int:
        n_written: int = self.file.write(content)
        self.then()
        return n_written

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def test_an_interrupt_behind_a_write_leaves_the_journal_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path, HEADER)
    whole = journal._file

    def interrupt() -> None:
        raise KeyboardInterrupt

    for epoch in range(3):
        journal._file = Interrupted(whole, interrupt)  # type: ignore[assignment]  # for this one write
        with pytest.raises(KeyboardInterrupt):
            journal.append(record("epoch", epoch=epoch))
    journal._file = whole
    journal.append({"kind": "end"})
    journal.close()
    reader = _reader(journal.path)

    assert [one["kind"] for one in reader.read()] == ["run", "epoch", "epoch", "epoch", "end"]
    assert reader.damage == {}


def test_a_signals_handler_that_logs_amid_a_write_does_not_wait_for_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path, HEADER)
    whole = journal._file

    def handle() -> None:
        journal._file = whole
        journal.append(record("epoch", epoch=1))

    journal._file = Interrupted(whole, handle)  # type: ignore[assignment]  # for this one write
    journal.append(record("epoch", epoch=0))
    journal.append({"kind": "end"})
    journal.close()
    reader = _reader(journal.path)

    assert [one.get("epoch") for one in reader.read()] == [None, 0, 1, None]
    assert reader.damage == {}


@pytest.mark.parametrize("spoilt", ["00000000000000000000.jsonl", "run.json"])
def test_the_header_is_read_from_the_copy_that_is_whole(spoilt: str, tmp_path: Path) -> None:
    path = _written(tmp_path, HEADER, {"kind": "end"})
    (path / spoilt).write_bytes((path / spoilt).read_bytes().replace(b'"here"', b'"hers"'))

    assert read_header(path) == HEADER


def test_a_header_whose_copies_are_all_broken_is_said(tmp_path: Path) -> None:
    path = _written(tmp_path, HEADER)
    for name in ("00000000000000000000.jsonl", "run.json"):
        (path / name).write_bytes((path / name).read_bytes().replace(b'"here"', b'"hers"'))

    with pytest.raises(JournalError, match="expected the record of a run first"):
        read_header(path)


def test_a_header_whose_checksum_has_lost_its_name_is_none_of_version_0_1(tmp_path: Path) -> None:
    path = _written(tmp_path, HEADER)
    for name in ("00000000000000000000.jsonl", "run.json"):
        (path / name).write_bytes((path / name).read_bytes().replace(b'"crc"', b'"crd"').replace(b'"here"', b'"hers"'))

    with pytest.raises(JournalError, match="expected the record of a run first"):
        read_header(path)


def test_progress_that_was_changed_or_goes_beyond_the_end_is_none(tmp_path: Path) -> None:
    path = _written(tmp_path, HEADER)
    Progress(size_of(path) + 1, store="here", run_id="abc").save(path)
    beyond = Progress.towards(path, "here")
    Progress(9, store="here").save(path)
    (path / "progress.json").write_bytes((path / "progress.json").read_bytes().replace(b"9", b"8", 1))

    assert (beyond.offset, beyond.run_id) == (0, "abc")
    assert Progress.towards(path, "here") == Progress(store="here")

"""Whose a run and a journal are: one writer, and nothing of another user's is followed, read or sent."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from servers import wait_until
from written_journals import all_records, as_version_0_1, change_header, written_training

import bvtrack
from bvtrack.cli import main
from bvtrack.journal import writer_process as writer
from bvtrack.journal.folder import unsent_journals
from bvtrack.journal.journal import read_header
from bvtrack.journal.journal_dir import default_journal_dir, passing_journal_dir
from bvtrack.tracking import split_cache

posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has neither forks nor owners")
as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be another user")
NOBODY, SOMEBODY = 65534, 54321


def in_children(n: int, work: Callable[[int], None]) -> None:
    """Do the work in so many forked processes at once."""
    children = []
    for number in range(n):
        if (pid := os.fork()) == 0:
            try:
                work(number)
            finally:
                os._exit(0)
        children.append(pid)
    for pid in children:
        os.waitpid(pid, 0)


def curves(store: str) -> list[list[tuple[int, float]]]:
    client = MlflowClient(store)
    histories = [client.get_metric_history(run.info.run_id, "bvtrack/dev_error") for run in client.search_runs(["0"])]
    return sorted(sorted((point.step, point.value) for point in history) for history in histories)


def log_as(tracker: bvtrack.Tracker, number: int) -> None:
    for epoch in range(3):
        tracker.log_epoch(epoch, train_error=0.01, dev_error=0.1 * (number + 1))
    tracker.close(timeout=0)


def curve_of(number: int) -> list[tuple[int, float]]:
    return [(epoch, round(0.1 * (number + 1), 7)) for epoch in range(3)]


@posix_only
def test_processes_forked_with_one_tracker_have_a_run_each(store: str, send: Callable[[], None], said: list[str]) -> None:
    tracker = bvtrack.Tracker(tracking_uri=store)
    in_children(3, lambda number: log_as(tracker, number))
    send()

    assert curves(store) == [curve_of(number) for number in range(3)]


@posix_only
def test_a_process_that_logs_on_beside_those_it_forked_has_a_run_of_its_own(
    store: str, send: Callable[[], None], said: list[str]
) -> None:
    tracker = bvtrack.Tracker(tracking_uri=store)
    in_children(2, lambda number: log_as(tracker, number))
    log_as(tracker, 2)
    send()

    assert curves(store) == [curve_of(number) for number in range(3)]
    assert ["this one has a run of its own" in message for message in said] == [True]
    said.clear()


@posix_only
def test_one_forked_process_writes_a_run_that_was_there_and_the_others_say_why_they_do_not(
    store: str, send: Callable[[], None], tmp_path: Path, said: list[str]
) -> None:
    run_id = MlflowClient(store).create_run("0").info.run_id
    tracker = bvtrack.Tracker(run_id, tracking_uri=store)

    def log(number: int) -> None:
        log_as(tracker, number)
        (tmp_path / f"said-{number}").write_text("\n".join(said))

    in_children(3, log)
    send()
    words = sorted((tmp_path / f"said-{number}").read_text() for number in range(3))

    assert curves(store) in [[curve_of(number)] for number in range(3)]
    assert [("make a Tracker in each process" in each) for each in words] == [False, True, True]


@posix_only
def test_a_tracker_that_one_forked_process_alone_uses_writes_its_run(store: str, send: Callable[[], None]) -> None:
    run_id = MlflowClient(store).create_run("0").info.run_id
    tracker = bvtrack.Tracker(run_id, tracking_uri=store)
    in_children(1, lambda number: log_as(tracker, number))
    send()

    assert curves(store) == [curve_of(0)]


@posix_only
def test_a_process_forked_amid_a_training_says_that_it_logs_nothing(
    store: str, send: Callable[[], None], tmp_path: Path, said: list[str]
) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_epoch(0, train_error=0.01, dev_error=0.1)

        def log(number: int) -> None:
            tracker.log_epoch(1, train_error=0.01, dev_error=0.9)
            (tmp_path / "said").write_text("\n".join(said))

        in_children(1, log)
    send()

    assert curves(store) == [[(0, 0.1)]]
    assert f"that process {os.getpid()} writes with" in (tmp_path / "said").read_text()


@posix_only
def test_a_daemon_that_has_closed_all_files_logs_and_leaves_those_it_has_opened(
    store: str, send: Callable[[], None], tmp_path: Path
) -> None:
    (tmp_path / "mine").write_text("mine")
    tracker = bvtrack.Tracker(tracking_uri=store)

    def as_a_daemon(number: int) -> None:
        os.closerange(3, 200)
        mine = [os.open(tmp_path / "mine", os.O_RDONLY) for _ in range(20)]
        log_as(tracker, number)
        (tmp_path / "read").write_bytes(b"".join(os.read(descriptor, 4) for descriptor in mine))

    in_children(1, as_a_daemon)
    send()

    assert curves(store) == [curve_of(0)]
    assert (tmp_path / "read").read_bytes() == b"mine" * 20


@posix_only
def test_a_process_that_was_forked_when_no_file_could_be_opened_writes_into_no_run_of_another(
    store: str, send: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_more() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    tracker = bvtrack.Tracker(tracking_uri=store)
    with monkeypatch.context() as patch:
        patch.setattr(os, "pipe", no_more)
        in_children(2, lambda number: log_as(tracker, number))
    send()

    assert curves(store) == [curve_of(0), curve_of(1)]


@posix_only
def test_a_forked_process_that_ends_leaves_its_parents_lock(store: str, journals: Path) -> None:
    tracker = bvtrack.Tracker(tracking_uri=store)
    tracker.log_epoch(0, train_error=0.01, dev_error=0.1)
    if (pid := os.fork()) == 0:
        tracker._logbook._link = None
        os._exit(0)
    os.waitpid(pid, 0)
    (journal,) = unsent_journals(journals)
    held = writer.is_writing(journal / "writer", None, has_ended=False)

    assert held is True
    tracker.close()


@posix_only
def test_a_fork_while_a_thread_logs_leaves_the_forked_process_able_to(store: str, journals: Path, tmp_path: Path) -> None:
    from bvtrack.tracking import record_log as logbook

    tracker = bvtrack.Tracker(tracking_uri=store)

    def log(number: int) -> None:
        log_as(tracker, number)
        (tmp_path / "done").touch()

    with logbook._writing:
        in_children(1, log)

    assert (tmp_path / "done").exists()


@pytest.fixture
def planted(journals: Path) -> Path:
    """A journal in the folder that is synced, as this program writes them."""
    written_training("http://127.0.0.1:9", n_epochs=2)
    (journal,) = unsent_journals(journals)
    return journal


def refused(*options: str) -> str:
    """What `bvtrack sync` says of what it does not send; it sends nothing then."""
    answer = CliRunner().invoke(main, ["sync", "--tracking-uri", "http://127.0.0.1:9", *options])

    assert answer.exit_code == 1
    return answer.output


@as_root
@pytest.mark.parametrize("owned", ["", "00000000000000000000.jsonl", "run.json", "writer"])
def test_a_journal_of_another_user_is_not_sent(owned: str, planted: Path) -> None:
    os.chown(planted / owned, NOBODY, NOBODY)

    assert "belongs to another user (nobody), so nothing of it is read or sent" in refused()
    assert unsent_journals(planted.parent) == [planted]


@posix_only
@pytest.mark.parametrize("open_to_others", ["", "00000000000000000000.jsonl"])
@pytest.mark.parametrize("bit", [stat.S_IWGRP, stat.S_IWOTH])
def test_a_journal_that_others_can_have_changed_is_not_sent(open_to_others: str, bit: int, planted: Path) -> None:
    path = planted / open_to_others
    path.chmod(path.stat().st_mode | bit)

    assert "can have been changed by others (mode " in refused()


@posix_only
@pytest.mark.parametrize("name", ["00000000000000000000.jsonl", "progress.json", "context.json", "run.json", "lock"])
def test_no_link_within_a_journal_is_followed(name: str, planted: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes((planted / name).read_bytes() if (planted / name).exists() else b"")
    (planted / name).unlink(missing_ok=True)
    (planted / name).symlink_to(target)
    before = target.read_bytes(), target.stat().st_mtime_ns

    assert f"{name} is a link or no file" in refused()
    assert (target.read_bytes(), target.stat().st_mtime_ns) == before


@posix_only
def test_no_link_to_a_journal_is_followed(planted: Path, tmp_path: Path) -> None:
    moved = planted.rename(tmp_path / planted.name)
    planted.symlink_to(moved)

    assert "it is a link or no file" in refused()
    assert len(all_records(moved)) == 4


@posix_only
def test_a_pipe_where_a_file_should_be_is_not_waited_for(planted: Path) -> None:
    os.mkfifo(planted / "progress.json")

    assert "progress.json is a link or no file" in refused()


def test_a_copy_that_the_user_made_is_theirs(planted: Path, store: str, tmp_path: Path) -> None:
    copy = tmp_path / "copies" / planted.name
    shutil.copytree(planted, copy)
    answer = CliRunner().invoke(main, ["sync", str(copy.parent), "--tracking-uri", store])

    assert answer.exit_code == 0, answer.output
    assert curves(store) == [[(0, 0.11), (1, 0.11)]]


@pytest.mark.parametrize("trouble", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")])
def test_a_folder_of_anothers_that_cannot_be_read_holds_up_nothing(
    trouble: OSError, store: str, planted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written_training(store, n_epochs=1)
    (own,) = (journal for journal in unsent_journals(planted.parent) if journal != planted)
    real_stat, real_scan = os.stat, os.listdir

    def unreadable(real: Callable[..., object]) -> Callable[..., object]:
        def read(path: object = ".", *rest: object, **options: object) -> object:
            if str(path).startswith(f"{planted}/") or (real is real_scan and str(path) == str(planted)):
                raise trouble
            return real(path, *rest, **options)

        return read

    monkeypatch.setattr(os, "stat", unreadable(real_stat))
    monkeypatch.setattr(os, "listdir", unreadable(real_scan))
    answer = CliRunner().invoke(main, ["sync"])
    dry = CliRunner().invoke(main, ["sync", "--dry-run"])
    monkeypatch.undo()

    assert answer.exit_code == 1
    assert isinstance(answer.exception, SystemExit)
    assert isinstance(dry.exception, SystemExit | None)
    assert f"{own.name}: sent to {store}" in answer.output
    assert curves(store) == [[(0, 0.11)]]


def test_a_folder_of_journals_that_cannot_be_read_is_said(planted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(self: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", unreadable)
    answer = CliRunner().invoke(main, ["sync"])

    assert (answer.exit_code, "cannot be read (Permission denied)" in answer.output) == (1, True)


def test_a_journal_that_lost_its_name_is_said(planted: Path) -> None:
    planted.rename(planted.with_name("copy of a journal"))

    assert "'copy of a journal' is no name of a journal's; give it back the one that it had" in refused()


def test_a_journal_of_another_machine_is_kept_until_the_user_says_that_it_is_over(
    store: str, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = bvtrack.Tracker(tracking_uri=store)
    tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
    del tracker
    (journal,) = unsent_journals(journals)
    there = {**read_header(journal)["writer"], "host": "node17", "boot": "another", "machine": "another"}
    change_header(journal, writer=there)
    answer = CliRunner().invoke(main, ["sync"])

    assert answer.exit_code == 1
    assert "whether its training on node17 goes on cannot be told from here" in answer.output
    assert MlflowClient(store).search_runs(["0"]) == []
    assert CliRunner().invoke(main, ["sync", "--ended"]).exit_code == 0
    assert curves(store) == [[(0, 0.11)]]


def test_a_journal_of_another_machine_that_ends_by_its_own_word_is_sent(store: str, journals: Path) -> None:
    written_training(store, n_epochs=1)
    (journal,) = unsent_journals(journals)
    change_header(journal, writer={"host": "node17", "boot": "b", "machine": "m", "processes": "p", "pid": 1, "started": 1})

    assert CliRunner().invoke(main, ["sync"]).exit_code == 0
    assert curves(store) == [[(0, 0.11)]]


@posix_only
def test_a_training_that_goes_on_is_left_alone_where_there_are_no_locks(
    store: str, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    tracker = bvtrack.Tracker(tracking_uri=store)
    tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
    amid = CliRunner().invoke(main, ["sync"])
    (journal,) = unsent_journals(journals)
    tracker.log_epoch(1, train_error=0.01, dev_error=0.11)
    tracker.close()
    after = CliRunner().invoke(main, ["sync"])

    assert (amid.exit_code, "its training goes on" in amid.output) == (1, True)
    assert (after.exit_code, after.output) == (0, f"{journal.name}: sent to {store}\n")
    assert curves(store) == [[(epoch, 0.11) for epoch in range(2)]]


HERE = {"host": "here", "boot": "b1", "machine": "m1", "processes": "p1", "pid": 7, "started": 70}


@pytest.mark.parametrize(
    ("elsewhere", "has_locks", "expected"),
    [
        ({}, True, None),  # nobody holds the lock, though the process is there: some file systems grant every lock
        ({"pid": os.getpid()}, True, False),  # its own locks a process knows
        ({"started": 60}, True, False),
        ({}, False, True),  # the process is there
        ({"started": 60}, False, False),  # another process has its number by now
        ({"processes": "p2"}, False, None),  # in another container numbers say nothing …
        ({"processes": "p2"}, True, False),  # … but locks do, for the system is the same
        ({"boot": "b0"}, False, False),  # the machine has been started anew since
        ({"boot": "b0", "machine": "m0"}, True, None),  # another machine of the same name
        ({"boot": "b0", "host": "there"}, True, None),
        ({"boot": "b0", "machine": None}, True, None),
        ({"boot": None, "machine": None}, True, None),
    ],
)
def test_a_writer_is_there_gone_or_not_to_be_told(
    elsewhere: dict[str, object], has_locks: bool, expected: bool | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_this_system", lambda: {name: HERE[name] for name in ("host", "boot", "machine", "processes")})
    monkeypatch.setattr(writer, "_started", lambda pid: HERE["started"])
    if not has_locks:
        monkeypatch.setattr(writer, "acquired", lambda path: None)

    assert writer.is_writing(tmp_path / "writer", {**HERE, **elsewhere}, has_ended=False) is expected
    assert not writer.is_writing(tmp_path / "writer", {**HERE, **elsewhere}, has_ended=True)


def test_where_systems_say_nothing_of_themselves_their_names_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = {"host": "mac", "boot": None, "machine": None, "processes": None}
    monkeypatch.setattr(writer, "_this_system", lambda: silent)

    assert writer.is_writing(tmp_path / "writer", {**silent, "pid": 1, "started": None}, has_ended=False) is False
    assert writer.is_writing(tmp_path / "writer", {**silent, "host": "pc", "pid": 1, "started": None}, has_ended=False) is None


def test_a_journal_of_version_0_1_is_sent_where_its_lock_is_free(store: str, journals: Path) -> None:
    written_training(store, n_epochs=2)
    (journal,) = unsent_journals(journals)
    as_version_0_1(journal)

    assert CliRunner().invoke(main, ["sync"]).exit_code == 0
    assert curves(store) == [[(0, 0.11), (1, 0.11)]]


@as_root
def test_a_passing_folder_that_somebody_else_has_made_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    theirs = passing_journal_dir()
    os.chown(theirs, NOBODY, NOBODY)
    ours = passing_journal_dir()

    assert ours != theirs
    assert stat.S_IMODE(ours.stat().st_mode) == 0o700
    assert ours.stat().st_uid == os.geteuid()


@posix_only
def test_a_passing_folder_that_is_a_link_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    expected = passing_journal_dir()
    expected.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    expected.symlink_to(tmp_path / "elsewhere")

    assert passing_journal_dir() != expected


@as_root
def test_what_others_have_found_of_a_split_is_not_believed(tmp_path: Path) -> None:
    folder = tmp_path / "split-verdicts"
    split_cache.store(folder, "0" * 32, {"datasets": [], "verdict": {"tag": "ok"}, "class_counts": {}})
    assert split_cache.load(folder, "0" * 32) is not None
    os.chown(folder, NOBODY, NOBODY)

    assert split_cache.load(folder, "0" * 32) is None


TRAINING = """
import os, sys, time
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
sys.executable = ""  # so that a thread sends, which needs to read no module again
import numpy as np
import bvtrack
import bvtrack.shipping.thread, bvtrack.store.writer

def train():
    tracker = bvtrack.Tracker(tracking_uri="http://127.0.0.1:9")
    tracker.log_split(train=np.zeros((300, 3)), dev=np.ones((100, 3)))
    tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
    progress, deadline = tracker._logbook._link._journal.path / "progress.json", time.monotonic() + 600
    while not progress.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    tracker.close(timeout=0)

train()  # as root, who may read where Python is installed: then all of its modules are there
os.umask(0)
os.setgid({somebody})
os.setuid({somebody})
os.environ["HOME"] = {home!r}
del os.environ["BVTRACK_JOURNAL_DIR"]
train()
os._exit(0)
"""


def modes_under(folder: Path) -> dict[str, str]:
    """Of each file and folder, its rights in digits and whose it is, by the name that the page on security gives it."""
    found = {}
    for path in folder.rglob("*"):
        name = "<journal>/" if path.is_dir() and path.parent.name == "journals" else path.name + "/" * path.is_dir()
        name = "<byte>.jsonl" if path.suffix == ".jsonl" and path.stem.isdigit() else name
        name = "<key>.json" if path.parent.name == "split-verdicts" else name
        found[name] = f"{stat.S_IMODE(path.lstat().st_mode):o}"
        assert path.lstat().st_uid == SOMEBODY, path
    return found


def rights_on_the_page() -> dict[str, str]:
    """The table of files in SECURITY.md, by name."""
    page = (Path(bvtrack.__file__).parent.parent / "SECURITY.md").read_text()
    section = page.split("## What is written where")[1].split("\n## ")[0]
    rows = [line.split("|")[1:-1] for line in section.splitlines() if line.startswith("| `")]
    return {name.strip().strip("`"): rights.strip() for name, rights, *_ in rows}


@as_root
def test_what_a_training_of_another_user_writes_has_the_rights_that_the_page_on_security_says() -> None:
    with tempfile.TemporaryDirectory() as folder:  # which others may enter, as they may not pytest's
        Path(folder).chmod(0o777)
        home = Path(folder) / "home"
        home.mkdir()
        os.chown(home, SOMEBODY, SOMEBODY)
        code = TRAINING.format(somebody=SOMEBODY, home=str(home))
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder)
        state = home / ".local" / "state" / "bvtrack"
        found = modes_under(state)
        as_nobody = f"import os; os.setgid({NOBODY}); os.setuid({NOBODY}); print(os.listdir({str(state / 'journals')!r}))"
        seen = subprocess.run([sys.executable, "-c", as_nobody], capture_output=True, text=True, cwd="/")

    assert ended.returncode == 0, ended.stderr
    page = rights_on_the_page()
    assert found.keys() >= page.keys() - {"kept.jsonl"}
    assert found == {name: page[name] for name in found}
    assert "PermissionError" in seen.stderr


@as_root
def test_credentials_are_not_sent_where_another_users_journal_says(tmp_path: Path, journals: Path) -> None:
    """The journal lies where `sync` is advised to look, and names a server of that user's."""
    import http.server
    import threading

    asked = []

    class Thief(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the base class looks for this name
            asked.append(self.headers.get("Authorization"))
            self.send_error(404)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *args: object) -> None:
            pass

    thief = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Thief)
    threading.Thread(target=thief.serve_forever, args=(0.05,), daemon=True).start()
    written_training(f"http://127.0.0.1:{thief.server_port}", n_epochs=1)
    (journal,) = unsent_journals(journals)
    for path in (journal, *journal.iterdir()):
        os.chown(path, NOBODY, NOBODY)
    os.environ["MLFLOW_TRACKING_TOKEN"] = "s3cr3t"
    answer = CliRunner().invoke(main, ["sync"])
    thief.shutdown()
    thief.server_close()

    assert answer.exit_code == 1
    assert asked == []


def test_journals_made_by_default_lie_in_a_private_folder(tmp_path: Path, journals: Path) -> None:
    before = os.umask(0)
    try:
        written_training("http://127.0.0.1:9", n_epochs=1)
    finally:
        os.umask(before)

    assert os.name != "posix" or stat.S_IMODE(default_journal_dir().stat().st_mode) == 0o700
    wait_until(lambda: unsent_journals(journals))

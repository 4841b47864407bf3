"""What was logged is in the journal whatever can be started, wherever the program stands, whoever runs it."""

from __future__ import annotations

import errno
import os
import shlex
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from servers import wait_until
from written_journals import all_records

import bvtrack
from bvtrack.cli import main
from bvtrack.journal.folder import unsent_journals
from bvtrack.journal.journal_dir import default_journal_dir
from bvtrack.shipping.process import ShipperProcess
from bvtrack.shipping.shipper import send_left_behind
from bvtrack.tracking import outbox as link
from bvtrack.tracking.environment import program_name, sync_command

pytestmark = pytest.mark.usefixtures("whole_sender")

posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has other users")
ROOT = Path(bvtrack.__file__).parent.parent


def epochs_in(journal: Path) -> list[int]:
    return [one["epoch"] for one in all_records(journal) if one["kind"] == "epoch"]


def epochs_of_the_only_run(store: str) -> list[int]:
    client = MlflowClient(store)
    (run,) = client.search_runs(["0"])
    return [point.step for point in client.get_metric_history(run.info.run_id, "bvtrack/dev_error")]


def log(tracker: bvtrack.Tracker, *epochs: int) -> None:
    for epoch in epochs:
        tracker.log_epoch(epoch, train_error=0.01, dev_error=0.11)


@pytest.fixture
def no_process_and_no_thread(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A container whose limit of processes, which counts threads too, is reached."""

    def no_process(*_: Any, **__: Any) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    def no_thread(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(subprocess.Popen, "__init__", no_process)
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    return monkeypatch


def test_where_nothing_can_be_started_the_journal_has_all_and_one_message_says_the_command_that_sends_it(
    no_process_and_no_thread: pytest.MonkeyPatch, store: str, said: list[str]
) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        log(tracker, *range(20))
    (journal,) = unsent_journals(default_journal_dir())
    no_process_and_no_thread.undo()
    (message,) = said
    said.clear()
    command = message.split("`")[1]
    subprocess.run(shlex.split(command), check=True, cwd="/", capture_output=True)

    assert epochs_in(journal) == [] if journal.exists() else True
    assert "no process could be started to send the points (Resource temporarily unavailable)" in message
    assert "no thread either (can't start new thread)" in message
    assert epochs_of_the_only_run(store) == list(range(20))


def test_what_could_not_be_started_is_started_once_it_can(
    no_process_and_no_thread: pytest.MonkeyPatch, store: str, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "RESTART_SECONDS", 0.0)
    monkeypatch.setattr(link, "LOOK_SECONDS", 0.0)
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        log(tracker, 0, 1)
        no_process_and_no_thread.undo()
        log(tracker, 2)

    assert epochs_of_the_only_run(store) == [0, 1, 2]
    assert len(said) == 1
    said.clear()


@pytest.mark.parametrize("is_set_by_environment", [True, False])
def test_a_relative_folder_stays_where_it_was_when_the_program_moves(
    is_set_by_environment: bool, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outputs").mkdir()
    if is_set_by_environment:
        monkeypatch.setenv("BVTRACK_JOURNAL_DIR", "runs")
    options: dict[str, Any] = {} if is_set_by_environment else {"journal_dir": "runs"}
    tracker = bvtrack.Tracker(tracking_uri=store, **options)
    log(tracker, 0)
    monkeypatch.chdir("outputs")
    wait_until(lambda: tracker.run_id)
    log(tracker, 1)
    tracker.close()

    assert epochs_of_the_only_run(store) == [0, 1]
    assert not (tmp_path / "outputs" / "runs").exists()


def test_a_working_directory_that_is_gone_ends_no_training(
    journals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "passing"))
    monkeypatch.chdir("gone")
    (tmp_path / "gone").rmdir()
    with bvtrack.Tracker(tracking_uri="http://127.0.0.1:9", journal_dir="runs") as tracker:
        log(tracker, 0)
    (journal,) = (tmp_path / "passing").glob("*/*")

    assert epochs_in(journal) == [0]


@posix_only
@pytest.mark.parametrize("variables", [{}, {"HOME": ""}, {"HOME": "/nonexistent"}, {"HOME": "~"}])
def test_a_user_without_a_home_or_an_entry_is_tracked(
    variables: dict[str, str], tmp_path: Path, journals: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    import pwd

    def unknown(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "passing"))
    for name in ("HOME", "XDG_STATE_HOME", "BVTRACK_JOURNAL_DIR", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    tracker = bvtrack.Tracker(tracking_uri="http://127.0.0.1:9")
    log(tracker, 0)
    tracker.close(timeout=0)
    link = tracker._logbook._link
    assert link is not None
    journal = link._journal.path

    assert epochs_in(journal) == [0]
    assert journal.is_absolute()
    assert journal.is_relative_to(tmp_path / "passing") or variables.get("HOME") == "/nonexistent"
    said.clear()


@pytest.mark.parametrize("argv", [[], [""], None])
def test_a_program_without_a_name_is_tracked(
    argv: list[str] | None, store: str, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if argv is None:
        monkeypatch.delattr(sys, "argv")
    else:
        monkeypatch.setattr(sys, "argv", argv)
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_split(train=100, dev=50)
        log(tracker, 0)
    monkeypatch.undo()
    (journal,) = unsent_journals(journals)

    assert epochs_in(journal) == [0]


def test_a_program_in_a_file_has_its_path() -> None:
    assert program_name() == sys.argv[0]


BY_PATH_ALONE = """
import sys
sys.path.insert(0, {root!r})
import bvtrack
with bvtrack.Tracker(tracking_uri={store!r}) as tracker:
    for epoch in range(3):
        tracker.log_epoch(epoch, train_error=0.01, dev_error=0.11)
print("done")
"""


def test_what_sends_finds_the_modules_that_the_program_found_by_its_own_path(store: str, tmp_path: Path) -> None:
    """The copy of bvtrack is on nobody's path but this program's; what is installed is hidden from it."""
    import shutil

    shutil.copytree(ROOT / "bvtrack", tmp_path / "libs" / "bvtrack")
    script = tmp_path / "train.py"
    code = BY_PATH_ALONE.format(root=str(tmp_path / "libs"), store=store)
    places = f"print(bvtrack.__file__)\nassert bvtrack.__file__.startswith({str(tmp_path)!r})\n"
    script.write_text(code + places)
    ended = subprocess.run([sys.executable, "-S", "-c", hidden(script)], capture_output=True, text=True)

    assert "done" in ended.stdout, ended.stderr
    assert "a thread sends" not in ended.stderr
    assert epochs_of_the_only_run(store) == [0, 1, 2]


def hidden(script: Path) -> str:
    """Code that runs a script with the installed packages, but without this checkout, on its path."""
    places = [place for place in sys.path if place and Path(place) not in (ROOT, ROOT / "integrations")]
    return f"import sys; sys.path = {places!r}; sys.argv = [{str(script)!r}]; exec(open({str(script)!r}).read())"


def test_the_command_that_sends_works_where_it_is_not_on_the_path(
    store: str, journals: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with bvtrack.Tracker(tracking_uri=store, journal_dir=tmp_path / "some where") as tracker:
        log(tracker, 0)
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    command = sync_command(tmp_path / "some where")
    monkeypatch.undo()
    ended = subprocess.run(shlex.split(command), cwd="/", capture_output=True, text=True)

    assert ended.returncode == 0, ended.stderr
    assert epochs_of_the_only_run(store) == [0]


def test_a_module_of_the_users_own_that_is_called_like_one_of_ours_needs_does_not_stand_in_its_way(
    store: str, tmp_path: Path
) -> None:
    (tmp_path / "filelock.py").write_text("raise RuntimeError('mine')")
    script = tmp_path / "train.py"
    script.write_text(
        "import sys\nhere = sys.path.pop(0)\nimport filelock\nsys.path.insert(0, here)\n"
        f"import bvtrack\nwith bvtrack.Tracker(tracking_uri={store!r}, summary=False) as tracker:\n"
        "    tracker.log_epoch(0, train_error=0.01, dev_error=0.11)\n"
    )
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert epochs_of_the_only_run(store) == [0]


def test_a_store_that_was_set_up_anew_has_the_whole_run_after_sync(
    store: str, empty_store: Path, tmp_path: Path, journals: Path
) -> None:
    from bvtrack.shipping.shipper import Shipper

    tracker = bvtrack.Tracker(tracking_uri=store)
    log(tracker, 0, 1)
    (journal,) = unsent_journals(journals)
    Shipper(journal, store).ship()
    (tmp_path / "mlflow.db").write_bytes(empty_store.read_bytes())
    log(tracker, 2)
    tracker.close()
    answer = CliRunner().invoke(main, ["sync"])

    assert (answer.exit_code, answer.output) == (0, f"{journal.name}: sent to {store}\n")
    assert epochs_of_the_only_run(store) == [0, 1, 2]


def test_a_journal_of_which_all_has_arrived_is_kept_until_its_run_is_seen(
    store: str, empty_store: Path, tmp_path: Path, journals: Path
) -> None:
    """It was acknowledged to the last byte, by a store that has been set up anew since."""
    from bvtrack.shipping.shipper import Shipper

    with bvtrack.Tracker(tracking_uri=store) as tracker:
        log(tracker, 0, 1)
    (journal,) = unsent_journals(journals)
    Shipper(journal, store).ship()
    (tmp_path / "mlflow.db").write_bytes(empty_store.read_bytes())
    answer = CliRunner().invoke(main, ["sync"])

    assert answer.exit_code == 0
    assert epochs_of_the_only_run(store) == [0, 1]


def test_a_store_that_is_set_up_anew_amid_a_training_gets_its_run_from_the_start(
    store: str, empty_store: Path, tmp_path: Path, journals: Path
) -> None:
    from bvtrack.shipping.retrying import ship_until_over
    from bvtrack.shipping.shipper import Shipper

    tracker = bvtrack.Tracker(tracking_uri=store)
    log(tracker, 0, 1)
    (journal,) = unsent_journals(journals)
    sender = Shipper(journal, store)
    sender.ship()
    (tmp_path / "mlflow.db").write_bytes(empty_store.read_bytes())
    log(tracker, 2)
    tracker.close()

    assert ship_until_over(sender, lambda: True)
    assert epochs_of_the_only_run(store) == [0, 1, 2]


@posix_only
def test_a_sender_that_ends_well_without_having_sent_is_no_arrival(
    store: str, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        log(tracker, 0)
    (journal,) = unsent_journals(journals)
    monkeypatch.setattr(sys, "executable", "/bin/true")
    sender = ShipperProcess(journal, store)
    wait_until(lambda: sender.has_ended)

    assert not sender.close(timeout=0)
    assert unsent_journals(journals) == [journal]


def test_a_sync_that_was_killed_amid_removing_a_journal_is_finished_by_the_next(
    store: str, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def remove_and_die(path: Path) -> None:
        path.unlink()
        raise Killed

    monkeypatch.setattr("bvtrack.journal.journal.SEGMENT_BYTES", 1500)
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        log(tracker, *range(12))
    (journal,) = unsent_journals(journals)
    with monkeypatch.context() as patch:
        patch.setattr("bvtrack.journal.folder.remove_file", remove_and_die)
        patch.setattr("bvtrack.shipping.shipper.compact", lambda *_: None)
        with pytest.raises(Killed):
            send_left_behind(journal, store)
    answer = CliRunner().invoke(main, ["sync"])

    assert journal.name in answer.output
    assert answer.exit_code == 0
    assert not journal.exists()
    assert epochs_of_the_only_run(store) == list(range(12))

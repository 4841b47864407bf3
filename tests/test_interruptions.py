"""Every way in which a training ends before its time: its run says so, and no point that was logged is lost."""

from __future__ import annotations

import copy
import errno
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.entities import Run
from servers import PATIENCE_SECONDS, kill_shipper, wait_until

import bvtrack
from bvtrack.cli import main
from bvtrack.journal import journal as journals_module
from bvtrack.journal.folder import unsent_journals
from bvtrack.journal.journal_dir import default_journal_dir
from bvtrack.shipping import shipper
from bvtrack.shipping.failures import FileError
from bvtrack.shipping.process import ShipperProcess
from bvtrack.shipping.shipper import send_left_behind

pytestmark = pytest.mark.usefixtures("whole_sender")

SOAK = bool(os.environ.get("BVTRACK_SOAK"))
N_KILLS = 50 if SOAK else 5
posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")


class Program:
    """A training in a process of its own, that says `ready` once epochs have been logged."""

    def __init__(self, folder: Path, code: str) -> None:
        script = folder / "train.py"
        script.write_text(code)
        self.process = subprocess.Popen(
            [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def wait_for(self, word: str) -> None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.strip() == word, (line, self.process.communicate()[1])

    def end(self) -> tuple[int, str, str]:
        """The exit status, and the rest of what was printed."""
        out, err = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode, out, err


def the_only_run(store: str) -> Run:
    """The run, once all has been sent."""
    wait_until(lambda: not unsent_journals(default_journal_dir()))
    (run,) = MlflowClient(store).search_runs(["0"])
    return run


def steps_of(store: str, run: Run, metric: str = "dev_error") -> list[int]:
    return [point.step for point in MlflowClient(store).get_metric_history(run.info.run_id, f"bvtrack/{metric}")]


LOOP = """
import signal, sys, time
import bvtrack
{before}
tracker = bvtrack.Tracker(tracking_uri={store!r})
for epoch in range({n_epochs}):
    tracker.log_epoch(epoch, train_error=0.01, dev_error=0.11)
print("ready", flush=True)
{after}
"""


def loop(store: str, *, before: str = "", after: str = "time.sleep(3600)", n_epochs: int = 20) -> str:
    return LOOP.format(store=store, before=before, after=after, n_epochs=n_epochs)


@pytest.mark.parametrize(
    ("after", "state", "status"),
    [
        ("raise RuntimeError('CUDA out of memory')", "failed", "FAILED"),
        ("raise KeyboardInterrupt", "interrupted", "KILLED"),
        ("sys.exit(3)", "interrupted", "KILLED"),
        ("del tracker", "interrupted", "KILLED"),
        ("class TrialPruned(Exception): ...\nwith tracker: raise TrialPruned", "pruned", "FINISHED"),
        ("tracker.close()", "complete", "FINISHED"),
    ],
)
def test_the_end_of_a_program_ends_its_run(after: str, state: str, status: str, store: str, tmp_path: Path) -> None:
    Program(tmp_path, loop(store, after=after)).end()
    run = the_only_run(store)

    assert (run.data.tags["bvtrack.state"], run.info.status) == (state, status)
    assert steps_of(store, run) == list(range(20))


@pytest.mark.parametrize("is_down", [False, True])
def test_the_end_of_a_training_imports_nothing(is_down: bool, store: str, tmp_path: Path) -> None:
    """Else Python forgets that it was interrupted, for imports may run code from texts, and exits with another code."""
    after = "tracker.close('interrupted', timeout=1); print(sorted(set(sys.modules) - before))"
    uri = "http://127.0.0.1:9" if is_down else store
    _, out, err = Program(tmp_path, loop(uri, after=f"before = set(sys.modules); {after}")).end()

    assert out.splitlines() == ["ready", "[]"], err


@posix_only
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_ends_a_training_as_it_would_untracked_and_its_run_as_interrupted(
    number: signal.Signals, store: str, tmp_path: Path
) -> None:
    program = Program(tmp_path, loop(store))
    program.wait_for("ready")
    program.process.send_signal(number)
    code, _, _ = program.end()
    run = the_only_run(store)

    assert code == -number
    assert (run.data.tags["bvtrack.state"], run.info.status) == ("interrupted", "KILLED")
    assert steps_of(store, run) == list(range(20))


@posix_only
def test_a_users_own_handler_of_a_signal_is_called(store: str, tmp_path: Path) -> None:
    handler = "def stop(*_):\n    print('saving', flush=True)\n    sys.exit(7)\nsignal.signal(signal.SIGTERM, stop)"
    program = Program(tmp_path, loop(store, before=handler))
    program.wait_for("ready")
    program.process.terminate()
    code, out, _ = program.end()

    assert (code, out) == (7, "saving\n")
    assert the_only_run(store).data.tags["bvtrack.state"] == "interrupted"


@posix_only
def test_a_cluster_that_signals_all_processes_of_a_job_loses_nothing(store: str, tmp_path: Path) -> None:
    reached = "while tracker.run_id is None:\n    time.sleep(0.1)\n"
    shipper = f"{reached}print(tracker._logbook._link._shipper._process.pid, flush=True)\ntime.sleep(3600)"
    program = Program(tmp_path, loop(store, after=shipper))
    program.wait_for("ready")
    assert program.process.stdout is not None
    pid = int(program.process.stdout.readline())
    os.killpg(pid, signal.SIGTERM)
    program.process.terminate()
    program.end()
    run = the_only_run(store)

    assert run.data.tags["bvtrack.state"] == "interrupted"
    assert steps_of(store, run) == list(range(20))


KILLED = """
import json, os, sys, time
from pathlib import Path
import bvtrack
checkpoint = Path("checkpoint.json")
state = json.loads(checkpoint.read_text()) if checkpoint.exists() else None
first = 1 + state["epoch"] if state else 0
tracker = bvtrack.Tracker(tracking_uri={store!r}, resume=state and state["tracker"])
acknowledged = os.open("acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
for epoch in range(first, {n_epochs}):
    tracker.log_epoch(epoch, train_error=0.5 / (epoch + 1), dev_error=0.6 / (epoch + 1))
    os.write(acknowledged, b"%d\\n" % epoch)
    if epoch % 3 == 0:
        Path("draft").write_text(json.dumps({{"epoch": epoch, "tracker": tracker.state()}}))
        os.replace("draft", checkpoint)
    time.sleep(0.02)
tracker.close()
"""


def numbers_in(file: Path) -> set[int]:
    """Those of whole lines."""
    return {int(line) for line in file.read_text().split("\n")[:-1]} if file.exists() else set()


@posix_only
def test_a_training_that_is_killed_again_and_again_is_one_run_with_each_epoch_once(store: str, tmp_path: Path) -> None:
    chance = random.Random(0)
    code = KILLED.format(store=store, n_epochs=40 * (N_KILLS + 1))
    acknowledged: set[int] = set()
    for _ in range(N_KILLS):
        goal = len(acknowledged) + chance.randrange(40)
        program = Program(tmp_path, code)
        wait_until(lambda goal=goal: len(numbers_in(tmp_path / "acknowledged")) >= goal)  # type: ignore[misc]  # typed as bare
        program.process.kill()
        program.end()
        acknowledged = numbers_in(tmp_path / "acknowledged")
    code_of_the_last, _, trouble = Program(tmp_path, code).end()
    run = the_only_run(store)
    points = MlflowClient(store).get_metric_history(run.info.run_id, "bvtrack/dev_error")

    assert code_of_the_last == 0, trouble
    assert acknowledged <= {point.step for point in points}
    assert [point.step for point in points] == list(range(40 * (N_KILLS + 1)))
    assert [point.value for point in points] == [round(0.6 / (step + 1), 8) for step in range(len(points))]
    assert (run.data.tags["bvtrack.state"], run.info.status) == ("complete", "FINISHED")


def _epochs(tracker: bvtrack.Tracker, *epochs: int, error: float = 0.1) -> None:
    for epoch in epochs:
        tracker.log_epoch(epoch, train_error=0.01, dev_error=0.01 + error / (epoch + 1))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_journals_of_an_interrupted_and_a_resumed_training_make_one_run_in_any_order(
    order: tuple[int, int], store: str, journals: Path
) -> None:
    first = bvtrack.Tracker(tracking_uri=store, run_name="cut")
    _epochs(first, 0, 1)
    state = json.loads(json.dumps(first.state()))
    _epochs(first, 2)
    del first
    time.sleep(0.05)
    with bvtrack.Tracker(tracking_uri=store, run_name="cut", resume=state) as second:
        _epochs(second, 2, 3)
    apart = [_moved(journal, journals.parent / f"machine-{number}") for number, journal in enumerate(unsent_journals(journals))]
    for number in order:
        send_left_behind(apart[number], store)
    (run,) = MlflowClient(store).search_runs(["0"])

    assert steps_of(store, run) == [0, 1, 2, 3]
    assert (run.data.tags["bvtrack.state"], run.info.status) == ("complete", "FINISHED")
    assert run.data.tags["bvtrack.epoch"] == "3"


def _moved(journal: Path, folder: Path) -> Path:
    folder.mkdir()
    return journal.rename(folder / journal.name)


def test_an_epoch_that_a_resumed_training_repeats_with_another_result_shows_that_one(store: str, journals: Path) -> None:
    from bvtrack.shipping.sync import pending_journals, send

    first = bvtrack.Tracker(tracking_uri=store)
    _epochs(first, 0)
    state = first.state()
    _epochs(first, 1)
    del first
    time.sleep(0.05)
    with bvtrack.Tracker(tracking_uri=store, resume=state) as second:
        _epochs(second, 1, error=0.3)
    for pending in pending_journals(journals, None):
        assert send(pending, lambda offset: None).problem is None
    (run,) = MlflowClient(store).search_runs(["0"])

    assert run.data.metrics["bvtrack/dev_error"] == 0.16
    assert run.data.tags["bvtrack.epoch"] == "0"


def test_a_clock_that_is_put_back_leaves_the_newest_point_the_newest(
    store: str, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bvtrack.shipping.sync import pending_journals, send

    now = time.time_ns()
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        _epochs(tracker, 0, 1)
        tracker.log_test(0.5, epoch=1)
        monkeypatch.setattr(time, "time_ns", lambda: now - 3600 * 10**9)
        tracker.log_test(0.2, epoch=1)
        _epochs(tracker, 2)
    (pending,) = pending_journals(journals, None)
    assert send(pending, lambda offset: None).problem is None
    (run,) = MlflowClient(store).search_runs(["0"])

    assert run.data.metrics["bvtrack/test_error"] == 0.2
    assert steps_of(store, run) == [0, 1, 2]
    assert run.info.end_time >= run.info.start_time


def test_a_journal_directory_that_takes_no_files_is_said_and_another_takes_them(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "passing"))
    (tmp_path / "file").write_text("")
    with bvtrack.Tracker(tracking_uri=store, journal_dir=tmp_path / "file") as tracker:
        _epochs(tracker, 0, 1)
    (run,) = MlflowClient(store).search_runs(["0"])

    assert steps_of(store, run) == [0, 1]
    assert len(said) == 1
    assert "takes no files" in said[0]
    assert str(tmp_path / "passing") in said[0]
    said.clear()


FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
import bvtrack
tracker = bvtrack.Tracker(tracking_uri={store!r})
for epoch in range(30):
    if epoch == 10:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
    if epoch == 20 and {has_room}:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    tracker.log_epoch(epoch, train_error=0.01, dev_error=0.11)
tracker.close()
"""


@posix_only
@pytest.mark.parametrize("has_room", [True, False])
def test_a_full_disk_is_said_once_and_what_it_did_not_take_is_written_once_there_is_room(
    has_room: bool, store: str, tmp_path: Path
) -> None:
    code, _, err = Program(tmp_path, FULL.format(store=store, has_room=has_room)).end()
    run = the_only_run(store)
    n_there = len(steps_of(store, run))

    assert code == 0
    assert err.count("takes no more (File too large); the points wait in memory until it does") == 1
    if has_room:
        assert steps_of(store, run) == list(range(30))
        assert run.info.status == "FINISHED"
    else:
        assert f"the last {30 - n_there + 1} records are lost" in err
        assert run.data.tags["bvtrack.state"] == "interrupted"


@posix_only
@pytest.mark.parametrize(
    "trouble", [OSError(errno.ENOLCK, "No locks available"), OSError(errno.ENOSYS, "no"), NotImplementedError()]
)
def test_a_file_system_without_locks_is_tracked_on_too(
    trouble: Exception, store: str, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    def refuse(*_: Any) -> None:
        raise trouble

    monkeypatch.setattr(fcntl, "flock", refuse)
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        _epochs(tracker, 0)
    (journal,) = unsent_journals(journals)
    send_left_behind(journal, store)
    (run,) = MlflowClient(store).search_runs(["0"])

    assert (run.info.status, steps_of(store, run)) == ("FINISHED", [0])


@posix_only
def test_a_forked_process_writes_nothing_and_ends_nothing(store: str) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        _epochs(tracker, 0)
        child = os.fork()
        if not child:
            _epochs(tracker, 1)
            tracker.close()
            os._exit(0)
        os.waitpid(child, 0)
        _epochs(tracker, 2)
    (run,) = MlflowClient(store).search_runs(["0"])

    assert steps_of(store, run) == [0, 2]
    assert run.info.status == "FINISHED"


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda tracker: pickle.loads(pickle.dumps(tracker))])
def test_a_copy_of_a_tracker_writes_nothing_and_says_so(copied: Any, store: str, said: list[str]) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        _epochs(tracker, 0)
        with copied(tracker) as other:
            _epochs(other, 1, 2)
    (run,) = MlflowClient(store).search_runs(["0"])

    assert steps_of(store, run) == [0]
    assert ["the Tracker is a copy of another; a run has one writer" in message for message in said] == [True]
    said.clear()


def test_a_cell_that_is_run_again_ends_the_run_of_the_first_time(store: str) -> None:
    tracker = bvtrack.Tracker(tracking_uri=store, run_name="first")
    _epochs(tracker, 0)
    tracker = bvtrack.Tracker(tracking_uri=store, run_name="second")
    _epochs(tracker, 0, 1)
    tracker.close()
    wait_until(lambda: not unsent_journals(default_journal_dir()))
    runs = {run.info.run_name: run for run in MlflowClient(store).search_runs(["0"])}

    assert {name: run.info.status for name, run in runs.items()} == {"first": "KILLED", "second": "FINISHED"}


@posix_only
@pytest.mark.parametrize("executable", ["no-python", "", "/bin/false"])
def test_where_no_process_can_send_a_thread_does(
    executable: str, store: str, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        for epoch in range(20):
            _epochs(tracker, epoch)
            time.sleep(0.1)
    (run,) = MlflowClient(store).search_runs(["0"])

    assert steps_of(store, run) == list(range(20))
    assert run.info.status == "FINISHED"
    assert ["a thread sends them, a little at a time" in message for message in said] == [True]
    said.clear()


def test_a_sender_that_is_killed_amid_the_training_is_replaced(store: str, said: list[str]) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        _epochs(tracker, 0)
        wait_until(lambda: tracker.run_id)
        kill_shipper(tracker)
        for epoch in range(1, 25):
            _epochs(tracker, epoch)
            time.sleep(0.1)
    (run,) = MlflowClient(store).search_runs(["0"])

    assert steps_of(store, run) == list(range(25))
    assert run.info.status == "FINISHED"
    assert ["the process that sends the points has ended" in message for message in said] == [True]
    said.clear()


def test_a_long_training_leaves_a_small_journal_and_the_same_verdict(
    store: str, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals_module, "SEGMENT_BYTES", 20_000)
    tracker = bvtrack.Tracker(tracking_uri=store)
    tracker.log_split(train=4000, dev=1000)
    largest = 0
    for epoch in range(0, 3000, 100):
        _epochs(tracker, *range(epoch, epoch + 100))
        (path,) = unsent_journals(journals)
        sender = shipper.Shipper(path, store)  # a new one each time, which begins with what was kept
        while not sender.ship():
            pass
        largest = max(largest, sum(file.stat().st_size for file in path.iterdir()))
    tracker.close()
    send_left_behind(path, store)
    (run,) = MlflowClient(store).search_runs(["0"])

    assert largest < 3000 * 200 / 2
    assert steps_of(store, run) == list(range(3000))
    assert (run.data.tags["bvtrack.epoch"], run.info.status) == ("2999", "FINISHED")
    assert run.data.tags["bvtrack.split"] == "ok"


def test_sync_leaves_a_training_alone_that_goes_on(store: str, said: list[str]) -> None:
    tracker = bvtrack.Tracker(tracking_uri=store)
    _epochs(tracker, 0)
    wait_until(lambda: tracker.run_id)
    kill_shipper(tracker)
    answer = CliRunner().invoke(main, ["sync"])
    _epochs(tracker, 1, 2)
    tracker.close()
    run = the_only_run(store)

    assert (answer.exit_code, "its training goes on" in answer.output) == (1, True)
    assert steps_of(store, run) == [0, 1, 2]
    assert run.info.status == "FINISHED"
    said.clear()


def test_a_late_journal_of_many_parts_leaves_the_tags_of_the_later_training(store: str, journals: Path) -> None:
    first = bvtrack.Tracker(tracking_uri=store)
    _epochs(first, 0, 1)
    state = first.state()
    _epochs(first, 2, 3)
    del first
    time.sleep(0.05)
    with bvtrack.Tracker(tracking_uri=store, resume=state) as second:
        _epochs(second, 2, 3, 4, error=0.3)
    early, late = (
        _moved(journal, journals.parent / f"machine-{number}") for number, journal in enumerate(unsent_journals(journals))
    )
    send_left_behind(late, store)
    sender = shipper.Shipper(early, store, chunk_bytes=1)  # a record at a time
    while not sender.ship(is_over=True):
        pass
    (run,) = MlflowClient(store).search_runs(["0"])

    assert (run.data.tags["bvtrack.state"], run.info.status) == ("complete", "FINISHED")
    assert len(steps_of(store, run)) == 7


@pytest.mark.parametrize(
    "spoilt",
    [
        {"epoch": 2**63},
        {"epoch": 1, "intervals": {"dev": (float("nan"), 0.2)}},
        {"epoch": 1, "n_dev": 10**400},
        {"epoch": 1, "intervals": {"dev": (0.1, "much")}},
    ],
)
def test_a_value_that_no_store_takes_holds_up_nothing_behind_it(spoilt: Any, store: str, said: list[str]) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        _epochs(tracker, 0)
        tracker.log_epoch(**spoilt, train_error=0.01, dev_error=0.11)
        _epochs(tracker, 2)
        assert tracker.diagnosis is not None
    run = the_only_run(store)

    assert {0, 2} <= set(steps_of(store, run))
    assert run.info.status == "FINISHED"
    said.clear()


def test_a_name_that_is_too_long_for_a_database_is_cut_with_a_mark(store: str) -> None:
    with bvtrack.Tracker(tracking_uri=store, run_name="r" * 300, experiment="e" * 600 + "\ud800") as tracker:
        _epochs(tracker, 0)
    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("e" * 248 + " …")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])

    assert run.info.run_name == "r" * 248 + " …"


def test_a_resumed_training_does_not_wait_for_one_that_is_still_open(store: str, journals: Path) -> None:
    first = bvtrack.Tracker(tracking_uri=store)
    _epochs(first, 0)
    with bvtrack.Tracker(tracking_uri=store, resume=first.state()) as second:
        _epochs(second, 1)
    late = unsent_journals(journals)[-1]
    sender = shipper.Shipper(late, store)
    while not sender.ship():
        pass
    (run,) = MlflowClient(store).search_runs(["0"])
    first.close()

    assert steps_of(store, run) == [0, 1]


def test_files_that_could_not_be_written_are_written_by_the_next_sender(store: str, journals: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    client = MlflowClient(store)
    experiment = client.create_experiment("mended", artifact_location=f"file://{tmp_path}/file/artifacts")
    tracker = bvtrack.Tracker(tracking_uri=store, experiment="mended")
    _epochs(tracker, 0)
    del tracker
    (journal,) = unsent_journals(journals)
    with pytest.raises(FileError):
        send_left_behind(journal, store)
    (tmp_path / "file").unlink()
    send_left_behind(journal, store)
    (run,) = client.search_runs([experiment])

    assert [file.path for file in client.list_artifacts(run.info.run_id, "bvtrack")] == ["bvtrack/diagnosis.json"]
    assert run.info.status == "KILLED"


def test_threads_of_one_training_may_log_at_once(store: str, journals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals_module, "SEGMENT_BYTES", 5_000)
    with bvtrack.Tracker(tracking_uri=store) as tracker, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda epoch: _epochs(tracker, epoch), range(500)))
    (journal,) = unsent_journals(journals)
    send_left_behind(journal, store)
    (run,) = MlflowClient(store).search_runs(["0"])

    assert sorted(steps_of(store, run)) == list(range(500))


KILLS_ITS_CHILDREN = """
import contextlib, os, signal
from pathlib import Path

def children_of(process):
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == process:
                yield int(stat.parent.name)

children = list(children_of(os.getpid()))
until = time.monotonic() + 600
while time.monotonic() < until and not all(any(children_of(child)) for child in children):
    time.sleep(0.01)
for child in children:
    os.kill(child, signal.SIGKILL)
assert children
os._exit(1)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="its children are looked up in Linux's /proc")
def test_a_training_whose_children_are_killed_with_it_reaches_its_store(store: str, tmp_path: Path) -> None:
    """As Ray does at the end of a worker."""
    Program(tmp_path, loop(store, after=KILLS_ITS_CHILDREN)).end()
    run = the_only_run(store)

    assert (run.data.tags["bvtrack.state"], run.info.status) == ("interrupted", "KILLED")
    assert steps_of(store, run) == list(range(20))


@posix_only
def test_senders_that_have_ended_leave_no_zombies(store: str) -> None:
    first = bvtrack.Tracker(tracking_uri=store)
    _epochs(first, 0)
    first.close()
    link = first._logbook._link
    assert link is not None
    assert isinstance(link._shipper, ShipperProcess)
    sender = link._shipper._process.pid
    os.killpg(sender, signal.SIGKILL)
    os.waitid(os.P_PID, sender, os.WEXITED | os.WNOWAIT)  # it has ended, and is not reaped yet
    with bvtrack.Tracker(tracking_uri=store) as second:
        _epochs(second, 0)

    with pytest.raises(ChildProcessError):
        os.waitpid(sender, os.WNOHANG)


def test_a_keras_fit_that_was_stopped_is_interrupted_by_the_next(tmp_path: Path, store: str) -> None:
    code = KERAS.format(store=store, epoch=1, end="raise KeyboardInterrupt").replace('backup_dir="backup"', "")
    fit = next(line for line in code.splitlines() if line.startswith("model.fit"))
    again = f"try:\n    {fit}\nexcept KeyboardInterrupt as error:\n    sys.last_value = error\ncallbacks.pop()\n{fit}\n"
    Program(tmp_path, code.replace(fit, again)).end()
    wait_until(lambda: not unsent_journals(default_journal_dir()))

    assert sorted(run.info.status for run in MlflowClient(store).search_runs(["0"])) == ["FINISHED", "KILLED"]


LIGHTNING = """
import os, signal, sys, time
import lightning.pytorch as lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from bvtrack_lightning import BiasVarianceCallback

class Net(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 2)
    def training_step(self, batch, index):
        if (self.trainer.current_epoch, index) == (int(sys.argv[1]), 3):
            os.kill(os.getpid(), int(sys.argv[2]))
            time.sleep(0.5)
        return nn.functional.cross_entropy(self.layer(batch[0]), batch[1])
    def validation_step(self, batch, index):
        self.log("val_acc", (self.layer(batch[0]).argmax(1) == batch[1]).float().mean())
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)

x = torch.randn(400, 8, generator=torch.Generator().manual_seed(0))
data = TensorDataset(x, (x[:, 0] > 0).long())
callbacks = [BiasVarianceCallback(tracking_uri={store!r}), ModelCheckpoint("checkpoints", save_last=True, {when})]
quiet = dict(logger=False, enable_progress_bar=False, enable_model_summary=False, accelerator="cpu")
last = "checkpoints/last.ckpt"
trainer = lightning.Trainer(max_epochs=9, callbacks=callbacks, **quiet)
trainer.fit(Net(), DataLoader(data, 20), DataLoader(data, 100), ckpt_path=last if os.path.exists(last) else None)
"""


@posix_only
@pytest.mark.parametrize(
    ("when", "ends"),
    [
        ("", [(3, signal.SIGKILL), (6, signal.SIGTERM), (-1, 0)]),
        ("save_on_train_epoch_end=False", [(3, signal.SIGKILL), (-1, 0)]),
    ],
)
def test_a_lightning_training_that_is_killed_or_terminated_goes_on_from_its_checkpoint_in_its_run(
    when: str, ends: list[tuple[int, int]], store: str, tmp_path: Path
) -> None:
    script = tmp_path / "train.py"
    script.write_text(LIGHTNING.format(store=store, when=when))
    for epoch, number in ends:
        ended = subprocess.run([sys.executable, script, str(epoch), str(int(number))], capture_output=True, text=True)
        run = the_only_run(store)
        assert steps_of(store, run) == list(range(epoch if number else 9))
        state = ("interrupted", "KILLED") if number else ("complete", "FINISHED")
        assert (run.data.tags["bvtrack.state"], run.info.status) == state

    assert ended.returncode == 0, ended.stderr


KERAS = """
import os, signal, sys
import keras, numpy
from bvtrack_keras import BiasVarianceCallback

class Ending(keras.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == ({epoch}, 3):
            {end}
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

x = numpy.random.default_rng(0).normal(size=(400, 8))
y = (x[:, 0] > 0).astype(int)
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.layers.Input((8,)), keras.layers.Dense(2, activation="softmax")])
model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
callback = BiasVarianceCallback(tracking_uri={store!r}, train_data=(x, y), backup_dir="backup")
callbacks = [callback, keras.callbacks.BackupAndRestore("backup"), Ending()]
model.fit(x, y, batch_size=40, epochs=6, validation_data=(x, y), callbacks=callbacks, verbose=0)
"""


def test_a_keras_training_that_ends_before_its_time_goes_on_from_its_backup_in_its_run(store: str, tmp_path: Path) -> None:
    states = []
    for epoch, end in [(2, "raise RuntimeError('out of memory')"), (4, "os.kill(os.getpid(), signal.SIGTERM)"), (-1, "pass")]:
        code, _, trouble = Program(tmp_path, KERAS.format(store=store, epoch=epoch, end=end)).end()
        run = the_only_run(store)
        states.append((run.data.tags["bvtrack.state"], run.info.status))

    assert code == 0, trouble
    assert states == [("failed", "FAILED"), ("interrupted", "KILLED"), ("complete", "FINISHED")]
    assert steps_of(store, run) == list(range(6))
    assert not (tmp_path / "backup" / "bvtrack.json").exists()

"""A model of a journal's life under every fault: what was logged is on the server or on disk, and nothing of others is touched.

`make soak` takes 200,000 steps; what is printed at its end, and with a failure, repeats it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import random
import resource
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import memory_store
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from memory_store import MemoryClient, MemoryStore, has_the_parameters_of_the_real_one
from written_journals import has_header, is_whole, whole_records

import bvtrack
from bvtrack.cli import main
from bvtrack.journal import folder as folder_of_journals
from bvtrack.log import logger
from bvtrack.schema.tags import FIRST
from bvtrack.shipping import shipper, sync
from bvtrack.store import writer as mlflow_writer

SOAK = bool(os.environ.get("BVTRACK_SOAK"))
N_STEPS = 50
N_LIVES = 4000 if SOAK else 100
SEED = int(os.environ.get("BVTRACK_SEED") or (random.randrange(2**32) if SOAK else 0))
OF_THE_CHILD = 0.987654
URI = "http://127.0.0.1:9"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has neither forks nor limits")


Epoch = tuple[int, float]


@dataclass
class Training:
    """What was logged: the epochs with their dev errors, of which each is another one; `waiting` for room on the disk."""

    tracker: bvtrack.Tracker | None
    training_id: str
    logged: set[Epoch] = field(default_factory=set)
    waiting: set[Epoch] = field(default_factory=set)
    journal: Path | None = None
    is_closed: bool = False
    has_lost_its_end: bool = False
    is_spoilt: bool = False
    is_broken: bool = False
    is_swapped: bool = False


OTHERS = {
    "my-thesis/chapter1.tex": b"precious",
    "lightning-logs/version_0/last.ckpt": b"weights",
    "20260101T000000Z-0011223344556677/notes.txt": b"a name like ours",
    "20260101T000000Z-0011223344556677/progress.json.bak": b"{}",
    "data/00000000000000000000.csv": b"1,2",
    "kept/kept.jsonl": b'{"kind":"run"}\n',
    "00000000000000000000.jsonl": b'{"kind":"end"}\n',
    "writer": b"not a lock",
}


class JournalLife(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp(prefix="journal-life-"))
        self.folder = self.base / "journals"
        for name, content in OTHERS.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(content)
        (self.folder / "20260101T000000Z-8899aabbccddeeff").symlink_to(self.folder / "my-thesis")
        (self.base / "elsewhere").mkdir()
        os.chdir(self.base)
        memory_store.STORE = MemoryStore()
        self.trainings: list[Training] = []
        self.n_logged = 0
        self.once_logged = {OF_THE_CHILD}
        self.has_locks = True

    def teardown(self) -> None:
        memory_store.STORE.calls_until_it_fails = float("inf")
        self.has_locks = True
        for training in self.trainings:
            training.tracker = None
        self.sync()
        self.everything_is_there()
        for training in self.trainings:
            self._has_arrived(training)
        os.chdir("/")
        shutil.rmtree(self.base)

    def _has_arrived(self, training: Training) -> None:
        """All that is whole is on the server; the journal is gone where nothing of it was spoilt."""
        journal = self._journal_of(training)
        if journal is None or has_header(journal):
            assert training.logged <= self._on_the_server(training)
        if training.logged and not training.is_spoilt:
            assert journal is None
            (run,) = self._runs_of(training)
            assert run.status == ("FINISHED" if training.is_closed else "KILLED")

    # --- what happens to trainings

    @initialize()
    def first_training(self) -> None:
        self.begin()

    @precondition(lambda self: len(self.trainings) < 4)
    @rule()
    def begin(self) -> None:
        """The folder is given as it would be on a command line, from a working directory that changes."""
        tracker = bvtrack.Tracker(tracking_uri=URI, journal_dir=os.path.relpath(self.folder))
        self.trainings.append(Training(tracker, tracker._logbook._id))

    @rule(pick=st.integers(0, 3), n=st.integers(1, 12))
    def append(self, pick: int, n: int) -> None:
        training = self._alive(pick)
        if training:
            for _ in range(n):
                self._log(training)

    @rule(pick=st.integers(0, 3), room=st.integers(0, 400))
    def append_to_a_full_disk(self, pick: int, room: int) -> None:
        """What it does not take waits in memory: it is there when the next record is."""
        training = self._alive(pick)
        if training and (journal := self._journal_of(training)):
            last = max(journal.glob("0*.jsonl")).stat().st_size
            with limited_file_size(last + room):
                self._log(training)
            self._log(training)

    @rule(pick=st.integers(0, 3), is_closed=st.booleans(), room=st.one_of(st.none(), st.integers(0, 400)))
    def end(self, pick: int, is_closed: bool, room: int | None) -> None:
        training = self._alive(pick)
        if training is None or training.tracker is None:
            return
        journal = self._journal_of(training)
        if is_closed and journal is not None:
            last = max(journal.glob("0*.jsonl")).stat().st_size
            with limited_file_size(None if room is None else last + room):
                training.tracker.close(timeout=0)
            training.is_closed = any(one["kind"] == "end" for one in whole_records(journal))
        training.tracker = None

    @rule(pick=st.integers(0, 3))
    def fork(self, pick: int) -> None:
        """A forked process writes into no run of another."""
        training = self._alive(pick)
        if training and training.tracker:
            pid = os.fork()
            if pid == 0:
                with suppress(BaseException):
                    training.tracker.log_epoch(10**6, train_error=0.5, dev_error=OF_THE_CHILD)
                    training.tracker.close(timeout=0)
                os._exit(0)
            os.waitpid(pid, 0)
            if not training.logged:  # it was the forked process that began the run, which is over
                self.trainings.remove(training)

    @rule(elsewhere=st.booleans())
    def change_directory(self, elsewhere: bool) -> None:
        os.chdir(self.base / "elsewhere" if elsewhere else self.base)

    # --- what happens to the server, and to sending

    @rule(calls=st.one_of(st.integers(0, 12), st.just(float("inf"))))
    def server_answers(self, calls: float) -> None:
        memory_store.STORE.calls_until_it_fails = calls

    @rule()
    def server_is_set_up_anew(self) -> None:
        """What only the server had is gone by its own fault."""
        for training in self.trainings:
            on_disk = self._on_disk(training)
            training.is_spoilt = training.is_spoilt or not training.logged <= on_disk
            training.logged &= on_disk
        memory_store.STORE.runs.clear()

    @rule(pick=st.integers(0, 3), n=st.integers(1, 6), chunk=st.sampled_from([1, 500, 1 << 20]))
    def send_beside_the_training(self, pick: int, n: int, chunk: int) -> None:
        """The sender, which is killed after that."""
        training = self._alive(pick)
        if training and (journal := self._journal_of(training)):
            with suppress(Exception):
                sender = shipper.Shipper(journal, URI, chunk_bytes=chunk)
                for _ in range(n):
                    sender.ship()

    @rule()
    def sync(self) -> None:
        with locks(self.has_locks):
            for pending in sync.pending_journals(self.folder, None):
                sync.send(pending, lambda offset: None)
            folder_of_journals.sweep(self.folder)

    @rule()
    def dry_run(self) -> None:
        before = digest_of(self.folder)
        with locks(self.has_locks):
            answer = CliRunner().invoke(main, ["sync", "--dry-run", str(self.folder)])

        assert answer.exception is None or isinstance(answer.exception, SystemExit)
        assert digest_of(self.folder) == before

    @rule(are_there=st.booleans())
    def locks_fail(self, are_there: bool) -> None:
        self.has_locks = are_there

    # --- what happens to files

    @rule(pick=st.integers(0, 3), which=st.integers(0, 9), place=st.integers(0, 10**6), bit=st.integers(0, 7))
    def flip(self, pick: int, which: int, place: int, bit: int) -> None:
        def flipped(content: bytearray) -> None:
            content[place % len(content)] ^= 1 << bit

        self._spoil(pick, which, flipped)

    @rule(pick=st.integers(0, 3), which=st.integers(0, 9), start=st.integers(0, 10**6), n=st.integers(1, 3000))
    def fill_with_zeros(self, pick: int, which: int, start: int, n: int) -> None:
        def zeroed(content: bytearray) -> None:
            first = start % len(content)
            last = min(first + n, len(content))
            content[first:last] = bytes(last - first)

        self._spoil(pick, which, zeroed)

    @rule(pick=st.integers(0, 3), which=st.integers(0, 9), start=st.integers(0, 10**6), n=st.integers(1, 3000))
    def tear(self, pick: int, which: int, start: int, n: int) -> None:
        def torn(content: bytearray) -> None:
            first = start % len(content)
            del content[first : first + n]

        self._spoil(pick, which, torn)

    @rule(pick=st.integers(0, 3))
    def swap_segments(self, pick: int) -> None:
        training, journal = self._ended(pick)
        if training and journal and len(files := sorted(journal.glob("0*.jsonl"))) > 1:
            first, second = files[0].read_bytes(), files[-1].read_bytes()
            files[0].write_bytes(second)
            files[-1].write_bytes(first)
            training.is_swapped = not training.is_swapped
            training.is_spoilt = True

    # --- what must hold

    @invariant()
    def everything_is_there(self) -> None:
        for training in self.trainings:
            assert training.logged - self._on_disk(training) - self._on_the_server(training) == set(), training

    @invariant()
    def what_nobody_has_acknowledged_stays(self) -> None:
        """A record that is not what was written, or not where it was, is nothing that a server can have acknowledged."""
        for training in self.trainings:
            there = [journal.name for journal in folder_of_journals.unsent_journals(self.folder)]
            is_there = training.journal is not None and training.journal.name in there
            assert is_there or not (training.is_broken or training.is_swapped)

    @invariant()
    def nothing_wrong_is_there(self) -> None:
        for run in memory_store.STORE.runs.values():
            assert {value for name, _, value, _ in run.points if name == "bvtrack/dev_error"} <= self.once_logged

    @invariant()
    def no_training_is_ended_that_goes_on(self) -> None:
        for training in self.trainings:
            for run in self._runs_of(training):
                if training.tracker is not None:
                    assert run.status == "RUNNING"
                if training.is_closed and not training.has_lost_its_end:
                    assert run.status != "KILLED"

    @invariant()
    def no_run_that_is_over_waits_for_a_verdict(self) -> None:
        for run in memory_store.STORE.runs.values():
            assert list(run.tags)[:4] == [tag.name for tag in FIRST]
            assert run.status == "RUNNING" or "pending" not in run.tags.values()

    @invariant()
    def what_is_not_ours_is_as_it_was(self) -> None:
        assert {name: (self.folder / name).read_bytes() for name in OTHERS} == OTHERS
        assert (self.folder / "20260101T000000Z-8899aabbccddeeff").is_symlink()

    # --- how it is looked at

    def _log(self, training: Training) -> None:
        assert training.tracker is not None
        epoch = (self.n_logged, round(0.1 + self.n_logged / 1e6, 7))
        self.n_logged += 1
        self.once_logged.add(epoch[1])
        training.tracker.log_epoch(epoch[0], train_error=0.01, dev_error=epoch[1])
        training.waiting.add(epoch)
        if (link := training.tracker._logbook._link) and not link._is_full:
            training.logged |= training.waiting
            training.waiting.clear()

    def _spoil(self, pick: int, which: int, spoil: Any) -> None:
        """Do that to a file of a journal; what was in it and is not on the server is lost by no fault of ours."""
        there_are = [one for one in self.trainings if self._journal_of(one)]
        training = there_are[pick % len(there_are)] if there_are else None
        journal = self._journal_of(training) if training else None
        if training is None or journal is None:
            return
        files = sorted(path for path in journal.iterdir() if path.stat().st_size)
        if not files:
            return
        ended = any(one["kind"] == "end" for one in whole_records(journal))
        path = files[which % len(files)]
        content = bytearray(path.read_bytes())
        spoil(content)
        path.write_bytes(content)
        training.is_spoilt = True
        training.logged &= self._on_disk(training) | self._on_the_server(training)
        training.is_broken |= path.suffix == ".jsonl" and not is_whole(path)
        training.has_lost_its_end |= ended and not any(one["kind"] == "end" for one in whole_records(journal))

    def _alive(self, pick: int) -> Training | None:
        alive = [training for training in self.trainings if training.tracker is not None]
        return alive[pick % len(alive)] if alive else None

    def _ended(self, pick: int) -> tuple[Training | None, Path | None]:
        ended = [one for one in self.trainings if one.tracker is None and self._journal_of(one)]
        training = ended[pick % len(ended)] if ended else None
        return training, self._journal_of(training) if training else None

    def _journal_of(self, training: Training) -> Path | None:
        if training.tracker is not None and training.tracker._logbook._link is not None:
            training.journal = training.tracker._logbook._link._journal.path
        return training.journal if training.journal is not None and training.journal.is_dir() else None

    def _on_disk(self, training: Training) -> set[Epoch]:
        journal = self._journal_of(training)
        found = whole_records(journal) if journal else []
        return {(one["epoch"], one["errors"]["dev"]) for one in found if one["kind"] == "epoch"}

    def _runs_of(self, training: Training) -> list[memory_store.StoredRun]:
        return [run for run in memory_store.STORE.runs.values() if run.tags.get("bvtrack.id") == training.training_id]

    def _on_the_server(self, training: Training) -> set[Epoch]:
        points = (point for run in self._runs_of(training) for point in run.points)
        return {(step, value) for name, step, value, _ in points if name == "bvtrack/dev_error"}


def digest_of(folder: Path) -> str:
    """Of every file, its time of change, and every link in a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        found = path.lstat()
        digest.update(f"{path} {found.st_mode} {found.st_mtime_ns} {found.st_ino}".encode())
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


@contextmanager
def limited_file_size(most: int | None) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft if most is None else most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def locks(are_there: bool) -> Iterator[None]:
    """A file system with locks, or one without."""
    with pytest.MonkeyPatch.context() as patch:
        if not are_there:

            def refuse(*_: Any, **__: Any) -> None:
                raise OSError(errno.ENOLCK, "No locks available")

            patch.setattr("filelock.FileLock.acquire", refuse)
        yield


@pytest.fixture
def memory(journals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_writer, "MlflowClient", MemoryClient)
    monkeypatch.setattr("bvtrack.shipping.report_writer.ReportWriter.write", lambda *_: None)
    monkeypatch.setattr("bvtrack.journal.journal.SEGMENT_BYTES", 1500)
    monkeypatch.setattr(logger, "disabled", True)


def test_the_store_in_memory_is_called_as_mlflow_is() -> None:
    methods = [name for name in vars(MemoryClient) if not name.startswith("_")]

    assert [name for name in methods if not has_the_parameters_of_the_real_one(name)] == []


@pytest.mark.timeout(7200 if SOAK else 600)
def test_a_journal_survives_whatever_happens_to_it_and_touches_nothing_of_others(memory: None) -> None:
    how = settings(
        max_examples=N_LIVES,
        stateful_step_count=N_STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    print(f"BVTRACK_SEED={SEED} repeats these {N_LIVES * N_STEPS:,} steps")
    run_state_machine_as_test(seed(SEED)(JournalLife), settings=how)

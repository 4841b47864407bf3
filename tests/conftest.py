from __future__ import annotations

import gc
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import fast_half
import hypothesis
import nursery
import pytest
import servers
from idle_shipper import IdleShipper
from kept_warnings import kept_warnings

from bvtrack.shipping.waiting import RunningShipper, wait_for_the_last

if TYPE_CHECKING:
    from playwright.sync_api import Browser

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny models train three times slower where threads wait for each other

OF_TESTS = ("BVTRACK_ADVICE_DATA", "BVTRACK_BENCHMARK_DATA", "BVTRACK_SEED", "BVTRACK_SOAK")
OF_THE_TERMINAL = ("COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR")

hypothesis.settings.register_profile("any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("any machine")


def take_signals_as_a_terminal_gives_them() -> None:
    """Undo what the program that started the tests ignores or blocks, as `nohup` and a shell's background jobs do: processes
    inherit it, and so would each training that a test starts and signals. These tests themselves go on as they were told to.
    """
    for number in signal.valid_signals() & {
        getattr(signal, name, None) for name in ("SIGHUP", "SIGTERM", "SIGUSR1", "SIGUSR2")
    }:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _go_on)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGCHLD") and signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, [])


def leave_out_what_the_user_has_set() -> None:
    """Settings of MLflow, of bvtrack and of the terminal: trainings that a fixture of a module starts would inherit them."""
    for name in [name for name in os.environ if name.startswith(("MLFLOW_", "BVTRACK_")) or name in OF_THE_TERMINAL]:
        if name not in OF_TESTS:
            del os.environ[name]


def _go_on(*_: object) -> None:
    """What a handler does that is no `SIG_IGN`: a process that is started gets the default in its place."""


take_signals_as_a_terminal_gives_them()
leave_out_what_the_user_has_set()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fast-half", action="store_true", help="only the files that train nothing and start no process or browser"
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Beside the tests only what has examples is imported, and of the slow half nothing where only the fast one is run."""
    if collection_path.suffix != ".py" or not collection_path.is_relative_to(fast_half.HERE):
        return None
    is_test = collection_path.name.startswith("test_") or collection_path.name == "conftest.py"
    is_left_out = config.getoption("--fast-half") and not fast_half.is_fast(collection_path)
    return True if is_left_out or not (is_test or fast_half.has_examples(collection_path)) else None


def pytest_collection_finish() -> None:
    """What has been imported stays: each search for garbage would else go through all of it, half a second long."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files begin first."""
    items.sort(key=lambda item: fast_half.place_of(item.path))


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite store that MLflow has set up once, for tests to copy: setting one up takes seconds."""
    from mlflow import MlflowClient

    folder = tmp_path_factory.mktemp("store")
    MlflowClient(f"sqlite:///{folder}/mlflow.db").search_experiments()
    return folder / "mlflow.db"


@pytest.fixture
def store(empty_store: Path, tmp_path: Path) -> str:
    """The tracking URI of an SQLite store of the test's own, with its artifacts beside it."""
    path = tmp_path / "mlflow.db"
    path.write_bytes(empty_store.read_bytes())
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE experiments SET artifact_location = ?", (f"{tmp_path}/mlruns/0",))
    return f"sqlite:///{path}"


@pytest.fixture
def send(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Sends what trainings wrote to their journals, as `bvtrack sync` does; until then nothing does.

    For tests that train often: the process that would send beside each training takes seconds of a core to import MLflow.
    """
    from bvtrack.shipping.sync import pending_journals
    from bvtrack.shipping.sync import send as send_journal

    monkeypatch.setattr("bvtrack.tracking.outbox.ShipperProcess", IdleShipper)

    def send_all() -> None:
        for pending in pending_journals(tmp_path / "journals", None):
            send_journal(pending, lambda offset: None)

    return send_all


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory and a journal directory of the test's own, and no settings from outside or left by a test. A `fit`
    ends when all has arrived, its report too: a test of what it does otherwise takes the settings away.
    """
    if mlflow := sys.modules.get("mlflow"):
        mlflow.set_tracking_uri(None)
    for name in [name for name in os.environ if name.startswith(("MLFLOW_", "BVTRACK_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BVTRACK_JOURNAL_DIR", str(tmp_path / "journals"))
    monkeypatch.setenv("BVTRACK_WAIT", "30")
    monkeypatch.setenv("BVTRACK_REPORT", "1")
    for name, value in servers.WITHOUT_JOBS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("bvtrack.shipping.unfinished._unfinished", {})  # what a test leaves on its way is not the next one's
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a minute, or what is left of it, is as long as it takes a busy machine to start what sends the last points; shorter
    waits stay as they are.
    """

    def wait(shipper: RunningShipper, timeout: float) -> None:
        wait_for_the_last(shipper, timeout if timeout < 20 else max(timeout, servers.PATIENCE_SECONDS))

    monkeypatch.setattr("bvtrack.shipping.process.wait_for_the_last", wait)


@pytest.fixture(autouse=True)
def quick_senders(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings within a test have their senders from the nursery, unless it uses `whole_sender`."""
    if nursery.CAN_FORK and "whole_sender" not in request.fixturenames:
        monkeypatch.setattr("bvtrack.shipping.process._Process", nursery.QuickProcess)


@pytest.fixture
def whole_sender() -> None:
    """For tests of a sender's start, processes and end: senders are started as a user's training starts them."""


@pytest.fixture(autouse=True)
def said() -> Iterator[list[str]]:
    """What bvtrack warned of. A test that expects a warning takes it out of the list; what is left over fails the test."""
    with kept_warnings() as messages:
        yield messages
    assert messages == []


@pytest.fixture
def journals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where points stay, for a test that does without MLflow: nothing sends them."""
    monkeypatch.setattr("bvtrack.tracking.outbox.ShipperProcess", IdleShipper)
    return tmp_path / "journals"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser."""
    from browser import a_browser

    with a_browser() as browser:
        yield browser

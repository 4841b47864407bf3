from __future__ import annotations

import logging
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from idle_shipper import IdleShipper

if TYPE_CHECKING:
    from playwright.sync_api import Browser

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny models train three times slower where threads wait for each other


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
    monkeypatch.setattr("bvtrack.shipping.unfinished._unfinished", {})  # what a test leaves on its way is not the next one's
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def said() -> Iterator[list[str]]:
    """What bvtrack warned of. A test that expects a warning takes it out of the list; what is left over fails the test."""
    messages: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    keeper = Keeper(logging.WARNING)
    logging.getLogger("bvtrack").addHandler(keeper)
    yield messages
    logging.getLogger("bvtrack").removeHandler(keeper)
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

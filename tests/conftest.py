from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite store that MLflow has set up once, for tests to copy: setting one up takes seconds."""
    from mlflow import MlflowClient

    folder = tmp_path_factory.mktemp("store")
    MlflowClient(f"sqlite:///{folder}/mlflow.db").search_experiments()
    return folder / "mlflow.db"


@pytest.fixture
def store(empty_store: Path, tmp_path: Path) -> str:
    """The tracking URI of an SQLite store of the test's own."""
    database = tmp_path / "mlflow.db"
    database.write_bytes(empty_store.read_bytes())
    return f"sqlite:///{database}"


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory and a journal directory of the test's own, and no settings from outside or left by a test."""
    if mlflow := sys.modules.get("mlflow"):
        mlflow.set_tracking_uri(None)
    for name in [name for name in os.environ if name.startswith(("MLFLOW_", "BVTRACK_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BVTRACK_JOURNAL_DIR", str(tmp_path / "journals"))
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
def journals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder where points stay, for a test that does without MLflow: where no process can be started, none sends them."""

    def passes(record: logging.LogRecord) -> bool:
        return "no process could be started" not in record.getMessage()

    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    logging.getLogger("bvtrack").addFilter(passes)
    yield tmp_path / "journals"
    logging.getLogger("bvtrack").removeFilter(passes)

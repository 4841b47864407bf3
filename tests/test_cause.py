from __future__ import annotations

import socket

import pytest
import requests
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from bvtrack.store.mlflow_errors import LONGEST, short_cause

STORE = "http://user:secret@localhost:5000"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def error_of_mlflow(uri: str, monkeypatch: pytest.MonkeyPatch) -> Exception:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with pytest.raises(MlflowException) as raised:
        MlflowClient(uri).search_experiments()
    return raised.value


def test_a_server_that_is_not_there_refuses_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"http://127.0.0.1:{free_port()}"

    assert short_cause(error_of_mlflow(uri, monkeypatch), uri) == "connection refused"


def test_a_server_that_does_not_answer_is_out_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"

        assert short_cause(error_of_mlflow(uri, monkeypatch), uri) == "timed out"


def test_what_the_operating_system_says_names_its_file() -> None:
    assert short_cause(PermissionError(13, "Permission denied", "/x"), STORE) == "permission denied: '/x'"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (requests.ReadTimeout("HTTPConnectionPool(host='x'): Read timed out."), "timed out"),
        (MlflowException("Run with id=1 not found"), "MlflowException: Run with id=1 not found"),
        (MlflowException("It is full. See the manual."), "MlflowException: It is full"),
        (
            MlflowException("(sqlite3.OperationalError) no\n(Background on this)"),
            "MlflowException: (sqlite3.OperationalError) no",
        ),
        (KeyError("x"), "KeyError: 'x'"),
    ],
)
def test_another_trouble_is_its_class_and_its_first_sentence(error: Exception, cause: str) -> None:
    assert short_cause(error, STORE) == cause


def test_a_cause_is_never_long_nor_cut_within_a_word() -> None:
    cause = short_cause(MlflowException("word " * 100), STORE)

    assert len(cause) <= LONGEST
    assert cause.endswith("word …")


def test_a_cause_holds_no_credentials() -> None:
    assert "secret" not in short_cause(MlflowException(f"no answer from {STORE}/api"), STORE)

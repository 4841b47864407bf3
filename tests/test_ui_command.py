from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from servers import PATIENCE_SECONDS, free_port, running, wait_until

from bvtrack.cli import main
from bvtrack_server.local import has_map

COMMAND = [sys.executable, "-u", "-c", "from bvtrack.cli import main; main()", "ui", "--no-browser"]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens already."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def test_ui_serves_the_store_with_the_map_until_it_is_ended(store: str, taken: int) -> None:
    command = [*COMMAND, "--tracking-uri", store, "--port", str(taken)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said_at_once = process.stderr.readline()
        address = process.stdout.readline().removeprefix("The map: ").strip()
        is_served = has_map(address)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()

    assert said_at_once == "Starting MLflow's server …\n"
    assert is_served
    assert taken < int(address.split(":")[2].split("/")[0])
    assert (process.returncode, rest) == (0, "Ctrl-C ends it.\n\n")
    assert not has_map(address)


def test_ui_that_is_terminated_takes_its_server_with_it(store: str) -> None:
    port = free_port()
    process = subprocess.Popen([*COMMAND, "--tracking-uri", store, "--port", str(port)], stdout=subprocess.DEVNULL)
    wait_until(lambda: has_map(f"http://127.0.0.1:{port}/bvtrack/"))
    process.terminate()

    assert process.wait(PATIENCE_SECONDS) == 0
    assert not has_map(f"http://127.0.0.1:{port}/bvtrack/")


@pytest.mark.parametrize("app", [(), ("--app-name", "bvtrack")])
def test_ui_opens_the_map_of_a_server_or_says_how_to_start_it(app: tuple[str, ...], store: str, tmp_path: Path) -> None:
    with running(store, tmp_path, *app) as server:
        urllib.request.urlopen(server.uri).close()
        result = CliRunner().invoke(main, ["ui", "--no-browser", "--tracking-uri", server.uri])

    address = f"{server.uri}/bvtrack/"
    expected = f"The map: {address}" if app else f"Error: expected the map at {address}, found none; start that server with"
    assert result.exit_code == (0 if app else 1)
    assert result.output.startswith(expected)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("sqlite:///nowhere.db", "expected an MLflow store, found no file"),
        ("htp://localhost", "an MLflow tracking URI looks like http://localhost:5000 or sqlite:///mlflow.db"),
        ("databricks", "expected a database or an MLflow server, got 'databricks'"),
    ],
)
def test_ui_refuses_what_it_cannot_open_as_bad_usage(uri: str, message: str) -> None:
    result = CliRunner().invoke(main, ["ui", "--tracking-uri", uri])

    assert result.exit_code == 2
    assert message in " ".join(result.output.split())

"""Real MLflow servers on loopback, and a gate before one that fails in every way that a network knows."""

from __future__ import annotations

import http.client
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import bvtrack
from bvtrack.shipping.process import ShipperProcess

PATIENCE_SECONDS = 600.0
"""As long as a busy machine may take."""
WITHOUT_JOBS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
"""Else a server of MLflow has half a dozen processes beside it, for jobs: more than half of its processor time."""
NGINX_TOO_LARGE = (
    b"<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n"
    b"<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx/1.24.0</center>\r\n</body>\r\n</html>\r\n"
)


def wait_until(holds: Callable[[], object], patience: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def kill_shipper(tracker: bvtrack.Tracker) -> None:
    """What a reboot does to the process that sends."""
    link = tracker._logbook._link
    assert link is not None
    assert isinstance(link._shipper, ShipperProcess)
    process = link._shipper._process
    kill_sender(process)


def kill_sender(process: subprocess.Popen[bytes]) -> None:
    """With the process that stands between it and the training, where there is one: they have a group of their own."""
    process.returncode = None  # a Tracker that is closed has let go of it
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        wait_until(lambda: not _is_group(process.pid))
    else:
        process.kill()
        process.wait()


def _is_group(number: int) -> bool:
    with suppress(ProcessLookupError):
        os.killpg(number, 0)
        return True
    return False


class Server:
    """An MLflow server as a process, which can be killed and started again on the same port."""

    def __init__(self, store: str, folder: Path, *options: str, environment: Mapping[str, str] | None = None) -> None:
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self._log = folder / f"server-{self.port}.log"
        artifacts = ["--artifacts-destination", str(folder / "artifacts")]
        place = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        self._command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store, *artifacts, *place, *options]
        prefix = options[options.index("--static-prefix") + 1] if "--static-prefix" in options else ""
        self._health = f"{self.uri}{prefix}/health"
        self._environment = {**os.environ, **WITHOUT_JOBS, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, env=self._environment, start_new_session=True
            )
        wait_until(self._answers)

    def kill(self) -> None:
        """End it, workers and all, as a crash of its machine does."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        with suppress(OSError):
            return bool(urllib.request.urlopen(self._health, timeout=5).status == 200)
        return False


@contextmanager
def running(store: str, folder: Path, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    server = Server(store, folder, *options, environment=environment)
    server.start()
    try:
        yield server
    finally:
        server.kill()


class Gate:
    """Stands before a server; what it does with a request is its `mode`: `open`, a status, `garbage`, `hang` or `reset`."""

    def __init__(self, server: Server) -> None:
        self.mode = "open"
        self.n_requests = 0
        self.refused = "nothing"
        """The end of the paths that are refused for good, whatever the mode."""
        self.refused_word = b""
        """What no body may hold, whatever the mode."""
        self.refusal = (400, b'{"error_code": "INVALID_PARAMETER_VALUE", "message": "no"}', "application/json")
        """The answer to what is refused: status, body, type."""
        self.limit = math.inf
        """The longest body that is let through, in bytes; what is longer is answered as nginx does, or `too_large`."""
        self.too_large = NGINX_TOO_LARGE
        self._closing = threading.Event()
        gate = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                gate.n_requests += 1
                if len(body) > gate.limit:
                    kind = "application/json" if gate.too_large.startswith(b"{") else "text/html"
                    self._reply(413, gate.too_large, kind)
                    return
                if self.path.endswith(gate.refused) or (gate.refused_word and gate.refused_word in body):
                    self._reply(*gate.refusal)
                    return
                match gate.mode:
                    case "open":
                        self._reply(*_forwarded(server, self, body))
                    case "hang":
                        gate._closing.wait(60)
                    case "reset":
                        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                        self.connection.close()
                        self.close_connection = True
                    case "garbage":
                        self._reply(200, b"<html>\xff\0 not what you asked for", "text/html")
                    case status:
                        self._reply(int(status), b'{"error": "not now"}', "application/json")

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815  # the base class looks for these names

            def _reply(self, status: int, body: bytes, kind: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.handle_error = lambda *_: None  # type: ignore[method-assign]  # connections that were closed on purpose
        self.uri = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def _forwarded(server: Server, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {name: value for name, value in request.headers.items() if name.lower() not in ("host", "connection")}
    try:
        connection.request(request.command, request.path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.getheader("Content-Type", "application/json")
    finally:
        connection.close()


@contextmanager
def gate_before(server: Server) -> Iterator[Gate]:
    gate = Gate(server)
    try:
        yield gate
    finally:
        gate.close()


@contextmanager
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL database of the test's own."""
    found = [shutil.which("initdb"), *sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))]
    programs = next((Path(program).parent for program in found if program), None)
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    data, port = Path(tempfile.mkdtemp()), free_port()  # not below pytest's folder, into which no other user may look
    user = "postgres" if os.name == "posix" and os.getuid() == 0 else None  # PostgreSQL refuses to run as root
    if user:
        shutil.chown(data, user)

    def run(program: str, *options: str) -> None:
        command = [str(programs / program), "-D", str(data), *options]
        subprocess.run(command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL)

    run("initdb", "-U", "bvtrack", "--auth=trust", "-N")
    run("pg_ctl", "-w", "-o", f"-p {port} -c listen_addresses=127.0.0.1 -k '' -F", "-l", str(data / "log"), "start")
    try:
        yield f"postgresql+psycopg://bvtrack@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(data)

"""A local MLflow server, which ends with the command that started it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

HOST = "127.0.0.1"
PORTS_TRIED = 100
START_SECONDS = 120.0
_MARK = b"<title>Bias and variance of all runs</title>"


def free_port(first: int) -> int:
    """`first`, or the next free port. Raises `OSError` if none of a hundred is free."""
    for port in range(first, min(first + PORTS_TRIED, 65536)):
        with socket.socket() as listener:
            try:
                listener.bind((HOST, port))
            except OSError:
                continue
            return port
    raise OSError(f"expected a free port from {first} on, found none among {PORTS_TRIED}; name another one")


@dataclass(frozen=True)
class Server:
    """A server that is starting or running, its address, and its log file."""

    process: subprocess.Popen[bytes]
    uri: str
    log: Path

    @property
    def address(self) -> str:
        """The address of the map."""
        return f"{self.uri}/bvtrack/"

    def is_up(self) -> bool:
        """Wait until the map can be opened; false if the server has ended, or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            if has_map(self.address):
                return True
            time.sleep(0.2)
        return False


@contextmanager
def serving(store: str, port: int) -> Iterator[Server]:
    """MLflow's server on this store, with the map, as a process that is terminated on exit."""
    place = ["--host", HOST, "--port", str(port), "--workers", "1", "--uvicorn-opts", "--log-level warning"]
    environment = {**os.environ, "MLFLOW_BACKEND_STORE_URI": store}  # everybody can see a password on the command line
    command = [sys.executable, "-m", "mlflow", "server", "--app-name", "bvtrack", *place]
    with TemporaryDirectory(prefix="bvtrack-ui-") as folder:
        log = Path(folder) / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
        try:
            yield Server(process, f"http://{HOST}:{port}", log)
        finally:
            process.terminate()
            process.wait()


def has_map(address: str) -> bool:
    """True if the map can be opened there."""
    try:
        return _MARK in requests.get(address, timeout=5).content  # which handles a password in the address
    except (OSError, ValueError):
        return False

"""What SECURITY.md says of data, of connections and of pages is so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from servers import free_port

import bvtrack
from bvtrack_server.pages import POLICY

CHECKOUT = Path(__file__).parents[1]
PAGE = (CHECKOUT / "SECURITY.md").read_text(encoding="utf-8")


def left_behind(folder: Path) -> bytes:
    """All that lies in a folder: the store, the artifacts and the journals of a test."""
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def people(n: int, seed: int, *, cities: list[str]) -> tuple[pd.DataFrame, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "name": [f"Person-{seed}-{number}" for number in range(n)],
            "income": rng.normal(30_000, 5_000, n).round(2),
            "city": rng.choice(cities, n),
        }
    )
    return table, rng.integers(0, 2, n)


def test_of_a_tables_values_only_those_that_the_page_names_are_written(store: str, tmp_path: Path, said: list[str]) -> None:
    train = people(1200, 0, cities=["Aachen", "Bonn"])
    dev = people(600, 1, cities=["Bonn", "Celle"])
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_split(train=train, dev=dev)
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
        assert tracker.diagnosis is not None
    said.clear()
    written = left_behind(tmp_path)
    incomes = {str(value).encode() for table, _ in (train, dev) for value in table["income"]}

    assert b"dev_differs_from_train" in written
    assert b"Celle" in written  # as the page says of a column of names that differs
    assert b"Person-" not in written
    assert {value for value in incomes if value in written} == set()


def images(n: int, seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 255, (n, 16, 16, 1), dtype=np.uint8)


def test_small_pictures_are_written_of_images_that_repeat_and_of_no_others(store: str, tmp_path: Path, said: list[str]) -> None:
    whole, other = images(300, 0), images(100, 1)
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_split(train=(whole, np.arange(300) % 2), dev=(other, np.arange(100) % 2))
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
    before = left_behind(tmp_path)
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_split(train=(whole, np.arange(300) % 2), dev=(np.concatenate([other, whole[:5]]), np.arange(105) % 2))
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
    said.clear()

    assert len([*tmp_path.rglob("splits.json")]) == 2
    assert b"data:image" not in before
    assert b"data:image" in left_behind(tmp_path)


WATCH = """
import os, sys

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        address = arguments[1] if event == "socket.connect" else arguments[0]
        with open(os.environ["WATCHED"], "a") as file:
            file.write(f"{event} {address!r}\\n")

sys.addaudithook(watch)
"""
TRAINING = """
import contextlib, socket, sys
import bvtrack

with contextlib.suppress(OSError):
    socket.create_connection(("127.0.0.1", int(sys.argv[2])))  # by which it is known that connections are seen
with bvtrack.Tracker(tracking_uri=sys.argv[1]) as tracker:
    tracker.log_split(train=6000, dev=2000)
    tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
assert tracker.run_id
"""


def test_a_training_connects_to_nothing_but_its_store(store: str, tmp_path: Path) -> None:
    """In its own process and in the one that sends; the store is a file."""
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH)
    watched, port = tmp_path / "watched.txt", free_port()
    silent = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "CI"))
    }  # else MLflow keeps still
    paths = os.pathsep.join([str(tmp_path / "watch"), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**silent, "PYTHONPATH": paths, "WATCHED": str(watched)}
    command = [sys.executable, "-c", TRAINING, store, str(port)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)

    assert ended.returncode == 0, ended.stderr
    seen = set(watched.read_text().splitlines())
    assert f"socket.connect ('127.0.0.1', {port})" in seen
    assert {line for line in seen if "127.0.0.1" not in line} == set()


def test_the_policies_are_those_on_the_page() -> None:
    template = (CHECKOUT / "bvtrack" / "report" / "page.html.jinja").read_text(encoding="utf-8")
    report = template.split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0]

    assert [f"```text\n{policy}\n```" in PAGE for policy in (report, POLICY)] == [True, True]


def test_nothing_that_is_read_is_unpickled() -> None:
    """Where our code calls a pickle's `load` at all: the copies in memory, and the profiles of a cluster's nodes."""
    paths = [path for folder in ("bvtrack", "integrations") for path in (CHECKOUT / folder).rglob("*.py")]
    texts = {path.name: path.read_text(encoding="utf-8") for path in paths}

    assert {name for name, text in texts.items() if "pickle.load" in text} == {"streams.py", "pickling.py"}
    assert [name for name, text in texts.items() if "torch.load" in text or "allow_pickle=True" in text] == []

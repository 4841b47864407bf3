"""What the end of a training waits for: little in a `fit`, all where somebody asks; and all arrives whatever comes."""

from __future__ import annotations

import math
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from mlflow import MlflowClient
from servers import wait_until
from small_nets import Net, fit, tracked

import bvtrack
from bvtrack.adapters import CallbackOptions
from bvtrack.shipping.process_main import Sender, Word
from bvtrack.shipping.progress import Progress
from bvtrack.shipping.thread import ShipperThread
from bvtrack.shipping.waiting import RunningShipper, wait_for_the_last
from bvtrack.tracking.tracker import is_making_its_store

pytestmark = [
    pytest.mark.usefixtures("whole_sender"),
    pytest.mark.filterwarnings("ignore"),  # Lightning warns of workers, versions and its own future
]


@pytest.fixture(autouse=True)
def defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BVTRACK_WAIT")
    monkeypatch.delenv("BVTRACK_REPORT")


@pytest.fixture
def deaf_server() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each wait for a sender may take."""
    noted: list[float] = []

    def wait(shipper: RunningShipper, timeout: float) -> None:
        noted.append(timeout)
        wait_for_the_last(shipper, timeout)

    monkeypatch.setattr("bvtrack.shipping.process.wait_for_the_last", wait)
    return noted


def closed_at_once(**options: Any) -> bvtrack.Tracker:
    tracker = bvtrack.Tracker(**options)
    tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
    tracker.close(timeout=0)
    return tracker


def left_in(folder: Path) -> list[str]:
    """What of journals is left on disk."""
    return [path.name for path in folder.iterdir() if path.is_dir()]


@pytest.mark.parametrize(
    ("wait", "variable", "seconds", "longest"),
    [
        (None, None, 0.5, 0.01),
        (None, None, 100.0, 2.0),
        (None, None, 1e6, 30.0),
        (None, "7.5", 0.5, 7.5),
        (None, "0", 1e6, 0.0),
        (None, " ", 0.5, 0.01),
        (3, "7.5", 0.5, 3),
        (0, None, 1e6, 0),
        (math.inf, None, 0.5, math.inf),
    ],
)
def test_the_longest_wait_is_a_fiftieth_of_the_training_unless_chosen(
    wait: float | None, variable: str | None, seconds: float, longest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable is not None:
        monkeypatch.setenv("BVTRACK_WAIT", variable)

    assert CallbackOptions(wait=wait).longest_wait(seconds) == pytest.approx(longest)


@pytest.mark.parametrize("wait", [-1, math.nan, "3", True])
def test_a_wait_that_is_no_number_of_seconds_is_refused(wait: Any) -> None:
    with pytest.raises(ValueError, match="wait must be a number of seconds, 0 for not waiting; got"):
        tracked(wait=wait)


@pytest.mark.parametrize("value", ["soon", "-1", "nan"])
def test_a_variable_that_is_no_number_of_seconds_is_said_and_counts_for_nothing(
    value: str, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BVTRACK_WAIT", value)

    assert CallbackOptions().longest_wait(100) == 2
    assert said == [
        f"bvtrack: BVTRACK_WAIT must be a number of seconds, 0 for not waiting; got {value!r}, which counts as not set"
    ]
    said.clear()


def test_a_fit_waits_for_no_more_than_a_fiftieth_of_its_time_where_the_store_does_not_answer(
    deaf_server: str, waits: list[float]
) -> None:
    callback = tracked(tracking_uri=deaf_server)
    began = time.monotonic()
    fit(Net(), callback, max_epochs=1)

    assert 0 < sum(waits) <= (time.monotonic() - began) / 50
    assert callback.tracker is not None
    assert callback.tracker.wait(timeout=0.1) is False


def test_the_first_who_asks_for_the_run_of_a_closed_tracker_gets_one_that_has_all(store: str, tmp_path: Path) -> None:
    tracker = closed_at_once(tracking_uri=store)
    was_quick = not tracker.wait(timeout=0)
    run = MlflowClient(store).get_run(str(tracker.run_id))

    assert was_quick
    assert (run.info.status, run.data.metrics["bvtrack/dev_error"]) == ("FINISHED", 0.11)
    assert left_in(tmp_path / "journals") == []
    assert tracker.wait()
    assert tracker.run_id == run.info.run_id


def test_a_sync_that_comes_before_the_sender_leaves_the_run_to_who_asks(store: str, tmp_path: Path) -> None:
    tracker = closed_at_once(tracking_uri=store)
    sync = [sys.executable, "-m", "bvtrack", "sync", str(tmp_path / "journals")]
    subprocess.run(sync, capture_output=True, check=False)
    run_id = tracker.run_id

    assert [run.info.run_id for run in MlflowClient(store).search_runs(["0"])] == [run_id]
    assert left_in(tmp_path / "journals") == []


@pytest.mark.parametrize("kind", ["process", "thread"])
def test_a_sender_that_comes_after_a_sync_has_nothing_to_send_and_nothing_to_complain_of(
    store: str, journals: Path, kind: str
) -> None:
    tracker = closed_at_once(tracking_uri=store)
    (journal,) = journals.iterdir()
    subprocess.run([sys.executable, "-m", "bvtrack", "sync", str(journals)], capture_output=True, check=True)
    said = Progress.of(journal)

    if kind == "thread":
        assert ShipperThread(journal, store).close(timeout=60)
    else:
        words: SimpleQueue[Word] = SimpleQueue()
        for word in ({"journal": str(journal)}, None):
            words.put(word)
        Sender(store, words, lambda: False).serve()

    assert said.is_complete
    assert not journal.exists() or Progress.of(journal) == said
    assert [run.info.status for run in MlflowClient(store).search_runs(["0"])] == ["FINISHED"]
    del tracker


def test_nothing_is_left_of_a_program_that_is_gone_before_its_sender_has_started(store: str, tmp_path: Path) -> None:
    begin = "import os, bvtrack; tracker = bvtrack.Tracker(); tracker.log_epoch(0, train_error=0.1, dev_error=0.2)"
    code = f"{begin}; tracker.close(timeout=0); os._exit(0)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env={**os.environ, "MLFLOW_TRACKING_URI": store})
    wait_until(lambda: not left_in(tmp_path / "journals"))

    assert [run.info.status for run in MlflowClient(store).search_runs(["0"])] == ["FINISHED"]


def test_nobody_waits_during_a_training(deaf_server: str, waits: list[float]) -> None:
    tracker = bvtrack.Tracker(tracking_uri=deaf_server)
    tracker.log_epoch(0, train_error=0.01, dev_error=0.11)

    assert (tracker.run_id, tracker.wait()) == (None, False)
    assert sum(waits) == 0
    tracker.close(timeout=0)


def test_who_asks_for_a_run_by_its_name_waits_too(store: str) -> None:
    closed_at_once(tracking_uri=store, run_name="mine")

    assert bvtrack.show("mine", tracking_uri=store)["status"] == "diagnosed"


def test_the_way_to_a_run_is_told_once_and_when_it_is_known(store: str, caplog: pytest.LogCaptureFixture) -> None:
    tracker = closed_at_once(tracking_uri=store)
    (verdict,) = [one.getMessage() for one in caplog.records if one.levelname == "INFO"]
    tracker.wait()
    run_id, told = str(tracker.run_id), [one.getMessage() for one in caplog.records if one.levelname == "INFO"]

    assert "High variance" in verdict
    assert run_id in told[1]
    assert len(told) == 2


def test_the_first_fit_of_a_store_ends_once_that_is_made_and_the_program_may_open_it(tmp_path: Path) -> None:
    database = tmp_path / "new" / "mlflow.db"
    callback = tracked(tracking_uri=f"sqlite:///{database}")
    fit(Net(), callback, max_epochs=1)

    assert database.exists()
    assert not database.with_name("mlflow.db.bvtrack-setup").exists()
    assert callback.tracker is not None
    assert not is_making_its_store(callback.tracker)
    assert len(MlflowClient(f"sqlite:///{database}").search_runs(["0"])) == 1


def test_a_fit_that_is_asked_not_to_wait_does_not_wait_for_its_store_to_be_made(tmp_path: Path) -> None:
    callback = tracked(tracking_uri=f"sqlite:///{tmp_path}/new.db", wait=0)
    fit(Net(), callback, max_epochs=1)

    assert callback.tracker is not None
    assert is_making_its_store(callback.tracker)
    assert callback.tracker.wait()


SCRIPT = """
import sys
import bvtrack

store, orders = sys.argv[1], sys.argv[2:]
trackers = []
for name, order in enumerate(orders):
    tracker = bvtrack.Tracker(tracking_uri=store, run_name=f"{name}")
    for epoch in range(3):
        tracker.log_epoch(epoch, train_error=0.01, dev_error=0.11)
    trackers.append(tracker)
    for step in order:
        match step:
            case "c":
                tracker.close(timeout=0)
            case "w":
                tracker.wait(timeout=0.5)
            case "r":
                tracker.run_id
            case "t":
                tracker.log_test(0.12, epoch=1)
            case "d":
                del tracker, trackers[-1]
                break
"""


@pytest.mark.parametrize("seed", range(2))
def test_in_whatever_order_all_arrives_once_and_nothing_is_left(seed: int, store: str, tmp_path: Path) -> None:
    chance = random.Random(seed)
    orders = ["cd", "ct", *("".join(chance.choices("ccwrt", k=3)) for _ in range(2)), "w"]
    program = tmp_path / "train.py"
    program.write_text(SCRIPT)
    done = subprocess.run([sys.executable, program, store, *orders], capture_output=True, text=True, check=True)
    wait_until(lambda: not left_in(tmp_path / "journals"))
    client = MlflowClient(store)
    runs = {run.info.run_name: run.info.run_id for run in client.search_runs(["0"])}

    for name, order in enumerate(orders):
        for metric, steps in {"dev_error": [0, 1, 2], "test_error": [1] if "t" in order else []}.items():
            points = client.get_metric_history(runs[str(name)], f"bvtrack/{metric}")
            assert [point.step for point in points] == steps, (order, metric, done.stderr)
    assert len(runs) == len(orders)
    assert done.stderr.count("shows it: run") == len(orders)

"""When a run's report is written, and that nobody suffers from it."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient
from servers import PATIENCE_SECONDS, wait_until

import bvtrack
from bvtrack.journal.folder import unsent_journals
from bvtrack.journal.journal import read_header
from bvtrack.journal.records import now
from bvtrack.report.content import Content
from bvtrack.shipping.report_writer import FEWEST_SECONDS, ReportWriter
from bvtrack.shipping.shipper import Shipper

SCRIPT = """
import sys
import bvtrack
with bvtrack.Tracker(tracking_uri=sys.argv[1]) as tracker:
    tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
"""


def report_of(store: str, folder: Path) -> str | None:
    """The report of the store's only run, where it is there."""
    client = MlflowClient(store)
    (run,) = client.search_runs(["0"])
    paths = [file.path for file in client.list_artifacts(run.info.run_id, "bvtrack")]
    if "bvtrack/report.html" not in paths:
        return None
    return Path(client.download_artifacts(run.info.run_id, "bvtrack/report.html", str(folder))).read_text()


def log_epochs(tracker: bvtrack.Tracker, epochs: range) -> None:
    for epoch in epochs:
        tracker.log_epoch(epoch, train_error=0.01, dev_error=0.11)


def ship_all(shipper: Shipper) -> None:
    while not shipper.ship():
        pass


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bvtrack.shipping.report_writer.FEWEST_SECONDS", 0.0)


@pytest.mark.usefixtures("at_once")
def test_a_training_that_goes_on_has_a_report(store: str, journals: Path, tmp_path: Path) -> None:
    tracker = bvtrack.Tracker(tracking_uri=store)
    log_epochs(tracker, range(3))
    (journal,) = unsent_journals(journals)
    ship_all(Shipper(journal, store, with_report=True))
    wait_until(lambda: report_of(store, tmp_path))

    assert "3 epochs, running" in str(report_of(store, tmp_path))
    tracker.close()


@pytest.mark.usefixtures("at_once")
def test_a_report_that_is_refused_for_good_is_named_and_not_made_again(
    store: str, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Content] = []

    def refuse(*args: object) -> None:
        raise NotImplementedError("no texts here")

    def render(content: Content) -> str:
        made.append(content)
        return "a page"

    monkeypatch.setattr("bvtrack.report.page.render_page", render)
    monkeypatch.setattr("bvtrack.shipping.report_writer.LARGEST_SHARE", math.inf)
    monkeypatch.setattr(MlflowClient, "log_text", refuse)
    tracker = bvtrack.Tracker(tracking_uri=store)
    log_epochs(tracker, range(1))
    (journal,) = unsent_journals(journals)
    shipper = Shipper(journal, store, with_report=True)
    for epoch in range(1, 4):
        ship_all(shipper)
        wait_until(lambda: shipper.refused and not any(thread.name == "bvtrack report" for thread in threading.enumerate()))
        log_epochs(tracker, range(epoch, epoch + 1))
    tracker.close()

    assert len(made) == 1
    assert shipper.refused == ["the file bvtrack/report.html (6 bytes; NotImplementedError: no texts here)"]


@pytest.mark.usefixtures("at_once")
def test_reports_that_take_long_are_rare(store: str, journals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Content] = []

    def render(content: Content) -> str:
        time.sleep(0.1)
        written.append(content)
        return "a page"

    monkeypatch.setattr("bvtrack.report.page.render_page", render)
    tracker = bvtrack.Tracker(tracking_uri=store)
    log_epochs(tracker, range(1))
    (journal,) = unsent_journals(journals)
    shipper = Shipper(journal, store, with_report=True)
    for epoch in range(1, 20):
        ship_all(shipper)
        wait_until(lambda: written)
        log_epochs(tracker, range(epoch, epoch + 1))

    assert len(written) == 1
    tracker.close()


@pytest.mark.usefixtures("at_once")
def test_points_do_not_wait_for_a_report(store: str, journals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    is_over = threading.Event()

    def render(content: Content) -> str:
        assert is_over.wait(PATIENCE_SECONDS)
        return "a page"

    monkeypatch.setattr("bvtrack.report.page.render_page", render)
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        log_epochs(tracker, range(1))
        (journal,) = unsent_journals(journals)
        shipper = Shipper(journal, store, with_report=True)
        ship_all(shipper)
        log_epochs(tracker, range(1, 4))
    ship_all(shipper)
    (run,) = MlflowClient(store).search_runs(["0"])
    is_over.set()

    assert run.info.status == "FINISHED"
    assert len(MlflowClient(store).get_metric_history(run.info.run_id, "bvtrack/dev_error")) == 4


def test_a_thread_draws_nothing_beside_the_training(store: str, journals: Path, tmp_path: Path) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        log_epochs(tracker, range(1))
    (journal,) = unsent_journals(journals)
    shipper = Shipper(journal, store)
    ship_all(shipper)
    shipper.write_report()
    (run,) = MlflowClient(store).search_runs(["0"])

    assert report_of(store, tmp_path) is None
    assert "report.html" not in run.data.tags["mlflow.note.content"]


def test_a_short_training_has_one_report_at_its_end(store: str, journals: Path, tmp_path: Path) -> None:
    tracker = bvtrack.Tracker(tracking_uri=store)
    log_epochs(tracker, range(3))
    (journal,) = unsent_journals(journals)
    shipper = Shipper(journal, store, with_report=True)
    ship_all(shipper)
    before = report_of(store, tmp_path)
    tracker.close()
    ship_all(shipper)
    shipper.write_report()

    assert before is None
    assert "3 epochs, complete" in str(report_of(store, tmp_path))


def test_a_report_is_due_when_something_is_new_and_the_last_one_is_long_enough_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("bvtrack.shipping.report_writer.time.monotonic", lambda: now)
    report = ReportWriter()

    assert not report.is_due(1)
    now = FEWEST_SECONDS
    assert report.is_due(1)
    report._written = 1
    assert not report.is_due(1)
    assert report.is_due(2)


def test_what_hinders_the_report_hinders_nothing_else(
    store: str, journals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(content: object) -> str:
        raise RuntimeError("no fonts")

    monkeypatch.setattr("bvtrack.report.page.render_page", fail)
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        log_epochs(tracker, range(3))
    (journal,) = unsent_journals(journals)
    shipper = Shipper(journal, store, with_report=True)
    ship_all(shipper)
    shipper.write_report()
    (run,) = MlflowClient(store).search_runs(["0"])

    assert report_of(store, tmp_path) is None
    assert (run.info.status, run.data.metrics["bvtrack/dev_error"]) == ("FINISHED", 0.11)


def test_the_end_of_a_program_waits_for_the_points_and_not_for_the_report(store: str, tmp_path: Path) -> None:
    program = tmp_path / "train.py"
    program.write_text(SCRIPT)
    subprocess.run([sys.executable, program, store], check=True)
    (run,) = MlflowClient(store).search_runs(["0"])
    is_there_at_once = report_of(store, tmp_path) is not None
    wait_until(lambda: report_of(store, tmp_path))

    assert (run.info.status, is_there_at_once) == ("FINISHED", False)
    assert "High variance" in str(report_of(store, tmp_path))


@pytest.mark.parametrize(
    ("choice", "seconds", "has_report"),
    [(None, 29.9, False), (None, 30.0, True), ("1", 0.0, True), ("0", 3000.0, False), ("maybe", 29.9, False)],
)
def test_a_training_of_half_a_minute_has_a_report_and_a_shorter_one_says_how_to_get_it(
    choice: str | None,
    seconds: float,
    has_report: bool,
    store: str,
    journals: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: list[str],
) -> None:
    monkeypatch.delenv("BVTRACK_REPORT")
    if choice is not None:
        monkeypatch.setenv("BVTRACK_REPORT", choice)
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        log_epochs(tracker, range(1))
        (journal,) = unsent_journals(journals)
        end = read_header(journal)["timestamp"] + round(1000 * seconds)
        monkeypatch.setattr("bvtrack.tracking.record_log.now", lambda: end)
    shipper = Shipper(journal, store, with_report=True)
    ship_all(shipper)
    shipper.write_report()
    (run,) = MlflowClient(store).search_runs(["0"])
    note = run.data.tags["mlflow.note.content"]

    assert (report_of(store, tmp_path) is not None) == has_report
    assert ("report.html" in note, f"`bvtrack report {run.info.run_id} --log`" in note) == (has_report, not has_report)
    assert [one for one in said if "BVTRACK_REPORT" in one] == (
        ["bvtrack: BVTRACK_REPORT must be 1 or 0; got 'maybe', which counts as not set"] if choice == "maybe" else []
    )
    said.clear()


def test_a_training_that_grows_long_is_linked_to_the_report_that_it_gets(
    store: str, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BVTRACK_REPORT")
    tracker = bvtrack.Tracker(tracking_uri=store)
    log_epochs(tracker, range(1))
    (journal,) = unsent_journals(journals)
    shipper = Shipper(journal, store, with_report=True)
    notes = []
    for shift in (0, 40_000):
        later = now() + shift
        monkeypatch.setattr("bvtrack.tracking.record_log.now", lambda later=later: later)
        log_epochs(tracker, range(shift, shift + 1))
        ship_all(shipper)
        (run,) = MlflowClient(store).search_runs(["0"])
        notes.append("report.html" in run.data.tags["mlflow.note.content"])
    tracker.close()

    assert notes == [False, True]


def test_the_end_of_a_training_does_not_wait_for_the_report(store: str, tmp_path: Path) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        log_epochs(tracker, range(3))
    is_there_at_once = report_of(store, tmp_path) is not None
    wait_until(lambda: report_of(store, tmp_path))

    assert not is_there_at_once

"""What becomes of the points where the store is down, says no, or the training goes away without a word."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.entities import Run
from servers import free_port, kill_shipper, wait_until
from written_journals import as_version_0_1, change_header

import bvtrack
from bvtrack.cli import main
from bvtrack.journal.folder import sweep, unsent_journals
from bvtrack.journal.journal_dir import default_journal_dir
from bvtrack.shipping.shipper import Shipper

pytestmark = pytest.mark.usefixtures("whole_sender")


def the_only_run(store: str) -> Run:
    (run,) = MlflowClient(store).search_runs(["0"])
    return run


@pytest.fixture
def port() -> int:
    return free_port()


def test_what_a_training_could_not_send_is_sent_by_sync(store: str, port: int, said: list[str]) -> None:
    with bvtrack.Tracker(tracking_uri=f"http://127.0.0.1:{port}", run_name="lost") as tracker:
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
        wait_until(lambda: tracker._logbook._link and tracker._logbook._link._shipper.progress.problem)
    kill_shipper(tracker)
    (journal,) = unsent_journals(default_journal_dir())
    answer = CliRunner().invoke(main, ["sync", "--tracking-uri", store])
    run = the_only_run(store)

    assert (answer.exit_code, answer.output) == (0, f"{journal.name}: sent to {store}\n")
    assert (run.info.run_name, run.info.status, run.data.tags["bvtrack.state"]) == ("lost", "FINISHED", "complete")
    assert list(default_journal_dir().iterdir()) == []
    assert [str(journal) in message for message in said] == [True]
    assert f"bvtrack sync {journal.parent}` sends what is left" in said[0]
    said.clear()


def test_sync_says_what_it_could_not_send_and_keeps_it(port: int, said: list[str]) -> None:
    with bvtrack.Tracker(tracking_uri=f"http://127.0.0.1:{port}") as tracker:
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
        wait_until(lambda: tracker._logbook._link and tracker._logbook._link._shipper.progress.problem)
    kill_shipper(tracker)
    answer = CliRunner().invoke(main, ["sync"])

    assert answer.exit_code == 1
    assert f"MLflow at http://127.0.0.1:{port} does not take the points (connection refused)\n" in answer.output
    assert len(unsent_journals(default_journal_dir())) == 1
    said.clear()


BROKEN = [b"", b'{"kind":"ru', b"\x00garbage\n", b"{}\n", b'{"kind":"run","store":"sqlite:///mlflow.db"}\n']


def test_broken_journals_are_said_and_the_one_behind_them_is_sent(store: str, port: int, said: list[str]) -> None:
    with bvtrack.Tracker(tracking_uri=f"http://127.0.0.1:{port}") as tracker:
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
        wait_until(lambda: tracker._logbook._link and tracker._logbook._link._shipper.progress.problem)
    kill_shipper(tracker)
    said.clear()
    (good,) = unsent_journals(default_journal_dir())
    for number, content in enumerate(BROKEN):
        broken = default_journal_dir() / f"0{number}"
        broken.mkdir()
        (broken / "00000000000000000000.jsonl").write_bytes(content)
    answer = CliRunner().invoke(main, ["sync", "--tracking-uri", store])
    lines = answer.output.splitlines()

    assert answer.exit_code == 1
    assert [line.partition(":")[0] for line in lines] == [*(f"0{number}" for number in range(len(BROKEN))), good.name]
    assert lines[-1] == f"{good.name}: sent to {store}"
    assert the_only_run(store).data.tags["bvtrack.diagnosis"] == "high_variance"


def test_a_journal_whose_store_cannot_be_opened_is_said_as_its_own_trouble(journals: Path) -> None:
    left_behind(journals, 1, tracking_uri="http://127.0.0.1:9")
    (journal,) = unsent_journals(journals)
    change_header(journal, address="htp://nowhere")
    answer = CliRunner().invoke(main, ["sync"])

    assert answer.exit_code == 1
    assert answer.output.startswith(f"{journal.name}: an MLflow tracking URI looks like")


def test_a_run_that_does_not_exist_is_said_and_nothing_is_lost(store: str, said: list[str]) -> None:
    with bvtrack.Tracker(run_id="0" * 32, tracking_uri=store) as tracker:
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11)

    assert len(said) == 1
    assert "Run with id=00000000000000000000000000000000 not found" in said[0]
    assert "name a run that is there" in said[0]
    assert "sends what is left" not in said[0]
    assert len(unsent_journals(default_journal_dir())) == 1
    said.clear()


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), signal.SIGKILL)", "os._exit(0)"])
@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGKILL")
def test_a_training_that_is_killed_leaves_a_diagnosed_run(store: str, end: str, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import os, signal, bvtrack\n"
        f"tracker = bvtrack.Tracker(tracking_uri={store!r})\n"
        "tracker.log_epoch(0, train_error=0.01, dev_error=0.11)\n"
        f"{end}\n"
    )
    subprocess.run([sys.executable, script], check=False)
    wait_until(lambda: not unsent_journals(default_journal_dir()))
    run = the_only_run(store)

    wait_until(lambda: not list(default_journal_dir().iterdir()))
    assert (run.info.status, run.data.tags["bvtrack.state"]) == ("KILLED", "interrupted")
    assert run.data.tags["bvtrack.diagnosis"] == "high_variance"


def test_a_file_store_that_mlflow_allows_takes_the_points_of_a_clients_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    client = MlflowClient(f"file:{tmp_path}/mlruns")
    run_id = client.create_run("0").info.run_id
    with bvtrack.Tracker(run_id, client) as tracker:
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
    run = client.get_run(run_id)

    assert run.data.metrics["bvtrack/dev_error"] == 0.11
    assert run.data.tags["bvtrack.diagnosis"] == "high_variance"


def left_behind(folder: Path, n_epochs: int, **options: Any) -> bvtrack.Tracker:
    """A training of which nothing has been sent."""
    tracker = bvtrack.Tracker(journal_dir=folder, **options)
    for epoch in range(n_epochs):
        tracker.log_epoch(epoch, train_error=0.01, dev_error=0.11)
    tracker.close()
    return tracker


def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(store: str, journals: Path) -> None:
    left_behind(journals, 3, run_name="lost", tracking_uri="http://user:secret@127.0.0.1:9")
    to_its_own = CliRunner().invoke(main, ["sync", "--dry-run"])
    elsewhere = CliRunner().invoke(main, ["sync", "--dry-run", "--tracking-uri", store])

    assert re.search(r": lost, begun 20\d\d-\d\d-\d\d \d\d:\d\d, 3 epochs to send to http://127.0.0.1:9\n$", to_its_own.output)
    assert elsewhere.output.endswith(f"3 epochs to send to {store}\n")
    assert (to_its_own.exit_code, elsewhere.exit_code) == (0, 0)
    assert len(unsent_journals(journals)) == 1
    assert MlflowClient(store).search_runs(["0"]) == []


def test_what_was_half_sent_to_one_store_goes_to_another_as_a_whole(store: str, journals: Path, tmp_path: Path) -> None:
    other = f"sqlite:///{tmp_path}/other.db"
    (tmp_path / "other.db").write_bytes((tmp_path / "mlflow.db").read_bytes())
    tracker = bvtrack.Tracker(tracking_uri=store)
    tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
    (journal,) = unsent_journals(journals)
    assert not Shipper(journal, store).ship()
    tracker.log_epoch(1, train_error=0.01, dev_error=0.11)
    tracker.close()
    answer = CliRunner().invoke(main, ["sync", "--tracking-uri", other])
    run = the_only_run(other)
    points = MlflowClient(other).get_metric_history(run.info.run_id, "bvtrack/dev_error")

    assert answer.exit_code == 0
    assert [point.step for point in points] == [0, 1]
    assert run.info.status == "FINISHED"


@pytest.mark.parametrize("experiment", [None, "recovered"])
def test_a_named_run_that_the_other_store_lacks_is_made_there(experiment: str | None, store: str, journals: Path) -> None:
    left_behind(journals, 2, run_id="0" * 32, tracking_uri="http://127.0.0.1:9")
    options = ["--experiment", experiment] if experiment else []
    answer = CliRunner().invoke(main, ["sync", "--tracking-uri", store, *options])
    client = MlflowClient(store)
    (run,) = client.search_runs([found.experiment_id for found in client.search_experiments()])

    assert answer.exit_code == 0
    assert client.get_experiment(run.info.experiment_id).name == (experiment or "Default")
    assert (run.info.status, run.data.tags["bvtrack.diagnosis"]) == ("FINISHED", "high_variance")


def test_a_store_whose_path_has_an_at_sign_is_sent_to_and_no_other(empty_store: Path, journals: Path, tmp_path: Path) -> None:
    home = tmp_path / "jo:x@corp.example" / "a b"
    home.mkdir(parents=True)
    meant = home / "mlflow.db"
    meant.write_bytes(empty_store.read_bytes())
    left_behind(journals, 2, tracking_uri=f"sqlite:///{meant}")
    before = set(tmp_path.rglob("*.db"))
    answer = CliRunner().invoke(main, ["sync"])

    assert (answer.exit_code, answer.output.endswith(f": sent to sqlite:///{meant}\n")) == (0, True)
    assert the_only_run(f"sqlite:///{meant}").data.metrics["bvtrack/dev_error"] == 0.11
    assert set(tmp_path.rglob("*.db")) == before


ODBC = "mssql+pyodbc:///?odbc_connect=DRIVER%3D%7BODBC%7D%3BSERVER%3Done%3BUID%3Djo%3BPWD%3Dsecret"


@pytest.mark.parametrize("uri", [ODBC, "mysql+pymysql://jo:secret@127.0.0.1:9/name", "postgresql://h/db?password=secret"])
def test_an_address_that_was_not_kept_is_asked_for_and_the_next_journal_is_sent(uri: str, store: str, journals: Path) -> None:
    left_behind(journals, 2, tracking_uri=uri)
    (first,) = unsent_journals(journals)
    left_behind(journals, 2, tracking_uri=store)
    answer = CliRunner().invoke(main, ["sync"])
    again = CliRunner().invoke(main, ["sync", "--tracking-uri", store])
    lines = answer.output.splitlines()

    assert answer.exit_code == 1
    said = "held credentials and is not kept; pass it again as --tracking-uri (or MLFLOW_TRACKING_URI)"
    assert [said in line for line in lines if line.startswith(first.name)] == [True]
    assert [line.endswith(f"sent to {store}") for line in lines if not line.startswith(first.name)] == [True]
    assert "secret" not in answer.output
    assert (again.exit_code, again.output) == (0, f"{first.name}: sent to {store}\n")


def test_a_journal_of_version_0_1_goes_to_the_store_that_it_names(store: str, journals: Path) -> None:
    left_behind(journals, 2, tracking_uri=store)
    (journal,) = unsent_journals(journals)
    as_version_0_1(journal)
    answer = CliRunner().invoke(main, ["sync"])

    assert (answer.exit_code, answer.output) == (0, f"{journal.name}: sent to {store}\n")


EMPTY, TORN, SENT, YOUNG, WITH_THESIS = (f"2026010{day}T000000Z-{day * 16}" for day in "12345")


def _aged(folder: Path) -> Path:
    os.utime(folder, (1, 1))
    return folder


def test_journals_that_hold_nothing_are_swept_away(journals: Path) -> None:
    left_behind(journals, 1)
    for name, content in [(EMPTY, b""), (TORN, b'{"kind":"ru'), (SENT, None), (YOUNG, b"")]:
        (journals / name).mkdir()
        if content is not None:
            (journals / name / "00000000000000000000.jsonl").write_bytes(content)
        if name != YOUNG:
            _aged(journals / name)
    sweep(journals)

    assert sorted(path.name for path in journals.iterdir())[:2] == [TORN, YOUNG]
    assert len(list(journals.iterdir())) == 3


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_sync_leaves_folders_that_are_not_ours_as_they_are(options: list[str], tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    mine = tmp_path / "mine"
    for path in [
        "my-thesis/chapter1.tex",
        "lightning-logs/version_0/last.ckpt",
        "run-1/data.jsonl.gz",
        f"{WITH_THESIS}/chapter1.tex",
        f"{WITH_THESIS}/00000000000000000000.jsonl.bak",
        f"{TORN}/writer/notes",
    ]:
        (mine / path).parent.mkdir(parents=True, exist_ok=True)
        (mine / path).write_text("precious")
    (mine / EMPTY).symlink_to(tmp_path / "elsewhere")
    for folder in mine.iterdir():
        _aged(folder)
    before = sorted(mine.rglob("*"))
    answer = CliRunner().invoke(main, ["sync", str(mine), *options])

    assert answer.exit_code == 0
    assert sorted(mine.rglob("*")) == before
    assert (mine / EMPTY).is_symlink()
    assert (tmp_path / "elsewhere").is_dir()

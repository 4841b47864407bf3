"""Several trainings at once on every kind of store, and credentials that go no further than the store."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient
from servers import kill_shipper, postgres, running, wait_until

import bvtrack
from bvtrack.journal.folder import unsent_journals
from bvtrack.journal.journal_dir import default_journal_dir

pytestmark = pytest.mark.usefixtures("whole_sender")

N_TRAININGS = 8
N_EPOCHS = 50
SCRIPT = """
import sys, time
import bvtrack
tracker = bvtrack.Tracker(tracking_uri=sys.argv[1], experiment="shared", run_name=sys.argv[2], summary=False)
tracker.log_split(train=4000, dev=1000, test=1000)
for epoch in range({n_epochs}):
    tracker.log_epoch(epoch, train_error=0.01, dev_error=0.11, test_error=0.12)
    time.sleep(0.1)
tracker.close(timeout=1000)  # eight processes that import MLflow at once have a busy machine
"""


def train_at_once(uri: str, folder: Path) -> list[str]:
    """What the trainings said, after all of it has been sent."""
    script = folder / "train.py"
    script.write_text(SCRIPT.format(n_epochs=N_EPOCHS))
    trainings = [
        subprocess.Popen([sys.executable, script, uri, str(number)], stderr=subprocess.PIPE, text=True)
        for number in range(N_TRAININGS)
    ]
    said = [training.communicate(timeout=1200)[1] for training in trainings]
    assert [training.returncode for training in trainings] == [0] * N_TRAININGS, said
    wait_until(lambda: not unsent_journals(default_journal_dir()))
    return said


def assert_all_is_there(uri: str) -> None:
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("shared")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])

    assert sorted(run.info.run_name for run in runs) == [str(number) for number in range(N_TRAININGS)]
    for run in runs:
        for metric in ("train_error", "dev_error", "test_error", "variance"):
            points = client.get_metric_history(run.info.run_id, f"bvtrack/{metric}")
            assert [point.step for point in points] == list(range(N_EPOCHS))
        assert (run.info.status, run.data.tags["bvtrack.diagnosis"]) == ("FINISHED", "high_variance")
        assert run.inputs is not None
        assert len(run.inputs.dataset_inputs) == 3


@pytest.mark.parametrize("is_new", [True, False])
def test_trainings_at_once_on_one_sqlite_store_lose_nothing(is_new: bool, store: str, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/new.db" if is_new else store
    train_at_once(uri, tmp_path)

    assert_all_is_there(uri)


def test_trainings_at_once_on_a_server_before_postgresql_lose_nothing(tmp_path: Path) -> None:
    with postgres() as database, running(database, tmp_path) as server:
        said = train_at_once(server.uri, tmp_path)

        assert_all_is_there(server.uri)
        assert said == [""] * N_TRAININGS


PASSWORD = "s3cret-pass%40word"


def test_a_password_in_the_address_goes_no_further_than_the_server(
    empty_store: Path, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("flask_wtf", reason="mlflow[auth] is not installed")
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    config = tmp_path / "auth.ini"
    config.write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{tmp_path}/auth.db\n"
        f"admin_username = admin\nadmin_password = {PASSWORD.replace('%40', '@')}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    environment = {"MLFLOW_AUTH_CONFIG_PATH": str(config), "MLFLOW_FLASK_SERVER_SECRET_KEY": "key"}
    store = f"sqlite:///{tmp_path}/mlflow.db"
    with running(store, tmp_path, "--app-name", "basic-auth", environment=environment) as server:
        address = server.uri.replace("http://", f"http://admin:{PASSWORD}@")
        tracker = bvtrack.Tracker(tracking_uri=address)
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
        wait_until(lambda: tracker.run_id)
        wait_until(lambda: MlflowClient(store).get_run(str(tracker.run_id)).data.tags.get("mlflow.note.content"))
        server.kill()

        def is_said() -> bool:
            tracker.log_epoch(1, train_error=0.01, dev_error=0.11)
            return bool(said)

        wait_until(is_said)
        left = b"".join(file.read_bytes() for file in default_journal_dir().rglob("*") if file.is_file())
        kill_shipper(tracker)
    run = MlflowClient(store).get_run(str(tracker.run_id))
    shown = repr((run.data.tags, said, left, repr(tracker), tracker.state()))

    assert run.data.metrics["bvtrack/dev_error"] == 0.11
    assert "s3cret" not in shown
    assert "admin" not in shown
    said.clear()

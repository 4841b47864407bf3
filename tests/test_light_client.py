"""MLflow's client as the sender imports it: light, and as good as the whole."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from servers import Server, running, wait_until

import bvtrack
from bvtrack.journal.folder import unsent_journals
from bvtrack.journal.journal_dir import default_journal_dir

pytestmark = pytest.mark.usefixtures("whole_sender")

IMPORTS = """
import sys
from bvtrack.store import light_client
{before}
light_client.import_client({uri!r})
light = sorted(name for name, module in sys.modules.items() if type(module) is light_client._Lazy)
{after}
"""
RUN = """
from bvtrack.store.writer import MlflowWriter
from bvtrack.store.bundle import Bundle, Point
header = {"run_id": None, "experiment": None, "experiment_id": None, "run_name": "one", "tags": {"bvtrack.id": "1"}}
writer = MlflowWriter(URI, header | {"timestamp": 1, "options": {}}, None)
writer.write(Bundle([Point("a", 0.5, 1, 0)], tags={"b": "c"}, note="words", status="FINISHED", timestamp=2))
writer.write_file("file.json", {"d": 1})
writer.write_text("file.txt", "e")
"""

PROVIDER = """
from mlflow.tracking.request_header.abstract_request_header_provider import RequestHeaderProvider

class Provider(RequestHeaderProvider):
    def in_context(self): return True
    def request_headers(self): return {}
"""
TOGETHER = """
import concurrent.futures, mlflow
names = ["start_run", "log_metric", "MlflowClient", "evaluate"]
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    found = list(pool.map(lambda name: getattr(mlflow, name).__name__, names * 4))
"""


def outcome(uri: str, *, before: str = "", after: str = "") -> Any:
    """What `after` prints, as JSON, in a process that has imported the client of `uri`."""
    code = IMPORTS.format(before=before, uri=uri, after=after.replace("URI", repr(uri)))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def printed(words: str) -> str:
    return f"import json; print(json.dumps({words}))"


@pytest.fixture(scope="module")
def server(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "mlflow.db").write_bytes(empty_store.read_bytes())
    with running(f"sqlite:///{folder}/mlflow.db", folder) as server:
        yield server


def plugin(folder: Path) -> Path:
    """A folder with an installed distribution that adds headers to MLflow's requests."""
    info = folder / "headers-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: headers\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mlflow.request_header_provider]\nheaders = headers:Provider\n")
    (folder / "headers.py").write_text(PROVIDER)
    return folder


def trained(uri: str) -> dict[str, Any]:
    """All that a training of two epochs leaves in its run, but for what differs from one run to the next."""
    with bvtrack.Tracker(tracking_uri=uri, experiment="light") as tracker:
        tracker.log_split(train=5000, dev=1000)
        for epoch in range(2):
            tracker.log_epoch(epoch, train_error=0.2 / (epoch + 1), dev_error=0.3)
    wait_until(lambda: not unsent_journals(default_journal_dir()))
    client, run_id = MlflowClient(uri), str(tracker.run_id)
    wait_until(lambda: "bvtrack/report.html" in _files(client, run_id))
    run = client.get_run(run_id)
    tags = {name: value.replace(run_id, "RUN") for name, value in run.data.tags.items()}
    own = {"bvtrack.id", "mlflow.runName", "mlflow.log-model.history"}
    return {
        "points": {name: [(p.step, p.value) for p in client.get_metric_history(run_id, name)] for name in run.data.metrics},
        "tags": {name: value for name, value in tags.items() if name not in own},
        "datasets": [each.dataset.digest for each in (run.inputs.dataset_inputs if run.inputs else ())],
        "files": _files(client, run_id),
        "status": run.info.status,
    }


def _files(client: MlflowClient, run_id: str) -> list[str]:
    return sorted(one.path for one in client.list_artifacts(run_id, "bvtrack"))


def test_a_store_has_the_same_from_the_light_client_as_from_the_whole(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    light = trained(store)
    monkeypatch.syspath_prepend(plugin(tmp_path / "plugins"))
    whole = trained(store)

    assert light == whole


def test_a_server_has_the_same_from_the_light_client_as_from_the_whole(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    light = trained(server.uri)
    monkeypatch.syspath_prepend(plugin(tmp_path / "plugins"))
    whole = trained(server.uri)

    assert light == whole


def test_writing_a_run_and_its_files_runs_no_package_that_was_put_off(store: str, server: Server) -> None:
    still = "[name for name in light if type(sys.modules[name]) is light_client._Lazy]"
    for uri in (store, server.uri):
        before, after = outcome(uri, after=f"{RUN}\n{printed(f'[light, {still}]')}")

        assert "mlflow" in before
        assert after == before


def test_a_package_that_was_put_off_is_whole_once_it_is_asked_for(store: str) -> None:
    use = "import mlflow; mlflow.set_tracking_uri(URI)\nwith mlflow.start_run() as run: mlflow.log_metric('a', 1.0)\n"
    found = "[mlflow.get_run(run.info.run_id).data.metrics, type(mlflow).__name__, mlflow.sklearn.__name__]"

    assert outcome(store, after=use + printed(found)) == [{"a": 1.0}, "module", "mlflow.sklearn"]


def test_several_threads_that_ask_for_a_package_at_once_get_it_whole(store: str) -> None:
    assert outcome(store, after=TOGETHER + printed("found == names * 4")) is True


def test_what_was_kept_away_during_the_import_can_be_imported_after_it(store: str) -> None:
    after = "import numpy, pandas\n" + printed("[light[0], pandas.DataFrame({'a': [numpy.int64(1)]}).a.sum().item()]")

    assert outcome(store, after=after) == ["mlflow", 1]


@pytest.mark.parametrize("missing", ["mlflow.version", "sqlalchemy", "mlflow.entities.metric"])
def test_where_the_light_import_fails_the_usual_one_takes_its_place(missing: str, store: str) -> None:
    """Whatever it fails of, and however late."""
    before = f"light_client.UNUSED += ({missing!r},)"
    client = "import mlflow; run = mlflow.MlflowClient(URI).get_run(writer.run_id)"
    found = "[light, type(mlflow).__name__, run.data.metrics, run.data.tags['b'], run.info.status]"

    assert outcome(store, before=before, after=f"{RUN}\n{client}\n{printed(found)}") == [
        [],
        "module",
        {"a": 0.5},
        "c",
        "FINISHED",
    ]


@pytest.mark.parametrize("uri", ["mysql://host/name", "databricks", "file:///runs", "mine://host", ""])
def test_a_store_whose_client_may_need_more_is_left_to_the_usual_import(uri: str) -> None:
    assert outcome(uri, after=printed("['mlflow' in sys.modules, light]")) == [False, []]


def test_plugins_of_others_are_given_all_of_mlflow(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(plugin(tmp_path)), prepend=":")

    assert outcome(store, after=printed("light")) == []


def test_a_mlflow_that_is_imported_already_stays(store: str) -> None:
    assert outcome(store, before="import mlflow", after=printed("[light, 'pandas' in sys.modules]")) == [[], True]

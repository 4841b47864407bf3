"""No server, a server that dies, and a server that answers nonsense: no point lost, none twice, and no training held up."""

from __future__ import annotations

import json
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.entities import Run
from servers import NGINX_TOO_LARGE, Gate, Server, gate_before, kill_shipper, running, wait_until

import bvtrack
from bvtrack.cli import main
from bvtrack.journal.folder import unsent_journals
from bvtrack.journal.journal_dir import default_journal_dir
from bvtrack.schema import names
from bvtrack.shipping.retrying import ship_until_over
from bvtrack.shipping.shipper import Shipper, send_left_behind

pytestmark = pytest.mark.usefixtures("whole_sender")

SOAK = bool(os.environ.get("BVTRACK_SOAK"))
"""`make soak` tests the same at length."""
OUTAGE_SECONDS = 60.0 if SOAK else 4.0
WAITS: list[tuple[Any, str]] = [
    *((socket.socket, name) for name in ("connect", "recv", "recv_into", "send", "sendall")),
    *((select, "select"), (threading.Condition, "wait"), (threading.Thread, "join"), (time, "sleep")),
]
"""By what a call waits."""
METRICS = ["train_error", "dev_error", "avoidable_bias", "variance"]


@pytest.fixture(scope="module")
def server(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "mlflow.db").write_bytes(empty_store.read_bytes())
    with running(f"sqlite:///{folder}/mlflow.db", folder) as server:
        yield server


@pytest.fixture
def gate(server: Server) -> Iterator[Gate]:
    with gate_before(server) as gate:
        yield gate


@contextmanager
def noting(waits: list[str]) -> Iterator[None]:
    """Note what this thread, within the block, would wait for: a connection or an answer, another thread, or some time."""
    own = threading.get_ident()

    def noted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def instead(*arguments: Any) -> Any:
            if threading.get_ident() == own:
                waits.append(name)
            return call(*arguments)

        return instead

    with pytest.MonkeyPatch.context() as patch:
        for place, name in WAITS:
            patch.setattr(place, name, noted(name, getattr(place, name)))
        yield


class Training:
    """Logs epochs and keeps how many, and for what its calls waited; `tests/benchmarks/outage.py` says how long they take."""

    def __init__(self, uri: str, **options: Any) -> None:
        self.tracker = bvtrack.Tracker(tracking_uri=uri, **options)
        self.n_epochs = 0
        self.waits: list[str] = []

    def epoch(self) -> None:
        error = 0.3 / (self.n_epochs + 1)
        with noting(self.waits):
            self.tracker.log_epoch(self.n_epochs, train_error=error, dev_error=error + 0.1, n_train=1000, n_dev=1000)
        self.n_epochs += 1

    def go_on_until(self, words: str, said: list[str]) -> None:
        def an_epoch_says_it() -> bool:
            self.epoch()
            return any(words in message for message in said)

        wait_until(an_epoch_says_it)

    def go_on_for(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.epoch()
            time.sleep(0.05)


def steps_of(uri: str, run_id: str | None, metric: str = "dev_error") -> list[int]:
    assert run_id is not None
    return [point.step for point in MlflowClient(uri).get_metric_history(run_id, f"bvtrack/{metric}")]


def run_of(uri: str, training: Training) -> Run:
    assert training.tracker.run_id is not None
    return MlflowClient(uri).get_run(training.tracker.run_id)


def test_what_a_call_waits_for_is_noted(gate: Gate) -> None:
    waits: list[str] = []
    with noting(waits):
        threading.Event().wait(0.001)
        with socket.create_connection(("127.0.0.1", int(gate.uri.rpartition(":")[2]))) as connection:
            connection.sendall(b"GET /health HTTP/1.0\r\n\r\n")
            connection.recv(1)
        other = threading.Thread(target=time.sleep, args=(0.001,))
        other.start()
        other.join()

    assert waits == ["wait", "connect", "sendall", "recv", "wait", "join"]


@pytest.mark.parametrize("mode", ["429", "500", "400", "401", "404", "413", "garbage", "hang", "reset"])
def test_a_server_that_answers_nonsense_is_out_of_reach_until_it_answers(
    mode: str, gate: Gate, server: Server, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "10" if mode == "hang" else "600")  # a busy machine answers late
    training = Training(gate.uri)
    training.epoch()
    wait_until(lambda: training.tracker.run_id)
    gate.mode = mode
    training.go_on_until("does not take the points", said)
    training.go_on_for(OUTAGE_SECONDS / 4)
    gate.mode = "open"
    training.go_on_until("takes the points again", said)
    training.tracker.close()

    assert len(said) == 2
    for metric in METRICS:
        assert steps_of(server.uri, training.tracker.run_id, metric) == list(range(training.n_epochs))
    assert run_of(server.uri, training).data.tags["bvtrack.state"] == "complete"
    assert training.waits == []
    said.clear()


def test_a_server_that_is_killed_amid_a_training_and_comes_back_lacks_nothing(
    store: str, tmp_path: Path, said: list[str]
) -> None:
    with running(store, tmp_path) as server:
        training = Training(server.uri)
        training.epoch()
        wait_until(lambda: training.tracker.run_id)
        server.kill()
        training.go_on_until("does not take the points (connection refused)", said)
        training.go_on_for(OUTAGE_SECONDS)
        server.start()
        wait_until(lambda: steps_of(store, training.tracker.run_id) == list(range(training.n_epochs)))
        training.epoch()
        training.tracker.close()

    assert steps_of(store, training.tracker.run_id) == list(range(training.n_epochs))
    assert run_of(store, training).info.status == "FINISHED"
    assert training.waits == []
    assert sum("does not take" in message for message in said) == 1
    said.clear()


class FakeClock:
    """Time that passes by sleeping; what is planned for a moment happens when it has come."""

    def __init__(self) -> None:
        self.now = 0.0
        self.plan: dict[float, Any] = {}

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for moment in [moment for moment in self.plan if moment <= self.now]:
            self.plan.pop(moment)()


def test_an_outage_of_ten_minutes_is_noticed_as_over_within_seconds(
    gate: Gate, server: Server, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    training = Training(gate.uri)
    for _ in range(100):
        training.epoch()
    gate.mode = "reset"
    clock = FakeClock()
    clock.plan = {600.0: lambda: setattr(gate, "mode", "open"), 615.0: training.tracker.close}
    (journal,) = unsent_journals(journals)
    sender = Shipper(journal, gate.uri)
    has_arrived = ship_until_over(sender, lambda: False, clock=clock)

    assert has_arrived
    assert clock.now < 620
    assert gate.n_requests < 600 / 10 + 60
    (run,) = MlflowClient(server.uri).search_runs(["0"], f"tags.`bvtrack.id` = '{training.tracker.state()['id']}'")
    assert steps_of(server.uri, run.info.run_id) == list(range(100))


def _content(uri: str, run_id: str | None) -> dict[str, Any]:
    """All that a run shows, but for its names, its id and the time of day."""
    assert run_id is not None
    client = MlflowClient(uri)
    run = client.get_run(run_id)
    named = ("bvtrack.id", "mlflow.runName")
    tags = {name: value.replace(run_id, "…") for name, value in run.data.tags.items() if name not in named}
    history = {
        name: [(point.step, point.value) for point in client.get_metric_history(run_id, name)] for name in run.data.metrics
    }
    files = {
        path: json.loads(Path(client.download_artifacts(run_id, path)).read_text())
        for path in ("bvtrack/diagnosis.json", "bvtrack/splits.json")
    }
    datasets = (
        [(one.dataset.name, one.dataset.digest, one.dataset.profile) for one in run.inputs.dataset_inputs] if run.inputs else []
    )
    return {"status": run.info.status, "tags": tags, "history": history, "files": files, "datasets": sorted(datasets)}


def _train(training: Training) -> None:
    training.tracker.log_split(train=4000, dev=1000, test=1000)
    for _ in range(30):
        training.epoch()
    training.tracker.log_test(0.2, n_test=1000)


def test_a_training_without_any_server_is_the_same_once_it_is_sent(server: Server, said: list[str]) -> None:
    online = Training(server.uri, human_error=0.01)
    _train(online)
    online.tracker.close()
    offline = Training("http://127.0.0.1:9", human_error=0.01)
    _train(offline)
    offline.tracker.close()
    before = time.time() * 1000
    kill_shipper(offline.tracker)
    assert _sync(server.uri) == 0
    (run,) = MlflowClient(server.uri).search_runs(["0"], f"tags.`bvtrack.id` = '{offline.tracker.state()['id']}'")

    assert _content(server.uri, run.info.run_id) == _content(server.uri, online.tracker.run_id)
    assert run.info.end_time <= before
    assert list(default_journal_dir().iterdir()) == []
    assert sum("does not take" in message for message in said) == 1
    said.clear()


def _sync(uri: str, *options: str) -> int:
    return CliRunner().invoke(main, ["sync", "--tracking-uri", uri, *options]).exit_code


@pytest.mark.parametrize(("refused", "what"), [("/runs/log-inputs", "the datasets"), ("/runs/set-tag", "the description")])
def test_one_thing_that_mlflow_refuses_for_good_holds_up_nothing_else(
    refused: str, what: str, gate: Gate, server: Server, said: list[str]
) -> None:
    gate.refused = refused
    training = Training(gate.uri)
    _train(training)
    training.tracker.close()
    run = run_of(server.uri, training)

    assert steps_of(server.uri, training.tracker.run_id) == list(range(30))
    assert (run.info.status, run.data.tags["bvtrack.state"]) == ("FINISHED", "complete")
    assert [f"MLflow refuses {what}" in message for message in said] == [True]
    said.clear()


@pytest.mark.parametrize("too_large", [NGINX_TOO_LARGE, b'{"message": "Request Too Long"}'])
def test_a_backlog_that_a_proxy_finds_too_large_is_sent_in_smaller_parts(
    too_large: bytes, gate: Gate, server: Server, journals: Path
) -> None:
    gate.limit, gate.too_large = 20_000, too_large
    training = Training(gate.uri)
    for _ in range(400):
        training.epoch()
    training.tracker.close()
    (journal,) = unsent_journals(journals)
    refused = send_left_behind(journal, gate.uri)
    (run,) = MlflowClient(server.uri).search_runs(["0"], f"tags.`bvtrack.id` = '{training.tracker.state()['id']}'")

    assert refused == []
    for metric in METRICS:
        assert steps_of(server.uri, run.info.run_id, metric) == list(range(400))
    assert (run.info.status, run.data.tags["bvtrack.state"]) == ("FINISHED", "complete")


def test_a_description_that_is_too_large_for_a_proxy_is_named_once_and_the_rest_is_sent(
    gate: Gate, server: Server, said: list[str]
) -> None:
    training = Training(gate.uri)
    training.epoch()
    wait_until(lambda: training.tracker.run_id)
    gate.limit = 1200
    _train(training)
    training.tracker.close()
    run = run_of(server.uri, training)

    assert steps_of(server.uri, training.tracker.run_id) == list(range(31))
    assert (run.info.status, run.data.tags["bvtrack.state"]) == ("FINISHED", "complete")
    assert [message for message in said if "the description (" in message] == [said[0]], said
    assert "bytes; too large for the server, or a proxy before it); all the rest is sent" in said[0]
    assert unsent_journals(default_journal_dir()) == []
    said.clear()


def test_one_metric_that_mlflow_refuses_is_named_and_the_others_are_sent(gate: Gate, server: Server, said: list[str]) -> None:
    gate.refused_word = b"bvtrack/variance"
    training = Training(gate.uri)
    for _ in range(30):
        training.epoch()
    training.tracker.close()

    for metric in ("train_error", "dev_error", "avoidable_bias"):
        assert steps_of(server.uri, training.tracker.run_id, metric) == list(range(30))
    assert steps_of(server.uri, training.tracker.run_id, "variance") == []
    assert [message.partition(" (")[0] for message in said] == ["bvtrack: MLflow refuses the metric bvtrack/variance"]
    assert run_of(server.uri, training).info.status == "FINISHED"
    said.clear()


def test_a_file_that_is_refused_for_good_is_named_once_and_nothing_is_left(gate: Gate, server: Server, said: list[str]) -> None:
    gate.refused = "/diagnosis.json"
    training = Training(gate.uri, experiment="files behind the server")
    _train(training)
    training.tracker.close()

    assert steps_of(server.uri, training.tracker.run_id) == list(range(30))
    assert [message.partition(" (")[0] for message in said] == ["bvtrack: MLflow refuses the file bvtrack/diagnosis.json"]
    assert run_of(server.uri, training).info.status == "FINISHED"
    assert unsent_journals(default_journal_dir()) == []
    said.clear()


def test_sync_says_what_it_sent_and_what_was_refused_of_it(gate: Gate, journals: Path) -> None:
    gate.refused = "/runs/set-tag"
    training = Training(gate.uri)
    _train(training)
    training.tracker.close()
    (journal,) = unsent_journals(journals)
    answer = CliRunner().invoke(main, ["sync"])

    assert answer.exit_code == 0
    assert answer.output.startswith(f"{journal.name}: sent to {gate.uri}, but MLflow refuses the description (")
    assert unsent_journals(journals) == []


def test_sync_names_a_report_that_is_too_large_and_sends_the_rest(gate: Gate, server: Server, journals: Path) -> None:
    gate.limit = 20_000
    training = Training(gate.uri, experiment="reports behind the server")
    _train(training)
    training.tracker.close()
    answer = CliRunner().invoke(main, ["sync"])

    assert answer.exit_code == 0
    assert ", but MLflow refuses the file bvtrack/report.html (" in answer.output
    assert "bytes; too large for the server, or a proxy before it)\n" in answer.output
    assert answer.output.count("refuses") == 1


def test_a_store_that_refuses_every_metric_is_out_of_reach_and_loses_none(gate: Gate, server: Server, said: list[str]) -> None:
    training = Training(gate.uri)
    training.epoch()
    wait_until(lambda: training.tracker.run_id and names.NOTE in run_of(server.uri, training).data.tags)
    gate.refused = "/runs/log-batch"
    training.go_on_until("does not take the points", said)
    gate.refused = "nothing"
    training.go_on_until("takes the points again", said)
    training.tracker.close()

    assert steps_of(server.uri, training.tracker.run_id) == list(range(training.n_epochs))
    assert len(said) == 2
    said.clear()


def test_a_deleted_run_refuses_nothing_for_good(gate: Gate, server: Server, said: list[str]) -> None:
    training = Training(gate.uri)
    training.epoch()
    wait_until(lambda: training.tracker.run_id)
    client, run_id = MlflowClient(server.uri), str(training.tracker.run_id)
    client.delete_run(run_id)
    training.go_on_until("does not take the points", said)
    client.restore_run(run_id)
    training.go_on_until("takes the points again", said)
    training.tracker.close()

    assert steps_of(server.uri, run_id) == list(range(training.n_epochs))
    assert run_of(server.uri, training).data.tags["bvtrack.state"] == "complete"
    assert len(said) == 2
    said.clear()

"""The saved view is written once for an experiment, and what a user makes of it stays."""

from __future__ import annotations

import json
import logging
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from mlflow import MlflowClient
from servers import Gate, Server, gate_before, running

import bvtrack
from bvtrack.cli import main
from bvtrack.schema import names, saved_view
from bvtrack.schema.saved_view import MARKER, TAG, VERSION, digest, news_for, value
from bvtrack.schema.tags import ID
from bvtrack.shipping.sync import pending_journals
from bvtrack.shipping.sync import send as send_journal
from bvtrack.store import experiment_view
from bvtrack.store.experiment_view import keep_view
from bvtrack.store.writer import MlflowWriter

TIMES = st.integers(0, 2**45)
EXPERIMENT = "shown"


@pytest.fixture(autouse=True)
def each_training_asks_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """As trainings do, each of which has a sending process of its own."""
    monkeypatch.setattr(experiment_view, "_KNOWN", {})


def train(uri: str, **options: Any) -> None:
    with bvtrack.Tracker(tracking_uri=uri, experiment=EXPERIMENT, **options) as tracker:
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
    experiment_view._KNOWN.clear()


def tags_of(uri: str) -> Mapping[str, str]:
    experiment = MlflowClient(uri).get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    return dict(experiment.tags)


def id_of(uri: str) -> str:
    experiment = MlflowClient(uri).get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    return str(experiment.experiment_id)


def notes_of(uri: str) -> list[str]:
    """The descriptions of the experiment's runs, the newest first."""
    tags = [run.data.tags for run in MlflowClient(uri).search_runs([id_of(uri)])]
    return [one[names.NOTE] for one in tags if names.NOTE in one]


def log_elsewhere(uri: str) -> None:
    """A run that no bvtrack has seen, of the same experiment."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    run = client.create_run(experiment.experiment_id if experiment else client.create_experiment(EXPERIMENT))
    for step in range(3):
        client.log_metric(run.info.run_id, "train_accuracy", 0.99, step=step)
        client.log_metric(run.info.run_id, "val_accuracy", 0.80 + step / 100, step=step)
    client.set_terminated(run.info.run_id)


@pytest.mark.parametrize("kind", ["sqlite", "file"])
def test_the_first_diagnosed_run_gives_its_experiment_the_view(
    kind: str, store: str, send: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri = store if kind == "sqlite" else (tmp_path / "mlruns").as_uri()
    train(uri)
    send()

    view = json.loads(tags_of(uri)[TAG])
    assert view["name"] == "Bias and variance"
    assert tags_of(uri)["mlflow.experimentKind"] == "custom_model_development"
    assert f"]({names.view_page(id_of(uri))})" in notes_of(uri)[0]


def test_a_run_without_a_verdict_gives_none(store: str, send: Callable[[], None]) -> None:
    with bvtrack.Tracker(tracking_uri=store, experiment=EXPERIMENT) as tracker:
        tracker.log_split(train=1000, dev=100)
    send()

    assert not {TAG, MARKER} & set(tags_of(store))


def test_an_experiment_that_was_there_stays_of_its_kind(store: str, send: Callable[[], None]) -> None:
    MlflowClient(store).create_experiment(EXPERIMENT, tags={"mlflow.experimentKind": "genai_development"})
    train(store)
    send()

    assert tags_of(store)["mlflow.experimentKind"] == "genai_development"


@pytest.mark.parametrize("way", ["option", "environment"])
def test_a_view_that_is_switched_off_is_neither_written_nor_linked_to(
    way: str, store: str, send: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "environment":
        monkeypatch.setenv("BVTRACK_SAVED_VIEW", "0")
    train(store, saved_view=way != "option")
    log_elsewhere(store)
    send()
    bvtrack.audit(EXPERIMENT, tracking_uri=store, saved_view=way != "option")

    assert not {TAG, MARKER} & set(tags_of(store))
    assert "viewStateShareKey" not in notes_of(store)[0]


@pytest.mark.parametrize("made", ["renamed", "deleted"])
def test_what_a_user_makes_of_the_view_stays(made: str, store: str, send: Callable[[], None]) -> None:
    train(store)
    send()
    client, own = MlflowClient(store), json.dumps(json.loads(tags_of(store)[TAG]) | {"name": "Ours"})
    if made == "renamed":
        client.set_experiment_tag(id_of(store), TAG, own)
    else:
        client.delete_experiment_tag(id_of(store), TAG)
    train(store)
    log_elsewhere(store)
    send()
    bvtrack.audit(EXPERIMENT, tracking_uri=store)

    assert tags_of(store).get(TAG) == (own if made == "renamed" else None)
    assert ("viewStateShareKey" in notes_of(store)[0]) == (made == "renamed")


@given(made=TIMES, now=TIMES)
def test_a_view_of_an_older_version_is_replaced_but_never_one_of_a_newer(made: int, now: int) -> None:
    older = value(made).replace("Bias and variance", "Older")
    tags = {TAG: older, MARKER: f"{VERSION - 1} {digest(older)}"}
    later = {TAG: older, MARKER: f"{VERSION + 1} {digest(older)}"}

    assert news_for(tags, now)[TAG] == value(now)
    assert news_for(later, now) == {}
    assert news_for({**tags, **news_for(tags, now)}, made) == {}


@given(made=TIMES, now=TIMES)
def test_a_view_whose_marker_did_not_arrive_gets_it(made: int, now: int) -> None:
    assert set(news_for({TAG: value(made)}, now)) == {MARKER}


@given(present=st.text() | st.builds(json.dumps, st.dictionaries(st.text(), st.integers())), now=TIMES)
def test_a_view_of_somebody_else_under_our_key_stays(present: str, now: int) -> None:
    assert news_for({TAG: present}, now) == {}


@given(TIMES)
def test_any_server_takes_a_value_of_that_length(now: int) -> None:
    assert len(value(now)) <= saved_view.TAG_LENGTH


def test_what_is_written_is_that_of_its_version() -> None:
    """Raise `VERSION` with each change, and write the new digest here: views that are there are replaced by that alone."""
    view = json.loads(value(0))
    view["state"] = json.loads(zlib.decompress(b64decode(view["state"].removeprefix("deflate;"))))

    assert (VERSION, digest(json.dumps(view))) == (1, "f37b0c8e81d6be26")


def test_trainings_that_write_at_once_leave_one_view(store: str) -> None:
    experiment_id = MlflowClient(store).create_experiment(EXPERIMENT)
    clients = [MlflowClient(store) for _ in range(8)]

    def keep(client: MlflowClient) -> bool:
        experiment_view._KNOWN.clear()
        return keep_view(client, experiment_id)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(keep, clients))
    assert saved_view.is_unchanged(tags_of(store))


def audit(uri: str, *options: str) -> str:
    result = CliRunner().invoke(main, ["audit", EXPERIMENT, "--tracking-uri", uri, *options])
    assert result.exit_code == 0, result.output
    return result.output


def test_an_audit_gives_the_view_and_says_where_it_is(store: str) -> None:
    log_elsewhere(store)
    for option in ("--dry-run", "--no-view", "--tags-only"):
        assert names.view_page(id_of(store)) not in audit(store, option)
        assert TAG not in tags_of(store)

    assert names.view_page(id_of(store)) in audit(store, "--baseline", "zero")
    assert TAG in tags_of(store)


def test_an_audit_that_diagnoses_nothing_gives_no_view(store: str) -> None:
    client = MlflowClient(store)
    client.create_run(client.create_experiment(EXPERIMENT))
    audit(store)

    assert TAG not in tags_of(store)


@pytest.mark.parametrize(("case", "left"), [("unchanged", set()), ("changed", {TAG}), ("of a training", {TAG, MARKER})])
def test_undo_takes_the_view_away_with_the_last_diagnosis(
    case: str, left: set[str], store: str, send: Callable[[], None]
) -> None:
    log_elsewhere(store)
    audit(store)
    if case == "changed":
        MlflowClient(store).set_experiment_tag(id_of(store), TAG, "{}")
    if case == "of a training":
        train(store)
        send()
    audit(store, "--undo", "--dry-run")
    before = {TAG, MARKER} & set(tags_of(store))
    audit(store, "--undo")

    assert before == {TAG, MARKER}
    assert {TAG, MARKER} & set(tags_of(store)) == left


@pytest.fixture(scope="module")
def server(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("view")
    (folder / "mlflow.db").write_bytes(empty_store.read_bytes())
    with running(f"sqlite:///{folder}/mlflow.db", folder) as server:
        yield server


@pytest.fixture
def gate(server: Server) -> Iterator[Gate]:
    with gate_before(server) as gate:
        yield gate


def test_a_server_that_refuses_experiment_tags_costs_one_message(gate: Gate, said: list[str]) -> None:
    gate.refused = "experiments/set-experiment-tag"
    tracker = bvtrack.Tracker(tracking_uri=gate.uri, experiment="refused")
    for epoch in range(3):
        tracker.log_epoch(epoch, train_error=0.01, dev_error=0.2 - epoch / 100)
    tracker.close(timeout=1000)  # a busy machine takes long to start the process that sends
    message = said.pop()
    run = MlflowClient(gate.uri).get_run(str(tracker.run_id))

    assert message.startswith("bvtrack: MLflow refuses the saved view 'Bias and variance' (RestException: ")
    assert message.endswith("saved_view=False leaves it out); all the rest is sent")
    assert (run.info.status, run.data.tags["bvtrack.diagnosis"]) == ("FINISHED", "high_variance")
    assert "viewStateShareKey" not in run.data.tags[names.NOTE]


def test_runs_that_are_sent_together_cost_one_message_of_refused_experiment_tags(gate: Gate, journals: Path) -> None:
    gate.refused = "experiments/set-experiment-tag"
    for _ in range(3):
        tracker = bvtrack.Tracker(tracking_uri=gate.uri, experiment="sent together")
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
        tracker.close(timeout=0)
    sent = [send_journal(pending, lambda offset: None) for pending in pending_journals(journals, None)]

    assert [len(outcome.refused) for outcome in sent] == [1, 0, 0]


@pytest.mark.parametrize(
    "refusal",
    [
        (400, b'{"error_code": "INVALID_PARAMETER_VALUE", "message": "no tags here"}', "application/json"),
        (403, b"<html>Forbidden</html>", "text/html"),
        (500, b'{"error_code": "INTERNAL_ERROR", "message": "unexpected argument"}', "application/json"),
        (503, b"not now", "text/plain"),
    ],
    ids=lambda refusal: str(refusal[0]),
)
def test_a_server_that_makes_no_experiment_of_a_kind_makes_one_without(
    refusal: tuple[int, bytes, str], gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")  # as where trainings send
    gate.refused_word, gate.refusal = b"experimentKind", refusal
    header = {"experiment": f"kind of {refusal[0]}", "experiment_id": None, "run_id": None, "run_name": None, "timestamp": 1}
    writer = MlflowWriter(gate.uri, {**header, "tags": {ID: "4f1c"}, "options": {}}, None)

    assert MlflowClient(gate.uri).get_run(writer.find_run()).data.tags[ID] == "4f1c"


def test_a_training_on_a_server_ends_with_the_link_to_the_view(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "bvtrack")
    experiment_id = MlflowClient(gate.uri).create_experiment("linked")
    tracker = bvtrack.Tracker(tracking_uri=gate.uri, experiment="linked")
    tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
    tracker.close(timeout=1000)

    assert f"{gate.uri}/{names.view_page(experiment_id)}" in caplog.text


def test_an_audit_says_once_that_experiment_tags_are_refused(gate: Gate, said: list[str]) -> None:
    client = MlflowClient(gate.uri)
    for name in ("one", "another"):
        run = client.create_run(client.create_experiment(name))
        client.log_metric(run.info.run_id, "train_accuracy", 0.99)
        client.log_metric(run.info.run_id, "val_accuracy", 0.9)
    gate.refused = "experiments/set-experiment-tag"
    audited = bvtrack.audit(["one", "another"], tracking_uri=gate.uri)

    assert [one.tag for one in audited] == ["high_variance", "high_variance"]
    assert said.pop().startswith("bvtrack: MLflow refuses the saved view")


def test_the_view_costs_three_requests_in_an_experiment_and_then_one_in_each_training(
    gate: Gate, send: Callable[[], None]
) -> None:
    def n_requests(*, saved_view: bool) -> int:
        before = gate.n_requests
        train(gate.uri, saved_view=saved_view)
        send()
        return gate.n_requests - before

    n_requests(saved_view=False)  # which makes the experiment
    without, first, second = (n_requests(saved_view=is_wanted) for is_wanted in (False, True, True))

    assert (first - without, second - without) == (3, 1)

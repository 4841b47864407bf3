"""What is to be read first on a run's page is written first; a placeholder in it stays no longer than the training goes on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import memory_store
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory_store import MemoryClient, MemoryStore
from mlflow import MlflowClient
from servers import postgres

import bvtrack
from bvtrack.journal.records import TrainingRecord, make_record
from bvtrack.schema.tags import FIRST, ID, PENDING
from bvtrack.shipping.run_state import Ledger
from bvtrack.store import writer as mlflow_writer
from bvtrack.store.best_other_run import best_other_run
from bvtrack.store.bundle import Bundle

FIRST_NAMES = [tag.name for tag in FIRST]
MOST_TAGS = 15
"""Our tags that a run's page may show, so that those of the user are still seen."""
OPTIONS = {
    **{"human_error": None, "at": "best", "same_distribution": True, "source": "callback", "version": "1.2.3"},
    "measure": {"name": "1 - val_acc", "is_rate": True},
}


def record(kind: Any, **content: Any) -> TrainingRecord:
    record.n += 1  # type: ignore[attr-defined]  # a clock
    return make_record(kind, record.n, content)  # type: ignore[attr-defined]


record.n = 0  # type: ignore[attr-defined]


def epoch(number: int, dev: float = 0.11) -> TrainingRecord:
    return record("epoch", epoch=number, errors={"train": 0.01, "dev": dev}, counts={}, intervals={}, unscaled={})


class Training:
    """Sends its records as the process beside a training does, each by itself."""

    def __init__(self, uri: str, run_id: str | None = None, training_id: str = "4f1c") -> None:
        self.uri = uri
        tags = {ID: training_id, "mlflow.source.name": "train.py", "mlflow.user": "jo"}
        named = dict.fromkeys(["run_name", "experiment", "experiment_id"])
        self.header = {"timestamp": 1, "run_id": run_id, "tags": tags, "options": OPTIONS, **named}
        self.ledger = Ledger(OPTIONS)
        self.run_id = run_id
        self.start_sender()

    def start_sender(self) -> None:
        self.writer = mlflow_writer.MlflowWriter(self.uri, self.header, self.run_id)
        self.sent = Bundle()

    def send(self, *records: TrainingRecord) -> None:
        bundle = self.ledger.bundle([self.ledger.take(one) for one in records])
        self.run_id = self.writer.find_run(bundle.tags)
        self.writer.write(bundle.since(self.sent))
        self.sent = bundle

    def tags(self) -> dict[str, str]:
        """Our tags in the store's order."""
        tags = self.writer._client.get_run(self.run_id or "").data.tags
        return {name: value for name, value in tags.items() if name.startswith("bvtrack.")}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_tags_that_people_look_for_come_first_on_a_runs_page(kind: str, store: str) -> None:
    with postgres() if kind == "postgresql" else nullcontext(store) as uri:
        training = Training(uri)
        training.send(record("model", facts={"parameters": 42, "optimizer": "Adam"}))
        before = training.tags()
        training.send(epoch(0))
        for number in range(1, 4):
            training.send(epoch(number, 0.11 - number / 50))
        training.send(record("end", state="complete"))
        after = training.tags()

    assert list(before.items())[:4] == [*((name, "pending") for name in FIRST_NAMES[:3]), ("bvtrack.split", "unchecked")]
    assert list(after)[:4] == FIRST_NAMES
    assert (after["bvtrack.diagnosis"], after["bvtrack.next_step"]) == ("high_variance", "more_data")
    assert len(after) <= MOST_TAGS


def test_a_folder_of_files_has_the_same_tags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # it lists them as the file system does
    training = Training((tmp_path / "mlruns").as_uri())
    training.send(record("measure", name="1 - val_acc"))
    before = training.tags()
    training.send(epoch(0))

    assert [before[name] for name in FIRST_NAMES] == [PENDING, PENDING, PENDING, "unchecked"]
    assert training.tags()["bvtrack.diagnosis"] == "high_variance"


def test_in_a_run_of_the_users_they_come_first_among_ours(store: str) -> None:
    run_id = MlflowClient(store).create_run("0", tags={"team": "vision"}).info.run_id
    training = Training(store, run_id)
    training.send(record("measure", name="1 - val_acc"))

    assert list(training.tags())[:4] == FIRST_NAMES
    assert training.tags()["bvtrack.diagnosis"] == PENDING


def test_an_audit_writes_them_first(store: str) -> None:
    client = MlflowClient(store)
    run_id = client.create_run("0").info.run_id
    for step, (train, dev) in enumerate([(0.8, 0.8), (0.99, 0.85)]):
        client.log_metric(run_id, "train_acc", train, step=step)
        client.log_metric(run_id, "val_acc", dev, step=step)
    bvtrack.audit("Default", tracking_uri=store)

    assert [name for name in client.get_run(run_id).data.tags if name.startswith("bvtrack.")][:4] == FIRST_NAMES


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_writer, "MlflowClient", MemoryClient)


STEPS = ("epoch", "nan", "split", "trial", "model", "another sender", "resumed")
"""What may happen to a training; a resumed one begins without any of its epochs, as one that has no checkpoint."""


@given(steps=st.lists(st.sampled_from(STEPS), max_size=6), is_ours=st.booleans(), state=st.sampled_from(["complete", "failed"]))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_run_that_is_over_waits_for_a_verdict_and_none_that_had_one_waits_again(
    steps: Sequence[str], is_ours: bool, state: str, memory: None
) -> None:
    memory_store.STORE = MemoryStore()
    run_id = None if is_ours else MemoryClient().create_run("0").info.run_id
    training = Training("memory", run_id)
    said: str | None = None
    for number, step in enumerate([*steps, "end"]):
        match step:
            case "epoch" | "nan":
                training.send(epoch(number, float("nan") if step == "nan" else 0.11))
            case "split":
                training.send(record("split", counts={"train": 600, "dev": 200}, tag="ok", findings=[]))
            case "trial":
                training.send(record("trial"))
            case "model":
                training.send(record("model", facts={"parameters": number}))
            case "another sender":
                training.start_sender()
            case "resumed":
                training = Training("memory", run_id)
            case "end":
                training.send(record("end", state=state))
        if training.run_id is not None and (tags := training.tags()):
            assert next(iter(tags)) == "bvtrack.diagnosis"
            assert {"bvtrack.certainty", "bvtrack.split"} <= set(list(tags)[:4])  # a step may be taken away
            assert said is None or tags["bvtrack.diagnosis"] != PENDING
            said = said or (None if tags["bvtrack.diagnosis"] == PENDING else tags["bvtrack.diagnosis"])

    assert PENDING not in training.tags().values()
    assert len(training.tags()) <= MOST_TAGS
    if not {"epoch", "nan", "trial"} & set(steps):
        assert (training.tags()["bvtrack.diagnosis"], training.tags()["bvtrack.certainty"]) == ("undetermined", "unclear")
        assert "bvtrack.next_step" not in training.tags()


@pytest.mark.parametrize("is_ours", [True, False])
def test_placeholders_cost_no_request_of_their_own(is_ours: bool, memory: None) -> None:
    memory_store.STORE = MemoryStore(calls_until_it_fails=1000)
    training = Training("memory", None if is_ours else MemoryClient().create_run("0").info.run_id)
    before = memory_store.STORE.calls_until_it_fails
    training.send(record("measure", name="1 - val_acc"))
    n_requests = before - memory_store.STORE.calls_until_it_fails
    of_ours = ["search for the run", "create it", "tags"]
    of_others = ["the run as it is", "tags"]

    assert n_requests == len(of_ours if is_ours else of_others)


def test_a_run_that_waits_has_no_verdict_for_anybody(store: str) -> None:
    waiting = Training(store, training_id="1")
    waiting.send(record("measure", name="1 - val_acc"))
    audited = bvtrack.audit("Default", tracking_uri=store)

    assert [(one.tag, one.reason, one.states) for one in audited] == [(None, "no verdict yet", ())]
    assert best_other_run(MlflowClient(store), waiting.run_id or "", dev_digest="", measure=None) is None
    assert waiting.tags()["bvtrack.diagnosis"] == PENDING


def test_an_audit_of_another_version_reads_a_run_again(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = MlflowClient(store)
    run_id = client.create_run("0").info.run_id
    client.log_metric(run_id, "train_acc", 0.99)
    client.log_metric(run_id, "val_acc", 0.85)
    bvtrack.audit("Default", tracking_uri=store)
    (same,) = bvtrack.audit("Default", tracking_uri=store)
    monkeypatch.setattr("bvtrack.auditing.judge.__version__", "99.0")
    (again,) = bvtrack.audit("Default", tracking_uri=store)

    assert (same.is_changed, again.is_changed) == (False, True)

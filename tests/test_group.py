"""`bvtrack.group`: trainings as the nested runs of one parent, which is tagged with the verdict over them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from servers import PATIENCE_SECONDS

import bvtrack
from bvtrack.store.run_group import VARIABLE, current_group

ERRORS = (0.108, 0.112, 0.116)


def train(dev_error: float = 0.11, **options: object) -> bvtrack.Tracker:
    with bvtrack.Tracker(summary=False, **options) as tracker:  # type: ignore[arg-type]  # a Tracker's own
        tracker.log_split(train=6000, dev=500, test=500)
        tracker.log_epoch(0, train_error=0.01, dev_error=dev_error)
    return tracker


def train_on(n_train: int) -> None:
    with bvtrack.Tracker(summary=False) as tracker:
        tracker.log_split(train=n_train, dev=500)
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11)


def train_three(group: bvtrack.group) -> None:
    for seed, dev_error in enumerate(ERRORS):
        with group.repeat(seed=seed):
            train(dev_error)


def runs_of(store: str) -> tuple[list[Run], list[Run]]:
    """The runs that are nested in none, and those that are in one, each the oldest first."""
    found = MlflowClient(store).search_runs(["0"], order_by=["start_time ASC"])
    children = [run for run in found if "mlflow.parentRunId" in run.data.tags]
    return [run for run in found if run not in children], children


@pytest.fixture
def used(store: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The store, as the one that MLflow and Trackers write to."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setenv("BVTRACK_REPORT", "0")
    return store


def test_trainings_in_a_group_are_nested_in_one_parent_with_the_verdict_over_them(used: str, send: Callable[[], None]) -> None:
    with bvtrack.group("wide") as wide:
        train_three(wide)
    send()
    (parent,), children = runs_of(used)

    assert {child.data.tags["mlflow.parentRunId"] for child in children} == {parent.info.run_id}
    assert [child.data.tags["bvtrack.group"] for child in children] == ["wide"] * 3
    assert [child.data.tags["seed"] for child in children] == ["0", "1", "2"]
    assert children[0].info.run_name == "wide, seed 0"
    assert parent.info.run_name == "wide"
    assert parent.data.tags["bvtrack.diagnosis"] == "high_variance"
    assert parent.data.tags["bvtrack.repeats"] == "3 seeds: dev 11.2 ± 0.4 %"
    assert parent.data.tags["bvtrack.source"] == "group"
    assert parent.data.metrics["bvtrack/verdict/dev_error"] == pytest.approx(0.112)
    assert parent.info.status == "FINISHED"


def test_the_parents_verdict_arrives_with_that_of_its_last_training(used: str) -> None:
    with bvtrack.group("wide") as wide:
        train_three(wide)

        assert wide.wait()
    (parent,), _ = runs_of(used)

    assert parent.data.tags["bvtrack.repeats"].startswith("3 seeds: ")


def test_trainings_on_ever_more_data_are_no_repeats(used: str, send: Callable[[], None]) -> None:
    with bvtrack.group("wide"):
        train_on(1000)
        train_on(6000)
    send()
    (parent,), _ = runs_of(used)

    assert "bvtrack.repeats" not in parent.data.tags


def test_nothing_is_asked_of_a_store_within_a_group(journals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("BVTRACK_WAIT", "0")
    with bvtrack.group("wide") as wide, wide.repeat(seed=1):
        tracker = bvtrack.Tracker(summary=False)
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
        tracker.close(timeout=0)

    assert len(list(journals.iterdir())) == 1


def test_two_groups_have_parents_of_their_own(used: str, send: Callable[[], None]) -> None:
    for name in ("wide", "small"):
        with bvtrack.group(name) as group:
            train_three(group)
    send()
    parents, children = runs_of(used)

    assert [parent.info.run_name for parent in parents] == ["wide", "small"]
    assert [child.data.tags["mlflow.parentRunId"] for child in children] == [p.info.run_id for p in parents for _ in ERRORS]
    assert [found.name for found in bvtrack.configurations("Default")] == ["wide", "small"]


def test_the_active_run_is_the_parent_and_keeps_its_status(used: str, send: Callable[[], None]) -> None:
    with mlflow.start_run(run_name="mine") as mine, bvtrack.group("wide") as wide:
        train_three(wide)
        send()

        assert MlflowClient(used).get_run(mine.info.run_id).info.status == "RUNNING"
    (parent,), children = runs_of(used)

    assert parent.info.run_id == mine.info.run_id
    assert parent.data.tags["bvtrack.repeats"].startswith("3 seeds: ")
    assert len(children) == 3


def test_nested_runs_of_the_users_own_are_used_and_stay_where_they_are(used: str, send: Callable[[], None]) -> None:
    with mlflow.start_run() as mine, bvtrack.group("wide"):
        for dev_error in ERRORS:
            with mlflow.start_run(nested=True):
                train(dev_error)
    send()
    (parent,), children = runs_of(used)

    assert parent.info.run_id == mine.info.run_id
    assert len(children) == 3
    assert {child.data.tags["bvtrack.group"] for child in children} == {"wide"}
    assert parent.data.tags["bvtrack.repeats"].startswith("3 repeats: ")


def test_a_run_that_is_active_in_a_group_becomes_a_child_of_its_parent(used: str, send: Callable[[], None]) -> None:
    with bvtrack.group("wide"):
        for dev_error in ERRORS:
            with mlflow.start_run():
                train(dev_error)
    send()
    (parent,), children = runs_of(used)

    assert parent.info.run_name == "wide"
    assert len(children) == 3


def test_a_training_that_raises_ends_the_group_and_its_parent_as_failed(used: str, send: Callable[[], None]) -> None:
    def train_four() -> None:
        with bvtrack.group("wide") as wide:
            train_three(wide)
            with bvtrack.Tracker(summary=False) as tracker:
                tracker.log_epoch(0, train_error=0.5, dev_error=0.5)
                raise RuntimeError

    with pytest.raises(RuntimeError):
        train_four()
    send()
    (parent,), _ = runs_of(used)

    assert parent.info.status == "FAILED"
    assert parent.data.tags["bvtrack.repeats"].startswith("3 seeds: ")
    assert current_group() is None


def test_trainings_that_differ_in_more_than_a_seed_give_their_parent_no_verdict(used: str, send: Callable[[], None]) -> None:
    with bvtrack.group("sweep"):
        for rate in (0.1, 0.2, 0.3):
            with bvtrack.Tracker(summary=False) as tracker:
                tracker.log_model(bvtrack.ModelFacts(optimizer="SGD", learning_rate=rate))
                tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
    send()
    (parent,), _ = runs_of(used)

    assert "bvtrack.diagnosis" not in parent.data.tags


def test_a_parent_with_a_verdict_of_its_own_keeps_it(used: str, send: Callable[[], None]) -> None:
    with mlflow.start_run():
        with bvtrack.Tracker(summary=False) as tracker:
            tracker.log_epoch(0, train_error=0.3, dev_error=0.31)
        with bvtrack.group("wide") as wide:
            train_three(wide)
    send()
    (parent,), _ = runs_of(used)

    assert parent.data.tags["bvtrack.diagnosis"] == "high_bias"
    assert "bvtrack.repeats" not in parent.data.tags


def test_threads_that_are_started_in_a_group_are_of_it(used: str, send: Callable[[], None]) -> None:
    with bvtrack.group("wide"):
        threads = [threading.Thread(target=train, args=(dev_error,)) for dev_error in ERRORS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    send()
    parents, children = runs_of(used)

    assert (len(parents), len(children)) == (1, 3)


def test_groups_in_two_threads_at_once_are_two(used: str, send: Callable[[], None]) -> None:
    both_open = threading.Barrier(2)

    def work(name: str) -> None:
        with bvtrack.group(name) as group:
            both_open.wait(PATIENCE_SECONDS)
            train_three(group)
            both_open.wait(PATIENCE_SECONDS)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("wide", "small")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    send()
    _, children = runs_of(used)

    assert sorted(child.data.tags["bvtrack.group"] for child in children) == ["small"] * 3 + ["wide"] * 3
    assert VARIABLE not in os.environ


IN_A_PROCESS = """
import bvtrack
with bvtrack.group("wide"), bvtrack.Tracker(summary=False) as tracker:
    tracker.log_epoch(0, train_error=0.01, dev_error={dev_error})
"""


def test_processes_that_are_started_in_a_group_share_its_parent(used: str) -> None:
    with bvtrack.group("wide"):
        processes = [subprocess.Popen([sys.executable, "-c", IN_A_PROCESS.format(dev_error=error)]) for error in ERRORS[:2]]

        assert [process.wait(PATIENCE_SECONDS) for process in processes] == [0, 0]
    (parent,), children = runs_of(used)

    assert len(children) == 2
    assert parent.data.tags["bvtrack.repeats"].startswith("2 repeats: ")


def test_a_training_in_another_store_is_not_nested(
    store: str, tmp_path: Path, empty_store: Path, send: Callable[[], None]
) -> None:
    other = tmp_path / "other.db"
    other.write_bytes(empty_store.read_bytes())
    with bvtrack.group("wide", tracking_uri=store):
        train(tracking_uri=f"sqlite:///{other}")
    send()
    (run,), children = runs_of(f"sqlite:///{other}")

    assert "bvtrack.group" not in run.data.tags
    assert children == []


def test_a_group_names_the_store_and_experiment_of_its_trainings(
    store: str, send: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BVTRACK_REPORT", "0")
    with bvtrack.group("wide", tracking_uri=store, experiment="repeats") as wide:
        train_three(wide)
    send()

    (found,) = bvtrack.configurations("repeats", tracking_uri=store)
    assert str(found) == "wide: 3 seeds: dev 11.2 ± 0.4 %; high_variance (certain)"


@pytest.mark.parametrize("name", ["", "  "])
def test_a_group_wants_a_name(name: str) -> None:
    with pytest.raises(ValueError, match="has the name of a configuration"):
        bvtrack.group(name)


@pytest.mark.parametrize("labels", [{}, {"lr": 0.1}, {"seed": "wide"}, {"n_folds": 5}])
def test_a_repeat_is_labelled_by_nothing_but_seed_and_fold(labels: dict[str, object]) -> None:
    with bvtrack.group("wide") as wide, pytest.raises(ValueError, match="labelled by seed=1, fold=1"), wide.repeat(**labels):
        pass


def test_a_repeat_is_within_its_group() -> None:
    with pytest.raises(ValueError, match=r"within `with bvtrack.group\('wide'\)`"), bvtrack.group("wide").repeat(seed=1):
        pass


@pytest.mark.parametrize("text", ["wide", "{}", "[1]", '{"id": 1}'])
def test_a_variable_that_somebody_else_has_set_is_no_group(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, text)

    assert current_group() is None

"""The experiment's other runs as evidence: found on a real store, and said in the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient

import bvtrack
from bvtrack.store.best_other_run import best_other_run

GENERATOR = np.random.default_rng(0)
TRAIN, DEV, OTHER_DEV = (GENERATOR.normal(size=(n, 3)) for n in (200, 100, 100))


Log = Callable[..., str]


@pytest.fixture
def log_run(store: str, send: Callable[[], None]) -> Log:
    """Logs a run with a dev error into the experiment `e`, and gives its id."""

    def log(name: str, dev_error: float, *, dev: Any = DEV, params: dict[str, str] | None = None, **options: Any) -> str:
        model = options.pop("model", bvtrack.ModelFacts())
        with bvtrack.Tracker(tracking_uri=store, experiment="e", run_name=name, **options) as tracker:
            tracker.log_split(train=TRAIN, dev=dev)
            tracker.log_model(model)
            for epoch in range(3):
                tracker.log_epoch(epoch, train_error=dev_error / 10, dev_error=dev_error)
        send()
        client = MlflowClient(store)
        experiment = client.get_experiment_by_name("e")
        assert experiment is not None
        (run,) = client.search_runs([experiment.experiment_id], f"attributes.run_name = '{name}'")
        for key, value in (params or {}).items():
            client.log_param(run.info.run_id, key, value)
        return str(run.info.run_id)

    return log


def tags_of(store: str, run_id: str) -> dict[str, str]:
    tags: dict[str, str] = MlflowClient(store).get_run(run_id).data.tags
    return tags


def best_for(store: str, run_id: str) -> bvtrack.OtherRun | None:
    run = MlflowClient(store).get_run(run_id)
    assert run.inputs is not None
    (digest,) = {each.dataset.digest for each in run.inputs.dataset_inputs if each.dataset.name == "dev"}
    return best_other_run(MlflowClient(store), run_id, dev_digest=digest, measure=run.data.tags.get("bvtrack.measure"))


def test_the_best_other_run_on_the_same_dev_set_is_found_with_what_differs(store: str, log_run: Log) -> None:
    big, small = (bvtrack.ModelFacts(parameters=n, optimizer="Adam", batch_norm=n > 500) for n in (1000, 10))
    log_run("worse", 0.2)
    log_run("better", 0.08, params={"width": "64"}, model=big)
    run_id = log_run("mine", 0.11, params={"width": "4"}, model=small)

    best = best_for(store, run_id)

    assert best is not None
    assert (best.name, best.dev_error, best.model) == ("better", 0.08, big)
    assert best.differences == {"width": ("64", "4"), "parameters": ("1000", "10"), "batch_norm": ("True", "False")}


def test_the_note_names_the_better_run_and_the_tag_stays(store: str, log_run: Log) -> None:
    log_run("better *run*", 0.04, params={"width": "64"})
    run_id = log_run("mine", 0.11)
    tags = tags_of(store, run_id)

    assert "The experiment's best other run on this dev set, better \\*run\\*, makes 4.0 %" in tags["mlflow.note.content"]
    assert "It differs in width (64 there, none here)" in tags["mlflow.note.content"]
    assert tags["bvtrack.diagnosis"] == "high_variance"
    assert tags["bvtrack.baseline"] == "zero"


@pytest.mark.parametrize(
    "options",
    [
        {"dev": OTHER_DEV},
        {"measure": bvtrack.Measure("val_f1", higher_is_better=True)},
        {"dev": len(DEV)},
    ],
    ids=["another dev set", "another measure", "a dev set that was only counted"],
)
def test_runs_that_cannot_be_compared_are_left_out(store: str, log_run: Log, options: dict[str, Any]) -> None:
    log_run("other", 0.04, **options)

    assert best_for(store, log_run("mine", 0.11)) is None


def test_a_run_that_does_not_learn_is_no_better_one(store: str, log_run: Log) -> None:
    other = log_run("other", 0.01)
    MlflowClient(store).set_tag(other, "bvtrack.diagnosis", "not_learning")

    assert best_for(store, log_run("mine", 0.11)) is None


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "{}", '{"errors":{"dev":null}}', '{"errors":{"dev":"dev"}}'])
def test_a_tag_that_somebody_else_has_written_is_left_out(store: str, log_run: Log, text: str) -> None:
    other = log_run("other", 0.04)
    MlflowClient(store).set_tag(other, "bvtrack.gaps", text)

    assert best_for(store, log_run("mine", 0.11)) is None


def test_a_first_run_has_no_other(store: str, log_run: Log) -> None:
    assert best_for(store, log_run("mine", 0.11)) is None


def test_what_hinders_a_look_at_other_runs_holds_up_nothing(store: str, log_run: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log_run("other", 0.04)
    monkeypatch.setattr("bvtrack.store.writer.best_other_run", _refuse)
    tags = tags_of(store, log_run("mine", 0.11))

    assert tags["bvtrack.state"] == "complete"
    assert "best other run" not in tags["mlflow.note.content"]


def _refuse(*_: Any, **__: Any) -> None:
    raise RuntimeError("no")


def test_dev_sets_that_were_only_counted_are_not_taken_for_the_same(store: str, log_run: Log) -> None:
    log_run("other", 0.04, dev=len(DEV))
    tags = tags_of(store, log_run("mine", 0.11, dev=len(DEV)))

    assert "best other run" not in tags["mlflow.note.content"]

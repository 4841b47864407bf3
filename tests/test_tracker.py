from __future__ import annotations

import copy
import gc
import json
import math
import weakref
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

import bvtrack
from bvtrack.journal.journal import Journal
from bvtrack.journal.record_line import Record


def read_run(store: str, tracker: bvtrack.Tracker) -> Run:
    assert tracker.run_id is not None
    return MlflowClient(store).get_run(tracker.run_id)


def read_artifact(store: str, tracker: bvtrack.Tracker, path: str) -> dict[str, object]:
    assert tracker.run_id is not None
    content = Path(MlflowClient(store).download_artifacts(tracker.run_id, path)).read_text()
    return dict(json.loads(content))


def two_epochs(tracker: bvtrack.Tracker) -> None:
    tracker.log_epoch(0, train_error=0.30, dev_error=0.40, test_error=0.41, train_error_running=0.5)
    tracker.log_epoch(1, train_error=0.01, dev_error=0.11, test_error=0.12)


def random_split(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 3)), rng.integers(0, 4, n)


def test_a_run_gets_the_errors_and_gaps_of_each_epoch_as_metrics(store: str) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        two_epochs(tracker)
    client = MlflowClient(store)

    assert tracker.run_id is not None
    dev = client.get_metric_history(tracker.run_id, "bvtrack/dev_error")
    assert [(point.step, point.value) for point in dev] == [(0, 0.40), (1, 0.11)]
    metrics = client.get_run(tracker.run_id).data.metrics
    assert metrics["bvtrack/train_error_running"] == 0.5
    assert metrics["bvtrack/variance"] == pytest.approx(0.10)
    assert metrics["bvtrack/avoidable_bias"] == pytest.approx(0.01)
    assert metrics["bvtrack/dev_overfit"] == pytest.approx(0.01)


def test_a_run_gets_every_tag_that_applies(store: str) -> None:
    with bvtrack.Tracker(tracking_uri=store, human_error=0.005, measure="val_acc") as tracker:
        tracker.log_model(bvtrack.ModelFacts(parameters=12, optimizer="Adam", learning_rate=1e-3, dropout=0.0))
        tracker.log_split(train=6000, dev=2000, test=2000)
        two_epochs(tracker)
    tags = {key: value for key, value in read_run(store, tracker).data.tags.items() if key.startswith("bvtrack.")}

    gaps = json.loads(tags.pop("bvtrack.gaps"))
    assert gaps["gaps"]["variance"][0] == 0.1
    assert gaps["n"] == {"train": 6000, "dev": 2000, "test": 2000}
    assert len(tags.pop("bvtrack.id")) == 32
    assert tags == {
        "bvtrack.diagnosis": "high_variance",
        "bvtrack.certainty": "certain",
        "bvtrack.curve": "learning",
        "bvtrack.next_step": "more_data",
        "bvtrack.epoch": "1",
        "bvtrack.baseline": "given",
        "bvtrack.split": "ok",
        "bvtrack.distribution": "unchecked",
        "bvtrack.measure": "1 - val_acc",
        "bvtrack.model": '{"parameters":12,"optimizer":"Adam","learning_rate":0.001,"dropout":0.0}',
        "bvtrack.source": "tracker",
        "bvtrack.state": "complete",
    }


def test_runs_are_found_by_their_diagnosis(store: str) -> None:
    with bvtrack.Tracker(tracking_uri=store) as variance:
        variance.log_epoch(0, train_error=0.01, dev_error=0.11)
    with bvtrack.Tracker(tracking_uri=store) as both:
        both.log_epoch(0, train_error=0.15, dev_error=0.30)
    with bvtrack.Tracker(tracking_uri=store) as bias:
        bias.log_epoch(0, train_error=0.15, dev_error=0.16)
    found = MlflowClient(store).search_runs(["0"], "tags.`bvtrack.diagnosis` LIKE '%high_variance%'")

    assert {run.info.run_id for run in found} == {variance.run_id, both.run_id}


def test_the_description_begins_with_the_verdict_and_keeps_the_users_text(store: str) -> None:
    client = MlflowClient(store)
    run_id = client.create_run("0", tags={"mlflow.note.content": "my own words"}).info.run_id
    with bvtrack.Tracker(run_id, tracking_uri=store) as tracker:
        two_epochs(tracker)
    with bvtrack.Tracker(run_id, tracking_uri=store) as tracker:
        tracker.log_epoch(2, train_error=0.15, dev_error=0.16)
    note = client.get_run(run_id).data.tags["mlflow.note.content"]

    assert note.startswith("High bias (likely): train a bigger network")
    assert note.endswith("my own words")
    assert note.count("my own words") == 1
    assert "High variance" not in note


def test_the_diagnosis_is_kept_as_a_file(store: str) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        two_epochs(tracker)
    content = read_artifact(store, tracker, "bvtrack/diagnosis.json")

    assert content["epoch"] == 1
    assert content["diagnosis"]["tag"] == "high_variance"  # type: ignore[index]  # JSON
    assert content["version"] == bvtrack.__version__


def test_splits_are_logged_as_datasets_with_counts_and_classes(store: str) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_split(train=random_split(600, 0), dev=random_split(200, 1), test=random_split(200, 2))
    inputs = read_run(store, tracker).inputs
    assert inputs is not None
    tags = {entry.dataset.name: {tag.key: tag.value for tag in entry.tags} for entry in inputs.dataset_inputs}

    assert {name: found["mlflow.data.context"] for name, found in tags.items()} == {name: name for name in tags}
    assert {name: found["bvtrack.n"] for name, found in tags.items()} == {"train": "600", "dev": "200", "test": "200"}
    assert sum(json.loads(tags["dev"]["bvtrack.class_counts"]).values()) == 200


def test_a_shifted_dev_set_is_tagged(store: str, said: list[str]) -> None:
    features, classes = random_split(2000, 1)
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_split(train=random_split(6000, 0), dev=(features + 0.5, classes), test=random_split(2000, 2))
        two_epochs(tracker)
    run = read_run(store, tracker)
    splits = read_artifact(store, tracker, "bvtrack/splits.json")

    assert run.data.tags["bvtrack.distribution"] == "shifted"
    assert "dev and test differ in feature" in run.data.tags["mlflow.note.content"]
    assert splits["read"] == {"train": 6000, "dev": 2000, "test": 2000}
    assert all("dev and test differ in feature" in message.lower() for message in said)
    said.clear()


def test_a_tag_that_no_longer_applies_is_taken_away(store: str, said: list[str]) -> None:
    with bvtrack.Tracker(tracking_uri=store, at="last") as tracker:
        tracker.log_epoch(0, train_error=0.15, dev_error=0.30)
        tracker.log_epoch(1, train_error=float("nan"))
    tags = read_run(store, tracker).data.tags

    assert tags["bvtrack.diagnosis"] == "diverged"
    assert "bvtrack.gaps" not in tags
    assert said.pop() == "bvtrack: train_error must be a finite number; got nan: the run is tagged as diverged"


def test_the_tags_speak_of_the_best_epoch(store: str) -> None:
    tracker = bvtrack.Tracker(tracking_uri=store)
    tracker.log_epoch(0, train_error=0.10, dev_error=0.12)
    tracker.log_epoch(1, train_error=0.05, dev_error=0.20)
    tracker.close()

    assert read_run(store, tracker).data.tags["bvtrack.epoch"] == "0"
    assert tracker.diagnosis is not None
    assert tracker.diagnosis.tag == "high_bias"


def test_a_test_error_that_comes_later_stands_at_the_best_epoch(store: str) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_epoch(0, train_error=0.01, dev_error=0.012)
        tracker.log_epoch(1, train_error=0.01, dev_error=0.03)
        tracker.log_test(0.18)
    assert tracker.run_id is not None
    points = MlflowClient(store).get_metric_history(tracker.run_id, "bvtrack/test_error")

    assert [(point.step, point.value) for point in points] == [(0, 0.18)]
    assert tracker.diagnosis is not None
    assert tracker.diagnosis.tag == "dev_overfit"


def test_a_test_error_can_come_after_the_end(store: str) -> None:
    tracker = bvtrack.Tracker(tracking_uri=store)
    tracker.log_split(train=600, dev=200, test=200)
    two_epochs(tracker)
    tracker.close()
    tracker.log_test(0.4, n_test=100)
    assert tracker.run_id is not None
    run, client = read_run(store, tracker), MlflowClient(store)

    assert run.data.metrics["bvtrack/test_error"] == 0.4
    assert json.loads(run.data.tags["bvtrack.gaps"])["n"]["test"] == 100
    assert run.data.tags["bvtrack.diagnosis"] == "high_variance+dev_overfit"
    assert (run.data.tags["bvtrack.state"], run.info.status) == ("complete", "FINISHED")
    assert len(client.get_metric_history(tracker.run_id, "bvtrack/dev_error")) == 2
    assert run.inputs is not None
    assert len(run.inputs.dataset_inputs) == 3


def test_a_test_error_after_the_end_of_a_long_training_sends_the_epochs_that_are_kept_of_it(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = bvtrack.Tracker(tracking_uri=store)
    for epoch in range(1_500):
        tracker.log_epoch(epoch, train_error=0.01, dev_error=0.01 + 0.1 / (epoch + 1))
    tracker.close(timeout=1000)
    appended: list[Record] = []
    append = Journal.append

    def noted(journal: Journal, *records: Record) -> None:
        appended.extend(records)
        append(journal, *records)

    monkeypatch.setattr(Journal, "append", noted)
    tracker.log_test(0.4)
    assert tracker.run_id is not None
    run, client = read_run(store, tracker), MlflowClient(store)

    assert len(appended) < 600
    assert run.data.metrics["bvtrack/test_error"] == 0.4
    assert (run.data.tags["bvtrack.epoch"], run.data.tags["bvtrack.diagnosis"]) == ("1499", "dev_overfit")
    assert (run.data.tags["bvtrack.state"], run.info.status) == ("complete", "FINISHED")
    assert len(client.get_metric_history(tracker.run_id, "bvtrack/dev_error")) == 1_500


def test_what_is_in_the_journal_does_not_wait_in_memory(store: str) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        two_epochs(tracker)

        assert tracker._logbook._waiting == []


def test_a_tracker_that_nothing_names_any_more_leaves_its_journal_at_once(store: str, journals: Path) -> None:
    tracker = bvtrack.Tracker(tracking_uri=store, journal_dir=journals)
    tracker.log_split(train=random_split(200, 0), dev=random_split(100, 1))
    seen = weakref.ref(tracker)
    gc.disable()
    try:
        del tracker
        is_gone = seen() is None
    finally:
        gc.enable()

    assert is_gone


def test_a_copy_of_a_tracker_says_nothing_and_changes_nothing_of_it(store: str, said: list[str]) -> None:
    tracker = bvtrack.Tracker(tracking_uri=store, measure="val_error")
    other = copy.copy(tracker)
    other.choose_measure(["val_acc"])
    other.is_fraction("dev_error", 11.0)

    assert said == []
    assert tracker.measure is not None
    assert tracker.measure.name == "val_error"
    assert tracker.is_fraction("dev_error", 0.11)


def test_an_error_that_is_no_number_is_said_once_and_means_diverged(store: str, said: list[str]) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_epoch(0, train_error=0.5, dev_error=0.5)
        tracker.log_epoch(1, train_error=math.nan, dev_error=0.9)
        tracker.log_epoch(2, train_error=math.nan, dev_error=0.9)
    tags = read_run(store, tracker).data.tags

    assert tags["bvtrack.diagnosis"] == "diverged"
    assert tags["bvtrack.next_step"] == "fix_training"
    assert said == ["bvtrack: train_error must be a finite number; got nan: the run is tagged as diverged"]
    said.clear()


def test_an_error_outside_its_range_is_said_and_left_out(store: str, said: list[str]) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_epoch(0, train_error=0.01, dev_error=11.0)
    metrics = read_run(store, tracker).data.metrics

    assert "bvtrack/dev_error" not in metrics
    assert metrics["bvtrack/train_error"] == 0.01
    assert said == [
        "bvtrack: dev_error must be a fraction in [0, 1]; got 11, so all errors are left out from now on: 11 % is 0.11"
    ]
    said.clear()


def test_errors_in_percent_stay_left_out_when_they_fall_below_one(store: str, said: list[str]) -> None:
    with bvtrack.Tracker(tracking_uri=store, measure="val_error") as tracker:
        tracker.log_split(train=60_000, dev=10_000)
        for epoch, (train, dev) in enumerate([(20, 25), (5, 6), (0.8, 0.9), (0.5, 0.8)]):
            tracker.log_epoch(epoch, train_error=train, dev_error=dev)

    assert read_run(store, tracker).data.tags["bvtrack.diagnosis"] == "undetermined"
    assert said.pop().startswith("bvtrack: train_error (val_error) must be a fraction in [0, 1]; got 20")


def test_errors_with_units_are_divided_by_what_the_best_constant_makes(store: str) -> None:
    y = np.arange(100.0)
    with bvtrack.Tracker(tracking_uri=store, measure="val_rmse") as tracker:
        tracker.log_split(train=(np.ones((100, 1)), y), dev=(np.ones((50, 1)), y[::2]))
        tracker.log_epoch(0, train_error=2.0, dev_error=12.0)
    run = read_run(store, tracker)

    assert run.data.metrics["bvtrack/dev_error"] == pytest.approx(12 / y.std(), abs=1e-6)
    assert run.data.metrics["bvtrack/dev_error_unscaled"] == 12
    assert read_artifact(store, tracker, "bvtrack/diagnosis.json")["chance_error"] == 1
    assert run.data.tags["bvtrack.measure"] == "val_rmse / 28.87 (best constant)"
    assert run.data.tags["bvtrack.certainty"] == "likely"


def test_errors_with_units_and_no_targets_are_left_out_with_a_reason(store: str, said: list[str]) -> None:
    with bvtrack.Tracker(tracking_uri=store, measure="val_rmse") as tracker:
        tracker.log_split(train=100, dev=50)
        tracker.log_epoch(0, train_error=2.0, dev_error=12.0)

    assert read_run(store, tracker).data.tags["bvtrack.diagnosis"] == "undetermined"
    assert said.pop().startswith("bvtrack: expected the training targets to bring val_rmse to a fraction, got none")


def test_a_bare_loss_is_at_most_likely(store: str) -> None:
    labels = np.repeat(np.arange(10), 50)
    with bvtrack.Tracker(tracking_uri=store, measure="val_loss") as tracker:
        tracker.log_split(train=(np.ones((500, 1)), labels), dev=(np.ones((500, 1)), labels))
        tracker.log_epoch(0, train_error=0.01, dev_error=0.4)
    run = read_run(store, tracker)

    assert run.data.metrics["bvtrack/dev_error"] == pytest.approx(1 - math.exp(-0.4), abs=1e-6)
    assert read_artifact(store, tracker, "bvtrack/diagnosis.json")["chance_error"] == pytest.approx(0.9, abs=1e-6)
    assert (run.data.tags["bvtrack.diagnosis"], run.data.tags["bvtrack.certainty"]) == ("high_variance", "likely")
    assert run.data.tags["bvtrack.measure"] == "1 - exp(-val_loss) (a bare loss)"


def test_intervals_make_a_verdict_on_a_score_certain(store: str) -> None:
    intervals = {"train": (0.0, 0.02), "dev": (0.18, 0.22)}
    with bvtrack.Tracker(tracking_uri=store, measure="val_f1") as tracker:
        tracker.log_epoch(0, train_error=0.01, dev_error=0.2, intervals=intervals)
    tags = read_run(store, tracker).data.tags

    assert (tags["bvtrack.diagnosis"], tags["bvtrack.certainty"]) == ("high_variance", "certain")


def test_the_error_of_guessing_stands_in_the_diagnosis_and_not_among_the_metrics(store: str) -> None:
    labels = np.repeat([0, 1], [30, 70])
    with bvtrack.Tracker(tracking_uri=store, measure="val_acc") as tracker:
        tracker.log_split(train=(np.ones((100, 1)), labels), dev=(np.ones((100, 1)), labels))
        two_epochs(tracker)

    assert read_artifact(store, tracker, "bvtrack/diagnosis.json")["chance_error"] == 0.3
    assert "bvtrack/chance_error" not in read_run(store, tracker).data.metrics


def test_a_training_that_is_resumed_goes_on_with_its_own_run(store: str) -> None:
    with bvtrack.Tracker(tracking_uri=store) as first:
        first.log_epoch(0, train_error=0.01, dev_error=0.11)
        state = json.loads(json.dumps(first.state()))
        first.log_epoch(1, train_error=0.01, dev_error=0.20)
    with bvtrack.Tracker(tracking_uri=store, resume=state) as second:
        second.log_epoch(1, train_error=0.01, dev_error=0.12)
    run = read_run(store, second)

    assert second.run_id == first.run_id
    assert run.info.status == "FINISHED"
    assert run.data.tags["bvtrack.epoch"] == "0"
    assert len(MlflowClient(store).search_runs(["0"])) == 1
    history = MlflowClient(store).get_metric_history(run.info.run_id, "bvtrack/dev_error")
    assert [(point.step, point.value) for point in history] == [(0, 0.11), (1, 0.20), (1, 0.12)]


def test_a_state_of_another_run_is_not_mixed_into_a_run_that_was_named(store: str) -> None:
    with bvtrack.Tracker(tracking_uri=store) as first:
        first.log_epoch(0, train_error=0.01, dev_error=0.01)
    other = MlflowClient(store).create_run("0").info.run_id
    with bvtrack.Tracker(run_id=other, tracking_uri=store, resume=first.state()) as second:
        second.log_epoch(3, train_error=0.01, dev_error=0.11)

    assert read_run(store, second).data.tags["bvtrack.epoch"] == "3"


def test_a_tracker_that_is_not_enabled_writes_and_says_nothing(store: str, tmp_path: Path) -> None:
    with bvtrack.Tracker(tracking_uri=store, enabled=False) as tracker:
        tracker.log_epoch(0, train_error=0.01, dev_error=11.0)

    assert tracker.diagnosis is not None
    assert not (tmp_path / "journals").exists()


@pytest.mark.parametrize("count", [0, -5])
def test_a_count_that_cannot_be_is_said_and_the_training_goes_on(store: str, said: list[str], count: int) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_split(train=1000, dev=count)
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11)

    assert read_run(store, tracker).data.tags["bvtrack.split"] == "unchecked"
    assert len(said) == 1
    assert "a split must have at least 1 example" in said.pop()


def test_a_bad_count_of_an_epoch_is_said_and_costs_only_the_interval(store: str, said: list[str]) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11, n_dev=-5)

    assert read_run(store, tracker).data.metrics["bvtrack/dev_error"] == 0.11
    assert said == ["bvtrack: n_dev must be a whole number of examples, at least 1; got -5, which is left out"]
    said.clear()


def test_a_model_that_only_guesses_is_not_learning(store: str) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_split(train=random_split(600, 0), dev=random_split(200, 1))
        tracker.log_epoch(0, train_error=0.76, dev_error=0.75)
        tracker.log_epoch(1, train_error=0.75, dev_error=0.76)

    assert read_run(store, tracker).data.tags["bvtrack.diagnosis"] == "not_learning"


def test_an_active_run_is_used_and_keeps_its_status(store: str) -> None:
    mlflow.set_tracking_uri(store)
    with mlflow.start_run() as run:
        with bvtrack.Tracker() as tracker:
            two_epochs(tracker)
        status = MlflowClient(store).get_run(run.info.run_id).info.status

    assert tracker.run_id == run.info.run_id
    assert status == "RUNNING"


def test_the_run_in_the_environment_is_used(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = MlflowClient(store).create_run("0").info.run_id
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    with bvtrack.Tracker() as tracker:
        two_epochs(tracker)

    assert tracker.run_id == run_id
    assert read_run(store, tracker).data.tags["bvtrack.diagnosis"] == "high_variance"


def test_a_run_of_our_own_goes_to_the_named_experiment_and_is_finished(store: str) -> None:
    with bvtrack.Tracker(tracking_uri=store, experiment="mine", run_name="first") as tracker:
        two_epochs(tracker)
    run = read_run(store, tracker)
    experiment = MlflowClient(store).get_experiment_by_name("mine")

    assert experiment is not None
    assert run.info.experiment_id == experiment.experiment_id
    assert run.info.run_name == "first"
    assert run.info.status == "FINISHED"


def test_a_loop_that_raises_marks_its_run_as_failed(store: str) -> None:
    tracker = bvtrack.Tracker(tracking_uri=store)

    def loop() -> None:
        with tracker:
            two_epochs(tracker)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        loop()
    run = read_run(store, tracker)

    assert run.data.tags["bvtrack.state"] == "failed"
    assert run.info.status == "FAILED"


def test_a_closed_tracker_says_so_and_raises_nothing(store: str, said: list[str]) -> None:
    tracker = bvtrack.Tracker(tracking_uri=store)
    two_epochs(tracker)
    tracker.close()
    tracker.close()
    tracker.log_epoch(2, train_error=0.5)

    assert len(said) == 1
    assert "the Tracker is closed" in said.pop()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"human_error": 1.5}, "human_error must be a fraction in \\[0, 1\\]; got 1.5"),
        ({"human_error": math.nan}, "human_error must be a fraction"),
        ({"at": "first"}, "at must be 'best' or 'last'; got 'first'"),
        ({"measure": "val_quality"}, "does not say whether higher is better"),
        ({"tracking_uri": "http//localhost:5000"}, "looks like http://localhost:5000"),
    ],
)
def test_a_bad_argument_is_refused_before_anything_starts(arguments: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        bvtrack.Tracker(**arguments)  # type: ignore[arg-type]  # wrong on purpose

    assert not (tmp_path / "journals").exists()


def test_without_a_word_on_the_store_the_run_goes_to_mlflow_db_here(tmp_path: Path) -> None:
    (tmp_path / "mlruns").mkdir()
    with bvtrack.Tracker() as tracker:
        two_epochs(tracker)

    assert read_run(f"sqlite:///{tmp_path / 'mlflow.db'}", tracker).data.tags["bvtrack.state"] == "complete"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder that takes no files even from root")
def test_a_journal_folder_that_takes_no_files_is_said_once(store: str, said: list[str]) -> None:
    with bvtrack.Tracker(tracking_uri=store, journal_dir="/proc") as tracker:
        tracker.log_split(train=100, dev=50)
        two_epochs(tracker)

    assert tracker.diagnosis is not None
    assert said.pop().startswith("bvtrack: /proc takes no files")
    assert said == []


@pytest.mark.parametrize("measure", [None, "val_acc"])
def test_a_measure_that_is_none_leaves_the_one_that_there_was(measure: Any, store: str, said: list[str]) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.choose_measure(["val_acc"])
        tracker.log_measure(measure)
        two_epochs(tracker)

    assert f"expected a bvtrack.Measure, got {measure!r}" in said.pop()
    assert read_run(store, tracker).data.tags["bvtrack.measure"] == "1 - val_acc"

"""The metrics of the epoch that the tags speak of: what is written, when, and what reads them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

import bvtrack
from bvtrack.auditing.experiments import Auditing
from bvtrack.auditing.found import find_errors
from bvtrack.auditing.logged_run import Latest, LoggedRun
from bvtrack.schema.names import VERDICT_PREFIX

Send = Callable[[], None]


def the_run(store: str) -> Run:
    (run,) = MlflowClient(store).search_runs(["0"])
    return run


def of_verdict(store: str) -> dict[str, float]:
    metrics = the_run(store).data.metrics
    return {name.removeprefix(VERDICT_PREFIX): value for name, value in metrics.items() if name.startswith(VERDICT_PREFIX)}


def values_of(store: str, name: str) -> list[float]:
    points = MlflowClient(store).get_metric_history(the_run(store).info.run_id, f"{VERDICT_PREFIX}{name}")
    return [point.value for point in sorted(points, key=lambda point: point.timestamp)]


def test_the_table_shows_the_best_epoch_and_not_the_last(store: str, send: Send) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        for epoch, dev_error in enumerate((0.3, 0.11, 0.2)):
            tracker.log_epoch(epoch, train_error=0.01, dev_error=dev_error)
    send()

    assert of_verdict(store) == {"train_error": 0.01, "dev_error": 0.11, "avoidable_bias": 0.01, "variance": 0.1}


def test_what_is_not_known_of_the_new_best_epoch_is_not_left_over_from_the_old_one(store: str, send: Send) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11, test_error=0.5)
    send()
    goes_on = bvtrack.Tracker(tracking_uri=store, resume=tracker.state())
    goes_on.log_epoch(1, train_error=0.01, dev_error=0.1)
    goes_on.close()
    send()
    shown = of_verdict(store)
    found = [run.info.run_id for run in MlflowClient(store).search_runs(["0"], "metrics.`bvtrack/verdict/test_error` < 1")]

    assert shown["dev_error"] == 0.1
    assert math.isnan(shown["test_error"])
    assert math.isnan(shown["dev_overfit"])
    assert found == []


def test_a_value_that_stays_is_written_once_however_often_the_training_goes_on(store: str, send: Send) -> None:
    tracker = bvtrack.Tracker(tracking_uri=store)
    tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
    for epoch in range(1, 4):
        tracker.close("interrupted")
        send()
        tracker = bvtrack.Tracker(tracking_uri=store, resume=tracker.state())
        tracker.log_epoch(epoch, train_error=0.01, dev_error=0.2)
    tracker.close()
    send()

    assert values_of(store, "dev_error") == [0.11]


def test_a_late_test_error_of_the_epoch_comes_into_the_table(store: str, send: Send) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
        tracker.log_test(0.3)
    send()

    assert of_verdict(store)["test_error"] == 0.3


def test_another_human_error_counts_though_no_epoch_is_newer(store: str, send: Send) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_epoch(0, train_error=0.15, dev_error=0.16)
    send()
    goes_on = bvtrack.Tracker(tracking_uri=store, resume=tracker.state(), human_error=0.1)
    goes_on.log_model(bvtrack.ModelFacts(optimizer="Adam"))
    goes_on.close()
    send()

    assert of_verdict(store)["avoidable_bias"] == 0.05


def log(store: str, **metrics: tuple[float, ...]) -> str:
    client = MlflowClient(store)
    run_id = str(client.create_run("0").info.run_id)
    for name, values in metrics.items():
        for step, value in enumerate(values):
            client.log_metric(run_id, name, value, step=step, timestamp=1000 * step)
    return run_id


CURVES = {"train_acc": (0.9, 0.99, 1.0), "val_acc": (0.8, 0.85, 0.84)}


def audit(store: str, **options: Any) -> list[bvtrack.Audited]:
    return bvtrack.audit("Default", tracking_uri=store, **options)


def test_an_audit_writes_them_and_a_second_one_finds_nothing_to_do(store: str) -> None:
    log(store, **CURVES)
    changes = [audit(store, **options)[0].is_changed for options in ({"dry_run": True}, {}, {})]

    assert changes == [True, True, False]
    assert of_verdict(store) == {"train_error": 0.01, "dev_error": 0.15, "avoidable_bias": 0.01, "variance": 0.14}
    assert values_of(store, "dev_error") == [0.15]


def test_an_audit_of_tags_alone_is_made_up_for_by_the_next_one(store: str) -> None:
    log(store, **CURVES)
    audit(store, tags_only=True)
    before = of_verdict(store)
    audit(store)

    assert (before, of_verdict(store)["dev_error"]) == ({}, 0.15)


def test_an_undone_audit_leaves_no_value_and_the_next_one_writes_them_again(store: str) -> None:
    log(store, **CURVES)
    audit(store)
    list(Auditing(store).undone_runs_of("Default"))
    undone = of_verdict(store)
    audit(store)

    assert all(math.isnan(value) for value in undone.values())
    assert of_verdict(store)["dev_error"] == 0.15


def test_another_baseline_writes_the_bias_alone(store: str, send: Send) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_epoch(0, train_error=0.123456, dev_error=0.234567)
    send()
    bvtrack.audit("Default", tracking_uri=store, baseline=0.1)

    assert of_verdict(store)["avoidable_bias"] == pytest.approx(0.0235)
    assert values_of(store, "train_error") == [0.123456]
    assert values_of(store, "variance") == [0.111111]


def test_they_are_no_evidence_for_a_verdict() -> None:
    metrics = {"train_acc": Latest(0.9, 1), "val_acc": Latest(0.8, 1)}
    own = {f"{VERDICT_PREFIX}train_error": Latest(0.5, 0), f"{VERDICT_PREFIX}dev_error": Latest(math.nan, 0)}
    run, audited = LoggedRun(metrics=metrics), LoggedRun(metrics=metrics | own)

    assert find_errors(audited) == find_errors(run)
    assert (audited.digest, audited.metrics, audited.verdict) == (run.digest, run.metrics, own)

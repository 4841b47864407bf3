from __future__ import annotations

import json
from itertools import permutations

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient

import bvtrack
from bvtrack.auditing.audited import Audited
from bvtrack.cli import main

Run = tuple[float, float]
"""The train and the dev error of a run's best epoch."""


def log(store: str, train: float, dev: float, *, name: str = "run", metric: str = "acc", n_dev: int | None = None) -> str:
    client = MlflowClient(store)
    run_id = str(client.create_run("0", run_name=name).info.run_id)
    for epoch, left in enumerate((0.4, 0.2, 0.0)):
        client.log_metric(run_id, f"train_{metric}", 1 - train - left * (1 - train), step=epoch)
        client.log_metric(run_id, f"val_{metric}", 1 - dev - left * (1 - dev), step=epoch)
    client.set_terminated(run_id)
    return run_id


def audit(store: str, **options: object) -> dict[str, Audited]:
    return {one.run_id: one for one in bvtrack.audit("Default", tracking_uri=store, **options)}  # type: ignore[arg-type]


def tags_of(store: str) -> dict[str, dict[str, str]]:
    found = MlflowClient(store).search_runs(["0"])
    return {
        run.info.run_id: {key: value for key, value in run.data.tags.items() if key.startswith("bvtrack.")} for run in found
    }


@pytest.mark.parametrize("others", [[], [(0.05, 0.25)], [(0.03, 0.2)], [(0.24, 0.25), (0.3, 0.5)]])
def test_the_variance_of_the_best_run_is_named_whatever_the_others_are(store: str, others: list[Run]) -> None:
    run_id = log(store, 0.03, 0.2)
    for train, dev in others:
        log(store, train, dev)
    best = audit(store, baseline="best")[run_id]

    assert "high_variance" in (best.tag or "")
    assert "beyond_human" not in (best.tag or "")
    assert best.baseline == ("experiment_best" if others else "zero")


def test_a_train_error_above_the_best_other_dev_error_is_avoidable_bias(store: str) -> None:
    high, low = log(store, 0.2, 0.21), log(store, 0.09, 0.1)
    found = audit(store, baseline="best")

    assert (found[high].tag, found[high].certainty) == ("high_bias", "likely")
    assert found[low].tag == "balanced"


def test_a_run_that_does_better_than_all_others_is_not_beyond_human(store: str) -> None:
    best, _ = log(store, 0.1, 0.095), log(store, 0.1, 0.2)

    assert audit(store, baseline="best")[best].tag == "balanced"


def test_runs_with_the_same_dev_error_are_each_others_baseline(store: str) -> None:
    ids = [log(store, 0.03, 0.2), log(store, 0.03, 0.2)]
    found = audit(store, baseline="best")

    assert [(found[one].tag, found[one].baseline) for one in ids] == 2 * [("high_variance", "experiment_best")]


def test_a_run_of_another_measure_is_no_baseline(store: str) -> None:
    run_id, _ = log(store, 0.03, 0.2), log(store, 0.01, 0.02, metric="f1")

    assert audit(store, baseline="best")[run_id].baseline == "zero"


@pytest.mark.parametrize("order", list(permutations([(0.03, 0.2), (0.2, 0.21), (0.09, 0.3)]))[::2])
def test_an_audit_that_goes_on_says_what_one_of_all_runs_says(store: str, order: list[Run]) -> None:
    for run in order:
        log(store, *run, name=str(run))
        audit(store, baseline="best")
    found = {one.name: (one.tag, one.baseline) for one in audit(store, baseline="best", dry_run=True).values()}

    assert found == {
        "(0.03, 0.2)": ("high_variance", "experiment_best"),
        "(0.2, 0.21)": ("balanced", "experiment_best"),
        "(0.09, 0.3)": ("high_variance", "experiment_best"),
    }
    assert not any(one.is_changed for one in audit(store, baseline="best").values())


def test_a_baseline_of_the_best_is_undone_and_taken_back(store: str) -> None:
    log(store, 0.03, 0.2), log(store, 0.05, 0.25)
    audit(store)
    before = tags_of(store)
    audit(store, baseline="best")
    between = tags_of(store)
    audit(store, baseline="zero")

    assert between != before == tags_of(store)


def test_the_command_says_for_which_runs_no_baseline_is_given(store: str) -> None:
    log(store, 0.03, 0.2)
    alone = CliRunner().invoke(main, ["audit", "Default", "--baseline", "best", "--tracking-uri", store]).output
    log(store, 0.05, 0.25)
    both = CliRunner().invoke(main, ["audit", "Default", "--baseline", "best", "--tracking-uri", store]).output

    assert "No baseline is given for 1 of them" in " ".join(alone.split())
    assert "No baseline" not in both


def track(store: str, train: float, dev: float, *, name: str, human_error: float | None = None) -> None:
    with bvtrack.Tracker(tracking_uri=store, experiment="Default", run_name=name, human_error=human_error) as tracker:
        tracker.log_split(train=1_000, dev=500)
        tracker.log_epoch(0, train_error=train, dev_error=dev)


def test_a_run_without_another_keeps_the_human_error_of_its_training(store: str, send: object) -> None:
    track(store, 0.2, 0.21, name="own", human_error=0.1)
    send()  # type: ignore[operator]
    (found,) = audit(store, baseline="best").values()

    assert (found.baseline, found.is_changed) == ("given", False)


def test_runs_of_trackers_that_name_no_measure_are_compared(store: str, send: object) -> None:
    track(store, 0.2, 0.21, name="high")
    track(store, 0.09, 0.1, name="low")
    send()  # type: ignore[operator]
    found = {one.name: (one.tag, one.baseline) for one in audit(store, baseline="best").values()}

    assert found == {"high": ("high_bias", "experiment_best"), "low": ("balanced", "experiment_best")}


def test_compare_says_how_much_too_low_the_best_of_several_runs_is(store: str, send: object) -> None:
    for seed in range(6):
        with bvtrack.Tracker(tracking_uri=store) as tracker:
            tracker.log_epoch(0, train_error=0.05, dev_error=0.1 + 0.004 * seed, n_train=500, n_dev=1_000)
    send()  # type: ignore[operator]
    shown = CliRunner().invoke(main, ["compare", "Default", "--tracking-uri", store]).output
    best = json.loads(CliRunner().invoke(main, ["compare", "Default", "--json", "--tracking-uri", store]).output)["best"]

    assert "the lowest dev error of 6 runs: on new examples expect about" in " ".join(shown.split())
    assert (best["dev_error"], best["n_runs"]) == (0.1, 6)
    assert 0.005 < best["expected"] < best["most"] < 0.02

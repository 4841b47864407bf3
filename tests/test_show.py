"""`bvtrack show`: one schema for every kind of run, and whatever names a run finds it."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from json_schema import problems
from mlflow import MlflowClient
from run_contents import history

import bvtrack
from bvtrack.auditing.shown_run import opened_uri
from bvtrack.auditing.stored_choice import StoredChoice, read_choice
from bvtrack.cli import main
from bvtrack.store.run_reference import read_reference

SCHEMA = json.loads((Path(__file__).parents[1] / "docs" / "show.schema.json").read_text(encoding="utf-8"))
HOSTILE = 'it\'s "<script>alert(1)</script>" | `x` \\ [red]50%_\x1b[2J\u202e'
EXAMPLES = {
    "set": "dev",
    "epoch": 1,
    "n": 100,
    "wrong": 12,
    "kind": "classes",
    "n_classes": 2,
    "classes": [{"name": HOSTILE, "n": 50, "wrong": 12, "low": 0.14, "high": 0.37}],
    "pairs": [{"true": "cat", "predicted": "dog", "n": 12}],
    "worst": [{"index": 17, "true": "cat", "predicted": "dog", "probability": math.nan}, {"index": 4, "error": math.inf}],
}
WEIGHTS = {"best_epoch": 1, "within_noise": [2], "checkpoints": {"1": "a/epoch=1.ckpt"}, "left_with": 2, "judged_epoch": 1}


def shown(store: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["show", *arguments, "--tracking-uri", store])


def as_json(store: str, run: str) -> dict[str, Any]:
    result = shown(store, run, "--json")
    assert result.exit_code == 0, result.output

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    content: dict[str, Any] = json.loads(result.stdout, parse_constant=refuse)
    return content


def log_by_hand(store: str, run_name: str, tags: Mapping[str, str] | None = None, **metrics: list[float]) -> str:
    client = MlflowClient(store)
    run = client.create_run("0", run_name=run_name, tags=dict(tags or {}))
    for name, values in metrics.items():
        for step, value in enumerate(values):
            client.log_metric(run.info.run_id, name, value, step=step)
    return str(run.info.run_id)


@contextmanager
def training(store: str, run_name: str, **options: Any) -> Iterator[bvtrack.Tracker]:
    with bvtrack.Tracker(tracking_uri=store, run_name=run_name, **options) as tracker:
        yield tracker


def log_trainings(store: str) -> None:
    """A training of each kind, called after it."""
    rng = np.random.default_rng(0)
    rows: dict[str, Any] = {
        name: (rng.normal(size=(n, 3)), rng.normal(size=n)) for name, n in {"train": 400, "dev": 100, "test": 100}.items()
    }
    counts: dict[str, Any] = {"train": 5000, "dev": 2000, "test": 2000}
    with training(store, "callback", human_error=0.01, source="callback") as tracker:
        tracker.log_split(**counts)
        for entry in history():
            errors: dict[str, Any] = {f"{name}_error": error for name, error in entry.errors.items()}
            tracker.log_epoch(entry.epoch, **errors)
    with training(store, "leak") as tracker:
        tracker.log_split(train=rows["train"], dev=tuple(part[:100] for part in rows["train"]), test=rows["test"])
        tracker.log_epoch(0, train_error=0.1, dev_error=0.2)
    with training(store, "regression", measure=bvtrack.Measure("val_mse", higher_is_better=False)) as tracker:
        tracker.log_split(**rows)
        for epoch in range(5):
            tracker.log_epoch(epoch, train_error=0.5 - 0.02 * epoch, dev_error=0.55 - 0.01 * epoch)
    with training(store, "curve only", measure=bvtrack.Measure("val_mse", higher_is_better=False)) as tracker:
        for epoch in range(8):
            tracker.log_epoch(epoch, train_error=50.0 / (1 + epoch), dev_error=60.0 / (1 + epoch))
    with training(store, "diverged") as tracker:
        tracker.log_epoch(0, train_error=0.3, dev_error=0.3)
        tracker.log_epoch(1, train_error=math.nan, dev_error=math.nan)
    with training(store, "trial") as tracker:
        tracker.log_not_applicable()
    with training(store, HOSTILE, measure=bvtrack.Measure(HOSTILE, higher_is_better=False)) as tracker:
        tracker.log_epoch(0, train_error=0.1, dev_error=0.2)
    with training(store, "no epoch") as tracker:
        tracker.log_split(**counts)


def write_extras(store: str, run_name: str) -> None:
    """Add weights and examples to what the training stored of its verdict."""
    client = MlflowClient(store)
    (run,) = client.search_runs(["0"], f"attributes.run_name = '{run_name}'")
    path = Path(client.download_artifacts(run.info.run_id, "bvtrack/diagnosis.json"))
    content = json.loads(path.read_text()) | {"weights": WEIGHTS, "examples": EXAMPLES}
    client.log_text(run.info.run_id, json.dumps(content), "bvtrack/diagnosis.json")


def test_runs_of_every_kind_are_shown_by_one_schema(store: str, send: Callable[[], None], said: list[str]) -> None:
    log_trainings(store)
    send()
    write_extras(store, "callback")
    log_by_hand(store, "audited", train_acc=[0.7, 0.9, 0.99], val_acc=[0.7, 0.85, 0.89])
    bvtrack.audit("Default", tracking_uri=store)
    log_by_hand(store, "by hand", train_acc=[0.7, 0.9, 0.99], val_acc=[0.7, 0.85, 0.89])
    log_by_hand(store, "unknown", lr=[0.1])
    log_by_hand(store, "at work", {"bvtrack.source": "callback", "bvtrack.diagnosis": "pending"})
    runs = {run.info.run_name: as_json(store, run.info.run_id) for run in MlflowClient(store).search_runs(["0"])}
    said.clear()  # what the trainings said of their splits

    assert {name: problem for name, one in runs.items() for problem in problems(one, SCHEMA)} == {}
    assert {name: one["status"] for name, one in runs.items() if one["status"] != "diagnosed"} == {
        "no epoch": "not_diagnosed",
        "unknown": "not_diagnosed",
        "at work": "pending",
    }
    verdicts = {name: one["verdict"]["diagnosis"] for name, one in runs.items() if one["verdict"]}
    assert verdicts["callback"] == verdicts["audited"] == verdicts["by hand"] == "high_variance"
    assert (verdicts["diverged"], verdicts["trial"]) == ("diverged", "not_applicable")
    assert runs["regression"]["evidence"]["error_unit"]["of"] == "of the targets' variance"
    assert runs["regression"]["evidence"]["baseline"] == {"source": "zero", "error": None}
    assert runs["leak"]["split"]["findings"][0]["code"] == "dev_repeats_train"
    assert runs["callback"]["weights"]["left_with"] == 2
    assert [one["index"] for one in runs["callback"]["examples"]["worst"]] == [17, 4]
    assert runs["callback"]["links"]["command"] == f"bvtrack ui --tracking-uri {shlex.quote(store)}"
    for name in runs:
        check_words(store, runs[name])


def check_words(store: str, content: Mapping[str, Any]) -> None:
    run_id = content["run"]["run_id"]
    terminal, markdown = shown(store, run_id), shown(store, run_id, "--markdown")
    verdict = content["verdict"]
    said = verdict["headline"] if verdict else "No verdict"

    assert (terminal.exit_code, markdown.exit_code) == (0, 0)
    assert " ".join(terminal.stdout.split()).startswith(said)
    assert markdown.stdout.startswith(f"### {said}")
    assert not {"\x1b", "\u202e"} & {*terminal.stdout, *markdown.stdout}
    assert "<script>" not in markdown.stdout
    assert "10 % error" not in terminal.stdout


@pytest.fixture
def runs(store: str) -> list[str]:
    """The ids of three runs, of which two have one name."""
    curves: dict[str, Any] = {"train_acc": [0.7, 0.9], "val_acc": [0.7, 0.8]}
    return [log_by_hand(store, name, **curves) for name in ("wide net", "wide net", HOSTILE)]


def test_a_run_is_found_by_its_id_its_beginning_its_name_and_its_page(runs: list[str], store: str) -> None:
    *_, run_id = runs
    page = f"http://localhost:5000/#/experiments/0/runs/{run_id}"

    for given in (
        *(run_id, run_id.upper(), run_id[:12], f" {run_id}\n", HOSTILE, f"runs:/{run_id}", f"runs:/{run_id}/model"),
        *(page, f"{page}?workflowType=machine_learning", f"{page}/artifacts/bvtrack/report.html?x=1", f"{page}/model-metrics"),
        *(f"#/experiments/0/runs/{run_id}?a=b", f"https://host.example/prefix/#/experiments/0/runs/{run_id}"),
        f"https://adb-1.example.net/ml/experiments/0/runs/{run_id}?o=7",
    ):
        assert bvtrack.show(given, tracking_uri=store)["run"]["run_id"] == run_id


def test_a_name_of_two_runs_lists_both(runs: list[str], store: str) -> None:
    result = shown(store, "wide net")

    assert result.exit_code == 2
    assert "expected one run, found 2 for 'wide net'" in result.stderr
    assert all(run_id in result.stderr for run_id in runs[:2])


def test_a_beginning_that_is_a_name_too_is_not_guessed(runs: list[str], store: str) -> None:
    log_by_hand(store, runs[2][:8], val_acc=[0.5])

    assert shown(store, runs[2][:8]).exit_code == 2


@pytest.mark.parametrize(
    "given",
    ["0" * 32, "narrow", "abc", "%", "____", "'; DROP", HOSTILE.replace("'", "!"), "http://h:5000/#/experiments/0/runs/0f0f"],
)
def test_a_run_that_is_not_there_is_said_to_be_so_beside_those_that_are(given: str, runs: list[str], store: str) -> None:
    result = shown(store, given)

    assert result.exit_code == 2
    assert "expected a run, found none" in result.stderr
    assert runs[0] in result.stderr


@pytest.mark.parametrize(
    "given", ["http://localhost:5000/", "http://localhost:5000/#/experiments/3", "http://h/#/compare-runs?runs=%5B"]
)
def test_an_address_of_no_run_is_refused(given: str, store: str) -> None:
    result = shown(store, given)

    assert result.exit_code == 2
    assert "expected the address of a run's page" in result.stderr


def test_an_experiment_tells_runs_of_one_name_apart(runs: list[str], store: str) -> None:
    client = MlflowClient(store)
    run = client.create_run(client.create_experiment("other"), run_name="wide net")

    assert run.info.run_id in shown(store, "wide net", "--experiment", "other", "--json").stdout
    assert shown(store, "wide net", "--experiment", "third").exit_code == 2


def test_a_deleted_run_is_said_to_be_deleted(runs: list[str], store: str) -> None:
    MlflowClient(store).delete_run(runs[2])

    assert "restore it first" in shown(store, runs[2]).stderr
    assert shown(store, HOSTILE).exit_code == 2


def test_a_log_file_is_shown_the_way_to_its_own_command(store: str, tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("epoch,val_acc\n0,0.5\n")

    assert "bvtrack diagnose metrics.csv" in shown(store, "metrics.csv").stderr


def test_two_forms_at_once_are_bad_usage(store: str) -> None:
    assert shown(store, "wide", "--json", "--markdown").exit_code == 2


def test_a_page_names_its_server_only_where_nobody_has_named_a_store(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    page = read_reference("http://localhost:5000/#/experiments/1/runs/4f1c")

    assert opened_uri(page, None) == "http://localhost:5000"
    assert opened_uri(page, store) == store
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    assert opened_uri(page, None) == store


@pytest.mark.parametrize(
    "written",
    [
        {"weights": {"best_epoch": "seven"}},
        {"weights": {"best_epoch": 7, "judged_epoch": -1}},
        {"weights": [7]},
        {"weights": {"best_epoch": 7, "of the future": 1, "checkpoints": 3}},
        {"examples": {"set": "dev"}},
        {"examples": {**EXAMPLES, "worst": 3}},
        {"examples": {**EXAMPLES, "n": True}},
        {"examples": {**EXAMPLES, "classes": [{"name": "cat", "n": 1, "wrong": 1, "low": "a", "high": 1}]}},
        {"examples": {**EXAMPLES, "classes": [{"name": "cat", "n": 0, "wrong": 0, "low": 0, "high": 1}]}},
    ],
)
def test_extras_that_cannot_be_meant_are_left_out(written: dict[str, Any]) -> None:
    assert read_choice(written) == StoredChoice()


def test_the_schema_describes_every_field_and_can_be_broken() -> None:
    def bare(schema: Mapping[str, Any], at: str) -> Iterator[str]:
        inner = {**schema.get("properties", {}), "items": schema.get("items"), "others": schema.get("additionalProperties")}
        yield from (
            name
            for name, one in inner.items()
            if one and name not in ("items",) and "description" not in one and name != "others"
        )
        for name, one in inner.items():
            if one:
                yield from bare(one, f"{at}.{name}")

    assert list(bare(SCHEMA, "$")) == []
    assert list(problems({"schema_version": 2}, SCHEMA))
    assert list(problems({"schema_version": 1, "of the future": 1}, {"type": "object", "properties": {"schema_version": {}}}))

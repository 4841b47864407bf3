"""What a model says of dev and of test, compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from scipy.special import softmax

import bvtrack
from bvtrack import compare_outputs
from bvtrack.splits.comparing.outputs import MOST_BYTES, OutputSample
from bvtrack.splits.sampling.allowance import MOST_READ

RNG = np.random.default_rng(0)


def said_of(n: int, by: float = 0.0) -> np.ndarray:
    """Probabilities of three classes, the first of them moved."""
    return np.asarray(softmax(RNG.normal([by, 0.0, 0.0], size=(n, 3)), axis=1))


def test_outputs_that_moved_are_a_warning_that_names_them() -> None:
    report = compare_outputs(dev=said_of(2000), test=said_of(2000, by=0.5))
    (finding,) = report.findings

    assert (report.verdict, finding.code, finding.level) == ("shifted", "outputs_differ", "warning")
    assert finding.message.startswith("the model's outputs: dev and test differ in output ")


def test_alike_outputs_raise_no_alarm() -> None:
    alarms = sum(bool(compare_outputs(dev=said_of(500), test=said_of(500)).findings) for _ in range(100))

    assert alarms <= 10  # 5 % of them may; 11 or more would come in 1 case of 100


@pytest.mark.parametrize(("n", "n_kept"), [(None, 25_000), (25_000, 8334), (MOST_READ, MOST_READ)])
def test_every_so_many_examples_are_kept_whatever_the_batches(n: int | None, n_kept: int) -> None:
    rows = np.arange(n or 25_000)
    sample = OutputSample(n)
    for part in np.array_split(rows, 77):
        sample.add(part)

    assert sample.rows is not None
    assert len(sample.rows) == n_kept
    assert set(np.diff(sample.rows)) == {-(-len(rows) // MOST_READ) if n else 1}


def test_outputs_that_there_is_no_room_for_are_let_go() -> None:
    sample = OutputSample()
    sample.add(np.zeros(MOST_BYTES // 8))
    sample.add(np.zeros(1))
    sample.add(np.zeros(1))

    assert sample.rows is None


def test_nothing_was_said_of_no_examples() -> None:
    assert OutputSample(100).rows is None


@pytest.fixture
def tracked(store: str, send: Callable[[], None]) -> str:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_split(train=6000, dev=2000, test=2000)
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11, test_error=0.15)
        tracker.log_outputs(dev=said_of(2000), test=said_of(2000, by=0.5))
    send()
    (run,) = MlflowClient(store).search_runs(["0"])
    return str(run.info.run_id)


def test_the_run_tells_that_they_moved(tracked: str, store: str) -> None:
    client = MlflowClient(store)
    report = bvtrack.make_report(tracked, tracking_uri=store)
    content = json.loads(Path(client.download_artifacts(tracked, "bvtrack/splits.json")).read_text())

    assert "the model's outputs: dev and test differ" in client.get_run(tracked).data.tags["mlflow.note.content"]
    assert content["outputs"]["verdict"] == "shifted"
    assert content["sizes"]["counts"]["train"] == 6000
    assert [finding.code for finding in report.content.findings] == ["outputs_differ"]
    assert "The model's outputs on dev and test: <strong>shifted</strong>" in report.html()


def test_what_cannot_be_compared_ends_nothing(store: str, said: list[str], journals: Path) -> None:
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
        tracker.log_outputs(dev=said_of(10), test=said_of(10)[:, :2])

    assert "log_outputs" in said.pop()

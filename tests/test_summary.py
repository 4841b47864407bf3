"""The last words of a training: its verdict, the way to its run, and an error of its split; once, and where people look."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightning.pytorch.tuner.tuning import Tuner
from mlflow import MlflowClient
from servers import wait_until
from small_nets import Net, fit, new_trainer, tracked

from bvtrack import Measure, Tracker
from bvtrack.journal.private_files import write_private
from bvtrack.journal.record_line import to_line
from bvtrack.shipping.progress import Progress
from bvtrack.store.target import Target
from bvtrack.tracking.summary import _page

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning warns of workers, versions and its own future

Told = Callable[[], list[str]]
VERDICT = "bvtrack: High variance (likely): get more training data. Errors at epoch 0: train 1.0 %, dev 11.0 %."


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Told:
    """What was told of a training, without what was warned of."""
    return lambda: [one.getMessage() for one in caplog.records if one.name == "bvtrack" and one.levelname == "INFO"]


def track(**options: Any) -> Tracker:
    with Tracker(**options) as tracker:
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
    return tracker


def test_a_training_ends_with_the_headline_of_its_run_and_the_command_that_shows_it(store: str, told: Told) -> None:
    tracker = track(tracking_uri=store)
    note = MlflowClient(store).get_run(str(tracker.run_id)).data.tags["mlflow.note.content"]

    verdict, page = told()
    assert verdict == VERDICT
    assert verdict.startswith(f"bvtrack: {note.splitlines()[0]}. ")
    assert f"ui --tracking-uri {store}` shows it: run {tracker.run_id}" in page


def test_of_a_store_out_of_reach_only_the_verdict_is_told(told: Told, said: list[str]) -> None:
    tracker = Tracker(tracking_uri="http://127.0.0.1:9")
    tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
    tracker.close(timeout=0.5)

    assert told() == [VERDICT]
    assert "bvtrack sync" in said.pop()
    said.clear()


PROGRESS = Progress(run_id="4f1c", experiment_id="7")


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://localhost:5000", "http://localhost:5000/#/experiments/7/runs/4f1c?workflowType=machine_learning"),
        ("https://me:secret@host/mlflow/", "https://host/mlflow/#/experiments/7/runs/4f1c?workflowType=machine_learning"),
        ("postgresql://me:secret@host/runs", "ui --tracking-uri postgresql://host/runs`, with its user and password, shows it"),
        ("databricks://work", "Run 4f1c in databricks://work"),
        ("sqlite:////tmp/of mine/mlflow.db", "ui --tracking-uri 'sqlite:////tmp/of mine/mlflow.db'` shows it: run 4f1c"),
    ],
)
def test_the_way_to_a_run_never_shows_credentials(uri: str, shown: str) -> None:
    page = _page(Target(uri), PROGRESS)

    assert shown in page
    assert "secret" not in page


@pytest.mark.parametrize(("loss", "is_said"), [("val_mse", False), ("val_loss", True)])
def test_a_regression_is_not_told_to_log_an_accuracy(journals: Path, told: Told, loss: str, is_said: bool) -> None:
    measure = Measure(loss, higher_is_better=False, kind="loss", scale=None if is_said else 4.0, is_cross_entropy=is_said)
    with Tracker(measure=measure) as tracker:
        tracker.log_epoch(0, train_error=0.2, dev_error=0.4)

    assert any("bare loss" in one for one in told()) == is_said


def test_a_progress_of_before_is_read_and_leads_nowhere(tmp_path: Path) -> None:
    write_private(tmp_path / "progress.json", to_line({"kind": "progress", "offset": 5, "store": "s", "run_id": "4f1c"}))

    assert Progress.of(tmp_path).run_id == "4f1c"
    assert _page(Target("http://localhost:5000"), Progress.of(tmp_path)) == ""


def test_an_error_of_the_split_is_the_last_line(journals: Path, told: Told, said: list[str]) -> None:
    train = np.random.default_rng(0).normal(size=(500, 4))
    with Tracker() as tracker:
        tracker.log_split(train=train, dev=train[:200])
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11)

    at_the_check, at_the_end = said
    assert "the split comes first" in at_the_check
    assert at_the_end.startswith("bvtrack: The split comes first: 200 of 200 dev examples")
    assert told() == [VERDICT.replace("get more training data", "mend the split first")]
    said.clear()


def test_nobody_is_led_to_a_run_that_was_deleted_meanwhile(store: str, told: Told, said: list[str]) -> None:
    tracker = Tracker(tracking_uri=store)
    tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
    wait_until(lambda: tracker.run_id)
    MlflowClient(store).delete_run(str(tracker.run_id))
    tracker.log_epoch(1, train_error=0.01, dev_error=0.12)
    tracker.close(timeout=600)

    assert told() == [f"{VERDICT[:-1].replace('epoch 0', 'epoch 0, the best up to 1')}."]
    assert "does not take the points" in said[0]
    said.clear()


@pytest.mark.parametrize("state", ["pruned", "interrupted", "failed"])
def test_what_a_training_that_was_stopped_has_come_to_is_told(journals: Path, told: Told, state: Any) -> None:
    tracker = Tracker()
    for epoch, dev_error in enumerate([0.11, 0.12]):
        tracker.log_epoch(epoch, train_error=0.01, dev_error=dev_error)
    tracker.close(state)
    tracker.close()

    (line,) = told()
    assert line.startswith(f"bvtrack: {state.capitalize()}, so far: High variance")
    assert "Errors at epoch 0, the best up to 1: " in line


def test_errors_that_are_no_rates_keep_their_unit(journals: Path, told: Told) -> None:
    with Tracker(measure="val_r2") as tracker:
        tracker.log_epoch(0, train_error=0.3, dev_error=0.5)

    assert "30.0 % of the targets' variance is not explained on train" in told()[0]


def silent_by_option() -> None:
    track(summary=False)


def silent_where_disabled() -> None:
    track(enabled=False)


def silent_as_a_copy() -> None:
    pickle.loads(pickle.dumps(track(summary=False))).close()


def silent_without_an_epoch() -> None:
    Tracker().close()


def silent_as_a_trial() -> None:
    fit(Net(), tracked(), fast_dev_run=True)
    fit(Net(), tracked(), overfit_batches=1)


def silent_without_a_fit() -> None:
    new_trainer(tracked()).validate(Net(), verbose=False)
    fit(Net(), tracked(), max_epochs=0)


@pytest.mark.parametrize(
    "ends",
    [
        silent_by_option,
        silent_where_disabled,
        silent_as_a_copy,
        silent_without_an_epoch,
        silent_as_a_trial,
        silent_without_a_fit,
    ],
)
def test_nothing_is_told_where_there_is_nothing_to_tell_or_nobody_wants_it(
    ends: Callable[[], None], journals: Path, told: Told
) -> None:
    ends()

    assert told() == []


@pytest.mark.parametrize(("value", "n"), [("0", 0), ("no", 0), ("1", 1), ("", 1)])
def test_the_environment_silences_all_summaries(
    value: str, n: int, journals: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BVTRACK_SUMMARY", value)
    track()

    assert len(told()) == n


def test_each_fit_has_one_summary_and_a_tuner_none(journals: Path, told: Told, tmp_path: Path) -> None:
    callback = tracked()
    module = Net()
    trainer = new_trainer(callback, max_epochs=1, default_root_dir=tmp_path)
    Tuner(trainer).lr_find(module, num_training=5)
    Tuner(trainer).scale_batch_size(module, max_trials=1, steps_per_trial=1)

    assert told() == []
    trainer.fit(module)
    assert len(told()) == 1
    fit(Net(), callback, max_epochs=1)
    assert len(told()) == 2


SAYS = "\nfrom bvtrack.log import tell; tell('R² of café')"
CONFIGURES = "import logging, logging.config, sys\nl = logging.getLogger('bvtrack')\n"


@pytest.mark.parametrize(
    ("set_up", "seen"),
    [
        ("", "bvtrack: R² of café\n"),
        ("logging.basicConfig()", "INFO:bvtrack:bvtrack: R² of café\n"),
        ("logging.basicConfig(level='INFO')", "INFO:bvtrack:bvtrack: R² of café\n"),
        ("import bvtrack.log; logging.basicConfig(level='DEBUG')", "INFO:bvtrack:bvtrack: R² of café\n"),
        ("logging.getLogger().setLevel('INFO')", "bvtrack: R² of café\n"),
        ("l.addHandler(logging.StreamHandler())", "bvtrack: R² of café\n"),
        ("logging.basicConfig(); l.propagate = False; l.addHandler(logging.StreamHandler())", "bvtrack: R² of café\n"),
        ("import absl.logging", "bvtrack: R² of café\n"),
        ("logging.basicConfig(handlers=[logging.FileHandler('log', encoding='ascii')])", ""),
        ("logging.basicConfig(level='ERROR')", ""),
        ("l.setLevel('ERROR')", ""),
        ("l.setLevel('WARNING')", ""),
        ("import bvtrack.log; l.setLevel('ERROR')", ""),
        ("l.addHandler(logging.NullHandler())", ""),
        ("logging.disable(logging.INFO)", ""),
        ("import bvtrack.log; logging.config.dictConfig({'version': 1})", ""),
        ("sys.stderr = None", ""),
        ("sys.stderr = open(sys.stderr.fileno(), 'w', encoding='ascii', closefd=False)", "bvtrack: R\\xb2 of caf\\xe9\n"),
        ("sys.stderr = open('closed', 'w'); sys.stderr.close()", ""),
        (
            "sys.stderr = open('closed', 'w'); logging.basicConfig(); sys.stderr.close()",
            "",
        ),
    ],
)
def test_what_is_told_is_seen_once_unless_logging_is_set_not_to_show_it(set_up: str, seen: str, tmp_path: Path) -> None:
    program = f"{CONFIGURES}{set_up}{SAYS}\nsys.stderr = sys.__stderr__\nprint('done')"
    done = subprocess.run([sys.executable, "-X", "utf8", "-c", program], capture_output=True, cwd=tmp_path, check=True)

    assert done.stderr.decode() == seen
    assert done.stdout == b"done\n"
    if "FileHandler" in set_up:
        assert (tmp_path / "log").read_text() == "INFO:bvtrack:bvtrack: R\\xb2 of caf\\xe9\n"

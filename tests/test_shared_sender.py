"""One process sends for all trainings of a process, as long as they have everything in common that it has from them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from servers import PATIENCE_SECONDS, Gate, gate_before, kill_sender, running, wait_until

import bvtrack
from bvtrack.journal.folder import unsent_journals
from bvtrack.journal.journal_dir import default_journal_dir
from bvtrack.shipping import process

pytestmark = pytest.mark.usefixtures("whole_sender")

posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has no forks")
ENDS_SOON = process.START.replace("main; sys.exit", "main; main.__globals__['IDLE_SECONDS'] = 0.1; sys.exit")


def runs_of(store: str) -> dict[str, Run]:
    """The runs by name, once all has been sent."""
    wait_until(lambda: not unsent_journals(default_journal_dir()))
    found = MlflowClient(store).search_runs(["0"])
    by_name = {str(run.info.run_name): run for run in found}
    assert len(by_name) == len(found), "a training has two runs"
    return by_name


def steps_of(store: str, run: Run) -> list[int]:
    return [point.step for point in MlflowClient(store).get_metric_history(run.info.run_id, "bvtrack/dev_error")]


def log(tracker: bvtrack.Tracker, *epochs: int) -> None:
    for epoch in epochs:
        tracker.log_epoch(epoch, train_error=0.01, dev_error=0.11)


def sender_of(tracker: bvtrack.Tracker) -> subprocess.Popen[bytes]:
    link = tracker._logbook._link
    assert link is not None
    assert isinstance(link._shipper, process.ShipperProcess)
    return link._shipper._process


SEQUENCE = """
import json, os, random, sys
import bvtrack
from bvtrack.shipping.process import _senders
chance, stores = random.Random({seed}), {stores!r}
going, expected, senders = {{}}, {{}}, set()

def begin(name):
    store, colour = chance.choice(stores), chance.choice(["red", "blue"])
    os.environ["MLFLOW_RUN_CONTEXT"] = json.dumps({{"colour": colour}})
    going[name] = bvtrack.Tracker(tracking_uri=store, run_name=name)
    log(name, 0)
    expected[name] = [store, colour, "interrupted", 1]
    senders.add((going[name]._logbook._link._shipper._process.pid, store, colour))

def log(name, epoch):
    going[name].log_epoch(epoch, train_error=0.01, dev_error=0.11)

def go_on(name):
    log(name, expected[name][3])
    expected[name][3] += 1

def close(name):
    going.pop(name).close(timeout=chance.choice([0, 0, 30]))
    expected[name][2] = "complete"

def drop(name):
    del going[name]

def fork(name):
    read, write = os.pipe()
    if os.fork() == 0:
        going.clear(), expected.clear()  # the child drops what its parent goes on with
        begin(f"child of {{name}}")
        close(f"child of {{name}}")
        os.write(write, json.dumps(expected).encode())
        os._exit(0)
    expected.update(json.loads(os.read(read, 1 << 16)))
    os.wait()

for number in range(9):
    begin(str(number))
    for _ in range(3):
        if going:
            chance.choice([go_on, go_on, go_on, close, drop, fork])(chance.choice(list(going)))
print(json.dumps([expected, sorted(senders)]))
"""


@posix_only
@pytest.mark.parametrize("seed", [1, 2])
def test_any_sequence_of_trainings_reaches_its_stores_once_each_with_the_environment_it_had(
    seed: int, store: str, tmp_path: Path
) -> None:
    other = f"sqlite:///{tmp_path}/other/mlflow.db"
    code = SEQUENCE.format(seed=seed, stores=[store, other])
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    expected, senders = json.loads(done.stdout.splitlines()[-1])
    found = {}
    for place in (store, other):
        for name, run in runs_of(place).items():
            steps = steps_of(place, run)
            assert steps == list(range(len(steps)))
            found[name] = [place, run.data.tags["colour"], run.data.tags["bvtrack.state"], len(steps)]

    assert found == expected
    assert len({pid for pid, *_ in senders}) == len({tuple(circumstances) for _, *circumstances in senders}) > 1


def test_trainings_at_once_on_a_store_that_is_not_there_yet_make_it_once(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/new/mlflow.db"
    trackers = [bvtrack.Tracker(tracking_uri=store, run_name=str(number)) for number in range(6)]
    for epoch in range(3):
        for tracker in trackers:
            log(tracker, epoch)
    for tracker in trackers:
        tracker.close()
    runs = runs_of(store)

    assert len({sender_of(tracker).pid for tracker in trackers}) == 1
    assert {name: steps_of(store, run) for name, run in runs.items()} == {str(number): [0, 1, 2] for number in range(6)}
    assert {run.info.status for run in runs.values()} == {"FINISHED"}


def test_a_sender_without_a_training_ends_after_a_while_and_the_next_training_has_another(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "START", ENDS_SOON)
    senders = []
    for number in range(2):
        with bvtrack.Tracker(tracking_uri=store, run_name=str(number)) as tracker:
            log(tracker, 0, 1)
        senders.append(sender_of(tracker))
        wait_until(lambda: senders[-1].poll() is not None)

    assert [sender.returncode for sender in senders] == [0, 0]
    assert {name: steps_of(store, run) for name, run in runs_of(store).items()} == {"0": [0, 1], "1": [0, 1]}


@posix_only
@pytest.mark.parametrize("patience", [0, 30])
def test_a_training_that_reaches_a_sender_which_is_just_ending_goes_to_another(
    patience: int, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending = tmp_path / "ending"
    ending.write_text("#!/bin/sh\nsleep 1\n")  # it reads nothing, and ends well
    ending.chmod(0o700)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", str(ending))
        tracker = bvtrack.Tracker(tracking_uri=store, run_name="late")
        log(tracker, 0)
        sender = sender_of(tracker)
        sender.wait()
    log(tracker, 1)
    tracker.close(timeout=patience)

    assert sender_of(tracker) is not sender
    assert steps_of(store, runs_of(store)["late"]) == [0, 1]


def closed_at_once(store: str, name: str) -> bvtrack.Tracker:
    tracker = bvtrack.Tracker(tracking_uri=store, run_name=name)
    log(tracker, 0, 1)
    tracker.close(timeout=0)
    return tracker


def test_trials_that_differ_in_their_seed_share_a_sender_and_of_others_few_are_kept(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = set()
    for number in range(4):
        monkeypatch.setenv("PL_GLOBAL_SEED", str(number))
        pids.add(sender_of(closed_at_once(store, f"seed {number}")).pid)
    trials = []
    for number in range(5):
        monkeypatch.setenv("TRIAL", str(number))
        trials.append(sender_of(closed_at_once(store, f"trial {number}")))
    wait_until(lambda: sum(trial.poll() is None for trial in trials) == 4)

    assert len(pids) == 1
    assert trials[0].returncode == 0
    assert {name: steps_of(store, run) for name, run in runs_of(store).items()} == {
        **{f"seed {number}": [0, 1] for number in range(4)},
        **{f"trial {number}": [0, 1] for number in range(5)},
    }


def test_a_store_that_was_removed_between_two_trainings_is_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "new.db"
    store = f"sqlite:///{file}"
    first = closed_at_once(store, "first")
    assert first.wait()
    file.unlink()
    second = closed_at_once(store, "second")
    assert second.wait()

    assert {name: steps_of(store, run) for name, run in runs_of(store).items()} == {"second": [0, 1]}


@posix_only
def test_what_a_killed_sender_had_left_of_trainings_that_are_over_goes_to_another(store: str) -> None:
    trackers = [closed_at_once(store, str(number)) for number in range(3)]
    kill_sender(sender_of(trackers[0]))

    assert all(tracker.wait() for tracker in trackers)
    assert {name: steps_of(store, run) for name, run in runs_of(store).items()} == {str(number): [0, 1] for number in range(3)}


def test_what_python_prints_at_a_senders_start_is_not_taken_for_its_word(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "START", f"print('5\\nhello'); print('no end', end='', flush=True); {process.START}")
    monkeypatch.setenv("TRIAL", "prints")
    tracker = closed_at_once(store, "noisy")
    shipper = tracker._logbook._link._shipper  # type: ignore[union-attr]  # it has one
    assert isinstance(shipper, process.ShipperProcess)

    assert tracker.wait()
    wait_until(lambda: shipper._sender.has_left(shipper._journal))


@pytest.fixture(scope="module")
def gate(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "mlflow.db").write_bytes(empty_store.read_bytes())
    with running(f"sqlite:///{folder}/mlflow.db", folder) as server, gate_before(server) as gate:
        yield gate


def test_a_training_whose_request_hangs_holds_up_no_other(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "600")
    gate.mode = "hang"
    hanging = bvtrack.Tracker(tracking_uri=gate.uri, run_name="hanging")
    log(hanging, 0)
    wait_until(lambda: gate.n_requests)
    gate.mode = "open"
    with bvtrack.Tracker(tracking_uri=gate.uri, run_name="other") as other:
        log(other, 0)

    assert sender_of(hanging) is sender_of(other)
    assert other.run_id is not None
    assert hanging.run_id is None
    gate._closing.set()
    hanging.close()


def test_what_was_not_waited_for_can_be_waited_for_later(store: str) -> None:
    tracker = bvtrack.Tracker(tracking_uri=store, run_name="later")
    log(tracker, 0, 1)
    link = tracker._logbook._link
    assert link is not None
    shipper = link._shipper
    assert isinstance(shipper, process.ShipperProcess)

    assert not shipper.close(timeout=0)
    tracker._logbook.write("end", state="complete")
    assert shipper.wait(timeout=PATIENCE_SECONDS)
    assert shipper.wait(timeout=0)
    assert steps_of(store, runs_of(store)["later"]) == [0, 1]

"""When the user's own function hears of a verdict: beside the training, when the tag changes, and never in its way."""

from __future__ import annotations

import copy
import json
import os
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from keras_training import DEV, TRAIN, assert_same_training, fit
from servers import PATIENCE_SECONDS
from small_nets import Net, tracked
from small_nets import fit as lightning_fit

from bvtrack import StopWhen, Tracker, Verdict
from bvtrack.adapters import CallbackOptions
from bvtrack_keras import BiasVarianceCallback

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning warns of workers, versions and its own future

ERRORS = {"high_variance": (0.01, 0.2), "high_bias": (0.3, 0.3), "high_bias+high_variance": (0.2, 0.4)}
"""Train and dev error by the tag that they make."""
URI = "sqlite:///mlflow.db"


@pytest.fixture(autouse=True)
def no_store(journals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", URI)


def new_tracker(on_verdict: Callable[[Verdict], object], **options: Any) -> Tracker:
    return Tracker(**{"at": "last", "on_verdict": on_verdict, **options})


def log(tracker: Tracker, *tags: str, first: int = 0) -> None:
    """Log an epoch for each of these tags."""
    for epoch, tag in enumerate(tags, first):
        train, dev = ERRORS[tag]
        tracker.log_epoch(epoch, train_error=train, dev_error=dev, n_train=2000, n_dev=2000)
        assert tracker.diagnosis is not None
        assert tracker.diagnosis.tag == tag


class Slow:
    """Takes verdicts one by one, each as soon as it is `let` on."""

    def __init__(self) -> None:
        self.tags: list[str] = []
        self.has_begun = threading.Event()
        self.let = threading.Semaphore(0)
        self.threads: set[str] = set()

    def hear(self, verdict: Verdict) -> None:
        self.tags.append(verdict.diagnosis.tag)
        self.threads.add(threading.current_thread().name)
        self.has_begun.set()
        assert self.let.acquire(timeout=PATIENCE_SECONDS)


heard: list[str] = []


@pytest.fixture(autouse=True)
def none_heard() -> None:
    heard.clear()


def hear(verdict: Verdict) -> None:
    """One at the top of a module, that other processes can import."""
    heard.append(verdict.diagnosis.tag)


def test_a_function_hears_of_each_new_tag_and_of_no_other_epoch() -> None:
    tags: list[str] = []
    tracker = new_tracker(lambda verdict: tags.append(verdict.diagnosis.tag))
    for epoch, tag in enumerate(["high_bias", "high_bias", "high_variance", "high_variance", "high_bias"]):
        log(tracker, tag, first=epoch)
        assert tracker._calls is not None
        assert tracker._calls.wait(PATIENCE_SECONDS)

    assert tags == ["high_bias", "high_variance", "high_bias"]


def test_it_is_called_in_a_thread_of_its_own_one_at_a_time_and_the_latest_wins() -> None:
    slow = Slow()
    tracker = new_tracker(slow.hear)
    log(tracker, "high_bias")
    assert slow.has_begun.wait(PATIENCE_SECONDS)
    log(tracker, "high_variance", "high_bias+high_variance", "high_variance", first=1)
    assert slow.tags == ["high_bias"]  # and the training has not waited

    slow.let.release(2)
    tracker.close(timeout=PATIENCE_SECONDS)
    assert slow.tags == ["high_bias", "high_variance"]
    assert slow.threads == {"bvtrack on_verdict"}


def test_a_tag_that_is_back_before_its_turn_is_not_told_again() -> None:
    slow = Slow()
    tracker = new_tracker(slow.hear)
    log(tracker, "high_bias")
    assert slow.has_begun.wait(PATIENCE_SECONDS)
    log(tracker, "high_variance", "high_bias", first=1)

    slow.let.release(2)
    tracker.close(timeout=PATIENCE_SECONDS)
    assert slow.tags == ["high_bias"]


@pytest.mark.parametrize("error", [OSError("no route"), SystemExit(3), KeyboardInterrupt()])
def test_what_it_raises_is_said_once_and_the_next_verdict_is_told(error: BaseException, said: list[str]) -> None:
    tags: list[str] = []

    def fails(verdict: Verdict) -> None:
        tags.append(verdict.diagnosis.tag)
        raise error

    tracker = new_tracker(fails)
    for epoch, tag in enumerate(["high_bias", "high_variance", "high_bias"]):
        log(tracker, tag, first=epoch)
        assert tracker._calls is not None
        tracker._calls.wait(PATIENCE_SECONDS)
    tracker.close()

    assert tags == ["high_bias", "high_variance", "high_bias"]
    assert said == [f"bvtrack: on_verdict raised {error!r}; the training goes on"]
    said.clear()


def test_its_last_call_is_waited_for_no_longer_than_is_allowed() -> None:
    slow = Slow()
    tracker = new_tracker(slow.hear)
    log(tracker, "high_bias")
    tracker.close(timeout=0.2)

    assert tracker._calls is not None
    assert not tracker._calls.wait(0)
    slow.let.release()
    tracker.wait(PATIENCE_SECONDS)
    assert tracker._calls is not None
    assert tracker._calls.wait(0)


def test_a_wait_without_an_end_is_one() -> None:
    tracker = new_tracker(hear)
    log(tracker, "high_bias")

    tracker.close(timeout=float("inf"))
    assert heard.pop() == "high_bias"


@pytest.mark.parametrize("function", [3, "url"])
def test_what_is_no_function_is_refused_before_an_epoch_is_spent(function: Any) -> None:
    for make in (Tracker, CallbackOptions, BiasVarianceCallback):
        with pytest.raises(ValueError, match=r"on_verdict must be a plain function that takes a bvtrack.Verdict; got"):
            make(on_verdict=function)


def test_a_coroutine_function_that_nobody_would_await_is_refused() -> None:
    async def later(verdict: Verdict) -> None: ...

    with pytest.raises(ValueError, match="on_verdict must be a plain function"):
        Tracker(on_verdict=later)


def test_only_the_process_that_writes_calls() -> None:
    log(new_tracker(hear, enabled=False), "high_bias")
    tracker = new_tracker(hear)
    log(tracker, "high_bias")
    assert tracker._calls is not None
    assert tracker._calls.wait(PATIENCE_SECONDS)
    if (child := os.fork()) == 0:
        tracker.log_epoch(1, train_error=0.01, dev_error=0.2)
        tracker.close(timeout=0)
        os._exit(len(heard) != 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    tracker.close()
    assert heard == ["high_bias"]


def test_a_process_that_writes_with_a_tracker_made_before_the_fork_calls() -> None:
    tracker = new_tracker(hear)
    if (child := os.fork()) == 0:
        log(tracker, "high_bias")
        tracker.close(timeout=PATIENCE_SECONDS)
        os._exit(heard != ["high_bias"])

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert heard == []


def test_a_copy_of_a_tracker_calls_nobody() -> None:
    tracker = new_tracker(Slow().hear)
    log(copy.copy(tracker), "high_bias")

    assert pickle.loads(pickle.dumps(copy.copy(tracker)))._calls is None


def test_copies_of_a_callback_share_the_function_with_all_that_it_holds() -> None:
    slow = Slow()  # with locks, that no copy can be made of
    callback = BiasVarianceCallback(on_verdict=slow.hear, train_eval="running")
    copied = copy.deepcopy(callback)
    slow.let.release(10)
    for one in (callback, copied):
        fit(one)

    assert len(slow.tags) == 2


def test_another_process_gets_a_function_that_it_can_import_and_no_other(said: list[str]) -> None:
    there = pickle.loads(pickle.dumps(CallbackOptions(on_verdict=hear, at="last"))).new_tracker()
    log(there, "high_bias")
    there.close()
    assert heard.pop() == "high_bias"

    lost = pickle.loads(pickle.dumps(CallbackOptions(on_verdict=lambda verdict: None))).new_tracker()
    log(lost, "high_bias", "high_bias")
    assert said == [
        "bvtrack: on_verdict is not called in this process, to which its function could not be sent: define it in a module"
    ]
    said.clear()


def test_a_resumed_training_does_not_tell_again_what_was_told() -> None:
    first = new_tracker(hear)
    log(first, "high_bias")
    state = json.loads(json.dumps(first.state()))
    first.close()
    second = new_tracker(hear, resume=state)
    log(second, "high_bias", first=1)
    second.close()
    assert heard == ["high_bias"]

    log(third := new_tracker(hear, resume=state), "high_variance", first=1)
    third.close()
    assert heard == ["high_bias", "high_variance"]


def test_a_fit_of_keras_is_the_same_with_a_function_and_rules_that_are_not_met() -> None:
    rules = StopWhen(diverged=True, not_learning=100, overtrained=100)
    callback = BiasVarianceCallback(train_data=TRAIN, dev_data=DEV, on_verdict=hear, stop_when=rules)

    assert_same_training(fit(callback, epochs=3), fit(epochs=3))
    assert callback.tracker is not None
    assert callback.tracker.diagnosis is not None
    assert heard[-1] == callback.tracker.diagnosis.tag


def test_a_fit_of_lightning_is_the_same_with_a_function_and_rules_that_are_not_met() -> None:
    rules = StopWhen(diverged=True, not_learning=100, overtrained=100)
    callback = tracked(on_verdict=hear, stop_when=rules)
    torch.manual_seed(0)
    net = Net()
    ours, bare = lightning_fit(copy.deepcopy(net), callback), lightning_fit(net)

    for one, other in zip(ours.lightning_module.parameters(), bare.lightning_module.parameters(), strict=True):
        assert one.equal(other)
    assert callback.tracker is not None
    assert callback.tracker.diagnosis is not None
    assert heard[-1] == callback.tracker.diagnosis.tag

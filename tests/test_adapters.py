"""What adapters are built of, without a framework: options, budgets, errors of the user's own, a training by its contract."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from written_journals import all_records

from bvtrack import Measure, ModelFacts
from bvtrack.adapters import (
    CallbackOptions,
    Logged,
    Pass,
    Predictions,
    Session,
    SetName,
    SplitSource,
    TimeBudget,
    Training,
    WarnOnce,
    error_measure,
    is_same,
    metric_measure,
)
from bvtrack.journal.folder import unsent_journals
from bvtrack.schema.model_tags import read_model
from bvtrack.schema.tag_texts import metric_of
from bvtrack.shipping.run_state import Ledger

WRONG = Measure("wrong", higher_is_better=False, kind="score", function=lambda predicted, true: predicted != true)
LOGGED = Logged({"acc": 0.9, "loss": 0.3, "val_acc": 0.8}, {"val_acc": 0.8})


@dataclass
class Scripted(Training):
    """Says what a test has it say; a pass that is an exception is raised."""

    passes: Mapping[SetName, Any] = field(default_factory=dict)
    epoch: Logged = LOGGED
    augments: bool = False
    data_come_late: bool = False
    facts: ModelFacts = field(default_factory=ModelFacts)
    own_loss: Any = None
    asked: list[str] = field(default_factory=list)
    exposed: dict[str, float] = field(default_factory=dict)

    @property
    def has_data(self) -> bool:
        return not self.data_come_late

    def model_facts(self) -> ModelFacts:
        return self.facts

    def splits(self) -> Mapping[str, SplitSource]:
        self.asked.append("splits")
        return {"train": SplitSource.of(1000), "dev": SplitSource.of(200)}

    def is_augmented(self) -> bool:
        return self.augments

    def loss(self) -> Any:
        return self.own_loss

    def logged(self) -> Logged:
        return self.epoch

    def sets(self, measure: Measure | None) -> Sequence[SetName]:
        return list(self.passes)

    def evaluate(self, name: SetName, measure: Measure | None, budget: TimeBudget) -> Pass:
        self.asked.append(name)
        found = self.passes[name]
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, Pass)
        return found

    def expose(self, metrics: Mapping[str, float]) -> None:
        self.exposed |= metrics


def train(training: Training, epochs: int = 1, **options: Any) -> Session[Training]:
    session = Session(training, CallbackOptions(**options))
    session.begin()
    for epoch in range(epochs):
        session.begin_epoch()
        session.end_epoch(epoch)
    session.end("complete")
    return session


def records(journals: Path, kind: str) -> list[Mapping[str, Any]]:
    (journal,) = unsent_journals(journals)
    return [record for record in all_records(journal) if record["kind"] == kind]


def tags(journals: Path) -> Mapping[str, str | None]:
    (journal,) = unsent_journals(journals)
    header, *rest = all_records(journal)
    ledger = Ledger(header["options"])
    for record in rest:
        ledger.take(record)
    return ledger.bundle(rest).tags


def errors(journals: Path) -> Mapping[str, float]:
    found: Mapping[str, float] = records(journals, "epoch")[-1]["errors"]
    return found


def predicted(n: int, n_wrong: int, error: Any = WRONG.function) -> Pass:
    kept = Predictions(error, n)
    kept.add(np.arange(n) < n_wrong, np.zeros(n, bool))
    return kept.found()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test_every": -1}, "test_every must be a number of epochs, 0 for never; got -1"),
        ({"train_eval": "half"}, "train_eval must be 'subset', 'full', 'running' or a number of examples; got 'half'"),
        ({"measure": "val_acc", "error": WRONG}, "only one of the two; got both, measure='val_acc'"),
        ({"measure": "quality"}, "does not say whether higher is better"),
        ({"human_error": 2.0}, r"human_error must be a fraction in \[0, 1\]; got 2.0"),
        ({"at": "first"}, "at must be 'best' or 'last'; got 'first'"),
        ({"run_id": "../x"}, "run_id must be letters"),
        ({"tracking_uri": "./mlruns"}, "got"),
    ],
)
def test_options_that_cannot_be_are_refused_before_an_epoch_is_spent(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CallbackOptions(**options)


def test_options_write_nothing(tmp_path: Path) -> None:
    CallbackOptions(human_error=0.1)

    assert list(tmp_path.iterdir()) == []


def test_a_run_that_the_user_names_goes_before_that_of_a_logger() -> None:
    options = CallbackOptions(run_id="mine", tracking_uri="sqlite:///mlflow.db")

    assert options.new_tracker(run_id="the-loggers", enabled=False).run_id == "mine"
    assert CallbackOptions().new_tracker(run_id="the-loggers", enabled=False).run_id == "the-loggers"


@pytest.mark.parametrize(("seconds", "n"), [(0.0, 1000), (0.5, 1000), (1.0, 1000), (1.0015, 1001), (50.0, 50_000)])
def test_a_pass_takes_what_there_is_time_for_and_a_thousand_examples_at_least(seconds: float, n: int) -> None:
    budget = TimeBudget(now=iter([100.0, 101.0]).__next__)
    budget.begin(seconds)
    budget.note(50)  # which is not timed
    budget.note(900)
    assert budget.most == math.inf
    budget.note(100)

    assert budget.most == n


def test_a_budget_is_settled_by_the_first_pass_alone() -> None:
    budget = TimeBudget(now=iter([0.0, 1.0]).__next__)
    budget.begin(2.0)
    budget.note(1)
    budget.note(1000)
    budget.begin(100.0)
    budget.note(1000)

    assert budget.most == 2000


def test_a_pass_may_take_a_twentieth_of_the_epoch(journals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moments, told = iter([0.0, 100.0, 160.0, 160.0]), list[float]()
    monkeypatch.setattr("bvtrack.adapters.session.time", SimpleNamespace(perf_counter=lambda: next(moments)))

    class Timed(Scripted):
        def now(self) -> float:
            return 2.0 * len(told)

        def evaluate(self, name: SetName, measure: Measure | None, budget: TimeBudget) -> Pass:
            for n in (1, 1000):
                budget.note(n)
                told.append(budget.most)
            return super().evaluate(name, measure, budget)

    train(Timed({"train": Pass(100, {"acc": 0.9})}))

    assert told == [math.inf, 1500]


def test_errors_of_single_examples_are_kept_in_place_of_predictions() -> None:
    found = predicted(10, 3)

    assert (found.n, found.is_by_example, found.is_averaged) == (10, True, False)
    assert found.examples is not None
    assert found.examples[0].sum() == 3


def test_predictions_that_are_too_large_to_keep_are_measured_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bvtrack.adapters.predictions.MOST_BYTES", 100)
    kept = Predictions(lambda predicted, true: np.abs(predicted - true).mean())
    for n, value in ((12, 1.0), (12, 3.0), (6, 8.0)):
        kept.add(np.full(n, value), np.zeros(n))
    found = kept.found()

    assert (found.n, found.is_averaged) == (30, True)
    assert found.examples is not None
    assert found.examples[0].mean() == pytest.approx((12 + 36 + 48) / 30)


def test_a_pass_over_nothing_is_said_to_be_one() -> None:
    with pytest.raises(ValueError, match="at least 1 example"):
        Predictions(lambda predicted, true: predicted != true).found()


@pytest.mark.parametrize("error", [3, "acc", dict])
def test_an_error_that_is_no_function_is_refused(error: Any) -> None:
    with pytest.raises(ValueError, match=r"error= must be a function of \(predictions, targets\) or a toy.Metric; got"):
        error_measure(error, lambda function: function, "toy.Metric")


def test_a_function_is_what_its_values_say_but_for_units_in_its_name() -> None:
    def error_rate(predicted: Any, true: Any) -> Any: ...

    def rmse(predicted: Any, true: Any) -> Any: ...

    kinds = [error_measure(function, lambda function: function, "toy.Metric").kind for function in (error_rate, rmse)]

    assert kinds == ["score", "units"]


@pytest.mark.parametrize(
    ("names", "higher_is_better", "said", "error"),
    [
        (["Accuracy"], None, "1 - Accuracy", 0.75),
        (["mine", "Accuracy"], None, "1 - Accuracy", 0.75),
        (["mine"], True, "1 - mine", 0.75),
        (["Accuracy"], False, "Accuracy", 0.25),
        (["MeanAbsoluteError"], None, "MeanAbsoluteError", 0.25),
    ],
)
def test_a_metric_is_the_error_that_its_direction_makes_of_it(
    names: list[str], higher_is_better: bool | None, said: str, error: float
) -> None:
    measure = metric_measure(*names, value=lambda predicted, true: np.float32(0.25), higher_is_better=higher_is_better)

    assert measure.function is not None
    assert (str(measure), measure.function([0], [0])) == (said, error)


def test_a_metric_that_may_be_either_way_up_is_refused() -> None:
    with pytest.raises(ValueError, match="whether higher is better, got Quality: pass error= as a function"):
        metric_measure("mine", "Quality", value=lambda predicted, true: 0.25)


def test_a_test_error_is_not_logged_where_tracking_is_disabled_by_then(journals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(Scripted(), CallbackOptions())
    session.end_epoch(0)
    monkeypatch.setenv("BVTRACK_DISABLED", "1")
    session.log_test({"test_acc": 0.7}, epoch=0)
    session.end("complete")

    assert records(journals, "test") == []


def test_warnings_are_said_once_and_by_the_process_that_writes_alone(said: list[str]) -> None:
    for warnings in (WarnOnce(), WarnOnce(is_enabled=False)):
        warnings.once("the disk is full")
        warnings.once("the disk is full")

    assert said == ["bvtrack: the disk is full"]
    said.clear()


def test_the_dev_error_is_the_one_that_validation_logs(journals: Path) -> None:
    training = Scripted({"train": Pass(1000, {"acc": 0.95}), "test": Pass(50, {"acc": 0.7})})
    train(training, expose=True)
    epoch = records(journals, "epoch")[0]

    assert epoch["errors"] == pytest.approx({"train": 0.05, "dev": 0.2, "test": 0.3})
    assert epoch["counts"] == {"train": 1000, "dev": 200, "test": 50}
    assert epoch["running"] == pytest.approx(0.1)
    assert training.exposed["bvtrack/variance"] == pytest.approx(0.15)
    assert tags(journals)["bvtrack.measure"] == "1 - val_acc"


def test_nothing_is_exposed_unless_that_is_asked_for(journals: Path) -> None:
    training = Scripted({"train": Pass(1000, {"acc": 0.95})})
    train(training)

    assert training.exposed == {}


def test_the_running_average_stands_in_for_a_train_error_that_is_not_measured(journals: Path) -> None:
    train(Scripted())

    assert errors(journals) == pytest.approx({"train": 0.1, "dev": 0.2})
    assert tags(journals)["bvtrack.measure"] == "1 - val_acc (train: running average, not in eval mode)"


def test_a_metric_that_validation_logs_is_no_running_error(journals: Path) -> None:
    train(Scripted({"train": Pass(1000, {"acc": 0.95})}, Logged({"acc": 0.8}, {"acc": 0.8})))

    assert records(journals, "epoch")[0]["running"] is None


def test_what_was_logged_of_the_last_batch_is_no_running_error(journals: Path, said: list[str]) -> None:
    train(Scripted(epoch=Logged(LOGGED.train, LOGGED.dev, of_last_batch={"acc"})))

    assert "acc is that of the epoch's last batch" in said.pop()
    assert errors(journals) == pytest.approx({"dev": 0.2})


def test_it_is_only_a_remark_where_the_train_error_is_measured(journals: Path) -> None:
    train(Scripted({"train": Pass(1000, {"acc": 0.95})}, Logged(LOGGED.train, LOGGED.dev, of_last_batch={"acc"})))

    measure = tags(journals)["bvtrack.measure"]
    assert measure == "1 - val_acc (train: no running average, only that of the last batch is logged)"
    assert metric_of(measure) == "1 - val_acc"


def test_a_train_error_on_augmented_examples_is_said_to_be_one(journals: Path) -> None:
    train(Scripted({"train": Pass(1000, {"acc": 0.95})}, augments=True))

    assert tags(journals)["bvtrack.measure"] == "1 - val_acc (train: on augmented examples)"
    assert read_model(tags(journals)).augmentation is True


def test_a_loss_that_is_no_number_spares_the_passes(journals: Path, said: list[str]) -> None:
    training = Scripted({"train": Pass(1000, {"acc": 0.95})}, Logged({"loss": math.nan, "acc": 0.1}, {"val_acc": 0.1}))
    train(training)

    assert training.asked == ["splits"]
    assert tags(journals)["bvtrack.diagnosis"] == "diverged"
    assert said.pop().startswith("bvtrack: train_error must be a finite number")


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (OSError("no such file"), "evaluating failed on the test data (OSError('no such file'))"),
        (
            Pass(50, {"f1": 0.5}),
            "evaluating did not log 1 - val_acc on the test data; it logged f1; measure it with error= instead",
        ),
    ],
)
def test_a_set_that_cannot_be_measured_costs_its_error_alone(found: Any, reason: str, journals: Path, said: list[str]) -> None:
    train(Scripted({"train": Pass(1000, {"acc": 0.95}), "test": found}), epochs=2)

    assert said == [f"bvtrack: the test error is missing, for {reason}"]
    said.clear()
    assert errors(journals) == pytest.approx({"train": 0.05, "dev": 0.2})
    assert tags(journals)["bvtrack.measure"] == "1 - val_acc (test: missing)"


def test_an_interval_that_a_pass_knows_is_that_of_its_error(journals: Path) -> None:
    train(Scripted({"train": Pass(1000, {"acc": 0.95}, intervals={"acc": (0.93, 0.96)})}), at="last")

    assert records(journals, "epoch")[0]["intervals"]["train"] == pytest.approx([0.04, 0.07])


def test_an_accuracy_over_classes_has_no_counts(journals: Path) -> None:
    train(Scripted({"train": Pass(1000, {"acc": 0.95}, over_classes=["acc"])}), at="last")

    assert records(journals, "measure")[-1]["is_rate"] is False
    assert records(journals, "epoch")[0]["counts"] == {}


def test_an_error_of_the_users_own_becomes_a_rate_where_its_values_are(journals: Path) -> None:
    training = Scripted({"train": predicted(1000, 50), "dev": predicted(200, 30)}, Logged({"wrong": 0.5}, {"val_wrong": 0.5}))
    session = train(training, error=WRONG)

    assert session.measure is not None
    assert session.measure.is_rate
    assert errors(journals) == pytest.approx({"train": 0.05, "dev": 0.15})
    assert records(journals, "epoch")[0]["counts"] == {"train": 1000, "dev": 200}
    assert records(journals, "epoch")[0]["running"] is None


def test_an_error_of_all_examples_together_has_a_bootstrap_interval(journals: Path) -> None:
    def share(predictions: Any, targets: Any) -> float:
        return float(np.mean(predictions != targets))

    own = Measure("share", higher_is_better=False, kind="score", function=share)
    train(Scripted({"dev": predicted(200, 30, share)}), error=own)
    low, high = records(journals, "epoch")[0]["intervals"]["dev"]

    assert low < 0.15 < high


def test_a_bare_loss_is_judged_by_the_loss_that_the_training_has(journals: Path) -> None:
    class Numbers(Scripted):
        def splits(self) -> Mapping[str, SplitSource]:
            return {"train": SplitSource.of((np.arange(10.0).reshape(-1, 1), np.arange(10.0)))}

    own = Numbers({"train": Pass(10, {"loss": 1.0})}, Logged({}, {"val_loss": 1.0}), own_loss=lambda p, t: np.abs(p - t).mean())
    train(own)

    assert errors(journals)["dev"] == pytest.approx(1 / 2.5)  # the mean distance of 0 to 9 from their median


@pytest.mark.parametrize(("test_every", "epochs"), [(0, []), (1, [0, 1, 2, 3]), (3, [0, 3])])
def test_the_test_error_is_measured_in_the_epochs_that_are_asked_for(
    test_every: int, epochs: list[int], journals: Path
) -> None:
    train(Scripted({"test": Pass(50, {"acc": 0.7})}), epochs=4, test_every=test_every)

    assert [record["epoch"] for record in records(journals, "epoch") if "test" in record["errors"]] == epochs


@pytest.mark.parametrize(("data_come_late", "asked"), [(False, ["splits"]), (True, [])])
def test_a_split_is_checked_at_the_start_or_else_with_the_first_epoch(
    data_come_late: bool, asked: list[str], journals: Path
) -> None:
    training = Scripted(data_come_late=data_come_late)
    session = Session(training, CallbackOptions())
    session.begin()

    assert training.asked == asked
    session.end_epoch(0)
    session.end_epoch(1)
    assert training.asked == ["splits"]
    session.end("complete")


def test_what_is_measured_before_an_epochs_end_is_not_measured_again(journals: Path) -> None:
    training = Scripted({"train": Pass(1000, {"acc": 0.95})})
    session = Session(training, CallbackOptions())
    session.begin()
    session.measure_sets(0)

    assert session.has_measured
    session.end_epoch(0)
    assert training.asked == ["splits", "train"]
    assert not session.has_measured
    session.end("complete")


def test_outputs_of_dev_and_test_are_compared_once_at_the_end(journals: Path) -> None:
    training = Scripted({"dev": predicted(200, 30), "test": predicted(100, 10)})
    session = train(training, epochs=2, error=WRONG)
    session.end("failed")

    assert len(records(journals, "outputs")) == 1
    assert [record["state"] for record in records(journals, "end")] == ["complete"]


def test_outputs_are_those_of_the_last_epoch_that_measured_both_sets(journals: Path) -> None:
    train(Scripted({"dev": predicted(200, 30), "test": predicted(100, 10)}), epochs=2, error=WRONG, test_every=2)

    assert len(records(journals, "outputs")) == 1


def test_a_test_after_the_training_counts_for_its_epoch(journals: Path) -> None:
    session = Session(Scripted(), CallbackOptions())
    session.end_epoch(0)
    session.end_epoch(1)
    session.log_test({"test_acc": 0.7, "test_loss": 2.0}, epoch=0, n_test=50)
    session.log_test({"test_f1": 0.7}, epoch=1)
    session.end("complete")
    (test,) = records(journals, "test")

    assert (test["epoch"], test["n"]) == (0, 50)
    assert test["error"] == pytest.approx(0.3)


def test_data_whose_augmentation_cannot_be_told_cost_nothing(journals: Path) -> None:
    class Unreadable(Scripted):
        def is_augmented(self) -> bool:
            raise OSError("no such file")

    train(Unreadable({"train": Pass(1000, {"acc": 0.95})}))

    assert errors(journals) == pytest.approx({"train": 0.05, "dev": 0.2})


def test_data_that_cannot_be_read_are_known_by_their_size(journals: Path, said: list[str]) -> None:
    def read() -> Any:
        raise OSError("no such file")

    class Unreadable(Scripted):
        def splits(self) -> Mapping[str, SplitSource]:
            return {"train": SplitSource(1000, read), "dev": SplitSource.of(200)}

    train(Unreadable())

    assert said == ["bvtrack: the train data could not be read to check the split (OSError('no such file'))"]
    said.clear()
    assert records(journals, "split")[0]["counts"] == {"train": 1000, "dev": 200}


@pytest.mark.parametrize(
    ("once", "again", "are_same"),
    [
        ([np.ones(3), 1], [np.ones(3), 1], True),
        ([np.ones(3), 1], [np.zeros(3), 1], False),
        ({"x": np.array([np.nan])}, {"x": np.array([np.nan])}, True),
        (np.ones(3), np.ones(4), False),
        ([1, 2], [1, 2, 3], False),
        (["a", object()], ["a", object()], True),
        ("a", "b", False),
    ],
)
def test_two_readings_are_the_same_where_all_that_counts_is(once: Any, again: Any, are_same: bool) -> None:
    assert is_same(once, again) is are_same

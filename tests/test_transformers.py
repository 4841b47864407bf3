"""The callback for transformers' Trainer: which errors it logs, of which weights, and at which epoch."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")
pytest.importorskip("datasets")

from journal_runs import Run, read_run
from mlflow import MlflowClient
from transformers import EarlyStoppingCallback, Trainer, TrainerCallback, TrainerState
from transformers_training import (
    DEV,
    TEST,
    TRAIN,
    Keeping,
    accuracy,
    arguments,
    classifier,
    error_at,
    error_of,
    language_model,
    new_trainer,
    sequences,
    tracked,
)

from bvtrack.schema.model_tags import read_model
from bvtrack_transformers import BiasVarianceCallback, evaluation

pytestmark = pytest.mark.filterwarnings("ignore")  # transformers and torch warn of their own future


def curve(run: Run, name: str) -> dict[int, float]:
    return run.curve(f"bvtrack/{name}")


def test_errors_are_those_of_each_epochs_weights_in_eval_mode(journals: Path, tmp_path: Path) -> None:
    kept = Keeping()
    trainer = new_trainer(tmp_path, kept)
    tracked(trainer, test_dataset=TEST, human_error=0.1)
    trainer.train()
    run = read_run(journals)

    for name, data in {"train": TRAIN, "dev": DEV, "test": TEST}.items():
        expected = {epoch: error_at(kept, 6 * (epoch + 1), data) for epoch in range(3)}
        assert curve(run, f"{name}_error") == pytest.approx(expected)
    assert run.tags["bvtrack.measure"] == "1 - eval_accuracy"
    assert '"n":{"train":120,"dev":70,"test":50}' in run.tags["bvtrack.gaps"]
    assert (run.tags["bvtrack.state"], run.tags["bvtrack.split"]) == ("complete", "ok")
    facts = read_model(run.tags)
    assert (facts.optimizer, facts.learning_rate, facts.dropout, facts.batch_size) == ("AdamW", 0.01, 0.1, 20)
    assert facts.schedule == "linear"


def test_an_evaluation_by_steps_is_an_epoch_of_its_own(journals: Path, tmp_path: Path) -> None:
    kept = Keeping()
    trainer = new_trainer(tmp_path, kept, eval_strategy="steps", eval_steps=4)
    tracked(trainer)
    trainer.train()  # 18 steps, the last of which is evaluated too

    assert sorted(kept.weights) == [4, 8, 12, 16, 18]
    for name, data in {"train": TRAIN, "dev": DEV}.items():
        expected = {place: error_at(kept, step, data) for place, step in enumerate(sorted(kept.weights))}
        if name == "dev":
            assert curve(read_run(journals), f"{name}_error") == pytest.approx(expected)
        else:
            assert curve(read_run(journals), f"{name}_error").keys() == expected.keys()


def test_evaluations_by_steps_pass_over_no_more_of_train_than_of_dev(journals: Path, tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, eval_strategy="steps", eval_steps=9)
    tracked(trainer)
    trainer.train()

    assert '"n":{"train":70,"dev":70}' in read_run(journals).tags["bvtrack.gaps"]


def test_where_the_trainer_does_not_evaluate_dev_is_measured_each_epoch(journals: Path, tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, eval_strategy="no")
    tracked(trainer)
    trainer.train()
    run = read_run(journals)

    assert list(curve(run, "dev_error")) == [0, 1, 2]
    assert curve(run, "dev_error")[2] == pytest.approx(error_of(trainer.model, DEV))
    assert curve(run, "train_error")[2] == pytest.approx(error_of(trainer.model, TRAIN))
    assert not any("eval_accuracy" in entry for entry in trainer.state.log_history)


def test_an_evaluation_before_the_first_step_is_no_epoch(journals: Path, tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, eval_on_start=True)
    tracked(trainer)
    trainer.train()

    assert list(curve(read_run(journals), "dev_error")) == [0, 1, 2]


def test_an_epoch_of_accumulated_gradients_is_one_epoch(journals: Path, tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, gradient_accumulation_steps=4)  # 6 batches: a step of 4 and one of 2
    tracked(trainer)
    trainer.train()
    run = read_run(journals)

    assert list(curve(run, "dev_error")) == [0, 1, 2]
    assert read_model(run.tags).batch_size == 80


def test_the_weights_of_the_best_epoch_are_those_that_the_trainer_loads_at_the_end(journals: Path, tmp_path: Path) -> None:
    trainer = new_trainer(
        tmp_path,
        num_train_epochs=6,
        learning_rate=0.03,
        save_strategy="epoch",
        load_best_model_at_end=True,
        metric_for_best_model="accuracy",
    )
    callback = tracked(trainer)
    trainer.train()
    assert callback.tracker is not None
    weights = callback.tracker.weights
    dev = curve(read_run(journals), "dev_error")
    best = min(dev, key=lambda epoch: (dev[epoch], epoch))

    assert best < 5
    assert weights is not None
    assert (weights.best_epoch, weights.left_with) == (best, best)
    assert weights.checkpoints[best] == str(tmp_path / f"out/checkpoint-{6 * (best + 1)}")


def test_a_test_after_the_training_goes_to_the_epoch_whose_weights_it_used(store: str, tmp_path: Path) -> None:
    trainer = new_trainer(
        tmp_path,
        num_train_epochs=6,
        save_strategy="epoch",
        load_best_model_at_end=True,
        metric_for_best_model="accuracy",
        learning_rate=0.03,
    )
    callback = tracked(trainer, tracking_uri=store)
    trainer.train()
    assert callback.tracker is not None
    assert callback.tracker.weights is not None
    best = callback.tracker.weights.best_epoch
    assert best < 5
    evaluated = trainer.evaluate(TEST, metric_key_prefix="test")
    predicted = trainer.predict(sequences(60, 9)).metrics

    points = stored(store, callback, "test_error")
    assert points == [pytest.approx((best, 1 - metrics["test_accuracy"])) for metrics in (evaluated, predicted)]


def stored(store: str, callback: BiasVarianceCallback, name: str) -> list[tuple[int, float]]:
    assert callback.tracker is not None
    assert callback.tracker.run_id is not None
    history = MlflowClient(store).get_metric_history(callback.tracker.run_id, f"bvtrack/{name}")
    return [(point.step, point.value) for point in sorted(history, key=lambda point: point.timestamp)]


def test_an_evaluation_of_dev_after_the_training_is_no_test(journals: Path, tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, num_train_epochs=1)
    tracked(trainer)
    trainer.train()
    n = len(read_run(journals).records)
    trainer.evaluate()

    assert len(read_run(journals).records) == n


@pytest.mark.parametrize("predicted", [DEV, TRAIN])
def test_predictions_of_data_that_the_training_used_are_no_test(predicted: Any, journals: Path, tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, num_train_epochs=1)
    tracked(trainer)
    trainer.train()
    trainer.predict(predicted)

    assert curve(read_run(journals), "test_error") == {}


@pytest.mark.parametrize("other", [TRAIN, TEST])
def test_what_a_callback_evaluates_under_devs_names_is_not_dev(other: Any, journals: Path, tmp_path: Path) -> None:
    class Evaluating(TrainerCallback):  # type: ignore[misc]  # of transformers no type is read
        def on_epoch_end(self, args: Any, state: Any, control: Any, **known: Any) -> Any:
            kept = copy.deepcopy(control)
            trainer.evaluate(other)
            return kept

    trainer = new_trainer(tmp_path, Evaluating(), num_train_epochs=2)
    tracked(trainer)
    trainer.train()
    own = [entry["eval_accuracy"] for entry in trainer.state.log_history if "eval_accuracy" in entry][1::2]

    assert list(curve(read_run(journals), "dev_error").values()) == pytest.approx([1 - value for value in own])


def test_an_error_is_of_all_batches_where_they_are_not_joined(journals: Path, tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, num_train_epochs=1, eval_do_concat_batches=False, compute_metrics=None)
    tracked(trainer, error=lambda logits, labels: logits.argmax(axis=-1) != labels)
    trainer.train()
    run = read_run(journals)

    assert curve(run, "dev_error")[0] == pytest.approx(error_of(trainer.model, DEV))
    assert curve(run, "train_error")[0] == pytest.approx(error_of(trainer.model, TRAIN))


def test_a_resumed_training_goes_on_with_its_run(store: str, tmp_path: Path) -> None:
    first = new_trainer(tmp_path, save_strategy="epoch", num_train_epochs=2)
    callback = tracked(first, tracking_uri=store)
    first.train()
    second = new_trainer(tmp_path, save_strategy="epoch", num_train_epochs=4)
    resumed = tracked(second, tracking_uri=store)
    second.train(resume_from_checkpoint=str(tmp_path / "out/checkpoint-12"))

    assert callback.tracker is not None
    assert resumed.tracker is not None
    assert resumed.tracker.run_id == callback.tracker.run_id
    assert [step for step, _ in stored(store, resumed, "dev_error")] == [0, 1, 2, 3]
    weights = resumed.tracker.weights
    assert weights is not None
    assert weights.left_with == 3


def test_a_second_training_is_a_run_of_its_own(journals: Path, tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, num_train_epochs=1)
    callback = tracked(trainer)
    trainer.train()
    first = callback.tracker
    trainer.train()

    assert callback.tracker is not first


def test_a_checkpoint_of_a_training_without_the_callback_is_resumed(journals: Path, tmp_path: Path) -> None:
    new_trainer(tmp_path, save_strategy="epoch", num_train_epochs=1).train()
    trainer = new_trainer(
        tmp_path, EarlyStoppingCallback(3), save_strategy="epoch", load_best_model_at_end=True, num_train_epochs=3
    )
    trainer.remove_callback(EarlyStoppingCallback)  # which transformers does not add to an older checkpoint
    tracked(trainer)
    trainer.train(resume_from_checkpoint=True)

    assert list(curve(read_run(journals), "dev_error")) == [1, 2]


@pytest.mark.parametrize("is_first", [True, False])
def test_the_run_of_report_to_mlflow_is_the_one_that_is_tagged(
    is_first: bool, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    trainer = new_trainer(tmp_path, num_train_epochs=1, report_to="mlflow")
    tracked(trainer)
    if is_first:
        handler = trainer.callback_handler
        handler.callbacks.insert(0, handler.callbacks.pop())
    trainer.train()
    (run,) = MlflowClient(store).search_runs(["0"])

    assert run.data.metrics["bvtrack/dev_error"] == pytest.approx(1 - run.data.metrics["eval_accuracy"])
    assert run.data.params["num_train_epochs"] == "1"
    assert run.info.status == "FINISHED"


def searched(folder: Path, *, expose: bool, **options: Any) -> Any:
    """The best trial of a search for a learning rate."""
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    chosen = {"train_dataset": TRAIN, "eval_dataset": DEV, "compute_metrics": accuracy}
    trainer = Trainer(args=arguments(folder, num_train_epochs=1, **options), model_init=classifier, **chosen)
    tracked(trainer, expose=expose)
    return trainer.hyperparameter_search(
        lambda trial: {"learning_rate": trial.suggest_float("rate", 1e-4, 1e-1, log=True)},
        n_trials=3,
        direction="maximize",
        sampler=optuna.samplers.RandomSampler(seed=0),
    )


def test_a_search_has_the_same_objective_with_exposed_gaps(journals: Path, tmp_path: Path) -> None:
    plain, exposed = (searched(tmp_path, expose=expose) for expose in (False, True))

    assert plain == exposed


def test_each_trial_of_a_search_has_one_run_with_report_to_mlflow(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    searched(tmp_path, expose=False, report_to="mlflow")
    runs = MlflowClient(store).search_runs(["0"])

    assert [run.info.status for run in runs] == ["FINISHED"] * 3
    for run in runs:
        assert run.data.metrics["bvtrack/dev_error"] == pytest.approx(1 - run.data.metrics["eval_accuracy"])


class Raising(TrainerCallback):  # type: ignore[misc]  # of transformers no type is read
    def __init__(self, error: BaseException) -> None:
        self.error: BaseException | None = error

    def on_step_begin(self, args: Any, state: Any, control: Any, **known: Any) -> None:
        error, self.error = self.error, None
        if error is not None:
            raise error


@pytest.mark.parametrize(("error", "state"), [(KeyboardInterrupt(), "interrupted"), (RuntimeError("full"), "failed")])
def test_a_notebook_that_trains_again_has_marked_the_run_by_what_ended_it(
    error: BaseException, state: str, journals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = new_trainer(tmp_path, Raising(error), num_train_epochs=1)
    callback = tracked(trainer)
    with pytest.raises(type(error)):
        trainer.train()
    monkeypatch.setattr(sys, "last_value", error, raising=False)
    callback.on_train_begin(trainer.args, TrainerState(), trainer.control)  # the next training's first words

    assert read_run(journals).tags["bvtrack.state"] == state


def test_a_run_of_a_training_that_raises_has_failed(journals: Path, tmp_path: Path) -> None:
    class Failing(TrainerCallback):  # type: ignore[misc]  # of transformers no type is read
        def on_step_begin(self, args: Any, state: Any, control: Any, **known: Any) -> None:
            if state.global_step == 8:
                raise RuntimeError("disk full")

    trainer = new_trainer(tmp_path, Failing())
    with pytest.raises(RuntimeError, match="disk full"), tracked(trainer):
        trainer.train()

    assert read_run(journals).tags["bvtrack.state"] == "failed"
    assert list(curve(read_run(journals), "dev_error")) == [0]


def test_errors_and_gaps_are_there_to_choose_the_best_model_by(journals: Path, tmp_path: Path) -> None:
    trainer = new_trainer(
        tmp_path, save_strategy="epoch", load_best_model_at_end=True, metric_for_best_model="bvtrack_variance"
    )
    trainer.args.greater_is_better = False
    tracked(trainer, expose=True)
    trainer.train()

    assert trainer.state.best_metric == pytest.approx(min(curve(read_run(journals), "variance").values()))


def test_the_trainer_stops_after_the_epoch_where_it_is_asked_to(journals: Path, tmp_path: Path) -> None:
    class Asking(TrainerCallback):  # type: ignore[misc]  # of transformers no type is read
        def on_evaluate(self, args: Any, state: Any, control: Any, **known: Any) -> None:
            assert callback.session is not None
            callback.session.training.stop("it has learned enough")

    trainer = new_trainer(tmp_path)
    callback = tracked(trainer)
    trainer.add_callback(Asking())
    trainer.train()

    assert trainer.state.global_step == 6
    assert read_run(journals).tags["bvtrack.state"] == "complete"


def test_of_several_eval_sets_the_first_is_dev(journals: Path, tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, eval_dataset={"near": DEV, "far": TEST})
    tracked(trainer)
    trainer.train()

    assert curve(read_run(journals), "dev_error")[2] == pytest.approx(error_of(trainer.model, DEV))
    assert read_run(journals).tags["bvtrack.measure"].startswith("1 - eval_near_accuracy")


def next_token_accuracy(predicted: Any) -> dict[str, float]:
    return {"token_accuracy": float((predicted.predictions[:, :-1] == predicted.label_ids[:, 1:]).mean())}


def chosen_tokens(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return logits.argmax(dim=-1)


TEXT = sequences(90, 3).remove_columns("labels").map(lambda row: {"labels": row["input_ids"]})
DEV_TEXT = sequences(40, 4).remove_columns("labels").map(lambda row: {"labels": row["input_ids"]})


def text_trainer(folder: Path, **options: Any) -> Any:
    chosen = {"model": language_model(), "train_dataset": TEXT, "eval_dataset": DEV_TEXT, "compute_metrics": None}
    return new_trainer(folder, **{**chosen, **options})


def test_a_language_models_loss_is_a_cross_entropy(journals: Path, tmp_path: Path) -> None:
    trainer = text_trainer(tmp_path)
    tracked(trainer)
    trainer.train()
    run = read_run(journals)
    losses = [entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry]

    assert min(losses) > np.log(10)  # above which a loss of unknown kind tells nothing
    assert list(curve(run, "dev_error").values()) == pytest.approx([1 - np.exp(-loss) for loss in losses])
    assert curve(run, "train_error")[2] == pytest.approx(1 - np.exp(-trainer.evaluate(TEXT)["eval_loss"]), abs=1e-6)
    assert run.tags["bvtrack.measure"] == "1 - exp(-eval_loss) (a bare loss)"


def test_token_accuracy_is_an_error_over_sequences(journals: Path, tmp_path: Path) -> None:
    trainer = text_trainer(tmp_path, compute_metrics=next_token_accuracy, preprocess_logits_for_metrics=chosen_tokens)
    tracked(trainer)
    trainer.train()
    run = read_run(journals)

    assert curve(run, "train_error")[2] == pytest.approx(1 - trainer.evaluate(TEXT)["eval_token_accuracy"])
    assert '"n":{}' in run.tags["bvtrack.gaps"]  # tokens of a sequence are not independent: their count gives no interval


def test_predictions_that_there_is_no_room_for_are_measured_in_parts(
    journals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setattr(evaluation, "MOST_BYTES", 7 * 6 * 8)  # of seven sequences of six tokens of eight bytes
    sizes = tmp_path / "sizes"

    def noting(predicted: Any) -> dict[str, float]:
        sizes.write_text(f"{sizes.read_text() if sizes.exists() else ''} {len(predicted.predictions)}")
        return next_token_accuracy(predicted)

    own = {"compute_metrics": noting, "preprocess_logits_for_metrics": chosen_tokens}
    trainer = text_trainer(tmp_path, num_train_epochs=1, **own)
    tracked(trainer)
    trainer.train()

    assert sizes.read_text().split() == ["40", *["7"] * 12, "6"]  # dev, by the Trainer; and train
    assert f"writes the file {sizes}" in said.pop()
    error = 1 - trainer.evaluate(TEXT)["eval_token_accuracy"]
    assert curve(read_run(journals), "train_error")[0] == pytest.approx(error)


def wrong_tokens(logits: Any, labels: Any) -> Any:
    return (logits.argmax(axis=-1)[:, :-1] != labels[:, 1:]).mean(axis=1)


def test_an_error_of_sequences_has_an_interval_over_sequences(journals: Path, tmp_path: Path) -> None:
    trainer = text_trainer(tmp_path)
    tracked(trainer, error=wrong_tokens)
    trainer.train()
    run = read_run(journals)
    found = trainer.predict(DEV_TEXT)
    errors = wrong_tokens(found.predictions, found.label_ids)
    (last,) = [record for record in run.records if record.get("epoch") == 2 and "intervals" in record]
    low, high = last["intervals"]["dev"]

    assert curve(run, "dev_error")[2] == pytest.approx(errors.mean())
    assert high - low == pytest.approx(2 * 1.96 * errors.std() / 40**0.5, rel=0.25)

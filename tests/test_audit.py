from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag
from servers import PATIENCE_SECONDS, gate_before, running

import bvtrack
from bvtrack import Audited
from bvtrack.auditing.experiments import Auditing
from bvtrack.cli import main
from bvtrack.logged.error_metrics import Found, find_errors
from bvtrack.logged.params import model_facts
from bvtrack.logged.split_sizes import split_sizes, split_tag
from bvtrack.logged.unknown import Unknown
from bvtrack.measures.measure import Measure
from bvtrack.measures.metric_name import read_metric_name
from bvtrack.schema.model_tags import read_model
from bvtrack.store.logged_run import Latest, LoggedDataset, LoggedRun

Curves = Mapping[str, Sequence[float]]
LEARNED_BY_HEART: Curves = {"train_acc": [0.8, 0.99], "val_acc": [0.8, 0.85]}


@pytest.mark.parametrize(
    ("name", "stage", "core"),
    [
        ("training_accuracy_score", "train", "accuracy"),
        ("accuracy_score_X_test", "test", "accuracy"),
        ("validation_0-error", "dev", "error"),
        ("valid_1-multi_error", "dev", "error"),
        ("train-auc", "train", "auc"),
        ("val_loss", "dev", "loss"),
        ("eval_accuracy", "dev", "accuracy"),
        ("eval_train_accuracy", "train", "accuracy"),
        ("Accuracy/train", "train", "accuracy"),
        ("acc_val", "dev", "accuracy"),
        ("test_error", "test", "error"),
        ("train_acc_epoch", "train", "accuracy"),
        ("val/acc/dataloader_idx_0", "dev", "accuracy"),
        ("val_top_5_accuracy", "dev", "accuracy_5"),
        ("train_dev_error", "train_dev", "error"),
        ("accuracy", None, "accuracy"),
    ],
)
def test_a_name_says_its_set_and_what_is_measured(name: str, stage: str | None, core: str) -> None:
    read = read_metric_name(name)

    assert read is not None
    assert (read.stage, read.core) == (stage, core)


@pytest.mark.parametrize("name", ["epoch", "train_runtime", "lr", "test_val_acc", "grad_norm", "best_iteration"])
def test_a_name_that_is_no_error_or_of_two_sets_is_not_read(name: str) -> None:
    assert read_metric_name(name) is None


def of(metrics: Mapping[str, float], *, step: int = 3, **about: Any) -> LoggedRun:
    return LoggedRun("id", "run", {name: Latest(value, step) for name, value in metrics.items()}, **about)


@pytest.mark.parametrize(
    ("metrics", "found"),
    [
        ({"train_acc": 0.9, "val_acc": 0.8, "train_loss": 1, "val_loss": 2}, {"train": "train_acc", "dev": "val_acc"}),
        ({"train_error": 0.1, "val_error": 0.2, "train_f1": 0.9, "val_f1": 0.8}, {"train": "train_error", "dev": "val_error"}),
        ({"train_loss": 1, "val_loss": 2, "val_acc": 0.8}, {"train": "train_loss", "dev": "val_loss"}),
        ({"loss": 1, "val_loss": 2, "accuracy": 0.9, "val_accuracy": 0.8}, {"train": "accuracy", "dev": "val_accuracy"}),
        ({"train_acc_step": 0.9, "train_acc_epoch": 0.9, "val_acc": 0.8}, {"train": "train_acc_epoch", "dev": "val_acc"}),
        ({"train_acc": 0.9, "val_acc": 0.8, "test_acc": 0.7}, {"train": "train_acc", "dev": "val_acc", "test": "test_acc"}),
        ({"train_acc": 0.9, "test_acc": 0.7}, {"train": "train_acc", "dev": "test_acc"}),
        ({"train_acc": 0.9, "train_loss": 1, "test_acc": 0.7, "val_loss": 1}, {"train": "train_loss", "dev": "val_loss"}),
        ({"train_r2": 0.9, "val_r2": -0.2, "train_mse": 4, "val_mse": 5}, {"train": "train_r2", "dev": "val_r2"}),
        ({"train_nll": 0.9, "val_nll": 1.2}, {"train": "train_nll", "dev": "val_nll"}),
    ],
)
def test_the_pair_that_tells_most_is_taken(metrics: Mapping[str, float], found: Mapping[str, str]) -> None:
    result = find_errors(of(metrics))

    assert isinstance(result, Found)
    assert result.metrics == found


@pytest.mark.parametrize(
    ("metrics", "reason", "named"),
    [
        ({}, "no metrics", "no metrics"),
        ({"lr": 0.1, "epoch": 2}, "no known error", "epoch, lr"),
        ({"train_acc": 0.9}, "no dev error", "train_acc"),
        ({"val_acc": 0.9, "test_acc": 0.9}, "no train error", "val_acc"),
        ({"accuracy": 0.9}, "sets not named", "accuracy"),
        ({"train_acc": 0.9, "val_f1": 0.8}, "no pair", "train_acc, val_f1"),
        ({"train_loss": 0.9, "val_loss": 0.8}, "a bare loss", "val_loss"),
        ({"train_mse": 0.9, "val_mse": 0.8}, "an error in units", "val_mse"),
        ({"train_error": 12.0, "val_error": 20.0}, "no fraction", "val_error comes to 20"),
        ({"train_acc": 0.9, "val_acc": 80.0}, "no fraction", "val_acc comes to 80"),
        ({"train_f1": 0.9, "val_f1": -0.1}, "no fraction", "val_f1 comes to -0.1"),
    ],
)
def test_what_cannot_be_known_is_skipped_and_said(metrics: Mapping[str, float], reason: str, named: str) -> None:
    result = find_errors(of(metrics))

    assert isinstance(result, Unknown)
    assert result.reason == reason
    assert named in result.sentence


@pytest.mark.parametrize(
    ("params", "is_taken"),
    [
        ({"criterion": "CrossEntropyLoss"}, True),
        ({"objective": "multi:softprob"}, True),
        ({"architectures": "['GPT2LMHeadModel']"}, True),
        ({"criterion": "MSELoss"}, False),
        ({"note": "cross-entropy"}, False),
        ({"problem_type": "regression", "criterion": "cross_entropy"}, False),
    ],
)
def test_a_loss_counts_where_a_param_says_that_it_is_a_cross_entropy(params: Mapping[str, str], is_taken: bool) -> None:
    result = find_errors(of({"train_loss": 0.9, "val_loss": 0.8}, params=params))

    assert isinstance(result, Found) == is_taken


def test_accuracies_in_percent_are_read_as_such() -> None:
    found = find_errors(of({"train_acc": 90.0, "val_acc": 12.0}))

    assert isinstance(found, Found)
    assert (found.unit, found.measure_tag) == (100, "1 - val_acc / 100 (train: as logged)")


def test_what_a_user_logs_beside_an_autologger_counts_too() -> None:
    metrics = {"train-logloss": 0.1, "validation-logloss": 0.2, "train_accuracy": 0.99, "val_accuracy": 0.9}
    found = find_errors(of(metrics, params={"num_boost_round": "9"}))

    assert isinstance(found, Found)
    assert found.metrics == {"train": "train_accuracy", "dev": "val_accuracy"}


def test_a_search_that_keeps_train_scores_tells_of_each_step() -> None:
    metrics = {"mean_train_score": 0.99, "mean_test_score": 0.9, "std_test_score": 0.01}
    found = find_errors(of(metrics, tags={"estimator_class": "sklearn.tree.DecisionTreeClassifier"}))

    assert isinstance(found, Found)
    assert found.metrics == {"train": "mean_train_score", "dev": "mean_test_score"}


def test_a_metric_without_a_set_is_the_trainings_only_beside_a_curve() -> None:
    metrics = {"accuracy": 0.9, "test_accuracy": 0.8}

    assert isinstance(find_errors(of(metrics, step=4)), Found)
    assert isinstance(find_errors(of(metrics, step=0)), Unknown)


@pytest.mark.parametrize(
    ("params", "facts"),
    [
        ({"optimizer_name": "adam", "optimizer_learning_rate": "0.001"}, {"optimizer": "adam", "learning_rate": 0.001}),
        ({"optim": "adamw", "per_device_train_batch_size": "8", "weight_decay": "0.0"}, {"batch_size": 8, "weight_decay": 0.0}),
        ({"lr": "about 0.1", "momentum": "nan", "batch_size": "inf"}, {"learning_rate": None, "batch_size": None}),
        ({"num_boost_round": "9", "learning_rate": "0.3"}, {"learning_rate": None}),
    ],
)
def test_params_tell_what_the_model_is(params: Mapping[str, str], facts: Mapping[str, object]) -> None:
    found = model_facts(of({}, params=params))

    assert {name: getattr(found, name) for name in facts} == facts


DATASETS = (
    LoggedDataset("data", "training", "a", 600),
    LoggedDataset("validation_0", "eval", "a", 600),
    LoggedDataset("validation_1", "eval", "b", 200),
    LoggedDataset("X_test", "test", "c", 200),
)


def test_the_sizes_of_the_sets_are_read_from_datasets() -> None:
    found = Found(Measure("val_acc", higher_is_better=True), {"train": "train_acc", "dev": "val_acc"})

    assert split_sizes(of({}, datasets=DATASETS), found) == {"train": 600, "dev": 200, "test": 200}


@pytest.mark.parametrize(
    ("is_test_as_dev", "has_curve", "sizes", "tag"),
    [
        (False, True, {}, "unchecked"),
        (False, True, {"train": 600, "dev": 200, "test": 200}, "ok"),
        (False, True, {"train": 600, "dev": 200}, "ok"),
        (True, True, {}, "test_used_to_choose"),
        (True, False, {}, "no_dev_set"),
        (True, True, {"train": 60, "dev": 20}, "test_used_to_choose+too_few_examples"),
    ],
)
def test_a_test_set_that_chooses_is_called_what_it_is(
    is_test_as_dev: bool, has_curve: bool, sizes: Mapping[str, int], tag: str
) -> None:
    measure = Measure("val_acc", higher_is_better=True)
    found = Found(measure, {"train": "train_acc", "dev": "val_acc"}, is_test_as_dev=is_test_as_dev)

    assert split_tag(found, sizes, has_curve=has_curve) == tag


def log(store: str, curves: Curves = LEARNED_BY_HEART, name: str = "run", **about: Any) -> str:
    """A run of a loop of one's own, in the experiment `Default`; gives its id."""
    client = MlflowClient(store)
    run_id = str(client.create_run("0", run_name=name, tags=about.get("tags")).info.run_id)
    for key, values in curves.items():
        for epoch, value in enumerate(values):
            client.log_metric(run_id, key, value, step=epoch)
    for key, value in about.get("params", {}).items():
        client.log_param(run_id, key, value)
    client.set_terminated(run_id)
    return run_id


def tags_of(store: str, run_id: str) -> dict[str, str]:
    tags = MlflowClient(store).get_run(run_id).data.tags
    return {name: value for name, value in tags.items() if name.startswith("bvtrack.")}


def audit(store: str, **options: Any) -> list[Audited]:
    return bvtrack.audit("Default", tracking_uri=store, **options)


def test_a_run_that_a_loop_logged_is_tagged(store: str) -> None:
    run_id = log(store, params={"optimizer": "Adam", "lr": 0.001})
    (audited,) = audit(store)
    tags = tags_of(store, run_id)

    assert (audited.run_id, audited.tag, audited.is_changed) == (run_id, "high_variance", True)
    assert tags["bvtrack.diagnosis"] == "high_variance"
    assert tags["bvtrack.source"] == "audit"
    assert tags["bvtrack.measure"] == "1 - val_acc (train: as logged)"
    assert (tags["bvtrack.epoch"], tags["bvtrack.baseline"], tags["bvtrack.split"]) == ("1", "zero", "unchecked")
    assert (read_model(tags).optimizer, read_model(tags).learning_rate) == ("Adam", 0.001)
    assert json.loads(tags["bvtrack.gaps"])["errors"] == {"train": 0.01, "dev": 0.15}


def test_an_audit_that_is_told_so_writes_tags_alone(store: str) -> None:
    run_id = log(store)
    before = MlflowClient(store).get_run(run_id)
    audit(store, tags_only=True)
    after = MlflowClient(store).get_run(run_id)

    assert (after.data.metrics, after.data.params, after.info) == (before.data.metrics, before.data.params, before.info)
    assert {name: after.data.tags[name] for name in before.data.tags} == before.data.tags


def test_a_dry_run_says_the_same_and_writes_nothing(store: str) -> None:
    run_id = log(store)
    dry = audit(store, dry_run=True)

    assert tags_of(store, run_id) == {}
    assert dry == audit(store)


def test_an_audit_that_is_repeated_reads_no_history_again(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    log(store)
    (first,) = audit(store)
    monkeypatch.setattr(MlflowClient, "get_metric_history", lambda *_: pytest.fail("a history was read"))
    (second,) = audit(store)

    assert (first.is_changed, second.is_changed) == (True, False)
    assert (second.tag, second.errors) == (first.tag, first.errors)


def test_an_audit_that_was_stopped_goes_on_where_it_was(store: str) -> None:
    ids = [log(store, {"train_acc": [0.99], "val_acc": [0.85]}) for _ in range(4)]
    stopped = Auditing(store, threads=1).runs_of("Default")
    next(stopped)
    del stopped
    left = [run_id for run_id in ids if not tags_of(store, run_id)]

    assert left
    assert [each.run_id for each in audit(store) if each.is_changed] == left


def test_a_run_that_goes_on_is_audited_again(store: str) -> None:
    run_id = log(store)
    audit(store)
    MlflowClient(store).log_metric(run_id, "val_acc", 0.985, step=2)
    (again,) = audit(store)

    assert (again.tag, again.is_changed) == ("balanced", True)
    assert "bvtrack.focus" not in tags_of(store, run_id)


def test_a_human_error_is_the_baseline(store: str) -> None:
    run_id = log(store, {"train_acc": [0.85], "val_acc": [0.84]})
    (audited,) = audit(store, human_error=0.14)

    assert audited.tag == "balanced"
    assert tags_of(store, run_id)["bvtrack.baseline"] == "given"


def test_a_run_that_has_diverged_in_its_loss_alone_is_called_so(store: str) -> None:
    log(store, {**LEARNED_BY_HEART, "train_loss": [0.5, math.nan]})

    assert audit(store)[0].tag == "diverged"


@pytest.mark.parametrize(
    ("stopped", "curve"),
    [({"stopped_iteration": 5}, "overtrained"), ({"stopped_epoch": 4}, "overtrained"), ({"stopped_epoch": 5}, "converged")],
)
def test_the_best_epoch_that_early_stopping_repeats_is_no_further_one(
    store: str, stopped: Mapping[str, float], curve: str
) -> None:
    best_again = {"train_acc": [0.9, 0.95, 0.96, 0.97, 0.98, 0.95], "val_acc": [0.8, 0.85, 0.8, 0.8, 0.75, 0.85]}
    run_id = log(store, {**best_again, **{name: [value] for name, value in stopped.items()}})
    audit(store)

    assert tags_of(store, run_id)["bvtrack.curve"] == curve


def test_one_point_is_diagnosed_without_a_curve(store: str) -> None:
    run_id = log(store, {"train_acc": [0.99], "val_acc": [0.85]})

    assert audit(store)[0].tag == "high_variance"
    assert "bvtrack.curve" not in tags_of(store, run_id)


def log_sizes(store: str, run_id: str, **sizes: int) -> None:
    """Datasets of these contexts and numbers of examples."""
    for context, n in sizes.items():
        tags = [InputTag("mlflow.data.context", context), InputTag("bvtrack.n", str(n))]
        MlflowClient(store).log_inputs(run_id, [DatasetInput(Dataset(context, context, "code", "{}"), tags)])


def test_counts_of_datasets_make_a_train_error_of_all_data_certain(store: str) -> None:
    run_id = log(store, {"train-error": [0.01], "valid-error": [0.11]}, params={"num_boost_round": 1})
    log_sizes(store, run_id, train=3000, eval=1000)
    (audited,) = audit(store)

    assert (audited.certainty, audited.split) == ("certain", "ok")


def test_the_size_of_the_training_set_is_no_count_of_a_running_average(store: str) -> None:
    run_id = log(store, {"train_acc": [0.5, 0.99], "val_acc": [0.5, 0.89]})
    log_sizes(store, run_id, train=3000, validation=1000, test=1000)
    (audited,) = audit(store)

    assert (audited.certainty, audited.split) == ("likely", "ok")
    assert json.loads(tags_of(store, run_id)["bvtrack.gaps"])["n"] == {"dev": 1000}


def track(store: str, send: Callable[[], None], *, train_error: float, dev_error: float) -> str:
    """A run that a Tracker has diagnosed."""
    run_id = str(MlflowClient(store).create_run("0").info.run_id)
    with bvtrack.Tracker(run_id, tracking_uri=store, measure="val_acc") as tracker:
        tracker.log_epoch(0, train_error=train_error, dev_error=dev_error, n_train=1000, n_dev=1000)
    send()
    return run_id


def test_a_run_that_was_diagnosed_in_training_is_left_to_that(store: str, send: Callable[[], None]) -> None:
    run_id = track(store, send, train_error=0.1, dev_error=0.11)
    before = tags_of(store, run_id)
    (audited,) = audit(store)

    assert audited.reason == "diagnosed in training"
    assert tags_of(store, run_id) == before


def test_a_diagnosis_that_somebody_removed_is_made_again(store: str) -> None:
    run_id = log(store)
    audit(store)
    MlflowClient(store).delete_tag(run_id, "bvtrack.diagnosis")
    audit(store)

    assert tags_of(store, run_id)["bvtrack.diagnosis"] == "high_variance"


def test_a_run_that_has_lost_its_tags_is_diagnosed_by_our_own_metrics(store: str, send: Callable[[], None]) -> None:
    run_id = track(store, send, train_error=0.01, dev_error=0.11)
    for name in tags_of(store, run_id):
        MlflowClient(store).delete_tag(run_id, name)
    (audited,) = audit(store)

    assert audited.metrics == {"train": "bvtrack/train_error", "dev": "bvtrack/dev_error"}
    assert audited.tag == "high_variance"


@pytest.mark.parametrize(
    ("baseline", "source", "tags"),
    [
        ("zero", "zero", ["high_bias", "high_variance"]),
        (0.1, "given", ["balanced", "high_variance"]),
        ("best", "experiment_best", ["balanced", "high_variance"]),
    ],
)
def test_a_baseline_re_tags_all_runs_alike(
    store: str, send: Callable[[], None], baseline: Any, source: str, tags: list[str]
) -> None:
    ids = [track(store, send, train_error=0.1, dev_error=0.11), log(store, {"train_acc": [0.9], "val_acc": [0.7]})]
    MlflowClient(store).set_tag(ids[0], "bvtrack.measure", "1 - val_acc (train: as logged)")
    audited = audit(store, baseline=baseline)

    assert [each.tag for each in audited] == tags
    assert [tags_of(store, run_id)["bvtrack.baseline"] for run_id in ids] == [source, source]
    assert [tags_of(store, run_id)["bvtrack.source"] for run_id in ids] == ["tracker", "audit"]


def test_a_baseline_can_be_taken_back(store: str, send: Callable[[], None]) -> None:
    run_id = track(store, send, train_error=0.1, dev_error=0.11)
    before = tags_of(store, run_id)
    audit(store, baseline=0.1)
    between = tags_of(store, run_id)
    audit(store, baseline="zero")

    assert between["bvtrack.diagnosis"] == "balanced"
    assert tags_of(store, run_id) == before


def test_a_later_audit_keeps_the_baseline_of_a_run(store: str) -> None:
    log(store)
    run_id = log(store)
    audit(store, baseline="best")
    MlflowClient(store).log_metric(run_id, "val_acc", 0.9, step=2)
    audit(store)

    assert tags_of(store, run_id)["bvtrack.baseline"] == "experiment_best"


def bvtrack_audit(store: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["audit", *arguments, "--tracking-uri", store])


def test_undo_removes_the_tags_of_audits_and_nothing_else(store: str, send: Callable[[], None]) -> None:
    tracked = track(store, send, train_error=0.1, dev_error=0.11)
    logged = log(store, tags={"bvtrack.note_of_mine": "kept"})
    before = tags_of(store, tracked)
    audit(store)
    result = bvtrack_audit(store, "Default", "--undo")

    assert result.exit_code == 0, result.output
    assert result.stdout == "1 run looked at, 1 untagged.\n"
    assert tags_of(store, logged) == {"bvtrack.note_of_mine": "kept"}
    assert tags_of(store, tracked) == before


def test_the_command_counts_diagnoses_and_reasons(store: str) -> None:
    log(store, name="learned by heart")
    log(store, {"train_error": [0.3, 0.1], "test_error": [0.3, 0.2]}, name="classic")
    log(store, {}, name="empty")
    output = bvtrack_audit(store, "Default").stdout

    assert re.search(r"^high_variance +1 +0$", output, re.MULTILINE)
    assert re.search(r"^no metrics +1 +empty: it has no metrics$", output, re.MULTILINE)
    assert "The split comes first in 1 run (test_used_to_choose): the test set was used as dev set" in " ".join(output.split())
    assert "\n3 runs looked at, 2 tagged anew.\n" in output


def test_a_dry_run_lists_the_runs(store: str) -> None:
    log(store, name="learned by heart")
    result = bvtrack_audit(store, "--all", "--dry-run")

    assert result.stdout.startswith("learned by heart: high_variance (likely); train from train_acc, dev from val_acc\n")
    assert result.stdout.endswith("1 run looked at, 1 to be tagged anew.\n")


def test_names_that_would_move_the_cursor_are_printed_without(store: str) -> None:
    log(store, name="odd\x1b[2J [/bold]\nname")
    result = bvtrack_audit(store, "--all", "--dry-run")

    assert result.exit_code == 0
    assert result.stdout.startswith("odd\ufffd[2J [/bold]\ufffdname: high_variance")


def test_json_is_a_line_for_each_run(store: str) -> None:
    run_id = log(store)
    log(store, {})
    lines = [json.loads(line) for line in bvtrack_audit(store, "Default", "--json").stdout.splitlines()]

    assert [line["tag"] for line in lines] == ["high_variance", None]
    assert (lines[0]["run_id"], lines[0]["errors"]) == (run_id, {"train": 0.01, "dev": 0.15})
    assert lines[1]["why_not"] == "it has no metrics"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "expected the names of experiments, or --all; got neither"),
        (("Default", "--all"), "expected the names of experiments, or --all; got both"),
        (("nothing",), "expected an experiment that is there, got 'nothing'; name one such as 'Default'"),
        (("Default", "--filter", "metrics.a >"), "got 'metrics.a >': Invalid clause(s) in filter string"),
        (("Default", "--filter", "params.a IN"), "expected a filter such as \"params.lr = '0.1'"),
        (("Default", "--baseline", "bset"), "expected an error such as 0.11 or 11%; got 'bset'"),
        (("Default", "--human-error", "11"), "--human-error must be a fraction in [0, 1]; got 11.0"),
        (("Default", "--human-error", "0.1", "--baseline", "best"), "expected --human-error or --baseline, got both"),
        (("Default", "--undo", "--baseline", "zero"), "expected --undo without --human-error and --baseline"),
        (("Default", "--threads", "0"), "0 is not in the range 1<=x<=64"),
    ],
)
def test_bad_usage_is_one_sentence(store: str, arguments: tuple[str, ...], sentence: str) -> None:
    result = bvtrack_audit(store, *arguments)

    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.split())
    assert "Traceback" not in result.output


def test_an_experiment_that_is_not_there_keeps_no_other_from_being_audited(store: str) -> None:
    run_id = log(store)
    client = MlflowClient(store)
    client.delete_experiment(client.create_experiment("old"))
    result = bvtrack_audit(store, "nothing", "old", "Default")

    assert result.exit_code == 2
    assert "the experiment 'old' is deleted" in result.stderr
    assert tags_of(store, run_id)["bvtrack.diagnosis"] == "high_variance"


def test_a_deleted_run_is_not_looked_at(store: str) -> None:
    run_id = log(store)
    MlflowClient(store).delete_run(run_id)

    assert audit(store) == []


def test_a_filter_by_a_tag_that_audits_write_misses_no_run(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bvtrack.store.reader.PAGE", 2)
    ids = [log(store, {"train_acc": [0.99], "val_acc": [0.85]}) for _ in range(5)]
    audited = audit(store, filter_string="tags.`bvtrack.diagnosis` IS NULL")

    assert [each.run_id for each in audited] == ids


def test_an_experiment_of_many_pages_is_audited_once_each(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bvtrack.store.reader.PAGE", 2)
    ids = [log(store, {"train_acc": [0.99], "val_acc": [0.85]}) for _ in range(5)]

    assert [each.run_id for each in audit(store, threads=3)] == ids


def test_an_address_that_does_not_answer_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    result = bvtrack_audit("http://user:s3cret@127.0.0.1:9", "Default")

    assert result.exit_code == 1
    assert result.stderr == "Error: MLflow at http://127.0.0.1:9 did not list the runs (connection refused)\n"


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    result = bvtrack_audit("sqlite:///typo.db", "Default")

    assert result.exit_code == 2
    assert f"expected a store that is there, got sqlite:///{tmp_path}/typo.db" in " ".join(result.stderr.split())
    assert not (tmp_path / "typo.db").exists()


def test_a_file_that_is_no_store_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("no database")
    result = bvtrack_audit("sqlite:///notes.db", "Default")

    assert result.exit_code == 1
    assert re.fullmatch(r"Error: MLflow at sqlite:///\S+/notes.db did not list the runs \(.*\)\n", result.stderr)


def test_tags_that_a_server_refuses_are_said_for_each_run(store: str, tmp_path: Path) -> None:
    run_id = log(store)
    with running(store, tmp_path) as server, gate_before(server) as gate:
        gate.refused = "runs/log-batch"
        result = bvtrack_audit(gate.uri, "Default")

    assert result.exit_code == 1
    assert "refused by MLflow" in result.stdout
    assert tags_of(store, run_id) == {}


def test_what_nobody_thought_of_in_one_run_leaves_the_others_to_be_audited(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    log(store, name="odd")
    log(store, name="usual")
    known = model_facts
    monkeypatch.setattr("bvtrack.auditing.judge.model_facts", lambda run: 1 / (run.name != "odd") and known(run))

    assert [each.reason for each in audit(store)] == ["not understood", None]


def test_a_server_that_lets_one_only_read_is_said(store: str, tmp_path: Path) -> None:
    pytest.importorskip("flask_wtf", reason="mlflow[auth] is not installed")
    log(store)
    config = tmp_path / "auth.ini"
    config.write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{tmp_path}/auth.db\n"
        "admin_username = admin\nadmin_password = s3cret-of-the-admin\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    environment = {"MLFLOW_AUTH_CONFIG_PATH": str(config), "MLFLOW_FLASK_SERVER_SECRET_KEY": "key"}
    with running(store, tmp_path, "--app-name", "basic-auth", environment=environment) as server:
        answer = requests.post(
            f"{server.uri}/api/2.0/mlflow/users/create",
            json={"username": "reader", "password": "s3cret-of-the-reader"},
            auth=("admin", "s3cret-of-the-admin"),
            timeout=PATIENCE_SECONDS,
        )
        answer.raise_for_status()
        result = bvtrack_audit(server.uri.replace("//", "//reader:s3cret-of-the-reader@"), "Default")

    assert result.exit_code == 1
    assert "MLflow does not let you tag it; ask for permission" in " ".join(result.stdout.split())
    assert "s3cret" not in result.output

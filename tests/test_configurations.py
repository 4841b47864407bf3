"""Configurations among runs that are there: found by an audit and by `bvtrack compare`, and never a sweep."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from logged_runs import LoggedRun, log_runs
from mlflow import MlflowClient

import bvtrack
from bvtrack.auditing.experiments import Auditing
from bvtrack.cli import main
from bvtrack.store.repeat_labels import label_of, read_labels

PARENT = "mlflow.parentRunId"
N = {"n_train": 6000, "n_dev": 2000}
DEV = (0.108, 0.112, 0.116)


def diagnosed(params: Mapping[str, str], dev_error: float = 0.11, tags: Mapping[str, str] | None = None) -> LoggedRun:
    return LoggedRun("run", {"train_error": 0.01, "dev_error": dev_error, **N}, params, tags or {})


def configurations(store: str, *runs: LoggedRun) -> list[tuple[str, int]]:
    """The name and the number of repeats of each configuration among these runs."""
    log_runs(store, list(runs))
    return [(found.name, len(found.repeated.repeats)) for found in bvtrack.configurations("Default", tracking_uri=store)]


@pytest.fixture
def by_hand(store: str) -> tuple[str, str, list[str]]:
    """Three seeds that a loop of one's own has logged, nested in a run: the store, and the ids of parent and seeds."""
    client = MlflowClient(store)
    parent = client.create_run("0", run_name="wide").info.run_id
    children = []
    for seed, dev_error in enumerate(DEV):
        child = client.create_run("0", tags={PARENT: parent}).info.run_id
        client.log_param(child, "model/randomState", str(seed))
        client.log_param(child, "lr", "0.1")
        client.log_metric(child, "train_acc", 0.99)
        client.log_metric(child, "val_acc", 1 - dev_error)
        children.append(child)
    return store, parent, children


def test_an_audit_tags_the_parent_of_repeats(by_hand: tuple[str, str, list[str]]) -> None:
    store, parent, _ = by_hand
    found = {audited.run_id: audited for audited in bvtrack.audit("Default", tracking_uri=store)}
    run = MlflowClient(store).get_run(parent)

    assert (found[parent].tag, found[parent].is_changed, len(found)) == ("high_variance", True, 4)
    assert run.data.tags["bvtrack.repeats"] == "3 seeds: dev 11.2 ± 0.4 %"
    assert run.data.tags["bvtrack.source"] == "audit"
    assert run.data.metrics["bvtrack/verdict/dev_error"] == pytest.approx(0.112)


def test_a_second_audit_changes_nothing(by_hand: tuple[str, str, list[str]]) -> None:
    store, _, _ = by_hand
    bvtrack.audit("Default", tracking_uri=store)

    assert [audited.is_changed for audited in bvtrack.audit("Default", tracking_uri=store)] == [False] * 4


def test_a_dry_run_tells_the_parents_verdict_and_writes_none(by_hand: tuple[str, str, list[str]]) -> None:
    store, parent, _ = by_hand
    found = {audited.run_id: audited.tag for audited in bvtrack.audit("Default", tracking_uri=store, dry_run=True)}

    assert found[parent] == "high_variance"
    assert "bvtrack.diagnosis" not in MlflowClient(store).get_run(parent).data.tags


def test_undoing_takes_the_parents_tags_back(by_hand: tuple[str, str, list[str]]) -> None:
    store, parent, _ = by_hand
    bvtrack.audit("Default", tracking_uri=store)
    list(Auditing(store).undone_runs_of("Default"))

    assert [name for name in MlflowClient(store).get_run(parent).data.tags if name.startswith("bvtrack")] == []


def test_a_parent_whose_repeats_are_some_no_more_loses_its_verdict(by_hand: tuple[str, str, list[str]]) -> None:
    store, parent, children = by_hand
    bvtrack.audit("Default", tracking_uri=store)
    MlflowClient(store).log_param(children[0], "dropout", "0.5")
    bvtrack.audit("Default", tracking_uri=store)

    assert "bvtrack.repeats" not in MlflowClient(store).get_run(parent).data.tags


def test_a_filter_that_may_leave_out_children_leaves_parents_alone(by_hand: tuple[str, str, list[str]]) -> None:
    store, parent, _ = by_hand
    bvtrack.audit("Default", tracking_uri=store, filter_string="attributes.status = 'RUNNING'")

    assert "bvtrack.repeats" not in MlflowClient(store).get_run(parent).data.tags


def test_a_parent_is_no_rival_of_its_repeats(by_hand: tuple[str, str, list[str]]) -> None:
    store, _, children = by_hand
    bvtrack.audit("Default", tracking_uri=store)
    bvtrack.audit("Default", tracking_uri=store, baseline="best")
    best, *others = (MlflowClient(store).get_run(child).data.tags["bvtrack.gaps"] for child in children)

    assert json.loads(best)["human"] == DEV[1]
    assert [json.loads(other)["human"] for other in others] == [DEV[0]] * 2


def test_compare_counts_the_repeats_and_not_their_parent(by_hand: tuple[str, str, list[str]]) -> None:
    store, _, children = by_hand
    bvtrack.audit("Default", tracking_uri=store)
    found = json.loads(CliRunner().invoke(main, ["compare", "Default", "--tracking-uri", store, "--json"]).stdout)
    (wide,) = found["configurations"]

    assert [group["n"] for group in found["diagnoses"]] == [3]
    assert (wide["name"], wide["over"], wide["n"], wide["runs"]) == ("wide", "seeds", 3, children)
    assert wide["errors"]["dev"]["deviation"] == pytest.approx(0.004)
    assert found["difference"] is None


def test_the_map_as_a_file_knows_whose_repeats_runs_are(by_hand: tuple[str, str, list[str]], tmp_path: Path) -> None:
    store, parent, children = by_hand
    bvtrack.audit("Default", tracking_uri=store)
    CliRunner().invoke(main, ["compare", "Default", "--tracking-uri", store, "--html", str(tmp_path / "map.html")])

    page = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert page.count(json.dumps({"key": "mlflow.parentRunId", "value": parent}, separators=(",", ":"))) == len(children)


def test_compare_says_how_much_of_the_difference_of_the_best_two_is_noise(store: str) -> None:
    by_width = {"64": 0.10, "16": 0.15}
    log_runs(store, [diagnosed({"width": w, "seed": str(s)}, dev + s / 500) for w, dev in by_width.items() for s in range(3)])
    said = " ".join(CliRunner().invoke(main, ["compare", "Default", "--tracking-uri", store]).stdout.split())

    assert "10.2 ± 0.2 %" in said
    assert "width=64 is 5.0 ± 0.0 points better than width=16 (3 seeds, paired): more than noise." in said


def test_runs_that_differ_in_nothing_but_the_seed_are_a_configuration(store: str) -> None:
    runs = [diagnosed({"lr": "0.1", "trainer/seed": str(seed)}) for seed in range(4)]

    assert configurations(store, *runs) == [("run", 4)]


def test_a_sweep_is_no_configuration(store: str) -> None:
    assert configurations(store, *(diagnosed({"lr": str(n / 10), "seed": "1"}) for n in range(4))) == []


def test_a_sweep_with_a_parent_is_none_either(store: str) -> None:
    runs = [diagnosed({"lr": str(n / 10)}, tags={PARENT: "f" * 32}) for n in range(4)]

    assert configurations(store, *runs) == []


def test_errors_of_different_measures_are_no_repeats(store: str) -> None:
    measures = ("1 - val_acc", "1 - val_f1")
    runs = [diagnosed({"seed": str(n)}, tags={"bvtrack.measure": name}) for n, name in enumerate(measures)]

    assert configurations(store, *runs) == []


def test_models_that_differ_are_no_repeats(store: str) -> None:
    runs = [diagnosed({"seed": str(n)}, tags={"bvtrack.model": f'{{"parameters":{n + 1}}}'}) for n in range(2)]

    assert configurations(store, *runs) == []


def test_a_learning_rate_that_is_a_tag_is_a_setting_too(store: str) -> None:
    assert configurations(store, *(diagnosed({"seed": str(n)}, tags={"lr": str(n)}) for n in range(3))) == []


def test_runs_of_which_nothing_was_logged_are_no_repeats(store: str) -> None:
    assert configurations(store, diagnosed({}), diagnosed({}), diagnosed({"lr": "1"}), diagnosed({"lr": "1"})) == []


def test_runs_that_nothing_says_to_be_repeats_may_be_a_sweep_under_one_parent(store: str) -> None:
    assert configurations(store, *(diagnosed({}, tags={PARENT: "f" * 32}) for _ in range(3))) == []


def test_a_model_that_an_earlier_version_has_tagged_is_a_setting_too(store: str) -> None:
    rates = [{PARENT: "f" * 32, "bvtrack.model.learning_rate": str(n), "seed": str(n)} for n in range(3)]

    assert configurations(store, *(diagnosed({}, tags=tags) for tags in rates)) == []


def test_seeds_of_other_code_are_no_repeats(store: str) -> None:
    commits = [{"seed": str(n), "mlflow.source.git.commit": str(n)} for n in range(3)]

    assert configurations(store, *(diagnosed({}, tags=tags) for tags in commits)) == []


def test_a_label_that_was_given_stands_above_a_param_that_all_have() -> None:
    assert read_labels({"seed": "42"}, {"seed": "1"}).seed == "1"


def test_runs_of_one_group_are_repeats_whatever_their_parents(store: str) -> None:
    runs = [diagnosed({}, tags={PARENT: letter * 32, "bvtrack.group": "wide"}) for letter in "abc"]

    assert configurations(store, *runs) == [("wide", 3)]


def test_a_seed_that_ran_twice_counts_once_with_its_newest_run(store: str) -> None:
    log_runs(store, [diagnosed({"seed": seed}, dev) for seed, dev in (("1", 0.2), ("2", 0.1), ("1", 0.1))])
    (found,) = bvtrack.configurations("Default", tracking_uri=store)

    assert found.dev_error == pytest.approx(0.1)


@pytest.mark.parametrize("state", ["running", "failed", "interrupted"])
def test_a_training_that_is_not_over_or_has_not_come_to_its_end_is_no_repeat(store: str, state: str) -> None:
    runs = [diagnosed({"seed": str(n)}, tags={"bvtrack.state": state} if n == 2 else {}) for n in range(3)]

    assert configurations(store, *runs) == [("run", 2)]


def test_the_lowest_mean_dev_error_comes_first(store: str) -> None:
    runs = [diagnosed({"width": w, "seed": str(s)}, dev) for w, dev in (("4", 0.2), ("64", 0.1)) for s in range(2)]

    assert configurations(store, *runs) == [("width=64", 2), ("width=4", 2)]


NESTINGS = st.sampled_from(["{}", "trainer/{}", "model.{}", "data.init_args.{}", "clf__{}", "a/b/{}"])
SEEDS = st.sampled_from(
    ["seed", "SEED", "random_seed", "randomSeed", "random_state", "randomState", "manual_seed", "np_seed", "seed_everything"]
)
FOLDS = st.sampled_from(["fold", "cv_fold", "Fold", "foldIdx", "fold_index", "fold_no", "split_idx", "outer_fold"])
SETTINGS = st.sampled_from(
    ["n_folds", "num_seeds", "split", "kfold", "folds", "unfolded", "lr", "model_name", "seed_count", "seeds"]
) | st.sampled_from(["seed_size", "seedLength", "repetition_penalty", "fold_layers", "random_state_size"])


@given(NESTINGS, SEEDS, st.integers(0, 10**9))
def test_a_seed_is_one_in_any_spelling_and_nesting(nesting: str, name: str, value: int) -> None:
    assert label_of(nesting.format(name), str(value)) == "seed"


@given(NESTINGS, FOLDS, st.integers(0, 100))
def test_a_fold_is_one_in_any_spelling_and_nesting(nesting: str, name: str, value: int) -> None:
    assert label_of(nesting.format(name), str(value)) == "fold"


@given(NESTINGS, SETTINGS, st.integers(0, 100))
def test_a_setting_is_no_label(nesting: str, name: str, value: int) -> None:
    assert label_of(nesting.format(name), str(value)) is None


@given(st.text(), st.text())
def test_any_name_and_value_can_be_read(name: str, value: str) -> None:
    labels = read_labels({name: value}, {})

    assert (name in labels.settings) <= (label_of(name, value) is None)


def test_where_a_run_wrote_is_no_setting() -> None:
    assert read_labels({"output_dir": "out/7", "lr": "1"}, {"hostname": "a"}).settings == {"lr": "1"}

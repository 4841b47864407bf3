from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from logged_runs import LoggedRun, log_runs

from bvtrack.auditing.groups import DiagnosedRun, group_parameters, group_runs
from bvtrack.cli import main

OVERFIT = {"train_error": 0.01, "dev_error": 0.11}
WIDTHS = {"128": "high_variance", "4": "high_bias", "16": "high_bias"}
BIASED = {"train_error": 0.15, "dev_error": 0.16}


@pytest.fixture
def four_runs(store: str) -> str:
    """Two narrow networks with high bias, two wide ones with high variance, in the default experiment."""
    runs = [
        LoggedRun("narrow-1", BIASED, {"width": "4", "seed": "1"}),
        LoggedRun("narrow-2", {"train_error": 0.18, "dev_error": 0.19}, {"width": "4", "seed": "2"}),
        LoggedRun("wide-1", OVERFIT, {"width": "64", "seed": "1"}),
        LoggedRun("wide-2", {"train_error": 0.01, "dev_error": 0.09}, {"width": "64", "seed": "2"}),
    ]
    log_runs(store, runs)
    return store


def compared(store: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["compare", "Default", "--tracking-uri", store, *arguments])


def test_runs_are_counted_by_diagnosis_with_the_best_of_each(four_runs: str) -> None:
    found = json.loads(compared(four_runs, "--json").stdout)["diagnoses"]

    of_variance = next(group for group in found if group["tag"] == "high_variance")
    assert (of_variance["n"], of_variance["best_run"], of_variance["best_dev_error"]) == (2, "wide-2", 0.09)
    assert of_variance["gaps"]["variance"] == pytest.approx(0.09)


def test_a_parameter_that_goes_with_a_diagnosis_is_shown_and_a_seed_is_not(four_runs: str) -> None:
    found = json.loads(compared(four_runs, "--json").stdout)["parameters"]

    assert found == [{"name": "width", "told": 1.0, "values": {"4": {"high_bias": 2}, "64": {"high_variance": 2}}}]


def test_the_table_names_diagnoses_best_runs_and_parameters(four_runs: str) -> None:
    lines = compared(four_runs).stdout

    assert all(word in lines for word in ("high_bias", "narrow-1", "16.0 %", "wide-2", "width", "64"))


def test_the_page_holds_the_runs(four_runs: str, tmp_path: Path) -> None:
    compared(four_runs, "--html", str(tmp_path / "map.html"))

    page = (tmp_path / "map.html").read_text()
    assert "wide-2" in page
    assert "high_variance" in page


def test_the_filter_is_mlflows(four_runs: str) -> None:
    found = json.loads(compared(four_runs, "--json", "--filter", "params.width = '4'").stdout)["diagnoses"]

    assert [(group["tag"], group["n"]) for group in found] == [("high_bias", 2)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--filter", "width ="], "expected a filter such as"),
        (["--filter", "params.width = '7'"], "expected runs in Default, found none by the filter"),
        (["--html", "no/such/folder/map.html"], "expected a file to write to"),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_sentence(four_runs: str, arguments: list[str], said: str) -> None:
    result = compared(four_runs, *arguments)

    assert result.exit_code in (1, 2)
    assert said in " ".join(result.stderr.replace("│", " ").split())


def test_an_experiment_that_is_not_there_is_said(store: str) -> None:
    result = CliRunner().invoke(main, ["compare", "nowhere", "--tracking-uri", store])

    assert result.exit_code == 2
    assert "expected an experiment that is there, got 'nowhere'" in result.stderr


@pytest.mark.parametrize("gaps", ["{", "[]", '{"errors": 1}', '{"errors": {"dev": "x"}, "gaps": {}}'])
def test_a_tag_that_somebody_else_wrote_leaves_the_errors_out(gaps: str) -> None:
    run = DiagnosedRun.of("1", "odd", {"bvtrack.diagnosis": "balanced", "bvtrack.gaps": gaps}, {})

    assert run is not None
    assert run.errors == {}


def test_a_run_without_a_diagnosis_is_none() -> None:
    assert DiagnosedRun.of("1", "plain", {}, {}) is None


def test_the_largest_group_comes_first() -> None:
    runs = [DiagnosedRun(str(number), "", tag) for number, tag in enumerate(["balanced", "high_bias", "high_bias"])]

    assert [group.tag for group in group_runs(runs)] == ["high_bias", "balanced"]


def test_a_parameter_that_tells_half_is_said_to_tell_half() -> None:
    tags = {"a": ["high_bias"] * 4, "b": ["high_variance"] * 2 + ["high_bias"] * 2, "c": ["high_variance"] * 2}
    runs = [
        DiagnosedRun(f"{value}{number}", "", tag, parameters={"kind": value})
        for value, found in tags.items()
        for number, tag in enumerate(found)
    ]

    (group,) = group_parameters(runs)
    assert group.lambda_ == pytest.approx(0.5)


def test_a_value_of_a_single_run_is_left_out() -> None:
    runs = [DiagnosedRun(str(number), "", tag, parameters={"width": str(number)}) for number, tag in enumerate("abcd")]

    assert group_parameters(runs) == []


def test_values_that_are_numbers_stand_in_their_order() -> None:
    runs = [DiagnosedRun(f"{width}-{n}", "", tag, parameters={"width": width}) for width, tag in WIDTHS.items() for n in "ab"]

    (of_width,) = group_parameters(runs)
    assert list(of_width.values) == ["4", "16", "128"]


def test_the_best_run_is_one_of_the_measure_that_most_runs_have(store: str) -> None:
    scaled = {"bvtrack.measure": "rmse / 4"}
    runs = [
        LoggedRun("first", OVERFIT, tags={"bvtrack.measure": "1 - val_acc"}),
        LoggedRun("second", {"train_error": 0.01, "dev_error": 0.12}, tags={"bvtrack.measure": "1 - val_accuracy"}),
        LoggedRun("other", {"train_error": 0.01, "dev_error": 0.05}, tags=scaled),
    ]
    log_runs(store, runs)

    assert json.loads(compared(store, "--json").stdout)["diagnoses"][0]["best_run"] == "first"
    assert "The best are by 1 - accuracy" in compared(store).stdout


def test_a_run_whose_tag_was_emptied_has_no_diagnosis(store: str) -> None:
    log_runs(store, [LoggedRun("emptied", OVERFIT, tags={"bvtrack.diagnosis": ""}), LoggedRun("wide", OVERFIT)])

    assert [group["n"] for group in json.loads(compared(store, "--json").stdout)["diagnoses"]] == [1]

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest
from click.testing import CliRunner, Result
from example_logs import course, keras, wandb
from logged_runs import LoggedRun, log_runs

from bvtrack.cli import main
from bvtrack.commands.fail_on import KNOWN
from bvtrack.curves.curve import classify_curve

COMMANDS = (["diagnose", "log.csv"], ["watch", "log.csv"], ["audit", "Default"], ["compare", "Default"])


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    path.write_text(keras("overtrains"))
    return path


@pytest.mark.parametrize(
    "tags", ["overtrained", "diverged,overtrained", "high_variance,", "high_bias+overtrained, overtrained"]
)
def test_a_tag_that_is_found_makes_the_exit_code_1_and_is_named(tags: str, log: Path) -> None:
    result = run("diagnose", log, "--fail-on", tags)

    assert result.exit_code == 1
    assert f"--fail-on: {log} is " in result.stderr
    assert "Curve: overtrained" in result.stdout


@pytest.mark.parametrize("tags", ["diverged", "not_learning,balanced", "high_variance+diverged"])
def test_a_tag_that_is_not_found_leaves_the_exit_code_0(tags: str, log: Path) -> None:
    assert run("diagnose", log, "--fail-on", tags).exit_code == 0


def test_one_problem_of_two_is_found() -> None:
    assert run("diagnose", "--train", "0.15", "--dev", "0.3", "--fail-on", "high_variance").exit_code == 1
    assert run("diagnose", "--train", "0.15", "--dev", "0.3", "--fail-on", "high_bias+high_variance").exit_code == 1
    assert run("diagnose", "--train", "0.01", "--dev", "0.3", "--fail-on", "high_bias+high_variance").exit_code == 0


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("tags", ["overfit", "high_variance,Diverged", "", ","])
def test_a_tag_that_there_is_not_is_wrong_usage(command: list[str], tags: str) -> None:
    result = run(*command, "--fail-on", tags)

    assert result.exit_code == 2
    assert "expected tags or values of the curve, got" in " ".join(result.stderr.split())


@pytest.mark.parametrize("command", [command[0] for command in COMMANDS])
def test_help_tells_the_exit_codes(command: str) -> None:
    assert "Exit codes: 0; " in " ".join(run(command, "--help").stdout.split())


def test_a_file_that_cannot_be_read_is_2_unless_another_has_the_tag(log: Path, tmp_path: Path) -> None:
    assert run("diagnose", log, tmp_path / "no.csv", "--fail-on", "diverged").exit_code == 2
    assert run("diagnose", log, tmp_path / "no.csv", "--fail-on", "overtrained").exit_code == 1


def test_one_run_of_several_is_enough(tmp_path: Path) -> None:
    for metric in ("acc", "val_acc"):
        values = {kind: getattr(course(kind), metric) for kind in ("fits", "overtrains")}
        (tmp_path / f"{metric}.csv").write_text(wandb(metric, values))
    result = run("diagnose", tmp_path / "acc.csv", tmp_path / "val_acc.csv", "--fail-on", "overtrained")

    assert result.exit_code == 1
    assert "--fail-on: overtrains is overtrained" in result.stderr
    assert "fits is" not in result.stderr


@pytest.fixture
def logged(store: str) -> str:
    """A run that a callback has diagnosed, and one that no one has."""
    log_runs(store, [LoggedRun("ours", {"train_error": 0.01, "dev_error": 0.11}, tags={"bvtrack.source": "training"})])
    client = mlflow.MlflowClient(store)
    theirs = client.create_run("0", run_name="theirs").info.run_id
    for epoch in range(1, 6):
        for name, value in (("train_acc", 0.7), ("val_acc", 0.69)):
            client.log_metric(theirs, name, value, step=epoch)
    return store


@pytest.mark.parametrize(("tag", "code"), [("high_bias", 1), ("high_variance", 1), ("diverged", 0)])
def test_an_audit_fails_on_what_it_finds_and_on_what_a_callback_has_found(logged: str, tag: str, code: int) -> None:
    assert run("audit", "Default", "--tracking-uri", logged, "--fail-on", tag, "--dry-run").exit_code == code


def test_an_audit_that_finds_nothing_new_still_fails(logged: str) -> None:
    for _ in range(2):
        result = run("audit", "Default", "--tracking-uri", logged, "--fail-on", "high_bias")

        assert result.exit_code == 1
        assert "--fail-on: theirs is high_bias" in result.stderr


def test_an_audit_of_no_experiment_is_2(logged: str) -> None:
    assert run("audit", "nowhere", "--tracking-uri", logged, "--fail-on", "diverged").exit_code == 2


def test_undoing_cannot_fail_on_a_tag(logged: str) -> None:
    result = run("audit", "Default", "--tracking-uri", logged, "--undo", "--fail-on", "diverged")

    assert result.exit_code == 2
    assert "expected --undo without --fail-on" in result.stderr


@pytest.mark.parametrize(("tag", "code"), [("high_variance", 1), ("high_bias", 0), ("diverged", 0)])
def test_a_comparison_fails_on_what_runs_are_tagged(logged: str, tag: str, code: int) -> None:
    result = run("compare", "Default", "--tracking-uri", logged, "--fail-on", tag)

    assert result.exit_code == code
    assert ("--fail-on: ours is high_variance" in result.stderr) == bool(code)


def test_a_comparison_of_nothing_is_2_with_a_tag_to_fail_on(store: str) -> None:
    mlflow.MlflowClient(store)
    assert run("compare", "Default", "--tracking-uri", store, "--fail-on", "diverged").exit_code == 2
    assert run("compare", "Default", "--tracking-uri", store).exit_code in (1, 2)


@pytest.mark.parametrize(
    ("train", "dev"),
    [
        ([0.6, 0.1, 0.0], [0.6, 0.3, 0.2]),
        ([0.6, *[0.1] * 12], [0.6, *[0.3] * 12]),
        ([0.6, 0.3, 0.2, 0.1, 0.05, 0.01], [0.6, 0.3, 0.2, 0.3, 0.4, 0.5]),
        ([0.6, 0.3, float("nan")], [0.6, 0.3, 0.2]),
        ([0.69] * 12, [0.69] * 12),
    ],
)
def test_each_value_of_a_curve_can_be_failed_on(train: list[float], dev: list[float]) -> None:
    assert classify_curve(train, dev, chance=0.693) in KNOWN

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import bvtrack
from bvtrack.cli import COMMANDS, main


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_diagnose_says_verdict_reason_and_steps() -> None:
    result = run("diagnose", "--train", "0.01", "--dev", "0.11", "--n-train", "1000", "--n-dev", "2000")
    lines = result.output.splitlines()

    assert result.exit_code == 0
    assert lines[0] == "High variance (certain): get more training data"
    assert [line[:2] for line in lines if line[0].isdigit()][:3] == ["1.", "2.", "3."]


def test_diagnose_reads_percent() -> None:
    assert run("diagnose", "--train", "1%", "--dev", "11 %").output == run("diagnose", "--train", ".01", "--dev", ".11").output


def test_diagnose_prints_json_for_scripts() -> None:
    content = json.loads(run("diagnose", "--train", "0.15", "--dev", "0.30", "--human", "0.01", "--json").output)

    assert content["diagnosis"]["tag"] == "high_bias+high_variance"
    assert content["diagnosis"]["human_error"] == 0.01
    assert content["diagnosis"]["gaps"]["variance"]["value"] == pytest.approx(0.15)
    assert [step["id"] for step in content["steps"]] == [
        step.id for step in bvtrack.recommend(bvtrack.diagnose(train_error=0.15, dev_error=0.30, human_error=0.01))
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "expected at least one error, --train or a later one; got none"),
        (("--train", "0.1", "--human", "2"), "--human must be a fraction in [0, 1]; got 2.0"),
        (("--train", "11"), "--train must be a fraction in [0, 1]; got 11.0 (11 % is 0.11"),
        (("--train", "much"), "expected an error such as 0.11 or 11%; got 'much'"),
        (("--train", "nan"), "--train must be a fraction in [0, 1]; got nan"),
        (("--train", "0.1", "--n-train", "0"), "--n-train must be a whole number of examples, at least 1; got 0"),
        (("--train", "0.1", "--n-dev", "10"), "--n-dev 10 was given without --dev; pass both or neither"),
        (("--train", "0.15", "--n-train", "3"), "--train must be a share of --n-train 3 examples; got 0.15, which is 0.45 of"),
    ],
)
def test_diagnose_refuses_what_is_no_error_as_bad_usage(arguments: tuple[str, ...], message: str) -> None:
    result = run("diagnose", *arguments)

    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


@pytest.mark.parametrize("command", ["diagnose", "demo", "sync", "ui"])
def test_every_command_helps_with_an_example(command: str) -> None:
    result = run(command, "--help")

    assert result.exit_code == 0
    assert f"Example: bvtrack {command}" in result.output


def test_sync_of_an_empty_folder_says_so(tmp_path: Path) -> None:
    result = run("sync", str(tmp_path))

    assert (result.exit_code, result.output) == (0, f"nothing to send in {tmp_path}\n")


def test_sync_refuses_a_malformed_address_as_bad_usage(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "00000000000000000000.jsonl").write_text('{"kind":"run","store":"sqlite:///mlflow.db"}\n')
    result = run("sync", str(tmp_path), "--tracking-uri", "http://host:port")

    assert result.exit_code == 2
    assert "an MLflow server address looks like http://localhost:5000; got 'http://host:port'" in " ".join(
        result.output.split()
    )


def test_the_version_is_the_librarys() -> None:
    assert run("--version").output == f"{bvtrack.__version__}\n"


@pytest.mark.parametrize("package", ["lightning", "torch", "keras", "sklearn"])
def test_the_demo_names_the_package_it_lacks_before_it_makes_a_store(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    result = run("demo", "--store", str(tmp_path / "store"))

    assert result.exit_code == 1
    assert result.output == f'Error: the demo needs both frameworks; missing: {package}; pip install "bvtrack[all]"\n'
    assert not (tmp_path / "store").exists()


def test_the_demo_names_a_keras_backend_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "no_such_backend")

    assert "missing: no_such_backend;" in run("demo").output


def test_the_demo_refuses_a_file_as_its_store(tmp_path: Path) -> None:
    (tmp_path / "afile").write_text("")
    result = run("demo", "--store", str(tmp_path / "afile"))

    assert result.exit_code == 2
    assert f"'{tmp_path / 'afile'}' is a file." in " ".join(result.output.split())


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder that takes no files even from root")
@pytest.mark.parametrize("folder", ["/proc", "/proc/store", "afile/store"])
def test_the_demo_refuses_a_folder_that_it_cannot_write_to(folder: str, tmp_path: Path) -> None:
    (tmp_path / "afile").write_text("")
    result = run("demo", "--store", folder)

    assert result.exit_code == 2
    assert f"expected a folder to write to, got '{folder}'" in " ".join(result.output.split())


def test_the_list_of_commands_names_each_that_there_is() -> None:
    listed = {line.split()[0] for line in run("--help").output.partition("Commands:\n")[2].splitlines() if line[2:3].strip()}
    modules = {path.stem for path in Path(bvtrack.__file__).with_name("commands").glob("*.py")}
    helpers = {"__init__", "fail_on", "log_files", "options", "progress_bar", "rest_shape", "store"}

    assert listed == set(COMMANDS) == modules - helpers


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_helps_with_an_example(name: str) -> None:
    assert f"Example: bvtrack {name}" in run(name, "--help").output

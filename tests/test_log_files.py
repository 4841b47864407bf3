from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from example_logs import JUDGED, REFUSED, Example, course, folds, keras, resumed, wandb
from hypothesis import given, settings
from hypothesis import strategies as st

from bvtrack.auditing.log_reading import read_logged
from bvtrack.cli import main
from bvtrack.logfiles.logged_file import UnreadableLogError
from bvtrack.logfiles.opening import decoded, runs_in_text


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.parametrize("example", JUDGED, ids=lambda one: one.name)
def test_a_log_is_judged_as_its_training_deserves(example: Example, tmp_path: Path) -> None:
    result = run("diagnose", example.write(tmp_path), "--json")

    assert result.exit_code == 0, result.output
    states = set(json.loads(result.stdout)["states"])
    assert states >= example.truth.found
    assert not states & example.truth.absent


@pytest.mark.parametrize("example", REFUSED, ids=lambda one: one.name)
def test_a_log_that_cannot_be_judged_is_refused_with_the_true_reason(example: Example, tmp_path: Path) -> None:
    result = run("diagnose", example.write(tmp_path))

    assert result.exit_code == 2
    assert example.why_not in result.output


OVERTRAINED = next(one for one in JUDGED if one.name == "lightning, overtrained")


def test_the_verdict_comes_with_its_curve_best_epoch_and_what_was_read(tmp_path: Path) -> None:
    path = OVERTRAINED.write(tmp_path)
    said = " ".join(run("diagnose", path).stdout.split())

    assert "Curve: overtrained; best at epoch 3 (step 79), dev error " in said
    assert "last at epoch 11 (step 239), dev error " in said
    assert "train from train_acc, dev from val_acc; measure: 1 - val_acc (train: as logged)" in said
    assert " 1. " in said


def test_the_json_of_one_run_is_an_object_and_that_of_several_a_list(tmp_path: Path) -> None:
    path = OVERTRAINED.write(tmp_path)
    one, two = (json.loads(run("diagnose", *paths, "--json").stdout) for paths in ([path], [path, path]))

    assert two == [one, one]
    assert (one["at"], one["epoch"], one["unit"]) == ("epoch 3 (step 79)", 79, "step")
    assert one["diagnosis"]["tag"]
    assert one["steps"]


def test_markdown_is_the_report_of_one_run_and_a_table_of_several(tmp_path: Path) -> None:
    path = OVERTRAINED.write(tmp_path)

    one = run("diagnose", path, "--markdown").stdout
    assert one.startswith("# ")
    assert "**Errors** at step 79" in one
    assert "| step | train | dev |" in one
    several = run("diagnose", path, path, "--markdown").stdout
    assert several.splitlines()[0] == "| Run | Diagnosis | Curve | Best | Train | Dev | Next step |"
    assert several.count("overtrained") == 2


def test_several_files_are_a_table_with_a_line_for_each_that_cannot_be_read(tmp_path: Path) -> None:
    result = run("diagnose", OVERTRAINED.write(tmp_path), OVERTRAINED.write(tmp_path), tmp_path / "nothing.csv")

    assert result.exit_code == 2
    assert result.stdout.count("overtrained") == 2
    assert "Error: expected a log file or a folder of them, found no" in result.stderr


def test_charts_exported_from_wandb_are_put_together_by_run(tmp_path: Path) -> None:
    for metric in ("acc", "val_acc"):
        values = {f"deep-{kind} - 2": getattr(course(kind), metric) for kind in ("varies", "overtrains")}
        (tmp_path / f"wandb_{metric}.csv").write_text(wandb(metric, values))
    found = json.loads(run("diagnose", *sorted(tmp_path.iterdir()), "--json").stdout)

    assert [one["name"] for one in found] == ["deep-varies - 2", "deep-overtrains - 2"]
    assert "high_variance" in found[0]["states"]
    assert "overtrained" in found[1]["states"]


def test_the_spread_of_a_smoothed_chart_is_no_metric() -> None:
    (found,) = runs_in_text(wandb("val/loss", {"run-1": course("fits").val_loss}), Path("chart.csv"))

    assert found.points.keys() == {"val/loss"}


def test_a_file_of_several_folds_is_several_runs(tmp_path: Path) -> None:
    (tmp_path / "cv.csv").write_text(folds(["varies", "overtrains", "fits"]))
    found = json.loads(run("diagnose", tmp_path / "cv.csv", "--json").stdout)

    assert [one["name"].rpartition(" (")[2] for one in found] == ["fold 0)", "fold 1)", "fold 2)"]
    assert ["overtrained" in one["states"] for one in found] == [False, True, False]


def test_the_newest_of_several_starts_is_read_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(resumed("varies", "overtrains"))
    (remark,) = json.loads(run("diagnose", tmp_path / "log.csv", "--json").stdout)["remarks"]

    assert remark == "the epoch falls back to 0 in row 13: what was written before from there on is left out"


@pytest.mark.parametrize(
    ("content", "remark"),
    [
        ("acc,val_acc\n0.5,0.6\n0.6,0.7\n", "no epoch or step column: the rows are counted, in their order"),
        (
            "epoch,acc,val_acc\n0,0.5,0.6\n1,0.6,oops\n2,0.7,0.7\n",
            "1 cells of val_acc are no numbers and were left out, such as 'oops'",
        ),
        ("epoch,acc,val_acc\n0,0.5,0.6\n1,0.6,0.7\n2,0.7\n", "the last line is half written and was left out"),
        ("epoch,acc,val_acc\n0,0.5,0.6,7\n1,0.6,0.7\n2,0.7,0.8\n", "1 rows have more cells than the header has names"),
    ],
)
def test_what_was_assumed_or_left_out_is_said(content: str, remark: str, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(content)

    assert remark in " ".join(run("diagnose", tmp_path / "log.csv").stdout.split())


def test_params_beside_a_log_are_read(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("epoch,step,train_loss,val_loss\n0,9,0.7,0.6\n1,19,0.6,0.5\n2,29,0.1,0.5\n")
    (tmp_path / "hparams.yaml").write_text("criterion: CrossEntropyLoss\nlr: 0.1\nlayers:\n- 3\n")

    assert json.loads(run("diagnose", tmp_path, "--json").stdout)["diagnosis"]["errors"]


def test_a_human_error_is_what_the_train_error_is_compared_with(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(keras("fits"))
    wide, narrow = (json.loads(run("diagnose", path, "--json", "--human", error).stdout) for error in ("0", "1%"))

    assert wide["diagnosis"]["gaps"]["avoidable_bias"]["value"] - narrow["diagnosis"]["gaps"]["avoidable_bias"][
        "value"
    ] == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--train", "0.1"], "expected log files or errors, got both (files and --train)"),
        (["--n-dev", "10", "--different-sources"], "got both (files and --n-dev, --different-sources)"),
        (["--json", "--markdown"], "expected --json or --markdown, got both"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(options: list[str], message: str, tmp_path: Path) -> None:
    result = run("diagnose", OVERTRAINED.write(tmp_path), *options)

    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_a_name_from_a_file_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[2Jb.csv"
    path.write_text(keras("varies").replace("accuracy", "\x1b[31maccuracy"))

    for arguments in ([path], [path, path], [path, "--markdown"]):
        assert "\x1b" not in run("diagnose", *arguments).output


@given(st.text(max_size=300) | st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_whatever_is_in_a_file_is_read_or_refused(content: str | bytes) -> None:
    with contextlib.suppress(UnreadableLogError):
        list(runs_in_text(content if isinstance(content, str) else decoded(content), Path("log.csv")))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["epoch", "loss", "val_loss", "log_history", "meta", "iterations", "learn", "0"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JSON)
@settings(max_examples=100, deadline=None)
def test_whatever_json_holds_is_read_or_refused(content: object) -> None:
    with contextlib.suppress(UnreadableLogError):
        for one in runs_in_text(json.dumps(content), Path("log.json")):
            assert read_logged(one).log is one


@given(st.lists(st.tuples(st.integers(0, 40), st.floats(0, 1), st.floats(0, 1) | st.none()), min_size=2, max_size=20))
def test_no_metric_has_two_points_at_a_step_nor_a_step_before_the_last(rows: list[tuple[int, float, float | None]]) -> None:
    """However often the training was started again."""
    text = "step,acc,val_acc\n" + "".join(f"{step},{acc},{'' if val is None else val}\n" for step, acc, val in rows)
    with contextlib.suppress(UnreadableLogError):  # a single row
        for one in runs_in_text(text, Path("log.csv")):
            for points in one.points.values():
                assert [point.step for point in points] == sorted({point.step for point in points})

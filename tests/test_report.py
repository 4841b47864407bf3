from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib
import mlflow
import pytest
from click.testing import CliRunner, Result
from mlflow import MlflowClient
from page_parts import Parts
from run_contents import content, history, shifted_split

import bvtrack
from bvtrack import Diagnosis
from bvtrack.auditing.run_report import Report
from bvtrack.cli import main
from bvtrack.diagnosis.run_verdict import EpochErrors, Verdict
from bvtrack.report.content import Content
from bvtrack.report.figures import draw_curves, new_figure, spread
from bvtrack.report.palette import DARK, LIGHT
from bvtrack.report.svg import own_style
from bvtrack.store.reader import Store

HOSTILE = "</title><script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)> $x$ \x1b[2J"
LARGEST = 300_000
AA = 4.5
"""The contrast that WCAG 2.1 asks of text."""


def test_the_page_says_the_verdict_the_steps_and_the_gaps() -> None:
    text = Parts(Report(content()).html()).text

    assert "High variance (certain): get more training data" in text
    assert "Get more training data." in text
    assert re.search(r"variance \(named\)\s*dev - train", text)
    assert "1 - val_acc" in text


def test_the_page_loads_and_runs_nothing() -> None:
    page = Report(shifted_split()).html()
    parts = Parts(page)
    referred = parts.values("href", "src", "xlink:href", "srcset", "action")

    assert "script" not in parts.tags
    assert all(value.startswith("#") for value in referred)
    assert not [name for name, _ in parts.attributes if name.startswith("on")]
    assert set(re.findall(r"url\(([^)]*)\)", page)) == set(re.findall(r"url\((#[^)]*)\)", page))
    assert "default-src 'none'" in "".join(parts.values("content"))


@pytest.mark.parametrize("n_epochs", [1, 2, 20, 5000])
def test_the_page_stays_small_however_long_the_training(n_epochs: int) -> None:
    assert len(Report(replace(shifted_split(), history=history(n_epochs))).html().encode()) < LARGEST


def test_hostile_names_are_text() -> None:
    hostile = replace(shifted_split(HOSTILE), name=HOSTILE, measure=HOSTILE)
    parts = Parts(Report(hostile).html())

    assert not {"script", "img"} & set(parts.tags)
    assert parts.text.count("<script>alert(1)</script>") >= 2
    assert Report(hostile).png().startswith(b"\x89PNG")
    assert "<script>" not in Report(hostile).markdown()


STYLE_LIKE = ["font-family: x", "fill: #0072b2", "1.23456789", "a -- b", "url(#x)", "价格", "two\nlines"]


@pytest.mark.parametrize("name", STYLE_LIKE)
def test_names_that_look_like_markup_or_style_stay_what_they_are(name: str) -> None:
    shown = " ".join(Parts(Report(shifted_split(name)).html()).text.split())

    assert shown.count(name.replace("\n", "\ufffd")) >= 3


def test_names_that_are_long_do_not_make_the_page_large() -> None:
    what = "x" * 50_000
    hostile = replace(shifted_split(what), name=what, measure=what)

    assert len(Report(hostile).html().encode()) < LARGEST
    assert Report(hostile).png().startswith(b"\x89PNG")


def test_the_users_style_is_neither_used_nor_changed() -> None:
    plain = Report(content()).html()
    with matplotlib.rc_context({"text.usetex": True, "axes.facecolor": "#000000", "font.size": 30}):
        before = dict(matplotlib.rcParams)

        assert Report(content()).html() == plain
        assert dict(matplotlib.rcParams) == before


def test_every_figure_has_words_that_say_what_it_shows() -> None:
    parts = Parts(Report(shifted_split()).html())
    labels = parts.values("aria-label")

    assert parts.tags.count("svg") == len(labels) == 2 * 4  # for a screen, and for a phone
    assert any("train from 60.5 % to 0.60 %" in label and "humans make 1.0 %" in label for label in labels)


def test_ids_of_different_figures_are_different() -> None:
    ids = Parts(Report(shifted_split()).html()).values("id")

    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_colours_of_text_and_curves_stand_out_from_the_ground(colours: dict[str, str]) -> None:
    def luminance(colour: str) -> float:
        parts = (int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5))
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(one: str, other: str) -> float:
        dark, light = sorted((luminance(one), luminance(other)))
        return (light + 0.05) / (dark + 0.05)

    weak = {role for role, colour in colours.items() if contrast(colour, colours["ground"]) < AA}
    assert weak == {"ground", "line"}


def test_all_colours_are_the_pages_own() -> None:
    page = Report(shifted_split()).html()
    style, _, body = page.partition("</style>")

    assert set(re.findall(r"#[0-9a-f]{6}\b", style)) == {*LIGHT.values(), *DARK.values()}
    assert not re.findall(r"#[0-9a-f]{6}\b", body)


def test_the_columns_that_differ_are_drawn_and_named() -> None:
    text = Parts(Report(shifted_split()).html()).text

    assert "feature (mean moved by 0.4" in text
    assert "dev_differs_from_train" in text
    assert "Distributions: shifted" in text


@pytest.mark.parametrize(
    "epochs",
    [
        history(1),
        [EpochErrors(0, {"dev": 0.2}, {"dev": 100})],
        [EpochErrors(0, {"train": 0.2})],
        [EpochErrors(0, {"train": 0.0, "dev": 0.0}, {"train": 10, "dev": 10})],
        [EpochErrors(0, {"train": 0.3, "dev": 0.3}), EpochErrors(1, {"train": math.nan, "dev": math.nan})],
        [EpochErrors(epoch, {"train": 0.9, "dev": 0.9}, {"train": 1000, "dev": 1000}) for epoch in range(8)],
        [EpochErrors(epoch, {"train": 0.2, "train_dev": 0.21, "dev": 0.3}, {"dev": 9}) for epoch in range(3)],
        [EpochErrors(0, {"test": 0.2})],
    ],
    ids=["one epoch", "dev alone", "train alone", "no error at all", "diverged", "not learning", "train-dev", "test alone"],
)
def test_whatever_was_logged_there_is_a_report(epochs: list[EpochErrors]) -> None:
    report = Report(content(epochs, human_error=None))

    assert report.content.diagnosis.explanation[:20] in Parts(report.html()).text
    assert report.png().startswith(b"\x89PNG")
    assert report.markdown().startswith("# digits")


def test_a_trial_has_a_report_that_says_that_it_is_one() -> None:
    report = Report(Content("trial", Verdict(None, Diagnosis.without_gaps("not_applicable"), None, ())))

    assert "A trial run" in Parts(report.html()).text
    assert report.png().startswith(b"\x89PNG")
    assert "A trial run" in report.markdown()


def test_a_report_is_saved_in_the_form_that_the_suffix_names(tmp_path: Path) -> None:
    report = Report(content())
    begins = {"page.HTML": b"<!doctype html>", "words.md": b"# digits", "picture.png": b"\x89PNG"}

    for name, beginning in begins.items():
        assert report.save(tmp_path / name).read_bytes().startswith(beginning)
    with pytest.raises(ValueError, match=r"ends in \.html, \.md, \.png, got \.pdf"):
        report.save(tmp_path / "report.pdf")


def test_a_report_shows_itself_in_a_notebook() -> None:
    shown = Report(content())._repr_html_()

    assert Parts(shown).tags == ["iframe"]
    assert "High variance (certain)" in Parts(Parts(shown).values("srcdoc")[0]).text


def test_a_diagnosis_and_a_split_show_themselves_in_a_notebook() -> None:
    diagnosis = Parts(bvtrack.diagnose(train_error=0.01, dev_error=0.11, n_train=1000, n_dev=1000)._repr_html_())
    split = Parts(bvtrack.check_split(train=600, dev=20)._repr_html_())

    assert "High variance (certain): get more training data" in diagnosis.text
    assert diagnosis.values("aria-label") == ["Bars of the gaps: avoidable bias 1.0 points; variance 10.0 points"]
    assert "The split needs a look" in split.text
    assert "warning the dev set has 20 of 620 examples" in split.text
    assert Parts(Diagnosis.without_gaps("diverged")._repr_html_()).values("aria-label") == []


def test_a_training_that_was_resumed_is_drawn_from_where_it_went_on() -> None:
    resumed = [replace(entry, epoch=entry.epoch + 100) for entry in history(20)]
    run = content(resumed)
    with own_style():
        _, axes = new_figure(3.0)
        draw_curves(axes, run)
    left, right = axes.get_xlim()

    assert 99 <= left < 100
    assert 139 <= right < 141


def test_sets_that_were_measured_at_different_epochs_keep_those_they_share() -> None:
    epochs = history(1000)
    del epochs[0].errors["dev"]  # type: ignore[attr-defined]  # a dict, though not to be changed otherwise
    run = content(epochs)

    assert run.rates("train").keys() - run.rates("dev").keys() == {0}
    assert run.rates("dev").keys() <= run.rates("train").keys()


@pytest.mark.parametrize(
    ("epochs", "words"),
    [
        (history(8), "as many epochs again should bring it to"),
        ([*history(20), *(replace(history(20)[-1], epoch=epoch) for epoch in range(20, 60))], "will probably bring nothing"),
    ],
)
def test_the_forecast_promises_what_the_recipe_does(epochs: list[EpochErrors], words: str) -> None:
    assert words in Parts(Report(content(epochs)).html()).text


def test_intervals_are_spoken_of_where_there_are_any() -> None:
    plain = [replace(entry, counts={}) for entry in history()]

    assert "95 % intervals:" in Parts(Report(content()).html()).text
    assert "95 % intervals:" not in Parts(Report(content(plain)).html()).text


def test_labels_that_are_near_are_spread_from_the_lowest_up() -> None:
    assert spread([0.1, 0.12, 0.13, 0.9], 0.06) == pytest.approx([0.1, 0.16, 0.22, 0.9])


@pytest.fixture
def tracked(store: str, send: Callable[[], None]) -> str:
    """The id of a run that a Tracker has logged."""
    with bvtrack.Tracker(tracking_uri=store, run_name="wide", human_error=0.01) as tracker:
        tracker.log_split(train=5000, dev=2000, test=2000)
        for entry in history():
            train, dev, test = (entry.errors[name] for name in ("train", "dev", "test"))
            tracker.log_epoch(entry.epoch, train_error=train, dev_error=dev, test_error=test)
    send()
    (run,) = MlflowClient(store).search_runs(["0"])
    return str(run.info.run_id)


def logged_report(store: str, run_id: str, folder: Path) -> str:
    return Path(MlflowClient(store).download_artifacts(run_id, "bvtrack/report.html", str(folder))).read_text()


def test_a_training_leaves_its_report_in_mlflow(tracked: str, store: str, tmp_path: Path) -> None:
    text = Parts(logged_report(store, tracked, tmp_path)).text

    assert "wide" in text
    assert "High variance (certain): get more training data" in text
    assert tracked in text


def test_a_report_that_is_made_later_says_what_the_training_said(tracked: str, store: str, tmp_path: Path) -> None:
    assert bvtrack.make_report(tracked, tracking_uri=store).html() == logged_report(store, tracked, tmp_path)


def test_a_run_that_was_tagged_anew_is_reported_as_it_is_tagged(tracked: str, store: str) -> None:
    bvtrack.audit("Default", tracking_uri=store, baseline=0.11)
    diagnosis = bvtrack.make_report(tracked, tracking_uri=store).content.diagnosis

    assert diagnosis.human_error == 0.11
    assert diagnosis.tag == MlflowClient(store).get_run(tracked).data.tags["bvtrack.diagnosis"]


def test_without_its_files_a_run_is_reported_from_its_metrics(tracked: str, store: str, tmp_path: Path) -> None:
    for file in tmp_path.rglob("*.json"):
        file.unlink()

    assert bvtrack.make_report(tracked, tracking_uri=store).content.diagnosis.tag == "high_variance"


@pytest.mark.parametrize("written", ["[]", '{"diagnosis": 3}', '{"diagnosis": {"tag": "high_variance"}, "steps": 1}', "{"])
def test_files_that_somebody_else_wrote_are_passed_over(written: str, tracked: str, store: str, tmp_path: Path) -> None:
    for file in tmp_path.rglob("bvtrack/*.json"):
        file.write_text(written)

    assert bvtrack.make_report(tracked, tracking_uri=store).content.diagnosis.tag == "high_variance"


@pytest.mark.parametrize(
    "written",
    [
        '{"sizes": {"counts": {"train": 5}}}',
        '{"sizes": {"counts": {"train": 0}, "smallest_gap": 0.1, "resolution": {}}}',
        '{"distribution": {"histograms": [{"what": "x", "of the future": 1}]}}',
        '{"distribution": {"comparisons": [{"what": "x"}]}}',
    ],
)
def test_a_split_that_cannot_be_read_is_left_out(written: str, tracked: str, store: str, tmp_path: Path) -> None:
    for file in tmp_path.rglob("bvtrack/splits.json"):
        file.write_text(written)
    report = bvtrack.make_report(tracked, tracking_uri=store)

    assert "High variance" in Parts(report.html()).text
    assert "precision at 10 % error" not in report.html()


def test_a_report_asks_the_store_for_each_thing_once(tracked: str, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def noting(name: str, ask: Callable[..., Any]) -> Callable[..., Any]:
        def note(asked_store: Store, *what: str) -> Any:
            asked.append((name, *what))
            return ask(asked_store, *what)

        return note

    for name in ("run", "pages", "history", "json_artifact"):
        monkeypatch.setattr(Store, name, noting(name, getattr(Store, name)))
    bvtrack.make_report(tracked, tracking_uri=store)

    assert len(asked) == len(set(asked)) == 1 + 3 + 2


def test_the_best_run_of_an_experiment_is_not_called_human(store: str) -> None:
    run_id, _ = (log_by_hand(store, train_error=[0.1, 0.01], dev_error=[0.2, error]) for error in (0.1, 0.05))
    bvtrack.audit("Default", tracking_uri=store, baseline="best")
    text = Parts(bvtrack.make_report(run_id, tracking_uri=store).html()).text

    assert "the best run made" in text
    assert "humans make" not in text
    assert "train - best run" in text


def log_by_hand(store: str, **metrics: list[float]) -> str:
    client = MlflowClient(store)
    run = client.create_run("0", run_name="by hand")
    for name, values in metrics.items():
        for step, value in enumerate(values):
            client.log_metric(run.info.run_id, name, value, step=step)
    return str(run.info.run_id)


def test_a_run_that_anything_logged_has_a_report(store: str) -> None:
    run_id = log_by_hand(store, train_acc=[0.7, 0.9, 0.99], val_acc=[0.7, 0.85, 0.89])
    report = bvtrack.make_report(run_id, tracking_uri=store)

    assert report.content.diagnosis.tag == "high_variance"
    assert [entry.epoch for entry in report.content.history] == [0, 1, 2]
    assert "bvtrack.diagnosis" not in MlflowClient(store).get_run(run_id).data.tags


def test_a_report_that_is_made_in_python_prints_no_progress_bar(
    tracked: str, store: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", raising=False)
    bvtrack.make_report(tracked, tracking_uri=store)

    assert "Downloading" not in capfd.readouterr().err
    assert "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR" not in os.environ


def reported(store: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["report", *arguments, "--tracking-uri", store])


def test_the_command_writes_a_file_called_after_the_run(tracked: str, store: str, tmp_path: Path) -> None:
    result = reported(store, tracked)

    assert result.stdout == f"{tracked}.html: High variance (certain): get more training data\n"
    assert (tmp_path / f"{tracked}.html").read_text().startswith("<!doctype html>")


def test_the_command_writes_the_report_to_the_run_where_it_is_asked_to(store: str, tmp_path: Path) -> None:
    run_id = log_by_hand(store, train_acc=[0.7, 0.9, 0.99], val_acc=[0.7, 0.85, 0.89])
    result = reported(store, run_id, "--output", "report.md", "--log")

    assert "bvtrack/report.html: written to the run" in result.stdout
    assert "High variance" in logged_report(store, run_id, tmp_path)


@pytest.mark.parametrize(
    ("metrics", "why"),
    [
        ({}, "it has no metrics"),
        ({"val_acc": [0.5]}, "no error of the training data beside it"),
        ({"lr": [0.1]}, "none of its metrics is known"),
    ],
)
def test_a_run_that_cannot_be_diagnosed_is_said_to_be_so(metrics: dict[str, list[float]], why: str, store: str) -> None:
    result = reported(store, log_by_hand(store, **metrics))

    assert result.exit_code == 1
    assert why in result.stderr
    assert "Traceback" not in result.stderr


def test_a_form_that_there_is_not_is_refused_at_once(store: str) -> None:
    result = reported(store, "0" * 32, "--output", "report.pdf")

    assert result.exit_code == 2
    assert "expected a file that ends in .html, .md, .png, got 'report.pdf'" in result.stderr


def test_a_store_that_takes_no_report_is_one_sentence(tracked: str, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(MlflowClient, "log_text", refuse)
    result = reported(store, tracked, "--log")

    assert result.exit_code == 1
    assert re.search(r"Error: MLflow at sqlite:\S+ does not take the report \(.*[Pp]ermission denied.*\)\n$", result.stderr)


def test_a_run_that_is_not_there_is_one_sentence(store: str) -> None:
    result = reported(store, "0" * 32)

    assert result.exit_code == 2
    assert re.search(r"Error: expected a run, found none of this id, .*, in sqlite:.*, which holds no runs\n$", result.stderr)


def test_the_command_takes_a_run_by_its_name_or_the_beginning_of_its_id_as_show_does(tracked: str, store: str) -> None:
    assert reported(store, "wide").stdout == reported(store, tracked[:8]).stdout == reported(store, tracked).stdout


def test_a_deleted_run_is_one_sentence(tracked: str, store: str) -> None:
    MlflowClient(store).delete_run(tracked)
    result = reported(store, tracked)

    assert result.exit_code == 1
    assert result.stderr == f"Error: the run {tracked} (wide) is deleted; restore it first (mlflow runs restore)\n"


def test_a_file_that_cannot_be_written_is_one_sentence(tracked: str, store: str) -> None:
    result = reported(store, tracked, "--output", "nowhere/report.html")

    assert result.exit_code == 2
    assert "'nowhere/report.html' cannot be written (No such file or directory); name another file" in result.stderr


def test_metrics_that_are_no_numbers_are_left_out_of_the_curves(store: str) -> None:
    run_id = log_by_hand(store, train_error=[0.5, 0.3, math.nan], dev_error=[0.5, 0.4, math.nan])
    report = bvtrack.make_report(run_id, tracking_uri=store)

    assert report.content.diagnosis.tag == "diverged"
    assert "not a number" in Parts(report.html()).text


def test_what_is_no_error_under_an_errors_name_is_passed_over(tracked: str, store: str) -> None:
    MlflowClient(store).log_metric(tracked, "bvtrack/dev_error", 3.0, step=19)
    report = bvtrack.make_report(tracked, tracking_uri=store)

    assert "300" not in Parts(report.html()).text
    assert "dev" not in report.content.history[-1].errors


def test_mlflow_is_left_as_it_was(tracked: str, store: str) -> None:
    mlflow.set_tracking_uri("sqlite:///elsewhere.db")
    bvtrack.make_report(tracked, tracking_uri=store)

    assert mlflow.get_tracking_uri() == "sqlite:///elsewhere.db"

"""No text about errors that are no error rates speaks of wrong examples, or of a human error of 0 that nobody gave."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from mlflow import MlflowClient

import bvtrack
from bvtrack.cli import main
from bvtrack.diagnosis.evidence import ModelFacts
from bvtrack.diagnosis.run_verdict import EpochErrors, Verdict, judge
from bvtrack.measures.measure import Measure, unit_of
from bvtrack.measures.unit import UNIT_KINDS, Unit
from bvtrack.report.content import Content
from bvtrack.report.markdown import render_markdown
from bvtrack.report.page import render_page
from bvtrack.report.page_figures import curves_in_words
from bvtrack.schema.gaps import gaps_text, read_gaps
from bvtrack.splits.check import check_samples
from bvtrack.splits.sampling.sample import SplitSample

OF_RATES = re.compile(
    r"10(\.0)? % error|error of 10 %|measures a 10|human error|assumed|wrong examples|examples a set|Errors: train|error, %$"
    r"|high.bias|"
    r"dev error (?:to|of) (?:about )?[\d.]+ %(?!,| of| and)",
    re.IGNORECASE | re.MULTILINE,
)
"""What can be said of shares of examples alone, of which the course assumes that humans make none."""
MEASURES = {
    "1 - val_acc": "error_rate",
    "val_error": "error_rate",
    "1 - top5_acc": "error_rate",
    "1 - val_token_accuracy": "error_rate",
    "1 - val_balanced_accuracy": "error_rate",
    "1 - val_pixel_acc / 100": "error_rate",
    "": "error_rate",
    "1 - val_r2": "variance",
    "1 - explained_variance": "variance",
    "val_mse / 1.02 (best constant)": "variance",
    "val_rmse / 28.87 (best constant)": "standard_deviation",
    "val_mae / 3 (best constant; train: as logged)": "absolute_deviation",
    "val_huber_loss / 0.4 (best constant; a bare loss)": "best_constant",
    "1 - val_f1": "score",
    "1 - val_auroc": "score",
    "1 - val_iou": "score",
    "1 - val_bleu": "score",
    "val_wer": "score",
    "1 - exp(-val_loss) (a bare loss)": "loss",
}
OTHERS = [kind for kind in UNIT_KINDS if kind != "error_rate"]
QUANTITIES = {"train": 265, "dev": 88, "test": 89}


def regression_split(n: dict[str, int]) -> dict[str, object]:
    rng = np.random.default_rng(0)
    given = {name: (rng.normal(size=(count, 3)), rng.normal(size=count)) for name, count in n.items()}
    return check_samples((name, SplitSample.of(data)) for name, data in given.items()).as_json()


@pytest.fixture(scope="module")
def split() -> dict[str, object]:
    found: dict[str, object] = json.loads(json.dumps(regression_split(QUANTITIES)))
    return found


def judged(unit: Unit, train: float, dev: float, human_error: float | None = None) -> tuple[Verdict, list[EpochErrors]]:
    epochs = [EpochErrors(epoch, {"train": train + 0.01 * (4 - epoch), "dev": dev + 0.01 * (4 - epoch)}) for epoch in range(5)]
    options = {"at": "best", "same_distribution": True, "chance": None, "model": ModelFacts(), "n_train": 265}
    return judge(epochs, **options, human_error=human_error, unit=unit), epochs  # type: ignore[arg-type]  # by name


def texts_of(content: Content) -> Iterator[str]:
    yield content.diagnosis.explanation
    yield content.headline
    yield curves_in_words(content)
    yield render_markdown(content)
    yield html.unescape(re.sub("<[^>]+>", "\n", render_page(content)))


@pytest.mark.parametrize(("measure", "kind"), MEASURES.items())
def test_a_measure_is_known_by_its_tag_for_what_it_is(measure: str, kind: str) -> None:
    assert unit_of(measure).kind == kind


@pytest.mark.parametrize(
    ("measure", "kind"),
    [
        (Measure("val_acc", higher_is_better=True), "error_rate"),
        (Measure("val_acc", higher_is_better=True, kind="score"), "error_rate"),  # over classes
        (Measure("skill", higher_is_better=True, kind="rate"), "error_rate"),
        (Measure("skill", higher_is_better=True), "score"),
        (Measure("score", higher_is_better=False, scale=2.0, known_as="MeanSquaredError"), "variance"),
        (Measure("val_loss", higher_is_better=False, scale=2.0), "best_constant"),
        (Measure("val_loss", higher_is_better=False), "loss"),
    ],
)
def test_a_measure_knows_its_unit(measure: Measure, kind: str) -> None:
    assert measure.unit.kind == kind


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("human_error", [None, 0.1])
def test_no_text_of_another_measure_speaks_of_wrong_examples(
    kind: str, human_error: float | None, split: dict[str, object]
) -> None:
    unit = Unit(kind, "1 - val_f1")  # type: ignore[arg-type]  # one of the kinds
    verdict, epochs = judged(unit, 0.4, 0.45 if human_error is None else 0.7, human_error)
    if human_error is not None:
        verdict = replace(verdict, steps=())
    content = Content("run", verdict, epochs, unit.name, split=split)

    found = [match.group() for text in texts_of(content) for match in OF_RATES.finditer(text)]

    assert found == ([] if human_error is None else [one for one in found if re.fullmatch("high.bias", one, re.IGNORECASE)])
    assert all(unit.of.strip() in text or content.headline == text for text in texts_of(content))


def test_an_error_rate_is_told_as_before(split: dict[str, object]) -> None:
    verdict, epochs = judged(Unit(), 0.4, 0.45)

    assert verdict.diagnosis.tag == "high_bias"
    assert verdict.diagnosis.explanation.startswith("Errors: train 40.0 %, dev 45.0 %; human error 0.0 % (assumed")
    assert "squared" not in render_page(Content("run", verdict, epochs, "1 - val_acc", split=split))


fractions = st.floats(0, 1)


@given(fractions, fractions, st.none() | fractions, st.sampled_from(OTHERS), st.none() | st.floats(0, 1))
def test_no_bias_is_named_of_another_measure_without_a_floor(
    train: float, dev: float, test: float | None, kind: str, train_dev: float | None
) -> None:
    errors = {"train_error": train, "dev_error": dev, "test_error": test, "train_dev_error": train_dev}
    diagnosis = bvtrack.diagnose(**errors, unit=Unit(kind))  # type: ignore[arg-type]  # one of the kinds

    assert "high_bias" not in diagnosis.problems
    assert not OF_RATES.search(diagnosis.explanation)


@given(fractions, fractions, st.sampled_from(UNIT_KINDS))
def test_the_tag_of_gaps_keeps_the_unit(train: float, dev: float, kind: str) -> None:
    diagnosis = bvtrack.diagnose(train_error=train, dev_error=dev, unit=Unit(kind))  # type: ignore[arg-type]  # one of the kinds

    assert (read_gaps(gaps_text(diagnosis)).unit or "error_rate") == kind


def test_a_given_noise_floor_settles_the_bias_of_a_regression() -> None:
    named = bvtrack.diagnose(train_error=0.4, dev_error=0.42, human_error=0.2, unit=Unit("variance"))
    free = bvtrack.diagnose(train_error=0.21, dev_error=0.22, human_error=0.2, unit=Unit("variance"))

    assert (named.tag, free.tag) == ("high_bias", "balanced")
    assert "noise floor 20.0 % of the targets' variance" in named.explanation


def test_a_run_of_a_regression_is_told_alike_from_the_run_its_files_and_its_tags(
    store: str, send: Callable[[], None], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    sets = {name: (rng.normal(size=(n, 3)), rng.normal(size=n)) for name, n in QUANTITIES.items()}
    with bvtrack.Tracker(measure="val_mse", tracking_uri=store) as tracker:
        tracker.log_split(train=sets["train"], dev=sets["dev"], test=sets["test"])
        for epoch in range(5):
            tracker.log_epoch(epoch, train_error=0.5 - 0.02 * epoch, dev_error=0.55 - 0.01 * epoch)
    send()
    run = MlflowClient(store).search_runs(["0"])[0]
    files = [run.data.tags["mlflow.note.content"], *_reports(run.info.run_id, store, tmp_path)]
    for file in tmp_path.rglob("diagnosis.json"):
        file.unlink()

    assert run.data.tags["bvtrack.diagnosis"] == "undetermined"
    for text in (*files, *_reports(run.info.run_id, store, tmp_path)):
        assert not OF_RATES.search(text)
        assert "of the targets' variance" in text


def _reports(run_id: str, store: str, tmp_path: Path) -> Iterator[str]:
    for form in ("md", "html"):
        path = tmp_path / f"report.{form}"
        result = CliRunner().invoke(main, ["report", run_id, "--tracking-uri", store, "-o", str(path)])
        assert result.exit_code == 0, result.output
        yield html.unescape(re.sub("<[^>]+>", "\n", path.read_text()))


def test_another_baseline_keeps_the_unit_of_a_run(store: str, send: Callable[[], None]) -> None:
    for train, dev in ((0.4, 0.42), (0.1, 0.12)):
        with bvtrack.Tracker(measure="val_r2", tracking_uri=store) as tracker:
            tracker.log_epoch(0, train_error=train, dev_error=dev)
    send()

    zero = {one.tag for one in bvtrack.audit("Default", baseline="zero", tracking_uri=store)}
    best = {one.tag for one in bvtrack.audit("Default", baseline="best", tracking_uri=store)}

    assert zero == {"undetermined"}
    assert "high_bias" in best


def test_a_log_of_a_regression_is_told_in_its_unit(tmp_path: Path) -> None:
    log = tmp_path / "metrics.csv"
    log.write_text("epoch,train_r2,val_r2\n" + "".join(f"{e},{0.5 + e / 50},{0.45 + e / 100}\n" for e in range(6)))

    for form in ((), ("--markdown",)):
        said = CliRunner().invoke(main, ["diagnose", str(log), *form]).output
        assert not OF_RATES.search(said)
        assert "of the targets' variance" in said


def test_a_split_of_quantities_in_files_knows_a_squared_error(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, n in QUANTITIES.items():
        rows = "".join(f"{a:.5f},{b:.5f}\n" for a, b in rng.normal(size=(n, 2)))
        (tmp_path / f"{name}.csv").write_text(f"a,target\n{rows}")

    said = CliRunner().invoke(main, ["split", *(str(tmp_path / f"{name}.csv") for name in QUANTITIES)]).output

    assert not OF_RATES.search(said)
    assert "29.5 % of it" in said

"""The report of a configuration, what `bvtrack show` says of it and of its repeats, and the note on its run."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mlflow
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from idle_shipper import IdleShipper
from json_schema import problems
from logged_repeats import LoggedConfiguration
from logged_runs import LoggedRun, log_runs
from mlflow import MlflowClient
from page_parts import Parts

import bvtrack
from bvtrack.auditing.run_report import Report, make_report
from bvtrack.cli import main
from bvtrack.diagnosis.repeats import Baseline, Repeat, judge_repeats
from bvtrack.extras import FIGURES
from bvtrack.report.content import Content, RunAddress
from bvtrack.report.repeats import what_spread_tells
from bvtrack.report.summary import plain, summary_of
from bvtrack.shipping.sync import pending_journals
from bvtrack.shipping.sync import send as send_journal

SCHEMA = json.loads((Path(__file__).parents[1] / "docs" / "show.schema.json").read_text(encoding="utf-8"))
WIDE = [(0.010, 0.108), (0.012, 0.112), (0.011, 0.116)]
TAGS = ("high_variance", "balanced", "diverged", "not_learning")


def repeat(dev: float, **facts: Any) -> Repeat:
    return replace(Repeat("4f1c", "a repeat", "high_variance", {"train": 0.01, "dev": dev}, {"dev": 2000}), **facts)


def content(repeats: list[Repeat], name: str = "wide") -> Content:
    repeated = judge_repeats(repeats, Baseline())
    address = RunAddress("4f1c2b9e", "1", "http://localhost:5000")
    return Content(name, repeated.verdict, repeated=repeated, address=address)


SEEDS = [repeat(0.108 + 0.004 * seed, seed=str(seed)) for seed in range(3)]
FOLDS = [repeat(0.108 + 0.004 * fold, fold=str(fold), n_train=4000) for fold in range(3)]


@dataclass(frozen=True)
class Trained:
    """A store with a configuration's run and its three repeats, by their ids."""

    store: str
    parent: str
    repeats: list[str]


@pytest.fixture(scope="module")
def trained(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("repeats")
    (folder / "mlflow.db").write_bytes(empty_store.read_bytes())
    store = f"sqlite:///{folder}/mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", store)
        patch.setenv("BVTRACK_JOURNAL_DIR", str(folder / "journals"))
        patch.setattr("bvtrack.tracking.outbox.ShipperProcess", IdleShipper)
        with bvtrack.group("wide") as wide:
            for seed in range(3):
                train(wide, seed)
        for pending in pending_journals(folder / "journals", None):
            send_journal(pending, lambda offset: None)
    parent, *repeats = MlflowClient(store).search_runs(["0"], order_by=["start_time ASC"])
    return Trained(store, parent.info.run_id, [run.info.run_id for run in repeats])


def train(group: bvtrack.group, seed: int) -> None:
    train_error, dev_error = WIDE[seed % 3]
    with group.repeat(seed=seed), bvtrack.Tracker(summary=False) as tracker:
        tracker.log_split(train=6000, dev=2000, test=2000)
        tracker.log_epoch(0, train_error=train_error, dev_error=dev_error)


def test_the_page_says_the_means_with_their_spread_and_each_repeat() -> None:
    page = Report(content(SEEDS)).html()
    parts = Parts(page)

    assert "Errors, means over 3 seeds" in parts.text
    assert re.search(r"dev\s*11\.2 %\s*\(9\.6 to 13\.0\)", parts.text)
    assert re.search(r"dev\s*11\.2 ± 0\.4 %\s*9\.6 to 13\.0\s*10\.8 %\s*11\.6 %", parts.text)
    assert re.search(r"a repeat\s*2\s*1\.0 %\s*11\.6 %\s*high_variance", parts.text)
    assert "differ in the seed alone" in parts.text
    assert "http://localhost:5000/#/experiments/1/runs/4f1c?" in parts.text
    assert page.count("The errors of each repeat, at one height in all rows") == 3  # two widths, and the caption
    assert all(value.startswith("#") for value in parts.values("href", "src", "xlink:href"))


def test_in_the_figure_each_repeat_is_a_dot_in_each_row() -> None:
    few, many = (Report(content([repeat(0.1 + k / 1000, seed=str(k)) for k in range(n)])).html() for n in (5, 9))

    assert many.count("<use ") - few.count("<use ") == 2 * 2 * 4  # two widths, two sets, four more repeats


def test_without_matplotlib_its_tables_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(FIGURES), "is_installed", property(lambda extra: False))
    text = Parts(Report(content(SEEDS)).html()).text

    assert "11.2 ± 0.4 %" in text
    assert "without Matplotlib" in text


@pytest.mark.parametrize(
    ("repeats", "said"),
    [
        (
            SEEDS,
            "The noise of the 2,000 dev examples, which all repeats share, is no part of the spread, but is in the intervals",
        ),
        ([replace(one, counts={}) for one in SEEDS], "their number is not known"),
        (FOLDS, "a fold of its own for a dev set, and is trained on the rest"),
        ([replace(one, fold=None, split=one.fold) for one in FOLDS], "a dev set that is drawn anew"),
        ([replace(one, seed=None) for one in SEEDS], "no seed was logged of them"),
        (SEEDS, "the interval of a mean is 4.3 of its standard errors on either side"),
    ],
)
def test_what_the_spread_is_over_and_what_it_tells_is_said(repeats: list[Repeat], said: str) -> None:
    assert said in what_spread_tells(judge_repeats(repeats, Baseline()))


def test_of_many_repeats_nothing_is_said_of_their_number() -> None:
    many = [repeat(0.1 + seed / 10_000, seed=str(seed)) for seed in range(40)]

    assert "so few" not in what_spread_tells(judge_repeats(many, Baseline()))


def test_repeats_that_failed_are_listed_and_left_out_of_the_means() -> None:
    failed = Repeat("d1", "lost", "diverged", {"dev": math.nan}, seed="9")
    text = Report(content([*SEEDS, failed])).markdown()

    assert "1 of them failed, and is no part of the means" in text
    assert "| dev | 11.2 ± 0.4 % |" in text
    assert re.search(r"\| \[lost\].* \| 9 \| .*diverged \|", text)


def test_where_most_failed_there_are_no_means_and_the_repeats_are_listed() -> None:
    failed = [Repeat(f"d{seed}", f"lost {seed}", "diverged", {}, seed=str(seed)) for seed in range(3)]
    report = Report(content([*SEEDS[:1], *failed]))

    assert "Diverged" in Parts(report.html()).text
    assert "±" not in report.markdown()
    assert report.markdown().count("lost") == 3
    assert report.png().startswith(b"\x89PNG")


def test_a_hostile_name_is_text() -> None:
    hostile = "<img src=x onerror=alert(1)>|[x](http://evil.example)"
    report = Report(content([replace(one, name=hostile, seed=None, fold=hostile[:20]) for one in SEEDS], name=hostile))

    assert "img" not in Parts(report.html()).tags
    assert not re.search(r"(?<!\\)<img|(?<!\\)\[x|(?<!\\)\|\[", report.markdown())


@given(
    st.lists(
        st.builds(
            lambda tag, errors, seed: Repeat("4f1c", "one", tag, errors, dict.fromkeys(errors, 500), seed=seed),
            st.sampled_from(TAGS),
            st.dictionaries(st.sampled_from(["train", "train_dev", "dev", "test"]), st.floats(0, 1)),
            st.one_of(st.none(), st.sampled_from("0123456789")),
        ),
        min_size=2,
        max_size=8,
    )
)
@settings(max_examples=60, deadline=None)
def test_whatever_the_repeats_are_the_words_and_the_data_list_each(repeats: list[Repeat]) -> None:
    found = content(repeats)
    data: Mapping[str, Any] = plain(summary_of(found))

    assert Report(found).markdown().count("[one]") == len(repeats)
    assert len(data["repeats"]["runs"]) == len(repeats)
    assert sum(data["repeats"]["diagnoses"].values()) == len(repeats)
    assert list(problems(data["repeats"], SCHEMA["properties"]["repeats"])) == []


def test_the_report_of_a_configuration_is_made_in_all_forms(trained: Trained, tmp_path: Path) -> None:
    report = make_report(trained.parent, tracking_uri=trained.store)
    for name in ("a.html", "a.md", "a.png"):
        report.save(tmp_path / name)
    parent = MlflowClient(trained.store).get_run(trained.parent)

    assert report.content.repeated is not None
    assert report.content.repeated.in_short == parent.data.tags["bvtrack.repeats"]
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert CliRunner().invoke(main, ["report", trained.parent, "--tracking-uri", trained.store]).exit_code == 0


def test_the_page_of_a_repeat_leads_to_its_configuration(trained: Trained) -> None:
    report = make_report(trained.repeats[0], tracking_uri=trained.store)
    line = "A repeat of wide (3 seeds: dev 11.2 ± 0.4 %), which is high_variance (certain) over all of them."

    assert line in Parts(report.html()).text
    assert line.replace("_", r"\_") in report.markdown()
    assert trained.parent in report.markdown()


@pytest.mark.parametrize("parent_id", ["gone", "4f1c2b9e7d3a4c55a1b2c3d4e5f60718"])
def test_a_repeat_whose_parent_is_gone_is_shown_as_a_run(parent_id: str, store: str) -> None:
    errors = {"train_error": 0.01, "dev_error": 0.11, "n_dev": 500}
    run = LoggedRun("alone", errors, tags={"mlflow.parentRunId": parent_id, "bvtrack.source": "callback"})
    log_runs(store, [run])

    assert bvtrack.show(run.id, tracking_uri=store)["configuration"] is None


def test_where_the_repeats_are_gone_it_is_said_why_there_is_no_report(store: str) -> None:
    parent, *_ = LoggedConfiguration("wide", WIDE).runs()
    log_runs(store, [parent])

    with pytest.raises(ValueError, match="nested in it now are not the repeats of one configuration; bvtrack audit"):
        make_report(parent.id, tracking_uri=store)
    assert bvtrack.show(parent.id, tracking_uri=store)["status"] == "not_diagnosed"


def test_a_configuration_and_its_repeat_are_shown_by_the_schema(trained: Trained) -> None:
    of_parent, of_repeat = (bvtrack.show(run, tracking_uri=trained.store) for run in (trained.parent, trained.repeats[0]))

    assert list(problems(of_parent, SCHEMA)) == list(problems(of_repeat, SCHEMA)) == []
    assert [run["name"] for run in of_parent["repeats"]["runs"]] == [f"wide, seed {seed}" for seed in range(3)]
    assert of_parent["repeats"]["deviations"]["dev"] == pytest.approx(0.004, abs=1e-4)
    assert of_parent["evidence"]["errors"]["dev"]["low"] < 0.108
    assert of_repeat["configuration"]["run_id"] == trained.parent
    assert (of_repeat["repeats"], of_parent["configuration"]) == (None, None)


@pytest.mark.parametrize("form", [[], ["--markdown"]])
def test_shown_in_words_a_configuration_lists_its_repeats(form: list[str], trained: Trained) -> None:
    def shown(run_id: str) -> str:
        return CliRunner().invoke(main, ["show", run_id, "--tracking-uri", trained.store, *form]).stdout

    said = shown(trained.parent)

    assert "3 seeds" in said
    assert re.search(r"wide, seed 2\W+2\W+1\.1 %\W+11\.6 %\W+high", said)
    assert "differ in the seed alone" in " ".join(said.split())
    assert "A repeat of wide (3 seeds" in shown(trained.repeats[0])


def test_the_note_on_the_run_of_a_group_says_its_verdict_and_keeps_the_users_text(
    store: str, send: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    client = MlflowClient(store)
    with mlflow.start_run() as parent:
        client.set_tag(parent.info.run_id, "mlflow.note.content", "my own words")
        with bvtrack.group("wide") as wide:
            for seed in range(3):
                train(wide, seed)
    send()
    note = client.get_run(parent.info.run_id).data.tags["mlflow.note.content"]

    assert note.startswith("High variance (certain)")
    assert "| dev | 11.2 ± 0.4 % |" in note
    assert f"bvtrack report {parent.info.run_id} --log" in note
    assert note.endswith("my own words")

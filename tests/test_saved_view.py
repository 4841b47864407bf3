"""MLflow's own UI, without a plugin, shows the verdicts where people look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from browser import PATIENCE_MS, Browser, Page, expect
from idle_shipper import IdleShipper
from mlflow import MlflowClient
from mlflow.entities import Run
from servers import running

import bvtrack
from bvtrack.schema import names
from bvtrack.shipping.sync import pending_journals
from bvtrack.shipping.sync import send as send_journal

N_RUNS = 12
"""More than the ten that MLflow's charts show by default."""
PLOTS = "[...document.querySelectorAll('.js-plotly-plot')]"
FIRST_TAGS = ("bvtrack.diagnosis", "bvtrack.next_step", "bvtrack.certainty", "bvtrack.split")
SHOWN_TAGS = FIRST_TAGS[:2]
SHOWN_METRICS = [names.verdict_metric(names.error_metric(name)) for name in ("train", "dev", "test")]


@dataclass(frozen=True)
class Site:
    """MLflow's server as it comes, an experiment of runs that the callback has tagged, and these runs, the newest first."""

    uri: str
    experiment_id: str
    runs: list[Run]

    def open(self, page: Page, link: str) -> None:
        page.goto(f"{self.uri}/{link}")


@pytest.fixture(scope="module")
def site(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("view")
    (folder / "mlflow.db").write_bytes(empty_store.read_bytes())
    store = f"sqlite:///{folder}/mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bvtrack.tracking.outbox.ShipperProcess", IdleShipper)
        for number in range(N_RUNS):
            train(store, folder / "journals", number)
    for pending in pending_journals(folder / "journals", None):
        send_journal(pending, lambda offset: None)
    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("digits")
    assert experiment is not None
    with running(store, folder) as server:
        yield Site(server.uri, str(experiment.experiment_id), list(client.search_runs([experiment.experiment_id])))


def train(store: str, journals: Path, number: int) -> None:
    """A training whose best epoch is its second of three."""
    name = f"run {number}"
    with bvtrack.Tracker(tracking_uri=store, experiment="digits", run_name=name, journal_dir=journals) as tracker:
        tracker.log_split(train=5000, dev=1000, test=1000)
        for epoch, factor in enumerate((1.5, 1.0, 1.2)):
            train_error, dev_error = 0.01 * (number + 1) * factor, 0.15 * factor
            tracker.log_epoch(epoch, train_error=train_error, dev_error=dev_error, test_error=dev_error + 0.002 * number)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """The first visit of a browser, in which MLflow's assistant takes a quarter of the window."""
    page = browser.new_page(viewport={"width": 1400, "height": 860})
    yield page
    page.context.close()


def test_the_table_shows_verdict_and_errors_without_a_click_or_a_scroll(site: Site, page: Page) -> None:
    site.open(page, names.view_page(site.experiment_id))
    expect(page.get_by_text("MLflow Assistant")).to_be_visible()
    newest = site.runs[0]
    row = page.locator(f'.ag-center-cols-container [role="row"][row-id="{newest.info.run_id}"]')
    shown = {f"tags.`{name}`": newest.data.tags[name] for name in SHOWN_TAGS}
    shown |= {f"metrics.`{name}`": f"{newest.data.metrics[name]:.10g}" for name in SHOWN_METRICS}
    table = page.locator(".ag-center-cols-viewport").bounding_box()

    assert newest.data.metrics["bvtrack/dev_error"] != newest.data.metrics["bvtrack/verdict/dev_error"] == 0.15
    assert table is not None
    for column, text in shown.items():
        cell = row.locator(f'[col-id="{column}"]')
        expect(cell).to_have_text(text)
        box = cell.bounding_box()
        assert box is not None
        assert table["x"] <= box["x"]
        assert box["x"] + box["width"] <= table["x"] + table["width"]
        assert box["y"] + box["height"] <= 860
        assert box["width"] >= 84  # of which 24 are padding: six digits, or a word


def test_the_charts_have_a_point_for_each_run_the_errors_in_one_and_bars_of_the_gaps(site: Site, page: Page) -> None:
    page.set_viewport_size({"width": 1400, "height": 1300})  # charts below the window are not drawn
    site.open(page, names.view_charts_page(site.experiment_id))
    page.wait_for_function(
        f"{PLOTS}.length >= 5 && {PLOTS}.slice(0, 5).every((plot) => plot.data?.[0]?.x?.length)", timeout=PATIENCE_MS
    )
    scatter, lines, *bars = settled_charts(page)
    truth = sorted(
        (run.data.metrics["bvtrack/verdict/avoidable_bias"], run.data.metrics["bvtrack/verdict/variance"]) for run in site.runs
    )

    assert sorted(zip(scatter[0]["x"], scatter[0]["y"], strict=True)) == truth
    assert len(truth) == N_RUNS
    assert {tuple(line["x"]) for line in lines} == {(0, 1, 2)}
    assert [[(bar["type"], len(bar["x"])) for bar in chart] for chart in bars] == [[("bar", N_RUNS)]] * 3


def settled_charts(page: Page) -> list[list[dict[str, Any]]]:
    """The data of the first five charts when half a second has not changed them: the page draws some of them more than once."""
    before: list[list[dict[str, Any]]] = []
    for _ in range(PATIENCE_MS // 500):
        charts = page.evaluate(f"{PLOTS}.slice(0, 5).map((plot) => plot.data.map(({{type, x, y}}) => ({{type, x, y}})))")
        if charts == before:
            break
        before = charts
        page.wait_for_timeout(500)
    return before


def test_the_run_page_shows_the_diagnosis_among_the_first_four_tags(site: Site, page: Page) -> None:
    site.open(page, names.run_page(site.experiment_id, site.runs[0].info.run_id))
    expect(page.get_by_text("bvtrack.diagnosis").first).to_be_visible()
    tags = page.get_by_text("bvtrack.").all_inner_texts()
    order = [next(place for place, text in enumerate(tags) if name in text) for name in FIRST_TAGS]

    assert order == sorted(order)
    assert [name for text in tags[:4] for name in FIRST_TAGS if name in text] == [*FIRST_TAGS], tags

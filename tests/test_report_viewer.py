from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from browser import Browser, Page, expect
from mlflow import MlflowClient
from servers import running, wait_until

import bvtrack


class Training(NamedTuple):
    """A run on a server, whose report has been written."""

    uri: str
    experiment_id: str
    run_id: str

    @property
    def page(self) -> str:
        return f"{self.uri}/#/experiments/{self.experiment_id}/runs/{self.run_id}"


@pytest.fixture(scope="module")
def training(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Training]:
    """The better of two runs, so that each knows of the other."""
    folder = tmp_path_factory.mktemp("viewer")
    (folder / "mlflow.db").write_bytes(empty_store.read_bytes())
    with running(f"sqlite:///{folder}/mlflow.db", folder) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("BVTRACK_REPORT", "1")
        run_ids = [train(server.uri, name, dev_error, folder) for name, dev_error in (("narrow", 0.20), ("wide", 0.11))]
        yield Training(server.uri, MlflowClient(server.uri).get_run(run_ids[-1]).info.experiment_id, run_ids[-1])


def train(uri: str, name: str, dev_error: float, folder: Path) -> str:
    rng = np.random.default_rng(0)
    with bvtrack.Tracker(tracking_uri=uri, experiment="viewer", run_name=name, journal_dir=folder / "journals") as tracker:
        tracker.log_split(train=rng.normal(size=(5000, 2)), dev=rng.normal(size=(2000, 2)))
        for epoch in range(8):
            tracker.log_epoch(epoch, train_error=0.5 * 0.5**epoch, dev_error=dev_error + 0.5 * 0.5**epoch)
    run_id, client = str(tracker.run_id), MlflowClient(uri)
    wait_until(lambda: any(file.path == "bvtrack/report.html" for file in client.list_artifacts(run_id, "bvtrack")))
    return run_id


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    yield page
    page.close()


def test_the_report_is_readable_in_mlflows_viewer(training: Training, page: Page) -> None:
    page.goto(f"{training.page}/artifacts/bvtrack/report.html")
    report = page.frame_locator("iframe[sandbox]")

    expect(report.get_by_role("heading", name="High variance (certain): get more training data")).to_be_visible()
    expect(report.get_by_role("img", name="The error by epoch")).to_be_visible()
    expect(report.get_by_role("row", name="variance (named) dev - train")).to_be_visible()
    expect(report.locator("code.address")).to_have_text(f"{training.page}?workflowType=machine_learning")


def test_the_note_leads_to_the_report_and_to_the_best_other_run(training: Training, page: Page) -> None:
    page.goto(f"{training.page}?workflowType=machine_learning")
    with page.expect_popup() as other:
        page.get_by_role("link", name="narrow").click()
    with page.expect_popup() as report:
        page.get_by_role("link", name="Curves, forecasts and the split in the report").click()

    expect(other.value.get_by_role("heading", name="narrow")).to_be_visible()
    verdict = report.value.frame_locator("iframe").get_by_role("heading", name="High variance (certain)")
    expect(verdict).to_be_visible()

"""Take the pictures of docs/ in a real browser, of real trainings (`make pictures`): the map, a report, and MLflow's pages."""

from __future__ import annotations

import contextlib
import csv
import gzip
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from browser import PATIENCE_MS, Browser, Page, ViewportSize, a_browser, expect
from click.testing import CliRunner
from logged_runs import LoggedRun, log_runs
from mlflow import MlflowClient
from PIL import Image
from screenshots import DOCS, save, save_report, take_page
from servers import running

from bvtrack.cli import main as bvtrack
from bvtrack.schema.names import run_page, view_charts_page, view_page
from bvtrack_demo.place import Place, make_store
from bvtrack_demo.runs import RUNS

PICTURES = DOCS / "pictures"
TRAININGS = Path(__file__).parent / "benchmarks" / "advice" / "results.csv.gz"
DATASET = "optdigits"
EXPERIMENT = "Handwritten digits"
PARAMS = ("n_train", "width", "depth", "epochs", "optimizer", "learning_rate", "weight_decay", "dropout", "batch_size")
REPORTED = "Lightning: wide, 250 images"
REPORT_SIZES: Mapping[str, ViewportSize] = {
    "report.png": {"width": 900, "height": 1480},
    "report-phone.png": {"width": 390, "height": 1100},
}
PHONE: ViewportSize = {"width": 390, "height": 1240}
"""The width of most phones, and as much of the page as shows its parts."""
SCHEMES: Sequence[tuple[Literal["light", "dark"], str]] = (("light", ""), ("dark", "-dark"))
"""Colour schemes, with what the names of their pictures end in."""
WITHOUT_ASSISTANT = "localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')"
"""As on every visit after the first, at which MLflow's assistant opens by itself."""
SETTLING_MS = 5000
"""For charts, which appear one by one."""
SIZES = {"train": "n_train_eval", "dev": "n_dev"}
SHOWN = ("base", "bigger_network", "train_longer", "regularize_medium", "more_data_epochs")


def trainings() -> Iterator[LoggedRun]:
    """One repeat of the benchmark's trainings on this data set."""
    with gzip.open(TRAININGS, "rt", newline="") as file:
        for row in csv.DictReader(file):
            if row["dataset"] == DATASET and row["repeat"] == "0" and row["step"] in SHOWN:
                yield training(row)


def training(row: Mapping[str, str]) -> LoggedRun:
    errors = {f"{name}_error": int(row[f"wrong_{name}"]) / int(row[size]) for name, size in SIZES.items()}
    errors |= {f"n_{name}": int(row[size]) for name, size in SIZES.items()}
    name = f"{row['kind']}, {row['step']}".replace("_", " ")
    return LoggedRun(name, errors, {name: row[name] for name in PARAMS})


def take(page: Page, name: str, address: str, *, scheme: str, before: Callable[[Page], None]) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(address)
    expect(page.locator("#summary")).to_contain_text("runs")
    before(page)
    page.wait_for_timeout(500)
    save(page.screenshot(), PICTURES / name)


def hover_a_run(page: Page) -> None:
    for _ in ("largest", "smallest"):
        page.get_by_role("button", name="Dev error").click()
    page.get_by_role("link", name="good, base").hover()
    mark = page.locator(".marked circle").bounding_box()
    assert mark is not None
    page.mouse.move(mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2)


def show_what_width_did(page: Page) -> None:
    page.get_by_label("Arrows between runs").check()
    page.get_by_label("Parameter of the arrows").select_option("width")


def show_the_map(page: Page) -> None:
    """The map and the best runs of the table, without the filters above."""
    for _ in ("largest", "smallest"):
        page.get_by_role("button", name="Dev error").click()
    page.evaluate("scrollTo(0, document.getElementById('map').offsetTop)")


def take_on_a_phone(browser: Browser, address: str) -> None:
    """The whole of a narrow page, down to the first runs of its table."""
    page = browser.new_page(viewport=PHONE, device_scale_factor=2, has_touch=True, is_mobile=True)
    take(page, "map-phone.png", address, scheme="light", before=show_the_map)
    page.context.close()


def train_all(folder: Path) -> tuple[str, str]:
    """The store of the demo's trainings, and the id of the run that is shown alone."""
    store, ids = make_store(folder / "demo"), {}
    for run in RUNS:
        tracker = run.train(Place(store, folder / "journals", run.name))
        assert tracker is not None
        ids[run.name] = str(tracker.run_id)
    return store, ids[REPORTED]


def take_mlflow(browser: Browser, folder: Path, store: str, run_id: str) -> None:
    """MLflow's own pages, without a plugin: the saved view's table and its charts, light and dark, and a run's page."""
    experiment_id = str(MlflowClient(store).get_run(run_id).info.experiment_id)
    table, charts = view_page(experiment_id), view_charts_page(experiment_id)
    pages = {
        "mlflow-table": (table, 640, ".ag-center-cols-container .ag-row"),
        "mlflow-charts": (charts, 920, ".js-plotly-plot .point"),
        "mlflow-run": (run_page(experiment_id, run_id), 860, "text=bvtrack.diagnosis"),
    }
    with running(store, folder) as server:
        for scheme, ending in SCHEMES:
            context = browser.new_context(viewport={"width": 1400, "height": 900}, color_scheme=scheme)
            context.add_init_script(WITHOUT_ASSISTANT)
            for name, (link, height, sign) in pages.items():
                page = context.new_page()
                page.set_viewport_size({"width": 1400, "height": height})
                page.goto(f"{server.uri}/{link}")
                page.locator(sign).first.wait_for(state="attached", timeout=PATIENCE_MS)
                page.wait_for_timeout(SETTLING_MS)
                save(page.screenshot(), PICTURES / f"{name}{ending}.png", Image.Quantize.MEDIANCUT)
                page.close()
            context.close()


def take_report(browser: Browser, folder: Path, store: str, run_id: str) -> None:
    """The report of one of the demo's trainings, down to its curves, and on a phone."""
    report = save_report(run_id, folder / "report.html", store)
    for name, size in REPORT_SIZES.items():
        take_page(browser, report, PICTURES / name, size)


def main() -> None:
    """Write all of them, from outside the checkout: MLflow would show its branch and commit."""
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
    os.environ["LOGNAME"] = "you"  # in the place of whoever takes the pictures
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), a_browser() as browser:
        store = f"sqlite:///{folder}/mlflow.db"
        experiment = int(MlflowClient(store).create_experiment(EXPERIMENT))
        log_runs(store, [in_experiment(run, experiment) for run in trainings()])
        compared = CliRunner().invoke(bvtrack, ["compare", EXPERIMENT, "--tracking-uri", store], env={"COLUMNS": "98"})
        print(compared.output)  # for docs/verdict/map.md
        page = browser.new_page(viewport={"width": 1480, "height": 800})
        with running(store, Path(folder), "--app-name", "bvtrack") as server:
            address = f"{server.uri}/bvtrack/"
            take(page, "map.png", address, scheme="light", before=hover_a_run)
            take_on_a_phone(browser, address)
            take(page, "changes.png", address, scheme="dark", before=show_what_width_did)
        demo, run_id = train_all(Path(folder))
        take_report(browser, Path(folder), demo, run_id)
        take_mlflow(browser, Path(folder), demo, run_id)


def in_experiment(run: LoggedRun, experiment: int) -> LoggedRun:
    run.experiment = experiment
    return run


if __name__ == "__main__":
    main()

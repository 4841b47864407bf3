"""Take the README's pictures in a real browser: the map, and a report, of real trainings (`make pictures`)."""

from __future__ import annotations

import csv
import gzip
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from browser import Browser, Page, ViewportSize, a_browser, expect
from logged_runs import LoggedRun, log_runs
from mlflow import MlflowClient
from PIL import Image
from servers import running

from bvtrack import Report, make_report
from bvtrack.report.content import RunAddress
from bvtrack_demo.place import Place, make_store
from bvtrack_demo.runs import RUNS

CHECKOUT = Path(__file__).parents[1]
TRAININGS = CHECKOUT / "tests" / "benchmarks" / "advice" / "results.csv.gz"
DATASET = "optdigits"
PARAMS = ("n_train", "width", "depth", "epochs", "optimizer", "learning_rate", "weight_decay", "dropout", "batch_size")
N_COLOURS = 256
"""Enough for a page of flat colours, at a third of the size."""
REPORTED = "Lightning: wide, 250 images"
REPORT_SIZE: ViewportSize = {"width": 900, "height": 1180}
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
    save(page.screenshot(), name)


def save(screenshot: bytes, name: str) -> None:
    picture = Image.open(BytesIO(screenshot)).convert("RGB").quantize(N_COLOURS, Image.Quantize.MAXCOVERAGE)
    picture.save(CHECKOUT / "docs" / "pictures" / name, optimize=True)


def hover_a_run(page: Page) -> None:
    page.get_by_role("button", name="Variance").click()
    page.get_by_role("link", name="good, base").hover()
    mark = page.locator(".marked circle").bounding_box()
    assert mark is not None
    page.mouse.move(mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2)


def show_what_width_did(page: Page) -> None:
    page.get_by_label("Arrows between runs").check()
    page.get_by_label("Parameter of the arrows").select_option("width")


def take_report(browser: Browser, folder: Path) -> None:
    """The report of one of the demo's trainings, down to its first steps."""
    run = next(run for run in RUNS if run.name == REPORTED)
    store = make_store(folder / "demo")
    tracker = run.train(Place(store, folder / "journals", run.name))
    assert tracker is not None
    run_id = str(tracker.run_id)
    content = make_report(run_id, tracking_uri=store).content
    report = Report(replace(content, address=RunAddress(run_id, "1", "http://localhost:5000"))).save(folder / "report.html")
    page = browser.new_page(viewport=REPORT_SIZE)
    page.goto(report.as_uri())
    save(page.screenshot(), "report.png")


def main() -> None:
    """Write all of them."""
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder, a_browser() as browser:
        store = f"sqlite:///{folder}/mlflow.db"
        experiment = int(MlflowClient(store).create_experiment("Handwritten digits"))
        log_runs(store, [in_experiment(run, experiment) for run in trainings()])
        page = browser.new_page(viewport={"width": 1480, "height": 800})
        with running(store, Path(folder), "--app-name", "bvtrack") as server:
            address = f"{server.uri}/bvtrack/"
            take(page, "map.png", address, scheme="light", before=hover_a_run)
            take(page, "changes.png", address, scheme="dark", before=show_what_width_did)
        take_report(browser, Path(folder))


def in_experiment(run: LoggedRun, experiment: int) -> LoggedRun:
    run.experiment = experiment
    return run


if __name__ == "__main__":
    main()

"""Reports and screenshots for the pages of docs/: what `make pictures` and `make gallery` share."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

from browser import Browser, ViewportSize
from PIL import Image

from bvtrack import Report, make_report
from bvtrack.report.content import RunAddress

DOCS = Path(__file__).parents[1] / "docs"
N_COLOURS = 256
"""Enough for a page of flat colours, at a third of the size."""
SERVER = "http://localhost:5000"
"""MLflow's own by default, in place of a store on the machine that took the pictures."""


def save_report(run_id: str, path: Path, tracking_uri: str | None = None) -> Path:
    content = make_report(run_id, tracking_uri=tracking_uri).content
    return Report(replace(content, address=RunAddress(run_id, "1", SERVER))).save(path)


def take_page(browser: Browser, page_file: Path, picture: Path, size: ViewportSize) -> None:
    """The top of a file in the browser, as much of it as this size shows."""
    page = browser.new_page(viewport=size)
    page.goto(page_file.as_uri())
    save(page.screenshot(), picture)
    page.close()


def save(screenshot: bytes, path: Path, method: Image.Quantize = Image.Quantize.MAXCOVERAGE) -> None:
    picture = Image.open(BytesIO(screenshot)).convert("RGB").quantize(N_COLOURS, method, kmeans=2)
    picture.save(path, optimize=True)

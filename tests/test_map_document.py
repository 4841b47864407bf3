from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import a_browser
from logged_runs import LoggedRun
from playwright.sync_api import Browser, Page, expect

import bvtrack
from bvtrack_server import render_map
from bvtrack_server.document import PAGE, in_order
from bvtrack_server.regions import HUMAN_ERRORS, regions

HOSTILE = "</script><img src=x onerror=alert(1)>"
D3 = "912111098ea99503a6f4967361d2bbdc9dbf58cf9c678c8e27e5b02d1a07f0c1"
"""Of dist/d3.min.js in npm's d3 7.9.2."""
DECLARED = re.compile(r"^(?:export )?(?:async )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)
RUN = LoggedRun("overfit", {"train_error": 0.01, "dev_error": 0.11, "n_train": 5000, "n_dev": 5000})


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with a_browser() as browser:
        yield browser


def opened(browser: Browser, folder: Path, document: str) -> tuple[Page, list[str]]:
    """The document as a file in a browser, and what went wrong or was asked for in it."""
    (folder / "map.html").write_text(document)
    page = browser.new_page()
    noticed: list[str] = []
    page.on("console", lambda message: noticed.append(message.text))
    page.on("pageerror", lambda error: noticed.append(str(error)))
    page.on("request", lambda request: noticed.append(request.url))
    page.goto((folder / "map.html").as_uri())
    return page, noticed


def test_the_document_shows_its_runs_without_any_server(browser: Browser, tmp_path: Path) -> None:
    page, noticed = opened(browser, tmp_path, render_map([RUN.in_rest_shape()], title="Digits", tracking_uri=None))

    expect(page.locator("#rows tr[data-id]")).to_contain_text(f"overfit{RUN.id}High variance+1.0+10.0")
    expect(page.get_by_role("heading", name="Digits")).to_be_visible()
    assert noticed == [page.url]


def test_runs_link_to_the_server_they_are_on(browser: Browser, tmp_path: Path) -> None:
    document = render_map([RUN.in_rest_shape()], title="Digits", tracking_uri="https://mlflow.example/team/")
    page, _ = opened(browser, tmp_path, document)

    expected = f"https://mlflow.example/team/#/experiments/0/runs/{RUN.id}?workflowType=machine_learning"
    expect(page.get_by_role("link", name="overfit")).to_have_attribute("href", expected)


def test_in_a_frame_of_mlflows_viewer_the_address_can_be_copied(browser: Browser, tmp_path: Path) -> None:
    document = render_map([RUN.in_rest_shape()], title="Digits", tracking_uri="https://mlflow.example")
    (tmp_path / "framed.html").write_text(document)
    page, _ = opened(browser, tmp_path, '<iframe sandbox="allow-scripts" src="framed.html"></iframe>')
    code = page.frame_locator("iframe").locator("#rows code")

    expect(code).to_have_text(f"https://mlflow.example/#/experiments/0/runs/{RUN.id}?workflowType=machine_learning")


def test_hostile_names_neither_end_the_script_nor_become_markup(browser: Browser, tmp_path: Path) -> None:
    run = LoggedRun(HOSTILE, RUN.errors, {HOSTILE: HOSTILE})
    page, noticed = opened(
        browser, tmp_path, render_map([run.in_rest_shape()], title=HOSTILE, tracking_uri=f"javascript:{HOSTILE}")
    )

    expect(page.locator("#rows tr[data-id]")).to_contain_text(HOSTILE)
    expect(page.locator("h1")).to_have_text(HOSTILE)
    assert page.locator("img, #rows a").count() == 0
    assert noticed == [page.url]


def test_no_two_modules_declare_the_same_name() -> None:
    declared = [name for module in in_order("main.js") for name in DECLARED.findall((PAGE / module).read_text())]

    assert sorted(declared) == sorted(set(declared))
    assert {*in_order("main.js"), "d3.min.js"} == {path.name for path in PAGE.glob("*.js")}


def test_the_library_is_the_one_that_npm_has() -> None:
    assert hashlib.sha256((PAGE / "d3.min.js").read_bytes()).hexdigest() == D3


def test_the_regions_are_those_of_the_present_rule() -> None:
    """After a change of the rule, `python -m bvtrack_server.regions` writes them anew."""
    assert json.loads((PAGE / "regions.json").read_text()) == regions()


@pytest.mark.parametrize("human", HUMAN_ERRORS)
def test_a_region_holds_what_is_diagnosed_in_it(human: float) -> None:
    (entry,) = [entry for entry in json.loads((PAGE / "regions.json").read_text()) if entry["human"] == human]
    for region in entry["regions"]:
        for bias, low, high in region["columns"]:
            if high - low > 0.002:
                train, middle = human + bias, (low + high) / 2
                said = bvtrack.diagnose(train_error=train, dev_error=train + middle, human_error=human or None)
                assert said.tag == region["tag"], (bias, middle)

from __future__ import annotations

from pathlib import Path

from browser import Browser, Page, expect
from logged_runs import LoggedRun

from bvtrack_server import render_map

HOSTILE = "</script><img src=x onerror=alert(1)>"
RUN = LoggedRun("overfit", {"train_error": 0.01, "dev_error": 0.11, "n_train": 5000, "n_dev": 5000})


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

    expect(page.locator("#rows tr[data-id]")).to_contain_text(
        f"overfit{RUN.id}High variance11.0Get more training data\u2013+1.0+10.0"
    )
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

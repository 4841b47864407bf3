"""A real browser for tests: Debian's Chromium, driven by Playwright. Without either, tests that import this are skipped.

On CI, where both must be there, they fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

IS_CI = os.environ.get("CI") == "true"
if not IS_CI:
    pytest.importorskip("playwright", reason="Playwright is not installed: pip install playwright")

from playwright.sync_api import Browser, FloatRect, Page, ViewportSize, expect, sync_playwright  # noqa: E402  # whose absence is said above

__all__ = ["Browser", "Page", "ViewportSize", "a_browser", "expect", "settled_box"]

PATIENCE_MS = 300_000
"""As long as a busy machine may take."""
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
SETTLED = """async (selector) => {
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const boxes = [];
  for (let number = 0; number < 4; number += 1) {
    const found = document.querySelectorAll(selector);
    if (found.length !== 1) return null;
    const { x, y, width, height } = found[0].getBoundingClientRect();
    boxes.push({ x, y, width, height });
    await frame();
  }
  return boxes.every((box) => JSON.stringify(box) === JSON.stringify(boxes[0])) ? boxes[0] : null;
}"""
ARGUMENTS = ["--no-sandbox", "--disable-gpu", *QUIET]


@contextmanager
def a_browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        say = pytest.fail if IS_CI else pytest.skip
        say("Chromium is not installed: apt-get install chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        browser.new_context = _patient(browser.new_context)  # type: ignore[method-assign]  # it has no default of its own
        browser.new_page = _patient(browser.new_page)  # type: ignore[method-assign]  # nor has it one for these
        yield browser
        browser.close()


def _patient(make: Callable[..., Any]) -> Callable[..., Any]:
    """A maker of pages, or of contexts, whose actions wait as long as what is expected of them."""

    def made(**options: Any) -> Any:
        place = make(**options)
        place.set_default_timeout(PATIENCE_MS)
        return place

    return made


def settled_box(page: Page, selector: str) -> FloatRect:
    """Where the one element of this selector is, once it has stayed there for some frames: a page that opens moves it."""
    return cast(FloatRect, page.wait_for_function(SETTLED, arg=selector).json_value())

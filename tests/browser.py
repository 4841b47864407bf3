"""A real browser for tests: Debian's Chromium, driven by Playwright. Without either, tests that import this are skipped.

On CI, where both must be there, they fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

IS_CI = os.environ.get("CI") == "true"
if not IS_CI:
    pytest.importorskip("playwright", reason="Playwright is not installed: pip install playwright")

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright  # noqa: E402  # whose absence is said above

__all__ = ["Browser", "Page", "ViewportSize", "a_browser", "expect"]

PATIENCE_MS = 60_000
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
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
        yield browser
        browser.close()

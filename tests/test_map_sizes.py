"""The map on screens from a phone's to a large one's, light and dark: drawn, readable, and nothing over anything."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from browser import Browser, Page, expect
from logged_runs import LoggedRun
from map_pages import Answer, map_of

MEASURE = {"bvtrack.measure": "1 - val_acc"}
HOSTILE = LoggedRun(
    "</td>\u202e" + "W" * 300, {"train_error": 0.3, "dev_error": 0.4}, tags={"bvtrack.gaps": '{"gaps":[1e300]}'}
)
FOUR = [
    LoggedRun("biased", {"train_error": 0.15, "dev_error": 0.16, "n_dev": 5000}, tags={**MEASURE, "bvtrack.split": "ok"}),
    LoggedRun(
        "a name of a usual length, seed 1",
        {"train_error": 0.08, "dev_error": 0.2},
        tags={**MEASURE, "bvtrack.split": "unchecked"},
    ),
    LoggedRun(
        "good",
        {"train_error": 0.01, "dev_error": 0.01, "n_dev": 50_000},
        tags={**MEASURE, "bvtrack.split": "dev_repeats_train"},
    ),
    replace(HOSTILE, tags={**MEASURE, **HOSTILE.tags, "bvtrack.split": "x" * 999, "bvtrack.next_step": "y" * 999}),
]
WIDTHS = (320, 360, 390, 600, 768, 800, 899, 900, 901, 1000, 1400)
SIZES = [*((width, 844) for width in WIDTHS), (844, 390)]
SETTLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
FOUND = """() => {
  const [plot, canvas, scroller] = ["plot", "points", "scroller"].map((id) => document.getElementById(id));
  const rows = [...document.querySelectorAll("#rows tr[data-id]")];
  const box = (element) => ["left", "right", "top", "bottom"].map((end) => element.getBoundingClientRect()[end]);
  const shown = (element) => element.scrollWidth <= element.clientWidth + 1;
  const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
  let painted = 0;
  for (let at = 3; at < pixels.length; at += 4) painted += pixels[at] > 0;
  return {
    page: document.documentElement.scrollWidth,
    plot: [plot.clientWidth, plot.clientHeight],
    canvas: [canvas.width / devicePixelRatio, canvas.height / devicePixelRatio],
    painted,
    ticks: document.querySelectorAll("#below .tick, #below .axis g").length,
    headers: [...document.querySelectorAll("#columns th")].map((header) => [header.dataset.name, ...box(header)]),
    cells: rows.map((row) => [...row.cells].map(box)),
    texts: rows.map((row) => [...row.cells].slice(0, 5).map((cell) => cell.innerText)),
    cut: !shown(scroller),
    cue: scroller.parentElement.classList.contains("more-right"),
    shade: getComputedStyle(scroller.parentElement, "::after").opacity,
    focusable: scroller.tabIndex === 0,
    labels: [...document.querySelectorAll(".labels text")].map(box),
    colour: getComputedStyle(document.body).backgroundColor,
  };
}"""
SYMBOLS = """() => [...document.querySelectorAll("#rows tr[data-id]")].map((row) => {
  row.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
  const mark = document.querySelector(".marked circle");
  const around = mark?.getBoundingClientRect();
  document.getElementById("rows").dispatchEvent(new MouseEvent("mouseleave"));
  return mark && [around.left + around.width / 2, around.top + around.height / 2, Number(mark.getAttribute("r")) - 4];
}).filter(Boolean)"""


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with map_of(browser, tmp_path_factory.mktemp("four"), FOUR) as page:
        yield page


def seen(page: Page, size: tuple[int, int], scheme: Any = "light") -> dict[str, Any]:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme)
    page.evaluate(SETTLED)
    found: dict[str, Any] = page.evaluate(FOUND)
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_on_any_screen_the_map_is_drawn_and_what_matters_is_in_the_table(
    size: tuple[int, int], scheme: str, page: Page
) -> None:
    found = seen(page, size, scheme)

    assert found["page"] <= size[0]
    assert found["canvas"] == pytest.approx(found["plot"], abs=1)
    assert min(found["plot"]) >= 250
    assert found["painted"] > 100
    assert found["ticks"] >= 6
    for texts, cells in zip(found["texts"], found["cells"], strict=True):
        assert all(texts)
        for left, right, *_ in cells[:5]:  # the run, its diagnosis, its dev error, the next step and the split
            assert 0 <= left < right <= size[0]
    assert len(found["cells"]) >= min(len(FOUR), 3)
    is_dark = found["colour"] != "rgb(255, 255, 255)"
    assert is_dark == (scheme == "dark")


@pytest.mark.parametrize("size", SIZES)
def test_a_table_that_is_cut_says_so_and_can_be_scrolled_by_keyboard(size: tuple[int, int], page: Page) -> None:
    found = seen(page, size)

    assert found["focusable"]
    assert found["cut"] == found["cue"]
    if found["cut"]:
        page.locator("#scroller").focus()
        page.keyboard.press("ArrowRight")
        expect(page.locator(".edges.more-left #scroller")).to_be_visible()
        page.evaluate("document.getElementById('scroller').scrollLeft = 0")


@pytest.mark.parametrize("ratio", [1, 2, 3])
def test_a_phone_that_is_turned_draws_anew_and_sharply(ratio: int, browser: Browser, tmp_path: Any) -> None:
    upright, lying = {"width": 390, "height": 844}, {"width": 844, "height": 390}
    with map_of(browser, tmp_path, FOUR, viewport=upright, device_scale_factor=ratio, has_touch=True, is_mobile=True) as page:
        for size in (upright, lying, upright):
            found = seen(page, (size["width"], size["height"]))

            assert found["canvas"] == pytest.approx(found["plot"], abs=1)
            assert found["painted"] > 100 * ratio
            assert found["page"] == size["width"]


def test_a_touch_shows_a_run_and_another_one_selects_it(browser: Browser, tmp_path: Any) -> None:
    with map_of(browser, tmp_path, FOUR[:1], viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True) as page:
        page.evaluate(SETTLED)
        ((x, y, _),) = page.evaluate(SYMBOLS)
        page.touchscreen.tap(x + 12, y + 12)
        assert "biased" in page.locator("#card").inner_text()
        assert page.locator("#summary").inner_text() == "1 run"
        page.touchscreen.tap(x, y)

        assert page.locator("#summary").inner_text() == "1 of 1 selected runs"


def crowds() -> Iterator[Answer]:
    random = np.random.default_rng(5)
    for number in range(60):
        train = min(float(random.lognormal(-3, 1)), 0.6)
        dev = min(max(train + float(random.normal(0.02, 0.05)), 0.0), 1.0)
        errors = {"train_error": train, "dev_error": dev, "n_train": 5000, "n_dev": int(10 ** random.uniform(2, 5))}
        yield LoggedRun(f"run {number}", errors).in_rest_shape()


@pytest.mark.parametrize("size", [(320, 640), (390, 844), (800, 900), (1000, 800), (1400, 900)])
def test_the_regions_names_cover_no_symbol_and_no_other_name(size: tuple[int, int], browser: Browser, tmp_path: Any) -> None:
    with map_of(browser, tmp_path, list(crowds()), viewport={"width": size[0], "height": 1400}) as page:
        found = seen(page, (size[0], 1400))
        symbols = page.evaluate(SYMBOLS)

        assert len(symbols) > 20
        level = [(left, right, top, bottom) for left, right, top, bottom in found["labels"] if bottom - top < 24]
        for (left, right, top, bottom), (x, y, radius) in itertools.product(level, symbols):
            near = max(left - x, 0.0, x - right), max(top - y, 0.0, y - bottom)
            assert np.hypot(*near) >= radius - 1
        for one, other in itertools.combinations(level, 2):
            assert one[0] >= other[1] or other[0] >= one[1] or one[2] >= other[3] or other[2] >= one[3]


def test_a_region_without_room_for_its_name_says_it_under_the_pointer(browser: Browser, tmp_path: Any) -> None:
    with map_of(browser, tmp_path, FOUR, viewport={"width": 320, "height": 800}) as page:
        page.evaluate(SETTLED)
        labels = page.locator(".labels text").all_inner_texts()
        assert "Balanced" not in labels
        ((x, y, _), *_) = [place for place in page.evaluate(SYMBOLS) if place[2] > 8]  # that of the balanced run
        page.mouse.move(x - 16, y - 3)

        assert page.locator("#card").inner_text() == "Region: Balanced"

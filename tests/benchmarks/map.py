"""How soon the map shows 10,000 runs of a local server with SQLite, and how soon the card of the run under the pointer
(`make bench`; needs Chromium). Prints the median of some loads, in seconds.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from browser import Page, a_browser, expect
from logged_runs import log_runs, many_runs
from mlflow import MlflowClient
from servers import running

N_RUNS = 10_000
N_LOADS = 5
NOTE_WHEN_PAINTED = """
new MutationObserver(() => {
  const shown = document.getElementById("summary")?.textContent ?? "";
  const name = shown.startsWith("1,000 ") ? "first" : shown.startsWith("10,000 ") ? "painted" : null;
  if (!name || window[name]) return;
  requestAnimationFrame(() => setTimeout(() => { window[name] = performance.now(); }));
}).observe(document, { childList: true, subtree: true });
"""
MEASURE = """async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  await frame();
  const arrived = Math.max(...performance.getEntriesByType("resource")
    .filter(({ name }) => name.endsWith("runs/search")).map(({ responseEnd }) => responseEnd));
  const box = document.getElementById("plot").getBoundingClientRect();
  const times = [];
  for (let step = 0; step < 40; step += 1) {
    const start = performance.now();
    const place = { clientX: box.left + 100 + 12 * step, clientY: box.top + 200 + 5 * step, bubbles: true };
    document.getElementById("plot").dispatchEvent(new PointerEvent("pointermove", place));
    await frame();
    times.push(performance.now() - start);
  }
  return [window.first, window.painted, window.painted - arrived, times.sort((a, b) => a - b)[20]];
}"""


def main() -> None:
    """Log the runs, and load the map some times."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        store = f"sqlite:///{folder}/mlflow.db"
        MlflowClient(store).search_experiments()
        log_runs(store, many_runs(N_RUNS))
        with running(store, folder, "--app-name", "bvtrack") as server, a_browser() as browser:
            times = []
            for _ in range(N_LOADS):
                page = browser.new_page(viewport={"width": 1400, "height": 860})
                times.append(_seconds(page, f"{server.uri}/bvtrack/"))
                page.context.close()
    print("| the first thousand | all | the last, once they have arrived | a card |\n|---|---|---|---|")
    print("| " + " | ".join(f"{statistics.median(column):.3f} s" for column in zip(*times, strict=True)) + " |")


def _seconds(page: Page, address: str) -> list[float]:
    page.add_init_script(NOTE_WHEN_PAINTED)
    page.goto(address)
    page.wait_for_function("window.painted")
    expect(page.locator("#summary")).to_contain_text(f"{N_RUNS:,} runs")
    return [milliseconds / 1000 for milliseconds in page.evaluate(MEASURE)]


if __name__ == "__main__":
    main()

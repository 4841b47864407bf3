"""Keeps a run's report in MLflow up to date, at a bounded cost."""

from __future__ import annotations

import math
import threading
import time
import traceback
from typing import TYPE_CHECKING

from bvtrack.log import logger
from bvtrack.report.content import Content
from bvtrack.schema import names
from bvtrack.shipping.run_state import Ledger
from bvtrack.store.target import without_credentials

if TYPE_CHECKING:
    from bvtrack.store.writer import MlflowWriter

FEWEST_SECONDS = 60.0
"""Shortest time before the first report and between two: a shorter training gets one report, at its end."""
SHORTEST_TRAINING_SECONDS = 30.0
"""A shorter training has no report until it is asked for: one costs about a second of a core."""
LARGEST_SHARE = 0.01
"""Largest share of a CPU's time for reports: one that takes a second is written at most every 100 seconds."""


_drawing = threading.Lock()
"""Matplotlib draws one report at a time: a process may send for several trainings."""


class ReportWriter:
    """Writes the report of one run. Errors are only logged for debugging: it can be made at any time."""

    def __init__(self) -> None:
        self._next = time.monotonic() + FEWEST_SECONDS
        self._written = 0
        self._thread: threading.Thread | None = None

    def is_due(self, timestamp: int) -> bool:
        """True if it is time for another report; `timestamp` is that of the newest record."""
        is_at_work = self._thread is not None and self._thread.is_alive()
        return timestamp != self._written and time.monotonic() >= self._next and not is_at_work

    def begin(self, ledger: Ledger, writer: MlflowWriter) -> None:
        """Write the run's report as of now, in a background thread."""
        self._written = ledger.timestamp
        content = _content(ledger, writer)
        self._thread = threading.Thread(target=self._write, args=(content, writer), name="bvtrack report", daemon=True)
        self._thread.start()

    def write(self, ledger: Ledger, writer: MlflowWriter) -> None:
        """Write the run's report as of now, after the one being written."""
        if self._thread is not None:
            self._thread.join()
        self._write(_content(ledger, writer), writer)

    def _write(self, content: Content | None, writer: MlflowWriter) -> None:
        began = time.monotonic()
        try:
            if content is not None:
                from bvtrack.report.page import render_page  # which no training's own process needs

                with _drawing:
                    page = render_page(content)
                if not writer.write_text(names.REPORT_FILE, page):
                    self._next = math.inf
                    return
        except Exception:
            _note_trouble("the report could not be written", writer)
        self._next = time.monotonic() + max(FEWEST_SECONDS, (time.monotonic() - began) / LARGEST_SHARE)


def _content(ledger: Ledger, writer: MlflowWriter) -> Content | None:
    """The report's content; `None` if there is none yet, or if MLflow cannot name the run."""
    try:
        return ledger.content(*writer.name_and_address())
    except Exception:
        _note_trouble("the report could not be made", writer)
        return None


def _note_trouble(what: str, writer: MlflowWriter) -> None:
    logger.debug("bvtrack: %s\n%s", what, without_credentials(traceback.format_exc(), writer.uri))

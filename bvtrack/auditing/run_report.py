"""The report of one run, in all formats."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

from bvtrack.auditing.stored_content import content_of
from bvtrack.auditing.stored_run import read_run
from bvtrack.display import as_words
from bvtrack.report.content import Content
from bvtrack.report.markdown import render_markdown
from bvtrack.report.page import render_page
from bvtrack.report.picture import render_picture
from bvtrack.shipping.unfinished import wait_for_unfinished
from bvtrack.store.reader import Store
from bvtrack.store.target import check_file, checked_uri, current_uri

FORMS = (".html", ".md", ".png")
FRAME_HEIGHT = 900
"""Height in pixels in a notebook; the frame scrolls."""


def make_report(run_id: str, *, tracking_uri: str | None = None) -> Report:
    """The report of a run in MLflow, whatever logged it, by its whole id; `tracking_uri` defaults to MLflow's own setting.

    Raises `ValueError`, with the reason, for a run that cannot be diagnosed, and for a malformed tracking URI, and MLflow's own
    exception if there is no such run, or if it does not respond. What this process's trainings have sent is waited for.

    >>> make_report("4f1c2b9e7d3a4c55a1b2c3d4e5f60718").save("report.html")  # doctest: +SKIP
    """
    uri = checked_uri(tracking_uri or current_uri())
    wait_for_unfinished()
    check_file(uri)
    return Report(content_of(read_run(Store(uri), run_id)))


@dataclass(frozen=True, repr=False)
class Report:
    """Report of a run, in figures and words; a notebook displays it."""

    content: Content

    def __repr__(self) -> str:
        """Which run and which verdict; the content holds every epoch."""
        verdict, address = self.content.verdict, self.content.address
        run_id = address and address.run_id
        return f"Report(run_id={run_id!r}, name={self.content.name!r}, tag={verdict.diagnosis.tag!r}, epoch={verdict.epoch!r})"

    def __str__(self) -> str:
        return as_words(self.content)

    def html(self) -> str:
        """One self-contained page."""
        return render_page(self.content)

    def markdown(self) -> str:
        """The words and the tables."""
        return render_markdown(self.content)

    def png(self) -> bytes:
        """The verdict, the curves and the gaps as a picture. Raises `ModuleNotFoundError` without Matplotlib."""
        return render_picture(self.content)

    def save(self, path: str | Path) -> Path:
        """Write the report in the format of the suffix of `path`: `.html`, `.md` or `.png`.

        Raises `ValueError` for another suffix, `ModuleNotFoundError` for `.png` without Matplotlib, and `OSError` if the file
        cannot be written.
        """
        path = Path(path)
        match path.suffix.lower():
            case ".html":
                path.write_text(self.html(), encoding="utf-8")
            case ".md":
                path.write_text(self.markdown(), encoding="utf-8")
            case ".png":
                path.write_bytes(self.png())
            case suffix:
                raise ValueError(
                    f"expected a file that ends in {', '.join(FORMS)}, got {suffix or 'no suffix'}; name one of them"
                )
        return path

    def _repr_html_(self) -> str:
        page = html.escape(self.html(), quote=True)
        return f'<iframe sandbox srcdoc="{page}" style="width: 100%; height: {FRAME_HEIGHT}px; border: 0"></iframe>'

    def _repr_markdown_(self) -> str:
        return self.markdown()

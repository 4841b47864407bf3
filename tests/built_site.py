"""The documentation as it is built: the anchors, sections and links of each page, and what a browser would load for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
VOID = ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
NOT_LOADED = ("canonical", "next", "prev", "alternate", "edit", "author", "license")
"""Values of `rel` by which a `<link>` names a page and loads nothing."""
LOADING = {
    **dict.fromkeys(("audio", "embed", "frame", "iframe", "img", "input", "script", "source", "track", "video"), ("src",)),
    "img": ("src", "srcset"),
    "link": ("href", "imagesrcset"),
    "object": ("data",),
    "source": ("src", "srcset"),
    "use": ("href", "xlink:href"),
    "image": ("href", "xlink:href"),
    "video": ("src", "poster"),
    "form": ("action",),
}
"""Attributes by tag whose address a browser asks for, without a click."""
IN_CSS = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")
BASE = "https://site.invalid/"


@dataclass
class Section:
    """What stands below a heading, up to the next one of its level or above; `ids` are those within the heading."""

    level: int
    ids: list[str]
    words: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


class Page(HTMLParser):
    """One built page. `links` are those of its content and its navigation, `all_links` those of the header and footer, too."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.path = path
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.all_links: list[str] = []
        self.loads: list[str] = []
        self.scripts: list[str] = []
        self.sections: list[Section] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self._open.append(tag)
        if tag in HEADINGS and "article" in self._open:
            self.sections.append(Section(int(tag[1]), []))
        for name in ("id", *(["name"] if tag == "a" else [])):
            if name in given:
                self.ids.add(given[name])
                if self._heading:
                    self.sections[-1].ids.append(given[name])
        if tag == "a" and "href" in given:
            self.all_links.append(given["href"])
            if {"article", "nav"} & {*self._open}:
                self.links.append(given["href"])
        if tag == "link" and {*given.get("rel", "").split()} <= {*NOT_LOADED}:
            return
        for name in LOADING.get(tag, ()):
            parts = given.get(name, "").split(",") if name.endswith("srcset") else [given.get(name, "")]
            self.loads += [part.split()[0] for part in parts if part.strip()]
        self.loads += in_css(given.get("style", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "script" in self._open:
            self.scripts.append(data)
        elif "style" in self._open:
            self.loads += in_css(data)
        elif "article" in self._open and not self._heading:
            for section in self._around:
                section.words.append(data)

    @property
    def _heading(self) -> bool:
        return "article" in self._open and any(tag in HEADINGS for tag in self._open)

    @property
    def _around(self) -> Iterator[Section]:
        """The sections that what comes next is in: the last one, and those of a higher level around it."""
        level = 7
        for section in reversed(self.sections):
            if section.level < level:
                level = section.level
                yield section


@dataclass(frozen=True)
class Site:
    """A built site: its folder, the path under which it is served, and its pages by their path in it."""

    folder: Path
    served_at: str
    pages: Mapping[str, Page]

    @classmethod
    def read(cls, folder: Path, served_at: str) -> Site:
        files = sorted(folder.rglob("*.html"))
        paths = {file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8") for file in files}
        return cls(folder, served_at, {path: Page(path, text) for path, text in paths.items()})

    def target(self, page: Page, link: str) -> tuple[str, str] | None:
        """The path and the anchor that a link on a page leads to; `None` for one that leaves the site."""
        if link.startswith(self.served_at):
            link = f"/{link.removeprefix(self.served_at)}"
        found = urlsplit(urljoin(BASE + page.path, link))
        if f"{found.scheme}://{found.netloc}/" != BASE:
            return None
        path = unquote(found.path).lstrip("/")
        return (f"{path}index.html" if path.endswith("/") or not path else path), unquote(found.fragment)

    def is_there(self, path: str, anchor: str) -> bool:
        """True if there is such a file and, in a page, such an anchor."""
        if path in self.pages:
            return not anchor or anchor in self.pages[path].ids
        return (self.folder / path).is_file()

    def within_clicks(self, start: str, clicks: int) -> set[tuple[str, str]]:
        """The pages and anchors that are reached from a page by at most so many clicks."""
        reached, latest = {(start, "")}, {start}
        for _ in range(clicks):
            links = [(self.pages[path], link) for path in latest for link in self.pages[path].links]
            found = {target for page, link in links if (target := self.target(page, link)) and target[0] in self.pages}
            latest = {path for path, _ in found}
            reached |= found
        return reached


def in_css(text: str) -> Sequence[str]:
    """The addresses that a style sheet loads."""
    return [url or imported for url, imported in IN_CSS.findall(text)]

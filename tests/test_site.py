"""The documentation site, built as CI builds it: every value of a tag is explained two clicks from the front page, all links
lead somewhere, nothing is loaded from another host, and the build has nothing to warn of.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from built_site import Site, in_css
from pages import ROOT
from tag_values import finding_codes, values_of_tags

from bvtrack.schema import tags

pytest.importorskip("mkdocs", reason="the site is built with MkDocs: pip install -e .[dev]")
SERVED_AT = "/bvtrack/"
CLICKS = 2
FEWEST_WORDS = 5
"""A sentence has at least as many words."""
WITH_PAGE: Mapping[str, str] = {
    tags.DIAGNOSIS.name: "diagnosis",
    tags.NEXT_STEP.name: "next_step",
    tags.CERTAINTY.name: "certainty",
    tags.SPLIT.name: "split",
    tags.CURVE.name: "curve",
}
"""Tags whose values are the sections of a page in docs/verdict/."""
KNOWN_HOSTS: Mapping[str, str] = {
    "unpkg.com/resize-observer-polyfill": "the theme's, for browsers before 2020, which have no ResizeObserver",
    "unpkg.com/mermaid": "the theme's, for pages with diagrams of Mermaid; there are none",
    "api.github.com/": "the theme's, for the stars and forks of `repo_url`; the site has none",
}
"""Addresses in scripts that are asked for in cases that do not arise here, with the reason."""
IN_SCRIPT = re.compile(r"""["'`](?:https?:)?//([\w.-]+\.[a-z]{2,}[^"'`\s]*)""")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # an advertisement of the theme's
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return folder, run


@pytest.fixture(scope="module")
def site(build: tuple[Path, subprocess.CompletedProcess[str]]) -> Site:
    return Site.read(build[0], SERVED_AT)


def values() -> Iterator[tuple[str, str, str]]:
    """Every value of every tag, and each tag whose values are not sections of a page: the tag, the page and the anchor."""
    listed = values_of_tags()
    for tag, page in WITH_PAGE.items():
        yield from ((tag, page, value) for value in listed[tag])
    yield from ((tags.SPLIT.name, "split", code) for code in finding_codes())
    for tag in (*(tag.name for tag in tags.TAGS if tag.name not in WITH_PAGE), tags.ID, tags.GROUP):
        name = tag.removeprefix(tags.PREFIX)
        yield tag, "other_tags", name
        yield from ((tag, "other_tags", f"{name}-{value}") for value in listed.get(tag, ()))


def test_there_are_values_of_every_tag_to_look_for() -> None:
    found = list(values())

    assert {tag for tag, _, _ in found} == {*(tag.name for tag in tags.TAGS), tags.ID, tags.GROUP}
    assert {"dev_repeats_train", "test_differs_from_dev", "train_dev_repeats_train", "state-pruned", "source-tracker"} <= {
        anchor for _, _, anchor in found
    }


def test_the_meaning_of_every_value_of_a_tag_is_two_clicks_from_the_front_page(site: Site) -> None:
    reached, missing = site.within_clicks("index.html", CLICKS), []
    for tag, name, anchor in values():
        path = f"verdict/{name}.html"
        section = next((one for one in site.pages[path].sections if anchor in one.ids), None)
        if section is None:
            missing.append(f"{tag}: {path} has no heading #{anchor}")
        elif not has_a_sentence(section.text):
            missing.append(f"{tag}: the section {path}#{anchor} says nothing")
        elif not any((path, one) in reached for one in section.ids):
            missing.append(f"{tag}: {path}#{anchor} is more than {CLICKS} clicks from the front page")

    assert not missing, "\n".join(missing)


def has_a_sentence(text: str) -> bool:
    return any(len(sentence.split()) >= FEWEST_WORDS for sentence in re.findall(r"[^.]+\.", text))


def test_every_link_of_the_site_leads_to_a_page_and_an_anchor_that_are_there(site: Site) -> None:
    links = [(page, link) for page in site.pages.values() for link in {*page.all_links, *page.loads}]
    there = {(page.path, link): target for page, link in links if (target := site.target(page, link))}
    broken = sorted(f"{path}: {link}" for (path, link), target in there.items() if not site.is_there(*target))

    assert len(there) > 100
    assert not broken, "\n".join(broken)


def test_no_page_loads_anything_from_another_host(site: Site) -> None:
    loads = [(page.path, address) for page in site.pages.values() for address in page.loads]
    loads += [
        (style.relative_to(site.folder).as_posix(), address)
        for style in site.folder.rglob("*.css")
        for address in in_css(COMMENT.sub("", style.read_text(encoding="utf-8")))
    ]

    assert len(loads) > 100
    assert [(path, address) for path, address in loads if re.match(r"(?!data:|blob:)[a-z][\w+.-]*:|//", address)] == []


def test_no_script_asks_another_host_but_in_cases_that_do_not_arise(site: Site) -> None:
    scripts = {path: "\n".join(page.scripts) for path, page in site.pages.items()}
    scripts |= {file.name: COMMENT.sub("", file.read_text(encoding="utf-8")) for file in site.folder.rglob("*.js")}
    asked = {address: path for path, text in scripts.items() for address in IN_SCRIPT.findall(text)}
    unknown = {address: path for address, path in asked.items() if not address.startswith(tuple(KNOWN_HOSTS))}
    pages = [(site.folder / path).read_text(encoding="utf-8") for path in site.pages]

    assert not unknown
    assert all(any(address.startswith(host) for address in asked) for host in KNOWN_HOSTS), (
        "an exception is not needed any more"
    )
    assert not [text for text in pages if 'class="mermaid"' in text or 'data-md-component="source"' in text]


def test_the_site_is_built_without_a_warning(build: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    _, run = build
    said = run.stdout + run.stderr

    assert "WARNING" not in said, said
    assert "ERROR" not in said, said
    assert run.returncode == 0, said

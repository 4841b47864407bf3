"""What stands beside the code for those who find it: how to cite it, and what GitHub asks of an issue."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import bvtrack

CHECKOUT = Path(__file__).parents[1]
FORMS = [path for path in sorted((CHECKOUT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")) if path.name != "config.yml"]


def content_of(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_version_to_cite_is_that_of_the_library_and_the_last_one_of_the_changelog() -> None:
    cited = content_of(CHECKOUT / "CITATION.cff")
    released = re.findall(r"^## \[(\d\S*)\] - (\S+)$", (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert (str(cited["version"]), str(cited["date-released"])) == released[0]
    assert cited["version"] == bvtrack.__version__
    assert (cited["cff-version"], cited["license"], cited["authors"]) == (
        "1.2.0",
        "Apache-2.0",
        [{"name": "The bvtrack authors"}],
    )


def test_there_are_forms_for_a_failure_and_for_a_wrong_verdict() -> None:
    assert [path.stem for path in FORMS] == ["bug", "wrong_verdict"]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_has_what_github_wants_of_it(path: Path) -> None:
    form = content_of(path)
    fields = [field for field in form["body"] if field["type"] != "markdown"]

    assert form.keys() <= {"name", "description", "title", "labels", "assignees", "projects", "type", "body"}
    assert form["name"]
    assert form["description"]
    assert {field["type"] for field in form["body"]} <= {"markdown", "textarea", "input", "dropdown", "checkboxes"}
    assert len({field["id"] for field in fields}) == len({field["attributes"]["label"] for field in fields}) == len(fields)
    assert any(field.get("validations", {}).get("required") for field in fields)


def test_addresses_in_the_forms_are_those_of_the_project() -> None:
    addresses = [link["url"] for link in content_of(CHECKOUT / ".github" / "ISSUE_TEMPLATE" / "config.yml")["contact_links"]]
    cited = content_of(CHECKOUT / "CITATION.cff")

    assert [one for one in addresses if not one.startswith((cited["repository-code"], cited["url"]))] == []

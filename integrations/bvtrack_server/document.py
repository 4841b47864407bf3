"""The map as one self-contained HTML file: styles, scripts and runs are all in it."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

PAGE = Path(__file__).parent / "page"
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(async )?(function|const|class) )", re.MULTILINE)
_STYLE = '<link rel="stylesheet" href="map.css">'
_SCRIPTS = '<script src="d3.min.js"></script>\n<script type="module" src="main.js"></script>'
_TITLE = "<title>Bias and variance of all runs</title>"


def render_map(runs: Sequence[Mapping[str, object]], *, title: str, tracking_uri: str | None) -> str:
    """The map of these runs as one self-contained HTML page, which neither loads nor sends anything.

    `runs` have the shape of MLflow's REST API, `{"info": {...}, "data": {"tags": [...], "params": [...], "metrics": [...]},
    "inputs": {"dataset_inputs": [...]}}`; they are placed by their tag `bvtrack.gaps`; metrics
    and datasets tell which of them compare. If `tracking_uri` is the address of a server, runs link to it; else their ids
    can be copied.

    >>> "Digits" in render_map([], title="Digits", tracking_uri=None)
    True
    """
    style, library, own = _text("map.css"), _text("d3.min.js"), bundled("main.js")
    policy = (
        f"default-src 'none'; script-src {_hash(library)} {_hash(own)}; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    data = {"runs": runs, "title": title, "trackingUri": tracking_uri, "regions": json.loads(_text("regions.json"))}
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<title>{html.escape(title)}</title>'
    scripts = (
        f'<script type="application/json" id="data">{as_script_data(data)}</script>\n'
        f'<script>{library}</script>\n<script type="module">{own}</script>'
    )
    page = _text("index.html")
    for part, replacement in ((_TITLE, head), (_STYLE, f"<style>{style}</style>"), (_SCRIPTS, scripts)):
        before, found, after = page.partition(part)
        assert found, part
        page = before + replacement + after
    return page


def as_script_data(data: object) -> str:
    r"""`data` as JSON that cannot end the script element it stands in. Numbers that JSON has no words for become `null`.

    >>> as_script_data(["</script>", float("nan")])
    '["\\u003c/script\\u003e",null]'
    """
    text = json.dumps(_finite(data), ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _finite(data: object) -> object:
    match data:
        case float():
            return data if math.isfinite(data) else None
        case Mapping():
            return {key: _finite(value) for key, value in data.items()}
        case list() | tuple():
            return [_finite(value) for value in data]
    return data


def bundled(name: str) -> str:
    """The module and all its imports as one script: each once, after its dependencies, without imports and exports.

    So no two modules may declare the same name.
    """
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", _text(module))) for module in in_order(name))


def in_order(name: str, before: tuple[str, ...] = ()) -> list[str]:
    """The names of all modules that `name` depends on, and then `name` itself."""
    ordered: list[str] = []
    for needed in _IMPORT.findall(_text(name)):
        ordered += [module for module in in_order(needed) if module not in ordered]
    return [*ordered, name]


def _text(name: str) -> str:
    return (PAGE / name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"

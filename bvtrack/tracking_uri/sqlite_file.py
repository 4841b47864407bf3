"""The file that an SQLite address names: a plain path, or one of SQLite's own `file:` URIs."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

SQLITE = re.compile(r"(?P<head>sqlite(\+\w+)?:///)(?P<path>[^?]+)(\?(?P<query>.*))?", re.IGNORECASE | re.DOTALL)
_YES = {"true", "1", "yes", "on"}


def sqlite_file(uri: str) -> Path | None:
    """The file of an SQLite store; `None` for any other store."""
    if (found := SQLITE.fullmatch(uri)) is None:
        return None
    if "%" not in found["path"] and not found["path"].startswith("file:"):
        return Path(found["path"])
    path, is_uri = _read_by_sqlalchemy(uri)
    return Path(unquote(urlsplit(path).path) if is_uri else path)


def absolute_sqlite(uri: str) -> str | None:
    """The address with its path made absolute; `None` if it names no file that another process could open."""
    found = SQLITE.fullmatch(uri)
    path, query = (found["path"], parse_qs(found["query"] or "")) if found else ("", {})
    is_uri = path.startswith("file:") and query.get("uri", ["no"])[-1].lower() in _YES
    inner = path.removeprefix("file:") if is_uri else path
    if not found or inner.startswith(":memory:") or (is_uri and "memory" in query.get("mode", ())):
        return None
    if inner.startswith("/") or Path(inner).is_absolute():
        return uri
    here = _as_in_address(Path.cwd().as_posix())
    return f"{found['head']}{'file:' if is_uri else ''}{here.rstrip('/')}/{inner.removeprefix('./')}{uri[found.end('path') :]}"


def _as_in_address(path: str) -> str:
    """A path as written in an address: SQLAlchemy 2.1 decodes percent signs, 2.0 does not."""
    if "%" in path and _read_by_sqlalchemy("sqlite:////%25")[0] == "/%":
        return path.replace("%", "%25")
    return path


def _read_by_sqlalchemy(uri: str) -> tuple[str, bool]:
    """The path, and true if SQLite reads it as a URI."""
    from sqlalchemy.engine import make_url  # 0.4 s of import

    url = make_url(uri)
    path = str(url.database)
    return path, path.startswith("file:") and str(url.query.get("uri", "no")).lower() in _YES

"""Parses MLflow's tracking URIs into what may be shown and what may be kept on disk.

Servers are parsed by `urllib`, databases by the grammar of SQLAlchemy's `make_url`, whose import would cost a training 0.4 s
and 21 MB: the tests compare the two. File paths stay as they are: none is ever taken for credentials.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from bvtrack.tracking_uri.credentials import harmless_settings, hide, hide_parameters, secrets_within
from bvtrack.tracking_uri.sqlite_file import SQLITE

SERVERS = {"http", "https"}
DATABASES = {"sqlite", "postgresql", "mysql", "mssql"}
DATABRICKS = {"databricks", "databricks-uc", "uc"}
_DATABASE = re.compile(
    r"(?P<head>[\w+]+://)((?P<user>[^:/]*)(:(?P<password>[^@]*))?@)?(?P<host>[^/?]*)(?P<path>[^?]*)(\?(?P<query>.*))?",
    re.DOTALL,
)
_PATH = re.compile(r"file:(?!//(?![a-z]:[/\\])[^/])|[.~]{0,2}[/\\](?!/)|[a-z]:[/\\](?!/)", re.IGNORECASE)
_LIKE_CREDENTIALS = re.compile(r"([\w+.-]*:)?/*[^/]*:[^/]*@")


@dataclass(frozen=True, slots=True)
class Address:
    """A tracking URI: `used` as given; `shown` without the user and the secrets; `kept`, which leads to the same place without
    the secrets, or `None` if only they lead there. `place` identifies the store.
    """

    used: str = field(repr=False)
    shown: str
    kept: str | None
    place: str
    _user: str = field(default="", repr=False)
    _secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def has_credentials(self) -> bool:
        """True if anything in it is not shown."""
        return self.shown != self.used

    def hidden_in(self, text: str) -> str:
        """`text`, such as an error message, without the secrets of this address."""
        if not self.has_credentials:
            return text
        text = text.replace(self.used, self.shown)
        if self._user:
            text = text.replace(f"//{self._user}@", "//")
        return hide(text, self._secrets, self.shown)


def read_address(uri: str) -> Address:
    """The parsed URI. One that MLflow could not open is shown without anything that could be a credential."""
    scheme = scheme_of(uri)
    if SQLITE.fullmatch(uri) or _PATH.match(uri):
        return Address(uri, uri, uri, uri)
    if scheme in DATABASES:
        return _database(uri)
    if scheme in SERVERS and not has_host(uri):
        return _malformed(uri)
    return _from_url(uri, scheme)


def refused_address(uri: str) -> str:
    """The address, which MLflow cannot open, without anything that could be a credential."""
    return uri if _PATH.match(uri) else _malformed(uri).shown


def scheme_of(uri: str) -> str:
    """The scheme in lower case, without a database's driver."""
    return uri.partition(":")[0].partition("+")[0].lower()


def is_server(uri: str) -> bool:
    """True for the address of an MLflow server."""
    return scheme_of(uri) in SERVERS


def page_on(uri: str, page: str) -> str | None:
    """The address of a page of an MLflow server, without credentials; `None` without a server.

    >>> page_on("http://user:secret@localhost:5000/", "#/experiments/1")
    'http://localhost:5000/#/experiments/1'
    """
    return f"{read_address(uri).shown.rstrip('/')}/{page}" if is_server(uri) else None


def has_host(uri: str) -> bool:
    """True if it names a host, and no impossible port."""
    try:
        parts = urlsplit(uri)
        has_space = re.search(r"\s", parts.netloc) or re.search(r"[\t\r\n]", uri)  # which urlsplit takes out
        return bool(parts.hostname) and not has_space and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _database(uri: str) -> Address:
    found = _DATABASE.fullmatch(uri)
    if found is None or "@" in found["host"]:
        return _malformed(uri)
    head, password = found["head"], found["password"]
    query, *hidden = hide_parameters(found["query"] or "")
    rest = uri[found.start("host") : found.end("path")] + (f"?{query}" if found["query"] is not None else "")
    kept: str | None = uri
    if password or any(hidden):
        kept = None if any(hidden) else _without_password(found)
    whole = uri[found.end("head") : found.start("host")].removesuffix("@")
    return _address(uri, f"{head}{rest}", kept, whole, [whole, password] if password else [], *hidden)


def _without_password(found: re.Match[str]) -> str | None:
    """The same PostgreSQL address, for which ~/.pgpass may hold the password; with the user, whose own schema comes first."""
    query = "" if found["query"] is None else f"?{found['query']}"
    kept = f"{found['head']}{found['user']}@{found['host']}{found['path']}{query}"
    again = _DATABASE.fullmatch(kept)
    is_same = again is not None and again.groupdict() == found.groupdict() | {"password": None}
    return kept if is_same and found["user"] and scheme_of(kept) == "postgresql" else None


def _from_url(uri: str, scheme: str) -> Address:
    """The address of a server, of Databricks, or of a store that a plugin opens."""
    parts = _split(uri)
    if parts is None or (not parts.netloc and _LIKE_CREDENTIALS.match(uri)):
        return _malformed(uri)
    user, _, host = parts.netloc.rpartition("@")
    if scheme in DATABRICKS and ":" not in user:  # the name of a profile, or of a secret scope
        user, host = "", parts.netloc
    query, *hidden = hide_parameters(parts.query)
    fragment, *more = hide_parameters(parts.fragment)
    if not user and not any(hidden) and not any(more):
        return Address(uri, uri, uri, uri)
    shown = parts._replace(netloc=host, query=query, fragment=fragment).geturl()
    kept = shown if scheme in SERVERS and not any(hidden) and not any(more) else None  # a server's may be in the environment
    values, settings = (one + other for one, other in zip(hidden, more, strict=True))
    return _address(uri, shown, kept, user, [user, *user.split(":", 1)], values, settings)


def _split(uri: str) -> SplitResult | None:
    """The parts; `None` if they cannot be parsed, such as when a slash in a password ends the port."""
    try:
        parts = urlsplit(uri)
        if "@" in parts.path + parts.query + parts.fragment and scheme_of(uri) not in DATABRICKS:
            _ = parts.port
    except ValueError:
        return None
    return parts


def _malformed(uri: str) -> Address:
    """The address without anything that could be credentials."""
    start = re.match(r"[\w+.-]+:/+|/*", uri)
    head = start[0] if start else ""
    user, _, rest = uri[len(head) :].rpartition("@")
    rest, mark, query = rest.partition("?")
    query, *hidden = hide_parameters(query)
    shown = f"{head}{rest}{mark}{query}"
    after = user.partition(":")[2] or user
    secrets = [after[: at.start()] for at in re.finditer("@", after)] + after.split("@")  # any of them may be the one
    return _address(uri, shown, uri if shown == uri else None, user, [user, after, *secrets], *hidden)


def _address(
    uri: str, shown: str, kept: str | None, user: str, secrets: list[str], values: list[str], settings: list[str]
) -> Address:
    """The address with its secrets: `secrets` from the user part, `values` and `settings` from the parameters."""
    within = [secret for value in settings for secret in secrets_within(value)]
    harmless = "&".join(filter(None, map(harmless_settings, settings)))
    place = f"{shown}#{_digest(harmless)}" if harmless else shown
    return Address(uri, shown, kept, place, user, (*secrets, *values, *settings, *within))


def _digest(text: str) -> str:
    from hashlib import sha256  # which loads OpenSSL

    return sha256(text.encode(errors="replace")).hexdigest()[:16]

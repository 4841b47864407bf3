"""Finds the secret parameters of an address, and hides secrets in a text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote, unquote_plus

HIDDEN = "***"
FEWEST_CHARACTERS = 4
"""A shorter secret cannot be told from ordinary text; in the address itself it is hidden by its position."""
WHOLE_WORD_CHARACTERS = 8
"""A shorter secret is hidden only as a whole word: `data`, but not within `database`."""
_WORDS = """admin bvtrack connection database error file host http https localhost mlflow mssql mysql password points port
postgres postgresql refused root server sqlite store test timed timeout user"""
ORDINARY = set(_WORDS.split())
"""Common words of messages, some of them common passwords: hiding them would garble a message and reveal a password."""
_PARTS = """password passwd passphrase passcode pwd token secret credential signature bearer jwt
apikey accesskey accountkey privatekey sharedkey subscriptionkey"""
_SECRET_PARTS = _PARTS.split()
_SECRET_NAMES = {"pass", "pw", "auth", "authorization", "sig", "key", "pat"}
_SETTINGS_NAMES = {"odbcconnect"}
_BRACED = r"\{(?:[^}]|\}\})*\}"
_PAIR_OF_ODBC = re.compile(rf"([^;={{}}]+)=\s*({_BRACED}|[^;]*)")
_PAIR = re.compile(rf"""([\w.-]+)\s*=\s*({_BRACED}|"[^"]*"|'[^']*'|[^\s&,]*)""")
_PASSWORD_OF_URL = re.compile(r"://[^:/?#\s]*:([^/?#\s]*)@")


def hide_parameters(query: str) -> tuple[str, list[str], list[str]]:
    """A query with the values of secret parameters hidden; those values as written: plain secrets, and settings with secrets.

    >>> hide_parameters("sslmode=require&password=a%40b&odbc_connect=PWD%3Dx")
    ('sslmode=require&password=***&odbc_connect=***', ['a%40b'], ['PWD%3Dx'])
    """
    shown: list[str] = []
    secrets: list[str] = []
    settings: list[str] = []
    for parameter in query.split("&"):
        name, _, value = parameter.partition("=")
        is_secret = _is_secret(unquote_plus(name))
        is_settings = _letters(unquote_plus(name)) in _SETTINGS_NAMES or _holds_secret(unquote_plus(value))
        if value and (is_secret or is_settings):
            shown.append(f"{name}={HIDDEN}")
            (secrets if is_secret else settings).append(value)
        else:
            shown.append(parameter)
    return "&".join(shown), secrets, settings


def secrets_within(settings: str) -> list[str]:
    """The secrets in a parameter's value that is itself a connection string or a URL.

    >>> secrets_within("DRIVER%3D%7BX%7D%3BPWD%3D%7Ba%3Bb%7D")
    ['{a;b}', 'a;b']
    """
    decoded = unquote_plus(settings)
    found = [content for name, content in _pairs(decoded) if _is_secret(name)] + _PASSWORD_OF_URL.findall(decoded)
    return [form for content in found for form in dict.fromkeys((content, _unquoted(content)))]


def harmless_settings(settings: str) -> str:
    """The settings of a connection string that are not secret: they tell one store from another."""
    return ";".join(f"{name.strip()}={content}" for name, content in _pairs(unquote_plus(settings)) if not _is_secret(name))


def hide(text: str, secrets: Iterable[str], shown: str) -> str:
    """`text` without the secrets, as written or percent-decoded; anything that `shown` contains anyway stays."""
    forms = {form for secret in secrets for form in _forms(secret)}
    for form in sorted(forms, key=len, reverse=True):
        if len(form) >= FEWEST_CHARACTERS and form.lower() not in ORDINARY:
            pattern = _pattern(form)
            if not pattern.search(shown):
                text = pattern.sub(HIDDEN, text)
    return text


def _letters(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _is_secret(name: str) -> bool:
    letters = _letters(name)
    return letters in _SECRET_NAMES or any(part in letters for part in _SECRET_PARTS)


def _holds_secret(value: str) -> bool:
    return bool(_PASSWORD_OF_URL.search(value)) or any(content and _is_secret(name) for name, content in _pairs(value))


def _pairs(settings: str) -> Iterator[tuple[str, str]]:
    """Names and values in a connection string: ODBC's separated by semicolons, PostgreSQL's by spaces."""
    for found in (_PAIR_OF_ODBC if ";" in settings else _PAIR).finditer(settings):
        yield found[1], found[2]


def _unquoted(content: str) -> str:
    return content[1:-1].replace("}}", "}") if content.startswith("{") else content.strip("'\"")


def _forms(secret: str) -> Iterator[str]:
    """Forms of a secret that a message may contain: as in the address, decoded, re-encoded, or escaped by Python or JSON."""
    for plain in (secret, unquote(secret), unquote_plus(secret)):
        yield from (plain, quote(plain), quote(plain, safe=""), quote_plus(plain))
        yield from (repr(plain)[1:-1], json.dumps(plain)[1:-1])


def _pattern(form: str) -> re.Pattern[str]:
    is_word = form.isalnum() and len(form) < WHOLE_WORD_CHARACTERS
    return re.compile(rf"(?<![^\W_]){re.escape(form)}(?![^\W_])" if is_word else re.escape(form))

"""Classifies MLflow's errors as missing, refused or too large, and describes them in a few words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bvtrack.store.target import without_credentials
from bvtrack.text import cut_at_word

LONGEST = 160
MISSING = "RESOURCE_DOES_NOT_EXIST"
REFUSED = {"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "ENDPOINT_NOT_FOUND", "FEATURE_DISABLED", "NOT_IMPLEMENTED"}
"""MLflow's error codes."""
REFUSED_STATUS = {400, 413, 501}
"""HTTP statuses that refuse one request: another one may be accepted."""
FORBIDDEN = {"PERMISSION_DENIED", "UNAUTHENTICATED", MISSING}
_OF_CLIENT = re.compile(r"error code 4(?!08|25|29)\d\d\b")
"""HTTP statuses that blame the request, but for a timeout and too many requests."""
_TOO_LARGE = re.compile(
    r"error code 413\b|too many 413|\b(?:request|payload|content|entity)(?: entity| body)?(?: is)? too (?:large|long|big)\b"
    r"|\b(?:request|payload|content|entity|body)\b.{0,20}\bsize\b.{0,20}\b(?:limit|exceed)",
    re.IGNORECASE,
)
"""MLflow gives an HTTP status only in the message, and none if the body is JSON: then only a proxy's wording is left."""


def is_missing(error: BaseException) -> bool:
    """True if MLflow has no such run, experiment or tag."""
    return getattr(error, "error_code", None) == MISSING


def is_refused(error: BaseException) -> bool:
    """True if a retry would fail again: the request is invalid, or the server is too old for it."""
    return (
        isinstance(error, NotImplementedError)
        or getattr(error, "error_code", None) in REFUSED
        or _status(error) in REFUSED_STATUS
        or is_too_large(error)
    )


def is_forbidden(error: BaseException) -> bool:
    """True if a server that takes other requests does not take one like this, now or later."""
    message = str(getattr(error, "message", ""))
    return is_refused(error) or getattr(error, "error_code", None) in FORBIDDEN or bool(_OF_CLIENT.search(message))


def is_too_large(error: BaseException) -> bool:
    """True if the request is too large for the server, or for a proxy in front of it."""
    return _status(error) == 413 or bool(_TOO_LARGE.search(getattr(error, "message", "")))


def short_cause(error: BaseException, uri: str) -> str:
    """The operating system's message, or a timeout; else the error's class and the first sentence of its message.

    Credentials of the store's `uri` are hidden.

    >>> short_cause(ConnectionRefusedError(111, "Connection refused"), "http://localhost:5000")
    'connection refused'
    """
    if is_too_large(error):
        return "too large for the server, or a proxy before it"
    chain = list(_chain(error))
    for one in reversed(chain):
        if isinstance(one, OSError) and one.strerror:
            return _shortened(_of_system(one), uri)
    if any("Timeout" in type(one).__name__ for one in chain):
        return "timed out"
    innermost = chain[-1] if any(hasattr(one, "reason") for one in chain) else error
    message = without_credentials(str(innermost).strip(), uri)  # before it is cut, which could split a password
    sentence = re.split(r"\.\s|\n", message, maxsplit=1)[0]
    return _shortened(f"{type(innermost).__name__}: {sentence}", uri)


def _status(error: BaseException) -> int | None:
    """The HTTP status of an artifact store's response."""
    return getattr(getattr(error, "response", None), "status_code", None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and its causes, which urllib3 keeps in `reason` and requests in its arguments."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__context__, one.__cause__, *one.args, getattr(one, "reason", None)]


def _of_system(error: OSError) -> str:
    words = f"{str(error.strerror)[0].lower()}{str(error.strerror)[1:]}"
    return f"{words}: {error.filename!r}" if error.filename else words


def _shortened(text: str, uri: str) -> str:
    return cut_at_word(without_credentials(text, uri), LONGEST)

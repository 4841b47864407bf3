"""Why MLflow could not be written to, in a few words."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from bvtrack.tracking.target import without_credentials

LONGEST = 160
MISSING = "RESOURCE_DOES_NOT_EXIST"
REFUSED = {"INVALID_PARAMETER_VALUE", "ENDPOINT_NOT_FOUND", "FEATURE_DISABLED"}
"""MLflow's words for what went wrong."""


def is_missing(error: BaseException) -> bool:
    """Whether MLflow has no such run, experiment or tag."""
    return getattr(error, "error_code", None) == MISSING


def is_refused(error: BaseException) -> bool:
    """Whether MLflow would say the same again: this is not what it takes, or the server is too old for it."""
    return isinstance(error, NotImplementedError) or getattr(error, "error_code", None) in REFUSED


def short_cause(error: BaseException, uri: str) -> str:
    """What the operating system said, or that time ran out; else the error's class and the first sentence of its message.

    Holds no credentials of the store's `uri`.

    >>> short_cause(ConnectionRefusedError(111, "Connection refused"), "http://localhost:5000")
    'connection refused'
    """
    chain = list(_chain(error))
    for one in reversed(chain):
        if isinstance(one, OSError) and one.strerror:
            return _shortened(_of_system(one), uri)
    if any("Timeout" in type(one).__name__ for one in chain):
        return "timed out"
    innermost = chain[-1] if any(hasattr(one, "reason") for one in chain) else error
    message = without_credentials(str(innermost).strip(), uri)  # before it is cut, which could be amid a password
    sentence = re.split(r"\.\s|\n", message, maxsplit=1)[0]
    return _shortened(f"{type(innermost).__name__}: {sentence}", uri)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, which urllib3 keeps in `reason` and requests in its arguments."""
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
    return textwrap.shorten(without_credentials(text, uri), LONGEST, placeholder=" …")

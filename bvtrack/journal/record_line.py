"""Records as JSON lines, each with a checksum (CRC-32), so that a changed digit is noticed and not sent."""

from __future__ import annotations

import contextlib
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Record = Mapping[str, Any]
CHECKSUM = b',"crc":"%08x"}'
CHECKSUM_BYTES = len(CHECKSUM % 0)
AT = "at"
"""The record's key for its byte offset in the journal: a line found elsewhere has been moved."""
PLACE = f',"{AT}":%d'.encode()
_WHOLE = re.compile(rb'\{"kind":(?:(?!\{"kind":).)*?,"crc":"[0-9a-f]{8}"\}', re.DOTALL)


class Line(NamedTuple):
    """A line's record, and the byte offset at which it was written, if noted."""

    record: Record
    at: int | None


def to_line(record: Record, at: int | None = None) -> bytes:
    r"""A record, with its byte offset if given, as a line.

    >>> to_line({"kind": "trial"}, at=0)
    b'{"kind":"trial","at":0,"crc":"6dfc26d9"}\n'
    """
    body = _ENCODER.encode(record).encode()[:-1]
    if at is not None:
        body += PLACE % at
    return body + CHECKSUM % zlib.crc32(body) + b"\n"


def intact_records(line: bytes) -> Iterator[Record]:
    r"""The intact records in a damaged line, such as one that was appended to a torn line.

    >>> [*intact_records(b'{"kind":"epo' + to_line({"kind": "trial"}, at=9))]
    [{'kind': 'trial'}]
    """
    for found in _WHOLE.findall(line):
        if (said := from_line(found, has_checksum=True)) is not None:
            yield said.record


def from_line(line: bytes, *, has_checksum: bool) -> Line | None:
    r"""The record in a line; `None` if it is not a record, or not the one that was written.

    Lines of version 0.1 have no checksum: they are accepted if `has_checksum` is false.

    >>> from_line(b'{"kind":"trial","at":0,"crc":"6dfc26d9"}\n', has_checksum=True)
    Line(record={'kind': 'trial'}, at=0)
    >>> from_line(b'{"kind":"trial","at":1,"crc":"6dfc26d9"}\n', has_checksum=True)
    """
    line = line.removesuffix(b"\n")
    body, checksum = line[:-CHECKSUM_BYTES], line[-CHECKSUM_BYTES:]
    if checksum == CHECKSUM % zlib.crc32(body):
        line = body + b"}"
    elif has_checksum or checksum.startswith(b',"crc":"'):
        return None
    with contextlib.suppress(ValueError, RecursionError):
        content = json.loads(line)
        if isinstance(content, dict) and isinstance(content.get("kind"), str):
            at = content.pop(AT, None)
            return Line(content, at)
    return None


def plain(value: Any) -> Any:
    """A NumPy scalar as a Python number; anything else that JSON cannot hold, as text."""
    return value.item() if hasattr(value, "item") else str(value)


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=plain)

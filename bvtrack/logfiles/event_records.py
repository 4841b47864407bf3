"""Scalars in TensorBoard's event files, read without TensorBoard, whose import loads TensorFlow where that is installed.

A file is a row of records: the length (8 bytes), its checksum (4), a message `Event` of protocol buffers, and its checksum (4).
The numbers of the fields are those of `event.proto`, `summary.proto`, `tensor.proto` and `types.proto`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

LENGTH, CHECKSUM = 8, 4
WALL_TIME, STEP, SUMMARY = 1, 2, 5
VALUE = 1
TAG, SIMPLE_VALUE, TENSOR = 1, 2, 8
DTYPE, CONTENT = 1, 4
FORMATS = {1: "f", 2: "d", 3: "i", 9: "q", 19: "e"}
"""Types of tensors: float, double, int32, int64, half …"""
VALUES = {1: 5, 2: 6, 9: 10, 3: 7}
"""… and the field with the values of each that are not in `CONTENT`."""
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Field = tuple[int, int | bytes]


class Scalar(NamedTuple):
    """A value of a tag."""

    tag: str
    step: int
    wall_time: float
    value: float


class DamagedError(ValueError):
    """Raised for bytes that are no message."""


def scalars_in(content: bytes) -> Iterator[Scalar]:
    """The scalars in the content of an event file, up to a record that is half written or damaged."""
    position = 0
    while position + LENGTH + CHECKSUM <= len(content):
        (length,) = struct.unpack_from("<Q", content, position)
        begin = position + LENGTH + CHECKSUM
        position = begin + length + CHECKSUM
        if position > len(content):
            return
        try:
            yield from _scalars_of(content[begin : begin + length])
        except (DamagedError, struct.error, UnicodeDecodeError):
            return


def _scalars_of(event: bytes) -> Iterator[Scalar]:
    wall_time, step = 0.0, 0
    summaries = []
    for number, value in _fields(event):
        if number == WALL_TIME and isinstance(value, bytes):
            (wall_time,) = struct.unpack("<d", value)
        elif number == STEP and isinstance(value, int):
            step = value if value < 1 << 63 else value - (1 << 64)
        elif number == SUMMARY and isinstance(value, bytes):
            summaries.append(value)
    for summary in summaries:
        for number, value in _fields(summary):
            if number == VALUE and isinstance(value, bytes) and (found := _tagged(value)) is not None:
                yield Scalar(found[0], step, wall_time, found[1])


def _tagged(message: bytes) -> tuple[str, float] | None:
    """The tag and its value, if that is a single number."""
    tag, found = "", None
    for number, value in _fields(message):
        if not isinstance(value, bytes):
            continue
        if number == TAG:
            tag = value.decode()
        elif number == SIMPLE_VALUE:
            (found,) = struct.unpack("<f", value)
        elif number == TENSOR:
            found = _number_in(value)
    return None if found is None else (tag, found)


def _number_in(tensor: bytes) -> float | None:
    fields = list(_fields(tensor))
    dtype = next((value for number, value in fields if number == DTYPE), None)
    if not isinstance(dtype, int) or dtype not in FORMATS:
        return None
    form = f"<{FORMATS[dtype]}"
    if content := next((value for number, value in fields if number == CONTENT), None):
        return _unpacked(form, content)
    values = [value for number, value in fields if number == VALUES.get(dtype)]
    if len(values) != 1:
        return None
    (value,) = values
    return float(value) if isinstance(value, int) else _unpacked(form, value)


def _unpacked(form: str, content: int | bytes) -> float | None:
    is_single = isinstance(content, bytes) and len(content) == struct.calcsize(form)
    return float(struct.unpack(form, content)[0]) if is_single and isinstance(content, bytes) else None


def _fields(message: bytes) -> Iterator[Field]:
    """The fields of a message: a number for a varint, else bytes."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, position = _varint(message, position)
            yield number, value
            continue
        if kind == BYTES:
            length, position = _varint(message, position)
        elif kind in (FIXED64, FIXED32):
            length = 8 if kind == FIXED64 else 4
        else:
            raise DamagedError(f"no field is of kind {kind}")
        if position + length > len(message):
            raise DamagedError("a field goes beyond its message")
        yield number, message[position : position + length]
        position += length


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(message) or shift > 63:
            raise DamagedError("a number goes beyond its message")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, position
        shift += 7

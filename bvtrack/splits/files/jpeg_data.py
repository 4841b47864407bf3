"""The compressed picture in a JPEG file, without metadata."""

from __future__ import annotations

START_OF_SCAN = 0xDA
OF_METADATA = frozenset({*range(0xE0, 0xF0), 0xFE} - {0xEE})
"""Markers of application data and comments, but for Adobe's, which says how colours are coded."""


def jpeg_data(content: bytes) -> bytes:
    r"""The tables and scans of a file, equal in files that differ in their EXIF data, profiles, previews or comments alone.

    >>> jpeg_data(b"\xff\xd8" + b"\xff\xe1\x00\x04ab" + b"\xff\xdb\x00\x03c" + b"\xff\xda scan")
    b'\xff\xdb\x00\x03c\xff\xda scan'
    """
    kept, place = [], 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker, end = content[place + 1], place + 2 + int.from_bytes(content[place + 2 : place + 4])
        if marker == 0xFF:  # a byte that fills a gap
            place += 1
            continue
        if marker == START_OF_SCAN:
            break
        if marker not in OF_METADATA:
            kept.append(content[place:end])
        place = end
    return b"".join([*kept, content[place:]])

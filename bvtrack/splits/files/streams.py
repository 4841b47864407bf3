"""Open a text file as a stream of bytes, decompressed by what its first bytes say, whatever its name ends in."""

from __future__ import annotations

import lzma
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

COMPRESSIONS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4"}
"""Arrow's codecs by the first bytes of a file."""
XZ, ZIP = b"\xfd7zXZ\x00", b"PK\x03\x04"
FOREIGN = {
    b"PAR1": "a Parquet file; name it .parquet",
    b"ARROW1": "an Arrow file; name it .arrow",
    b"\x93NUMPY": "an array of NumPy; name it .npy",
    b"\x89PNG": "an image",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an Excel workbook; save it as CSV",
    b"SQLite format 3": "a database of SQLite; export the table as CSV",
    b"\x89HDF": "an HDF5 file; save the table as Parquet",
}
"""Files that are no text, by their first bytes."""
POINTER = b"version https://git-lfs.github.com/spec"
MARKUP = (b"<!doctype html", b"<html", b"<?xml")


@dataclass(frozen=True)
class Stream:
    """A stream of decompressed bytes; `done` is the fraction of the file behind it that has been read."""

    bytes: Any
    done: Callable[[], float]


@contextmanager
def opened(path: Path) -> Iterator[Stream]:
    """The decompressed bytes of a file; of a .zip, those of the only file in it. Raises `ValueError` for several."""
    size = max(1, path.stat().st_size)
    with ExitStack() as stack:
        start: BinaryIO = stack.enter_context(path.open("rb"))
        first = start.read(16)
        start.seek(0)
        codec = next((name for magic, name in COMPRESSIONS.items() if first.startswith(magic)), None)
        if first.startswith((XZ, ZIP)):
            is_xz = first.startswith(XZ)
            inner = stack.enter_context(lzma.open(start)) if is_xz else stack.enter_context(_only_member(path, start))
            yield Stream(stack.enter_context(pa.PythonFile(inner, mode="r")), lambda: start.tell() / size)
            return
        raw = stack.enter_context(pa.OSFile(str(path)))
        stream = stack.enter_context(pa.CompressedInputStream(raw, codec)) if codec else raw
        yield Stream(stream, lambda: raw.tell() / size)


def _only_member(path: Path, start: BinaryIO) -> Any:
    archive = zipfile.ZipFile(start)
    names = [name for name in archive.namelist() if not (name.endswith("/") or name.startswith("__MACOSX/"))]
    if "xl/workbook.xml" in names:
        raise ValueError(f"expected a text file, got an Excel workbook, {path}; save it as CSV")
    if len(names) != 1:
        found = ", ".join(names[:4]) or "none"
        raise ValueError(f"expected one file in {path}, got {len(names)} ({found}); unpack it, and name the file or its folder")
    return archive.open(names[0])


def check_is_data(path: Path) -> None:
    """Raise `ValueError` for what stands in the place of data: the pointer of a large file, a web page, or another format."""
    with path.open("rb") as file:
        first = file.read(256)
    if first.startswith(POINTER):
        raise ValueError(f"expected data, got a pointer to a large file in {path}; fetch the file itself with git lfs pull")
    if first.lstrip().lower().startswith(MARKUP):
        raise ValueError(f"expected data, got a web page or XML in {path}; download the data again")


def check_is_text(path: Path) -> None:
    """Raise `ValueError` for a file in a known format that is no text."""
    with opened(path) as stream:
        first = bytes(stream.bytes.read(64))
    for magic, what in FOREIGN.items():
        if first.startswith(magic):
            raise ValueError(f"expected a text file, got {what} ({path})")

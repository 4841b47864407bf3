"""Formats of tables by file name; imports nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Format = Literal["CSV", "JSON", "Parquet", "Arrow"]
ENDINGS: dict[str, Format] = {
    ".csv": "CSV",
    ".tsv": "CSV",
    ".tab": "CSV",
    ".txt": "CSV",
    ".part": "CSV",
    ".zip": "CSV",
    ".jsonl": "JSON",
    ".ndjson": "JSON",
    ".json": "JSON",
    ".parquet": "Parquet",
    ".pq": "Parquet",
    ".arrow": "Arrow",
    ".feather": "Arrow",
    ".ipc": "Arrow",
}
COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip")
"""Endings of text files that are compressed, behind the one of their format."""
IN_WORDS = ".csv .tsv .txt .jsonl (also .gz .bz2 .xz .zst .zip), .parquet, .arrow, .feather"


def format_of(path: Path) -> Format | None:
    """The format of a table, `None` for other files.

    >>> format_of(Path("train.CSV.gz")), format_of(Path("sheet.xls"))
    ('CSV', None)
    """
    endings = [ending.lower() for ending in path.suffixes[-2:]]
    if len(endings) > 1 and endings[-1] in COMPRESSED and ENDINGS.get(endings[0]) in ("CSV", "JSON"):
        return ENDINGS[endings[0]]
    if endings and endings[-1] in ENDINGS:
        return ENDINGS[endings[-1]]
    return "Parquet" if (not endings or ".parquet" in endings) and _begins_like_parquet(path) else None


def _begins_like_parquet(path: Path) -> bool:
    """Hive and Hadoop write parts without an ending, pandas' users those like `.parquet.gzip`."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"

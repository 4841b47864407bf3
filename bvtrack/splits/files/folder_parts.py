"""Find the parts of a table in a folder, as Spark, Dask, Hive and Hugging Face write them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from bvtrack.splits.files.formats import COMPRESSED, format_of
from bvtrack.splits.files.remark import Remark
from bvtrack.splits.files.split_file import some

SPLITS = ("train", "training", "val", "valid", "validation", "dev", "test", "testing")
LOGGED = {"_delta_log": "Delta Lake", ".hoodie": "Hudi"}
"""Folders by which a table keeps a log of the files that still count."""
WEAK = (".txt", ".json", ".zip")
"""Endings of files that are parts only where no others are: a folder of Parquet may hold a README.txt."""
ABOUT = ("", ".md", ".txt", ".rst", ".json", ".yaml", ".yml", ".log", ".html", ".crc")
"""Endings of files about a table, rather than of data."""
NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class Parts:
    """The files of a table, in order, the values in the names of their folders, and what else is in the folder."""

    files: tuple[Path, ...]
    values: Mapping[Path, Mapping[str, str | None]]
    remarks: tuple[Remark, ...]


def holds_tables(folder: Path, images: Sequence[str]) -> bool:
    """True for a folder of tables, perhaps with a picture or two, and not for one of images, perhaps with a table of them: the
    larger part of its bytes decides.
    """
    files = list(_visible(folder))
    pictures = [file for file in files if file.suffix.lower() in images]
    tables = [file for file in files if file.suffix.lower() not in images and format_of(file) is not None]
    return bool(tables) and (not pictures or _size(tables) > _size(pictures))


def _size(files: Sequence[Path]) -> int:
    return sum(file.stat().st_size for file in files)


def parts_in(folder: Path) -> Parts:
    """The parts of the table in a folder.

    Raises `ValueError` for parts in several formats, for several splits in one folder, and for a table whose log says which of
    its files count.
    """
    _check_no_log(folder)
    found = [file for file in _visible(folder) if format_of(file) is not None]
    strong = [file for file in found if not file.name.lower().endswith(WEAK)]
    files = sorted(strong or found)
    _check_alike(folder, files)
    _check_one_split(folder, files)
    empty = [file for file in files if not file.stat().st_size]
    files = [file for file in files if file not in empty]
    if not files:
        raise ValueError(f"expected a table in {folder}, got only empty files; write it again")
    values = {file: _values(file.relative_to(folder)) for file in files}
    _check_partitions(folder, values)
    return Parts(tuple(files), values, tuple(_remarks(folder, files, empty)))


def _visible(folder: Path) -> Iterator[Path]:
    """The files that are data: not those whose name, or a folder of theirs, begins with a dot or an underscore."""
    seen = set()
    for where, folders, files in os.walk(folder, followlinks=True, onerror=_raise):
        seen.add(os.path.realpath(where))
        folders[:] = sorted(name for name in folders if name[0] not in "._" and os.path.realpath(f"{where}/{name}") not in seen)
        yield from (Path(where, name) for name in files if name[0] not in "._")


def _raise(error: OSError) -> None:
    raise error


def _check_no_log(folder: Path) -> None:
    for name, system in LOGGED.items():
        if (folder / name).is_dir():
            raise ValueError(
                f"expected a folder of parts, got a table of {system}, {folder}; write the rows that count as Parquet"
            )
    if any((folder / "metadata").glob("*.metadata.json")):
        raise ValueError(f"expected a folder of parts, got a table of Iceberg, {folder}; write the rows that count as Parquet")


def _check_alike(folder: Path, files: Sequence[Path]) -> None:
    formats = [format_of(file) for file in files]
    if len(set(formats)) > 1:
        counts = ", ".join(f"{formats.count(one):,} of {one}" for one in dict.fromkeys(formats))
        raise ValueError(f"expected parts of one format in {folder}, got {counts}; move one kind elsewhere")
    seen: dict[str, Path] = {}
    for file in files:
        key = str(file.with_suffix("")) if file.suffix.lower() in COMPRESSED else str(file)
        if key in seen:
            raise ValueError(f"expected each part of {folder} once, got {seen[key].name} and {file.name}; remove one")
        seen[key] = file


def _check_one_split(folder: Path, files: Sequence[Path]) -> None:
    first = {file.relative_to(folder).parts[0].split(".")[0].lower(): file for file in files}
    splits = [first[name].relative_to(folder).parts[0] for name in first if name.split("-")[0].split("_")[0] in SPLITS]
    kinds = {name.split(".")[0].split("-")[0].split("_")[0].lower() for name in splits}
    if len(kinds) > 1:
        raise ValueError(
            f"expected one split in {folder}, got {some(sorted(splits), 4)}; name the file or folder of each split"
        )


def _values(file: Path) -> Mapping[str, str | None]:
    pairs = (name.split("=", 1) for name in file.parts[:-1] if "=" in name)
    return {unquote(key): None if value == NO_PARTITION else unquote(value) for key, value in pairs}


def _check_partitions(folder: Path, values: Mapping[Path, Mapping[str, str | None]]) -> None:
    (first, keys), *others = ((file, list(of_file)) for file, of_file in values.items())
    for file, found in others:
        if found != keys:
            raise ValueError(
                f"expected folders of the same columns in {folder}, got {some(keys)} over {first.name} and {some(found)} over "
                f"{file.name}; move the files"
            )


def _remarks(folder: Path, files: Sequence[Path], empty: Sequence[Path]) -> Iterator[Remark]:
    if empty:
        yield Remark(f"{len(empty):,} file(s) of {folder} are empty ({some([file.name for file in empty], 3)})")
    known = {*files, *empty}
    others = [file for file in _visible(folder) if file not in known]
    if others:
        names = some(sorted(file.name for file in others), 3)
        is_loss = not all(file.suffix.lower() in ABOUT for file in others)
        yield Remark(f"{len(others):,} file(s) in {folder} are of another kind and are not read ({names})", is_loss=is_loss)
    hidden = [file for file in folder.rglob("*") if file.is_file() and _is_hidden_part(file.relative_to(folder))]
    if hidden:
        names = some(sorted(str(file.relative_to(folder)) for file in hidden), 3)
        yield Remark(f"{len(hidden):,} hidden or unfinished file(s) in {folder} are not read ({names})", is_loss=True)
    plain = {file.parent for file in files if file.parent != folder and "=" not in file.parent.name}
    if plain:
        yield Remark(
            f"the tables in {len(plain):,} subfolder(s) of {folder} are read as one, and the subfolders' names are not read"
        )


def _is_hidden_part(file: Path) -> bool:
    return any(name[0] in "._" for name in file.parts) and format_of(Path(file.name.lstrip("._"))) in (
        "CSV",
        "JSON",
        "Parquet",
        "Arrow",
    )

"""Open splits in files and folders by file extension."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from bvtrack.splits.files.array_file import open_arrays
from bvtrack.splits.files.image_folder import open_images
from bvtrack.splits.files.split_file import Roles, SplitFile

TABLES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".pq")
ARRAYS = (".npz", ".npy")


def open_splits(paths: Mapping[str, str], roles: Roles) -> dict[str, SplitFile]:
    """Open the file or folder of each split and check that they are compatible; little of them is read.

    Raises `ValueError` if one is missing, broken, empty, of an unknown kind, or incompatible with the others, and
    `ModuleNotFoundError` for images without Pillow.

    >>> open_splits({"train": "train.xls"}, Roles())
    Traceback (most recent call last):
    ValueError: expected a file or a folder of images, got 'train.xls', which is not there
    """
    files = {split: _open(path, roles) for split, path in paths.items()}
    first = next(iter(files.values()))
    for file in files.values():
        if file.form != first.form:
            raise ValueError(
                f"expected {first.form} in all splits as in {first.where}, got {file.form} in {file.where}; convert one of them"
            )
    return {split: file.agreed(list(files.values())) for split, file in files.items()}


def _open(name: str, roles: Roles) -> SplitFile:
    path, part = _path_and_part(name)
    if not path.exists():
        raise ValueError(f"expected a file or a folder of images, got {name!r}, which is not there")
    if path.is_dir():
        return open_images(path, roles)
    for endings, open_file in FILES.items():
        if path.name.lower().endswith(endings):
            return open_file(path, part, roles)
    known = ", ".join(ending for endings in FILES for ending in endings)
    raise ValueError(f"expected a folder of images or a file that ends in {known}, got {name!r}; convert it to one of these")


def _table(path: Path, part: str, roles: Roles) -> SplitFile:
    from bvtrack.splits.files.table_file import open_table  # imports pyarrow, which takes a third of a second

    return open_table(path, roles)


FILES: Mapping[tuple[str, ...], Callable[[Path, str, Roles], SplitFile]] = {TABLES: _table, ARRAYS: open_arrays}
"""Openers by file extension; they take the path, the part of the file, and the roles of its columns."""


def _path_and_part(name: str) -> tuple[Path, str]:
    """Split a name like `mnist.npz:train` into the path and the part of the file, `train`."""
    before, colon, part = name.rpartition(":")
    if colon and before.lower().endswith(ARRAYS) and not Path(name).exists():
        return Path(before), part
    return Path(name), ""

"""Open splits in files and folders by file extension."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bvtrack.extras import TABLES
from bvtrack.splits.files.array_file import open_arrays
from bvtrack.splits.files.folder_parts import holds_tables
from bvtrack.splits.files.formats import IN_WORDS, format_of
from bvtrack.splits.files.image_folder import open_images
from bvtrack.splits.files.image_tree import ENDINGS as IMAGES
from bvtrack.splits.files.split_file import Roles, SplitFile

ARRAYS = (".npz", ".npy")


def open_splits(paths: Mapping[str, str], roles: Roles) -> dict[str, SplitFile]:
    """Open the file or folder of each split and check that they are compatible; little of them is read.

    Raises `ValueError` if one is missing, broken, empty, of an unknown kind, or incompatible with the others, and
    `MissingExtraError` for images without Pillow, and for tables without PyArrow.

    >>> open_splits({"train": "train.xls"}, Roles())
    Traceback (most recent call last):
    ValueError: expected a file or a folder, got 'train.xls', which is not there
    """
    files = {split: _open(path, replace(roles, is_test=split == "test")) for split, path in paths.items()}
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
        raise ValueError(f"expected a file or a folder, got {name!r}, which is not there")
    if path.name.lower().endswith(ARRAYS):
        return open_arrays(path, part, roles)
    if path.is_dir() and not holds_tables(path, IMAGES):
        return open_images(path, roles)
    if not path.is_dir() and format_of(path) is None:
        raise ValueError(
            f"expected a folder of images or a file that ends in {IN_WORDS} or {', '.join(ARRAYS)}, got {name!r}; "
            "convert it to one of these"
        )
    TABLES.require()
    from bvtrack.splits.files.table_file import open_table  # imports pyarrow, which takes a third of a second

    return open_table(path, roles)


def _path_and_part(name: str) -> tuple[Path, str]:
    """Split a name like `mnist.npz:train` into the path and the part of the file, `train`."""
    before, colon, part = name.rpartition(":")
    if colon and before.lower().endswith(ARRAYS) and not Path(name).exists():
        return Path(before), part
    return Path(name), ""

"""Find the image files in a folder and, at any depth, in its subfolders, as the loaders of torchvision and Keras do."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from bvtrack.splits.files.left_out import LeftOut
from bvtrack.splits.files.split_file import reason_of

ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm"),
    *(".pnm", ".apng", ".avif", ".heic", ".heif", ".jp2", ".jxl"),
)
"""File extensions of images, in any case; some, such as .heic, Pillow reads by a plugin alone, or not at all, which is said."""
OF_SYSTEMS = frozenset(
    ("__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "system volume information", "lost+found")
)
"""What systems leave in folders, in lower case: hidden, as are all names that begin with a dot."""

Kind = Literal["folder", "file", "neither"]


class Found(NamedTuple):
    """The paths of image files in a folder, and what else it holds."""

    files: tuple[str, ...]
    left_out: LeftOut


@dataclass(frozen=True)
class ImageTree:
    """The image files directly in a folder, and those at any depth in each of its subfolders, of which some may hold none."""

    here: Found
    subfolders: Mapping[str, Found]

    @property
    def with_images(self) -> dict[str, tuple[str, ...]]:
        """The files of the subfolders that hold any."""
        return {name: found.files for name, found in self.subfolders.items() if found.files}


def image_tree(folder: Path, top: Path) -> ImageTree:
    """Walk through a folder; what is left out is named by its path from `top`. Links are followed, but within a subfolder no
    folder is read twice, so that loops end.
    """
    here = _Walk(folder, top)
    files, subfolders = here.listed(str(folder))
    return ImageTree(
        Found(tuple(files), here.left_out), {Path(name).name: _found_below(name, folder, top) for name in subfolders}
    )


def _found_below(subfolder: str, folder: Path, top: Path) -> Found:
    walk = _Walk(folder, top)
    return Found(tuple(walk.below(subfolder)), walk.left_out)


class _Walk:
    """A walk below a `folder`."""

    def __init__(self, folder: Path, top: Path) -> None:
        self._top = top
        self._entered = {_identity(str(folder))}
        self.left_out = LeftOut()

    def below(self, subfolder: str) -> Iterator[str]:
        """The image files in it, at any depth."""
        waiting = [subfolder]
        while waiting:
            path = waiting.pop()
            try:
                if not self._is_new(path):
                    self.left_out.read_anyway.add(self._name(path))
                    continue
                files, folders = self.listed(path)
            except OSError as error:
                self.left_out.unreadable.add(self._name(path), error.strerror or reason_of(error))
                continue
            yield from files
            waiting.extend(reversed(folders))

    def listed(self, folder: str) -> tuple[list[str], list[str]]:
        """The image files and the subfolders of one folder, in order."""
        with os.scandir(folder) as entries:
            found = sorted((entry for entry in entries), key=lambda entry: entry.name)
        kinds = [(entry, _kind(entry)) for entry in found if not self._is_left_out(entry)]
        return [one.path for one, kind in kinds if kind == "file"], [one.path for one, kind in kinds if kind == "folder"]

    def _is_left_out(self, entry: os.DirEntry[str]) -> bool:
        kind, left_out = _kind(entry), self.left_out
        if entry.name.startswith(".") or entry.name.lower() in OF_SYSTEMS:
            left_out.hidden.add(self._name(entry.path))
        elif kind != "folder" and not entry.name.lower().endswith(ENDINGS):
            left_out.others.add(self._name(entry.path))
        elif kind == "neither":
            left_out.unreadable.add(self._name(entry.path), "a link to nothing" if entry.is_symlink() else "no regular file")
        else:
            return False
        return True

    def _is_new(self, folder: str) -> bool:
        identity = _identity(folder)
        is_new = identity not in self._entered
        self._entered.add(identity)
        return is_new

    def _name(self, path: str) -> str:
        return os.path.relpath(path, self._top)


def _identity(folder: str) -> tuple[int, int]:
    """Device and inode, the same by whatever links one comes."""
    found = Path(folder).stat()
    return found.st_dev, found.st_ino


def _kind(entry: os.DirEntry[str]) -> Kind:
    try:
        return "folder" if entry.is_dir() else "file" if entry.is_file() else "neither"
    except OSError:  # a link to itself
        return "neither"

"""Read a folder of images as batches of arrays of one size, with subfolders as classes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np

from bvtrack.extras import PICTURES
from bvtrack.splits.files.image_layout import ImageLayout, image_layout
from bvtrack.splits.files.image_pass import ImagePass
from bvtrack.splits.files.picture import Look, look_at, read_picture
from bvtrack.splits.files.split_file import Reading, Report, Roles
from bvtrack.splits.files.tally import Tally

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bvtrack.splits.files.split_file import Batch

    Read = TypeVar("Read")

AT_ONCE = 4096


@dataclass
class Images:
    """The images of a folder, read in the pixels that `look` asks for; `last` is what the last pass over them found."""

    path: Path
    layout: ImageLayout
    look: Look
    last: ImagePass = field(default_factory=ImagePass)

    @property
    def where(self) -> str:
        return str(self.path)

    @property
    def form(self) -> str:
        return "images"

    def agreed(self, files: Sequence[Self]) -> Self:
        first = files[0]
        is_unlabelled_test = len(files) > 2 and self is files[2] and self.layout.classes is None
        if (self.layout.classes is None) != (first.layout.classes is None) and not is_unlabelled_test:
            flat, other = (self, first) if self.layout.classes is None else (first, self)
            raise ValueError(
                f"expected a subfolder for each class in {flat.where} as in {other.where}, got the images themselves; sort them"
            )
        return replace(self, look=Look(all(file.look.is_grey for file in files), any(file.look.is_deep for file in files)))

    def batches(self, report: Report) -> Iterator[Batch]:
        self.last = ImagePass()
        files, classes = self.layout.files, self.layout.classes
        for start, read in _in_parallel(partial(read_picture, look=self.look), files, report):
            pictures, their_classes = [], []
            for index, picture in enumerate(read, start):
                if isinstance(picture, str):
                    self.last.unreadable.add(self._name(index), picture)
                else:
                    for code in picture.oddities:
                        self.last.odd.setdefault(code, Tally()).add(self._name(index))
                    self.last.places.append(index)
                    pictures.append(picture)
                    their_classes.append(classes[index] if classes else None)
            if pictures:
                self.last.digests.append(np.array([picture.digest for picture in pictures], np.uint64))
                targets = np.array(their_classes, dtype=object) if classes else None
                yield {"image": np.stack([picture.pixels for picture in pictures])}, targets
        if not self.last.n:
            lost = self.last.unreadable
            raise ValueError(f"expected images in {self.where}, got {lost.n:,} that cannot be read: {lost}; replace them")

    def _name(self, index: int) -> str:
        return os.path.relpath(self.layout.files[index], self.path)

    def reading(self, split: str) -> Reading:
        findings = tuple(self.last.findings(split, self.layout))
        return Reading(findings, np.concatenate(self.last.digests), lambda place: self._name(self.last.places[place]))

    def groups(self) -> NDArray[Any] | None:
        return None

    def times(self) -> NDArray[Any] | None:
        return None


def open_images(folder: Path, roles: Roles) -> Images:
    """Find the images in a folder, or in its subfolders, one for each class, at any depth.

    Raises `ValueError` if there are none, if there are some both in the folder and in subfolders, and for columns, which images
    do not have; `MissingExtraError` if Pillow is missing.
    """
    if given := [*roles.named, *(["without"] if roles.without else [])]:
        role = given[0]
        raise ValueError(f"expected no --{role} for the images in {folder}: their classes are the subfolders; leave it out")
    layout = image_layout(folder)
    PICTURES.require()
    looks = {look for _, read in _in_parallel(look_at, layout.files) for look in read if look}
    return Images(folder, layout, Look(all(look.is_grey for look in looks), any(look.is_deep for look in looks)))


def _in_parallel(
    read: Callable[[str], Read], files: Sequence[str], report: Report = lambda done: None
) -> Iterator[tuple[int, list[Read]]]:
    """What is read of some thousand files at a time, with the index of the first of them.

    Pillow warns of images that are large or broken in places; filters of warnings are the process's, so that they are set for
    all threads, and put back before anything else runs.
    """
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(files), AT_ONCE):
            found: list[Read] = []
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for one in pool.map(read, files[start : start + AT_ONCE]):
                    found.append(one)
                    report((start + len(found)) / len(files))
            yield start, found

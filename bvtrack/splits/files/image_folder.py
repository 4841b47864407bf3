"""A folder of images as batches of arrays of one size, with the subfolders as classes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from bvtrack.splits.files.split_file import Report, Roles, reason_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bvtrack.splits.files.split_file import Batch

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif")
SIDE = 32
"""All images are compared at this size, in pixels: four to a field of `bvtrack.splits.profiling.columns`."""
AT_ONCE = 4096
GREY_MODES = ("1", "L", "LA", "I")


@dataclass(frozen=True)
class Images:
    """Files and the class of each (`None` in a folder without subfolders); in grey where they all are."""

    path: Path
    files: tuple[Path, ...]
    classes: tuple[str, ...] | None
    is_grey: bool

    @property
    def where(self) -> str:
        return str(self.path)

    @property
    def form(self) -> str:
        return "images"

    def agreed(self, files: Sequence[Self]) -> Self:
        first = files[0]
        if (self.classes is None) != (first.classes is None):
            flat, other = (self, first) if self.classes is None else (first, self)
            raise ValueError(
                f"expected a subfolder for each class in {flat.where} as in {other.where}, got the images themselves; sort them"
            )
        return replace(self, is_grey=all(file.is_grey for file in files))

    def batches(self, report: Report) -> Iterator[Batch]:
        read = partial(_pixels, is_grey=self.is_grey)
        with ThreadPoolExecutor() as pool:
            for start in range(0, len(self.files), AT_ONCE):
                part = slice(start, start + AT_ONCE)
                images = []
                for image in pool.map(read, self.files[part]):
                    images.append(image)
                    report((start + len(images)) / len(self.files))
                yield {"image": np.stack(images)}, None if self.classes is None else np.array(self.classes[part], dtype=object)

    def groups(self) -> NDArray[Any] | None:
        return None

    def times(self) -> NDArray[Any] | None:
        return None


def open_images(folder: Path, roles: Roles) -> Images:
    """Find the images in a folder, or in its subfolders, one to a class.

    Raises `ValueError` where there are none, or both in the folder and in subfolders, where one cannot be opened, and for
    columns, which images do not have; `ModuleNotFoundError` where Pillow is missing.
    """
    if given := [*roles.named, *(["without"] if roles.without else [])]:
        role = given[0]
        raise ValueError(f"expected no --{role} for the images in {folder}: their classes are the subfolders; leave it out")
    flat = _images_in(folder)
    of_class = {sub.name: _images_in(sub) for sub in sorted(folder.iterdir()) if sub.is_dir() and sub.name[0] != "."}
    in_classes = [(file, name) for name, files in of_class.items() for file in files]
    if flat and in_classes:
        raise ValueError(
            f"expected images either in {folder} or in its subfolders, one to a class, got {len(flat):,} and "
            f"{len(in_classes):,}; move some"
        )
    files = tuple(flat) or tuple(file for file, _ in in_classes)
    if not files:
        raise ValueError(
            f"expected images ({' '.join(ENDINGS)}) in {folder} or in its subfolders, got none; name another folder"
        )
    return Images(folder, files, None if flat else tuple(name for _, name in in_classes), all(map(_is_grey, files)))


def _images_in(folder: Path) -> list[Path]:
    return sorted(
        file for file in folder.iterdir() if file.suffix.lower() in ENDINGS and file.name[0] != "." and file.is_file()
    )


def _is_grey(file: Path) -> bool:
    """By its header, which is all that is read."""
    image = _opened(file)
    with image:
        return str(image.mode).split(";")[0] in GREY_MODES


def _opened(file: Path) -> Any:
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        if error.name != "PIL":
            raise
        raise ModuleNotFoundError("expected Pillow to read images with, got none; pip install pillow", name="PIL") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # a large image; a far larger one is an error
            return Image.open(file)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _broken(file, error) from error


def _pixels(file: Path, *, is_grey: bool) -> NDArray[np.uint8]:
    """`[32, 32]` in grey, `[32, 32, 3]` in colour."""
    from PIL import Image

    image = _opened(file)
    try:
        with image:
            if image.mode.startswith("I"):  # 16 bits
                image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
            image.draft("L" if is_grey else "RGB", (2 * SIDE, 2 * SIDE))
            small = image.convert("L" if is_grey else "RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
            return np.asarray(small)
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise _broken(file, error) from error


def _broken(file: Path, error: Exception) -> ValueError:
    return ValueError(f"expected an image, got one that cannot be read, {file} ({reason_of(error)}); remove or replace it")

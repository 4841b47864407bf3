"""Tell classes from other subfolders in a folder of images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bvtrack.splits.files.image_tree import ENDINGS, ImageTree, image_tree
from bvtrack.splits.files.left_out import LeftOut
from bvtrack.splits.files.split_file import some
from bvtrack.splits.files.tally import Tally

OF_IMAGES = frozenset(("images", "image", "imgs", "img", "jpegimages", "pictures", "photos"))
OF_ANNOTATIONS = frozenset(
    (
        *("labels", "label", "annotations", "annotation", "masks", "mask", "segmentation", "segmentations"),
        *("segmentationclass", "segmentationobject", "groundtruth", "ground_truth", "gt"),
    )
)
"""Names of subfolders, in lower case, that hold images and what is known of them side by side, and are no classes."""
OF_SETS = frozenset(("train", "training", "val", "valid", "validation", "dev", "test", "testing"))
OF_ALL = frozenset(("data", "dataset", "all"))


@dataclass(frozen=True)
class ImageLayout:
    """Image files and the class of each (`None` without subfolders).

    `empty` are the subfolders without images; `within` is the subfolder that all images are in, where that is no class;
    `in_only_class` are the folders within the only class.
    """

    files: tuple[str, ...]
    classes: tuple[str, ...] | None
    left_out: LeftOut
    empty: Tally = field(default_factory=Tally)
    within: str = ""
    in_only_class: Tally = field(default_factory=Tally)


def image_layout(folder: Path, top: Path | None = None) -> ImageLayout:
    """Find the images in a folder or, at any depth, in its subfolders, one for each class. What is left out is named by its
    path from `top`, the folder itself by default.

    Raises `ValueError` if there are none, if there are some both in the folder and in subfolders, and if the subfolders are
    several sets.
    """
    top = top or folder
    tree = _tree(folder, top)
    if not tree.here.files and (name := _images_of(folder, tree)):
        within = image_layout(folder / name, top)
        left_out = _left_out(tree, but=name) + within.left_out
        return replace(within, left_out=left_out, within=str(Path(name) / within.within))
    _check(folder, tree)
    if tree.here.files:
        return ImageLayout(tree.here.files, None, _left_out(tree))
    empty = Tally()
    for name, found in tree.subfolders.items():
        if not found.files:
            empty.add(name)
    classes = tuple(name for name, files in tree.with_images.items() for _ in files)
    files = tuple(file for files in tree.with_images.values() for file in files)
    in_only_class = _folders_of(folder / classes[0], files) if len(tree.with_images) == 1 else Tally()
    return ImageLayout(files, classes, _left_out(tree), empty, in_only_class=in_only_class)


def _tree(folder: Path, top: Path) -> ImageTree:
    try:
        return image_tree(folder, top)
    except OSError as error:
        raise ValueError(f"expected a folder that can be read, got {folder} ({error.strerror}); see to its rights") from error


def _images_of(folder: Path, tree: ImageTree) -> str:
    """The subfolder that all images to learn from are in, where its name is no class's; else an empty name."""
    names = {name.lower(): name for name in tree.with_images}
    of_images = [name for lower, name in names.items() if lower in OF_IMAGES]
    if len(of_images) == 1 and names.keys() - OF_IMAGES <= OF_ANNOTATIONS:
        return of_images[0]
    ((lower, name), *more) = names.items() or [("", "")]
    return name if not more and (lower == folder.name.lower() or lower in OF_SETS | OF_ALL) else ""


def _folders_of(subfolder: Path, files: Sequence[str]) -> Tally:
    """The folders that the images of a subfolder are in, if they are in several; else none."""
    folders = [Path(file).relative_to(subfolder).parts[:-1][:1] for file in files]
    names = [name for (name,) in filter(None, dict.fromkeys(folders))]
    found = Tally()
    for name in names if len(names) > 1 and () not in folders else ():
        found.add(name)
    return found


def _left_out(tree: ImageTree, but: str | None = None) -> LeftOut:
    """What is left out of a tree; all images in it are, as annotations, if those of one subfolder are read."""
    total = tree.here.left_out
    for name, found in tree.subfolders.items():
        if name != but:
            total += found.left_out
        if but is not None and name != but and found.files:
            total.annotations.add(name, n=len(found.files))
    return total


def _check(folder: Path, tree: ImageTree) -> None:
    here, below = tree.here.files, tree.with_images
    if here and below:
        raise ValueError(
            f"expected images either in {folder} or in its subfolders, one to a class, got {len(here):,} and "
            f"{sum(map(len, below.values())):,}; move some"
        )
    if not here and not below:
        left_out = _left_out(tree)
        got = " and ".join(filter(None, [left_out.in_words, _unreadable(left_out)])) or "none"
        raise ValueError(
            f"expected images ({' '.join(ENDINGS)}) in {folder} or in its subfolders, got {got}; name another folder"
        )
    if len(below) > 1 and {name.lower() for name in below} <= OF_SETS:
        raise ValueError(
            f"expected the images of one set in {folder}, got folders of several, {some(list(below))}; "
            f"name one, such as {folder / next(iter(below))}"
        )


def _unreadable(left_out: LeftOut) -> str:
    return f"{left_out.unreadable.n:,} that cannot be read ({left_out.unreadable})" if left_out.unreadable else ""

"""Read one image file as small pixels of a fixed size, with a digest of the whole picture.

A picture is what a viewer shows of the file's first frame, whatever its format and mode: the same in a palette, as BMP, as PNG.
It is turned upright by its EXIF rotation, which the loaders of torchvision and Keras leave out, so that a copy that was saved
upright is found. Transparent parts let a ground show, and grey values of more than 8 bits are kept.
"""

from __future__ import annotations

import contextlib
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bvtrack.splits.files.jpeg_data import jpeg_data
from bvtrack.splits.files.pixels import SIDE, as_grey, digest, digest_of_colours, digest_of_greys, shown, small, small_grey
from bvtrack.splits.files.split_file import reason_of
from bvtrack.splits.finding_codes import FindingCode

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMATS = ("JPEG", "PNG", "MPO", "BMP", "DIB", "GIF", "WEBP", "TIFF", "PPM", "AVIF", "JPEG2000", "HEIF", "JXL")
"""Only these are tried, whatever a file is called: to read EPS, for one, Pillow runs another program."""
GREY_MODES = ("1", "L", "LA", "La", "I", "F")
LARGE = 1 << 23
"""Pixels from which an image is read while no other large one is, for each takes 100 MB and more."""
PHOTOGRAPH = 1 << 17
"""Pixels from which a JPEG is decoded at a fraction of its size, as libjpeg does in a quarter of the time or less, and known by
its compressed data: its copies in other formats are near copies."""
ORIENTATION = 0x0112
TURNS = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_270", 7: "TRANSVERSE"}
TURNS |= {8: "ROTATE_90"}
"""Names of Pillow's transpositions that put a picture upright, by EXIF orientation."""

_one_large = threading.Lock()


class Look(NamedTuple):
    """What an image's header says: whether it is greyscale, and whether its grey values have more than 8 bits."""

    is_grey: bool
    is_deep: bool


class Picture(NamedTuple):
    """Pixels `[32, 32]` in greyscale or `[32, 32, 3]` in colour, from 0 to 255, and a 64-bit digest of the whole picture.

    `oddities` are the findings of what a loader may read in another way.
    """

    pixels: NDArray[Any]
    digest: int
    oddities: tuple[FindingCode, ...]


def look_at(file: str) -> Look | None:
    """What the header says, `None` if it cannot be read; nothing else is read."""
    try:
        with _opened(file) as image:
            mode = str(image.mode).split(";")[0]
    except Exception:  # `read_picture` says why
        return None
    return Look(mode in GREY_MODES, mode in ("I", "F"))


def read_picture(file: str, look: Look) -> Picture | str:
    """The picture in the pixels that `look` asks for, in `float32` if that is deep, or the reason why it cannot be read."""
    try:
        with _opened(file) as image:
            return _picture(file, image, look)
    except Exception as error:  # Pillow's decoders raise errors of many kinds for broken files
        return _reason(file, error)


def _reason(file: str, error: Exception) -> str:
    from PIL import UnidentifiedImageError

    if not isinstance(error, UnidentifiedImageError):
        return getattr(error, "strerror", None) or reason_of(error)
    return "nothing that Pillow reads" if Path(file).stat().st_size else "an empty file"


def _opened(file: str) -> Any:
    from PIL import Image

    return Image.open(file, formats=_formats())


@cache
def _formats() -> tuple[str, ...]:
    from PIL import Image

    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _picture(file: str, image: Any, look: Look) -> Picture:
    from PIL import Image

    has_frames, is_halved = _has_frames(image), _is_halved(image)
    is_photograph = image.format in ("JPEG", "MPO") and image.width * image.height >= PHOTOGRAPH
    if is_photograph:
        image.draft(image.mode, (2 * SIDE, 2 * SIDE))
    with _one_large if image.width * image.height >= LARGE else contextlib.nullcontext():
        image.load()
        turn = _turn(image)
        upright = image.transpose(Image.Transpose[turn]) if turn else image
        if str(image.mode)[0] in "IF":
            values = np.asarray(upright)
            return Picture(_asked(small_grey(values), look), digest_of_greys(values), _oddities(turn, has_frames))
        seen = shown(upright)
        if is_photograph or is_halved:
            known_by = digest(turn, content=jpeg_data(Path(file).read_bytes()))
        else:
            known_by = digest_of_colours(seen)
        return Picture(_asked(small(seen), look), known_by, _oddities(turn, has_frames, seen.mode == "RGBA", is_halved))


def _oddities(turn: str, has_frames: bool, is_transparent: bool = False, is_halved: bool = False) -> tuple[FindingCode, ...]:
    holds = {
        FindingCode.HAS_TURNED_IMAGES: bool(turn),
        FindingCode.HAS_FRAMES: has_frames,
        FindingCode.HAS_TRANSPARENT_IMAGES: is_transparent,
        FindingCode.HAS_16_BIT_COLOURS: is_halved,
    }
    return tuple(code for code, does in holds.items() if does)


def _is_halved(image: Any) -> bool:
    """True for 16 bits a colour, of which Pillow reads 8: what tells its copies from others is then its file."""
    how = image.tile[0][3] if image.tile else ""
    return str(image.mode)[0] != "I" and ";16" in str(how[0] if isinstance(how, tuple) and how else how)


def _asked(pixels: NDArray[Any], look: Look) -> NDArray[Any]:
    """Pixels in grey or in colour, as it is asked for, and as integers only if all images have 8 bits."""
    if look.is_grey and pixels.ndim == 3:
        pixels = as_grey(pixels)
    if not look.is_grey and pixels.ndim == 2:
        pixels = np.stack([pixels] * 3, axis=2)
    return pixels.astype(np.float32 if look.is_deep else np.uint8, copy=False)


def _has_frames(image: Any) -> bool:
    """True for an animation or several pages; a photograph's preview (MPO) is no frame."""
    try:
        return image.format != "MPO" and bool(getattr(image, "is_animated", False))
    except Exception:  # what follows the first frame is broken
        return False


def _turn(image: Any) -> str:
    """The name of Pillow's transposition that puts it upright, empty if it is."""
    try:
        return TURNS.get(image.getexif().get(ORIENTATION), "")
    except Exception:  # broken EXIF data
        return ""

"""Small pictures of examples, as `data:` addresses that a page holds without loading anything."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

from bvtrack.splits.near_duplicates.images import channels_last

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST_SIDE = 64
"""Pixels; larger pictures are made smaller."""
MOST_PNG_BYTES = 3 << 10
"""A picture that takes more as PNG, as photographs do, is written as JPEG, of some 2 KB."""
JPEG_QUALITY = 80


def thumbnails(images: NDArray[Any]) -> list[str]:
    """Pictures of images `[n, height, width]` with or without channels, first or last, as `data:image/…;base64,…`.

    Values of other ranges than those of pixels are spread from black to white, image by image. Raises `ValueError` for arrays
    that are no images.

    >>> import numpy as np
    >>> thumbnails(np.zeros((1, 28, 28)))[0][:22]
    'data:image/png;base64,'
    """
    return [_thumbnail(_pixels(image)) for image in channels_last(images)]


def _pixels(image: NDArray[Any]) -> NDArray[np.uint8]:
    """An image `[height, width]` or `[height, width, 3]` in bytes."""
    import numpy as np

    image = image[..., :3] if image.shape[-1] > 2 else image[..., 0]
    if image.dtype == np.uint8:
        return np.ascontiguousarray(image)
    values = np.nan_to_num(image.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 255:
        low, high = 0.0, 255.0 if high > 1 else 1.0
    spread: NDArray[np.uint8] = np.rint(255 * (values - low) / ((high - low) or 1.0)).astype(np.uint8)
    return spread


def _thumbnail(pixels: NDArray[np.uint8]) -> str:
    from PIL import Image  # without Pillow there are no thumbnails

    picture = Image.fromarray(pixels)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    png = _written(picture, format="PNG", optimize=True)
    if len(png) <= MOST_PNG_BYTES:
        return f"data:image/png;base64,{base64.b64encode(png).decode()}"
    jpeg = _written(picture, format="JPEG", quality=JPEG_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _written(picture: Any, **how: Any) -> bytes:
    content = io.BytesIO()
    picture.save(content, **how)
    return content.getvalue()

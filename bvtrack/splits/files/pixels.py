"""The pixels of pictures of any mode: few of them to compare, and a digest of them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 32
"""The size in pixels at which images are compared: four pixels per side of a grid cell in
`bvtrack.splits.profiling.columns`."""
LIGHT = 160
"""Mean brightness of what is seen of a transparent picture, from 0 to 255, above which its ground is black instead of white."""
OF_16_BITS = 1 / 257
"""Grey values that are integers are taken for those of 16 bits: 65,535 is 255."""
OF_FLOATS = 255.0
"""Grey values that are floats are taken to lie between 0 and 1."""
WITH_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")


def shown(image: Any) -> Any:
    """A picture of 8 bits a value as `RGB`, or as `RGBA` if it is transparent in parts; an alpha channel of zeros is unused."""
    if image.mode in WITH_ALPHA or "transparency" in image.info:
        with_alpha = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
        least, most = with_alpha.getchannel("A").getextrema()
        return with_alpha if least < 255 and most > 0 else with_alpha.convert("RGB")
    try:
        return image.convert("RGB")
    except ValueError:  # Lab colours, which Pillow converts by profiles alone
        from PIL import Image

        return Image.merge("RGB", image.split()[:3])


def small(picture: Any) -> NDArray[np.uint8]:
    """Colours `[32, 32, 3]` of a picture in `RGB` or `RGBA`."""
    from PIL import Image

    pixels = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BOX))
    return _on_a_ground(pixels.astype(np.float32)) if picture.mode == "RGBA" else pixels


def _on_a_ground(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colours on white, or on black if they would hardly be seen on white."""
    colours, opacity = pixels[..., :3], pixels[..., 3:] / 255
    brightness = (colours.mean(axis=2, keepdims=True) * opacity).sum() / max(opacity.sum(), 1e-9)
    ground = 0 if brightness > LIGHT else 255
    on_it: NDArray[np.uint8] = np.rint(colours * opacity + ground * (1 - opacity)).astype(np.uint8)
    return on_it


def small_grey(values: NDArray[Any]) -> NDArray[np.float32]:
    """Grey values `[32, 32]` of a picture of more than 8 bits a value, from 0 to 255; none is clipped."""
    from PIL import Image

    scaled = values.astype(np.float32) * np.float32(OF_FLOATS if values.dtype.kind == "f" else OF_16_BITS)
    return np.asarray(Image.fromarray(scaled).resize((SIDE, SIDE), Image.Resampling.BOX))


def as_grey(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey values `[32, 32]` of colours `[32, 32, 3]`."""
    from PIL import Image

    return np.asarray(Image.fromarray(colours).convert("L"))


def digest_of_colours(picture: Any) -> int:
    """64 bits that are equal for pictures in `RGB` or `RGBA` that look the same. Wholly transparent colours, which some formats
    drop, do not count.
    """
    pixels = np.asarray(picture)
    if picture.mode == "RGBA":
        pixels = np.where(pixels[..., 3:] == 0, np.uint8(0), pixels)
    return digest(picture.mode, *picture.size, content=pixels)


def digest_of_greys(values: NDArray[Any]) -> int:
    """64 bits that are equal for equal grey values of more than 8 bits, be they integers or floats."""
    return digest("grey", *values.shape, content=values.astype("<f8"))


def digest(*what: object, content: bytes | NDArray[Any]) -> int:
    """64 bits of some bytes, and of what they are."""
    import hashlib

    found = hashlib.blake2b(repr(what).encode(), digest_size=8)
    found.update(content if isinstance(content, bytes) else np.ascontiguousarray(content).data)
    return int.from_bytes(found.digest())

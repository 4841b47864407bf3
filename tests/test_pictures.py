from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bvtrack.splits.files.picture import LARGE, Look, Picture, look_at, read_picture
from bvtrack.splits.finding_codes import FindingCode

COLOUR, GREY, DEEP = Look(False, False), Look(True, False), Look(True, True)
SHAPES = {"1": (), "L": (), "LA": (2,), "P": (), "RGB": (3,), "RGBA": (4,), "CMYK": (4,), "I;16": (), "I": (), "F": ()}
numbers = itertools.count()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


def drawn(mode: str, seed: int, *, size: tuple[int, int] = (37, 29)) -> Any:
    """A random picture of any mode."""
    random = np.random.default_rng(seed)
    if mode in ("I;16", "I"):
        return Image.fromarray(random.integers(0, 2**16 if mode == "I;16" else 2**31, size).astype({"I": "i4"}.get(mode, "u2")))
    if mode == "F":
        return Image.fromarray(random.random(size).astype(np.float32))
    values = random.integers(0, 256, (*size, *SHAPES[mode]), dtype=np.uint8)
    if mode == "1":
        return Image.fromarray(values > 127)
    if mode != "P":
        return Image.fromarray(values, mode)
    palette = Image.fromarray(values, "P")
    palette.putpalette(random.integers(0, 256, 768, dtype=np.uint8).tobytes())
    return palette


def written(folder: Path, picture: Any, ending: str, **options: Any) -> str:
    path = folder / f"{next(numbers)}.{ending}"
    picture.save(path, **({"lossless": True} if ending == "webp" else {}), **options)
    return str(path)


def read(file: str, look: Look = COLOUR) -> Picture:
    picture = read_picture(file, look)
    assert isinstance(picture, Picture), picture
    return picture


LOSSLESS = {
    "1": ["png", "bmp", "tif", "pbm", "gif"],
    "L": ["png", "bmp", "tiff", "pgm", "gif", "webp"],
    "LA": ["png", "tif", "webp"],
    "P": ["png", "bmp", "tif", "gif", "webp"],
    "RGB": ["png", "bmp", "tif", "ppm", "webp"],
    "RGBA": ["png", "tif", "webp"],
    "CMYK": ["tif"],
    "I;16": ["png", "tif", "pgm"],
    "I": ["tif"],
    "F": ["tif"],
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(LOSSLESS)), st.integers(0, 2**32), st.data())
def test_a_picture_has_one_digest_in_every_lossless_format_and_another_than_other_pictures(
    folder: Path, mode: str, seed: int, data: Any
) -> None:
    picture, endings = drawn(mode, seed), LOSSLESS[mode]
    first = read(written(folder, picture, endings[0]))
    again = read(written(folder, picture, data.draw(st.sampled_from(endings))))
    other = read(written(folder, drawn(mode, seed + 1), endings[0]))

    assert again.digest == first.digest
    assert (again.pixels == first.pixels).all()
    assert other.digest != first.digest


@pytest.mark.parametrize(
    ("mode", "others"), [("1", ["L", "RGB", "RGBA"]), ("L", ["RGB", "RGBA", "P", "LA"]), ("P", ["RGB", "RGBA"])]
)
def test_a_picture_has_one_digest_in_every_mode_that_holds_it(folder: Path, mode: str, others: list[str]) -> None:
    picture = drawn(mode, 1)
    digests = {read(written(folder, picture.convert(other), "png")).digest for other in [mode, *others]}

    assert len(digests) == 1


@pytest.mark.parametrize("mode", sorted(SHAPES))
def test_one_changed_pixel_of_a_large_picture_is_another_picture(folder: Path, mode: str) -> None:
    picture = drawn(mode, 1, size=(400, 400))
    changed = picture.copy()
    old = picture.getpixel((7, 9))
    changed.putpixel(
        (7, 9), tuple(value ^ 1 for value in old) if isinstance(old, tuple) else 255 - old if mode == "1" else old + 1
    )

    assert read(written(folder, picture, "tif")).digest != read(written(folder, changed, "tif")).digest


def strokes(seed: int, colour: tuple[int, int, int]) -> Any:
    """A drawing of one colour on a transparent ground."""
    alpha = np.zeros((48, 48), np.uint8)
    for down, across in np.random.default_rng(seed).integers(0, 40, (4, 2)):
        alpha[down : down + 8, across : across + 8] = 255
    return Image.fromarray(np.dstack([np.full((48, 48, 3), colour, np.uint8), alpha]))


def in_palette(drawing: Any) -> Any:
    palette = Image.fromarray((np.asarray(drawing)[..., 3] > 0).astype(np.uint8), "P")
    palette.putpalette([0, 0, 0, *drawing.getpixel((0, 0))[:3]])
    palette.info["transparency"] = 0
    return palette


def as_grey(drawing: Any) -> Any:
    return drawing.convert("LA")


def as_it_is(drawing: Any) -> Any:
    return drawing


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (90, 90, 90), (250, 180, 20)])
@pytest.mark.parametrize("form", [as_it_is, as_grey, in_palette])
def test_drawings_on_a_transparent_ground_are_told_apart(
    folder: Path, colour: tuple[int, int, int], form: Callable[[Any], Any]
) -> None:
    drawings = [read(written(folder, form(strokes(seed, colour)), "png")) for seed in range(20)]

    assert len({drawing.digest for drawing in drawings}) == 20
    assert all(drawing.oddities == (FindingCode.HAS_TRANSPARENT_IMAGES,) for drawing in drawings)
    assert all(drawing.pixels.std() > 20 for drawing in drawings)


def test_an_alpha_channel_without_meaning_does_not_count(folder: Path) -> None:
    colours = np.asarray(drawn("RGB", 1))
    opaque, unused = (Image.fromarray(np.dstack([colours, np.full(colours.shape[:2], alpha, np.uint8)])) for alpha in (255, 0))
    pictures = [read(written(folder, picture, "png")) for picture in (Image.fromarray(colours), opaque, unused)]

    assert len({picture.digest for picture in pictures}) == 1
    assert not any(picture.oddities for picture in pictures)


@pytest.mark.parametrize(("most", "mean"), [(4095, 4095 / 257 / 2), (65535, 127.5)])
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_greys_of_12_and_16_bits_are_neither_clipped_nor_rounded_away(
    folder: Path, ending: str, most: int, mean: float
) -> None:
    ramp = np.linspace(0, most, 64 * 64).reshape(64, 64).astype(np.uint16)
    file = written(folder, Image.fromarray(ramp), ending)
    picture = read(file, DEEP)

    assert look_at(file) == DEEP
    assert picture.pixels.dtype == np.float32
    assert picture.pixels.mean() == pytest.approx(mean, rel=1e-3)
    assert len(np.unique(picture.pixels)) == 32 * 32


def a_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_of_16_bits(values: Any) -> bytes:
    """A PNG of `[height, width, 3]` colours of 16 bits, which Pillow does not write."""
    height, width, _ = values.shape
    header = a_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0))
    rows = b"".join(b"\0" + row.tobytes() for row in values.astype(">u2"))
    return b"\x89PNG\r\n\x1a\n" + header + a_chunk(b"IDAT", zlib.compress(rows)) + a_chunk(b"IEND", b"")


def test_colours_of_16_bits_are_no_copies_where_pillow_reads_them_alike(folder: Path) -> None:
    pictures = []
    for seed in (1, 1, 2):
        file = folder / f"{next(numbers)}.png"
        file.write_bytes(png_of_16_bits(np.random.default_rng(seed).integers(0, 256, (20, 20, 3))))
        pictures.append(read(str(file)))

    assert pictures[0].digest == pictures[1].digest != pictures[2].digest
    assert pictures[0].oddities == (FindingCode.HAS_16_BIT_COLOURS,)


@pytest.mark.parametrize("mode", ["I", "F"])
def test_greys_of_32_bits_are_not_clipped(folder: Path, mode: str) -> None:
    picture = read(written(folder, drawn(mode, 1), "tif"), DEEP)

    assert picture.pixels.std() > 0.1 * picture.pixels.max()


def test_a_16_bit_picture_among_others_is_as_bright_as_in_8_bits(folder: Path) -> None:
    eight = np.asarray(drawn("L", 1))
    same = read(written(folder, Image.fromarray(eight), "png"), DEEP)
    deep = read(written(folder, Image.fromarray(eight.astype(np.uint16) * 257), "png"), DEEP)

    assert same.pixels.dtype == deep.pixels.dtype
    assert np.abs(same.pixels - deep.pixels).max() <= 0.5


def test_cmyk_is_read_as_the_colours_that_it_prints(folder: Path) -> None:
    cyan = Image.new("CMYK", (40, 40), (255, 0, 0, 0))

    for ending in ("tif", "jpg"):  # a JPEG of Adobe's holds it inverted
        assert read(written(folder, cyan, ending)).pixels.mean(axis=(0, 1)) == pytest.approx([0, 255, 255], abs=2)


TURNED = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_90", 7: "TRANSVERSE"} | {
    8: "ROTATE_270"
}


@pytest.mark.parametrize("orientation", sorted(TURNED))
@pytest.mark.parametrize("ending", ["png", "webp"])
def test_an_image_with_an_exif_rotation_is_the_same_as_its_upright_copy(folder: Path, orientation: int, ending: str) -> None:
    upright = drawn("RGB", 1)
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying = written(folder, upright.transpose(Image.Transpose[TURNED[orientation]]), ending, exif=exif)

    assert read(lying).digest == read(written(folder, upright, "png")).digest
    assert read(lying).oddities == (FindingCode.HAS_TURNED_IMAGES,)


def photograph(seed: int) -> Any:
    noise = np.random.default_rng(seed).normal(128, 40, (9, 12, 3)).clip(0, 255).astype(np.uint8)
    return Image.fromarray(noise).resize((800, 600), Image.Resampling.BICUBIC)


def test_a_photograph_is_known_whatever_its_metadata_and_another_is_another(folder: Path) -> None:
    exif, lying = Image.Exif(), Image.Exif()
    exif[0x010E], lying[0x0112] = "a holiday", 6
    metadata: list[dict[str, Any]] = [{}, {"exif": exif}, {"comment": b"hi"}, {"icc_profile": b"none"}, {"dpi": (300, 300)}]
    digests = {read(written(folder, photograph(1), "jpg", **some)).digest for some in metadata}
    others = {
        read(written(folder, photograph(1), "jpg", exif=lying)).digest,
        read(written(folder, photograph(2), "jpg")).digest,
    }

    assert len(digests) == 1
    assert len(digests | others) == 3


def test_a_photograph_looks_as_it_does_in_full_size(folder: Path) -> None:
    jpeg, png = (read(written(folder, photograph(1), ending)) for ending in ("jpg", "png"))

    assert np.abs(jpeg.pixels.astype(int) - png.pixels).mean() < 3


def test_broken_exif_data_cost_no_picture(folder: Path) -> None:
    picture = drawn("RGB", 1)

    assert not read(written(folder, picture, "png", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")).oddities


@pytest.mark.parametrize("ending", ["gif", "tif", "webp", "png"])
def test_of_several_frames_the_first_is_read(folder: Path, ending: str) -> None:
    first, *others = (drawn("L", seed).convert("RGB") for seed in range(3))
    animated = read(written(folder, first, ending, save_all=True, append_images=others))

    assert animated.oddities == (FindingCode.HAS_FRAMES,)
    assert animated.digest == read(written(folder, first, ending)).digest


def test_a_photograph_with_its_preview_is_one_picture(folder: Path) -> None:
    photograph, preview = drawn("RGB", 1), drawn("RGB", 2)

    assert not read(written(folder, photograph, "mpo", save_all=True, append_images=[preview])).oddities


@pytest.mark.parametrize("mode", ["LAB", "YCbCr"])
def test_other_colour_spaces_are_read(folder: Path, mode: str) -> None:
    pictures = [
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 40, 3), dtype=np.uint8), mode) for seed in range(2)
    ]

    assert len({read(written(folder, picture, "tif")).digest for picture in pictures}) == 2


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def empty(content: bytes) -> bytes:
    return b""


def a_page(content: bytes) -> bytes:
    return b"<!DOCTYPE html><title>404</title>"


def a_program(content: bytes) -> bytes:
    """EPS, for which Pillow would run Ghostscript."""
    return b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"


def flipped(content: bytes) -> bytes:
    return content[:60] + bytes(255 - byte for byte in content[60:])


@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "bmp", "tif", "webp"])
@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (cut, ""),
        (empty, "an empty file"),
        (a_page, "nothing that Pillow reads"),
        (a_program, "nothing that Pillow reads"),
        (flipped, ""),
    ],
)
def test_what_cannot_be_read_has_a_reason(folder: Path, ending: str, broken: Callable[[bytes], bytes], reason: str) -> None:
    file = Path(written(folder, drawn("RGB", 1), ending))
    file.write_bytes(broken(file.read_bytes()))
    found = read_picture(str(file), COLOUR)

    if isinstance(found, Picture):
        assert ending in ("bmp", "gif", "webp", "tif")  # some of their bytes are as good as any others
    else:
        assert reason in found
        assert 0 < len(found) <= 100
        assert str(file) not in found


def test_bombs_are_not_decoded(folder: Path) -> None:
    found = read_picture(written(folder, Image.new("1", (20_000, 20_000)), "png"), COLOUR)

    assert isinstance(found, str)
    assert "exceeds limit" in found


def test_large_images_are_read(folder: Path) -> None:
    side = int(LARGE**0.5) + 1

    assert read(written(folder, Image.new("L", (side, side), 7), "png"), GREY).pixels.mean() == 7

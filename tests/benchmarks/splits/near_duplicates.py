"""Near copies planted in a later split: how many are found, what else is had for one, how long it takes, and what memory.

    python tests/benchmarks/splits/near_duplicates.py

1 in 10 of the later examples is replaced by a copy of an earlier one. An alarm is right where it names a planted copy and the
example it was made of; all others count as wrong, though the data may hold near copies of their own. The constants were chosen
on the first 30,000 training digits of MNIST, clouds, and ellipses before clouds; `stripes` are the kind that fails.
"""

from __future__ import annotations

import io
import os
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_digits, load_sample_images

from bvtrack.splits.near_duplicates.images import describe_images, near_duplicates
from bvtrack.splits.near_duplicates.texts import describe_texts, near_duplicate_texts

DATA = Path(os.environ.get("BVTRACK_BENCHMARK_DATA", Path(__file__).parents[4] / "shared" / "data"))
SEED = 7
COLUMNS = (
    "data",
    "earlier | later",
    "found",
    "right",
    "wrong",
    "by kind of copy",
    "worth a look",
    "describe",
    "search",
    "memory",
)

Examples = Any
"""Images `[n, height, width]` or `[n, height, width, 3]`, or a list of texts."""
Random = np.random.Generator
Copy = Callable[[Any, Random], Any]


def as_jpeg(image: NDArray[np.uint8], random: Random) -> NDArray[np.uint8]:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=int(random.integers(70, 81)))
    decoded: NDArray[np.uint8] = np.asarray(Image.open(file))
    return decoded


def shifted(image: NDArray[np.uint8], random: Random) -> NDArray[np.uint8]:
    """By 1 or 2 pixels down, across or both; what comes in is black, the edge drawn out, or a reflection."""
    while not (shift := random.integers(-2, 3, 2)).any():
        pass
    mode = random.choice(["constant", "edge", "reflect"])
    padded = np.pad(image, [(2, 2), (2, 2), (0, 0)][: image.ndim], mode=mode)
    down, across = shift + 2
    moved: NDArray[np.uint8] = padded[down : down + image.shape[0], across : across + image.shape[1]]
    return moved


def brightened(image: NDArray[np.uint8], random: Random) -> NDArray[np.uint8]:
    """Brightness and contrast 10 to 25 % up or down, clipped."""
    brightness, contrast = 1 + random.choice([-1, 1], 2) * random.uniform(0.1, 0.25, 2)
    values = image * brightness
    changed: NDArray[np.uint8] = np.rint(((values - values.mean()) * contrast + values.mean()).clip(0, 255)).astype(np.uint8)
    return changed


def all_of_it(image: NDArray[np.uint8], random: Random) -> NDArray[np.uint8]:
    return as_jpeg(brightened(shifted(image, random), random), random)


def with_words_replaced(text: str, random: Random) -> str:
    """5 % of its words, in another order and in capitals."""
    words = np.array(text.upper().split(), dtype=object)
    words[random.choice(len(words), len(words) // 20, replace=False)] = "OTHER"
    return " ".join(random.permutation(words))


IMAGE_COPIES: dict[str, Copy] = {"JPEG": as_jpeg, "shift": shifted, "bright": brightened, "all": all_of_it}
TEXT_COPIES: dict[str, Copy] = {"same": lambda text, random: text, "5 % of words": with_words_replaced}


def clouds(n: int, random: Random) -> NDArray[np.float64]:
    """Noise of the spectrum of natural pictures, `[n, 32, 32]` (amplitude 1 / frequency, Field 1987)."""
    frequency = np.hypot(np.fft.fftfreq(32)[:, None], np.fft.rfftfreq(32))
    frequency[0, 0] = np.inf
    noise: NDArray[np.float64] = np.fft.irfft2(np.fft.rfft2(random.normal(size=(n, 32, 32))) / frequency, s=(32, 32))
    noise /= noise.std(axis=(1, 2), keepdims=True)
    return noise


def stripes(n: int, random: Random) -> NDArray[np.float64]:
    """Two gratings `[n, 32, 32]` across each other."""
    down, across = np.mgrid[:32, :32] / 32
    waves = random.uniform(-6, 6, (2, 2, n, 1, 1))
    phases = random.uniform(0, 2 * np.pi, (2, n, 1, 1))
    gratings: NDArray[np.float64] = np.sin(2 * np.pi * (waves[0] * down + waves[1] * across) + phases).sum(axis=0)
    return gratings


def blobs(n: int, random: Random) -> NDArray[np.float64]:
    """Five smooth spots `[n, 32, 32]`."""
    down, across = np.mgrid[:32, :32] / 32
    y, x, height = random.uniform(0, 1, (3, 5, n, 1, 1))
    width = random.uniform(0.05, 0.3, (5, n, 1, 1))
    spots: NDArray[np.float64] = (height * np.exp(-((down - y) ** 2 + (across - x) ** 2) / width**2)).sum(axis=0)
    return spots


def boxes(n: int, random: Random) -> NDArray[np.float64]:
    """A box with another on it, near the middle of a plain ground: much alike, `[n, 32, 32]`."""
    down, across = np.mgrid[:32, :32] / 32
    picture = np.zeros((n, 32, 32))
    for _ in range(2):
        y, x = random.normal(0.5, 0.08, (2, n, 1, 1))
        height, width = random.uniform(0.12, 0.4, (2, n, 1, 1))
        inside = np.maximum(np.abs(down - y) / height, np.abs(across - x) / width) < 1
        picture = np.where(inside, random.uniform(-1, 1, (n, 1, 1)), picture)
    return picture


def pictures(n: int, random: Random, *kinds: Callable[[int, Random], NDArray[np.float64]]) -> NDArray[np.uint8]:
    """As many of each kind, in random colours, with noise of a random strength: `[n, 32, 32, 3]` in random order."""
    shapes = np.concatenate([make(n // len(kinds), random) for make in kinds])
    colours = random.uniform(20, 80, (n, 1, 1, 1)) * random.choice([-1, 1], (n, 1, 1, 1)) * random.uniform(0.5, 1, (n, 1, 1, 3))
    noise = random.normal(size=(n, 32, 32, 3)) * random.choice([1, 4, 12], (n, 1, 1, 1))
    made = shapes[..., None] * colours + random.uniform(60, 190, (n, 1, 1, 3)) + noise
    mixed: NDArray[np.uint8] = made.clip(0, 255).astype(np.uint8)[random.permutation(n)]
    return mixed


def photographs(random: Random) -> NDArray[np.uint8]:
    """Crops `[n, 32, 32, 3]` of two photographs in four sizes, half over their neighbours; much of it sky and leaf."""
    crops = []
    for photograph in load_sample_images().images:
        for size in (1.0, 0.6, 0.36, 0.2):
            image = np.asarray(Image.fromarray(photograph).resize((int(640 * size), int(427 * size))))
            corners = np.mgrid[: image.shape[0] - 31 : 16, : image.shape[1] - 31 : 16].reshape(2, -1).T
            crops += [image[down : down + 32, across : across + 32] for down, across in corners]
    return random.permutation(np.array(crops))


def digits(random: Random) -> NDArray[np.uint8]:
    """The 1,797 digits of 8 x 8 pixels, enlarged to 32 x 32."""
    small = (load_digits().images * 15.9).astype(np.uint8)
    return random.permutation(np.array([Image.fromarray(digit).resize((32, 32), Image.Resampling.BICUBIC) for digit in small]))


def texts(n: int, random: Random) -> list[str]:
    """Of 200 words each, drawn by Zipf's law from 30,000."""
    shares = 1 / np.arange(1, 30_001)
    words = random.choice(30_000, (n, 200), p=shares / shares.sum())
    return [" ".join(f"w{word}" for word in row) for row in words]


@dataclass(frozen=True)
class Planted:
    """Two splits; of each later example the earlier one it is a copy of (-1: of none), and the kind of copy."""

    earlier: Examples
    later: Examples
    source: NDArray[np.int64]
    kind: NDArray[np.str_]


def plant(earlier: Examples, later: Examples, copies: dict[str, Copy], random: Random) -> Planted:
    n = len(later)
    later, source, kind = list(later), np.full(n, -1), np.full(n, "", dtype="U20")
    for turn, place in enumerate(random.permutation(n)[: n // 10] if copies else ()):
        kind[place] = list(copies)[turn % len(copies)]
        source[place] = random.integers(len(earlier))
        later[place] = copies[kind[place]](earlier[source[place]], random)
    return Planted(earlier, later if isinstance(earlier, list) else np.array(later), source, kind)


def measured(name: str, planted: Planted, describe: Callable[[Any], Any], search: Callable[[Any, Any], Any]) -> list[str]:
    """A row of the table."""
    start = time.perf_counter()
    earlier, later = describe(planted.earlier), describe(planted.later)
    described = time.perf_counter()
    found = search(earlier, later)
    searched = time.perf_counter()
    is_right = planted.source[found.later] == found.earlier
    leaks = is_right & found.is_leak
    kinds = [kind for kind in np.unique(planted.kind) if kind]
    recalls = [f"{kind} {leaks[planted.kind[found.later] == kind].sum() / (planted.kind == kind).sum():.2f}" for kind in kinds]
    n_planted = max((planted.source >= 0).sum(), 1)
    return [
        name,
        f"{len(earlier):,} | {len(later):,}",
        f"{leaks.sum() / n_planted:.3f}",
        f"{leaks.sum() / max(found.is_leak.sum(), 1):.3f}",
        f"{(found.is_leak & ~is_right).sum()}",
        ", ".join(recalls),
        f"{is_right.sum() / n_planted:.2f} / {is_right.sum() / max(len(is_right), 1):.2f}",
        f"{described - start:.1f} s",
        f"{searched - described:.1f} s",
        f"{peak(lambda: search(earlier, later[:1000])):.0f} MB",
    ]


def peak(call: Callable[[], Any]) -> float:
    """The memory that NumPy takes for it at most."""
    tracemalloc.start()
    call()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / 1e6


def main() -> None:
    """Print a row for each kind of data, and for MNIST with nothing planted."""
    random = np.random.default_rng(SEED)
    path = DATA / "mnist" / "mnist.npz"
    if not path.exists():
        raise SystemExit(f"expected {path}; got none; set BVTRACK_BENCHMARK_DATA")
    with np.load(path) as mnist:
        train, test = mnist["x_train"], mnist["x_test"]
    table = Table(*COLUMNS, title="planted copies, and what was had for one", title_justify="left")
    made, crops, small = pictures(60_000, random, clouds, blobs, boxes), photographs(random), digits(random)
    splits = {
        "MNIST": (train[10_000:], test),
        "MNIST, 30,000 not seen before": (train[30_000:], test),
        "clouds, blobs, boxes": (made[:50_000], made[50_000:]),
        "photographs": (crops[: len(crops) // 2], crops[len(crops) // 2 :]),
        "digits, enlarged": (small[:1000], small[1000:]),
    }
    table.add_row(*measured("MNIST, none planted", plant(*splits["MNIST"], {}, random), describe_images, near_duplicates))
    for kind in (clouds, blobs, boxes, stripes):
        made = pictures(24_000, random, kind)
        splits[f"{kind.__name__} alone"] = (made[:20_000], made[20_000:])
    for name, (earlier, later) in splits.items():
        table.add_row(*measured(name, plant(earlier, later, IMAGE_COPIES, random), describe_images, near_duplicates))
    planted = plant(texts(50_000, random), texts(10_000, random), TEXT_COPIES, random)
    table.add_row(*measured("texts of 200 words", planted, describe_texts, near_duplicate_texts))
    Console(width=190).print(table)


if __name__ == "__main__":
    main()

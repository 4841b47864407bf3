"""Near-duplicate images, or embeddings, across two splits, by a nearest-neighbour ratio test.

An example is a near duplicate if its nearest neighbour in the earlier split is far nearer than the 10th nearest. Where all
examples look alike, as handwritten digits do, both are near and nothing is found; nor is an example that the earlier split
holds ten times.

The constants for images were chosen on planted copies, 1 in 10 (as JPEG, shifted, brightened, and all of it), of 30,000 digits
of MNIST and 36,000 synthetic pictures; `tests/benchmarks/splits/near_duplicates.py` measures them on others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Floats = NDArray[np.float32]
    Indices = NDArray[np.int64]

LEAK_RATIO = 0.4
"""A near duplicate at or below it: 93 to 100 % of the planted copies were found, and less than 1 % of what was found had not
been planted."""
SURE_RATIO = 0.25
"""Surely one at or below it: 75 to 98 % of the planted copies of digits, photographs, clouds, boxes and stripes, and at most 7
of 1,000 others. Between it and `LEAK_RATIO` lie 1 to 14 % of the copies, but up to 72 of 1,000 that only look alike."""
LOOK_RATIO = 0.5
"""Worth a look at or below it: 95 to 100 % were found, and up to 9 % of those had not been planted (40 % at 0.6)."""
NEIGHBOUR = 10
"""Rank of the neighbour whose distance is the reference, and so the minimum number of earlier examples."""
CELLS = 11
"""A descriptor holds 11 x 11 grey cells of a picture; the inner 9 x 9 are compared, which leaves room to shift."""
DESCRIPTOR = CELLS**2 + 2
"""Bytes: the cells, and the differences of red and of blue from green."""
TINT = 0.25
"""Weight of these two differences beside the cells' 1: 4 % fewer colour pictures were found at 0, and at 1."""
BLUR = 0.7
"""Standard deviation of a cell's Gaussian, in cells: sharper ones are harder to shift (at 0.6, 5 % fewer found in MNIST)."""
LENGTH, NOISE = 1.2, 0.01
"""Length scale, in cells, and noise of the Gaussian covariance for interpolation between cells (cubic interpolation: 12 % fewer
found in MNIST)."""
SHIFTS = (-2 / 28, -1 / 28, 0.0, 1 / 28, 2 / 28)
"""Shifts that are tried, down and across, as shares of the picture's side (three steps over the same range: 22 % fewer
found)."""
COARSE = 36
"""Leading entries of a vector, the colour and 32 low frequencies, that choose the candidates, at every other shift; 24 or 48
frequencies found as many."""
CANDIDATES = 100
"""Candidates for each later example (50: 1 % fewer found in MNIST; all shifts: 2 to 5 % more, in 1.7 times the time)."""
AT_ONCE, COLUMNS = 64, 2048
"""Later and earlier examples in one matrix product: 30 MB."""
PIXELS_AT_ONCE = 2**22


@dataclass(frozen=True, eq=False)
class NearDuplicates:
    """Pairs `[n_found]`: example `later` has a near duplicate in example `earlier` of the other split (indices from 0), and
    `ratio` is the distance to it over that to the 10th nearest, from 0 (identical) to `LOOK_RATIO`.
    """

    earlier: Indices
    later: Indices
    ratio: Floats

    @property
    def is_leak(self) -> NDArray[np.bool_]:
        """Mask `[n_found]` of the pairs near enough to be a leak; the others are worth a look."""
        return self.ratio <= LEAK_RATIO

    @property
    def n_leaks(self) -> int:
        """Number of the pairs that are a leak; the sure ones alone where most are not sure, for most copies of a leak are."""
        n_sure, n_leaks = int((self.ratio <= SURE_RATIO).sum()), int(self.is_leak.sum())
        return n_leaks if 2 * n_sure >= n_leaks else n_sure

    @property
    def surest(self) -> list[tuple[int, int]]:
        """The leaks as pairs of a later and an earlier example, the surest first."""
        order = self.ratio.argsort(kind="stable")[: self.n_leaks]
        return [*zip(self.later[order].tolist(), self.earlier[order].tolist(), strict=True)]


def describe_images(images: Any) -> Bytes:
    """Descriptors `[n, 123]` of images `[n, height, width]`, `[n, height, width, channels]` or `[n, channels, height, width]`
    (at most 4 channels) in any range; each depends only on its own image, and not on brightness or contrast.

    Raises `ValueError` for another shape, and for values that are not finite numbers.

    >>> describe_images([[[0, 9], [9, 0]], [[5, 5], [5, 5]]]).shape
    (2, 123)
    """
    import numpy as np

    images = channels_last(np.asarray(images))
    n, height, width, channels = images.shape
    down, across = _cell_weights(height), _cell_weights(width).T
    descriptors = np.empty((n, DESCRIPTOR), np.uint8)
    step = max(1, PIXELS_AT_ONCE // (height * width * channels))
    for start in range(0, n, step):
        block = images[start : start + step].astype(np.float32)
        with np.errstate(invalid="ignore", over="ignore"):
            cells = down @ (block @ np.full(channels, 1 / channels, np.float32)) @ across
            colours = block.mean(axis=(1, 2))
        descriptors[start : start + step] = _without_brightness(cells.reshape(-1, CELLS**2), colours)
    return descriptors


def channels_last(images: NDArray[Any]) -> NDArray[Any]:
    """Images `[n, height, width, channels]`, however they lie. Raises `ValueError` for arrays that are none."""
    if images.dtype.kind not in "biuf" or images.ndim not in (3, 4) or 0 in images.shape[1:]:
        raise ValueError(f"expected numbers [n, height, width] or with channels; got {images.dtype} {list(images.shape)}")
    if images.ndim == 3:
        return images[..., None]
    if images.shape[3] <= 4:
        return images
    if images.shape[1] <= 4:
        return images.transpose(0, 2, 3, 1)
    raise ValueError(f"expected images of 4 channels at most, first or last; got {list(images.shape)}")


def _cell_weights(n_pixels: int) -> Floats:
    """The weight of each pixel in each cell, `[11, n_pixels]`."""
    import numpy as np

    pixels = (np.arange(n_pixels) + 0.5) * CELLS / n_pixels
    nearness = -0.5 * ((pixels - np.arange(CELLS)[:, None] - 0.5) / BLUR) ** 2
    weights = np.exp(nearness - nearness.max(axis=1, keepdims=True))
    normed: Floats = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return normed


def _without_brightness(cells: Floats, colours: Floats) -> Bytes:
    """Descriptors in which 128 is the mean and 24 a standard deviation, the unit of the colour differences too, which are
    angles in 1/80 radian.
    """
    import numpy as np

    if not np.isfinite(cells).all():
        raise ValueError("expected images of finite numbers; got NaN, infinity or more than 32 bits hold")
    deviation = cells.std(axis=1, keepdims=True, dtype=np.float64)
    deviation[deviation <= 1e-5 * np.abs(cells).max(axis=1, keepdims=True)] = np.inf
    greys = 24 * (cells - cells.mean(axis=1, keepdims=True)) / deviation
    tints = colours[:, [0, 2]] - colours[:, [1]] if colours.shape[1] > 2 else np.zeros((len(cells), 2))
    rounded: Bytes = np.rint(np.hstack([greys, 80 * np.arctan(tints / deviation)]) + 128).clip(0, 255).astype(np.uint8)
    return rounded


def near_duplicates(earlier: Bytes, later: Bytes) -> NearDuplicates:
    """Find the `later` images that are near duplicates of `earlier` ones, from the descriptors `[n, 123]` of both.

    Raises `ValueError` for fewer than 10 earlier images, and for arrays that are not descriptors of images.

    >>> import numpy as np
    >>> images = np.random.default_rng(0).normal(size=(20, 28, 28))
    >>> found = near_duplicates(describe_images(images), describe_images(2 * images[5:7] + 1))
    >>> found.earlier, found.later, found.is_leak
    (array([5, 6]), array([0, 1]), array([ True,  True]))
    """
    import numpy as np

    earlier, later = (checked_descriptors(descriptors, DESCRIPTOR, "describe_images") for descriptors in (earlier, later))
    known = _vectors(earlier, _to_spectrum(0, 0))[:, 0]
    shifts = np.concatenate([_to_spectrum(down, across) for down in SHIFTS for across in SHIFTS], axis=1)
    return _by_ratio(known, len(later), lambda block: _vectors(later[block], shifts), n_coarse=COARSE)


def _vectors(descriptors: Bytes, to_spectra: Floats) -> Floats:
    """Unit vectors `[n, n_shifts, 84]`: sines and cosines of the colour angles, then the spectrum."""
    import numpy as np

    values = descriptors.astype(np.float32) - 128
    n_frequencies = (CELLS - 2) ** 2 - 1
    n_shifts = to_spectra.shape[1] // n_frequencies
    spectra = _unit((values[:, : CELLS**2] @ to_spectra).reshape(len(values), n_shifts, n_frequencies))
    angles = values[:, None, CELLS**2 :] / 80
    tints = TINT * np.concatenate([np.sin(angles), np.cos(angles)], axis=2)
    return _unit(np.concatenate([np.broadcast_to(tints, (len(values), n_shifts, 4)), spectra], axis=2))


def checked_descriptors(descriptors: Any, width: int, maker: str) -> Bytes:
    """The descriptors that `maker` made, `[n, width]`. Raises `ValueError` for anything else."""
    import numpy as np

    descriptors = np.asarray(descriptors)
    if descriptors.dtype != "uint8" or descriptors.ndim != 2 or descriptors.shape[1] != width:
        what = f"{descriptors.dtype} {list(descriptors.shape)}"
        raise ValueError(f"expected uint8 [n, {width}] from {maker}; got {what}")
    checked: Bytes = descriptors
    return checked


def near_duplicate_embeddings(earlier: Any, later: Any) -> NearDuplicates:
    """Find near duplicates among embeddings `[n, n_features]` of any origin, by the angle between them.

    Raises `ValueError` for fewer than 10 earlier embeddings, different widths, and values that are not finite numbers.

    >>> import numpy as np
    >>> earlier = np.random.default_rng(0).normal(size=(20, 64))
    >>> near_duplicate_embeddings(earlier, earlier[3:4] + 0.01).earlier
    array([3])
    """
    import numpy as np

    with np.errstate(over="ignore"):
        known, asked = np.asarray(earlier, dtype=np.float32), np.asarray(later, dtype=np.float32)
    if known.ndim != 2 or asked.ndim != 2 or known.shape[1] != asked.shape[1]:
        raise ValueError(f"expected [n, n_features] twice, as wide; got {list(known.shape)} and {list(asked.shape)}")
    known = _unit(known)
    return _by_ratio(known, len(asked), lambda block: _unit(asked[block])[:, None], n_coarse=known.shape[1])


def _unit(vectors: Floats) -> Floats:
    import numpy as np

    with np.errstate(over="ignore"):
        length: Floats = np.linalg.norm(vectors, axis=-1, keepdims=True)
    if not np.isfinite(length).all():
        raise ValueError("expected finite numbers, of squares that 32 bits hold; got NaN, infinity or too large ones")
    units: Floats = np.divide(vectors, np.where(length > 0, length, 1), dtype=np.float32)
    return units


def _to_spectrum(down: float, across: float) -> Floats:
    """The linear map `[121, 80]` from cells to the discrete cosine transform of the shifted inner cells, low frequencies first.

    Each frequency is weighted by its square root: without that, more of the similar pictures were mistaken for copies.
    """
    import numpy as np

    frequency = np.hypot(*np.mgrid[: CELLS - 2, : CELLS - 2]).ravel()
    cosines = _cosine_transform(CELLS - 2)
    order = np.argsort(frequency, kind="stable")[1:]
    spectrum = np.kron(cosines @ _moved(down), cosines @ _moved(across)).T * np.sqrt(frequency)
    ordered: Floats = spectrum[:, order].astype(np.float32)
    return ordered


def _cosine_transform(n: int) -> NDArray[np.float64]:
    """The orthonormal discrete cosine transform (DCT-II) of `n` numbers, as a matrix `[n, n]`."""
    import numpy as np

    cosines: NDArray[np.float64] = np.sqrt(2 / n) * np.cos(np.pi / n * np.outer(np.arange(n), np.arange(n) + 0.5))
    cosines[0] = np.sqrt(1 / n)
    return cosines


def _moved(shift: float) -> NDArray[np.float64]:
    """The best linear prediction `[9, 11]` of the shifted inner cells from all cells (kriging)."""
    import numpy as np

    cells = np.arange(CELLS)
    covariance = np.exp(-0.5 * ((cells[:, None] - cells) / LENGTH) ** 2) + NOISE * np.eye(CELLS)
    with_moved = np.exp(-0.5 * ((cells[:, None] - cells[1:-1] - shift * CELLS) / LENGTH) ** 2)
    return np.linalg.solve(covariance, with_moved).T


def _by_ratio(known: Floats, n_later: int, versions: Callable[[slice], Floats], *, n_coarse: int) -> NearDuplicates:
    """Ratio test of a block of later examples, unit vectors `[n_block, n_versions, k]` of which the nearest version counts,
    against the unit vectors `known` `[n_earlier, k]`.
    """
    import numpy as np

    if len(known) < NEIGHBOUR:
        raise ValueError(f"expected {NEIGHBOUR} earlier examples at least, to tell near from alike; got {len(known)}")
    coarse = np.ascontiguousarray(_unit(known[:, :n_coarse]).T)
    nearest, ratio = np.empty(n_later, np.int64), np.empty(n_later, np.float32)
    for start in range(0, n_later, AT_ONCE):
        block = slice(start, start + AT_ONCE)
        asked = versions(block)
        candidates = _candidates(coarse, _unit(asked[:, ::2, :n_coarse]))
        cosine = (asked @ known[candidates].transpose(0, 2, 1)).max(axis=1)
        nearest[block] = np.take_along_axis(candidates, cosine.argmax(axis=1)[:, None], axis=1)[:, 0]
        ratio[block] = _ratio(cosine)
    found = np.flatnonzero(ratio <= LOOK_RATIO)
    return NearDuplicates(nearest[found], found, ratio[found])


def _ratio(cosine: Floats) -> Floats:
    """The distance to the nearest over that to the 10th nearest; 1 if both are 0."""
    import numpy as np

    distances = np.sqrt(np.maximum(2 - 2 * np.partition(cosine, (-NEIGHBOUR, -1), axis=1), 0))
    tenth: Floats = distances[:, -NEIGHBOUR]
    return np.divide(distances[:, -1], tenth, out=np.ones_like(tenth), where=tenth > 0)


def _candidates(coarse: Floats, asked: Floats) -> Indices:
    """The columns of `coarse` `[k, n_earlier]` most similar to any version in `asked` `[n_block, n_versions, k]`."""
    import numpy as np

    n_block, n_versions, width = asked.shape
    rows = np.ascontiguousarray(asked.transpose(1, 0, 2)).reshape(-1, width)
    cosines, columns = [], []
    for start in range(0, coarse.shape[1], COLUMNS):
        cosine = (rows @ coarse[:, start : start + COLUMNS]).reshape(n_versions, n_block, -1).max(axis=0)
        best = _largest(cosine, CANDIDATES)
        cosines.append(np.take_along_axis(cosine, best, axis=1))
        columns.append(best + start)
    return np.take_along_axis(np.hstack(columns), _largest(np.hstack(cosines), CANDIDATES), axis=1)


def _largest(values: Floats, most: int) -> Indices:
    import numpy as np

    count = min(most, values.shape[1])
    return np.argpartition(values, -count, axis=1)[:, -count:]

"""Examples as numeric and categorical columns: tables as they are, images, texts and other tensors by summary statistics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bvtrack.splits.profiling.lists import LIST_COLUMNS, TEXT_BUCKETS, list_numbers
from bvtrack.splits.reading.arrays import TEXT, Family, family, is_list_like, is_missing, printable
from bvtrack.splits.reading.distinct import Distinct

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["number", "table", "image", "tensor", "words", "text", "lists"]
SECONDS = {
    "W": 604_800.0,
    "D": 86_400.0,
    "h": 3600.0,
    "m": 60.0,
    "ms": 1e-3,
    "us": 1e-6,
    "ns": 1e-9,
    "ps": 1e-12,
    "fs": 1e-15,
    "as": 1e-18,
}
SIDE = 8
"""Images are compared by the means of an 8 x 8 grid, and by each channel's brightness and contrast."""
FEWEST_PIXELS = 8
MOST_CHANNELS = 4
MOST_COLUMNS = 4096
"""Arrays with more numbers per example are compared by `PROJECTIONS` seeded random projections."""
PROJECTIONS = 32
FRACTIONS = 1 << 20
"""Before projection, numbers are rounded to multiples of a row's largest one divided by this."""
VALUES_AT_ONCE = 1 << 22
MOST_CATEGORIES = 1000
"""Categories counted one by one; more than these are hashed into this many buckets."""
SHARE_OF_TEXTS = 0.5
"""Strings of which more than this share are distinct are texts, not categories."""


@dataclass(frozen=True)
class Part:
    """One array of the examples: its name and kind, the shape of one example, and the names of its numeric columns."""

    name: str
    kind: Kind
    shape: tuple[int, ...]
    dtype: str
    columns: tuple[str, ...]

    @classmethod
    def of(cls, name: str, values: NDArray[Any]) -> Part:
        """The part for an array of examples `[n, ...]`."""
        return cls.named(name, _kind(values), values.shape[1:], values.dtype.str)

    @classmethod
    def named(cls, name: str, kind: Kind, shape: tuple[int, ...], dtype: str) -> Part:
        """A part with the column names that follow from the rest."""
        return cls(name, kind, shape, dtype, tuple(_column_names(name, kind, shape)))

    @property
    def family(self) -> Family:
        """The group of dtypes whose values it can be compared with."""
        return family(self.dtype)

    @property
    def is_text(self) -> bool:
        """True if it holds texts, or a table's objects."""
        return self.family == "text"

    @property
    def is_of_names(self) -> bool:
        """True if it is categorical, counted by name."""
        return self.kind == "words"

    def numbers(self, values: NDArray[Any]) -> NDArray[Any]:
        """Its numeric columns, `[n, len(columns)]`."""
        import numpy as np

        match self.kind:
            case "number":
                return numeric(values)[:, None]
            case "table":
                return numeric(values.reshape(len(values), -1))
            case "image":
                return np.concatenate([_image_numbers(some) for some in _parts(values)])
            case "tensor":
                return np.concatenate([_projected(some.reshape(len(some), -1)) for some in _parts(values)])
            case "text":
                return _text_numbers(values)
            case "lists":
                return list_numbers(values)
        return np.empty((len(values), 0))


def _kind(values: NDArray[Any]) -> Kind:
    import numpy as np

    if values.dtype.kind in TEXT and values.ndim == 1:
        if any(is_list_like(value) for value in values[:MOST_COLUMNS].tolist()):
            return "lists"
        some = [value for value in values[:MOST_COLUMNS].tolist() if isinstance(value, str)]
        is_text = len(set(some)) > max(SHARE_OF_TEXTS * len(some), 20) and np.mean([len(text.split()) for text in some]) > 1
        return "text" if is_text else "words"
    if values.ndim == 1:
        return "number"
    if values.dtype.kind in "biuf" and values.ndim >= 3 and _is_image(values.shape[1:]):
        return "image"
    return "table" if values[:1].size <= MOST_COLUMNS else "tensor"


def _is_image(shape: tuple[int, ...]) -> bool:
    if len(shape) == 2:
        return min(shape) >= FEWEST_PIXELS
    channels, sides = _split_channels(shape)
    return len(shape) == 3 and channels <= MOST_CHANNELS and min(sides) >= FEWEST_PIXELS


def _split_channels(shape: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    if len(shape) == 2:
        return 1, shape
    return (shape[2], shape[:2]) if shape[2] <= MOST_CHANNELS else (shape[0], shape[1:])


def _column_names(name: str, kind: Kind, shape: tuple[int, ...]) -> Iterator[str]:
    match kind:
        case "number":
            yield name
        case "table":
            width = 1
            for side in shape:
                width *= side
            yield from (f"{name} {index}" for index in range(width))
        case "image":
            n_channels, _ = _split_channels(shape)
            of_channel = [""] if n_channels == 1 else [f" of channel {channel}" for channel in range(n_channels)]
            for suffix in of_channel:
                yield f"{name}: brightness{suffix}"
                yield f"{name}: contrast{suffix}"
                yield from (f"{name}: field {row},{column}{suffix}" for row in range(SIDE) for column in range(SIDE))
        case "tensor":
            yield from (f"{name}: {what}" for what in ("mean", "spread"))
            yield from (f"{name}: projection {index}" for index in range(PROJECTIONS))
        case "text":
            yield from (f"{name}: {what}" for what in ("characters", "words", "characters a word"))
            yield from (f"{name}: words of bucket {index}" for index in range(TEXT_BUCKETS))
        case "lists":
            yield from (f"{name}: {what}" for what in LIST_COLUMNS)
            yield from (f"{name}: items of bucket {index}" for index in range(TEXT_BUCKETS))


def numeric(values: NDArray[Any]) -> NDArray[Any]:
    """Numbers as they are, booleans as integers, dates and durations in seconds, complex numbers by magnitude."""
    import numpy as np

    if values.dtype.kind in "Mm":
        return np.where(np.isnat(values), np.nan, _seconds(values))
    if values.dtype.kind == "b":
        return values.view(np.int8)
    return np.abs(values) if values.dtype.kind == "c" else values


def _seconds(times: NDArray[Any]) -> NDArray[np.float64]:
    """Seconds from any unit; durations in months, in years or without a unit stay plain counts."""
    import numpy as np

    unit, count = np.datetime_data(times.dtype)
    if unit in ("Y", "M") and times.dtype.kind == "M":
        times, unit, count = times.astype("datetime64[D]"), "D", 1
    a_unit = SECONDS.get(unit, 1.0)
    return times.astype(np.int64).astype(np.float64) * np.float64(count * a_unit)


def _parts(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    step = max(1, VALUES_AT_ONCE // values[:1].size)
    for start in range(0, len(values), step):
        yield values[start : start + step]


def _image_numbers(images: NDArray[Any]) -> NDArray[np.float32]:
    """Brightness, contrast and the means of an 8 x 8 grid, channel by channel."""
    import numpy as np

    n_channels, _ = _split_channels(images.shape[1:])
    if images.ndim == 3:
        channels = [images]
    else:
        axis = 3 if images.shape[3] == n_channels else 1
        channels = [np.take(images, index, axis=axis) for index in range(n_channels)]
    with np.errstate(over="ignore"):
        return np.hstack([_channel_numbers(channel.astype(np.float32, order="C")) for channel in channels])


def _channel_numbers(channel: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    n, height, width = channel.shape
    rows, columns = (np.linspace(0, side, SIDE + 1).astype(int) for side in (height, width))
    flat = channel.reshape(n, -1)
    with np.errstate(all="ignore"):
        sums = np.add.reduceat(np.add.reduceat(channel, rows[:-1], axis=1), columns[:-1], axis=2)
        fields = sums / np.outer(np.diff(rows), np.diff(columns)).astype(np.float32)
        return np.hstack([flat.mean(axis=1, keepdims=True), flat.std(axis=1, keepdims=True), fields.reshape(n, -1)])


def _projected(rows: NDArray[Any]) -> NDArray[np.float32]:
    """Mean, standard deviation and random-sign projections of each row, rounded so that order does not change the sums."""
    import numpy as np

    signs = np.random.default_rng(0).choice([-1.0, 1.0], (rows.shape[1], PROJECTIONS))
    with np.errstate(all="ignore"):
        rows = np.ascontiguousarray(numeric(rows), np.float32)
        scale = abs(rows).max(axis=1, keepdims=True) / np.float32(FRACTIONS)
        sums = np.rint(rows / np.where(scale > 0, scale, 1)).astype(np.float64) @ signs * scale
        return np.hstack([rows.mean(axis=1, keepdims=True), rows.std(axis=1, keepdims=True), sums.astype(np.float32)])


def _text_numbers(texts: NDArray[Any]) -> NDArray[np.float32]:
    import zlib

    import numpy as np

    found = np.zeros((len(texts), 3 + TEXT_BUCKETS), np.float32)
    for row, text in enumerate(texts.tolist()):
        if is_missing(text):
            found[row] = np.nan
            continue
        words = str(text).lower().split()
        found[row, :3] = len(str(text)), len(words), len(str(text)) / max(len(words), 1)
        for word in words:
            found[row, 3 + zlib.crc32(word.encode(errors="replace")) % TEXT_BUCKETS] += 1 / len(words)
    return found


@dataclass(frozen=True)
class Names:
    """Counts by name (category), or by hash bucket if there are more than 1,000 names."""

    counts: Mapping[str, int]
    is_bucketed: bool = False

    @classmethod
    def of(cls, found: Distinct) -> Names:
        """Count the values of an array `[n]`; missing ones have the empty name."""
        from collections import Counter

        counts: Counter[str] = Counter()
        pairs = zip(found.values.tolist(), found.counts.tolist(), strict=True)
        for value, count in sorted(pairs) if found.values.dtype.kind in "iu" else pairs:
            counts[printable(_name(value))] += count
        return cls(counts)._bounded()

    def __add__(self, other: Names) -> Names:
        from collections import Counter

        if self.is_bucketed != other.is_bucketed:
            return self.in_buckets() + other.in_buckets()
        return Names(Counter(self.counts) + Counter(other.counts), self.is_bucketed)._bounded()

    def in_buckets(self) -> Names:
        """The counts by hash bucket."""
        import zlib
        from collections import Counter

        if self.is_bucketed:
            return self
        buckets: Counter[str] = Counter()
        for name, count in self.counts.items():
            buckets[f"bucket {zlib.crc32(name.encode(errors='replace')) % MOST_CATEGORIES}"] += count
        return Names(buckets, is_bucketed=True)

    def _bounded(self) -> Names:
        return self if self.is_bucketed or len(self.counts) <= MOST_CATEGORIES else self.in_buckets()


def _name(value: Any) -> str:
    return "" if is_missing(value) else value if isinstance(value, str) else repr(value)

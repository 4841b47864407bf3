"""The rows that repeat, of samples: by their numbers in the splits that were sampled, and with small pictures of images."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from bvtrack.random_states import preserve_random_states
from bvtrack.splits.comparing.repeated import RepeatedRows
from bvtrack.splits.profiling.layout import Layout
from bvtrack.splits.sampling.sample import SplitSample
from bvtrack.splits.thumbnail import thumbnails

logger = logging.getLogger("bvtrack")

MOST_BYTES = 1 << 16
"""Room for the pictures of a split, 64 KiB, about as much as the rest of its report."""

Samples = Mapping[str, SplitSample]


def rows_of_samples(
    found: Iterable[RepeatedRows], samples: Samples, layout: Layout, *, pictures: bool
) -> Iterator[RepeatedRows]:
    """The rows by their numbers in the splits, with thumbnails if the examples are images and `pictures` are wanted."""
    room = MOST_BYTES
    for one in found:
        rows = tuple(_numbered(one, samples))
        numbered = replace(one, rows=rows if one.kind == "near_copy" else tuple(sorted(rows)))  # the surest ones first
        if pictures and numbered.rows:
            numbered, room = _with_thumbnails(numbered, samples, layout, room)
        yield numbered


def _numbered(one: RepeatedRows, samples: Samples) -> Iterator[tuple[int, int]]:
    later, earlier = (samples[name] for name in one.between)
    for places in one.rows:
        row, other = later.row(int(places[0])), earlier.row(int(places[1]))
        if row is not None and other is not None:
            yield row, other


def _with_thumbnails(one: RepeatedRows, samples: Samples, layout: Layout, room: int) -> tuple[RepeatedRows, int]:
    """With pictures of the first pairs, as there is room for, and the room that is left; without any where they fail."""
    part = next((part.name for part in layout.parts if part.kind == "image"), None)
    if part is None:
        return one, room
    try:
        sides = [_pictures(samples[name], part, [int(rows[side]) for rows in one.rows]) for side, name in _shown(one)]
    except Exception as error:  # reading a user's own dataset may raise anything
        logger.debug("bvtrack: no pictures of the rows that repeat (%r)", error)
        return one, room
    kept: list[tuple[str, ...]] = []
    for pair in zip(*sides, strict=True):
        room -= sum(map(len, pair))
        if room < 0:
            break
        kept.append(pair)
    return replace(one, thumbnails=tuple(kept)), max(room, 0)


def _shown(one: RepeatedRows) -> Sequence[tuple[int, str]]:
    """The sides of each pair that are shown: of copies one is enough."""
    return [*enumerate(one.between)][: 1 if one.kind == "copy" else 2]


def _pictures(sample: SplitSample, part: str, rows: Sequence[int]) -> list[str]:
    if sample.look is None:
        return []
    with preserve_random_states():
        return thumbnails(sample.look(rows)[part])

"""Near copies across two splits: texts of the later one that share nearly all words with one of the earlier one."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bvtrack.splits.near_duplicates.images import checked_descriptors
from bvtrack.splits.reading.random_subset import SEED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Indices = NDArray[np.int64]

LEAK_SIMILARITY = 0.8
"""A near copy from this similarity on: the words in both texts over those in either (Jaccard)."""
LOOK_SIMILARITY = 0.7
FEWEST_WORDS = 10
"""With fewer different words one other word already takes the similarity to 0.8 or less."""
N_HASHES = 128
"""Bytes of a signature: the standard error of a similarity of 0.8 is 0.035."""


@dataclass(frozen=True, eq=False)
class NearDuplicateTexts:
    """Rows `[n_found]`: the text `later` is a near copy of the text `earlier` of the other split (indices from 0), and their
    `similarity` is estimated, from `LOOK_SIMILARITY` to 1 (the same words).
    """

    earlier: Indices
    later: Indices
    similarity: NDArray[np.float64]

    @property
    def is_leak(self) -> NDArray[np.bool_]:
        """Which rows, `[n_found]`, are near enough to be one; the others are worth a look."""
        return self.similarity >= LEAK_SIMILARITY


def describe_texts(texts: Sequence[str]) -> Bytes:
    """MinHash signatures `[n, 128]` of the texts' sets of words (order, case and repetition do not count); 0 throughout one
    of a text with fewer than 10 words.

    Raises `ValueError` for a text on its own, and for what is no text.

    >>> describe_texts(["one two three four five six seven eight nine ten", "too short"]).any(axis=1)
    array([ True, False])
    """
    import numpy as np

    if isinstance(texts, str):
        raise ValueError("expected several texts; got one: put it into a list")
    multipliers, offsets = np.random.default_rng(SEED).integers(2**32, size=(2, N_HASHES), dtype=np.uint32)
    signatures = np.zeros((len(texts), N_HASHES), np.uint8)
    for signature, text in zip(signatures, texts, strict=True):
        if len(words := _words(text)) >= FEWEST_WORDS:
            codes = np.array([zlib.crc32(word.encode(errors="replace")) for word in words], np.uint32)
            least = (codes[:, None] * (multipliers | 1) + offsets).min(axis=0)
            signature[:] = least >> 8 & 255
    return signatures


def _words(text: str) -> set[str]:
    if not isinstance(text, str):
        raise ValueError(f"expected texts; got {type(text).__name__}")
    return set(re.findall(r"\w+", text.lower()))


def near_duplicate_texts(earlier: Bytes, later: Bytes) -> NearDuplicateTexts:
    """Which of the `later` texts are near copies of `earlier` ones, by the signatures `[n, 128]` of both.

    Of the earlier texts that share 8 certain bytes of it only the first is compared, for 32 choices of the 8. That finds nearly
    all of similarity 0.8, and takes no longer where thousands are alike.

    Raises `ValueError` for what is no signatures of texts.

    >>> text = "the quick brown fox jumps over the lazy dog while seven cats look on"
    >>> near_duplicate_texts(describe_texts(["short", text]), describe_texts([text.upper()])).earlier
    array([1])
    """
    import numpy as np

    earlier, later = (checked_descriptors(signatures, N_HASHES, "describe_texts") for signatures in (earlier, later))
    earlier_rows, later_rows = np.flatnonzero(earlier.any(axis=1)), np.flatnonzero(later.any(axis=1))
    known, asked = earlier[earlier_rows], later[later_rows]
    nearest, similarity = np.zeros(len(asked), np.int64), np.zeros(len(asked))
    for known_band, asked_band in zip(_bands(known), _bands(asked), strict=True) if len(known) else ():
        candidate = _first_of_equals(known_band, asked_band)
        is_equal = known_band[candidate] == asked_band
        estimate = np.where(is_equal, _similarity(known[candidate], asked), 0)
        nearest = np.where(estimate > similarity, candidate, nearest)
        similarity = np.maximum(estimate, similarity)
    found = np.flatnonzero(similarity >= LOOK_SIMILARITY)
    return NearDuplicateTexts(earlier_rows[nearest[found]], later_rows[found], similarity[found])


def _bands(signatures: Bytes) -> NDArray[np.uint64]:
    """Keys `[32, n]` of 8 bytes each: the signature cut into 16, and again across."""
    import numpy as np

    cut = signatures.reshape(-1, N_HASHES // 8, 8)
    across = signatures.reshape(-1, 8, N_HASHES // 8).transpose(0, 2, 1)
    return np.ascontiguousarray(np.hstack([cut, across])).view(np.uint64)[..., 0].T


def _first_of_equals(known: NDArray[np.uint64], asked: NDArray[np.uint64]) -> Indices:
    """For each of `asked` the first index with that key among the `known`, or any index where there is none."""
    import numpy as np

    order = np.argsort(known, kind="stable")
    position = np.searchsorted(known, asked, sorter=order)
    first: Indices = order[position.clip(max=len(known) - 1)]
    return first


def _similarity(known: Bytes, asked: Bytes) -> NDArray[np.float64]:
    """The Jaccard similarity that the share of equal bytes says, of which 1 in 256 are equal by chance."""
    share: NDArray[np.float64] = (known == asked).mean(axis=1)
    return (share - 1 / 256) / (1 - 1 / 256)

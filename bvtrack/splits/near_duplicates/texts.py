"""Near-duplicate texts across two splits, which share nearly all words, by MinHash and locality-sensitive hashing."""

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
"""A near duplicate from this Jaccard similarity on: the words in both texts over those in either."""
LOOK_SIMILARITY = 0.7
FEWEST_WORDS = 10
"""With fewer distinct words, one other word already lowers the similarity to 0.8 or less."""
N_HASHES = 128
"""Bytes of a signature: the standard error of a similarity of 0.8 is 0.035."""


@dataclass(frozen=True, eq=False)
class NearDuplicateTexts:
    """Pairs `[n_found]`: text `later` is a near duplicate of text `earlier` of the other split (indices from 0), with an
    estimated `similarity` from `LOOK_SIMILARITY` to 1 (the same words).
    """

    earlier: Indices
    later: Indices
    similarity: NDArray[np.float64]

    @property
    def is_leak(self) -> NDArray[np.bool_]:
        """Mask `[n_found]` of the pairs similar enough to be a leak; the others are worth a look."""
        return self.similarity >= LEAK_SIMILARITY

    @property
    def n_leaks(self) -> int:
        """Number of the pairs that are a leak."""
        return int(self.is_leak.sum())

    @property
    def surest(self) -> list[tuple[int, int]]:
        """The leaks as pairs of a later and an earlier text, the surest first."""
        order = (-self.similarity).argsort(kind="stable")[: self.n_leaks]
        return [*zip(self.later[order].tolist(), self.earlier[order].tolist(), strict=True)]


def describe_texts(texts: Sequence[str]) -> Bytes:
    """MinHash signatures `[n, 128]` of the texts' sets of words (order, case and repetition do not count); all zeros for a text
    with fewer than 10 words.

    Raises `ValueError` for a single text, and for items that are not texts.

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
    """Find the `later` texts that are near duplicates of `earlier` ones, from the signatures `[n, 128]` of both.

    Locality-sensitive hashing with 32 bands of 8 bytes: in each band, only the first earlier text with equal bytes is compared.
    That finds nearly all pairs of similarity 0.8, and takes no longer if thousands are alike.

    Raises `ValueError` for arrays that are not signatures of texts.

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
    """LSH keys `[32, n]` of 8 bytes each: 16 contiguous bands of the signature, and 16 strided ones."""
    import numpy as np

    cut = signatures.reshape(-1, N_HASHES // 8, 8)
    across = signatures.reshape(-1, 8, N_HASHES // 8).transpose(0, 2, 1)
    return np.ascontiguousarray(np.hstack([cut, across])).view(np.uint64)[..., 0].T


def _first_of_equals(known: NDArray[np.uint64], asked: NDArray[np.uint64]) -> Indices:
    """For each key of `asked` the first index with that key in `known`, or any index if there is none."""
    import numpy as np

    order = np.argsort(known, kind="stable")
    position = np.searchsorted(known, asked, sorter=order)
    first: Indices = order[position.clip(max=len(known) - 1)]
    return first


def _similarity(known: Bytes, asked: Bytes) -> NDArray[np.float64]:
    """Jaccard similarity estimated from the share of equal bytes, corrected for the 1 in 256 that are equal by chance."""
    share: NDArray[np.float64] = (known == asked).mean(axis=1)
    return (share - 1 / 256) / (1 - 1 / 256)

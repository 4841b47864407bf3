"""What was read otherwise than it is written: words read as missing numbers, numbers read as texts, labels not compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

MOST_WORDS = 20
"""Distinct words kept by column."""


@dataclass(frozen=True)
class Words:
    """The `n` values of a numeric column that are no numbers, with the `counts` of the first distinct ones, and the first `row`
    that holds one, from 1; `None` if the parts of a split were read in no known order.
    """

    n: int
    counts: Mapping[str, int]
    row: int | None

    def __or__(self, other: Words) -> Words:
        counts = dict(self.counts)
        for word, count in other.counts.items():
            if word in counts or len(counts) < MOST_WORDS:
                counts[word] = counts.get(word, 0) + count
        rows = [row for row in (self.row, other.row) if row is not None]
        return Words(self.n + other.n, counts, min(rows) if len(rows) == 2 else None)


@dataclass(frozen=True)
class Remarks:
    """`words` by column, the columns whose numbers or dates were read `as_texts`, and whether labels were `ignored`."""

    words: Mapping[str, Words] = field(default_factory=dict)
    as_texts: frozenset[str] = frozenset()
    ignored_labels: bool = False

    def __or__(self, other: Remarks) -> Remarks:
        words = dict(self.words)
        for name, found in other.words.items():
            words[name] = words[name] | found if name in words else found
        return Remarks(words, self.as_texts | other.as_texts, self.ignored_labels or other.ignored_labels)

    def without_rows(self) -> Remarks:
        """The remarks on one of several parts, whose rows are numbered anew."""
        return replace(self, words={name: replace(found, row=None) for name, found in self.words.items()})

    def to_json(self) -> dict[str, Any]:
        """The remarks as JSON types."""
        words = {name: {"n": found.n, "counts": dict(found.counts), "row": found.row} for name, found in self.words.items()}
        return {"words": words, "as_texts": sorted(self.as_texts), "ignored_labels": self.ignored_labels}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        words = {name: Words(**found) for name, found in content["words"].items()}
        return cls(words, frozenset(content["as_texts"]), content["ignored_labels"])

"""Notes on what was read otherwise than it is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bvtrack.splits.finding import Finding
from bvtrack.splits.finding_codes import FindingCode, named
from bvtrack.splits.profiling.profile import SplitProfile


def remarks_on(sets: Mapping[str, SplitProfile]) -> Iterator[Finding]:
    """Words that were read as missing numbers, and numbers that were read as texts, by set and column."""
    for split, found in sets.items():
        for column, words in found.remarks.words.items():
            yield FindingCode.WORDS_READ_AS_MISSING.finding(
                split=split,
                column=column,
                n=words.n,
                total=found.n,
                words=named(list(words.counts)),
                in_row=words.row is not None,
                row=words.row or 0,
            )
        if found.remarks.as_texts:
            yield FindingCode.READ_AS_TEXTS.finding(split=split, columns=named(sorted(found.remarks.as_texts)))

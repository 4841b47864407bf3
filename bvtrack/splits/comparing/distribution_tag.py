"""What the comparison of distributions comes to: a value to filter by, and a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bvtrack.splits.comparing.detectable import POWER, Detectable, from_json, in_words

LEAK = " + leak"
"""The end of a verdict on sets that share examples."""
NOTHING_FOUND = ("same", "no_shift_found")
WORDS = {
    "same": "no difference was found",
    "no_shift_found": "no difference was found",
    "not_iid": "same, but not i.i.d.: too little apart to matter",
    "shifted": "shifted",
}


def tag_of_verdict(verdict: str, detectable: Sequence[Detectable]) -> str:
    """The value of `bvtrack.distribution`, but for a leak: `same` is said only if no difference that matters would have been
    missed, but in one case of five.

    >>> tag_of_verdict("same", [Detectable("train", "dev", "mean", False, size=0.3, harmless=0.1)])
    'no_shift_found'
    """
    match verdict.removesuffix(LEAK):
        case "shifted":
            return "shifted"
        case "same, but not i.i.d.":
            return "not_iid"
        case "same" if detectable and all(one.is_harmless for one in detectable):
            return "same"
    return "no_shift_found"


def would_have_been_seen(detectable: Sequence[Detectable]) -> str:
    """A sentence on the smallest differences that would have been found, without a full stop; empty if none is known.

    >>> would_have_been_seen([Detectable("train", "dev", "mean", False, size=0.3, harmless=0.1)])
    'one of 0.3 standard deviations in a column would have been seen (80 % power)'
    """
    smallest = in_words(detectable)
    return f"one of {smallest} would have been seen ({100 * POWER:.0f} % power)" if smallest else ""


class DistributionWords(NamedTuple):
    """What was found, and how large a difference would have been seen where none was, with a semicolon before it."""

    verdict: str
    seen: str


def distribution_in_words(written: Mapping[str, Any]) -> DistributionWords | None:
    """The comparison in a report that was written as JSON; `None` if there is none. Raises `TypeError` or `LookupError` for
    other content.

    >>> distribution_in_words({"verdict": "unclear + leak"})
    DistributionWords(verdict='no difference was found', seen='')
    """
    if not written:
        return None
    detectable = from_json(written.get("detectable"))
    tag = tag_of_verdict(written["verdict"], detectable)
    seen = would_have_been_seen(detectable) if tag in NOTHING_FOUND else ""
    return DistributionWords(WORDS[tag], f"; {seen}" if seen else "")

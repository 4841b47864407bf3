"""Format and parse the tag `bvtrack.gaps`, whose value anybody may have changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.error_rates.error_rate import is_finite_number, is_fraction
from bvtrack.measures.unit import UNIT_KINDS, UnitKind
from bvtrack.schema.stored_numbers import MOST_EXAMPLES, rounded
from bvtrack.schema.stored_repeats import StoredRepeats, read_repeats, repeats_content

if TYPE_CHECKING:
    from bvtrack.diagnosis.diagnosis import Diagnosis
    from bvtrack.diagnosis.repeats import Repeated


@dataclass(frozen=True, slots=True)
class StoredGaps:
    """The valid parts of the tag.

    `errors` are fractions, and `counts` their numbers of examples, by set; `widths` are by gap. `human_error` is the baseline
    of the train error, `digest` the digest of what an audit has read. `optimism` is that of a dev error that is the lowest of
    `n_epochs`. `unit` is the kind of errors that are no error rates. `repeats` are those of a configuration, whose errors are
    means over them; `None` for a single run.
    """

    errors: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    widths: Mapping[str, float] = field(default_factory=dict)
    human_error: float | None = None
    digest: str | None = None
    unit: UnitKind | None = None
    n_epochs: int = 1
    optimism: float = 0.0
    repeats: StoredRepeats | None = None


def gaps_text(diagnosis: Diagnosis, digest: str | None = None, repeated: Repeated | None = None) -> str:
    """The value for a diagnosis: its gaps with their intervals, its errors, counts and human error; for that of a
    configuration the spread over its repeats, too.
    """
    content: dict[str, Any] = {
        "gaps": {name: [rounded(gap.value), rounded(gap.low), rounded(gap.high)] for name, gap in diagnosis.gaps.items()},
        "errors": {name: rounded(error) for name, error in diagnosis.errors.items()},
        "n": dict(diagnosis.counts),
        "human": rounded(diagnosis.human_error),
    }
    content |= {} if diagnosis.unit.is_error_rate else {"unit": diagnosis.unit.kind}
    if expected := rounded(diagnosis.optimism.expected):
        content["optimism"] = [expected, diagnosis.optimism.n_epochs]
    content |= {} if repeated is None else {"repeats": repeats_content(repeated)}
    return json.dumps(content if digest is None else {**content, "read": digest}, separators=(",", ":"))


def read_gaps(text: str) -> StoredGaps:
    """Parse a value; each part is validated separately, and left out if it is invalid.

    >>> read_gaps('{"errors": {"train": 0.01, "dev": "high", "constructor": 0.1}, "n": {"train": 500, "dev": -1}}').errors
    {'train': 0.01}
    >>> read_gaps('{"gaps": {"variance": [0.1, 0.05, 0.15], "avoidable_bias": [1e300]}}').widths
    {'variance': 0.1}
    >>> read_gaps("[" * 8000) == StoredGaps()
    True
    """
    try:
        content = json.loads(text or "{}")
    except (ValueError, RecursionError):  # no JSON, or too deeply nested
        content = {}
    if not isinstance(content, dict):
        return StoredGaps()
    human_error, digest = content.get("human"), content.get("read")
    optimism, n_epochs = _optimism(content.get("optimism"))
    return StoredGaps(
        errors={name: one for name, one in _part(content, "errors").items() if name in SET_NAMES and is_fraction(one)},
        counts={name: n for name, n in _part(content, "n").items() if isinstance(n, int) and 0 < n < MOST_EXAMPLES},
        widths={name: ends[0] for name, ends in _part(content, "gaps").items() if _is_gap(ends)},
        human_error=human_error if is_fraction(human_error) else None,
        digest=digest if isinstance(digest, str) else None,
        unit=_unit_kind(content.get("unit")),
        n_epochs=n_epochs,
        optimism=optimism,
        repeats=read_repeats(content.get("repeats")),
    )


def _unit_kind(written: object) -> UnitKind | None:
    return next((kind for kind in UNIT_KINDS if kind == written), None)


def _part(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = content.get(key)
    return part if isinstance(part, dict) else {}


def _optimism(found: object) -> tuple[float, int]:
    match found:
        case [float() | int() as expected, int(n_epochs)] if is_fraction(expected) and 0 < n_epochs < MOST_EXAMPLES:
            return expected, n_epochs
        case _:
            return 0.0, 1


def _is_gap(ends: object) -> bool:
    return isinstance(ends, list) and bool(ends) and is_finite_number(ends[0]) and -1 <= ends[0] <= 1

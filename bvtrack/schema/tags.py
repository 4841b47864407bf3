"""All tags of a run: name, writers, format and parser of each.

A new tag is a line here, and a field of `RunFacts` if no field has its value yet. Writing, reading and `audit --undo` follow
from that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from bvtrack.measures.measure import unit_of
from bvtrack.measures.unit import Unit
from bvtrack.schema.gaps import StoredGaps, gaps_text, read_gaps
from bvtrack.schema.model_tags import MODEL, model_tags
from bvtrack.schema.tag_texts import recipe_line

if TYPE_CHECKING:
    from bvtrack.diagnosis.run_verdict import Verdict

Tags = Mapping[str, str | None]
"""Values by name; `None` for a tag that does not apply, or is to be removed."""
Writer = Literal["training", "audit"]
"""`training` is a callback or a Tracker, `audit` is `bvtrack audit`."""
BOTH: Collection[Writer] = ("training", "audit")
PREFIX = "bvtrack."
ID = "bvtrack.id"
"""Our own id of a run, assigned before MLflow's; a training that is resumed, or sent later, finds its run by it."""
AUDIT = "audit"
"""The value of `bvtrack.source` for runs tagged by an audit."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """The facts about a run from which its tags are written.

    `measure` names the kind of error, `baseline` is the source of the human error, `model` the fields of `ModelFacts` by name,
    and `digest` the digest of what an audit has read.
    """

    verdict: Verdict | None = None
    state: str | None = None
    source: str | None = None
    version: str | None = None
    baseline: str | None = None
    measure: str | None = None
    split: str | None = None
    distribution: str | None = None
    model: Mapping[str, object] = field(default_factory=dict)
    digest: str | None = None


@dataclass(frozen=True)
class Tag(Generic[_Value]):
    """A tag: `text` formats its value, `parse` reads it (`ValueError` for an invalid one), and `writers` write it.

    If `is_of_verdict`, it is left unchanged while there is no verdict.
    """

    name: str
    text: Callable[[RunFacts], str | None]
    parse: Callable[[str], _Value]
    writers: Collection[Writer] = BOTH
    is_of_verdict: bool = False

    def read(self, tags: Tags) -> _Value | None:
        """The parsed value of a run's tag; `None` if it is missing or does not parse."""
        text = tags.get(self.name)
        try:
            return None if text is None else self.parse(text)
        except ValueError:
            return None


def _verdict_tag(name: str, text: Callable[[Verdict], str | None], parse: Callable[[str], _Value]) -> Tag[_Value]:
    return Tag(name, lambda facts: text(facts.verdict) if facts.verdict else None, parse, is_of_verdict=True)


def _gaps(facts: RunFacts) -> str | None:
    diagnosis = facts.verdict.diagnosis if facts.verdict else None
    return gaps_text(diagnosis, facts.digest) if diagnosis and diagnosis.errors else None


DIAGNOSIS = _verdict_tag("bvtrack.diagnosis", lambda verdict: verdict.diagnosis.tag, str)
FOCUS = _verdict_tag("bvtrack.focus", lambda verdict: verdict.diagnosis.focus, str)
CERTAINTY = _verdict_tag("bvtrack.certainty", lambda verdict: verdict.diagnosis.certainty, str)
CURVE = _verdict_tag("bvtrack.curve", lambda verdict: verdict.curve, str)
NEXT_STEP = _verdict_tag("bvtrack.next_step", lambda verdict: verdict.steps[0].id if verdict.steps else None, str)
RECIPE = _verdict_tag("bvtrack.recipe", lambda verdict: recipe_line(verdict.steps), str)
GAPS = Tag("bvtrack.gaps", _gaps, read_gaps, is_of_verdict=True)
EPOCH = _verdict_tag("bvtrack.epoch", lambda verdict: None if verdict.epoch is None else str(verdict.epoch), int)
BASELINE = Tag("bvtrack.baseline", lambda facts: facts.baseline, str)
SPLIT = Tag("bvtrack.split", lambda facts: facts.split, str)
DISTRIBUTION = Tag("bvtrack.distribution", lambda facts: facts.distribution, str, writers=["training"])
MEASURE = Tag("bvtrack.measure", lambda facts: facts.measure, str)
SOURCE = Tag("bvtrack.source", lambda facts: facts.source, str)
STATE = Tag("bvtrack.state", lambda facts: facts.state, str, writers=["training"])
VERSION = Tag("bvtrack.version", lambda facts: facts.version, str)

TAGS: Sequence[Tag[Any]] = (
    *(DIAGNOSIS, FOCUS, CERTAINTY, CURVE, NEXT_STEP, RECIPE, GAPS, EPOCH),
    *(BASELINE, SPLIT, DISTRIBUTION, MEASURE, SOURCE, STATE, VERSION),
)
"""All tags that are written, except `bvtrack.id` and those of the model."""


def tags_of(facts: RunFacts, writer: Writer) -> dict[str, str | None]:
    """All tags that this writer sets on a run."""
    own = (tag for tag in TAGS if writer in tag.writers and (facts.verdict or not tag.is_of_verdict))
    return {**{tag.name: tag.text(facts) for tag in own}, **model_tags(facts.model)}


def verdict_tags(verdict: Verdict) -> dict[str, str | None]:
    """The tags that depend on the verdict alone."""
    facts = RunFacts(verdict=verdict)
    return {tag.name: tag.text(facts) for tag in TAGS if tag.is_of_verdict}


def gaps_of(tags: Tags) -> StoredGaps:
    """The parsed `bvtrack.gaps` of a run; empty if it has none."""
    return GAPS.read(tags) or StoredGaps()


def unit_in(tags: Tags) -> Unit:
    """What the errors in a run's tags are fractions of. Tags that do not say it tell by their counts, which only error rates
    have, and by the name of the measure.

    >>> unit_in({"bvtrack.measure": "1 - val_r2"}).kind
    'variance'
    """
    gaps, measure = gaps_of(tags), MEASURE.read(tags) or ""
    return unit_of(measure, "error_rate" if gaps.unit is None and gaps.counts else gaps.unit)


def states_in(tags: Tags) -> tuple[str, ...]:
    """Everything that a run was found to be: the parts of its diagnosis, and the value of its curve.

    >>> states_in({"bvtrack.diagnosis": "high_bias+high_variance", "bvtrack.curve": "overtrained"})
    ('high_bias', 'high_variance', 'overtrained')
    """
    diagnosis, curve = DIAGNOSIS.read(tags), CURVE.read(tags)
    return tuple(dict.fromkeys((*(diagnosis.split("+") if diagnosis else ()), *((curve,) if curve else ()))))


def is_written_by(writer: Writer, name: str) -> bool:
    """True if this writer sets a tag of this name.

    >>> is_written_by("audit", "bvtrack.model.dropout"), is_written_by("audit", "bvtrack.state")
    (True, False)
    """
    return name.startswith(MODEL) or any(tag.name == name and writer in tag.writers for tag in TAGS)

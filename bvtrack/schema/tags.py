"""All tags of a run: name, writers, format and parser of each, in the order in which MLflow's page of a run shows them.

A new tag is a line here, and a field of `RunFacts` if no field has its value yet. Writing, reading and `audit --undo` follow
from that. A run's page lists tags as the store does (MLflow 3.17): SQLite in the order of their first writing, so the first
ones are written before the first epoch, with placeholders. PostgreSQL 15 moves a row that is updated if its page is full of
other runs' rows: of 13 runs in a small database the diagnosis was among the first four of 8, in one of 28,000 tags of 11 of 12.
A folder of files has no order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.measures.measure import unit_of
from bvtrack.measures.unit import Unit
from bvtrack.schema.gaps import StoredGaps, gaps_text, read_gaps
from bvtrack.schema.model_text import model_text, read_facts

if TYPE_CHECKING:
    from bvtrack.diagnosis.repeats import Repeated
    from bvtrack.diagnosis.run_verdict import Verdict

Tags = Mapping[str, str | None]
"""Values by name; `None` for a tag that does not apply, or is to be removed."""
Writer = Literal["training", "audit", "repeats"]
"""`training` is a callback or a Tracker, `audit` is `bvtrack audit`, `repeats` whatever tags the parent of a configuration."""
ALL: Collection[Writer] = ("training", "audit", "repeats")
PREFIX = "bvtrack."
ID = "bvtrack.id"
"""Our own id of a run, assigned before MLflow's; a training that is resumed, or sent later, finds its run by it."""
GROUP = "bvtrack.group"
"""The name of the configuration whose repeat a run is, given by whoever trained it (`bvtrack.group`)."""
OF_GROUP = "group"
"""The value of `bvtrack.source` for a parent run tagged as its repeats ended."""
AUDIT = "audit"
"""The value of `bvtrack.source` for runs tagged by an audit."""
PENDING = "pending"
"""The value of a tag of the verdict until there is one; it is read as no value."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """The facts about a run from which its tags are written.

    `measure` names the kind of error, `baseline` is the source of the human error, `model` the fields of `ModelFacts` by name,
    and `digest` the digest of what an audit has read. `repeated` is the verdict on a configuration, of which `verdict` is part.
    """

    verdict: Verdict | None = None
    state: str | None = None
    source: str | None = None
    baseline: str | None = None
    measure: str | None = None
    split: str | None = None
    distribution: str | None = None
    model: Mapping[str, object] = field(default_factory=dict)
    digest: str | None = None
    repeated: Repeated | None = None


@dataclass(frozen=True)
class Tag(Generic[_Value]):
    """A tag: `text` formats its value, `parse` reads it (`ValueError` for an invalid one), and `writers` write it.

    If `is_of_verdict`, it is left unchanged while there is no verdict.
    """

    name: str
    text: Callable[[RunFacts], str | None]
    parse: Callable[[str], _Value]
    writers: Collection[Writer] = ALL
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


def _settled(text: str) -> str:
    if text == PENDING:
        raise ValueError("there is no verdict yet")
    return text


def _gaps(facts: RunFacts) -> str | None:
    diagnosis = facts.verdict.diagnosis if facts.verdict else None
    return gaps_text(diagnosis, facts.digest, facts.repeated) if diagnosis and (diagnosis.errors or facts.repeated) else None


DIAGNOSIS = _verdict_tag("bvtrack.diagnosis", lambda verdict: verdict.diagnosis.tag, _settled)
NEXT_STEP = _verdict_tag("bvtrack.next_step", lambda verdict: verdict.steps[0].id if verdict.steps else None, _settled)
CERTAINTY = _verdict_tag("bvtrack.certainty", lambda verdict: verdict.diagnosis.certainty, _settled)
SPLIT = Tag("bvtrack.split", lambda facts: facts.split, str)
REPEATS = Tag("bvtrack.repeats", lambda facts: facts.repeated.in_short if facts.repeated else None, str, writers=["repeats"])
CURVE = _verdict_tag("bvtrack.curve", lambda verdict: verdict.curve, str)
EPOCH = _verdict_tag("bvtrack.epoch", lambda verdict: None if verdict.epoch is None else str(verdict.epoch), int)
MEASURE = Tag("bvtrack.measure", lambda facts: facts.measure, str)
BASELINE = Tag("bvtrack.baseline", lambda facts: facts.baseline, str)
DISTRIBUTION = Tag("bvtrack.distribution", lambda facts: facts.distribution, str, writers=["training"])
STATE = Tag("bvtrack.state", lambda facts: facts.state, str, writers=["training"])
SOURCE = Tag("bvtrack.source", lambda facts: facts.source, str)
GAPS = Tag("bvtrack.gaps", _gaps, read_gaps, is_of_verdict=True)
MODEL = Tag("bvtrack.model", lambda facts: model_text(facts.model), read_facts)

FIRST: Sequence[Tag[Any]] = (DIAGNOSIS, NEXT_STEP, CERTAINTY, SPLIT)
"""The tags that a person looks for."""
TAGS: Sequence[Tag[Any]] = (*FIRST, REPEATS, CURVE, EPOCH, MEASURE, BASELINE, DISTRIBUTION, STATE, SOURCE, GAPS, MODEL)
"""All tags that are written, except `bvtrack.id` and `bvtrack.group`."""
AWAITED: Sequence[Tag[Any]] = (DIAGNOSIS, NEXT_STEP, CERTAINTY)
"""The tags that have a placeholder while there is no verdict."""
OF_MODEL_BEFORE = "bvtrack.model."
"""Common prefix of the tags that earlier versions had for each fact of the model."""
VERSION_BEFORE = Tag("bvtrack.version", lambda facts: None, str)
BEFORE = ("bvtrack.focus", "bvtrack.recipe", VERSION_BEFORE.name)
"""Tags of earlier versions, whose content is in `diagnosis.json` now."""


def tags_of(facts: RunFacts, writer: Writer) -> dict[str, str | None]:
    """All tags that this writer sets on a run, the first ones first; without a verdict those of it have placeholders, or are
    left as they are.
    """
    own = (tag for tag in TAGS if writer in tag.writers and (facts.verdict or not tag.is_of_verdict))
    awaited = {} if facts.verdict else placeholders(facts.state)
    return awaited | {tag.name: tag.text(facts) for tag in own}


def placeholders(state: str | None) -> dict[str, str | None]:
    """The tags of a run without a verdict: `pending` while there may still be one, and once the training is over, those of a
    run in which no error was found.

    >>> placeholders("running")["bvtrack.diagnosis"], placeholders("failed")["bvtrack.diagnosis"]
    ('pending', 'undetermined')
    """
    if state == "running":
        return {tag.name: PENDING for tag in AWAITED}
    without = Diagnosis.without_gaps("undetermined")
    return {DIAGNOSIS.name: without.tag, NEXT_STEP.name: None, CERTAINTY.name: without.certainty}


def first_of(tags: Tags) -> dict[str, str]:
    """Those of the tags that are to be written before any other, in their order."""
    return {tag.name: value for tag in FIRST if (value := tags.get(tag.name)) is not None}


def verdict_tags(verdict: Verdict) -> dict[str, str | None]:
    """The tags that depend on the verdict alone."""
    facts = RunFacts(verdict=verdict)
    return {tag.name: tag.text(facts) for tag in TAGS if tag.is_of_verdict}


def is_obsolete(name: str) -> bool:
    """True for a tag that an earlier version wrote and this one does not.

    >>> is_obsolete("bvtrack.model.dropout"), is_obsolete("bvtrack.model")
    (True, False)
    """
    return name in BEFORE or name.startswith(OF_MODEL_BEFORE)


def obsolete_in(tags: Tags) -> dict[str, str | None]:
    """The removal of the obsolete tags among these; a run with a verdict on a training of its own is no configuration's."""
    return {name: None for name in tags if is_obsolete(name) or name == REPEATS.name}


def gaps_of(tags: Tags) -> StoredGaps:
    """The parsed `bvtrack.gaps` of a run; empty if it has none."""
    return GAPS.read(tags) or StoredGaps()


def is_configuration(tags: Tags) -> bool:
    """True for the tags of a parent run whose verdict is one over its repeats, and that has no training of its own.

    >>> is_configuration({"bvtrack.repeats": "5 seeds: dev 11.2 ± 0.4 %"}), is_configuration({})
    (True, False)
    """
    return REPEATS.read(tags) is not None


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


def is_tracked(tags: Tags) -> bool:
    """True for the tags of a run that a callback or a Tracker has tagged, perhaps without an error to log.

    >>> is_tracked({"bvtrack.source": "callback"}), is_tracked({"bvtrack.source": "audit"}), is_tracked({})
    (True, False, False)
    """
    return SOURCE.read(tags) not in (None, AUDIT)


def is_written_by(writer: Writer, name: str) -> bool:
    """True if this writer sets a tag of this name, or did so in an earlier version.

    >>> is_written_by("audit", "bvtrack.model"), is_written_by("audit", "bvtrack.state")
    (True, False)
    """
    return is_obsolete(name) or any(tag.name == name and writer in tag.writers for tag in TAGS)

"""Every tag of a run, once: its name, who writes it, what it says, and how it is read, whoever has written it.

A new tag is a line here, and a field of `RunFacts` where nothing says yet what it is to say. What is written, what is read and
what `audit --undo` removes follow from that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from bvtrack.schema.gaps import StoredGaps, gaps_text, read_gaps
from bvtrack.schema.model_tags import MODEL, model_tags
from bvtrack.schema.tag_texts import recipe_line

if TYPE_CHECKING:
    from bvtrack.diagnosis.run_verdict import Verdict

Tags = Mapping[str, str | None]
"""By name; a tag that is `None` does not apply, or is to be removed."""
Writer = Literal["training", "audit"]
"""A callback or a Tracker, or `bvtrack audit`."""
BOTH: Collection[Writer] = ("training", "audit")
PREFIX = "bvtrack."
ID = "bvtrack.id"
"""Given to a run of our own before MLflow has named it: by it a training that is resumed, or sent later, finds its run."""
AUDIT = "audit"
"""The value of `bvtrack.source` for what an audit wrote."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What the tags say of a run.

    `measure` is what the errors are, `baseline` where the human error is from, `model` the fields of `ModelFacts` by name, and
    `digest` that of what an audit has read.
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
    """A tag: what it says of a run (`text`), what a text says (`parse`), and who writes it.

    `is_of_verdict` says that it stays as it is while there is no verdict.
    """

    name: str
    text: Callable[[RunFacts], str | None]
    parse: Callable[[str], _Value]
    writers: Collection[Writer] = BOTH
    is_of_verdict: bool = False

    def read(self, tags: Tags) -> _Value | None:
        """What a run's tag says; `None` where it has none, or one that says nothing of the kind."""
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
"""All but `bvtrack.id` and those of the model: what is not here is not written."""


def tags_of(facts: RunFacts, writer: Writer) -> dict[str, str | None]:
    """Every tag that this writer gives a run."""
    own = (tag for tag in TAGS if writer in tag.writers and (facts.verdict or not tag.is_of_verdict))
    return {**{tag.name: tag.text(facts) for tag in own}, **model_tags(facts.model)}


def verdict_tags(verdict: Verdict) -> dict[str, str | None]:
    """The tags that a verdict sets by itself."""
    facts = RunFacts(verdict=verdict)
    return {tag.name: tag.text(facts) for tag in TAGS if tag.is_of_verdict}


def gaps_of(tags: Tags) -> StoredGaps:
    """What a run's `bvtrack.gaps` holds; nothing where it has none."""
    return GAPS.read(tags) or StoredGaps()


def is_written_by(writer: Writer, name: str) -> bool:
    """Whether this writer gives runs a tag of this name.

    >>> is_written_by("audit", "bvtrack.model.dropout"), is_written_by("audit", "bvtrack.state")
    (True, False)
    """
    return name.startswith(MODEL) or any(tag.name == name and writer in tag.writers for tag in TAGS)

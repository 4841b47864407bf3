"""Every tag of a run, once: its name, who writes it, what it says, and how it is read, whoever has written it.

A new tag is a line here, and a field of `RunFacts` where nothing says yet what it is to say. What is written, what is read and
what `audit --undo` removes follow from that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from bvtrack.schema.gaps import gaps_text, read_gaps
from bvtrack.schema.model_tags import MODEL, model_tags

if TYPE_CHECKING:
    from bvtrack.diagnosis.recipe import Step
    from bvtrack.diagnosis.run_verdict import Verdict

Tags = Mapping[str, str | None]
"""By name; a tag that is `None` does not apply, or is to be removed."""
Writer = Literal["training", "audit"]
"""A callback or a Tracker, or `bvtrack audit`."""
BOTH: Collection[Writer] = ("training", "audit")
PREFIX = "bvtrack."
ID = f"{PREFIX}id"
"""Given to a run of our own before MLflow has named it: by it a training that is resumed, or sent later, finds its run."""
AUDIT = "audit"
"""The value of `bvtrack.source` for what an audit wrote."""
RECIPE_LENGTH = 250

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
    return Tag(PREFIX + name, lambda facts: text(facts.verdict) if facts.verdict else None, parse, is_of_verdict=True)


def recipe_line(steps: Sequence[Step]) -> str | None:
    """The ranked steps in one line; the last ones are left out where the line would be too long for the tag."""
    if not steps:
        return None
    line = " > ".join(step.title for step in steps)
    return line if len(line) <= RECIPE_LENGTH else recipe_line(steps[:-1])


def _gaps(facts: RunFacts) -> str | None:
    diagnosis = facts.verdict.diagnosis if facts.verdict else None
    return gaps_text(diagnosis, facts.digest) if diagnosis and diagnosis.errors else None


DIAGNOSIS = _verdict_tag("diagnosis", lambda verdict: verdict.diagnosis.tag, str)
FOCUS = _verdict_tag("focus", lambda verdict: verdict.diagnosis.focus, str)
CERTAINTY = _verdict_tag("certainty", lambda verdict: verdict.diagnosis.certainty, str)
CURVE = _verdict_tag("curve", lambda verdict: verdict.curve, str)
NEXT_STEP = _verdict_tag("next_step", lambda verdict: verdict.steps[0].id if verdict.steps else None, str)
RECIPE = _verdict_tag("recipe", lambda verdict: recipe_line(verdict.steps), str)
GAPS = Tag(f"{PREFIX}gaps", _gaps, read_gaps, is_of_verdict=True)
EPOCH = _verdict_tag("epoch", lambda verdict: None if verdict.epoch is None else str(verdict.epoch), int)
BASELINE = Tag(f"{PREFIX}baseline", lambda facts: facts.baseline, str)
SPLIT = Tag(f"{PREFIX}split", lambda facts: facts.split, str)
DISTRIBUTION = Tag(f"{PREFIX}distribution", lambda facts: facts.distribution, str, writers=["training"])
MEASURE = Tag(f"{PREFIX}measure", lambda facts: facts.measure, str)
SOURCE = Tag(f"{PREFIX}source", lambda facts: facts.source, str)
STATE = Tag(f"{PREFIX}state", lambda facts: facts.state, str, writers=["training"])
VERSION = Tag(f"{PREFIX}version", lambda facts: facts.version, str)

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


def is_written_by(writer: Writer, name: str) -> bool:
    """Whether this writer gives runs a tag of this name.

    >>> is_written_by("audit", "bvtrack.model.dropout"), is_written_by("audit", "bvtrack.state")
    (True, False)
    """
    return name.startswith(MODEL) or any(tag.name == name and writer in tag.writers for tag in TAGS)


def measure_text(measure: object, remark: str = "") -> str:
    """The value of `bvtrack.measure`, with a remark on how the train error was measured.

    >>> measure_text("1 - val_acc", "train: as logged")
    '1 - val_acc (train: as logged)'
    """
    return f"{measure} ({remark})" if remark else str(measure)


def metric_of(measure: str | None) -> str:
    """A value of `bvtrack.measure` without that remark."""
    return re.sub(r" \(train: [^)]*\)$", "", measure or "")

"""What an audit says of one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bvtrack.logged.unknown import Unknown
from bvtrack.schema import tags as schema
from bvtrack.schema.tags import Tags

if TYPE_CHECKING:
    from bvtrack.store.logged_run import LoggedRun


@dataclass(frozen=True, slots=True)
class Audited:
    """A run's diagnosis as `tag`, and how sure that is; or, where there is none, `why_not`, and the same as a short `reason`.

    `metrics` are the logged metrics that were taken, by set (`train`, `dev`, `test`), `errors` what they say, as fractions,
    and `measure` what the error is. `split` is what is off with the split. `is_changed` says that its tags are now, or in a dry
    run would be, others than before.
    """

    run_id: str
    name: str
    tag: str | None = None
    certainty: str | None = None
    measure: str | None = None
    metrics: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, float] = field(default_factory=dict)
    split: str | None = None
    reason: str | None = None
    why_not: str | None = None
    is_changed: bool = False


def skipped(run: LoggedRun, unknown: Unknown) -> Audited:
    """A run that is left as it is."""
    return Audited(run.run_id, run.name, reason=unknown.reason, why_not=unknown.sentence)


def with_tags(run: LoggedRun, tags: Tags, metrics: Mapping[str, str]) -> Audited:
    """A run with these tags, which may be those that it has."""
    return Audited(
        run.run_id,
        run.name,
        tag=schema.DIAGNOSIS.read(tags),
        certainty=schema.CERTAINTY.read(tags),
        measure=schema.MEASURE.read(tags),
        metrics=metrics,
        errors=schema.gaps_of(tags).errors,
        split=schema.SPLIT.read(tags),
        is_changed=bool(changed(run, tags)),
    )


def changed(run: LoggedRun, tags: Tags) -> dict[str, str | None]:
    """Those of the tags that the run does not have so."""
    return {name: value for name, value in tags.items() if run.tags.get(name) != value}

"""The result of an audit for one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bvtrack.diagnosis.split_first import SplitFault
from bvtrack.logged.unknown import Unknown
from bvtrack.schema import tags as schema
from bvtrack.schema.tags import Tags
from bvtrack.splits.faults import faults_of_codes
from bvtrack.text import printable

if TYPE_CHECKING:
    from bvtrack.store.logged_run import LoggedRun


@dataclass(frozen=True, slots=True)
class Audited:
    """The diagnosis of a run as `tag`, and its certainty; or, without one, `why_not`, and the same as a short `reason`.

    `curve` is the class of its curve, which may be known where no gap is. `metrics` are the logged metrics that were used, by
    set (`train`, `dev`, `test`), `errors` their errors, as fractions, and `measure` the kind of error. `states` are the parts
    of the run's diagnosis and the value of its curve, also where a callback or a Tracker has found them. `split` is the finding
    codes of the split. `is_changed` is true if the audit changed the run's tags, or would in a dry run. `baseline` is
    the source of the human error, as in `bvtrack.baseline`.
    """

    run_id: str
    name: str
    tag: str | None = None
    certainty: str | None = None
    curve: str | None = None
    measure: str | None = None
    metrics: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, float] = field(default_factory=dict)
    states: tuple[str, ...] = ()
    split: str | None = None
    reason: str | None = None
    why_not: str | None = None
    is_changed: bool = False
    baseline: str | None = None

    def __str__(self) -> str:
        """The run in a line: `wide: high_variance (likely); train from train_acc, dev from val_acc`."""
        if self.tag is None:
            return printable(f"{self.name}: {self.why_not or 'tagged by an audit'}")
        taken = ", ".join(f"{stage} from {name}" for stage, name in self.metrics.items())
        faults = "; ".join(fault.message for fault in self.split_faults)
        return printable("; ".join(filter(None, (f"{self.name}: {self.verdict} ({self.certainty})", taken, faults))))

    @property
    def split_faults(self) -> tuple[SplitFault, ...]:
        """What is wrong with the split whatever the diagnosis, in words without numbers."""
        return tuple(fault for fault in faults_of_codes(self.split) if fault.is_of_errors)

    @property
    def verdict(self) -> str | None:
        """The diagnosis or, if it says nothing of bias and variance, that and the curve: `undetermined, overtrained`."""
        says_curve = self.tag == "undetermined" and self.curve is not None
        return f"{self.tag}, {self.curve}" if says_curve else self.tag


def skipped(run: LoggedRun, unknown: Unknown) -> Audited:
    """The result for a run that is not tagged."""
    return Audited(run.run_id, run.name, reason=unknown.reason, why_not=unknown.sentence)


def with_tags(run: LoggedRun, tags: Tags, metrics: Mapping[str, str]) -> Audited:
    """The result for a run with these tags, changed or not."""
    return Audited(
        run.run_id,
        run.name,
        tag=schema.DIAGNOSIS.read(tags),
        certainty=schema.CERTAINTY.read(tags),
        curve=schema.CURVE.read(tags),
        measure=schema.MEASURE.read(tags),
        metrics=metrics,
        errors=schema.gaps_of(tags).errors,
        states=schema.states_in(tags),
        split=schema.SPLIT.read(tags),
        is_changed=bool(changed(run, tags)),
        baseline=schema.BASELINE.read(tags),
    )


def changed(run: LoggedRun, tags: Tags) -> dict[str, str | None]:
    """The tags whose values differ from the run's."""
    return {name: value for name, value in tags.items() if run.tags.get(name) != value}

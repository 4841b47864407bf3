"""What a log file says of its run, read as an audit reads a run in MLflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bvtrack.auditing.baseline import given
from bvtrack.auditing.judge import find_metrics
from bvtrack.auditing.metrics_content import content_of_metrics
from bvtrack.logfiles.logged_file import LoggedFile
from bvtrack.logged.unknown import Unknown
from bvtrack.report.content import Content
from bvtrack.schema.tags import states_in, verdict_tags

HELD, HELD_UNLEARNED = 5, 20
"""Dev errors in a row that must give the same state. Of 270 TaskSet runs that turn out well, one alone has 55 % called
something worse at some time, most of them `not_learning`, as many start late; five and twenty have 7 %, and 3 to 6 % if one
looks eight times only."""

COUNTED = "row"
"""The unit of a log without a column for the epoch or step."""


@dataclass(frozen=True, slots=True)
class LogReading:
    """A run of a log file with its report's content, or `why_not`. `metrics` are those that were taken, by set."""

    log: LoggedFile
    content: Content | None = None
    metrics: Mapping[str, str] = field(default_factory=dict)
    why_not: str | None = None

    @property
    def states(self) -> tuple[str, ...]:
        """The parts of the diagnosis, and the value of the curve."""
        return () if self.content is None else states_in(verdict_tags(self.content.verdict))

    @property
    def is_certain(self) -> bool:
        """True if the diagnosis is."""
        return self.content is not None and self.content.diagnosis.certainty == "certain"

    @property
    def dev_steps(self) -> Sequence[int]:
        """The steps at which the dev error was measured."""
        return [point.step for point in self.log.history(self.metrics.get("dev", ""))]


def read_logged(log: LoggedFile, human_error: float | None = None) -> LogReading:
    """The reading of a run in a log file, against a human error if there is one."""
    found = find_metrics(log.run)
    if not isinstance(found, Unknown) and found.unless_failed is not None and log.unit == COUNTED:
        found = found.unless_failed  # rows may be runs, and one metric alone does not tell
    content = content_of_metrics(log.run, found, log.history, given(human_error))
    if isinstance(content, Unknown):
        return LogReading(log, why_not=content.sentence)
    metrics = {} if isinstance(found, Unknown) else found.metrics
    return LogReading(log, replace(content, unit=log.unit), metrics)


def held_states(reading: LogReading, human_error: float | None = None) -> tuple[str, ...]:
    """Those states of a training that goes on which are more than a moment's: they were the same after each of the last five
    dev errors; after each of the last twenty for `not_learning`, as many trainings start late.

    A gap says little while the curve is still learning, so the parts of the diagnosis are left out until it is not. A loss that
    is no number stays so, and needs no second look.
    """
    content = reading.content
    if content is None or (reading.is_certain and content.diagnosis.tag == "diverged"):
        return reading.states
    is_learning = content.verdict.curve == "learning"
    left = {state: HELD_UNLEARNED if state == "not_learning" else HELD for state in reading.states}
    left = {state: n for state, n in left.items() if not is_learning or state == "learning"}
    steps = sorted(set(reading.dev_steps))
    left = {state: n for state, n in left.items() if n <= len(steps)}
    for back, step in enumerate(reversed(steps[:-1]), start=2):
        if not any(back <= n for n in left.values()):
            break
        earlier = read_logged(reading.log.until(step), human_error).states
        left = {state: n for state, n in left.items() if back > n or state in earlier}
    return tuple(left)

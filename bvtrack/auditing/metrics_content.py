"""Content of a report from a run's metrics, whoever logged them and wherever they are."""

from __future__ import annotations

from bvtrack.auditing.baseline import Choice
from bvtrack.auditing.judge import History, read_errors, unless_failed, verdict_on, with_other_metric
from bvtrack.logged.error_metrics import Found
from bvtrack.logged.unknown import Unknown
from bvtrack.report.content import Content, baseline_name
from bvtrack.schema import tags
from bvtrack.store.logged_run import LoggedRun
from bvtrack.version import __version__


def content_of_metrics(run: LoggedRun, found: Found | Unknown, history: History, choose: Choice) -> Content | Unknown:
    """The content of a report from these metrics of a run, against the chosen baseline, or the reason why there is none.

    Raises what `history` raises.
    """
    errors = found if isinstance(found, Unknown) else read_errors(run, found, history)
    if isinstance(errors, Unknown):
        return errors
    errors = with_other_metric(run, errors, history)
    measure = errors.found.measure_tag
    verdict = verdict_on(run, errors, choose(run, measure))
    if (why_not := unless_failed(errors.found, verdict)) is not None:
        return why_not
    return Content(
        name=run.name,
        verdict=verdict,
        history=errors.epochs,
        measure=measure,
        version=__version__,
        baseline=baseline_name(tags.BASELINE.read(run.tags)),
        unit="step",
    )

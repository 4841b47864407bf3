"""Diagnoses runs that are there already, whatever logged them."""

from __future__ import annotations

from collections.abc import Iterable

from bvtrack.auditing.audited import Audited
from bvtrack.auditing.baseline import THREADS, AskedBaseline
from bvtrack.auditing.experiments import Auditing


def audit(
    experiment: str | Iterable[str] | None,
    *,
    filter_string: str = "",
    human_error: float | None = None,
    baseline: AskedBaseline | None = None,
    tracking_uri: str | None = None,
    dry_run: bool = False,
    threads: int = THREADS,
) -> list[Audited]:
    """What the runs of an experiment suffer from, whatever logged them; they are tagged so, and nothing else is changed.

    `experiment` is one name, or several; `None` takes all there are. `filter_string` is one of MLflow's `search_runs`. With
    `dry_run` nothing is written.

    `human_error` is a fraction in [0, 1], 0 where it is not given. Runs that a callback or a Tracker has diagnosed are left to
    them, and an audit that is repeated looks only at what has changed since. `baseline` instead tags all runs anew, those of
    callbacks too, against one error: `"zero"`, the `"best"` dev error of the experiment by the same measure on the same dev
    set, or a number.

    Raises `ValueError` for an experiment that is not there, a filter that MLflow does not understand, an error that is no
    fraction, or a malformed tracking URI, and what MLflow raises where it does not answer.

    >>> audit("digits", dry_run=True)  # doctest: +SKIP
    [Audited(run_id='…', name='wide', tag='high_variance', certainty='likely', …)]
    """
    auditing = Auditing(tracking_uri, human_error=human_error, baseline=baseline, is_dry=dry_run, threads=threads)
    experiments = [experiment] if experiment is None or isinstance(experiment, str) else experiment
    return [audited for name in experiments for audited in auditing.runs_of(name, filter_string)]

"""Diagnose existing runs, whatever logged them."""

from __future__ import annotations

from collections.abc import Iterable

from bvtrack.auditing.audited import Audited
from bvtrack.auditing.baseline import THREADS, AskedBaseline
from bvtrack.auditing.experiments import Auditing
from bvtrack.shipping.unfinished import wait_for_unfinished


def audit(
    experiment: str | Iterable[str] | None,
    *,
    filter_string: str = "",
    human_error: float | None = None,
    baseline: AskedBaseline | None = None,
    tracking_uri: str | None = None,
    dry_run: bool = False,
    tags_only: bool = False,
    saved_view: bool = True,
    threads: int = THREADS,
) -> list[Audited]:
    """Diagnose the runs of an experiment, whatever logged them, and tag them.

    Nothing is changed but the tags `bvtrack.*` and the metrics `bvtrack/verdict/*`, the errors and gaps that the tags speak of;
    with `tags_only`, nothing but the tags: MLflow cannot delete a metric.

    An experiment with a diagnosed run gets the saved view "Bias and variance" in MLflow's UI, if it has none yet; not with
    `saved_view=False` or `tags_only`.

    `experiment` is one name, or several; `None` audits all experiments. `filter_string` is a filter of MLflow's `search_runs`.
    With `dry_run` nothing is written.

    `human_error` is a fraction in [0, 1], 0 by default. Runs that a callback or a Tracker has diagnosed are skipped, and a
    repeated audit only reads runs that have changed since. With `baseline`, all runs are tagged anew instead, those of
    callbacks too, against one error: `"zero"`, a number, or `"best"`, which measures each run against the lowest dev error of
    the experiment's other runs by the same measure on the same dev set: an error that can be reached, so that a train error
    above it is avoidable bias, and no gap is excused by it. The only run of its kind has no such baseline: none is given.

    Raises `ValueError` for an unknown experiment, an invalid filter, an error that is not a fraction, or a malformed tracking
    URI, and MLflow's own exception if it does not respond. What this process's trainings have sent is waited for, 30 s at most.

    >>> audit("digits", dry_run=True)  # doctest: +SKIP
    [Audited(run_id='…', name='wide', tag='high_variance', certainty='likely', …)]
    """
    wait_for_unfinished()
    auditing = Auditing(
        tracking_uri,
        human_error=human_error,
        baseline=baseline,
        is_dry=dry_run,
        tags_only=tags_only,
        saved_view=saved_view,
        threads=threads,
    )
    experiments = [experiment] if experiment is None or isinstance(experiment, str) else experiment
    return [audited for name in experiments for audited in auditing.runs_of(name, filter_string)]

"""The last words of a training: its verdict, where its run is to be seen, and an error of its split."""

from __future__ import annotations

from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.diagnosis.run_verdict import Verdict
from bvtrack.extras import SERVER
from bvtrack.journal.records import EndState
from bvtrack.log import tell, warn
from bvtrack.schema.names import run_page, view_page
from bvtrack.shipping.progress import Progress
from bvtrack.shipping.run_state import Ledger
from bvtrack.store.target import Target
from bvtrack.tracking.environment import command_line
from bvtrack.tracking_uri.address import DATABASES, page_on, read_address, scheme_of

NOT_COMPLETE = {"pruned": "Pruned, so far: ", "interrupted": "Interrupted, so far: ", "failed": "Failed, so far: "}
"""How the verdict of a training begins that did not come to its end."""

BARE_LOSS = "A bare loss gives no certain diagnosis: log an error rate or an accuracy, too, or pass error=."


_shown_views: set[str] = set()
"""Views that this process has led to: of the many runs of a sweep, those that are told of later lead there no more."""


def say_summary(ledger: Ledger, state: EndState, target: Target, progress: Progress) -> bool:
    """Say a training's last words; none where there is no verdict. False if the way to the run is still to be told, by
    `say_pages`.
    """
    verdict = ledger.verdict
    if verdict is None or verdict.diagnosis.tag == "not_applicable":
        return True
    headline = progress.headline if progress.is_complete else None  # the other runs of the experiment may move the steps
    tell(f"{NOT_COMPLETE.get(state, '')}{headline or ledger.headline}. {_errors(verdict, ledger.last_epoch)}".rstrip())
    _shown_views.discard(_view(target, progress))
    has_page = say_pages(target, progress)
    if ledger.is_of_loss and not verdict.diagnosis.unit.is_of_targets:  # of a regression, its loss is what there is
        tell(BARE_LOSS)
    if verdict.split_faults:
        is_untrue = any(fault.is_of_errors for fault in verdict.split_faults)
        (warn if is_untrue else tell)(f"The split comes first: {verdict.split_in_words}")
    return has_page


def say_pages(target: Target, progress: Progress) -> bool:
    """Say where the run is to be seen, and where all runs of its experiment; false if that is not known (yet), as of a run that
    has not arrived in MLflow.
    """
    page, view = _page(target, progress), _view(target, progress)
    if progress.problem or not page:
        return False
    tell(page)
    if view and view not in _shown_views:
        _shown_views.add(view)
        tell(view)
    return True


def _view(target: Target, progress: Progress) -> str:
    """The address of the experiment's saved view; empty where there is none, or no server."""
    if not progress.has_view or progress.experiment_id is None:
        return ""
    view = page_on(target.tracking_uri, view_page(progress.experiment_id))
    return f"All runs by bias and variance: {view}" if view else ""


def _errors(verdict: Verdict, last_epoch: int) -> str:
    """The errors of the verdict's epoch, as a sentence; empty where there are none."""
    diagnosis = verdict.diagnosis
    if not diagnosis.errors:
        return ""
    place = ", the last" if verdict.epoch == last_epoch else f", the best up to {last_epoch}"
    when = f"epoch {verdict.epoch}{place if last_epoch else ''}"
    told = diagnosis.unit.told({SET_NAMES[name]: error for name, error in diagnosis.errors.items()})
    if diagnosis.unit.is_error_rate:
        return f"Errors at {when}: {told.removeprefix('Errors: ')}."
    return f"{told[0].upper()}{told[1:]}, at {when}."


def _page(target: Target, progress: Progress) -> str:
    """The address of the run's page, or else the command that opens its store, or that shows the run where there is nothing to
    open the store with; never with credentials.
    """
    run_id, experiment_id = target.run_id or progress.run_id, progress.experiment_id
    if run_id is None or experiment_id is None:
        return ""
    if link := page_on(target.tracking_uri, run_page(experiment_id, run_id)):
        return link
    address = read_address(target.tracking_uri)
    if scheme_of(target.tracking_uri) not in DATABASES | {"file"}:
        return f"Run {run_id} in {address.shown}"
    login = ", with its user and password," if address.has_credentials else ""
    command = ("ui",) if SERVER.is_installed else ("show", run_id)
    return f"`{command_line(*command, '--tracking-uri', address.shown)}`{login} shows it: run {run_id}"

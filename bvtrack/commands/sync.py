"""`bvtrack sync`: send the journals that trainings could not."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from bvtrack.commands.progress_bar import progress_bar
from bvtrack.journal.folder import sweep
from bvtrack.journal.journal_dir import default_journal_dir
from bvtrack.shipping.sync import PendingJournal, pending_journals, send
from bvtrack.store.mlflow_settings import settle_mlflow
from bvtrack.store.target import without_credentials
from bvtrack.text import printable


@click.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False)
@click.option("--tracking-uri", help="The store to send to; by default MLFLOW_TRACKING_URI, else the one it was meant for.")
@click.option("--experiment", help="The experiment for runs that are not there yet; by default the one that was meant.")
@click.option("--ended", is_flag=True, help="Send trainings of another machine too, which are over as you know.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
def sync(directory: Path | None, tracking_uri: str | None, experiment: str | None, ended: bool, dry_run: bool) -> None:
    """Send what trainings could not: the journals left in DIRECTORY (by default where trainings keep them), or one of them.

    Sending again what has been sent adds nothing.

    Example: bvtrack sync --tracking-uri http://localhost:5000
    """
    directory = directory or default_journal_dir()
    try:
        if not dry_run:
            sweep(directory)
        journals = pending_journals(directory, tracking_uri)
    except OSError as error:
        raise click.ClickException(f"{directory} cannot be read ({error.strerror or error}), so nothing is sent") from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if not journals:
        click.echo(f"nothing to send in {directory}")
    elif dry_run:
        for pending in journals:
            click.echo(f"{pending.journal.name}: {pending.in_words()}")
    elif not _send_all(journals, experiment, is_over=ended):
        sys.exit(1)


def _send_all(journals: Sequence[PendingJournal], experiment: str | None, *, is_over: bool) -> bool:
    """Send them one by one, with a progress bar on a terminal; true if all have been sent."""
    settle_mlflow()
    are_sent = True
    with progress_bar() as bar:
        task = bar.add_task("Sending", total=sum(pending.n_bytes for pending in journals))
        done = 0
        for pending in journals:
            offset, n_bytes = pending.offset, pending.n_bytes

            def report(reached: int, start: int = done - offset) -> None:
                bar.update(task, completed=start + reached)

            outcome = send(pending, report, experiment=experiment, is_over=is_over)
            done += n_bytes
            bar.update(task, completed=done)
            refused = f", but MLflow refuses {printable('; '.join(outcome.refused))}" if outcome.refused else ""
            words = outcome.problem or f"sent to {without_credentials(pending.tracking_uri)}{refused}"
            print(f"{pending.journal.name}: {words}")  # above the bar, which click would print into
            are_sent = are_sent and outcome.problem is None
    return are_sent

"""The command line: `bvtrack diagnose`, `split`, `demo` and `sync`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import click

from bvtrack.diagnosis import Diagnosis, diagnose
from bvtrack.error_rate import read_error
from bvtrack.recipe import Step, recommend
from bvtrack.version import __version__

if TYPE_CHECKING:
    from bvtrack.split_files import FilesCheck
    from bvtrack.tracking.sync import Parcel


class ErrorRate(click.ParamType):  # type: ignore[type-arg]  # it takes none before click 8.4
    """An error as a fraction (`0.11`) or in percent (`11%`)."""

    name = "error"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the number; whether it is an error is for `diagnose` to say."""
        try:
            return read_error(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


ERROR = ErrorRate()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def main() -> None:
    """Bias or variance? What a training suffers from, how sure that is, and what to try next.

    Example: bvtrack diagnose --train 1% --dev 11%
    """


@main.command(name="diagnose")
@click.option("--train", "train_error", type=ERROR, help="Train error, measured in eval mode.")
@click.option("--dev", "dev_error", type=ERROR, help="Dev (validation) error.")
@click.option("--test", "test_error", type=ERROR, help="Test error.")
@click.option("--train-dev", "train_dev_error", type=ERROR, help="Error on held-out examples of the training source.")
@click.option("--human", "human_error", type=ERROR, help="What humans make; 0 where it is not given.")
@click.option("--n-train", type=int, help="Examples the train error was measured on.")
@click.option("--n-dev", type=int, help="Examples in the dev set.")
@click.option("--n-test", type=int, help="Examples in the test set.")
@click.option("--n-train-dev", type=int, help="Examples in the train-dev set.")
@click.option("--different-sources", is_flag=True, help="Train and dev come from different sources.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def diagnose_command(different_sources: bool, as_json: bool, train_error: float | None, **numbers: Any) -> None:
    """Diagnose a few errors, without MLflow.

    Example: bvtrack diagnose --train 0.01 --dev 0.11 --n-dev 2000
    """
    try:
        diagnosis = diagnose(train_error=train_error, same_distribution=not different_sources, **numbers)
    except ValueError as error:
        raise click.UsageError(_in_options(str(error))) from error
    steps = recommend(diagnosis)
    if as_json:
        click.echo(json.dumps({"diagnosis": asdict(diagnosis), "steps": [asdict(step) for step in steps]}, indent=2))
    else:
        _print_verdict(diagnosis, steps)


@main.command()
@click.argument("train", type=click.Path())
@click.argument("dev", type=click.Path())
@click.argument("test", type=click.Path(), required=False)
@click.option("--target", metavar="NAME", help="The column of labels.")
@click.option("--group", metavar="NAME", help="The column that says whom an example is of, such as a patient.")
@click.option("--time", metavar="NAME", help="The column that says when an example was made.")
@click.option("--no-leaks", is_flag=True, help="Look for no copies: quicker.")
@click.option("--strict", is_flag=True, help="Exit with 1 where a finding is an error.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def split(train: str, dev: str, test: str | None, no_leaks: bool, strict: bool, as_json: bool, **columns: str | None) -> None:
    r"""Check a split in files: its sizes, whether its parts are alike, and whether examples are in two of them.

    Each part is one file or folder, read in batches, however large:

    \b
    .csv .tsv .parquet   a table; what is called label, labels, target,
                         targets, class or y holds the labels
    .npz                 arrays called x, features, images or inputs, and y,
                         labels or targets; of x_train and x_test in one
                         file, data.npz:train takes the first
    .npy                 one array of features
    a folder             images, in a subfolder for each class or without
                         one; compared at 32 x 32 pixels (needs Pillow)

    Example: bvtrack split train.csv dev.csv test.csv --group patient --strict
    """
    paths = {"train": train, "dev": dev} | ({"test": test} if test else {})
    try:
        check = _check_with_bar(paths, columns, leaks=not no_leaks)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except ModuleNotFoundError as error:
        if error.name != "PIL":
            raise
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps(check.as_json(), indent=2, allow_nan=False))
    else:
        _print_check(check)
    if strict and check.has_errors:
        sys.exit(1)


@main.command()
@click.option(
    "--store",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-store"),
    show_default=True,
    help="Folder to log to.",
)
def demo(store: Path) -> None:
    """Train small networks with Lightning and Keras and diagnose them, into a local MLflow store.

    Example: bvtrack demo --store /tmp/demo
    """
    from bvtrack_demo import missing_packages, run_demo

    if missing := missing_packages():
        raise click.ClickException(f"the demo needs both frameworks; missing: {', '.join(missing)}; pip install 'bvtrack[all]'")
    _make_writable(store)
    run_demo(store)


@main.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False)
@click.option("--tracking-uri", help="The store to send to; by default MLFLOW_TRACKING_URI, else the one it was meant for.")
@click.option("--experiment", help="The experiment for runs that are not there yet; by default the one that was meant.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
def sync(directory: Path | None, tracking_uri: str | None, experiment: str | None, dry_run: bool) -> None:
    """Send what trainings could not: the journals left in DIRECTORY (by default where trainings keep them).

    Sending again what has been sent adds nothing.

    Example: bvtrack sync --tracking-uri http://localhost:5000
    """
    from bvtrack.tracking.journal import default_journal_dir
    from bvtrack.tracking.sync import parcels_of

    directory = directory or default_journal_dir()
    try:
        parcels = parcels_of(directory, tracking_uri)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if not parcels:
        click.echo(f"nothing to send in {directory}")
    elif dry_run:
        for parcel in parcels:
            click.echo(f"{parcel.journal.name}: {parcel.in_words()}")
    elif not _send_all(parcels, experiment):
        sys.exit(1)


def _send_all(parcels: Sequence[Parcel], experiment: str | None) -> bool:
    """Send them one by one, with a bar where it can be seen; whether all could be sent."""
    from rich.console import Console
    from rich.progress import Progress

    from bvtrack.tracking.shipper import settle_mlflow
    from bvtrack.tracking.sync import send
    from bvtrack.tracking.target import without_credentials

    settle_mlflow()
    are_sent = True
    console = Console(stderr=True)
    with Progress(transient=True, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("Sending", total=sum(parcel.n_bytes for parcel in parcels))
        done = 0
        for parcel in parcels:
            offset, n_bytes = parcel.offset, parcel.n_bytes

            def report(reached: int, start: int = done - offset) -> None:
                bar.update(task, completed=start + reached)

            problem = send(parcel, report, experiment=experiment)
            done += n_bytes
            bar.update(task, completed=done)
            words = problem or f"sent to {without_credentials(parcel.tracking_uri)}"
            print(f"{parcel.journal.name}: {words}")  # above the bar, which click would print into
            are_sent = are_sent and problem is None
    return are_sent


def _check_with_bar(paths: dict[str, str], columns: dict[str, str | None], *, leaks: bool) -> FilesCheck:
    from rich.console import Console
    from rich.progress import Progress

    from bvtrack.split_files import check_files

    console = Console(stderr=True)
    with Progress(transient=True, console=console, disable=not console.is_terminal) as bar:
        tasks = {name: bar.add_task(f"Reading {name}", total=1.0) for name in paths}
        return check_files(paths, **columns, leaks=leaks, report=lambda name, done: bar.update(tasks[name], completed=done))


def _in_options(message: str) -> str:
    """A message about arguments as one about the present command's options: `n_dev=10` as `--n-dev 10`."""
    for parameter in click.get_current_context().command.params:
        option = parameter.opts[0]
        message = re.sub(rf"\b{parameter.name}=(?=\S)", f"{option} ", message)
        message = re.sub(rf"\b{parameter.name}\b=?", option, message)
    return message


def _make_writable(folder: Path) -> None:
    """Make the folder, and a file in it that is gone at once."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise click.BadParameter(
            f"expected a folder to write to, got {str(folder)!r} ({reason}); name another one", param_hint="--store"
        ) from error


def _print_check(check: FilesCheck) -> None:
    from rich.console import Console

    from bvtrack.report.split_table import print_check

    print_check(Console(highlight=False), check)


def _print_verdict(diagnosis: Diagnosis, steps: tuple[Step, ...]) -> None:
    from rich.console import Console
    from rich.markup import escape

    from bvtrack.report.note import headline

    console = Console(highlight=False)
    console.print(f"[bold]{escape(headline(diagnosis, steps))}[/bold]")
    console.print(escape(diagnosis.explanation))
    if diagnosis.errors and not diagnosis.counts:
        console.print("[dim]With the numbers of examples (--n-train, --n-dev …) the verdict says how sure it is.[/dim]")
    for number, step in enumerate(steps, start=1):
        console.print(f"{number}. [bold]{escape(step.title)}.[/bold] {escape(step.why)}")

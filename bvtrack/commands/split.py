"""`bvtrack split`: check a split in files."""

from __future__ import annotations

import json
import sys

import click

from bvtrack.commands.progress_bar import progress_bar
from bvtrack.commands.tables.split import print_check
from bvtrack.splits.file_check import FilesCheck, check_files


@click.command()
@click.argument("train", type=click.Path())
@click.argument("dev", type=click.Path())
@click.argument("test", type=click.Path(), required=False)
@click.option("--target", metavar="NAME", help="The column of labels.")
@click.option("--group", metavar="NAME", help="The column that says whom an example is of, such as a patient.")
@click.option("--time", metavar="NAME", help="The column that says when an example was made.")
@click.option("--without", metavar="NAME", multiple=True, help="A column to leave out, such as an id; as often as need be.")
@click.option("--no-leaks", is_flag=True, help="Look for no copies: quicker.")
@click.option("--strict", is_flag=True, help="Exit with 1 where a finding is an error.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def split(
    train: str,
    dev: str,
    test: str | None,
    without: tuple[str, ...],
    no_leaks: bool,
    strict: bool,
    as_json: bool,
    **columns: str | None,
) -> None:
    """Check a split in files: its sizes, whether its parts are alike, and whether examples are in two of them.

    Each part is one file or folder, read in batches, however large:

    \b
    .csv .tsv .txt       a table (needs PyArrow); what is called label,
    .jsonl .parquet      labels, target, targets, class or y holds the
    .arrow .feather      labels; text may be compressed (.gz .bz2 .xz .zst
                         .zip)
    .npz                 arrays called x, features, images or inputs, and y,
                         labels or targets; of x_train and x_test in one
                         file, data.npz:train takes the first
    .npy                 one array of features
    a folder             images, in a subfolder for each class, at any depth,
                         or without one; compared upright, at 32 x 32
                         pixels (needs Pillow); or the parts of a table,
                         perhaps in subfolders such as label=0; of what is
                         left out it is said how much

    Example: bvtrack split train.csv dev.csv test.csv --group patient --strict
    """  # noqa: D301  # click's mark of a preformatted paragraph
    paths = {"train": train, "dev": dev} | ({"test": test} if test else {})
    try:
        check = _check_with_bar(paths, columns, without, leaks=not no_leaks)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps(check.as_json(), indent=2, allow_nan=False))
    else:
        _print_check(check)
    if strict and check.found.has_errors:
        sys.exit(1)


def _check_with_bar(
    paths: dict[str, str], columns: dict[str, str | None], without: tuple[str, ...], *, leaks: bool
) -> FilesCheck:
    with progress_bar() as bar:
        tasks = {name: bar.add_task(f"Reading {name}", total=1.0) for name in paths}

        def report(name: str, done: float) -> None:
            bar.update(tasks[name], completed=done)

        return check_files(paths, **columns, without=without, leaks=leaks, report=report)


def _print_check(check: FilesCheck) -> None:
    from rich.console import Console

    print_check(Console(highlight=False), check)

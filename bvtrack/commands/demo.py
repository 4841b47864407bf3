"""`bvtrack demo`: real trainings, diagnosed."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile

import click

from bvtrack_demo import missing_packages, run_demo


@click.command()
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
    if missing := missing_packages():
        what = f"the demo needs both frameworks; missing: {', '.join(missing)}"
        raise click.ClickException(f'{what}; pip install "bvtrack[all]"')
    _make_writable(store)
    run_demo(store)


def _make_writable(folder: Path) -> None:
    """Make the folder, and check that it is writable with a temporary file."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise click.BadParameter(
            f"expected a folder to write to, got {str(folder)!r} ({reason}); name another one", param_hint="--store"
        ) from error

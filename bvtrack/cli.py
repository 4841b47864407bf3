"""The command line; its commands are in `bvtrack.commands`."""

from __future__ import annotations

from importlib import import_module

import click

from bvtrack.extras import MissingExtraError
from bvtrack.version import __version__

COMMANDS = {
    "audit": "Diagnose the runs of experiments, whatever logged them, and tag them.",
    "compare": "Compare the runs of experiments by diagnosis.",
    "demo": "Train small networks with Lightning and Keras and diagnose them.",
    "diagnose": "Diagnose a few errors, or the runs in log files, without MLflow.",
    "report": "Write the report of a run, whatever logged it.",
    "show": "Show the verdict on a run, for people and for programs.",
    "split": "Check a split in files: its sizes, its distributions, and what its parts share.",
    "sync": "Send what trainings could not.",
    "ui": "Open the map of all runs.",
    "watch": "Follow a log file that grows, and say when the verdict changes.",
}
"""Help line of each command, by the name of its module and of its function there."""


class Commands(click.Group):
    """Commands imported on use, so that `bvtrack diagnose` needs neither MLflow nor NumPy."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"bvtrack.commands.{cmd_name}"), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except MissingExtraError as error:
            raise click.UsageError(str(error)) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def main() -> None:
    """Bias or variance? What a training suffers from, how sure that is, and what to try next.

    Example: bvtrack diagnose --train 1% --dev 11%
    """

"""The command line: its commands stand in `bvtrack.commands`."""

from __future__ import annotations

import click

from bvtrack.commands.audit import audit
from bvtrack.commands.compare import compare
from bvtrack.commands.demo import demo
from bvtrack.commands.diagnose import diagnose_command
from bvtrack.commands.report import report
from bvtrack.commands.split import split
from bvtrack.commands.sync import sync
from bvtrack.commands.ui import ui
from bvtrack.version import __version__


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def main() -> None:
    """Bias or variance? What a training suffers from, how sure that is, and what to try next.

    Example: bvtrack diagnose --train 1% --dev 11%
    """


for command in (audit, compare, demo, diagnose_command, report, split, sync, ui):
    main.add_command(command)

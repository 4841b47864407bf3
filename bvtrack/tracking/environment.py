"""Reads the environment variables of bvtrack."""

from __future__ import annotations

import functools
import os
import shlex
import shutil
import sys
from pathlib import Path

from bvtrack.error_rates.error_rate import read_error
from bvtrack.log import warn

ON = {"1", "true", "yes", "on"}
OFF = {"0", "false", "no", "off"}
HUMAN_ERROR = "BVTRACK_HUMAN_ERROR"
WAIT = "BVTRACK_WAIT"
REPORT = "BVTRACK_REPORT"


def is_switched_on(variable: str, *, default: bool = False) -> bool:
    """True if an environment variable says yes, in upper or lower case; the default where it is not set, is empty, or says
    neither yes nor no. Raises nothing.
    """
    value = os.environ.get(variable, "")
    word = value.strip().lower()
    if word and word not in ON | OFF:
        _say_unknown(variable, value, str(int(default)))
    return default if word not in ON | OFF else word in ON


def is_disabled() -> bool:
    """True if `BVTRACK_DISABLED=1` asks every callback to do nothing."""
    return is_switched_on("BVTRACK_DISABLED")


def is_summary_wanted() -> bool:
    """False if `BVTRACK_SUMMARY=0` asks every training to end without a summary."""
    return is_switched_on("BVTRACK_SUMMARY", default=True)


def is_view_wanted() -> bool:
    """False if `BVTRACK_SAVED_VIEW=0` asks every training and audit to leave the saved views of MLflow's UI alone."""
    return is_switched_on("BVTRACK_SAVED_VIEW", default=True)


def is_report_wanted() -> bool | None:
    """`BVTRACK_REPORT`: True if it asks for a report in the run of every training, False for none; `None` where it is not set:
    trainings of half a minute and more have one.
    """
    value = os.environ.get(REPORT, "")
    word = value.strip().lower()
    if word and word not in ON | OFF:
        _say_unknown(REPORT, value, "not set")
    return word in ON if word in ON | OFF else None


def are_pictures_wanted() -> bool:
    """False if `BVTRACK_THUMBNAILS=0` keeps pictures of repeated examples out of every run's report."""
    return is_switched_on("BVTRACK_THUMBNAILS", default=True)


def human_error_from_environment() -> float | None:
    """`BVTRACK_HUMAN_ERROR` as a fraction, read as the command line reads it; `None` where it is not set.

    Raises `ValueError` where it is no error in [0, 1].
    """
    value = os.environ.get(HUMAN_ERROR, "").strip()
    if not value:
        return None
    try:
        error = read_error(value)
    except ValueError as trouble:
        raise ValueError(f"{HUMAN_ERROR}: {trouble}") from None
    if not 0 <= error <= 1:
        raise ValueError(f"{HUMAN_ERROR} must be a fraction in [0, 1]; got {value!r} (5 % is 0.05 or 5%)")
    return error


def is_number_of_seconds(value: object) -> bool:
    """True for a number of seconds, 0 or more."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


def wait_from_environment() -> float | None:
    """`BVTRACK_WAIT`, the longest wait in seconds at the end of a training; `None` where it is not set, is empty, or is no such
    number, which is said. Raises nothing.
    """
    value = os.environ.get(WAIT, "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not is_number_of_seconds(seconds):
        _say_no_seconds(value)
        return None
    return seconds


def sync_command(journal_dir: Path) -> str:
    """The command, for any working directory, that sends the journals of a folder."""
    return command_line("sync", str(journal_dir))


def command_line(*arguments: str) -> str:
    """`bvtrack` with these arguments, as a command for any working directory."""
    python = sys.executable or "python"
    if shutil.which("bvtrack"):
        command = ["bvtrack"]
    elif script := shutil.which("bvtrack", path=str(Path(python).parent)):
        command = [script]
    else:
        places = [str(Path(__file__).absolute().parents[2]), os.environ.get("PYTHONPATH", "")]
        command = ["env", f"PYTHONPATH={os.pathsep.join(filter(None, places))}", python, "-m", "bvtrack"]
    return shlex.join([*command, *arguments])


def program_name() -> str:
    """The path of the training's script; where Python runs within another program, or reads from a terminal, it has none."""
    try:
        return str(sys.argv[0]) or "<interactive>"
    except Exception:  # programs that embed Python leave anything there
        return "<interactive>"


@functools.cache
def _say_unknown(variable: str, value: str, taken: str) -> None:
    warn(f"{variable} must be 1 or 0; got {value!r}, which counts as {taken}")


@functools.cache
def _say_no_seconds(value: str) -> None:
    warn(f"{WAIT} must be a number of seconds, 0 for not waiting; got {value!r}, which counts as not set")

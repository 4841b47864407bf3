"""Reads the environment variables of bvtrack."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path

from bvtrack.error_rates.error_rate import read_error
from bvtrack.log import logger

ON = {"1", "true", "yes", "on"}
OFF = {"", "0", "false", "no", "off"}
HUMAN_ERROR = "BVTRACK_HUMAN_ERROR"


def is_switched_on(variable: str) -> bool:
    """True if an environment variable says yes, in upper or lower case; False if it is not set. Raises nothing."""
    value = os.environ.get(variable, "")
    word = value.strip().lower()
    if word not in ON | OFF:
        _say_unknown(variable, value)
    return word in ON


def is_disabled() -> bool:
    """True if `BVTRACK_DISABLED=1` asks every callback to do nothing."""
    return is_switched_on("BVTRACK_DISABLED")


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


def sync_command(journal_dir: Path) -> str:
    """The command, for any working directory, that sends the journals of a folder."""
    import shlex
    import shutil

    python = sys.executable or "python"
    if shutil.which("bvtrack"):
        command = ["bvtrack"]
    elif script := shutil.which("bvtrack", path=str(Path(python).parent)):
        command = [script]
    else:
        places = [str(Path(__file__).absolute().parents[2]), os.environ.get("PYTHONPATH", "")]
        command = ["env", f"PYTHONPATH={os.pathsep.join(filter(None, places))}", python, "-m", "bvtrack"]
    return shlex.join([*command, "sync", str(journal_dir)])


def program_name() -> str:
    """The path of the training's script; where Python runs within another program, or reads from a terminal, it has none."""
    try:
        return str(sys.argv[0]) or "<interactive>"
    except Exception:  # programs that embed Python leave anything there
        return "<interactive>"


@functools.cache
def _say_unknown(variable: str, value: str) -> None:
    logger.warning("bvtrack: %s must be 1 or 0; got %r, which counts as 0", variable, value)

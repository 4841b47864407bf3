"""Each tool's command line, asked about a log: what it says of the run, in one set of words."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from example import REFUSED

OVERTRAINED, DIVERGED, NOT_LEARNING = "overtrained", "diverged", "not_learning"
NAMES = {
    "overfitting": OVERTRAINED,
    "overfit_onset": OVERTRAINED,
    "unstable": OVERTRAINED,
    "divergence": DIVERGED,
    "nan_inf": DIVERGED,
    "non_finite": DIVERGED,
    "loss_degenerate": DIVERGED,
    "plateau": NOT_LEARNING,
    "stagnation": NOT_LEARNING,
    "no_learning": NOT_LEARNING,
    **{name: name for name in (OVERTRAINED, DIVERGED, NOT_LEARNING)},
}
"""What a finding of some tool is called here; all that says nothing of the whole curve is left out."""
SECONDS = 120


@dataclass(frozen=True)
class Answer:
    """The words that a tool has for a run, none where it finds nothing bad, or why it did not judge it."""

    words: frozenset[str]
    why_not: str = ""

    @property
    def is_refusal(self) -> bool:
        return REFUSED in self.words

    def is_right(self, truth: frozenset[str]) -> bool:
        """True if a right word is among them; `fine` is to say none."""
        return bool(truth & self.words) or ("fine" in truth and not self.words)

    def __str__(self) -> str:
        return "+".join(sorted(self.words)) or "fine"


Tool = Callable[[Path], Answer]


def ours(path: Path) -> Answer:
    """`bvtrack diagnose`, or `bvtrack audit` for a store of MLflow."""
    bvtrack = [sys.executable, "-m", "bvtrack"]
    if path.suffix == ".db":
        address = ["--tracking-uri", f"sqlite:///{path}"]
        return _answer([*bvtrack, "audit", "Default", *address, "--json", "--dry-run"], our_states)
    return _answer([*bvtrack, "diagnose", str(path), "--json"], our_states)


def rivals(environment: Path) -> dict[str, Tool]:
    """The newcomers, installed in this environment."""
    scripts = environment / ("Scripts" if sys.platform == "win32" else "bin")

    def tool(name: str, arguments: list[str], options: list[str], read: Callable[[Any], list[str] | None]) -> Tool:
        return lambda path: _answer([str(scripts / name), *arguments, str(path), *options], read)

    return {
        "trainspotter": tool("trainspotter", ["analyze"], ["--output", "json"], _detectors),
        "losslint": tool("losslint", ["check"], ["--format", "json"], _checks_of_losslint),
        "runmedic": tool("runmedic", ["diagnose"], ["--json"], _checks_of_runs),
        "finetune-doctor": tool("finetune-doctor", [], ["--format", "json"], _checks_of_doctor),
    }


def _answer(command: list[str], read: Callable[[Any], list[str] | None]) -> Answer:
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    try:
        found = read(json.loads(done.stdout))
    except ValueError:
        found = None
    if found is None:
        lines = (done.stderr or done.stdout).strip().splitlines()
        return Answer(frozenset({REFUSED}), lines[-1] if lines else "")
    return Answer(frozenset(NAMES[name] for name in found if name in NAMES))


def our_states(said: Any) -> list[str] | None:
    runs = said["runs"] if isinstance(said, dict) and "runs" in said else said
    run = runs[0] if isinstance(runs, list) else runs
    return None if run.get("why_not") else [*run.get("states", ()), str(run.get("curve"))]


def _detectors(said: Any) -> list[str]:
    return [each["detector"] for each in said["findings"]]


def _checks_of_losslint(said: Any) -> list[str] | None:
    return [each["check"] for each in said["findings"]] if said["runs"] else None


def _checks_of_runs(said: Any) -> list[str] | None:
    """Without a loss it reads something, and judges nothing."""
    run = said[0]
    return [each["check"] for each in run["findings"]] if {"train_loss", "val_loss"} & set(run["roles"]) else None


def _checks_of_doctor(said: Any) -> list[str]:
    """A final checkpoint that is `slightly worse` is no overfitting to it."""
    return [each["check"] for each in said["findings"] if each["severity"] != "INFO"]

"""The errors found among a run's metrics, from Python: `find_errors(LoggedRun(metrics=…))`."""

from __future__ import annotations

from bvtrack.logged.error_metrics import Found, find_errors
from bvtrack.logged.unknown import Unknown

__all__ = ["Found", "Unknown", "find_errors"]

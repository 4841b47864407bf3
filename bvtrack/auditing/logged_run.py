"""A run as an audit sees it, from Python."""

from __future__ import annotations

from bvtrack.store.logged_run import Latest, LoggedRun

__all__ = ["Latest", "LoggedRun"]

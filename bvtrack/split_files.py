"""Splits in files and folders, checked from Python as `bvtrack split` checks them: `check_files`."""

from __future__ import annotations

from bvtrack.splits.file_check import FilesCheck, check_files

__all__ = ["FilesCheck", "check_files"]

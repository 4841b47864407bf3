"""Packages that only some of the work needs, which `pip install bvtrack` leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec


class MissingExtraError(ModuleNotFoundError):
    """A package that the work at hand needs is not installed; the message says what to install."""


@dataclass(frozen=True)
class Extra:
    """The top-level `module` that such work imports, and the words for it: what it is, what for, how to get it."""

    module: str
    name: str
    use: str
    remedy: str

    @property
    def is_installed(self) -> bool:
        """True if the module can be found; it is not imported, so that a broken install is not taken for a missing one."""
        return find_spec(self.module) is not None

    def require(self) -> None:
        """Raise `MissingExtraError` if it is not installed."""
        if not self.is_installed:
            raise MissingExtraError(f"expected {self.name} to {self.use}, got none; {self.remedy}", name=self.module)


FIGURES = Extra("matplotlib", "Matplotlib", "draw figures with", 'pip install "bvtrack[report]"')
TABLES = Extra("pyarrow", "PyArrow", "read tables with", 'pip install "bvtrack[tables]"')
PICTURES = Extra("PIL", "Pillow", "read images with", "pip install pillow")
SERVER = Extra("flask", "MLflow's server", "open a store in the browser with", 'pip install "bvtrack[server]"')
"""Flask is what MLflow's server imports first, and what `mlflow-skinny` does not bring."""

"""A journal's sending progress, saved in its folder by the shipper and read by the training."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from bvtrack.journal.folder import size_of
from bvtrack.journal.private_files import read_plain, write_private
from bvtrack.journal.record_line import from_line, to_line


@dataclass(frozen=True, slots=True)
class Progress:
    """The acknowledged byte offset, the store and the run that the points went to, the present problem, whether that is a run
    or an experiment missing from the store, the number of failed tries, what MLflow permanently refuses, whether everything
    has arrived, and, for the training's last words, the run's experiment, whether that has its saved view, and the headline of
    the run's description.
    """

    offset: int = 0
    store: str | None = None
    run_id: str | None = None
    problem: str | None = None
    is_run_missing: bool = False
    n_failures: int = 0
    refused: Sequence[str] = field(default_factory=list)
    is_complete: bool = False
    experiment_id: str | None = None
    has_view: bool = False
    headline: str | None = None

    @classmethod
    def of(cls, journal: Path) -> Self:
        """The progress saved in `journal`; none if it is missing or damaged, as sending again adds nothing."""
        with contextlib.suppress(OSError, TypeError):
            if (noted := from_line(read_plain(_file(journal)), has_checksum=True)) is not None:
                return cls(**{name: value for name, value in noted.record.items() if name != "kind"})
        return cls()

    @classmethod
    def towards(cls, journal: Path, store: str) -> Self:
        """The progress of sending `journal` to `store`, which starts over if it was sent elsewhere so far, or if more was sent
        than there is.
        """
        noted = cls.of(journal)
        if noted.store != store:
            return cls(store=store)
        return noted if noted.offset <= size_of(journal) else cls(store=store, run_id=noted.run_id)

    def save(self, journal: Path) -> None:
        """Save this progress atomically."""
        write_private(_file(journal), to_line({"kind": "progress", **asdict(self)}))


def _file(journal: Path) -> Path:
    return journal / "progress.json"

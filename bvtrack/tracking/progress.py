"""How far a journal has been sent, noted beside it by the shipper and read by the training."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from bvtrack.tracking.journal import write_private


@dataclass(frozen=True, slots=True)
class Progress:
    """The acknowledged byte offset, the store and the run that the points went to, what is wrong at the moment, whether that
    is a run or an experiment which the store does not have, how often sending has failed, what MLflow has refused for good,
    and whether everything has arrived.
    """

    offset: int = 0
    store: str | None = None
    run_id: str | None = None
    problem: str | None = None
    is_run_missing: bool = False
    n_failures: int = 0
    refused: Sequence[str] = field(default_factory=list)
    is_complete: bool = False

    @classmethod
    def of(cls, journal: Path) -> Self:
        """The progress noted in `journal`; none yet where nothing readable is there."""
        with contextlib.suppress(OSError, ValueError, TypeError):
            return cls(**json.loads(_file(journal).read_text()))
        return cls()

    @classmethod
    def towards(cls, journal: Path, store: str) -> Self:
        """The progress of sending `journal` to `store`, which begins anew where it was sent elsewhere so far."""
        noted = cls.of(journal)
        return noted if noted.store == store else cls(store=store)

    def save(self, journal: Path) -> None:
        """Note this progress in one atomic step."""
        write_private(_file(journal), json.dumps(asdict(self)))


def _file(journal: Path) -> Path:
    return journal / "progress.json"

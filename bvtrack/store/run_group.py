"""The group of repeats that trainings are begun in, here and in the processes that this one starts."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from typing import Any

from bvtrack.tracking_uri.address import read_address

VARIABLE = "BVTRACK_GROUP"
"""The environment variable by which a process that is started within a group knows of it."""


@dataclass(frozen=True, slots=True)
class RunGroup:
    """A configuration whose repeats are trained: its name, our id of its parent run, and that run's own id where it was there
    before. `store` is the place of its MLflow store, `address` the store's tracking URI, `None` where that holds credentials.

    `labels` are the seed or fold of the repeat that is trained now, and `began` is in milliseconds since the Unix epoch.
    """

    id: str
    name: str
    began: int
    store: str
    address: str | None = None
    experiment: str | None = None
    run_id: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    def is_in(self, tracking_uri: str) -> bool:
        """True if a run in this store can be nested in the group's parent."""
        return read_address(tracking_uri).place == self.store

    def header(self) -> Mapping[str, Any]:
        """What the first record of a training's journal says of it: JSON types alone."""
        return {"id": self.id, "name": self.name, "began": self.began, "run_id": self.run_id, "labels": dict(self.labels)}

    @property
    def name_of_run(self) -> str | None:
        """The name of a run that is made in it: that of the group with the labels; `None` without these."""
        return f"{self.name}, {', '.join(f'{name} {value}' for name, value in self.labels.items())}" if self.labels else None


_of_context: ContextVar[RunGroup | None] = ContextVar("group", default=None)
_open: list[RunGroup] = []
"""Those of all threads, the last one last: threads that are started within a group have no context of their own."""
_inherited: list[str | None] = []
"""The variable as it was before the first of them was opened."""
_changing = threading.Lock()


def current_group() -> RunGroup | None:
    """The innermost group of this thread, else the last that was opened in this process, else the one that the process was
    started in.
    """
    return _of_context.get() or (_open[-1] if _open else _of_environment())


@contextlib.contextmanager
def within(group: RunGroup) -> Iterator[None]:
    """Trainings that are begun within a `with` block are of this group."""
    token = _of_context.set(group)
    with _changing:
        if not _open:
            _inherited[:] = [os.environ.get(VARIABLE)]
        _open.append(group)
        _tell_processes()
    try:
        yield
    finally:
        _of_context.reset(token)
        with _changing:
            _open.pop(len(_open) - 1 - _open[::-1].index(group))
            _tell_processes()


def _tell_processes() -> None:
    """Set the variable to the last group that is open; without one, to what it was before."""
    told = json.dumps(asdict(_open[-1])) if _open else _inherited[0]
    if told is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = told


def _of_environment() -> RunGroup | None:
    with contextlib.suppress(ValueError, TypeError):  # anybody may have set it
        return RunGroup(**json.loads(os.environ.get(VARIABLE, "")))
    return None

"""Random lives of one run: trained, killed, resumed from a checkpoint, replayed, tested late, and sent in any order."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import bvtrack
from bvtrack.journal.folder import unsent_journals
from bvtrack.schema.names import VERDICT_PREFIX
from bvtrack.shipping.shipper import Shipper, send_left_behind

ERRORS = (0.0, 0.05, 0.1, 0.1, 0.15, 0.2, 0.3, 0.30000000000000004, 0.5, 1 / 3)
"""Few, so that epochs tie and values come back."""
SECOND = 1000


class RunHistory:
    """One run's life, in this process; nothing is sent but by `send`, in a folder that no other training uses."""

    def __init__(self, seed: int | str, store: str, folder: Path) -> None:
        self._random = random.Random(seed)
        self._store = store
        self._folders = [folder / "here", folder / "elsewhere"]
        self._clock = 1_700_000_000_000
        self._tracker: bvtrack.Tracker | None = None
        self._states: list[Mapping[str, Any]] = []
        self._epoch = 0

    def live(self) -> None:
        """Train, fail and send until all is over and sent."""
        with self._own_clock():
            self._begin(None)
            for _ in range(self._random.randrange(5, 40)):
                what = self._random.choice([*[self._log] * 4, self._test, self._save, self._die, *[self._send] * 2])
                what()
            self._die()
            self._send_all()

    @contextmanager
    def _own_clock(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for module in ("tracking.record_log", "journal.journal"):
                patch.setattr(f"bvtrack.{module}.now", self._now)
            patch.setattr("os.urandom", self._random.randbytes)  # journals are sent in the order of their names
            patch.setattr("bvtrack.journal.journal.time", self)
            yield

    def gmtime(self) -> time.struct_time:
        """The time in a journal's name."""
        return time.gmtime(self._clock / SECOND)

    def strftime(self, form: str, when: time.struct_time) -> str:
        return time.strftime(form, when)

    def _now(self) -> int:
        self._clock += self._random.randrange(SECOND)
        return self._clock

    def _begin(self, state: Mapping[str, Any] | None) -> None:
        self._clock += self._random.choice([60 * SECOND] * 9 + [-600 * SECOND])  # now and then another machine goes on
        self._tracker = bvtrack.Tracker(
            tracking_uri=self._store,
            journal_dir=self._random.choice(self._folders),
            human_error=self._random.choice([None, None, 0.05, 0.1]),
            at=self._random.choice(["best", "best", "best", "last"]),
            resume=state,
        )
        self._save()

    def _error(self) -> float:
        return self._random.choice(ERRORS)

    def _log(self) -> None:
        if self._tracker is None:
            return
        sets = ["train", "dev"] + [name for name in ("test", "train_dev") if self._random.random() < 0.3]
        errors = {f"{name}_error": self._error() for name in sets if self._random.random() < 0.95}
        if self._random.random() < 0.03:
            errors["train_error"] = math.nan
        counts = {f"n_{name.removesuffix('_error')}": self._random.choice([10, 1000, 100_000]) for name in errors}
        known: dict[str, Any] = {**errors, **counts}
        self._tracker.log_epoch(self._epoch, **known)
        self._epoch += self._random.choice([1, 1, 1, 1, 0])  # an epoch may be logged again

    def _test(self) -> None:
        if self._tracker is not None:
            with suppress(ValueError):  # before the first epoch
                self._tracker.log_test(self._error(), n_test=self._random.choice([None, 500]))

    def _save(self) -> None:
        if self._tracker is not None:
            self._states.append(self._tracker.state())

    def _die(self) -> None:
        """The training ends, or is killed, and mostly another goes on with it from one of its checkpoints."""
        tracker, self._tracker = self._tracker, None
        if tracker is None:
            return
        if self._random.random() < 0.4:
            tracker.close(self._random.choice(["complete", "pruned", "interrupted", "failed"]), timeout=0)
        del tracker  # whose lock is free then, as that of a process that is gone
        if self._states and self._random.random() < 0.9:
            state = self._random.choice(self._states)
            self._epoch = max((one["epoch"] for one in state["epochs"]), default=-1) + self._random.choice([1, 1, 0])
            self._begin(state)

    def _send(self) -> None:
        """One journal, to its end if its training is over, else a part of it."""
        journals = [journal for folder in self._folders for journal in unsent_journals(folder)]
        if not journals:
            return
        journal = self._random.choice(journals)
        if self._random.random() < 0.5:
            with suppress(Exception):  # its training goes on
                send_left_behind(journal, self._store)
                return
        sender = Shipper(journal, self._store, chunk_bytes=self._random.choice([200, 1 << 20]))
        for _ in range(self._random.randrange(1, 4)):
            sender.ship()

    def _send_all(self) -> None:
        self._tracker = None
        journals = [journal for folder in self._folders for journal in unsent_journals(folder)]
        self._random.shuffle(journals)
        for journal in journals:
            if journal.is_dir():
                send_left_behind(journal, self._store)


def shown(metrics: Mapping[str, float]) -> dict[str, float]:
    """What a table of runs shows of the verdict."""
    return {name: value for name, value in metrics.items() if name.startswith(VERDICT_PREFIX) and not math.isnan(value)}


def told(diagnosis_file: Mapping[str, Any]) -> dict[str, float]:
    """The same from `diagnosis.json`."""
    diagnosis = diagnosis_file.get("diagnosis", {})
    errors = {f"{VERDICT_PREFIX}{name}_error": error for name, error in diagnosis.get("errors", {}).items()}
    return errors | {f"{VERDICT_PREFIX}{name}": gap["value"] for name, gap in diagnosis.get("gaps", {}).items()}

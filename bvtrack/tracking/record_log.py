"""One run's records, from the first to the last: what they add up to so far, and their way out."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bvtrack.journal.claim import Claim
from bvtrack.journal.journal_dir import passing_journal_dir
from bvtrack.journal.packing import packed, unpacked
from bvtrack.journal.record_line import Record
from bvtrack.journal.records import EndState, Kind, TrainingRecord, make_record, now
from bvtrack.log import WarnOnce, tell
from bvtrack.shipping.at_exit import close_at_exit
from bvtrack.shipping.run_state import Ledger
from bvtrack.shipping.unfinished import ARRIVAL_SECONDS, forget, remember, wait_for_unfinished
from bvtrack.store.setup_lock import is_set_up
from bvtrack.store.target import Target
from bvtrack.tracking.environment import is_summary_wanted
from bvtrack.tracking.outbox import Link
from bvtrack.tracking.summary import say_pages, say_summary

_writing = threading.RLock()
"""Threads of one training may log at once; of all runs, for a lock of its own could not be copied with a logbook."""
ONE_WRITER = "a run has one writer, so nothing is logged from here: make a Tracker in each process"


def _begin_a_lock() -> None:
    global _writing
    _writing = threading.RLock()  # a thread that held it has not been forked


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_a_lock)


class Logbook:
    """Keeps a run's records, in memory and on their way to MLflow. A copy of it, here or in another process, sends nothing."""

    def __init__(
        self,
        target: Target,
        options: Mapping[str, Any],
        journal_dir: Path,
        *,
        is_enabled: bool,
        has_summary: bool = True,
    ) -> None:
        """`options` go into the journal's first record; a logbook that is not enabled only adds up, in memory. One that
        `has_summary` says at its close what it adds up to.
        """
        self.ledger = Ledger(options)
        self.is_closed = False
        self._target = target
        self._options = options
        self._journal_dir = journal_dir
        self._is_enabled = is_enabled
        self._has_summary = has_summary
        self._is_copy = False
        self._claim = Claim()
        self._link: Link | None = None
        self._later_links: list[Link] = []
        self._close_timeout = ARRIVAL_SECONDS
        self._is_page_due = False
        self._was_waited_for = False
        self._process: int | None = None
        self._waiting: list[Record] = []
        self._end: Sequence[Record] = ()
        self._timestamp = 0
        self._id = os.urandom(16).hex()
        self._said = WarnOnce()

    @property
    def run_id(self) -> str | None:
        """The MLflow run; `None` for one of our own that the store has not made yet."""
        return self._target.run_id or (self._link.run_id if self._link else None)

    @property
    def owns_run(self) -> bool:
        """True if the run is created, and will be ended, by its training."""
        return self._target.is_owned

    @property
    def is_of_this_process(self) -> bool:
        """True where this process keeps the run: not in one that was forked, nor in a copy."""
        return self._is_enabled and not self._is_copy and not self._is_elsewhere

    @property
    def is_making_its_store(self) -> bool:
        """True if something is on its way to an SQLite store that is not set up yet."""
        return self._link is not None and not self._link.is_out_of_reach and not is_set_up(self._target.tracking_uri)

    def state(self) -> Mapping[str, Any]:
        """The argument of `go_on_with`, JSON types alone, of bounded size."""
        known = {"epochs": packed(self.ledger.compacted_epochs()), "facts": self.ledger.facts(), "split": self.ledger.split()}
        known |= {"kept": self.ledger.kept()}
        return {"id": self._id, "run_id": self.run_id, "is_owned": self.owns_run, **known}

    def go_on_with(self, state: Mapping[str, Any]) -> None:
        """Take over a training's run and its epochs; a run that was found elsewhere is diagnosed by its own epochs alone."""
        if self.owns_run and state["is_owned"]:
            self._id = state["id"]
        elif self.owns_run or self._target.run_id != state["run_id"]:
            return
        if not self._is_enabled:  # one that writes logs its own
            for one in state.get("facts", ()):
                self.ledger.take(one)
        self._waiting = [*state.get("split", ()), *unpacked(state["epochs"]), *state.get("kept", ())]
        for one in self._waiting:
            self.ledger.take(one)
            self._timestamp = max(self._timestamp, one["timestamp"])

    def write(self, kind: Kind, **content: Any) -> None:
        """Add a record. Raises `ValueError` where the logbook is closed, `TypeError` where a field is missing."""
        if self.is_closed:
            raise ValueError("the Tracker is closed; make a new one with run_id= to go on with the same run")
        if self._is_elsewhere:
            self._said.once(f"the Tracker is one that process {self._process} writes with; {ONE_WRITER}")
            return
        with _writing:
            news = self._stamped(kind, content)
            self.ledger.take(news)
            if self._link:
                self._link.append(news.to_json())
            elif self._is_enabled:
                self._waiting.append(news.to_json())
                if self._has_its_run():
                    self._begin()

    def write_later(self, kind: Kind, **content: Any) -> None:
        """Add a record to a run that is closed, once all before it has arrived: send what its verdict follows from once more,
        of which MLflow keeps each point once. What this sends is waited for as long as `close` has waited.

        Raises `ValueError` where the run has not reached MLflow.
        """
        if not self._is_enabled or self._is_elsewhere:
            return
        self.wait(ARRIVAL_SECONDS)
        if self.run_id is None:
            raise ValueError("a test error can be added once the run has reached MLflow; it has not; call `bvtrack sync` first")
        before = self._waiting or self.ledger.compacted()
        news = self._stamped(kind, content)
        self.ledger.take(news)
        link = self._new_link(replace(self._target, run_id=self.run_id))
        link.begin(*before, news.to_json(), *self._end)
        self._later_links.append(link)
        self._was_waited_for = False
        if not link.close(self._close_timeout):
            remember(self)

    def listen(self) -> None:
        """Hear how sending goes, and say what is wrong with it."""
        if self._link:
            self._link.listen()

    def close(self, state: EndState, timeout: float, *, stopped: str | None = None) -> None:
        """Add the last record, wait up to `timeout` seconds until all has arrived, and say the summary; before that, why the
        training was `stopped`, if it was. A second call does nothing.
        """
        if self.is_closed or self._is_elsewhere:
            return
        self.is_closed = True
        if self._link is None:
            return
        self._end = [self._stamped("end", {"state": state, "stopped": stopped}).to_json()]
        self._link.append(*self._end)
        if stopped:
            tell(f"{stopped[0].upper()}{stopped[1:]}.")
        self._close_timeout = timeout
        if not self._link.close(timeout):
            remember(self)
        if self._has_summary and is_summary_wanted():
            self._is_page_due = not say_summary(self.ledger, state, self._target, self._link.progress)

    @property
    def _links(self) -> Sequence[Link]:
        return [*([self._link] if self._link else ()), *self._later_links]

    @property
    def is_out_of_reach(self) -> bool:
        """True if the store is known to be out of reach."""
        return any(link.is_out_of_reach for link in self._links)

    def say_what_is_left(self) -> None:
        """Say where what has not arrived is kept."""
        self._links[-1].say_what_is_left()

    def wait(self, timeout: float) -> bool:
        """After `close`, wait up to `timeout` seconds until all has arrived; true if it has. The way to the run is told then,
        if it was not known at the end of the training.
        """
        if not self.is_closed or self._is_elsewhere:
            return not self._links
        deadline = time.monotonic() + timeout
        left = [link for link in self._links if not link.wait(max(0.0, deadline - time.monotonic()))]
        if self._is_page_due and self._link:
            self._is_page_due = not say_pages(self._target, self._link.progress)
        (remember if left else forget)(self)
        return not left

    def wait_once(self) -> None:
        """Wait as `wait` does, 30 s at most, for the first who asks for the run of a closed logbook."""
        if self.is_closed and not self._was_waited_for:
            self.wait(ARRIVAL_SECONDS)
            self._was_waited_for = True

    @property
    def _is_elsewhere(self) -> bool:
        """True in a forked process, whose parent goes on writing."""
        return self._process not in (None, os.getpid())

    def _has_its_run(self) -> bool:
        """True if this process may write. Of those that were forked with the same logbook the first has its run; others have
        runs of their own, but where it is a run that was there before.
        """
        if self._is_copy:
            self._said.once(f"the Tracker is a copy of another; {ONE_WRITER}")
        elif (is_first := self._claim.take()) or (is_first is None and not self.owns_run):
            return True
        elif self.owns_run:
            self._said.once(
                "the Tracker was made before a fork, and another process writes its run: this one has a run of its own"
            )
            self._id, self._claim = os.urandom(16).hex(), Claim()
            return bool(self._claim.take())
        else:
            self._said.once(f"the Tracker was made before a fork, and another process writes its run; {ONE_WRITER}")
        self._is_enabled = False
        return False

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_link": None, "_later_links": [], "_is_copy": True, "_process": None}

    def _stamped(self, kind: Kind, content: Mapping[str, Any]) -> TrainingRecord:
        """A record, newer than the one before it even where the clock is put back: of two points the newer one counts."""
        self._timestamp = max(self._timestamp + 1, now())
        return make_record(kind, self._timestamp, content)

    def _begin(self) -> None:
        """Open the way to MLflow for all there is to send; where that fails, the next record tries again."""
        try:
            self._link = self._new_link(self._target)
        except OSError as error:
            self._said.once(
                f"neither {self._journal_dir} nor {error.filename} takes files ({error.strerror}), so nothing reaches MLflow"
            )
            return
        self._process = os.getpid()
        wait_for_unfinished(0)
        self._link.begin(*self._waiting)
        self._waiting = []
        close_at_exit(self)

    def _new_link(self, target: Target) -> Link:
        """A link whose journal lies where it should, or where that takes no files, in the system's folder for passing ones."""
        try:
            return Link(target, self._id, self._options, self._journal_dir)
        except OSError as error:
            instead = passing_journal_dir()
            link = Link(target, self._id, self._options, instead)
            remedy = "pass journal_dir= or set BVTRACK_JOURNAL_DIR"
            self._said.once(
                f"{self._journal_dir} takes no files ({error.strerror}), so the points are kept in {instead}; {remedy}"
            )
            return link

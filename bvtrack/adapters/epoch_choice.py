"""Follows which weights of a training are worth keeping, and which examples its best epoch gets wrong."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal

from bvtrack.adapters.paired_epochs import PairedEpochs
from bvtrack.adapters.training import Pass, Training
from bvtrack.diagnosis.worst_examples import examples_found
from bvtrack.error_rates.error_rate import is_finite_number
from bvtrack.tracking.tracker import Tracker

if TYPE_CHECKING:
    from numpy.typing import NDArray

SECONDS = 10.0
"""Shortest time between two records of a training that goes on, which count if it is killed: one is up to 20 KB."""
MOST_COMPARED = 128
"""Epochs whose differences are told, those nearest to the best: no sentence lists more."""
MOST_LOOKED_FOR = 256
"""Checkpoints that are looked for on disk: a call each, of some microseconds, or a millisecond over a network."""
MOST_SAVED = 2_000
"""Checkpoints after which those of epochs that are not kept are forgotten: of a training that saves each, some 0.5 MB."""
MOST_CARRIED, MOST_CARRIED_BYTES = 250, 1 << 15
"""Paths of checkpoints that a checkpoint carries, the latest, and their length in all."""
SAME = 1e-6
"""How far the share of examples that are wrong may be from the error: it is summed in float32 somewhere."""
URI = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")

EpochOf = Callable[[Sequence[str]], int | None]


class EpochChoice:
    """Compares the epochs of one training by their dev examples, and tells its Tracker which weights there are to keep."""

    def __init__(self, training: Training, tracker: Tracker, at: Literal["best", "last"], epoch_of: EpochOf) -> None:
        """`epoch_of` gives the measured epoch that had weights with these marks."""
        self._training = training
        self._tracker = tracker
        self._at = at
        self._epoch_of = epoch_of
        self._paired = PairedEpochs()
        self._saved_before: Mapping[str, str] = {}
        self._lowest: tuple[float, int] | None = None
        self._examples: tuple[int, Mapping[str, Any]] | None = None
        self._told = time.monotonic()
        self._told_kept: tuple[Mapping[int, str], int | None] = ({}, None)

    def take(self, epoch: int, found: Pass | None, error: float | None) -> None:
        """Take an epoch's pass over the dev set, and the error that it gave."""
        seen = found.seen if found is not None and not found.problem else None
        if found is None or seen is None or error is None or not is_finite_number(error):
            return
        values = _errors_of(found, error)
        if values is not None:
            self._paired.add(epoch, error, values, seen.order)
        if self._is_judged(epoch, error):
            given = found.examples[0] if found.is_by_example and found.examples and not found.is_averaged else None
            content = examples_found(seen, errors=given, is_in_order=self._paired.is_in_order)
            self._examples = None if content is None else (epoch, content)

    def tell_in_time(self) -> None:
        """Tell what is known, if the last time is long enough ago."""
        if time.monotonic() - self._told >= SECONDS:
            self.tell()

    def tell_if_kept(self, left: Sequence[str]) -> None:
        """Tell it at once, and once, where the best epoch, or one within noise of it, is in a checkpoint or in the weights that
        would be `left`.
        """
        known = self._tracker.weights
        close = {known.best_epoch, *known.within_noise} if known else set()
        places = {epoch: path for epoch, path in self._checkpoints(self._saved(), ()).items() if epoch in close}
        kept = places, epoch if left and (epoch := self._epoch_of(left)) in close else None
        if kept != self._told_kept:
            self._told_kept = kept
            self.tell(left if kept[1] is not None else ())

    def tell(self, left: Sequence[str] = ()) -> None:
        """Tell which epochs are within noise of the best, and where they are; at the end, the marks of the weights that are
        `left`.
        """
        self._told = time.monotonic()
        self._tell_examples()
        best, compared = self._paired.best, self._paired.compared()
        nearest = sorted(compared, key=lambda epoch: compared[epoch].value)[:MOST_COMPARED]
        closest = [] if best is None else [best, *nearest]
        saved = self._saved()
        epoch = self._epoch_of(left) if left else None
        if best is None and not saved and not left:
            return
        self._tracker.log_weights(
            best=best,
            differences={each: compared[each] for each in nearest},
            checkpoints=self._checkpoints(saved, closest),
            has_checkpoints=bool(saved),
            left_with=epoch,
            is_left_with_none=bool(left) and epoch is None,
        )

    def state(self) -> Mapping[str, Any]:
        """State for a checkpoint, JSON types alone: what is compared, and the latest checkpoints on disk. What is not told
        yet is told first, for the Tracker's state.
        """
        self._tell_examples()
        return {"paired": self._paired.state(), "saved": self._carried()}

    def saved_epochs(self, most: int = MOST_SAVED) -> set[int]:
        """The epochs of the latest checkpoints."""
        epochs = (self._epoch_of([mark]) for mark in list(self._saved().values())[-most:])
        return {epoch for epoch in epochs if epoch is not None}

    def recall(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state()`. Raises `LookupError`, `TypeError` or `ValueError` for anything else."""
        self._saved_before = dict(state.get("saved", {}))
        self._paired.recall(state.get("paired", {}))

    def _saved(self) -> Mapping[str, str]:
        """The mark by checkpoint, of a training that this one goes on with too."""
        saved = {**self._saved_before, **self._training.checkpoints()}
        if len(saved) <= MOST_SAVED:
            return saved
        kept, latest = {*self._tracker.kept_epochs}, {*list(saved)[-MOST_SAVED // 2 :]}
        spare = {path for path, mark in saved.items() if path not in latest and self._epoch_of([mark]) not in kept}
        self._training.forget_checkpoints(spare)
        self._saved_before = {path: mark for path, mark in self._saved_before.items() if path not in spare}
        return {path: mark for path, mark in saved.items() if path not in spare}

    def _carried(self) -> Mapping[str, str]:
        """Checkpoints on disk, as many as there is room for: of the epochs that may be kept, and the latest."""
        local = [(path, mark) for path, mark in self._saved().items() if not URI.match(path)]
        close = {*self._close()} if len(local) > MOST_CARRIED else set()
        local.sort(key=lambda saved: self._epoch_of([saved[1]]) in close)
        last = list(reversed(local[-MOST_CARRIED:]))
        sizes = accumulate(len(path.encode()) for path, _ in last)
        return dict(reversed([one for one, size in zip(last, sizes, strict=True) if size <= MOST_CARRIED_BYTES]))

    def _close(self) -> list[int]:
        """The epochs that may be kept, by their intervals too."""
        known = self._tracker.weights
        epochs = [known.best_epoch, known.judged_epoch, *known.within_noise] if known else []
        return [epoch for epoch in epochs if epoch is not None]

    def _tell_examples(self) -> None:
        """Tell which examples the judged epoch gets wrong: where each epoch is the best so far, of the last one alone."""
        if self._examples is not None:
            self._tracker.log_examples(*self._examples)
            self._examples = None

    def _is_judged(self, epoch: int, error: float) -> bool:
        """True if the verdict will speak of this epoch."""
        if self._at == "best" and self._lowest is not None and (error, epoch) > self._lowest and epoch != self._lowest[1]:
            return False
        self._lowest = (error, epoch)
        return True

    def _checkpoints(self, saved: Mapping[str, str], compared: Iterable[int]) -> Mapping[int, str]:
        """By epoch, a checkpoint that is there, of the epochs that may be kept."""
        if not saved:
            return {}
        paths: dict[int, list[str]] = {}
        for path, mark in saved.items():
            if (epoch := self._epoch_of([mark])) is not None:
                paths.setdefault(epoch, []).append(path)
        wanted = list(dict.fromkeys([*compared, *self._close()]))[:MOST_LOOKED_FOR]
        found = {epoch: next(filter(is_there, paths.get(epoch, ())), None) for epoch in wanted}
        return {epoch: path for epoch, path in found.items() if path is not None}


def is_there(path: str) -> bool:
    """True for a file or folder that exists, and for what lies elsewhere, which is not asked."""
    return URI.match(path) is not None or os.path.lexists(path)


def _errors_of(found: Pass, error: float) -> NDArray[Any] | None:
    """The errors of single examples: those that the user's function gave or, where it gave one of all, which were wrong, if
    that is what it counted.
    """
    import numpy as np

    if found.is_averaged or found.examples is None:
        return None
    if found.is_by_example:
        values = np.asarray(found.examples[0])
        return values if values.ndim == 1 and values.dtype.kind in "biuf" else None
    outcomes = found.seen.outcomes if found.seen else None
    wrong = outcomes.wrong if outcomes else None
    return wrong if wrong is not None and abs(float(wrong.mean()) - error) < SAME else None

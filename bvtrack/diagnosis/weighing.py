"""Which epochs of a training may be the best, from its history and from what it has told of its examples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from bvtrack.diagnosis.kept_weights import Comparison, Weights
from bvtrack.diagnosis.run_history import History
from bvtrack.error_rates.epoch_errors import EpochErrors
from bvtrack.error_rates.within_noise import Difference, unpaired_difference, within_noise


class Known(Protocol):
    """What a training has told beside its epochs' errors, as `journal.records.WeightsRecord` does."""

    @property
    def best(self) -> int | None: ...
    @property
    def difference_of(self) -> Mapping[int, Difference]: ...
    @property
    def checkpoint_of(self) -> Mapping[int, str]: ...
    @property
    def has_checkpoints(self) -> bool: ...
    @property
    def left_with(self) -> int | None: ...
    @property
    def is_left_with_none(self) -> bool: ...


def weights_of(history: History, judged_epoch: int | None, known: Known | None) -> Weights | None:
    """The weights to keep of a training; `None` if no epoch has a dev error, or if the best of them has diverged already."""
    best = history.best
    if best is None or not _is_sound(best):
        return None
    paired = known.difference_of if known is not None and known.best == best.epoch else {}
    close, compared = weigh(best, history.kept, paired=paired)
    weights = Weights(best.epoch, judged_epoch, history.last_epoch, close, compared)
    if known is None:
        return weights
    places = known.checkpoint_of
    by_error = {entry.epoch: entry.errors.get("dev", math.inf) for entry in history.kept}
    wanted = [best.epoch, *sorted(close, key=lambda epoch: (by_error.get(epoch, math.inf), epoch))]
    wanted += [] if judged_epoch is None else [judged_epoch]
    return replace(
        weights,
        checkpoints={epoch: places[epoch] for epoch in wanted if epoch in places},
        has_checkpoints=known.has_checkpoints,
        left_with=known.left_with,
        is_left_with_none=known.is_left_with_none,
    )


def weigh(
    best: EpochErrors, others: Sequence[EpochErrors], *, paired: Mapping[int, Difference]
) -> tuple[tuple[int, ...], Comparison]:
    """The epochs within noise of the best, and how that was told: by `paired` differences, else by the intervals."""
    unpaired = {
        other.epoch: difference
        for other in others
        if other.epoch not in paired and other.epoch != best.epoch and (difference := _unpaired(other, best)) is not None
    }
    diverged = {other.epoch for other in others if not _is_sound(other)}
    known = {epoch: difference for epoch, difference in {**paired, **unpaired}.items() if epoch not in diverged}
    found = within_noise(known)
    compared: Comparison = "unpaired" if unpaired else "paired" if paired else "unknown"
    return tuple(epoch for epoch in found if epoch != best.epoch), compared


def _is_sound(entry: EpochErrors) -> bool:
    return len(entry.finite) == len(entry.errors)


def _unpaired(other: EpochErrors, best: EpochErrors) -> Difference | None:
    later, lowest = other.rates.get("dev"), best.rates.get("dev")
    return unpaired_difference(later, lowest) if later is not None and lowest is not None else None

"""History of a run's epochs in bounded memory, and bounded time per epoch."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from bvtrack.curves.curve import WARM_UP_EPOCHS, Shape
from bvtrack.curves.forecast import FEWEST_VALUES
from bvtrack.curves.running import optimism_of_lowest
from bvtrack.curves.stretches import Stretches
from bvtrack.curves.trend import FEWEST_RECENT, Moments, Trend, first_recent
from bvtrack.error_rates.epoch_errors import At, EpochErrors
from bvtrack.error_rates.optimism import Optimism, deviation

KEPT_EPOCHS = 512
"""Epochs kept of a longer training: more than a report draws, and 0.2 MB of records."""
FAILURES = ("diverged", "not_learning")
"""The classes of a curve that a chance level, where it is known, can refute."""
SURPLUS_EPOCHS = 128
"""Further epochs that may accumulate before those beyond `KEPT_EPOCHS` are dropped, all at once."""


class History:
    """The epochs of one run in logging order; an epoch that is logged again moves to the end. Where some are not logged, as of
    a training of thousands of rounds, the curves have gaps in their places: they are of the training's time.

    A training of more than `most` epochs is thinned: epochs at regular intervals are kept, and those that shape its curve. The
    verdict changes by no more than its trend does with one epoch too many at its beginning. A dropped epoch that is logged
    again counts as a new one.
    """

    def __init__(self, at: At, *, most: int = KEPT_EPOCHS) -> None:
        self._at = at
        self._most = most
        self._entries: dict[int, EpochErrors] = {}
        self._places: dict[int, int] = {}
        self._n_places = 0
        self._best: EpochErrors | None = None
        self._stretches = Stretches(most)
        self._shape, self._raw_shape, self._latest_dev = _empty_curves()
        self._is_stale = False
        self._has_scale, self._has_errors = True, False

    @property
    def has_scale(self) -> bool:
        """False if what is logged cannot be read as errors, which holds for the epochs so far as well; they keep their
        values in their own units.
        """
        return self._has_scale

    @has_scale.setter
    def has_scale(self, has_scale: bool) -> None:
        if has_scale == self._has_scale:
            return
        self._has_scale = has_scale
        if not has_scale:
            self._entries = {epoch: entry.without_scale for epoch, entry in self._entries.items()}
        self._read_anew()

    @property
    def has_errors(self) -> bool:
        """True if there is an error that is a fraction; else the curves are those of the values in their own units."""
        return self._has_errors

    def _read_anew(self) -> None:
        """Take the curves from the errors, where there are any, else from the values in their own units."""
        self._has_errors = self._has_scale and any(entry.finite for entry in self._entries.values())
        self._is_stale = True
        self._best = self._find_best()

    def _find_best(self) -> EpochErrors | None:
        measured = [(dev, entry) for entry in self._entries.values() if (dev := self._dev_of(entry)) is not None]
        return min(measured, key=lambda pair: pair[0])[1] if measured else None

    def _value_of(self, entry: EpochErrors, name: str) -> float | None:
        """The value of a set's curve at an epoch."""
        return entry.errors.get(name) if self._has_errors else entry.errors.get(name, entry.unscaled.get(name))

    def _dev_of(self, entry: EpochErrors) -> float | None:
        dev = self._value_of(entry, "dev")
        return dev if dev is not None and math.isfinite(dev) else None

    def __len__(self) -> int:
        """Number of epochs so far, dropped ones included."""
        self._recompute()
        return self._n_places

    def get(self, epoch: int) -> EpochErrors | None:
        """An epoch; `None` if it was not logged, or has been dropped."""
        return self._entries.get(epoch)

    def add(self, entry: EpochErrors) -> Sequence[int]:
        """Add an epoch, and return the epochs that are dropped for it."""
        self._remove(entry.epoch)
        entry = entry if self._has_scale else entry.without_scale
        place = self._places[entry.epoch] = self._n_places + self._n_skipped(entry.epoch, [*islice(reversed(self._entries), 1)])
        self._entries[entry.epoch] = entry
        self._n_places = place + 1
        if not self._has_errors and entry.finite:
            self._read_anew()
        self._update_chosen(entry)
        dev = self._dev_of(entry)
        if self._is_thinned or not self._is_stale:
            self._stretches.add(place, dev)
        if not self._is_stale:
            self._extend_curves(place, entry, dev)
        return self._drop_epochs() if len(self._entries) > self._most + SURPLUS_EPOCHS else ()

    def put(self, entry: EpochErrors) -> None:
        """Replace an epoch in place, with a later test error."""
        before = self._entries[entry.epoch]
        self._entries[entry.epoch] = entry
        self._best = entry if self._best is before else self._best

    @property
    def chosen(self) -> EpochErrors:
        """The epoch that the tags report, by `at`; the last if no epoch has a dev error. There must be an epoch."""
        return self._best if self._best is not None and self._at == "best" else next(reversed(self._entries.values()))

    @property
    def best(self) -> EpochErrors | None:
        """The epoch with the lowest dev error, the earliest of equals; `None` if no epoch has one."""
        return self._best

    @property
    def last_epoch(self) -> int:
        """The epoch that was logged last. There must be one."""
        return next(reversed(self._entries))

    @property
    def optimism(self) -> Optimism:
        """The optimism of the chosen epoch's dev error; none if no epoch was chosen by it, or if its noise is not known."""
        dev = self._best.rates.get("dev") if self._best is not None and self._at == "best" else None
        if self._best is None or dev is None or not dev.has_interval:
            return Optimism()
        self._recompute()
        parts, at = self._stretches.parts(self._places[self._best.epoch])
        return optimism_of_lowest(parts, at, dev.error, deviation(dev))

    @property
    def shape(self) -> Shape:
        """The shape of the curves so far."""
        self._recompute()
        return self._shape if self._has_errors or self._raw_shape.is_empty else self._raw_shape

    def classify(self, chance: float | None, n_dev: int | None) -> str:
        """The class of the curves (see `classify_curve`), for which there must be a value; `chance` is a fraction.

        Where the errors are made of values in units of their own, such as a loss, those decide: as a fraction of at most 1, a
        loss hardly moves while it diverges.
        """
        self._recompute()
        by_raw = None if self._raw_shape.is_empty else self._raw_shape.classify(None, None)
        if not self._has_errors and by_raw is not None:
            return by_raw
        by_errors = self._shape.classify(chance, n_dev)
        if by_raw is None or by_errors in FAILURES:
            return by_errors
        is_refuted = chance is not None and by_raw in FAILURES and (by_raw != "diverged" or self._shape.ends_below(chance))
        return by_errors if is_refuted else by_raw

    @property
    def trend(self) -> Trend:
        """The trend of the dev errors so far."""
        outline = self.shape.dev
        recent = self._stretches.since(first_recent(outline.last_finite[0]))
        if self._latest_dev and (recent is None or recent.n < FEWEST_RECENT):
            recent = Moments.of(list(self._latest_dev)[-FEWEST_RECENT:])
        return Trend.along(outline, recent)

    @property
    def kept(self) -> list[EpochErrors]:
        """The epochs; of a long training the first, the last, those that shape its curve, and others at regular intervals."""
        self._recompute()
        if not self._is_thinned:
            return list(self._entries.values())
        ends = [*self._entries][:WARM_UP_EPOCHS] + [*self._entries][-WARM_UP_EPOCHS:]
        places = self._shape.landmarks | self._raw_shape.landmarks | {place for place, _ in self._latest_dev}
        wanted = {*self._most_complete_by_stretch().values(), *ends, self.chosen.epoch}
        return [entry for epoch, entry in self._entries.items() if epoch in wanted or self._places[epoch] in places]

    def past(self) -> Mapping[str, Any]:
        """State for `restore` that does not follow from the kept epochs, as JSON types."""
        if not self._is_thinned:
            return {}
        places = [self._places[entry.epoch] for entry in self.kept]
        return {"n_places": self._n_places, "places": places, "stretches": self._stretches.state()}

    def restore(self, past: Mapping[str, Any]) -> None:
        """Restore the state of `past()`; the epochs that it kept must have been added before."""
        if len(past.get("places", ())) == len(self._entries):
            self._places = dict(zip(self._entries, past["places"], strict=True))
            self._n_places = past["n_places"]
            self._stretches = Stretches.again(self._most, past["stretches"])
            self._is_stale = True

    @property
    def _is_thinned(self) -> bool:
        return self._stretches.length > 1

    def _remove(self, epoch: int) -> None:
        """Remove an epoch that is logged again; in a thinned history its place stays empty."""
        entry = self._entries.pop(epoch, None)
        if entry is None:
            return
        place = self._places.pop(epoch)
        dev = self._dev_of(entry)
        if self._is_thinned and dev is not None:
            self._stretches.subtract(place, dev)
        if place == self._n_places - 1:
            self._n_places = place - self._n_skipped(epoch, [*islice(reversed(self._entries), 1)])
        if entry is self._best:
            self._best = self._find_best()
        self._is_stale = True

    def _update_chosen(self, entry: EpochErrors) -> None:
        """Update the epoch with the lowest dev error."""
        dev, best = self._dev_of(entry), None if self._best is None else self._dev_of(self._best)
        if dev is not None and (best is None or dev < best):
            self._best = entry

    def _extend_curves(self, place: int, entry: EpochErrors, dev: float | None) -> None:
        """Extend the curves by an epoch whose finite dev error is `dev`."""
        self._shape.add(place, entry.errors.get("train"), entry.errors.get("dev"))
        if entry.unscaled:
            self._raw_shape.add(place, entry.unscaled.get("train"), entry.unscaled.get("dev"))
        if dev is not None:
            self._latest_dev.append((place, dev))

    def _recompute(self) -> None:
        """Rebuild the curves if an epoch has been removed from them."""
        if not self._is_stale:
            return
        self._is_stale = False
        self._shape, self._raw_shape, self._latest_dev = _empty_curves()
        if not self._is_thinned:
            self._places, self._n_places, self._stretches = {}, 0, Stretches(self._most)
            before: list[int] = []
            for epoch, entry in self._entries.items():
                place = self._places[epoch] = self._n_places + self._n_skipped(epoch, before)
                self._stretches.add(place, self._dev_of(entry))
                self._n_places, before = place + 1, [epoch]
        for epoch, entry in self._entries.items():
            self._extend_curves(self._places[epoch], entry, self._dev_of(entry))

    def _n_skipped(self, epoch: int, before: Sequence[int]) -> int:
        """The number of places left empty before an epoch, for those between it and the one logged `before` that were not
        logged; the unit is the distance of the first two.
        """
        first = [*islice(self._entries, 2)]
        unit = max(first[1] - first[0], 1) if len(first) == 2 else epoch - before[0] if before else 1
        return max((epoch - before[0]) // max(unit, 1) - 1, 0) if before else 0

    def _most_complete_by_stretch(self) -> Mapping[int, int]:
        """Per stretch, the epoch with errors of the most sets, because some epochs may lack a dev error."""
        found: dict[int, int] = {}
        for epoch, entry in self._entries.items():
            stretch = self._places[epoch] // self._stretches.length
            if stretch not in found or len(entry.errors) > len(self._entries[found[stretch]].errors):
                found[stretch] = epoch
        return found

    def _drop_epochs(self) -> Sequence[int]:
        kept = {entry.epoch for entry in self.kept}
        dropped = [epoch for epoch in self._entries if epoch not in kept]
        for epoch in dropped:
            del self._entries[epoch], self._places[epoch]
        return dropped


def _empty_curves() -> tuple[Shape, Shape, deque[tuple[int, float]]]:
    """The shape of the errors, that of values in their own units, and the last dev errors, as many as a forecast needs."""
    return Shape(), Shape(is_loss=True), deque(maxlen=FEWEST_VALUES)

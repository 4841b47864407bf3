"""A run's epochs so far, in room and time that do not grow with their number."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bvtrack.curves.curve import WARM_UP_EPOCHS, Shape
from bvtrack.curves.forecast import FEWEST_VALUES
from bvtrack.curves.stretches import Stretches
from bvtrack.curves.trend import FEWEST_RECENT, Moments, Trend, first_recent
from bvtrack.diagnosis.diagnosis import with_hysteresis
from bvtrack.error_rates.epoch_errors import At, EpochErrors, chosen_epoch
from bvtrack.error_rates.gaps import Gap

KEPT_EPOCHS = 512
"""Of a longer training what is kept of the epochs before: more than a report draws, and 0.2 MB of records."""
SURPLUS_EPOCHS = 128
"""How many more may gather before those that are not kept are let go, all at once."""


class History:
    """The epochs of one run in the order in which they came; one that comes again stands at its new place alone.

    Of a training of more than `most` epochs every so many are kept, and those without which its curve would have another shape:
    what is said of a run changes by that no more than its trend does where it begins with an epoch too many. An epoch that is
    no longer kept and comes again counts as another one.
    """

    def __init__(self, at: At, *, human_error: float | None, same_distribution: bool, most: int = KEPT_EPOCHS) -> None:
        self._at = at
        self._human_error = human_error
        self._same_distribution = same_distribution
        self._most = most
        self._entries: dict[int, EpochErrors] = {}
        self._places: dict[int, int] = {}
        self._n_places = 0
        self._best: EpochErrors | None = None
        self._reported: EpochErrors | None = None
        self._reference_gaps: Mapping[str, Gap] = {}
        self._stretches = Stretches(most)
        self._shape, self._latest_dev = Shape(), _latest_errors()
        self._is_stale = False

    def __len__(self) -> int:
        """How many epochs there have been."""
        self._recompute()
        return self._n_places

    def get(self, epoch: int) -> EpochErrors | None:
        """An epoch; `None` where it was not logged, or is no longer kept."""
        return self._entries.get(epoch)

    def add(self, entry: EpochErrors) -> Sequence[int]:
        """Go on to another epoch; the epochs that are no longer kept by that."""
        self._remove(entry.epoch)
        place = self._places[entry.epoch] = self._n_places
        self._entries[entry.epoch] = entry
        self._n_places += 1
        self._update_chosen(entry)
        dev = _dev_of(entry)
        if self._is_thinned or not self._is_stale:
            self._stretches.add(place, dev)
        if not self._is_stale:
            self._extend_curves(place, entry, dev)
        return self._drop_epochs() if len(self._entries) > self._most + SURPLUS_EPOCHS else ()

    def put(self, entry: EpochErrors) -> None:
        """Know more of an epoch that is there than before: a later test error."""
        before = self._entries[entry.epoch]
        self._entries[entry.epoch] = entry
        self._best = entry if self._best is before else self._best
        self._reported = entry if self._reported is before else self._reported

    @property
    def chosen(self) -> EpochErrors:
        """The epoch that the tags speak of; there must be one. Where no epoch has a dev error, the last."""
        return self._best if self._best is not None and self._at == "best" else next(reversed(self._entries.values()))

    @property
    def reference_gaps(self) -> Mapping[str, Gap]:
        """The gaps by which it was decided what to name in the tags, before they spoke of the chosen epoch."""
        return self._reference_gaps

    @property
    def shape(self) -> Shape:
        """That of the curves so far."""
        self._recompute()
        return self._shape

    @property
    def trend(self) -> Trend:
        """That of the dev errors so far."""
        outline = self.shape.dev
        recent = self._stretches.since(first_recent(outline.last_finite[0]))
        if self._latest_dev and (recent is None or recent.n < FEWEST_RECENT):
            recent = Moments.of(list(self._latest_dev)[-FEWEST_RECENT:])
        return Trend.along(outline, recent)

    @property
    def kept(self) -> list[EpochErrors]:
        """The epochs; of a long training the first, the last, those that make its shape, and of the others every so many."""
        self._recompute()
        if not self._is_thinned:
            return list(self._entries.values())
        ends = [*self._entries][:WARM_UP_EPOCHS] + [*self._entries][-WARM_UP_EPOCHS:]
        places = self._shape.landmarks | {place for place, _ in self._latest_dev}
        wanted = {*self._most_complete_by_stretch().values(), *ends, self.chosen.epoch}
        return [entry for epoch, entry in self._entries.items() if epoch in wanted or self._places[epoch] in places]

    def past(self) -> Mapping[str, Any]:
        """What `restore` takes, JSON types alone: what does not follow from the epochs that are kept."""
        decided = {name: asdict(gap) for name, gap in self._reference_gaps.items()}
        if not self._is_thinned:
            return {"decided": decided}
        places = [self._places[entry.epoch] for entry in self.kept]
        return {"decided": decided, "n_places": self._n_places, "places": places, "stretches": self._stretches.state()}

    def restore(self, past: Mapping[str, Any]) -> None:
        """Take the epochs that are here, of which that is the past, for those that were kept."""
        self._reference_gaps = {name: Gap(**gap) for name, gap in past["decided"].items()}
        if len(past.get("places", ())) == len(self._entries):
            self._places = dict(zip(self._entries, past["places"], strict=True))
            self._n_places = past["n_places"]
            self._stretches = Stretches.again(self._most, past["stretches"])
            self._is_stale = True

    @property
    def _is_thinned(self) -> bool:
        return self._stretches.length > 1

    def _remove(self, epoch: int) -> None:
        """Take out an epoch that comes again; among thousands its place stays empty."""
        entry = self._entries.pop(epoch, None)
        if entry is None:
            return
        place = self._places.pop(epoch)
        dev = _dev_of(entry)
        if self._is_thinned and dev is not None:
            self._stretches.subtract(place, dev)
        if place == self._n_places - 1:
            self._n_places = place
        if entry is self._best:
            measured = [one for one in self._entries.values() if one.has_dev_error]
            self._best = chosen_epoch(measured, "best") if measured else None
        self._is_stale = True

    def _update_chosen(self, entry: EpochErrors) -> None:
        """Note which epoch the tags speak of now, and of the one before what they have said: noise alone does not change it."""
        if entry.has_dev_error and (self._best is None or entry.errors["dev"] < self._best.errors["dev"]):
            if self._best is None and self._at == "best":  # till now they spoke of train errors alone
                self._reported, self._reference_gaps = None, {}
            self._best = entry
        chosen = self.chosen
        if chosen is self._reported or not chosen.finite:
            return
        if self._reported is not None and (self._reported.counts or self._reported.intervals):
            gaps = self._reported.gaps(human_error=self._human_error, same_distribution=self._same_distribution)
            self._reference_gaps = with_hysteresis(gaps, self._reference_gaps)
        self._reported = chosen

    def _extend_curves(self, place: int, entry: EpochErrors, dev: float | None) -> None:
        """Follow the curves by an epoch whose finite dev error is `dev`."""
        self._shape.add(place, entry.errors.get("train"), entry.errors.get("dev"))
        if dev is not None:
            self._latest_dev.append((place, dev))

    def _recompute(self) -> None:
        """Follow the curves anew where an epoch has been taken out of them."""
        if not self._is_stale:
            return
        self._is_stale = False
        self._shape, self._latest_dev = Shape(), _latest_errors()
        if not self._is_thinned:
            self._places = {epoch: place for place, epoch in enumerate(self._entries)}
            self._n_places = len(self._entries)
            self._stretches = Stretches(self._most)
            for place, entry in enumerate(self._entries.values()):
                self._stretches.add(place, _dev_of(entry))
        for epoch, entry in self._entries.items():
            self._extend_curves(self._places[epoch], entry, _dev_of(entry))

    def _most_complete_by_stretch(self) -> Mapping[int, int]:
        """Of each stretch the epoch with errors of the most sets: a dev error may be there at some epochs alone."""
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


def _dev_of(entry: EpochErrors) -> float | None:
    return entry.errors["dev"] if entry.has_dev_error else None


def _latest_errors() -> deque[tuple[int, float]]:
    """The last dev errors: as many as show that there are enough for a forecast."""
    return deque(maxlen=FEWEST_VALUES)

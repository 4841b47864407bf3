"""The errors of one epoch, and the choice of the epoch that a run's tags describe."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from bvtrack.error_rates.error_rate import is_share_of
from bvtrack.error_rates.gaps import Gap, measure_gaps
from bvtrack.error_rates.intervals import Rate

At = Literal["best", "last"]


@dataclass(frozen=True)
class EpochErrors:
    """One epoch's errors by set, and the number of examples or the 95 % interval of each; a diverged error is NaN. `unscaled`
    holds errors in their own units if they were scaled.
    """

    epoch: int
    errors: Mapping[str, float]
    counts: Mapping[str, int] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    unscaled: Mapping[str, float] = field(default_factory=dict)

    @property
    def finite(self) -> dict[str, float]:
        """The errors that can be compared and logged."""
        return {name: error for name, error in self.errors.items() if math.isfinite(error)}

    @property
    def rates(self) -> dict[str, Rate]:
        """The finite errors, each with its interval, and with its number of examples if it can be a share of them: a mean over
        batches of another size cannot.
        """
        return {name: Rate(error, self._examples(name, error), self.intervals.get(name)) for name, error in self.finite.items()}

    @property
    def without_scale(self) -> EpochErrors:
        """The same, where its errors turn out to be none: those that are not finite are left, and the values in their
        own units.
        """
        return replace(self, errors={name: error for name, error in self.errors.items() if not math.isfinite(error)}, counts={})

    def gaps(self, *, human_error: float | None, same_distribution: bool) -> dict[str, Gap]:
        """The gaps that can be measured from the finite errors: a diagnosis without the words."""
        return measure_gaps(self.rates, human_error, same_distribution)

    @property
    def has_dev_error(self) -> bool:
        """True if the dev error is finite, as that of the best epoch must be."""
        return math.isfinite(self.errors.get("dev", math.nan))

    def _examples(self, name: str, error: float) -> int | None:
        n = self.counts.get(name)
        return n if n is not None and is_share_of(error, n) else None


def chosen_epoch(history: Sequence[EpochErrors], at: At) -> EpochErrors:
    """The epoch that the tags describe; the last one if no epoch has a dev error."""
    measured = [entry for entry in history if entry.has_dev_error]
    return history[-1] if at == "last" or not measured else min(measured, key=lambda entry: entry.errors["dev"])


def with_test_error(entry: EpochErrors, later: EpochErrors) -> EpochErrors:
    """The epoch with a test error that was measured later, on its weights."""
    return replace(
        entry,
        errors={**entry.errors, **later.errors},
        counts={**entry.counts, **later.counts},
        intervals={**entry.intervals, **later.intervals},
        unscaled={**entry.unscaled, **later.unscaled},
    )

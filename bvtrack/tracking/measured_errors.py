"""The measure of a training's errors, and their conversion to the fractions that are logged."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bvtrack.error_rates.error_rate import is_finite_number
from bvtrack.log import WarnOnce
from bvtrack.measures.losses import FARTHEST_FROM_GUESSING, LEAST_TELLING
from bvtrack.measures.measure import Measure, as_good_as, as_measure, find_measure, scaled
from bvtrack.measures.quantity import is_of_quantities
from bvtrack.schema.tag_texts import measure_text, one_of
from bvtrack.splits.sampling.sample import MOST_EXAMPLES

LARGEST_STEP = 2**63 - 1
"""MLflow's steps are 64-bit integers."""


class MeasuredErrors:
    """One training's errors: their measure, and whether they are fractions. What cannot be used is said once, by no copy.

    It holds nothing of the Tracker's that holds it: one that is let go leaves its journal at once, and not when the garbage is
    collected.
    """

    def __init__(self, measure: str | Measure | None, said: WarnOnce) -> None:
        """Raises `ValueError` for a measure that is not known."""
        self.measure = self._named = as_measure(measure)
        self._chosen_among: frozenset[str] = frozenset()
        self._said = said
        self._has_fractions = True
        self._lowest = math.inf
        self._guess: float | None = None
        self._remark = ""
        self._doubt = ""
        self._is_doubtful = False

    def is_chosen_among(self, logged: Collection[str]) -> bool:
        """True if the measure is among these metrics, and was named, or chosen among no fewer."""
        if self.measure is None or not self.measure.find_in(logged):
            return False
        return self.measure == self._named or not self._chosen_among or self._chosen_among >= {*logged}

    def find(
        self, logged: Sequence[str], has_quantities: Callable[..., bool], loss: str | None, known_as: Mapping[str, str]
    ) -> Measure | None:
        """The measure among these metrics, none of which is the one that was named; says once what that is taken for. Where the
        training targets are quantities, which is asked only if it matters, an accuracy is none.
        """
        is_regression = loss is not None and is_of_quantities(loss)
        found = find_measure(logged, loss=None if is_regression else loss, known_as=known_as)
        of_quantities = find_measure(logged, loss="mse", known_as=known_as)
        is_of_classes = found is not None and (of_quantities is None or found.name != of_quantities.name)
        if found is not None and is_of_classes and has_quantities(is_regression=is_regression):
            self._said.once(
                f"{found.name} is no error of targets that are quantities, which no prediction meets exactly; taking "
                f"{of_quantities or 'none'} instead; log a regression's error, such as val_mae or val_r2; where it is one, "
                f"pass measure={found.name!r}"
            )
            found = replace(of_quantities, is_cross_entropy=None) if of_quantities else None
        if found is not None and found.kind == "loss" and is_regression:
            found = replace(found, is_cross_entropy=False, known_as=loss or "")
        say = self._said.once
        seen = ", ".join(logged) or "nothing"
        if self._named is not None:
            remedy = f"taking {found} instead" if found else "log it, or name another with measure="
            say(f"no metric named {self._named.name!r} was logged; logged: {seen}; {remedy}", once_for="no measure")
        elif found is None:
            advice = "log one, or name yours with measure="
            say(f"expected an error rate or an accuracy to diagnose, got {seen}; {advice}", once_for="no measure")
        self._chosen_among = frozenset(logged)
        self._note_doubt(found, logged, known_as)
        return found

    def _note_doubt(self, found: Measure | None, logged: Sequence[str], known_as: Mapping[str, str]) -> None:
        """Say once which metric was taken where others may be meant as well: no verdict is certain then, nor by a part."""
        others = as_good_as(found, logged, known_as) if found else []
        self._doubt = one_of(found.name, *others) if found and others else ""
        self._is_doubtful = bool(others) or (found is not None and found.is_part)
        if found and others:
            self._said.once(
                f"taking {found} for the error, where {', '.join(others)} may be meant as well: no diagnosis is certain; name "
                "the one that is meant with measure=",
                once_for="several measures",
            )

    def settle(self, measure: Measure, targets: Any) -> None:
        """Take the errors for this measure's, brought to fractions by the training targets where they are there."""
        self._has_fractions = self._has_fractions or self.measure is None or measure.name != self.measure.name
        if self.measure is None or measure.name != self.measure.name:
            self._lowest = math.inf
        self.measure = measure if targets is None else scaled(measure, targets)

    def measure_fields(self, remark: str | None = None) -> dict[str, Any]:
        """The fields of the measure's record; there must be one. `remark` goes into the tag, by default the one before."""
        self._remark = self._remark if remark is None else remark
        assert self.measure is not None
        has_scale = self.has_scale
        shown = self.measure if has_scale or self._is_unit else f"{self.measure.name} (a loss without an error scale)"
        return {
            "name": measure_text(shown, "; ".join(filter(None, (self._remark, self._doubt)))),
            "is_rate": self._is_rate,
            "has_scale": has_scale,
            "is_loss": self.measure.kind == "loss",
            "is_doubtful": self._is_doubtful,
            "unit": self.measure.unit.kind,
        }

    @property
    def has_scale(self) -> bool:
        """True if the errors can be read as fractions: not errors in units without the targets, nor a loss that is no
        cross-entropy by its name, or by its values so far.
        """
        if self.measure is None:
            return True
        is_known = self.measure.scale is not None and self.measure.function is not None  # the very loss, of a constant
        if self.measure.needs_scale or self.measure.kind != "loss" or is_known:
            return not self.measure.needs_scale
        return self._lowest == math.inf or 0 <= self._lowest <= self._most_telling

    def look_at(self, errors: Iterable[float | None], guess: float | None) -> bool:
        """Take the values of an epoch into account, and the loss of guessing; true if they change what the errors are
        read as.
        """
        before, self._guess = self.has_scale, guess
        finite = [float(error) for error in errors if error is not None and math.isfinite(error)]
        self._lowest = min([self._lowest, *finite])
        if self.measure is not None and self.measure.kind == "loss" and not self.has_scale:
            self._say_why_not(self.measure)
        return self.has_scale != before

    @property
    def _most_telling(self) -> float:
        """The value of a loss up to which it can be read as a cross-entropy, or as an error on the scale of the targets."""
        if self.measure is not None and self.measure.is_cross_entropy:
            return math.inf
        return LEAST_TELLING if self._guess is None else FARTHEST_FROM_GUESSING * self._guess

    def _say_why_not(self, measure: Measure) -> None:
        if measure.needs_scale:
            why = "by its name, or by the losses beside it, it is no cross-entropy of single examples"
        elif self._lowest < 0:
            why = f"it comes to {self._lowest:.4g}, and no cross-entropy of classes is below 0"
        elif self._guess is None:
            why = f"it is {self._lowest:.4g} at best, and how many classes there are is not known"
        else:
            why = (
                f"it is {self._lowest:.4g} at best, where guessing would make {self._guess:.4g} if it were a mean over examples"
            )
        self._said.once(
            f"{measure.name} cannot be read as an error: {why}; gaps stay undetermined and the curve is judged alone; "
            "log an error rate or an accuracy, or name another metric with measure=",
            once_for="no error scale",
        )

    def of_epoch(
        self,
        errors: Mapping[str, float | None],
        counts: Mapping[str, int | None],
        *,
        split_counts: Mapping[str, int],
        intervals: Mapping[str, tuple[float, float]],
        running: float | None,
    ) -> dict[str, Any]:
        """The fields of an epoch's record, each by set. `counts` are those that were given beside those of the split."""
        accepted = {name: error for name in errors if (error := self._accepted(f"{name}_error", errors[name])) is not None}
        known = {name: self._count(name, counts[name], split_counts) for name in accepted} if self._is_rate else {}
        running = None if running is None or not self.has_scale else self._fraction(float(running))
        return {
            "errors": accepted,
            "counts": {name: n for name, n in known.items() if n is not None},
            "intervals": {
                name: self._bounds(accepted[name], ends)
                for name, ends in intervals.items()
                if name in accepted and all(map(is_finite_number, ends))
            },
            "unscaled": {name: float(error) for name, error in errors.items() if error is not None} if self._has_units else {},
            "running": running if running is not None and math.isfinite(running) else None,
        }

    def of_test(
        self, error: float, n: int | None, *, split_counts: Mapping[str, int], interval: tuple[float, float] | None
    ) -> dict[str, Any] | None:
        """The fields of the record of a test error that comes later; `None` where it cannot be used."""
        accepted = self._accepted("test_error", error)
        if accepted is None:
            return None
        return {
            "error": accepted,
            "n": self._count("test", n, split_counts) if self._is_rate else None,
            "interval": self._bounds(accepted, interval) if interval and all(map(is_finite_number, interval)) else None,
            "unscaled": float(error) if self._has_units else None,
        }

    @property
    def _is_rate(self) -> bool:
        return self.measure is None or self.measure.is_rate

    @property
    def _has_units(self) -> bool:
        """True if values differ from the fractions that they are brought to, or cannot be brought to any."""
        return self.measure is not None and (self.measure.scale is not None or self.measure.kind in ("units", "loss"))

    @property
    def _is_unit(self) -> bool:
        return self.measure is not None and self.measure.kind == "units"

    def _fraction(self, error: float) -> float:
        return error if self.measure is None else self.measure.fraction(error)

    def _bounds(self, error: float, ends: tuple[float, float]) -> tuple[float, float]:
        """The interval of an error that has been brought to the fraction `error`, brought there too."""
        low, high = (min(max(self._fraction(float(end)), 0.0), 1.0) for end in ends)
        return min(low, error), max(high, error)

    def _accepted(self, name: str, error: float | None) -> float | None:
        """The error as a fraction, NaN where it is not finite, `None` where it cannot be used; says once why."""
        if error is None:
            return None
        error = float(error)
        if not math.isfinite(error):
            self._said.once(f"{name} must be a finite number; got {error!r}: the run is tagged as diverged")
            return math.nan
        if self.measure is not None and not self.has_scale:
            if self._is_unit:
                self._said.once(
                    f"expected the training targets to bring {self.measure.name} to a fraction, got none, so errors in units "
                    "are left out; pass the training data as pairs (features, targets)"
                )
            return None
        fraction = self._fraction(error)
        return fraction if self._can_be_used(name, fraction) else None

    def is_fraction(self, name: str, error: float) -> bool:
        """See `Tracker.is_fraction`."""
        if self._has_units:  # its own values are no fractions
            return True
        return self._can_be_used(name, self._fraction(error))

    def _can_be_used(self, name: str, fraction: float) -> bool:
        if self._has_fractions and not 0 <= fraction <= 1:
            self._has_fractions = False
            what = f"{name} ({self.measure})" if self.measure else name
            got = f"{what} must be a fraction in [0, 1]; got {fraction:.4g}"
            self._said.once(f"{got}, so all errors are left out from now on: 11 % is 0.11", once_for="no fraction")
        return self._has_fractions

    def _count(self, name: str, given: int | None, split_counts: Mapping[str, int]) -> int | None:
        """The examples behind an error: those given, else the split's; says once what cannot be one."""
        if given is None:
            return split_counts.get(name)
        if 1 <= given <= MOST_EXAMPLES:
            return int(given)
        self._said.once(f"n_{name} must be a whole number of examples, at least 1; got {given!r}, which is left out")
        return None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_said": WarnOnce(is_enabled=False)}


def as_step(epoch: Any) -> int:
    """An epoch as MLflow stores steps. Raises `ValueError` for one that it could not."""
    step = int(epoch)
    if abs(step) > LARGEST_STEP:
        raise ValueError(f"epoch must be a whole number of at most {LARGEST_STEP}; got {step}")
    return step

"""Basis of the expected gains of all steps: the gaps, the forecasts, and the lead of the experiment's best run.

The gain is a forecast where one can be made (more data, more epochs, keeping the best epoch, the model of a better run). For
other steps it is what was measured for such a step (`realised_gains`), and unknown where nothing was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from bvtrack.curves.forecast import FEWEST_VALUES, Forecast, forecast_trend
from bvtrack.curves.more_data import Training, forecast_more_data
from bvtrack.diagnosis.diagnosis import PROBLEMS, Diagnosis
from bvtrack.diagnosis.evidence import Evidence
from bvtrack.diagnosis.realised_gains import REALISED
from bvtrack.measures.percent import percent

MORE = 4
"""Gains from more data or epochs assume four times as many; forecasts for two and eight times are reported beside it."""
NEAR = 4
"""Sizes of the training set from a quarter of the present one on say how fast the dev error falls there (LCDB)."""
LIKELY = 0.5
"""From this probability of an improvement on, longer training is said to help."""
LEAST_LEAD = 0.15
"""Minimum relative reduction of the dev error for another run to count as better, because the best of several runs is also the
luckiest. On LCDB another model then pays in 74 % of the cases (precision), and 94 % of the cases where one pays are found."""
SHARE_OF_LEAD = 0.35
"""Expected share of the lead of a better run from adopting one of its differences, about a third (0.3 to 0.4 do equally well on
LCDB)."""


@dataclass(frozen=True)
class Prospects:
    """Possible gains of a run, from its diagnosis and the evidence."""

    diagnosis: Diagnosis
    evidence: Evidence

    @property
    def dev_error(self) -> float:
        """The dev error; 0 if there is none, so that no step can reduce it."""
        return self.diagnosis.errors.get("dev", 0.0)

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """The problems in question, in the order in which they are to be attacked: the named ones, the focus first; where none
        is named, those whose gaps are wide but may be chance, the widest first; else the state.
        """
        if self.diagnosis.tag in ("undetermined", "balanced"):
            wide = sorted(self.diagnosis.gaps.items(), key=lambda item: -item[1].width)
            state = ("balanced",) if self.diagnosis.tag == "balanced" else ()
            return (*(PROBLEMS[name] for name, gap in wide if gap.is_wide and gap.may_be_chance), *state)
        return tuple(sorted(self.diagnosis.tag.split("+"), key=lambda problem: problem != self.diagnosis.focus))

    @cached_property
    def lead(self) -> float | None:
        """Lead of the experiment's best run in dev error; `None` if unknown, or if none is clearly better."""
        dev, other = self.diagnosis.errors.get("dev"), self.evidence.best_other
        if dev is None or other is None or dev == 0 or not other.dev_error <= (1 - LEAST_LEAD) * dev:
            return None
        return dev - other.dev_error

    @cached_property
    def longer(self) -> Forecast | None:
        """Forecast for as many epochs again; `None` if the curve is too short to have a slope."""
        return self._with_epochs(2)

    @cached_property
    def much_longer(self) -> Forecast | None:
        """Forecast for four times the epochs; `None` if the curve is too short to have a slope."""
        return self._with_epochs(MORE)

    def _with_epochs(self, factor: int) -> Forecast | None:
        trend = self.evidence.trend
        if trend.n_values < FEWEST_VALUES or trend.best < 0:
            return None
        train = self.diagnosis.errors.get("train")
        left = None if train is None else max(train - self.diagnosis.human_error, 0.0)
        return forecast_trend(trend, epochs=(factor - 1) * (trend.last_epoch + 1), train_error=left)

    @cached_property
    def more_data(self) -> Mapping[int, Forecast]:
        """Forecasts by the factor of data, trained for as many epochs as the run: what people do. A model that knows no epochs
        is trained to the end.
        """
        return self._with_data("to the end" if self.evidence.model.family else "same epochs")

    @cached_property
    def more_data_by_updates(self) -> Mapping[int, Forecast]:
        """Forecasts by the factor of data, trained for as many updates as the run."""
        return self._with_data("same updates")

    def _with_data(self, training: Training) -> Mapping[int, Forecast]:
        """No data close a data mismatch, or bring the error below the human one."""
        errors = self.diagnosis.errors
        if not {"train", "dev"} <= errors.keys() or "variance" not in self.diagnosis.gaps:
            return {}
        unseen, human = errors.get("train_dev", errors["dev"]), self.diagnosis.human_error
        variance = max(unseen - max(errors["train"], human), 0.0)
        rest = max(errors["dev"] - variance, 0.0)
        mismatch = max(rest - max(errors["train"], human), 0.0) if "train_dev" in errors else 0.0
        return {
            factor: forecast_more_data(
                train_error=rest,
                dev_error=errors["dev"],
                factor=factor,
                history=self._sizes,
                training=training,
                n_dev=self.diagnosis.counts.get("dev"),
                floor=min(human + mismatch, 1.0),
            )
            for factor in (2, MORE, 2 * MORE)
        }

    @property
    def is_curve_measured(self) -> bool:
        """True if the forecasts of more data follow from errors at smaller sizes."""
        return self._sizes is not None

    @cached_property
    def _sizes(self) -> Sequence[tuple[float, float]] | None:
        """The learning curve, with the dev error that is judged at its end; `None` where there is none, or none that falls by
        more than noise: the sampling error of the gap between train and dev.
        """
        *smaller, present = self.evidence.sizes or (None,)
        if not smaller or present is None:
            return None
        near = [error for size, error in smaller if size * NEAR >= present[0]] or [smaller[-1][1]]
        gap = self.diagnosis.gaps.get("variance")
        noise = gap.value - gap.low if gap is not None and gap.low is not None else 0.0
        falls = sum(near) / len(near) - self.dev_error
        return [*smaller, (present[0], self.dev_error)] if falls > noise else None

    def gap(self, name: str) -> float:
        """The width of a gap, at least 0; 0 if it was not measured."""
        return max(self.diagnosis.gaps[name].value, 0.0) if name in self.diagnosis.gaps else 0.0

    def realised(self, step: str) -> float | None:
        """What such a step saved on average, for gaps as these; `None` where that is not known, or nothing."""
        known = REALISED.get(step)
        return min(known.share * self.gap(known.of), self.dev_error) or None if known else None

    def is_shown_below(self, error: float) -> bool:
        """True if the dev error would be lower with this one in the digits that are shown, too."""
        return shown(error) < shown(self.dev_error)


def shown(error: float) -> float:
    """An error in percent, rounded as it is shown.

    >>> shown(0.0996), shown(0.1004)
    (10.0, 10.0)
    """
    return float(percent(error).removesuffix(" %"))

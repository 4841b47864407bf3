"""The verdict on a run from its errors by epoch: the diagnosis, the curve and the steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from bvtrack.curves.curve import WARM_UP_EPOCHS
from bvtrack.diagnosis.best_run import comparison
from bvtrack.diagnosis.curve_verdict import likely_failure, verdict_by_curve
from bvtrack.diagnosis.diagnosis import STATES_WITHOUT_GAPS, Diagnosis, diagnose
from bvtrack.diagnosis.evidence import Evidence, ModelFacts, OtherRun
from bvtrack.diagnosis.recipe import Step, recommend
from bvtrack.diagnosis.run_history import History
from bvtrack.error_rates.epoch_errors import At, EpochErrors, chosen_epoch, with_test_error
from bvtrack.error_rates.gaps import Gap

__all__ = [
    "At",
    "EpochErrors",
    "Verdict",
    "chosen_epoch",
    "diagnose_epoch",
    "judge",
    "judge_history",
    "with_test_error",
]


@dataclass(frozen=True)
class Verdict:
    """A verdict on a run: the epoch it is about, its diagnosis, the class of its curve, and the steps to try next."""

    epoch: int | None
    diagnosis: Diagnosis
    curve: str | None
    steps: tuple[Step, ...]

    def as_json(self) -> dict[str, Any]:
        """The content of `bvtrack/diagnosis.json`."""
        steps = [asdict(step) for step in self.steps]
        diagnosis = asdict(self.diagnosis)
        diagnosis.pop("reference_gaps")
        return {"epoch": self.epoch, "curve": self.curve, "diagnosis": diagnosis, "steps": steps}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`, without validation: other content raises `LookupError`, `TypeError` and the like, or gives
        a verdict with fields of other types.
        """
        known = dict(content["diagnosis"])
        known["gaps"] = {name: Gap(**gap) for name, gap in known["gaps"].items()}
        known["problems"] = tuple(known["problems"])
        steps = tuple(Step(**step) for step in content["steps"])
        return cls(content["epoch"], Diagnosis(**known), content["curve"], steps)


def judge(
    history: Sequence[EpochErrors],
    *,
    at: At,
    human_error: float | None,
    same_distribution: bool,
    chance: float | None,
    model: ModelFacts,
    n_train: int | None,
    best_other: OtherRun | None = None,
) -> Verdict:
    """The verdict on a run with this history, one entry an epoch; `best_other` is the experiment's best other run.

    It is about the epoch with the lowest dev error (`at="best"`, the earliest of equals) or about the last one.
    """
    followed = History(at, human_error=human_error, same_distribution=same_distribution, most=len(history))
    for entry in history:
        followed.add(entry)
    return judge_history(
        followed,
        human_error=human_error,
        same_distribution=same_distribution,
        chance=chance,
        model=model,
        n_train=n_train,
        best_other=best_other,
    )


def judge_history(
    history: History,
    *,
    human_error: float | None,
    same_distribution: bool,
    chance: float | None,
    model: ModelFacts,
    n_train: int | None,
    best_other: OtherRun | None = None,
    may_be_certain: bool = True,
) -> Verdict:
    """Same as `judge`, for an incremental history: the cost does not grow with the number of epochs. It may not be
    certain where the errors are made of a bare loss, or of a metric that may not be the one that is meant.
    """
    chosen = history.chosen
    if history.shape.is_empty:
        return Verdict(chosen.epoch, Diagnosis.without_gaps("undetermined"), None, ())
    if not history.has_errors:
        curve = history.classify(None, None)
        diagnosis, steps = verdict_by_curve(curve, history.shape, human_error=human_error)
        return Verdict(chosen.epoch, diagnosis, curve, steps)
    curve = history.classify(chance, chosen.counts.get("dev"))
    if curve in STATES_WITHOUT_GAPS or not chosen.finite:
        state = curve if curve in STATES_WITHOUT_GAPS else "undetermined"
        is_sure = curve != "not_learning" or (may_be_certain and len(history) > WARM_UP_EPOCHS)
        diagnosis = Diagnosis.without_gaps(state, chosen.finite, human_error, is_sure=is_sure)
        if chance is None and state == curve and history.shape.ends_finite:
            diagnosis = likely_failure(curve, diagnosis)
    else:
        previous = replace(Diagnosis.without_gaps("undetermined"), reference_gaps=history.reference_gaps)
        diagnosis = diagnose_epoch(chosen, human_error=human_error, same_distribution=same_distribution, previous=previous)
        if not may_be_certain and diagnosis.certainty == "certain":
            diagnosis = replace(diagnosis, certainty="likely")
        if best_other is not None and "dev" in diagnosis.errors:
            beside = comparison(best_other, diagnosis.errors["dev"])
            diagnosis = replace(diagnosis, explanation=f"{diagnosis.explanation} {beside}")
    evidence = Evidence(curve=curve, model=model, n_train=n_train, dev_curve=history.trend, best_other=best_other)
    return Verdict(chosen.epoch, diagnosis, curve, recommend(diagnosis, evidence))


def diagnose_epoch(
    entry: EpochErrors, *, human_error: float | None, same_distribution: bool, previous: Diagnosis | None = None
) -> Diagnosis:
    """Diagnose one epoch from its finite errors, at least one, with hysteresis if the `previous` diagnosis is given."""
    rates = entry.rates
    arguments: dict[str, Any] = {f"{name}_error": rate.error for name, rate in rates.items()}
    arguments |= {f"n_{name}": rate.n for name, rate in rates.items()}
    arguments["intervals"] = {name: rate.bounds for name, rate in rates.items() if rate.bounds is not None}
    baseline = {"human_error": human_error, "same_distribution": same_distribution, "previous": previous}
    return diagnose(**{"train_error": None, **arguments, **baseline})

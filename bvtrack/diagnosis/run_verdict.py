"""The verdict on a run from its errors by epoch: the diagnosis, the curve and the steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from bvtrack.curves.curve import WARM_UP_EPOCHS
from bvtrack.diagnosis.best_run import comparison
from bvtrack.diagnosis.curve_verdict import likely_failure, verdict_by_curve
from bvtrack.diagnosis.diagnosis import STATES_WITHOUT_GAPS, Diagnosis
from bvtrack.diagnosis.evidence import DataKind, Evidence, ModelFacts, OtherRun
from bvtrack.diagnosis.recipe import Step, recommend
from bvtrack.diagnosis.rule import diagnose
from bvtrack.diagnosis.run_history import History
from bvtrack.diagnosis.split_first import SPLIT_FIRST, SplitFault, put_split_first
from bvtrack.display import as_words
from bvtrack.error_rates.epoch_errors import At, EpochErrors, chosen_epoch, with_test_error
from bvtrack.error_rates.error_rate import as_logged
from bvtrack.error_rates.gaps import Gap
from bvtrack.error_rates.optimism import NO_OPTIMISM, Optimism
from bvtrack.measures.measure import unit_of
from bvtrack.measures.unit import ERROR_RATE, Unit

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
    """A verdict on a run: the epoch it is about, its diagnosis, the class of its curve, and the steps to try next.

    `split_faults` are the faults of the split that it takes into account (see `of`).
    """

    epoch: int | None
    diagnosis: Diagnosis
    curve: str | None
    steps: tuple[Step, ...]
    split_faults: tuple[SplitFault, ...] = ()

    @classmethod
    def of(
        cls,
        epoch: int | None,
        diagnosis: Diagnosis,
        curve: str | None,
        steps: Sequence[Step],
        split_faults: Sequence[SplitFault],
    ) -> Self:
        """The verdict on a run whose split has these faults, which come first."""
        diagnosis, steps, counted = put_split_first(diagnosis, steps, split_faults)
        return cls(epoch, diagnosis, curve, steps, counted)

    def __str__(self) -> str:
        return as_words(self)

    @property
    def split_in_words(self) -> str:
        """What is wrong with the split, and what that does to the errors; empty if nothing is."""
        return " ".join(fault.in_words(self.diagnosis) for fault in self.split_faults)

    @property
    def without_split(self) -> Diagnosis:
        """The diagnosis without the faults of the split in its explanation, for readers who are told of them elsewhere."""
        explanation = self.diagnosis.explanation.replace(f"{SPLIT_FIRST}{self.split_in_words}", "")
        return replace(self.diagnosis, explanation=explanation)

    def as_json(self) -> dict[str, Any]:
        """The content of `bvtrack/diagnosis.json`: its errors and gaps have the digits of the metrics."""
        errors = {name: as_logged(error) for name, error in self.diagnosis.errors.items()}
        gaps = {name: replace(gap, value=as_logged(gap.value)) for name, gap in self.diagnosis.gaps.items()}
        diagnosis = asdict(replace(self.diagnosis, errors=errors, gaps=gaps))
        steps = [asdict(step) for step in self.steps]
        faults = {"split_faults": [asdict(fault) for fault in self.split_faults]} if self.split_faults else {}
        return {"epoch": self.epoch, "curve": self.curve, "diagnosis": diagnosis, "steps": steps, **faults}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`, without validation: other content raises `LookupError`, `TypeError` and the like, or gives
        a verdict with fields of other types.
        """
        known = dict(content["diagnosis"])
        known["gaps"] = {name: Gap(**gap) for name, gap in known["gaps"].items()}
        known["problems"] = tuple(known["problems"])
        known["unit"] = Unit(**known["unit"]) if "unit" in known else _unit_before(content)
        known["optimism"] = Optimism(**known.get("optimism", {}))
        steps = tuple(Step(**step) for step in content["steps"])
        faults = [SplitFault(**{**fault, "between": tuple(fault["between"])}) for fault in content.get("split_faults", ())]
        return cls(content["epoch"], Diagnosis(**known), content["curve"], steps, tuple(faults))


def _unit_before(content: Mapping[str, Any]) -> Unit:
    """The unit in a verdict of a version that did not write it: only error rates had counts."""
    return ERROR_RATE if content["diagnosis"]["counts"] else unit_of(content.get("measure") or "")


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
    unit: Unit = ERROR_RATE,
    split_faults: Sequence[SplitFault] = (),
    is_upper_bound: bool = False,
) -> Verdict:
    """The verdict on a run with this history, one entry an epoch, with errors of this `unit`; `best_other` is the experiment's
    best other run, and `split_faults` are what is wrong with its split. With `is_upper_bound` the human error is one that
    another run has reached.

    It is about the epoch with the lowest dev error (`at="best"`, the earliest of equals) or about the last one.
    """
    followed = History(at, most=len(history))
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
        unit=unit,
        split_faults=split_faults,
        is_upper_bound=is_upper_bound,
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
    unit: Unit = ERROR_RATE,
    data_kind: DataKind | None = None,
    split_faults: Sequence[SplitFault] = (),
    is_upper_bound: bool = False,
    sizes: Sequence[tuple[int, float]] = (),
) -> Verdict:
    """Same as `judge`, for an incremental history: the cost does not grow with the number of epochs. It may not be
    certain where the errors are made of a bare loss, or of a metric that may not be the one that is meant. `sizes` are as in
    `Evidence`.
    """
    chosen = history.chosen
    if history.shape.is_empty:
        return Verdict.of(chosen.epoch, Diagnosis.without_gaps("undetermined"), None, (), split_faults)
    if not history.has_errors:
        curve = history.classify(None, None)
        diagnosis, steps = verdict_by_curve(curve, history.shape, human_error=human_error)
        return Verdict.of(chosen.epoch, diagnosis, curve, steps, split_faults)
    curve = history.classify(chance, chosen.counts.get("dev"))
    if curve in STATES_WITHOUT_GAPS or not chosen.finite:
        state = curve if curve in STATES_WITHOUT_GAPS else "undetermined"
        is_sure = curve != "not_learning" or (may_be_certain and len(history) > WARM_UP_EPOCHS)
        diagnosis = Diagnosis.without_gaps(state, chosen.finite, human_error, is_sure=is_sure, unit=unit)
        if chance is None and state == curve and history.shape.ends_finite:
            diagnosis = likely_failure(curve, diagnosis)
    else:
        diagnosis = diagnose_epoch(
            chosen,
            human_error=human_error,
            same_distribution=same_distribution,
            optimism=history.optimism,
            unit=unit,
            is_upper_bound=is_upper_bound,
        )
        is_trained = len(history) > 1 or model.family is not None  # more epochs may leave less of a bias
        is_begun = is_trained or "high_bias" not in diagnosis.problems
        if diagnosis.certainty == "certain" and not (may_be_certain and is_begun):
            diagnosis = replace(diagnosis, certainty="likely")
        if best_other is not None and "dev" in diagnosis.errors:
            beside = comparison(best_other, diagnosis.errors["dev"], unit)
            diagnosis = replace(diagnosis, explanation=f"{diagnosis.explanation} {beside}")
    evidence = Evidence(curve, model, n_train, history.trend, best_other, data_kind, sizes)
    return Verdict.of(chosen.epoch, diagnosis, curve, recommend(diagnosis, evidence), split_faults)


def diagnose_epoch(
    entry: EpochErrors,
    *,
    human_error: float | None,
    same_distribution: bool,
    optimism: Optimism = NO_OPTIMISM,
    unit: Unit = ERROR_RATE,
    is_upper_bound: bool = False,
) -> Diagnosis:
    """Diagnose one epoch from its finite errors, at least one, of this unit; `optimism` is that of its dev error."""
    rates = entry.rates
    arguments: dict[str, Any] = {f"{name}_error": rate.error for name, rate in rates.items()}
    arguments |= {f"n_{name}": rate.n for name, rate in rates.items()}
    arguments["intervals"] = {name: rate.bounds for name, rate in rates.items() if rate.bounds is not None}
    arguments |= {"human_error": human_error, "same_distribution": same_distribution, "is_upper_bound": is_upper_bound}
    if "dev" in rates:
        arguments |= {"n_epochs": optimism.n_epochs, "dev_optimism": optimism.expected}
    return diagnose(**{"train_error": None, **arguments, "unit": unit})

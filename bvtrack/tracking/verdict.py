"""From a run's errors by epoch to what is written about it: the diagnosis, the steps, the tags and the files."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from bvtrack.curve import WARM_UP_EPOCHS, classify_curve
from bvtrack.diagnosis import STATES_WITHOUT_GAPS, Diagnosis, diagnose
from bvtrack.error_rate import is_share_of
from bvtrack.evidence import Evidence, ModelFacts, OtherRun
from bvtrack.reason import compared
from bvtrack.recipe import Step, recommend
from bvtrack.tracking import names

At = Literal["best", "last"]


@dataclass(frozen=True)
class EpochErrors:
    """One epoch's errors, by set, and what says how sure each is: the examples behind it, or its 95 % interval; a diverged
    error is there as NaN. `unscaled` holds errors in their own units, where they have been scaled.
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


@dataclass(frozen=True)
class Verdict:
    """What is said of a run after an epoch: about which epoch, what, how its curve looks, and what to do."""

    epoch: int | None
    diagnosis: Diagnosis
    curve: str | None
    steps: tuple[Step, ...]

    def tags(self) -> dict[str, str | None]:
        """The tags that the verdict sets; `None` where one does not apply (any more)."""
        diagnosis = self.diagnosis
        return {
            names.DIAGNOSIS: diagnosis.tag,
            names.FOCUS: diagnosis.focus,
            names.CERTAINTY: diagnosis.certainty,
            names.CURVE: self.curve,
            names.NEXT_STEP: self.steps[0].id if self.steps else None,
            names.RECIPE: recipe_line(self.steps),
            names.GAPS: gaps_json(diagnosis) if diagnosis.errors else None,
            names.EPOCH: None if self.epoch is None else str(self.epoch),
        }

    def as_json(self) -> dict[str, Any]:
        """The content of `bvtrack/diagnosis.json`."""
        steps = [asdict(step) for step in self.steps]
        diagnosis = asdict(self.diagnosis)
        diagnosis.pop("decided")
        return {"epoch": self.epoch, "curve": self.curve, "diagnosis": diagnosis, "steps": steps}


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

    It speaks of the epoch with the lowest dev error (`at="best"`, the earliest of equals) or of the last one.
    """
    if not any({"train", "dev"} & entry.errors.keys() for entry in history):
        return Verdict(history[-1].epoch, Diagnosis.without_gaps("undetermined"), None, ())
    train_curve, dev_curve = ([entry.errors.get(name) for entry in history] for name in ("train", "dev"))
    chosen = chosen_epoch(history, at)
    curve = classify_curve(train_curve, dev_curve, chance=chance, n_dev=chosen.counts.get("dev"))
    if curve in STATES_WITHOUT_GAPS or not chosen.finite:
        state = curve if curve in STATES_WITHOUT_GAPS else "undetermined"
        is_sure = curve != "not_learning" or len(history) > WARM_UP_EPOCHS
        diagnosis = Diagnosis.without_gaps(state, chosen.finite, human_error, is_sure=is_sure)
    else:
        diagnosis = _settled(history, at, human_error=human_error, same_distribution=same_distribution)
        if best_other is not None and "dev" in diagnosis.errors:
            beside = compared(best_other, diagnosis.errors["dev"])
            diagnosis = replace(diagnosis, explanation=f"{diagnosis.explanation} {beside}")
    evidence = Evidence(curve=curve, model=model, n_train=n_train, dev_curve=dev_curve, best_other=best_other)
    return Verdict(chosen.epoch, diagnosis, curve, recommend(diagnosis, evidence))


def chosen_epoch(history: Sequence[EpochErrors], at: At) -> EpochErrors:
    """The epoch that the tags speak of; where no epoch has a dev error, the last."""
    measured = _with_dev_error(history)
    return history[-1] if at == "last" or not measured else min(measured, key=lambda entry: entry.errors["dev"])


def _settled(history: Sequence[EpochErrors], at: At, *, human_error: float | None, same_distribution: bool) -> Diagnosis:
    """What the chosen epoch says, where noise alone has changed nothing: a tag does not flip on it."""
    *before, chosen = _chosen_in_turn(history, at)
    previous = None
    for entry in before:
        if entry.counts or entry.intervals:
            previous = diagnose_epoch(entry, human_error=human_error, same_distribution=same_distribution, previous=previous)
    return diagnose_epoch(chosen, human_error=human_error, same_distribution=same_distribution, previous=previous)


def _chosen_in_turn(history: Sequence[EpochErrors], at: At) -> list[EpochErrors]:
    """The epochs that the tags have spoken of, one after the other."""
    measured = _with_dev_error(history)
    if at == "last" or not measured:
        return [entry for entry in history if entry.finite]
    chosen = measured[:1]
    for entry in measured[1:]:
        if entry.errors["dev"] < chosen[-1].errors["dev"]:
            chosen.append(entry)
    return chosen


def _with_dev_error(history: Sequence[EpochErrors]) -> list[EpochErrors]:
    return [entry for entry in history if math.isfinite(entry.errors.get("dev", math.nan))]


def diagnose_epoch(
    entry: EpochErrors, *, human_error: float | None, same_distribution: bool, previous: Diagnosis | None = None
) -> Diagnosis:
    """What one epoch's finite errors say by themselves, or after the `previous` one of the run; there must be one."""
    arguments: dict[str, Any] = {f"{name}_error": error for name, error in entry.finite.items()}
    arguments |= {
        f"n_{name}": count
        for name, count in entry.counts.items()
        if name in entry.finite and is_share_of(entry.errors[name], count)  # a mean over batches of some other size is none
    }
    arguments["intervals"] = {name: ends for name, ends in entry.intervals.items() if name in entry.finite}
    baseline = {"human_error": human_error, "same_distribution": same_distribution, "previous": previous}
    return diagnose(**{"train_error": None, **arguments, **baseline})


def recipe_line(steps: Sequence[Step]) -> str | None:
    """The ranked steps in one line; the last ones are left out where the line would be too long for the tag."""
    if not steps:
        return None
    line = " > ".join(step.title for step in steps)
    return line if len(line) <= names.RECIPE_LENGTH else recipe_line(steps[:-1])


def gaps_json(diagnosis: Diagnosis) -> str:
    """The value of `bvtrack.gaps`: rounded to a hundredth of a point so that it stays within its length."""
    gaps = {name: [_rounded(gap.value), _rounded(gap.low), _rounded(gap.high)] for name, gap in diagnosis.gaps.items()}
    errors = {name: _rounded(error) for name, error in diagnosis.errors.items()}
    content = {"gaps": gaps, "errors": errors, "n": dict(diagnosis.counts), "human": _rounded(diagnosis.human_error)}
    return json.dumps(content, separators=(",", ":"))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def with_test_error(entry: EpochErrors, later: EpochErrors) -> EpochErrors:
    """The epoch with a test error that was measured later on, on its weights."""
    return replace(
        entry,
        errors={**entry.errors, **later.errors},
        counts={**entry.counts, **later.counts},
        intervals={**entry.intervals, **later.intervals},
        unscaled={**entry.unscaled, **later.unscaled},
    )

"""A split at fault comes first: no verdict on it is certain, and the first step is to mend it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.explanation import GAP_NAMES, SET_NAMES, sets_of
from bvtrack.diagnosis.recipe import Step
from bvtrack.diagnosis.step_rules import STEP_RULES
from bvtrack.measures.percent import in_points

TRAIN_FIRST = ("diverged", "not_learning")
"""States that hold on any split: what does not train is made to train first."""
DONE = "stop_here"
"""The step that no error of a split at fault is a reason for."""
SPLIT_FIRST = " The split comes first: "
"""Between an explanation and the faults."""
REST_ON_IT = "The steps after this one rest on the errors as they are."


@dataclass(frozen=True, slots=True)
class SplitFault:
    """A fault of the split: the finding's code, its message, and the id of the step that mends it.

    `untrue` is the set whose error it makes untrue, and `effect` what is the matter with that error. A fault with `between`,
    the later and the earlier set, only makes the gap between these two untrue, and counts where that gap is named.
    """

    code: str
    message: str
    step: str
    untrue: str = ""
    effect: str = ""
    between: tuple[str, ...] = ()

    @property
    def is_of_errors(self) -> bool:
        """True if it makes an error untrue, and so any verdict."""
        return not self.between

    def gap_in(self, diagnosis: Diagnosis) -> str | None:
        """The named gap that it makes untrue, if there is one."""
        pairs = {sets_of(name, diagnosis.errors): name for name in diagnosis.named_gaps}
        return pairs.get((self.between[0], self.between[1])) if self.between else None

    def in_words(self, diagnosis: Diagnosis) -> str:
        """The message, and what it does to the numbers of this diagnosis."""
        said = f"{self.message[:1].upper()}{self.message[1:]}."
        if (gap := self.gap_in(diagnosis)) is not None:
            return f"{said} The {GAP_NAMES[gap]} of {in_points(diagnosis.gaps[gap].value)} points may come from that."
        if not self.effect:
            return said
        error = diagnosis.errors.get(self.untrue)
        of_value = "" if error is None else f" of {diagnosis.unit.amount(error)}"
        of_set = diagnosis.unit.error_of(SET_NAMES.get(self.untrue, self.untrue))
        return f"{said} The {of_set}{of_value} {self.effect}."


def put_split_first(
    diagnosis: Diagnosis, steps: Sequence[Step], faults: Collection[SplitFault]
) -> tuple[Diagnosis, tuple[Step, ...], tuple[SplitFault, ...]]:
    """The diagnosis, at most `likely` if the split is at fault; the steps, those that mend it first; and the faults that count.

    >>> from bvtrack import diagnose, recommend
    >>> verdict = diagnose(train_error=0.04, dev_error=0.076)
    >>> leak = SplitFault("dev_repeats_train", "250 of 500 dev examples are copies", "mend_split", "dev", "is too low")
    >>> _, steps, _ = put_split_first(verdict, recommend(verdict), [leak])
    >>> steps[0].why.removesuffix(REST_ON_IT)
    '250 of 500 dev examples are copies. The dev error of 7.6 % is too low. '
    """
    counted = _counted(diagnosis, faults)
    if not counted or diagnosis.tag == "not_applicable":
        return diagnosis, tuple(steps), ()
    mending = _mending_steps(diagnosis, counted)
    others = [step for step in steps if step.id not in mending and step.id != DONE]
    if diagnosis.tag in TRAIN_FIRST:
        return diagnosis, (*others, *mending.values()), counted
    first, *more = mending.values()
    if others:
        first = replace(first, why=f"{first.why} {REST_ON_IT}")
    certainty = "likely" if diagnosis.certainty == "certain" else diagnosis.certainty
    explanation = f"{diagnosis.explanation}{SPLIT_FIRST}{_said(diagnosis, counted)}"
    return replace(diagnosis, certainty=certainty, explanation=explanation), (first, *more, *others), counted


def _counted(diagnosis: Diagnosis, faults: Collection[SplitFault]) -> tuple[SplitFault, ...]:
    """The faults of errors or, without any, those of named gaps: what a gap is made of can wait until its errors are true."""
    of_errors = tuple(fault for fault in faults if fault.is_of_errors)
    return of_errors or tuple(fault for fault in faults if fault.gap_in(diagnosis))


def _mending_steps(diagnosis: Diagnosis, faults: Sequence[SplitFault]) -> dict[str, Step]:
    """The steps that mend these faults, each once, by id."""
    by_step: Mapping[str, list[SplitFault]] = {fault.step: [] for fault in faults}
    for fault in faults:
        by_step[fault.step].append(fault)
    return {step: Step(step, STEP_RULES[step].title, _said(diagnosis, some)) for step, some in by_step.items()}


def _said(diagnosis: Diagnosis, faults: Sequence[SplitFault]) -> str:
    return " ".join(fault.in_words(diagnosis) for fault in faults)

"""Next steps for a diagnosis: the course's recipe, in the course's order unless the evidence says otherwise.

High bias: a bigger network, longer training, another optimiser, another model. High variance: more data, regularisation,
another model (Deep Learning Specialization, course 2 week 1, "Basic recipe for machine learning"). Data mismatch: make the
training data more like the dev data (course 3 week 2). An overfit dev set: a bigger one (Machine Learning Yearning, ch. 11).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bvtrack.diagnosis.best_run import sentence_start
from bvtrack.diagnosis.diagnosis import STATES_WITHOUT_GAPS, Diagnosis
from bvtrack.diagnosis.evidence import Evidence
from bvtrack.diagnosis.expected_gains import SHARE_OF_LEAD, Prospects
from bvtrack.diagnosis.explanation import SET_NAMES, sets_of
from bvtrack.diagnosis.leads import PLACE_OF_BIGGER_SETS, WAITING, leading_steps, step_towards_best
from bvtrack.diagnosis.model_in_words import by_levers
from bvtrack.diagnosis.step_rule import StepRule
from bvtrack.diagnosis.step_rules import STEP_RULES
from bvtrack.display import as_words
from bvtrack.measures.percent import in_points, percent


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to try next: `id` for machines, `title` and `why` for people.

    `expected_gain` is the expected reduction of the dev error, as a fraction: a forecast for this run, or what such a step
    saved on average; `None` where neither is known.
    """

    id: str
    title: str
    why: str
    expected_gain: float | None = None

    def __str__(self) -> str:
        return as_words(self)


def recommend(diagnosis: Diagnosis, evidence: Evidence | None = None) -> tuple[Step, ...]:
    """The steps to try next, in the course's order; empty if there is no advice.

    First those for the focus, then those for the other named problems and for the curve, last what is left to try if these do
    not help. The `evidence` moves a step to the front where it is strong (`leads`); if the dev set is too small for a
    diagnosis, a bigger one comes second.

    >>> from bvtrack import diagnose
    >>> [step.id for step in recommend(diagnose(train_error=0.01, dev_error=0.11))][:3]
    ['more_data', 'regularize', 'different_model']
    """
    prospects = Prospects(diagnosis, evidence or Evidence())
    called_for = list(dict.fromkeys(_steps_called_for(prospects)))
    left = [rule for rule in _steps_left(prospects) if rule not in called_for]
    steps = [_step(rule, prospects) for rule in called_for]
    place = PLACE_OF_BIGGER_SETS if prospects.problems else 0
    steps[place:place] = _steps_to_become_decidable(prospects) if diagnosis.tag == "undetermined" else ()
    return (*steps, *_if_these_do_not_help(steps, [_step(rule, prospects) for rule in left]))


def steps_for_curve(curve: str) -> tuple[Step, ...]:
    """The steps that a curve of this class calls for by itself, whose gains are not known."""
    return tuple(Step(rule.id, rule.title, rule.why) for rule in STEP_RULES.values() if curve in rule.curves)


def _steps_called_for(prospects: Prospects) -> list[StepRule]:
    """The steps for the problems and for the curve, after those that the evidence speaks for; a run has to train first."""
    leading = [STEP_RULES[step] for step in leading_steps(prospects)]
    for_problems = [rule for problem in prospects.problems for rule in _steps_for(problem, prospects)]
    towards_best = [rule for rule in STEP_RULES.values() if rule.id == step_towards_best(prospects)]
    for_curve = [rule for rule in STEP_RULES.values() if prospects.evidence.curve in rule.curves]
    if prospects.diagnosis.tag in STATES_WITHOUT_GAPS and prospects.problems:
        leading, for_problems = for_problems[:1], [*leading, *for_problems]
    return [rule for rule in (*leading, *for_problems, *towards_best, *for_curve) if rule.applies(prospects)]


def _steps_for(problem: str, prospects: Prospects) -> list[StepRule]:
    """The course's steps for a problem, in its order; those that can wait come last."""
    steps = [rule for rule in STEP_RULES.values() if problem in rule.problems]
    return sorted(steps, key=lambda rule: rule.id in WAITING and WAITING[rule.id](prospects))


def _steps_left(prospects: Prospects) -> list[StepRule]:
    """All other steps that a run with a train and a dev error can take, in the course's order."""
    diagnosis = prospects.diagnosis
    if diagnosis.tag not in ("diverged", "not_learning") and "variance" not in diagnosis.gaps:
        return []
    return [rule for rule in STEP_RULES.values() if rule.is_left and rule.applies(prospects)]


def _if_these_do_not_help(steps: Sequence[Step], left: Sequence[Step]) -> Iterator[Step]:
    """The steps that are left, the first with the words that begin them; gains were measured for steps that were called for."""
    begin = "If it has to get better still" if all(step.id == "stop_here" for step in steps) else "If these do not help"
    for index, step in enumerate(left):
        yield replace(step, why=step.why if index else f"{begin}: {step.why}", expected_gain=None)


def _step(rule: StepRule, prospects: Prospects) -> Step:
    is_network = prospects.evidence.model.is_network  # on which it was measured what steps save on average
    gain = rule.gain(prospects) if rule.gain else prospects.realised(rule.id) if is_network else None
    title, why = by_levers(rule.id, *rule.words(prospects), prospects.evidence.model)
    other, lead = prospects.evidence.best_other, prospects.lead
    if other is not None and lead is not None and rule.id == step_towards_best(prospects):
        gain = SHARE_OF_LEAD * lead
        less = f", {in_points(lead)} points less" if in_points(lead) != "0.0" else ""
        why = f"{sentence_start(other, prospects.diagnosis.unit)}{less}. {why}"
    return Step(rule.id, title, why, gain)


def _steps_to_become_decidable(prospects: Prospects) -> tuple[Step, ...]:
    """The steps that allow an undetermined run to be diagnosed."""
    diagnosis = prospects.diagnosis
    if "dev" not in diagnosis.errors:
        return (Step("bigger_dev_set", "Hold out a dev set", "Without a dev error variance cannot be measured."),)
    unclear = diagnosis.unclear_gaps
    if unclear:
        sides = [side for side in sets_of(unclear[0], diagnosis.errors) if side in diagnosis.counts]
        fewest = min(sides, key=lambda side: diagnosis.counts[side], default="dev")
        if fewest == "train" and diagnosis.counts["train"] == prospects.evidence.n_train:
            return ()  # all of them were measured
        measure = f"Measure the {SET_NAMES[fewest]} error on more examples"
        why = "The errors rest on too few examples to tell a gap from noise; the explanation says how many would."
        return (Step("bigger_dev_set", STEP_RULES["bigger_dev_set"].title if fewest == "dev" else measure, why),)
    if "train" not in diagnosis.errors:
        return ()
    if "variance" not in diagnosis.gaps:
        why = "Train and dev come from different sources; a train-dev set would tell variance from data mismatch."
        return (Step("match_data", STEP_RULES["match_data"].title, why),)
    unit = diagnosis.unit
    why = unit.what_settles or (
        f"A train error of {percent(diagnosis.errors['train'])} is bias only if less can be reached, and no human error was "
        "given: pass human_error=, or the error that you aim at."
    )
    return (Step("stop_here", f"State the {unit.floor}", why),) if prospects.lead is None else ()

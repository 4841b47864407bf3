"""Next steps for a diagnosis: the course's recipe, ranked by each step's expected gain for this run.

High bias: a bigger network, longer training, another optimiser, another model. High variance: more data, regularisation,
another model (Deep Learning Specialization, course 2 week 1, "Basic recipe for machine learning"). Data mismatch: make the
training data more like the dev data (course 3 week 2). An overfit dev set: a bigger one (Machine Learning Yearning, ch. 11).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bvtrack.diagnosis.best_run import sentence_start
from bvtrack.diagnosis.diagnosis import PROBLEMS, STATES_WITHOUT_GAPS, Diagnosis
from bvtrack.diagnosis.evidence import Evidence
from bvtrack.diagnosis.expected_gains import Gain, Prospects
from bvtrack.diagnosis.explanation import SET_NAMES, in_points, sets_of
from bvtrack.diagnosis.step_rule import StepRule
from bvtrack.diagnosis.step_rules import STEP_RULES

SHARE_OF_LEAD = 0.35
"""Expected share of the lead of a better run from adopting one of its differences, about a third (0.3 to 0.4 do equally well on
LCDB)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to try next: `id` for machines, `title` and `why` for people.

    `expected_gain` is the forecast reduction of the dev error, as a fraction; `None` without a forecast.
    """

    id: str
    title: str
    why: str
    expected_gain: float | None = None


def recommend(diagnosis: Diagnosis, evidence: Evidence | None = None) -> tuple[Step, ...]:
    """The steps to try next, by decreasing expected gain; empty if there is no advice.

    They are the course's for the named problems, `stop_earlier` if the dev error has turned, and the step towards a better run
    of the experiment. Expected gains follow from the errors and the `evidence`; if the dev set is too small for a diagnosis, a
    bigger one comes first.

    >>> from bvtrack import diagnose
    >>> [step.id for step in recommend(diagnose(train_error=0.01, dev_error=0.11))]
    ['more_data', 'regularize', 'different_model']
    """
    prospects = Prospects(diagnosis, evidence or Evidence())
    if diagnosis.tag == "undetermined":
        return _steps_to_become_decidable(diagnosis) + _ranked(_steps_for_unclear_gaps(diagnosis), prospects)
    towards_best = [rule for rule in [_step_towards_best(prospects)] if rule]
    if diagnosis.tag in STATES_WITHOUT_GAPS:  # it has to train first
        return _ranked(_course_steps(prospects), prospects) + _ranked(towards_best, prospects)
    return _ranked([*_course_steps(prospects), *towards_best], prospects)


def steps_for_curve(curve: str) -> tuple[Step, ...]:
    """The steps that a curve of this class calls for by itself, whose gains are not known."""
    return tuple(Step(rule.id, rule.title, rule.why) for rule in STEP_RULES.values() if curve in rule.curves)


def _course_steps(prospects: Prospects) -> list[StepRule]:
    """The course's steps for the named problems, those for the focus first, then those for the curve."""
    diagnosis = prospects.diagnosis
    problems = sorted(diagnosis.problems, key=lambda problem: problem != diagnosis.focus) or [diagnosis.tag]
    steps = [rule for problem in problems for rule in _steps_for(problem)]
    return [*steps, *(rule for rule in STEP_RULES.values() if prospects.evidence.curve in rule.curves)]


def _steps_for_unclear_gaps(diagnosis: Diagnosis) -> list[StepRule]:
    """The steps for gaps that are wide but may be noise."""
    return [rule for name, gap in diagnosis.reference_gaps.items() if gap.is_unclear for rule in _steps_for(PROBLEMS[name])]


def _steps_for(problem: str) -> list[StepRule]:
    return [rule for rule in STEP_RULES.values() if problem in rule.problems]


def _step_towards_best(prospects: Prospects) -> StepRule | None:
    """The step that adopts a difference of the experiment's best run; `None` if that is not clearly better."""
    if prospects.lead is None:
        return None
    return next(rule for rule in STEP_RULES.values() if rule.leads_to_best(prospects.evidence))


def _ranked(rules: Iterable[StepRule], prospects: Prospects) -> tuple[Step, ...]:
    """The steps, each once, by decreasing expected gain; `sorted` is stable, so equal gains keep the given order."""
    towards_best = _step_towards_best(prospects)
    gains = {rule: _gain_of(rule, prospects, is_towards_best=rule is towards_best) for rule in rules}
    ranked = sorted(gains.items(), key=lambda item: item[1].expected, reverse=True)
    return tuple(_step(rule, prospects, gain, is_towards_best=rule is towards_best) for rule, gain in ranked)


def _gain_of(rule: StepRule, prospects: Prospects, *, is_towards_best: bool) -> Gain:
    gain = rule.gain(prospects)
    if is_towards_best and prospects.lead is not None:
        expected = max(gain.expected, SHARE_OF_LEAD * prospects.lead)
        return Gain(expected, expected)
    return gain


def _step(rule: StepRule, prospects: Prospects, gain: Gain, *, is_towards_best: bool) -> Step:
    why = rule.reason(rule.why, prospects, gain)
    other, lead = prospects.evidence.best_other, prospects.lead
    if is_towards_best and other is not None and lead is not None:
        why = f"{sentence_start(other)}, {in_points(lead)} points less. {why}"
    is_forecast = gain.forecast is not None and gain.forecast > 0
    return Step(rule.id, rule.title, why, gain.forecast if is_forecast else None)


def _steps_to_become_decidable(diagnosis: Diagnosis) -> tuple[Step, ...]:
    """The steps that allow an undetermined run to be diagnosed."""
    if "dev" not in diagnosis.errors:
        return (Step("bigger_dev_set", "Hold out a dev set", "Without a dev error variance cannot be measured."),)
    unclear = [name for name, gap in diagnosis.reference_gaps.items() if gap.is_unclear]
    if unclear:
        sides = [side for side in sets_of(unclear[0], diagnosis.errors) if side in diagnosis.counts]
        fewest = min(sides, key=lambda side: diagnosis.counts[side], default="dev")
        measure = f"Measure the {SET_NAMES[fewest]} error on more examples"
        why = "The errors rest on too few examples to tell a gap from noise; the explanation says how many would."
        return (Step("bigger_dev_set", STEP_RULES["bigger_dev_set"].title if fewest == "dev" else measure, why),)
    if "train" in diagnosis.errors:
        why = "Train and dev come from different sources; a train-dev set would tell variance from data mismatch."
        return (Step("match_data", STEP_RULES["match_data"].title, why),)
    return ()

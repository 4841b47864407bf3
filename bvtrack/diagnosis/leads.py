"""Where evidence changes the course's order: which steps come first, which one waits, and from which values on.

Each exception is one entry, with a reason of one sentence; where several hold, the upper one is the stronger. Longer training,
another optimiser and more data gain over the plain order on the training part of the intervention set (docs/trust/advice.md);
less regularisation neither gains nor loses there, and the others could not be measured on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from bvtrack.diagnosis.evidence import ModelFacts
from bvtrack.diagnosis.expected_gains import LIKELY, Prospects

FAR_TOO_HIGH = 30.0
"""Multiple of the optimiser's usual learning rate …"""
STILL_HIGH = 0.1
"""… that is suspected first where the train error is still as high as this."""
STRONG_DROPOUT = 0.5
"""The rate of the paper for hidden layers (Srivastava et al. 2014); 0.1 to 0.3 is more usual today."""
STRONG_DECAY = 0.01
"""Weight decay that is added to the gradient: 20 times that of usual image classifiers (5e-4, He et al. 2016) …"""
STRONG_DECOUPLED_DECAY = 0.3
"""… and that of AdamW, the strongest in common use (Dosovitskiy et al. 2021)."""
STILL_FALLING = 0.8
"""Probability that four times the epochs improve the dev error."""
AMPLE = 10.0
"""Parameters per training example from which the size of a network hardly limits it …"""
LEARNT_BY_HEART = 0.25
"""… as it does not, from one parameter per example on, where the train error is below this share of the dev error, or falls on
while the dev error rises."""
PLACE_OF_BIGGER_SETS = 1
"""Where a wide gap may be chance, the errors are to be measured on more examples; but behind the first step for the gap, as
that helps in three of four such runs, and to wait for a bigger dev set in one of eight."""
MUCH_BIGGER = 2.0
"""Minimum ratio of parameters that counts as a bigger network; a smaller one may come from another shape of the same size."""


class Lead(NamedTuple):
    """An exception: the step that comes first, and the condition under which it does."""

    step: str
    holds: Callable[[Prospects], bool]


def has_far_too_high_rate(model: ModelFacts) -> bool:
    """True if the learning rate is known to be far above the usual one of the optimiser."""
    relative = model.relative_rate
    return relative is not None and relative >= FAR_TOO_HIGH * (1 - 1e-9)


def is_rate_suspect(prospects: Prospects) -> bool:
    """Its learning rate is far above the usual one, and the train error is still high, or the curve is unstable."""
    errors, curve = prospects.diagnosis.errors, prospects.evidence.curve
    is_high = curve in ("unstable", "not_learning", "diverged") or errors.get("train", 0.0) >= STILL_HIGH
    return is_high and has_far_too_high_rate(prospects.evidence.model)


def is_strongly_regularized(model: ModelFacts) -> bool:
    """True if the dropout or the weight decay is known to be strong."""
    is_decoupled = "adamw" in (model.optimizer or "").lower()
    strong_decay = STRONG_DECOUPLED_DECAY if is_decoupled else STRONG_DECAY
    return (model.dropout or 0.0) >= STRONG_DROPOUT or (model.weight_decay or 0.0) >= strong_decay


def is_large_enough(prospects: Prospects) -> bool:
    """True if the network is known to be large for its data: a bigger one is hardly the first thing to try."""
    ratio, train = prospects.evidence.parameters_per_example, prospects.diagnosis.errors.get("train", 1.0)
    fits_more = train < LEARNT_BY_HEART * prospects.dev_error or prospects.evidence.curve == "overtrained"
    return _is_ample(prospects) or (ratio is not None and ratio >= 1 and fits_more)


def would_go_on_in_vain(prospects: Prospects) -> bool:
    """True if its dev error has risen since its best epoch, or hardly falls: more epochs will probably not lower it."""
    longer = prospects.much_longer
    return has_turned(prospects) or (longer is not None and (longer.improves or 0.0) < LIKELY)


def is_dev_set_alone(prospects: Prospects) -> bool:
    """Train and test agree, and dev is far easier than both: it is dev that is not what it should be."""
    diagnosis = prospects.diagnosis
    return "easier_dev" in diagnosis.tag and "dev_overfit" in diagnosis.problems


def _is_held_back_by_regularization(prospects: Prospects) -> bool:
    """It is strongly regularised, and does not fit even the data that it was trained on."""
    return _is_bias_first(prospects) and is_strongly_regularized(prospects.evidence.model)


def _has_better_epoch(prospects: Prospects) -> bool:
    """The verdict is about the last epoch, and an earlier one was clearly better: to keep that costs nothing."""
    trend = prospects.evidence.trend
    return has_turned(prospects) and bool(trend.n_values) and prospects.is_shown_below(trend.best)


def _has_not_settled(prospects: Prospects) -> bool:
    """It has many parameters for each example, and its best epoch is among the last: what it can fit is not known yet."""
    is_improving = prospects.evidence.curve == "learning" and not would_go_on_in_vain(prospects)
    return _is_bias_first(prospects) and _is_ample(prospects) and is_improving


def are_examples_short(prospects: Prospects) -> bool:
    """It has many parameters for each example, has settled, and that less train error can be had is only assumed."""
    is_assumed = prospects.diagnosis.baseline != "given"
    return _is_bias_first(prospects) and _is_ample(prospects) and is_assumed and not _has_not_settled(prospects)


def _goes_on_in_small_steps(prospects: Prospects) -> bool:
    """Its learning rate is below the usual one, and its dev error still falls: it is not there yet."""
    return _is_bias_first(prospects) and prospects.evidence.model.has_small_steps and _is_falling(prospects)


def _stands_in_small_steps(prospects: Prospects) -> bool:
    """Its learning rate is below the usual one, and its dev error hardly falls any more."""
    return _is_bias_first(prospects) and prospects.evidence.model.has_small_steps and prospects.evidence.curve != "overtrained"


def _is_best_run_bigger(prospects: Prospects) -> bool:
    """The experiment's best run is clearly better, and its network much bigger."""
    if prospects.lead is None or prospects.evidence.best_other is None:
        return False
    here, there = prospects.evidence.model.parameters, prospects.evidence.best_other.model.parameters
    return bool(here and there and there >= MUCH_BIGGER * here)


def _has_best_run_larger_steps(prospects: Prospects) -> bool:
    """The experiment's best run is clearly better, and its learning rate not as small."""
    if prospects.lead is None or prospects.evidence.best_other is None or _is_best_run_bigger(prospects):
        return False
    return prospects.evidence.model.has_small_steps and not prospects.evidence.best_other.model.has_small_steps


def _is_best_run_otherwise_better(prospects: Prospects) -> bool:
    """The experiment's best run is clearly better, by other differences."""
    return prospects.lead is not None and not _is_best_run_bigger(prospects) and not _has_best_run_larger_steps(prospects)


def _is_falling(prospects: Prospects) -> bool:
    longer = prospects.much_longer
    return longer is not None and (longer.improves or 0.0) >= STILL_FALLING


def _is_ample(prospects: Prospects) -> bool:
    ratio = prospects.evidence.parameters_per_example
    return ratio is not None and ratio >= AMPLE


def has_turned(prospects: Prospects) -> bool:
    """True if its dev error has risen since its best epoch, beyond noise."""
    return prospects.evidence.curve in ("overtrained", "unstable")


def _is_bias_first(prospects: Prospects) -> bool:
    return prospects.problems[:1] == ("high_bias",)


TOWARDS_BEST = (
    Lead("bigger_network", _is_best_run_bigger),
    Lead("different_optimizer", _has_best_run_larger_steps),
    Lead("different_model", _is_best_run_otherwise_better),
)
"""The step that adopts a difference of the experiment's clearly better best run: at most one of them holds. It comes first only
where no problem is in question: before the steps for one it helped 12 points less often than they did."""
LEADS = (
    Lead("mend_split", is_dev_set_alone),
    Lead("stop_earlier", _has_better_epoch),
    Lead("different_optimizer", is_rate_suspect),
    Lead("reduce_regularization", _is_held_back_by_regularization),
    Lead("train_longer", _goes_on_in_small_steps),
    Lead("different_optimizer", _stands_in_small_steps),
    Lead("train_longer", _has_not_settled),
    Lead("more_data", are_examples_short),
)
"""All exceptions, the strongest first."""
WAITING: Mapping[str, Callable[[Prospects], bool]] = {"bigger_network": is_large_enough, "train_longer": would_go_on_in_vain}
"""Steps that come after the others for the same problem, and when."""


def leading_steps(prospects: Prospects) -> Sequence[str]:
    """The steps that come before the course's, the one with the strongest reason first."""
    towards_best = step_towards_best(prospects)
    if towards_best and not {*prospects.problems} - {"balanced", "beyond_human"}:
        return [towards_best]
    return [lead.step for lead in LEADS if lead.holds(prospects)]


def step_towards_best(prospects: Prospects) -> str | None:
    """The step that adopts a difference of the experiment's best run; `None` if that is not clearly better."""
    return next((lead.step for lead in TOWARDS_BEST if lead.holds(prospects)), None)

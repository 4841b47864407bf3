"""Diagnosis in, next steps out: the course's recipe, ordered by what is known of the run.

High bias: a bigger network, longer training, another optimiser, another model. High variance: more data, regularisation,
another model (Deep Learning Specialization, course 2 week 1, "Basic recipe for machine learning"). Data mismatch: make the
training data more like the dev data (course 3 week 2). An overfit dev set: a bigger one (Machine Learning Yearning, ch. 11).
"""

from __future__ import annotations

from dataclasses import dataclass

from bvtrack.diagnosis import Diagnosis


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a run's model and training are, as far as it could be read; rates as the optimiser has them.

    `parameters` counts the trainable ones, `dropout` is the largest dropout rate in the model.
    """

    parameters: int | None = None
    optimizer: str | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    dropout: float | None = None
    batch_size: int | None = None

    @property
    def is_unregularized(self) -> bool:
        return self.weight_decay == 0 and self.dropout == 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What else is known of a run: its curve (the values of `classify_curve`), its model, its training set's size."""

    curve: str | None = None
    model: ModelFacts = ModelFacts()
    n_train: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to try next: `id` for machines, `title` and `why` for people, the dev error it should save if known."""

    id: str
    title: str
    why: str
    expected_gain: float | None = None


TITLES = {
    "bigger_network": "Train a bigger network",
    "train_longer": "Train longer",
    "different_optimizer": "Try another optimiser or learning rate",
    "different_model": "Try another model",
    "more_data": "Get more training data",
    "regularize": "Regularise",
    "stop_earlier": "Stop earlier",
    "match_data": "Make the training data more like the dev data",
    "bigger_dev_set": "Get a bigger dev set",
    "fix_training": "Make it train first",
    "stop_here": "Stop here",
}

RECIPE = {
    "high_bias": ("bigger_network", "train_longer", "different_optimizer", "different_model"),
    "high_variance": ("more_data", "regularize", "different_model"),
    "data_mismatch": ("match_data",),
    "dev_overfit": ("bigger_dev_set",),
    "balanced": ("stop_here",),
    "beyond_human": ("stop_here",),
    "easier_dev": ("match_data",),
    "diverged": ("fix_training",),
    "not_learning": ("fix_training",),
}
"""The course's order, by problem or state."""

WHY = {
    "bigger_network": "The network may be too small for the pattern; a bigger one does not hurt as long as it is regularised.",
    "train_longer": "More epochs may bring the train error down further.",
    "different_optimizer": "The optimiser may be stuck where another one, or another learning rate, would go on.",
    "different_model": "Another architecture may suit this kind of data better.",
    "more_data": "More examples leave less room to learn the training set by heart.",
    "regularize": "Weight decay, dropout or augmentation keep the model from learning the training set by heart.",
    "stop_earlier": "The dev error has turned and rises while the train error still falls.",
    "match_data": "Find out how the two differ, then collect, or make, training data that is like the dev data.",
    "bigger_dev_set": "Choices were fitted to this dev set; a bigger one is harder to overfit.",
    "fix_training": "Check the learning rate, the initialisation and the labels; first overfit a single batch on purpose.",
    "stop_here": "Bias and variance are both low against this baseline: a lower human error would show if more can be had.",
}


def recommend(diagnosis: Diagnosis, evidence: Evidence | None = None) -> tuple[Step, ...]:
    """The steps to try next, the most useful first; empty where nothing can be advised.

    The problem to attack first (`diagnosis.focus`) brings its steps first.

    >>> from bvtrack import diagnose
    >>> [step.id for step in recommend(diagnose(train_error=0.01, dev_error=0.11))]
    ['more_data', 'regularize', 'different_model']
    """
    evidence = evidence or Evidence()
    if diagnosis.tag == "undetermined":
        return _to_be_able_to_tell(diagnosis)
    problems = sorted(diagnosis.problems, key=lambda problem: problem != diagnosis.focus) or [diagnosis.tag]
    ids = [step_id for problem in problems for step_id in _ordered(problem, evidence)]
    return tuple(Step(step_id, TITLES[step_id], _why(step_id, evidence)) for step_id in dict.fromkeys(ids))


def _ordered(problem: str, evidence: Evidence) -> list[str]:
    """The course's steps for one problem, and what the curve speaks for."""
    steps = list(RECIPE.get(problem, ()))
    if problem == "high_bias" and evidence.curve == "learning":
        steps.sort(key=lambda step_id: step_id != "train_longer")
    if problem == "high_variance" and evidence.curve == "overtrained":
        steps.append("stop_earlier")
    return steps


def _why(step_id: str, evidence: Evidence) -> str:
    model = evidence.model
    if step_id == "train_longer" and evidence.curve == "learning":
        return "The lowest dev error is among the latest epochs: more of them may bring it down further."
    if step_id == "regularize" and model.is_unregularized:
        return f"The model has no dropout and no weight decay. {WHY[step_id]}"
    if step_id == "bigger_network" and model.parameters:
        return f"With {model.parameters:,} parameters {WHY[step_id][0].lower()}{WHY[step_id][1:]}"
    if step_id == "more_data" and evidence.n_train:
        return f"It trains on {evidence.n_train:,} examples. {WHY[step_id]}"
    return WHY[step_id]


def _to_be_able_to_tell(diagnosis: Diagnosis) -> tuple[Step, ...]:
    """What would let an undetermined run be diagnosed."""
    if "dev" not in diagnosis.errors:
        return (Step("bigger_dev_set", "Hold out a dev set", "Without a dev error variance cannot be measured."),)
    if any(gap.is_wide for gap in diagnosis.gaps.values()):
        why = "The errors rest on too few examples to tell a gap from noise; the explanation says how many would."
        return (Step("bigger_dev_set", TITLES["bigger_dev_set"], why),)
    if "train" in diagnosis.errors:
        why = "Train and dev come from different sources; a train-dev set would tell variance from data mismatch."
        return (Step("match_data", TITLES["match_data"], why),)
    return ()

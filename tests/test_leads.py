"""Where evidence changes the course's order, and where it does not."""

from __future__ import annotations

import pytest

from bvtrack import Diagnosis, Evidence, ModelFacts, OtherRun, diagnose, recommend
from bvtrack.diagnosis.evidence import DataKind

BIAS = diagnose(train_error=0.30, dev_error=0.32)
KNOWN_BIAS = diagnose(train_error=0.30, dev_error=0.32, human_error=0.0)
BALANCED = diagnose(train_error=0.01, dev_error=0.011)
LITTLE_BIAS = diagnose(train_error=0.05, dev_error=0.055)
VARIANCE = diagnose(train_error=0.01, dev_error=0.11)
OF_LAST_EPOCH = diagnose(train_error=0.01, dev_error=0.30)
UNSETTLED = Diagnosis.without_gaps("not_learning", {"train": 0.9, "dev": 0.9})
FALLING = [0.60, 0.52, 0.47, 0.43, 0.40, 0.37, 0.34, 0.32]
SETTLED = [0.60, 0.40, 0.33, *7 * [0.32]]


def _adam(rate: float, **facts: float) -> ModelFacts:
    return ModelFacts(optimizer="Adam", learning_rate=rate, **facts)  # type: ignore[arg-type]  # the fields differ in type


def _sgd(rate: float, momentum: float = 0.0) -> ModelFacts:
    return ModelFacts(optimizer="SGD", learning_rate=rate, momentum=momentum)


@pytest.mark.parametrize(
    ("diagnosis", "evidence", "first"),
    [
        (BIAS, Evidence(), "bigger_network"),
        (VARIANCE, Evidence(), "more_data"),
        # an earlier epoch of the same run
        (OF_LAST_EPOCH, Evidence("overtrained", dev_curve=[0.3, 0.11, 0.2, 0.3]), "stop_earlier"),
        (VARIANCE, Evidence("overtrained", dev_curve=[0.3, 0.11, 0.2, 0.3]), "more_data"),
        # train and test agree, and dev alone does not
        (diagnose(train_error=0.11, dev_error=0.01, test_error=0.10), Evidence(), "mend_split"),
        (diagnose(train_error=None, train_dev_error=0.11, dev_error=0.01, test_error=0.10), Evidence(), "mend_split"),
        (diagnose(train_error=0.11, dev_error=0.01, test_error=0.012), Evidence(), "bigger_network"),
        # a learning rate that is far too high
        (BIAS, Evidence(model=_adam(1.0)), "different_optimizer"),
        (BIAS, Evidence(model=_adam(0.03)), "different_optimizer"),
        (BIAS, Evidence(model=_adam(0.01)), "bigger_network"),
        (BIAS, Evidence(model=_sgd(3.0)), "different_optimizer"),
        (BIAS, Evidence(model=_sgd(0.3, momentum=0.9)), "different_optimizer"),
        (BIAS, Evidence(model=_sgd(0.3)), "bigger_network"),
        (LITTLE_BIAS, Evidence(model=_adam(1.0)), "bigger_network"),
        (LITTLE_BIAS, Evidence("unstable", model=_adam(1.0)), "different_optimizer"),
        (VARIANCE, Evidence(model=_adam(1.0)), "more_data"),
        (UNSETTLED, Evidence("not_learning", model=_adam(1.0)), "fix_training"),
        # strong regularisation
        (BIAS, Evidence(model=ModelFacts(dropout=0.5)), "reduce_regularization"),
        (BIAS, Evidence(model=ModelFacts(dropout=0.4)), "bigger_network"),
        (BIAS, Evidence(model=_adam(0.001, weight_decay=0.01)), "reduce_regularization"),
        (BIAS, Evidence(model=_adam(0.001, weight_decay=0.001)), "bigger_network"),
        (BIAS, Evidence(model=ModelFacts(optimizer="AdamW", weight_decay=0.01)), "bigger_network"),
        (BIAS, Evidence(model=ModelFacts(optimizer="AdamW", weight_decay=0.5)), "reduce_regularization"),
        (VARIANCE, Evidence(model=ModelFacts(dropout=0.9)), "more_data"),
        # the experiment's best run
        (VARIANCE, Evidence(best_other=OtherRun(0.05)), "more_data"),
        (BALANCED, Evidence(best_other=OtherRun(0.005)), "different_model"),
        (BALANCED, Evidence(best_other=OtherRun(0.01)), "stop_here"),
        # small steps
        (BIAS, Evidence("learning", model=_sgd(0.01), dev_curve=FALLING), "train_longer"),
        (BIAS, Evidence("converged", model=_sgd(0.01), dev_curve=SETTLED), "different_optimizer"),
        (BIAS, Evidence("learning", model=_adam(0.001), dev_curve=FALLING), "bigger_network"),
        (VARIANCE, Evidence("learning", model=_sgd(0.01), dev_curve=FALLING), "more_data"),
        # a network that is large enough, and an error that rises
        (BIAS, Evidence(model=ModelFacts(parameters=1_000), n_train=100), "more_data"),
        (BIAS, Evidence("converged", model=ModelFacts(parameters=1_000), n_train=100), "more_data"),
        (BIAS, Evidence("learning", model=ModelFacts(parameters=1_000), n_train=100), "train_longer"),
        (BIAS, Evidence("learning", model=ModelFacts(parameters=999), n_train=100), "bigger_network"),
        (KNOWN_BIAS, Evidence(model=ModelFacts(parameters=1_000), n_train=100), "train_longer"),
        (BIAS, Evidence(model=ModelFacts(parameters=999), n_train=100), "bigger_network"),
        (KNOWN_BIAS, Evidence("overtrained", model=ModelFacts(parameters=1_000), n_train=100), "different_optimizer"),
    ],
)
def test_evidence_moves_a_step_before_the_courses_only_where_it_is_strong(
    diagnosis: Diagnosis, evidence: Evidence, first: str
) -> None:
    assert recommend(diagnosis, evidence)[0].id == first


def test_where_several_exceptions_hold_the_stronger_one_comes_first() -> None:
    model = ModelFacts(optimizer="SGD", learning_rate=5.0, dropout=0.9, parameters=10_000)
    steps = recommend(BIAS, Evidence(model=model, n_train=100))

    assert [step.id for step in steps[:4]] == ["different_optimizer", "reduce_regularization", "more_data", "train_longer"]


@pytest.mark.parametrize(
    ("kind", "candidate"),
    [("images", "convolutional"), ("series", "recurrent"), ("table", "gradient-boosted trees"), ("text", "transformer")],
)
def test_another_model_is_named_by_the_kind_of_data(kind: DataKind, candidate: str) -> None:
    known, unknown = (recommend(VARIANCE, Evidence(data_kind=one)) for one in (kind, None))
    reasons = [next(step.why for step in steps if step.id == "different_model") for steps in (known, unknown)]

    assert candidate in reasons[0]
    assert "Usual for" not in reasons[1]

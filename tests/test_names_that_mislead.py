"""Metrics whose names hold the words of others: spreads that are not finite, penalties, namespaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from bvtrack.auditing.baseline import given
from bvtrack.auditing.judge import judge_run
from bvtrack.measures.measure import has_diverged
from bvtrack.measures.metric_name import read_metric_name
from bvtrack.store.logged_run import Latest, LoggedRun
from bvtrack.store.metric_point import Point

NAN = float("nan")


def curves(**values: Sequence[float]) -> tuple[LoggedRun, Mapping[str, Sequence[Point]]]:
    points = {name: [Point(step, 0, value) for step, value in enumerate(some)] for name, some in values.items()}
    return LoggedRun("id", "run", {name: Latest(some[-1], len(some) - 1) for name, some in values.items()}), points


def both(**values: float) -> LoggedRun:
    return LoggedRun(
        "id", "run", {f"{stage}_{name}": Latest(value, 3) for stage in ("train", "val") for name, value in values.items()}
    )


@pytest.mark.parametrize("name", ["val_loss_std", "loss_scale", "val_loss_class_7", "val/loss/domain_b", "grad_loss_ratio"])
def test_a_spread_of_one_value_or_a_class_without_examples_is_no_divergence(name: str) -> None:
    assert not has_diverged({"loss": 0.1, name: NAN})


@pytest.mark.parametrize("name", ["val_loss", "train/aux_loss", "fold_2/val_loss", "NLLLoss"])
def test_any_loss_that_is_no_number_is_a_divergence(name: str) -> None:
    assert has_diverged({"loss": 0.1, name: NAN})


@pytest.mark.parametrize("penalty", ["kl_loss", "commitment_loss"])
def test_a_penalty_that_rises_is_no_divergence(penalty: str) -> None:
    falling, rising = [100 / (i + 1) for i in range(12)], [0.01 * 2**i for i in range(12)]
    names = {
        f"{stage}_{name}": some for stage in ("train", "val") for name, some in ((penalty, rising), ("recon_loss", falling))
    }
    run, points = curves(**names)

    found = judge_run(run, lambda name: points[name], given(None)).audited

    assert (found.metrics["dev"], found.curve) == ("val_recon_loss", "learning")


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("training/val_acc", "dev"),
        ("training/train_acc", "train"),
        ("training/val/epoch/acc", "dev"),
        ("train/eval_loss", "dev"),
        ("training/epoch/acc", "train"),
        ("training/acc", "train"),
    ],
)
def test_a_namespace_is_no_set_where_the_name_holds_one(name: str, stage: str) -> None:
    read = read_metric_name(name)

    assert read is not None
    assert read.stage == stage

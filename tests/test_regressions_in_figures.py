"""A regression's figures say what its words say, and the whole of it is to be read; an estimator's own score is known by R²."""

from __future__ import annotations

import pytest
from mlflow import MlflowClient

import bvtrack
from bvtrack.diagnosis.evidence import ModelFacts
from bvtrack.diagnosis.run_verdict import EpochErrors, judge
from bvtrack.measures.unit import UNIT_KINDS, Unit, UnitKind
from bvtrack.report.content import Content
from bvtrack.report.figures import BANDS_HEIGHT, CURVES_HEIGHT, draw_curves, draw_more_data, new_figure


def content_in(unit: Unit) -> Content:
    history = [EpochErrors(epoch, {"train": 0.8 - 0.1 * epoch, "dev": 0.9 - 0.05 * epoch}, {}) for epoch in range(6)]
    verdict = judge(
        history,
        at="best",
        human_error=None,
        same_distribution=True,
        chance=None,
        model=ModelFacts(),
        n_train=200,
        unit=unit,
    )
    return Content("regression", verdict, history)


@pytest.mark.parametrize("kind", UNIT_KINDS)
def test_the_label_of_a_low_figure_is_not_cut_off(kind: UnitKind) -> None:
    figure, axes = new_figure(BANDS_HEIGHT)
    draw_more_data(axes, content_in(Unit(kind, "1 - val_multiclass_average_precision")))
    figure.draw_without_rendering()
    label = axes.yaxis.label.get_window_extent()

    assert 0 <= label.x0 < label.x1
    assert 0 <= label.y0 < label.y1 <= figure.bbox.height


def test_a_bias_without_a_floor_is_at_most_that_wide_in_the_curves_too() -> None:
    _, axes = new_figure(CURVES_HEIGHT)
    draw_curves(axes, content_in(Unit("variance", "1 - val_r2")))

    assert "avoidable bias at most +30.0" in [text.get_text() for text in axes.texts]


def test_the_own_score_of_a_regressor_is_its_r_squared(store: str) -> None:
    client = MlflowClient(store)
    run = client.create_run("0", tags={"estimator_class": "sklearn.linear_model.Ridge", "estimator_name": "Ridge"})
    for name, value in {"training_r2_score": 0.9, "training_score": 0.9, "Ridge_score_X_val": 0.6}.items():
        client.log_metric(run.info.run_id, name, value)
    bvtrack.audit("Default", tracking_uri=store)
    words = bvtrack.make_report(run.info.run_id, tracking_uri=store).markdown()

    assert "% of the targets' variance" in words
    assert "noise floor" in words
    assert "human baseline" not in words

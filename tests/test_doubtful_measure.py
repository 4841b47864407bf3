"""A metric that may not be the one that is meant: said, named in the tag, and never certain."""

from __future__ import annotations

import pytest

from bvtrack import Tracker


@pytest.mark.parametrize(
    ("names", "certainty"),
    [(["val_acc"], "certain"), (["val_acc_a", "val_acc_b"], "likely"), (["val_acc_class_3"], "likely")],
)
def test_no_diagnosis_by_one_of_several_metrics_is_certain(
    names: list[str], certainty: str, store: str, said: list[str]
) -> None:
    with Tracker(tracking_uri=store) as tracker:
        tracker.choose_measure(names)
        tracker.log_epoch(0, train_error=0.01, dev_error=0.3, n_train=10**6, n_dev=10**6)

    assert tracker.diagnosis is not None
    assert (tracker.diagnosis.tag, tracker.diagnosis.certainty) == ("high_variance", certainty)
    assert bool(said) == (len(names) > 1)
    said.clear()


def test_metrics_that_are_logged_later_are_chosen_among_too(store: str) -> None:
    with Tracker(tracking_uri=store) as tracker:
        tracker.choose_measure(["val_acc_5"])
        found = tracker.choose_measure(["val_acc_5", "val_acc"])

    assert found is not None
    assert found.name == "val_acc"

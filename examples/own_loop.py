"""Any training loop: a Tracker is told the errors of each epoch."""

from __future__ import annotations

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

import bvtrack

pixels, classes = load_digits(return_X_y=True)
x_train, x_rest, y_train, y_rest = train_test_split(pixels / 16, classes, test_size=0.4, random_state=0, stratify=classes)
x_dev, x_test, y_dev, y_test = train_test_split(x_rest, y_rest, test_size=0.5, random_state=0, stratify=y_rest)

model = MLPClassifier(hidden_layer_sizes=(128,), random_state=0)
with bvtrack.Tracker(measure=bvtrack.Measure("accuracy", higher_is_better=True)) as tracker:
    tracker.log_split(train=(x_train, y_train), dev=(x_dev, y_dev), test=(x_test, y_test))
    for epoch in range(10):
        model.partial_fit(x_train, y_train, classes=range(10))
        tracker.log_epoch(
            epoch,
            train_error=1 - model.score(x_train, y_train),
            dev_error=1 - model.score(x_dev, y_dev),
            test_error=1 - model.score(x_test, y_test),
        )

assert tracker.diagnosis is not None
print(tracker.diagnosis.explanation)
for step in tracker.steps:
    print(f"- {step.title}: {step.why}")

"""scikit-learn: a fitted search with its learning curve, the iterations of a regression, and a loop around `partial_fit`."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import bvtrack
from bvtrack_sklearn import BiasVarianceCallback, PartialFits

pixels, classes = load_digits(return_X_y=True)
x_train, x_rest, y_train, y_rest = train_test_split(pixels / 16, classes, test_size=0.4, random_state=0, stratify=classes)
x_dev, x_test, y_dev, y_test = train_test_split(x_rest, y_rest, test_size=0.5, random_state=0, stratify=y_rest)
train, dev, test = (x_train, y_train), (x_dev, y_dev), (x_test, y_test)

search = GridSearchCV(RandomForestClassifier(20, random_state=0), {"max_depth": [2, 4, 8]}, cv=3).fit(*train)
result = bvtrack.diagnose_estimator(search, train, dev, test, human_error=0.01, learning_curve=True)
print(result)

model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=100))
callback = BiasVarianceCallback(dev, test, human_error=0.01)
model.set_callbacks(callback).fit(*train)
assert callback.tracker is not None
print(callback.tracker.diagnosis)

linear = SGDClassifier(random_state=0)
with PartialFits(train, dev, test, human_error=0.01) as fits:
    for _ in range(10):
        linear.partial_fit(*train, classes=np.unique(y_train))
        fits.log_epoch(linear)
assert fits.tracker is not None
print(fits.tracker.diagnosis)

assert result.errors["dev"] == np.mean(search.predict(x_dev) != y_dev)

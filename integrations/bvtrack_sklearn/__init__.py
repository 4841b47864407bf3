"""bvtrack for scikit-learn's trainings that go in steps; fitted estimators are `bvtrack.diagnose_estimator`'s."""

from bvtrack_sklearn.callback import BiasVarianceCallback
from bvtrack_sklearn.loop import PartialFits

__all__ = ["BiasVarianceCallback", "PartialFits"]

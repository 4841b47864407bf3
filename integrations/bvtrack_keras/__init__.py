"""A Keras callback that keeps each training's MLflow run diagnosed: bias or variance, how sure, and what next."""

from bvtrack_keras.callback import BiasVarianceCallback

__all__ = ["BiasVarianceCallback"]

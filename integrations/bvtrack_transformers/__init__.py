"""A callback for Hugging Face's `Trainer` that keeps each training's run diagnosed: bias or variance, and what next."""

from bvtrack_transformers.callback import BiasVarianceCallback

__all__ = ["BiasVarianceCallback"]

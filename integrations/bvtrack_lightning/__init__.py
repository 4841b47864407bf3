"""A Lightning callback that keeps each training's MLflow run diagnosed: bias or variance, how sure, and what next.

Nothing is imported before it is asked for: Lightning looks into this package for callback factories in every Trainer.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bvtrack_lightning.callback import BiasVarianceCallback

__all__ = ["BiasVarianceCallback"]


def __getattr__(name: str) -> Any:
    if name != "BiasVarianceCallback":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import bvtrack_lightning.family  # noqa: F401  # says what to install where there is no Lightning, before torch is missed
    from bvtrack_lightning.callback import BiasVarianceCallback

    return BiasVarianceCallback

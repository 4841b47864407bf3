"""What a module's own objects say of its metrics and its loss, where names may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torch.nn.modules.loss import _Loss as Criterion
from torchmetrics import Metric

from bvtrack import find_measure
from bvtrack.adapters import is_of_quantities

if TYPE_CHECKING:
    from lightning.pytorch import Trainer


def metric_classes(trainer: Trainer) -> dict[str, str]:
    """The classes of the torchmetrics that the loops have logged as objects, by the names that they were logged under."""
    loop = trainer.fit_loop.epoch_loop
    results = [*getattr(loop, "_results", {}).values(), *getattr(loop.val_loop, "_results", {}).values()]
    logged = ((result.meta.name, getattr(result, "value", None)) for result in results)
    return {name: class_of(metric) for name, metric in logged if isinstance(metric, Metric)}


def class_of(metric: Metric) -> str:
    """The name of the metric's class, with the k of a top-k accuracy.

    >>> from torchmetrics.classification import MulticlassAccuracy
    >>> class_of(MulticlassAccuracy(10, top_k=5))
    'MulticlassAccuracy_top_5'
    """
    k = getattr(metric, "top_k", None) or 1
    return f"{type(metric).__name__}_top_{k}" if k > 1 else type(metric).__name__


def minimised_by(module: nn.Module) -> str | None:
    """The class of the module's criterion, or of its metric where it has no criterion and only metrics of quantities; `None`
    where there are several kinds, of which nothing tells which one is minimised.
    """
    criteria = {type(part).__name__ for part in module.modules() if isinstance(part, Criterion)}
    if criteria:
        return min(criteria) if len(criteria) == 1 or all(map(is_of_quantities, criteria)) else None
    metrics = {type(part).__name__ for part in module.modules() if isinstance(part, Metric)}
    told = {name for name in metrics if find_measure([name])}
    return min(told) if told and all(map(is_of_quantities, told)) else None

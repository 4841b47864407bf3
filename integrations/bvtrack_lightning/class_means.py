"""Tells a mean over classes, which a module computed and logged as a plain number, from a share of examples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torchmetrics import Metric

from bvtrack_lightning.error import is_over_examples

ROUNDING = 1e-6
"""Relative error of a share of examples that float32 has added up."""


def class_means(values: Mapping[str, Any], n: int | None) -> list[str]:
    """The names of those `values`, over `n` examples, that are no whole number of examples: in a module that
    `averages_over_classes` they may be what its metric computed.
    """
    return [] if n is None else [name for name, value in values.items() if not _is_share(float(value), n)]


def averages_over_classes(module: torch.nn.Module) -> bool:
    """True if the module holds a metric that is a mean over classes."""
    return any(isinstance(part, Metric) and not is_over_examples(part) for part in module.modules())


def _is_share(value: float, n: int) -> bool:
    count = value * n
    return math.isfinite(count) and abs(count - round(count)) <= ROUNDING * n + 1e-4

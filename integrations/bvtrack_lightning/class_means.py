"""Tells a mean over classes, which a module computed and logged as a plain number, from a share of examples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torchmetrics import Metric

from bvtrack_lightning.error import is_over_examples

FLOAT32 = 1.2e-7
"""Relative error of one division in float32."""
MOST_TOLD = 20_000
"""Number of examples up to which a number that is no share of them passes for one by chance in less than 1 of 100 cases."""
ROUNDING = 1e-6
"""Relative error of a share of examples that float32 has added up."""


def class_means(values: Mapping[str, Any], n: int | None) -> list[str]:
    """The names of those `values`, over `n` examples, that are no whole number of examples: in a module that
    `averages_over_classes` they may be what its metric computed.
    """
    return [] if n is None else [name for name, value in values.items() if not _is_share(float(value), n)]


def is_share_of_others(value: float, n: int, n_dev: int) -> bool:
    """True if a number that was logged behind all batches of a set of `n` examples is a share of the `n_dev` of the dev set,
    as of a step that divides by the length of that, whatever it runs over.

    >>> is_share_of_others(40 / 130, 190, 130), is_share_of_others(40 / 190, 190, 130)
    (True, False)
    """
    is_told = n != n_dev and n_dev <= MOST_TOLD
    return is_told and _is_share(value, n_dev, FLOAT32) and not _is_share(value, n, FLOAT32)


def averages_over_classes(module: torch.nn.Module) -> bool:
    """True if the module holds a metric that is a mean over classes."""
    return any(isinstance(part, Metric) and not is_over_examples(part) for part in module.modules())


def _is_share(value: float, n: int, rounding: float = ROUNDING) -> bool:
    count = value * n
    return math.isfinite(count) and abs(count - round(count)) <= rounding * max(n, count) + 1e-4

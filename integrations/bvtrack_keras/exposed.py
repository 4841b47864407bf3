"""The gaps of an epoch among the logs of `fit`, for callbacks that watch a value there."""

from __future__ import annotations

from collections.abc import Mapping

EXPOSED = ("train_error", "dev_error", "variance", "avoidable_bias")


def exposed_logs(metrics: Mapping[str, float]) -> dict[str, float]:
    """`bvtrack_train_error` and the others that are exposed, as fractions, of the metrics that were logged of an epoch."""
    return {f"bvtrack_{name}": metrics[f"bvtrack/{name}"] for name in EXPOSED if f"bvtrack/{name}" in metrics}

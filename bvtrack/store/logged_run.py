"""One run as MLflow's search returns it, without a further call: latest values, params, tags and datasets."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from bvtrack.schema import names

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Run

LARGEST = 1e300
"""SQL stores save an infinite metric as the largest finite double."""
PARENT = "mlflow.parentRunId"
"""The tag with the parent's id of a nested run."""


class Latest(NamedTuple):
    """A metric's point at its last step; NaN if the value is not finite, and a time of 0 if that is not known."""

    value: float
    step: int
    timestamp: int = 0

    def __repr__(self) -> str:
        """Without the time: digests are made of this, and those of runs that have not changed must stay."""
        return f"Latest(value={self.value!r}, step={self.step!r})"


@dataclass(frozen=True, slots=True)
class LoggedDataset:
    """A dataset that a run used: `n` is its number of examples, if logged."""

    name: str
    context: str
    digest: str
    n: int | None = None


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """A run without its metric histories; `is_parent` is true if other runs are known to be nested in it.

    `verdict` are the metrics of the verdict, which are left out of `metrics`.
    """

    run_id: str = ""
    name: str = ""
    metrics: Mapping[str, Latest] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    datasets: Sequence[LoggedDataset] = ()
    is_parent: bool = False
    verdict: Mapping[str, Latest] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Keep the metrics that repeat a verdict apart: they are no evidence for one, nor a change of the run."""
        own = {name: latest for name, latest in self.metrics.items() if names.is_of_verdict(name)}
        if own:
            others = {name: latest for name, latest in self.metrics.items() if name not in own}
            object.__setattr__(self, "metrics", others)
            object.__setattr__(self, "verdict", own)

    @classmethod
    def of(cls, run: Run, *, is_parent: bool = False) -> LoggedRun:
        """The run from an entity that MLflow's search returned."""
        points = run.data.to_proto().metrics  # `run.data.metrics` has no steps
        return cls(
            run_id=run.info.run_id,
            name=run.info.run_name or run.info.run_id,
            metrics={p.key: Latest(finite_or_nan(p.value), p.step, p.timestamp) for p in points},
            params=run.data.params,
            tags=run.data.tags,
            datasets=[_dataset(each) for each in run.inputs.dataset_inputs] if run.inputs else [],
            is_parent=is_parent,
        )

    @property
    def digest(self) -> str:
        """8 hexadecimal digits that change with anything that a diagnosis may depend on."""
        import hashlib  # a tenth of the time of `import bvtrack`

        datasets = sorted((each.name, each.context, each.digest) for each in self.datasets)
        known = repr((sorted(self.metrics.items()), sorted(self.params.items()), datasets))
        return hashlib.blake2b(known.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def finite_or_nan(value: float) -> float:
    """`value`, or NaN if it is not finite, or is a store's substitute for infinity.

    >>> finite_or_nan(1.797e308)
    nan
    """
    return value if abs(value) < LARGEST else math.nan


def _dataset(logged: DatasetInput) -> LoggedDataset:
    tags = {tag.key: tag.value for tag in logged.tags}
    count = tags.get(names.DATASET_COUNT, "")
    n = int(count) if count.isdecimal() else _examples(logged.dataset.profile)
    return LoggedDataset(logged.dataset.name, tags.get(names.DATASET_CONTEXT, ""), logged.dataset.digest, n)


def _examples(profile: str | None) -> int | None:
    """The number of examples in the profile of MLflow's tables (`num_rows`) and arrays (`features_shape`)."""
    try:
        content: Any = json.loads(profile or "{}")
        shape = content.get("features_shape") or [None]
        n = content.get("num_rows") or (next(iter(shape.values())) if isinstance(shape, dict) else shape)[0]
    except (ValueError, AttributeError, LookupError, TypeError, StopIteration, RecursionError):  # it may be anything
        return None
    return n if isinstance(n, int) and n > 0 else None

"""A split that need not be read where it is known what was found of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bvtrack.data.quick_key import key_of_arrays
from bvtrack.data.sample import SplitSample


@dataclass(frozen=True)
class SplitSource:
    """A split of `n` examples, some of which `read` gives; without it, or where that fails, the number is all that is known.

    `key` is the same for the same data; `None` where that cannot be told without reading all of them.
    """

    n: int
    read: Callable[[], SplitSample] | None = None
    key: str | None = None

    @classmethod
    def of(cls, data: Any) -> SplitSource:
        """From what `SplitSample.of` takes; a source is returned as it is. Raises `ValueError` as that does."""
        if isinstance(data, SplitSource):
            return data
        sample = SplitSample.of(data)
        if not sample.n_read:
            return cls(sample.n, key="")
        return cls(sample.n, lambda: sample, key_of_arrays(sample.n, sample.features, sample.targets))

    def sample(self) -> SplitSample:
        """What is read of it."""
        return self.read() if self.read else SplitSample(self.n)

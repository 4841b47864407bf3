"""A split that need not be read where it is known what was found of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bvtrack.splits.sampling.content_key import key_of_arrays
from bvtrack.splits.sampling.drawing import drawn
from bvtrack.splits.sampling.items import found_in, of_pairs
from bvtrack.splits.sampling.sample import SplitSample, by_name


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
        """From what `SplitSample.of` takes, or from a dataset or loader, of which no more is read than there is time and room
        for; a source is returned as it is. Raises `ValueError` as that does.
        """
        if isinstance(data, SplitSource):
            return data
        if found := found_in(data):
            return cls(*found)
        sample = SplitSample.of(data)
        if not sample.n_read:
            return cls(sample.n, key="")
        sample = replace(sample, features=by_name(sample.features, sample.targets))
        if isinstance(sample.features, list):  # of examples
            return cls(*of_pairs(sample.features, sample.targets))
        return cls(sample.n, partial(drawn, sample), key_of_arrays(sample.n, sample.features, sample.targets))

    def sample(self) -> SplitSample:
        """What is read of it."""
        return self.read() if self.read else SplitSample(self.n)

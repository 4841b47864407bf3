"""A split that need not be read if its key, and so what was found in it, is known."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bvtrack.splits.sampling.content_key import key_of_arrays
from bvtrack.splits.sampling.drawing import drawn
from bvtrack.splits.sampling.items import found_in, of_pairs
from bvtrack.splits.sampling.sample import SplitSample, by_name

logger = logging.getLogger("bvtrack")


@dataclass(frozen=True)
class SplitSource:
    """A split of `n` examples, and `read`, which samples it; without it, or if it fails, only the number is known.

    `key` is the same for the same data; `None` if only reading all of it could tell.
    """

    n: int
    read: Callable[[], SplitSample] | None = None
    key: str | None = None

    @classmethod
    def of(cls, data: Any) -> SplitSource:
        """From anything `SplitSample.of` takes, or a dataset or loader, which is read within the budget of time and memory; a
        source is returned as it is. Raises `ValueError` as `SplitSample.of` does.
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

    @classmethod
    def find(cls, data: Any) -> SplitSource | None:
        """The same as `of`, or `None` if the number of examples cannot be found in time."""
        try:
            return cls.of(data)
        except Exception as error:  # a user's own dataset may raise anything
            logger.debug("bvtrack: how many examples a split has cannot be told (%r)", error)
            return None

    def sample(self) -> SplitSample:
        """Read the sample."""
        return self.read() if self.read else SplitSample(self.n)

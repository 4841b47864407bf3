"""Weights as they were: what puts them back after a pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch.nn.parameter import is_lazy

from bvtrack.adapters import marks_of
from bvtrack_lightning.equality import are_equal

ALWAYS_KEPT, KEPT_ONCE = 1 << 26, 1 << 30
"""Bytes of weights up to which a copy is made in each pass (64 MiB), and in a training's first ones, which show whether the
user's step changes them (1 GiB)."""


class KeptWeights:
    """Puts a module's weights back after a pass whose steps change them, as those do that swap in an average for a while."""

    def __init__(self) -> None:
        self._is_first = True
        self._has_changed = False

    @contextmanager
    def unchanged(self, module: torch.nn.Module) -> Iterator[list[str]]:
        """The list says, afterwards, what could not be put back."""
        leaks: list[str] = []
        parameters = [one for one in module.parameters() if not is_lazy(one)]
        size = sum(one.nbytes for one in parameters)
        is_kept = size <= ALWAYS_KEPT or (size <= KEPT_ONCE and (self._is_first or self._has_changed))
        self._is_first = False
        saved = [(one, one.data, one.data.clone()) for one in parameters] if is_kept else []
        mark = () if is_kept else marks_of(module)
        try:
            yield leaks
        finally:
            self._has_changed |= _put_back(saved)
            if not is_kept and mark != marks_of(module):
                self._has_changed = True
                leaks.append("changes the weights")


def _put_back(saved: Sequence[tuple[torch.nn.Parameter, torch.Tensor, torch.Tensor]]) -> bool:
    """Each parameter has the data, and these their values, that were saved; True if one had others."""
    is_same = are_equal([(data, values) for _, data, values in saved])
    is_swapped = [weights.data_ptr() != data.data_ptr() for weights, data, _ in saved]
    for (weights, data, values), is_as_before, is_other in zip(saved, is_same, is_swapped, strict=True):
        if not is_as_before:
            data.copy_(values)
        if is_other:
            weights.data = data
    return any(is_swapped) or not all(is_same)

"""Weights as they were: marks that tell those of one epoch from others, and what puts them back after a pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b

import torch
from torch.nn.parameter import is_lazy

from bvtrack_lightning.equality import are_equal

SAMPLE = 64
"""Values that are looked at of each parameter: an optimiser moves them all."""
ALWAYS_KEPT, KEPT_ONCE = 1 << 26, 1 << 30
"""Bytes of weights up to which a copy is made in each pass (64 MiB), and in a training's first ones, which show whether the
user's step changes them (1 GiB)."""
MOVED = ("running_mean", "running_var")
"""Buffers that make another model of the same weights."""
PRECISIONS = (torch.float32, torch.bfloat16, torch.float16)


def marks_of(module: torch.nn.Module) -> Sequence[str]:
    """The mark of the weights as they are, and those that they have once they are loaded in half precision.

    A module without parameters has none. This waits for the accelerator, once.

    >>> layer = torch.nn.Linear(2, 2)
    >>> before = marks_of(layer)
    >>> _ = layer.weight.data.add_(1)
    >>> marks_of(layer)[0] == before[0], marks_of(layer.bfloat16())[0] == marks_of(layer)[1]
    (False, True)
    """
    buffers = [buffer for name, buffer in module.named_buffers() if name.endswith(MOVED)]
    tensors = [one for one in (*module.parameters(), *buffers) if one.is_floating_point() and not is_lazy(one)]
    samples = [_sample(one) for one in tensors]
    if not samples:
        return ()
    values = torch.cat(samples).cpu()
    return [_digest(values.to(precision)) for precision in PRECISIONS]


def _sample(weights: torch.Tensor) -> torch.Tensor:
    values = weights.detach().reshape(-1)
    return values[:: max(1, len(values) // SAMPLE)][:SAMPLE].float()


def _digest(values: torch.Tensor) -> str:
    return blake2b(values.float().numpy().tobytes(), digest_size=8).hexdigest()


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

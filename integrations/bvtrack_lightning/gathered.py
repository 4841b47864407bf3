"""Batches of data that lie in tensors, taken from them at once instead of example by example."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Subset, TensorDataset, default_collate

READS_AT_ONCE = "__getitems__"
"""The method by which a dataset reads several examples; one that was put there is the user's own."""
LOOKED_UP_AT_ONCE = 1 << 8
"""Batches whose indices go to the tensors' device together, for a transfer may have to wait."""


def gathered(loader: DataLoader[Any], keys: Sequence[Any]) -> Iterator[list[torch.Tensor]] | None:
    """The batches of these keys, new tensors `[n_batch, ...]`, as torch's own collate function makes them of the examples of a
    `TensorDataset`, or of a `Subset` of one; `None` for all else, for there other code has a part in the reading.

    >>> loader = DataLoader(TensorDataset(torch.tensor([1, 2, 3])), batch_size=2)
    >>> next(gathered(loader, [[2, 0]]))
    [tensor([3, 1])]
    """
    if not is_gathered(loader) or not all(set(map(type, batch)) <= {int} for batch in keys):
        return None
    return _batches(*_tensors_of(loader.dataset), keys)


def is_gathered(loader: DataLoader[Any]) -> bool:
    """True if nothing but torch's own code makes the loader's batches, of tensors that it has whole."""
    if loader.batch_sampler is None or loader.collate_fn is not default_collate or loader.pin_memory or loader.worker_init_fn:
        return False
    tensors, indices = _tensors_of(loader.dataset)
    return bool(tensors) and all(map(_is_plain, tensors)) and all(map(_are_places, indices))


def have_like_rows(one: DataLoader[Any], other: DataLoader[Any]) -> bool:
    """True if a batch of either loader takes as much room as one of as many examples of the other."""
    if not is_gathered(one) or not is_gathered(other):
        return False
    rows, other_rows = ([(part.shape[1:], part.dtype) for part in _tensors_of(each.dataset)[0]] for each in (one, other))
    return rows == other_rows


def _tensors_of(dataset: Any) -> tuple[Sequence[torch.Tensor], Sequence[Sequence[int]]]:
    """The tensors of a dataset, and the indices by which subsets choose from each other, the outermost first."""
    indices = []
    while type(dataset) is Subset and READS_AT_ONCE not in vars(dataset):
        indices.append(dataset.indices)
        dataset = dataset.dataset
    is_plain = type(dataset) is TensorDataset and READS_AT_ONCE not in vars(dataset)
    return (dataset.tensors if is_plain else ()), indices


def _is_plain(tensor: torch.Tensor) -> bool:
    """True for a tensor whose rows are laid out alike, whether they are stacked or taken together."""
    return type(tensor) is torch.Tensor and tensor.layout is torch.strided and tensor.is_contiguous()


def _are_places(indices: Any) -> bool:
    """True for a list of whole numbers; a tensor takes slices, masks and lists as indices too."""
    if type(indices) in (list, tuple):
        return all(issubclass(kind, (int, np.integer)) and kind is not bool for kind in set(map(type, indices)))
    if isinstance(indices, torch.Tensor):
        return indices.ndim == 1 and indices.dtype in (torch.int32, torch.int64)
    return type(indices) is range or (isinstance(indices, np.ndarray) and indices.ndim == 1 and indices.dtype.kind in "iu")


def _batches(
    tensors: Sequence[torch.Tensor], indices: Sequence[Sequence[int]], keys: Iterable[Sequence[int]]
) -> Iterator[list[torch.Tensor]]:
    rest = iter(keys)
    while some := list(islice(rest, LOOKED_UP_AT_ONCE)):
        places: Iterable[int] = chain.from_iterable(some)
        for chosen in indices:
            places = map(chosen.__getitem__, places)
        flat = torch.from_numpy(np.fromiter(places, dtype=np.int64))
        sizes = [len(batch) for batch in some]
        rows = {device: torch.split(flat.to(device), sizes) for device in {one.device for one in tensors}}
        for place in range(len(some)):
            yield [tensor[rows[tensor.device][place]] for tensor in tensors]

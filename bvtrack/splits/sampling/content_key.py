"""Sampled content fingerprint of a dataset, computed in a millisecond or two."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bvtrack.random_states import preserve_random_states
from bvtrack.splits.reading.arrays import TEXT
from bvtrack.splits.reading.batches import batches
from bvtrack.splits.reading.features import columns_of
from bvtrack.splits.reading.rows import rows_at
from bvtrack.splits.sampling.allowance import GROWTH, READ_SECONDS, Allowance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bvtrack.splits.reading.features import Columns

MOST_SAMPLED = 256
"""Number of examples sampled: a change to 1 in 100 examples is noticed in 92 cases of 100."""
BYTES = 1 << 18
"""Limit in bytes, so that fewer of large examples are sampled."""
FEWEST = 4
MOST_READ_BY_INDEX = 16
BYTES_BY_INDEX = 1 << 15
"""Limit in bytes for a dataset that may have to open a file for each example."""
GENERATORS = ("Generator", "RandomState", "Random")
PLAIN = (str, int, float, tuple)
"""Types of list items that are hashed: labels, names, indices, pairs of a path and a class."""


def sampled_indices(n: int, bytes_each: int = 1, *, most: int = MOST_SAMPLED, room: int = BYTES) -> NDArray[np.int64]:
    """Indices of the sampled examples among `n`: the first, the last, and others evenly spaced between them.

    >>> sampled_indices(1000, most=5).tolist()
    [0, 249, 499, 749, 999]
    """
    import numpy as np

    return np.linspace(0, n - 1, min(n, most, max(FEWEST, room // max(1, bytes_each)))).astype(np.int64)


def key_of_arrays(n: int, features: Any, targets: Any = None) -> str | None:
    """A key that is equal for equal `features` and `targets` `[n, ...]`, by a sample of rows; `None` if there are no rows, or
    none that can be read in time.

    >>> import numpy as np
    >>> rows = np.arange(3000.0).reshape(1000, 3)
    >>> key_of_arrays(1000, rows) == key_of_arrays(1000, rows.copy()) != key_of_arrays(1000, rows + 1)
    True
    """
    try:
        bytes_each = _bytes_of(columns_of(rows_at(features, sampled_indices(n, most=1))))
        digests = [_digests_in_time(features, sampled_indices(n, bytes_each))]
        if targets is not None:
            digests.append(_digests_in_time(targets, sampled_indices(n)))
        return key_of(n, digests)
    except Exception:  # any library's arrays may raise anything; reading them reports it
        return None


def key_of_dataset(
    dataset: Any, indices: Sequence[int], together: Callable[[list[Any]], Iterable[Any]], *, most: int = MOST_READ_BY_INDEX
) -> str | None:
    """A key that is equal for equal datasets read by index, from a sample of their items: batches, or examples that `together`
    collates.

    Samples a few items, and many entries of the arrays and lists that the dataset holds. `None` if the first item changes when
    it is read again, if reading fails, or if there is no time for it.
    """
    try:
        twin, allowance = copy_to_read(dataset), Allowance()
        with preserve_random_states():
            (first,), (again,) = (_read(together([item])) for item in _items_in_time(twin, [indices[0]] * 2, allowance))
            if _digest(first) != _digest(again):
                return None
            chosen = sampled_indices(len(indices), _bytes_of(first), most=most, room=BYTES_BY_INDEX)
            items = list(_items_in_time(twin, [indices[place] for place in chosen], allowance))
            digests = [_digest(columns) for columns in _read(together(items))]
        of_all = (
            repr(indices) if isinstance(indices, range) else [int(indices[place]) for place in sampled_indices(len(indices))]
        )
        return key_of(held_by(dataset), len(indices), of_all, digests)
    except Exception:  # a user's own dataset may raise anything; reading it reports that
        return None


def _digests_in_time(values: Any, chosen: NDArray[np.int64]) -> list[str]:
    """Digests of the rows at these indices, read in growing blocks. Raises `TimeoutError` if time or memory runs out."""
    allowance = Allowance(watches_memory=True)
    digests: list[str] = []
    size = 1
    while (start := allowance.n_read) < len(chosen):
        if not allowance.has_room_for(size):
            raise TimeoutError(f"{len(chosen)} rows take more than {READ_SECONDS} s, or the memory of other rows")
        digests.append(_digest(columns_of(rows_at(values, chosen[start : start + size]))))
        allowance.spend(size, 0)
        size *= GROWTH
    return digests


def _items_in_time(dataset: Any, indices: Sequence[int], allowance: Allowance) -> Iterator[Any]:
    """The items at these indices. Raises `TimeoutError` if time runs out."""
    for index in indices:
        if allowance.is_used_up:
            raise TimeoutError(f"{len(indices)} items take more than {READ_SECONDS} s")
        yield dataset[index]


def key_of(*known: Any) -> str:
    """Hash of JSON types, 32 hexadecimal digits, equal for equal values."""
    import hashlib

    return hashlib.blake2b(json.dumps(known, sort_keys=True).encode(), digest_size=16).hexdigest()


def held_by(dataset: Any) -> list[Any]:
    """The type of a dataset and digests of the arrays and lists it holds, as JSON types; then those of a dataset it wraps."""
    kind = f"{type(dataset).__module__}.{type(dataset).__qualname__}"
    values = [*getattr(dataset, "__dict__", {}).items(), *enumerate(getattr(dataset, "tensors", ()))]
    held = [[str(name), digest] for name, value in values if (digest := _held(value)) is not None]
    within = getattr(dataset, "dataset", None)
    return [kind, held, *([] if within is None else held_by(within))]


def copy_to_read(dataset: Any) -> Any:
    """A copy to read from, whose open files, counters and random generators are not the original's."""
    twin = copy.copy(dataset)
    for name, value in list(getattr(twin, "__dict__", {}).items()):
        if name == "dataset":
            setattr(twin, name, copy_to_read(value))
        elif name == "datasets" and isinstance(value, list):
            setattr(twin, name, [copy_to_read(one) for one in value])
        elif type(value).__name__ in GENERATORS:
            setattr(twin, name, copy.deepcopy(value))
    return twin


def _read(some: Iterable[Any]) -> list[Columns]:
    """The features of each batch, with the targets as a further column."""
    return [columns if targets is None else {**columns, "the targets": targets} for columns, targets in batches(iter(some))]


def _bytes_of(columns: Columns) -> int:
    return sum(values.nbytes for values in columns.values())


def _held(value: Any) -> str | None:
    if isinstance(value, list) and value:
        some = [value[place] for place in sampled_indices(len(value))]
        return key_of(len(value), repr(some)) if all(isinstance(item, PLAIN) for item in some) else None
    is_array = type(value).__name__ in ("ndarray", "memmap", "Tensor") and value.ndim and len(value)
    return key_of_arrays(len(value), value) if is_array else None


def _digest(columns: Columns) -> str:
    import hashlib

    digest = hashlib.sha256()  # hardware-accelerated
    for name, values in columns.items():
        digest.update(f"{name} {values.dtype.str} {values.shape} ".encode(errors="surrogatepass"))
        is_text = values.dtype.kind in TEXT
        digest.update(repr(values.tolist()).encode(errors="surrogatepass") if is_text else values.tobytes())
    return digest.hexdigest()

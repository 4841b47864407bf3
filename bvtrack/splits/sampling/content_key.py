"""What a split is known by when it comes again: as much of it as can be seen in a millisecond or two."""

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

PLACES = 256
"""Examples that are looked at: a change that touches 1 in 100 of all shows in 92 cases of 100."""
BYTES = 1 << 18
"""Of large examples fewer are looked at, this much of them."""
FEWEST = 4
MOST_READ_BY_INDEX = 16
BYTES_BY_INDEX = 1 << 15
"""Of a dataset that may have to open a file for each example."""
GENERATORS = ("Generator", "RandomState", "Random")
PLAIN = (str, int, float, tuple)
"""What is looked at of lists: labels, names, indices, pairs of a path and a class."""


def places(n: int, bytes_each: int = 1, *, most: int = PLACES, room: int = BYTES) -> NDArray[np.int64]:
    """Which of `n` examples are looked at: the first, the last, and others evenly spread between them.

    >>> places(1000, most=5).tolist()
    [0, 249, 499, 749, 999]
    """
    import numpy as np

    return np.linspace(0, n - 1, min(n, most, max(FEWEST, room // max(1, bytes_each)))).astype(np.int64)


def key_of_arrays(n: int, features: Any, targets: Any = None) -> str | None:
    """The same for the same `features` and `targets` `[n, ...]`, as far as they are looked at; `None` for what has no rows,
    or none that can be read in time.

    >>> import numpy as np
    >>> rows = np.arange(3000.0).reshape(1000, 3)
    >>> key_of_arrays(1000, rows) == key_of_arrays(1000, rows.copy()) != key_of_arrays(1000, rows + 1)
    True
    """
    try:
        bytes_each = _bytes_of(columns_of(rows_at(features, places(n, most=1))))
        marks = [_marks_in_time(features, places(n, bytes_each))]
        if targets is not None:
            marks.append(_marks_in_time(targets, places(n)))
        return key_of(n, marks)
    except Exception:  # arrays of any library may raise anything; when they are read, that is said
        return None


def key_of_dataset(
    dataset: Any, indices: Sequence[int], together: Callable[[list[Any]], Iterable[Any]], *, most: int = MOST_READ_BY_INDEX
) -> str | None:
    """The same for the same items of a dataset that is read by index, examples of which `together` makes batches, or batches.

    A few items are looked at, and many of the arrays and lists that the dataset holds. `None` where the first item is another
    one when it is read again, where reading fails, or where there is no time for it.
    """
    try:
        twin, allowance = beside(dataset), Allowance()
        with preserve_random_states():
            (first,), (again,) = (_read(together([item])) for item in _items_in_time(twin, [indices[0]] * 2, allowance))
            if _mark(first) != _mark(again):
                return None
            chosen = places(len(indices), _bytes_of(first), most=most, room=BYTES_BY_INDEX)
            items = list(_items_in_time(twin, [indices[place] for place in chosen], allowance))
            marks = [_mark(columns) for columns in _read(together(items))]
        of_all = repr(indices) if isinstance(indices, range) else [int(indices[place]) for place in places(len(indices))]
        return key_of(held_by(dataset), len(indices), of_all, marks)
    except Exception:  # a dataset of the user's own may raise anything; when it is read, that is said
        return None


def _marks_in_time(values: Any, chosen: NDArray[np.int64]) -> list[str]:
    """Of the rows at these places, a few and then more. Raises `TimeoutError` where there is no time or room for all."""
    allowance = Allowance(watches_memory=True)
    marks: list[str] = []
    size = 1
    while (start := allowance.n_read) < len(chosen):
        if not allowance.has_room_for(size):
            raise TimeoutError(f"{len(chosen)} rows take more than {READ_SECONDS} s, or the memory of other rows")
        marks.append(_mark(columns_of(rows_at(values, chosen[start : start + size]))))
        allowance.spend(size, 0)
        size *= GROWTH
    return marks


def _items_in_time(dataset: Any, indices: Sequence[int], allowance: Allowance) -> Iterator[Any]:
    """The items at these places. Raises `TimeoutError` where there is no time for all."""
    for index in indices:
        if allowance.is_used_up:
            raise TimeoutError(f"{len(indices)} items take more than {READ_SECONDS} s")
        yield dataset[index]


def key_of(*known: Any) -> str:
    """32 hexadecimal digits, the same for equal JSON types."""
    import hashlib

    return hashlib.blake2b(json.dumps(known, sort_keys=True).encode(), digest_size=16).hexdigest()


def held_by(dataset: Any) -> list[Any]:
    """Of which kind a dataset is, and what arrays and lists it holds, as JSON types; the same of a dataset within it."""
    kind = f"{type(dataset).__module__}.{type(dataset).__qualname__}"
    values = [*getattr(dataset, "__dict__", {}).items(), *enumerate(getattr(dataset, "tensors", ()))]
    held = [[str(name), mark] for name, value in values if (mark := _held(value)) is not None]
    within = getattr(dataset, "dataset", None)
    return [kind, held, *([] if within is None else held_by(within))]


def beside(dataset: Any) -> Any:
    """A copy to read from: files that it opens, what it counts and draws, are not the original's."""
    twin = copy.copy(dataset)
    for name, value in list(getattr(twin, "__dict__", {}).items()):
        if name == "dataset":
            setattr(twin, name, beside(value))
        elif name == "datasets" and isinstance(value, list):
            setattr(twin, name, [beside(one) for one in value])
        elif type(value).__name__ in GENERATORS:
            setattr(twin, name, copy.deepcopy(value))
    return twin


def _read(some: Iterable[Any]) -> list[Columns]:
    """Of each batch the features, and the targets beside them."""
    return [columns if targets is None else {**columns, "the targets": targets} for columns, targets in batches(iter(some))]


def _bytes_of(columns: Columns) -> int:
    return sum(values.nbytes for values in columns.values())


def _held(value: Any) -> str | None:
    if isinstance(value, list) and value:
        some = [value[place] for place in places(len(value))]
        return key_of(len(value), repr(some)) if all(isinstance(item, PLAIN) for item in some) else None
    is_array = type(value).__name__ in ("ndarray", "memmap", "Tensor") and value.ndim and len(value)
    return key_of_arrays(len(value), value) if is_array else None


def _mark(columns: Columns) -> str:
    import hashlib

    digest = hashlib.sha256()  # for which processors have instructions
    for name, values in columns.items():
        digest.update(f"{name} {values.dtype.str} {values.shape} ".encode(errors="surrogatepass"))
        is_text = values.dtype.kind in TEXT
        digest.update(repr(values.tolist()).encode(errors="surrogatepass") if is_text else values.tobytes())
    return digest.hexdigest()

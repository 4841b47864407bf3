"""Read only the examples at given indices of an array, a table or a dataset."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bvtrack.splits.reading.file_rows import file_rows
from bvtrack.splits.reading.kinds import (
    are_arrays,
    as_arrays,
    is_anything,
    is_dense_tensor,
    is_hugging_face,
    is_mapping,
    is_of_arrow,
    is_of_pandas,
    is_sequence,
    is_tensor,
)
from bvtrack.splits.reading.mapped import is_mapped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def rows_at(values: Any, chosen: NDArray[np.int64]) -> Any:
    """The examples at the sorted indices `chosen` of an array, a table, a column, or of several of them in a mapping or a list,
    in a container of the same kind. Raises whatever the container's library raises.
    """
    return next(take for recognises, take in ROWS if recognises(values))(values, chosen)


def _of_array(values: Any, chosen: NDArray[np.int64]) -> Any:
    import numpy as np

    if isinstance(values, np.ndarray):
        rows = file_rows(values, chosen) if is_mapped(values) else None
        return values[chosen] if rows is None else rows
    if is_dense_tensor(values):
        with suppress(Exception):  # NumPy shares the memory of JAX and TensorFlow, which compile nothing then
            return np.from_dlpack(values)[chosen]
    try:
        found = values[chosen]
        if len(found) == len(chosen):
            return found
    except Exception:  # a library that takes one index at a time may raise anything
        if not len(chosen):
            raise
    return np.stack([np.asarray(values[int(index)]) for index in chosen])


def _of_tensor(tensor: Any, chosen: NDArray[np.int64]) -> Any:
    with suppress(TypeError, RuntimeError):  # NumPy shares the memory of most tensors, and starts no threads
        return tensor.detach().numpy()[chosen]
    indices = sys.modules["torch"].from_numpy(chosen)
    return tensor.detach().index_select(0, indices.to(tensor.device))


def _of_arrow(values: Any, chosen: NDArray[np.int64]) -> Any:
    """Take chunk by chunk: Arrow would first concatenate the chunks of a column."""
    import numpy as np

    is_table = hasattr(values, "to_batches")
    if not is_table and not hasattr(values, "chunks"):
        return values.take(chosen)
    pieces = values.to_batches() if is_table else values.chunks
    ends = np.cumsum([len(piece) for piece in pieces])
    of_piece = ends.searchsorted(chosen, "right")
    found = [
        pieces[piece].take(chosen[of_piece == piece] - (ends[piece] - len(pieces[piece]))) for piece in np.unique(of_piece)
    ]
    return type(values).from_batches(found) if is_table else sys.modules["pyarrow"].chunked_array(found)


ROWS: tuple[tuple[Callable[[Any], bool], Callable[[Any, NDArray[np.int64]], Any]], ...] = (
    (is_mapping, lambda columns, chosen: {name: rows_at(column, chosen) for name, column in columns.items()}),
    (are_arrays, lambda parts, chosen: [rows_at(part, chosen) for part in parts]),
    (is_sequence, lambda values, chosen: [values[index] for index in chosen.tolist()]),
    (is_tensor, _of_tensor),
    (is_hugging_face, lambda dataset, chosen: as_arrays(dataset)[chosen.tolist()]),
    (is_of_arrow, _of_arrow),
    (is_of_pandas, lambda table, chosen: table.iloc[chosen]),
    (is_anything, _of_array),
)
"""By what holds the examples, the first that holds, how some are taken."""

"""Writes a batch in one call, and bisects it if the call is refused, to find the refused items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from bvtrack.store.mlflow_errors import is_refused

_Item = TypeVar("_Item")
ENOUGH = 10
"""After this many items refused one by one, and none accepted, the items are not to blame."""


class Refused(NamedTuple, Generic[_Item]):
    """An item that was permanently refused even by itself, and the error."""

    item: _Item
    error: Exception


def write_in_parts(
    items: Sequence[_Item], write: Callable[[Sequence[_Item]], object], *, enough: int = ENOUGH
) -> list[Refused[_Item]]:
    """Write the items in one call, in halves if it is permanently refused, and so on; the items that are refused alone.

    Raises any other error of `write`, and the refusal if `enough` items are refused one by one and none was accepted.
    """
    refused: list[Refused[_Item]] = []
    waiting, n_taken = [items] if items else [], 0
    while waiting:
        some = waiting.pop()
        try:
            write(some)
            n_taken += len(some)
        except Exception as error:
            if not is_refused(error):
                raise
            if len(some) > 1:
                waiting += [some[len(some) // 2 :], some[: len(some) // 2]]
                continue
            refused.append(Refused(some[0], error))
            if not n_taken and len(refused) >= enough:
                raise
    return refused

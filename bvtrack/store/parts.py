"""Many things in one call, and in smaller ones where the call is refused, until it is known which of them is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from bvtrack.store.mlflow_errors import is_refused

_Item = TypeVar("_Item")
ENOUGH = 10
"""So many refused one by one, and none taken: it is not them."""


class Refused(NamedTuple, Generic[_Item]):
    """One thing that was refused for good, even alone, and how."""

    item: _Item
    error: Exception


def write_in_parts(
    items: Sequence[_Item], write: Callable[[Sequence[_Item]], object], *, enough: int = ENOUGH
) -> list[Refused[_Item]]:
    """Write the items in one call, in halves where it is refused for good, and so on; those that are refused alone.

    Raises what `write` raises otherwise; and the refusal where `enough` are refused, one by one, and none was taken.
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

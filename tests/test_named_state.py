"""What a user's code names outside of a model is as it was, after it has run in a pass of ours."""

from __future__ import annotations

import copy
from collections import deque
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bvtrack.adapters import preserve_named_state

STATE: dict[str, Any] = {}
NUMBERS = [np.arange(3)]


def containers(depth: int = 3) -> st.SearchStrategy[Any]:
    values: st.SearchStrategy[Any] = st.integers() | st.text(max_size=2)
    for _ in range(depth):
        values = (
            st.lists(values, max_size=3)
            | st.dictionaries(st.text(max_size=2), values, max_size=3)
            | st.lists(values, max_size=3).map(deque)
        )
    return values


class Meter:
    def __init__(self) -> None:
        self.n, self.rows = 0, [[1.0]]


class Model:
    kept: dict[str, Any] = {}  # noqa: RUF012  # as people write it
    meter = Meter()

    def step(self) -> None:
        spoil(STATE)
        spoil(self.kept)
        spoil(NUMBERS)
        self.meter.n += 1
        self.meter.rows[0].append(2.0)
        helper()


def helper() -> None:
    global_meter.n += 1
    spoil(global_meter.rows)


global_meter = Meter()


def spoil(value: Any) -> None:
    """Change a container and all within it."""
    for item in list(value.values() if isinstance(value, dict) else value):
        if isinstance(item, (list, dict, deque)):
            spoil(item)
    if isinstance(value, dict):
        value["spoilt"] = 1
        value.pop(next(iter(value)))
    else:
        value.append("spoilt")
        value.rotate(1) if isinstance(value, deque) else value.reverse()


@given(value=containers())
def test_what_is_nested_is_put_back_with_its_own_objects(value: Any) -> None:
    STATE.clear()
    Model.kept.clear()
    STATE["one"], Model.kept["one"] = value, copy.deepcopy(value)
    before, inner = copy.deepcopy((STATE, Model.kept)), STATE["one"]

    with preserve_named_state([Model]):
        Model().step()
        assert (STATE, Model.kept) != before

    assert (STATE, Model.kept) == before
    assert STATE["one"] is inner


def test_meters_and_arrays_in_lists_are_put_back() -> None:
    with preserve_named_state([Model]):
        Model().step()

    for meter in (Model.meter, global_meter):
        assert (meter.n, meter.rows) == (0, [[1.0]])
    assert len(NUMBERS) == 1


def test_a_closure_is_searched_too() -> None:
    kept: list[list[int]] = [[1], [2]]

    def step() -> None:
        spoil(kept)

    with preserve_named_state([], [step]):
        step()

    assert kept == [[1], [2]]


def test_what_raises_is_undone_as_well() -> None:
    try:
        with preserve_named_state([Model]):
            Model().step()
            raise RuntimeError
    except RuntimeError:
        pass

    assert Model.meter.n == 0

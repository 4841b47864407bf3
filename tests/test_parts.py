from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST, INVALID_PARAMETER_VALUE, PERMISSION_DENIED

from bvtrack.store.mlflow_errors import is_refused, is_too_large, short_cause
from bvtrack.store.parts import ENOUGH, write_in_parts

NGINX = "API request to endpoint /api failed with error code 413 != 200. Response body: '<html>413 Request Entity Too Large'"


class Store:
    """Takes no call that holds one of the bad numbers, or more than `most` of them."""

    def __init__(self, bad: set[int], most: int) -> None:
        self.bad, self.most = bad, most
        self.taken: list[int] = []
        self.n_calls = 0

    def write(self, numbers: Sequence[int]) -> None:
        self.n_calls += 1
        if self.bad & set(numbers):
            raise MlflowException("no", INVALID_PARAMETER_VALUE)
        if len(numbers) > self.most:
            raise MlflowException(NGINX)
        self.taken += numbers


@given(bad=st.sets(st.integers(0, 200)), n=st.integers(0, 200), most=st.integers(1, 200))
def test_all_but_what_is_refused_is_written_once_and_in_order(bad: set[int], n: int, most: int) -> None:
    store = Store(bad, most)
    refused = write_in_parts(range(n), store.write, enough=n + 1)

    assert store.taken == [number for number in range(n) if number not in bad]
    assert [item for item, _ in refused] == [number for number in range(n) if number in bad]


def test_what_is_taken_whole_costs_one_call() -> None:
    store = Store(set(), 1000)
    write_in_parts(range(1000), store.write)

    assert store.n_calls == 1


def test_a_store_that_takes_nothing_is_not_asked_of_each_thing() -> None:
    store = Store(set(range(1000)), 1000)
    with pytest.raises(MlflowException):
        write_in_parts(range(1000), store.write)

    assert store.n_calls < 3 * ENOUGH


def test_what_is_no_refusal_is_raised_at_once() -> None:
    def write(items: Sequence[int]) -> None:
        raise MlflowException("not you", PERMISSION_DENIED)

    with pytest.raises(MlflowException, match="not you"):
        write_in_parts([1, 2], write)


@pytest.mark.parametrize(
    "message",
    [
        NGINX,
        "INTERNAL_ERROR: Request Too Long",
        "INTERNAL_ERROR: Request size limit exceeded",
        "INTERNAL_ERROR: Response: {'error': 'http: request body too large'}",
        "INTERNAL_ERROR: Payload Too Large",
        "INTERNAL_ERROR: Content Too Large",
    ],
)
def test_a_request_that_is_too_large_is_known_by_any_words_for_it(message: str) -> None:
    error = MlflowException(message)

    assert is_too_large(error)
    assert is_refused(error)
    assert short_cause(error, "http://host") == "too large for the server, or a proxy before it"


@pytest.mark.parametrize(
    "message",
    [
        "API request to endpoint /api failed with error code 500 != 200. Response body: ''",
        "REQUEST_LIMIT_EXCEEDED: too many requests",
        "INTERNAL_ERROR: the request took too long",
        "INTERNAL_ERROR: step 413 is too large",
    ],
)
def test_another_trouble_is_not_taken_for_a_request_that_is_too_large(message: str) -> None:
    assert not is_refused(MlflowException(message))


def test_a_bad_request_without_mlflows_words_is_refused_for_good() -> None:
    assert is_refused(MlflowException("no", BAD_REQUEST))

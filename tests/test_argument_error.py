from __future__ import annotations

import pickle

import pytest

import bvtrack
from bvtrack.argument_error import ArgumentError


def test_an_error_about_an_argument_says_which_one() -> None:
    with pytest.raises(ValueError, match=r"^n_dev=10 was given without dev_error; pass both or neither$") as refused:
        bvtrack.diagnose(train_error=0.1, n_dev=10)

    assert isinstance(refused.value, ArgumentError)
    assert refused.value.name == "n_dev"


def test_what_was_given_is_no_part_of_the_format() -> None:
    error = ArgumentError("at", "{} must be 'best' or 'last'; got {!r}", "{best} {0}")

    assert str(error) == "at must be 'best' or 'last'; got '{best} {0}'"


def test_an_error_about_an_argument_goes_to_another_process() -> None:
    error = ArgumentError("at", "{} must be 'best' or 'last'; got {!r}", "first")
    copy = pickle.loads(pickle.dumps(error))

    assert (str(copy), copy.name) == (str(error), "at")

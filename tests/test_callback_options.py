"""The options that all callbacks share: each names them in its signature, and hands them on by these names."""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module
from inspect import signature

import pytest

from bvtrack.adapters import CallbackOptions


@pytest.mark.parametrize("package", ["bvtrack_keras", "bvtrack_lightning"])
def test_a_callback_names_every_option_with_the_same_default(package: str) -> None:
    parameters = signature(import_module(package).BiasVarianceCallback).parameters

    assert {option.name: parameters[option.name].default for option in fields(CallbackOptions)} == vars(CallbackOptions())


def test_an_option_that_a_callback_does_not_name_is_missed() -> None:
    arguments = {**vars(CallbackOptions(human_error=0.1)), "self": None, "test_data": [1]}

    assert CallbackOptions.among(arguments) == CallbackOptions(human_error=0.1)
    del arguments["expose"]
    with pytest.raises(KeyError, match="expose"):
        CallbackOptions.among(arguments)

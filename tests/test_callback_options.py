"""The options that all callbacks share: each names them in its signature, and hands them on by these names."""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import get_type_hints

import pytest

from bvtrack.adapters import CallbackOptions, OptionArguments


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


def test_the_arguments_of_a_callback_that_hands_options_on_are_the_options_and_an_error() -> None:
    options = get_type_hints(CallbackOptions)
    del options["error"]

    assert get_type_hints(OptionArguments) == options


def test_relative_paths_are_of_the_folder_where_the_options_were_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = CallbackOptions(tracking_uri="sqlite:///here.db", journal_dir="journals")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")

    assert options.tracking_uri == f"sqlite:///{tmp_path}/here.db"
    assert options.journal_dir == tmp_path / "journals"

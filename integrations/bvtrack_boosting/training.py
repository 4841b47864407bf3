"""The options of a booster's callback, and what follows its trainings by them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from bvtrack.adapters import CallbackOptions, ErrorFunction, OptionArguments, RoundSession, SetName, error_measure

SETS: tuple[SetName, ...] = ("train", "dev", "test")


class BoostingArguments(OptionArguments, total=False):
    """The options of a booster's callback, by keyword; each callback's docstring tells what its own are."""

    error: ErrorFunction | None
    train_data: Any
    dev_data: Any
    test_data: Any
    train_set: str
    dev_set: str
    test_set: str
    resume_file: str | Path | None


def session_of(what: str, arguments: BoostingArguments) -> RoundSession:
    """What follows the trainings of the booster `what`. Raises `ValueError` as `CallbackOptions` does, and for `expose`."""
    own = {*BoostingArguments.__annotations__} - {*OptionArguments.__annotations__}
    error = arguments.get("error")
    measure = None if error is None else error_measure(error, lambda function: function, "bvtrack.Measure")
    options = CallbackOptions(error=measure, **cast(Any, {name: one for name, one in arguments.items() if name not in own}))
    return RoundSession(what, options, arguments.get("resume_file"))


def given_data(arguments: BoostingArguments) -> Mapping[SetName, Any]:
    """The data of each set, as the user gave them."""
    given = {name: cast(Any, arguments).get(f"{name}_data") for name in SETS}
    return {name: data for name, data in given.items() if data is not None}


def chosen_names(arguments: BoostingArguments) -> Mapping[SetName, str]:
    """The names of the evaluated sets that the user has told."""
    chosen = {name: cast(Any, arguments).get(f"{name}_set") for name in SETS}
    return {name: told for name, told in chosen.items() if told is not None}

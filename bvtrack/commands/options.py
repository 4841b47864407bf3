"""Errors about arguments of the library as errors about options of a command."""

from __future__ import annotations

import click

from bvtrack.argument_error import Argument, ArgumentError


def usage_error(error: ValueError) -> click.UsageError:
    """The error as a usage error of the current command: `n_dev=10` becomes `--n-dev 10`."""
    return click.UsageError(error.spelled(_as_option) if isinstance(error, ArgumentError) else str(error))


def _as_option(argument: Argument) -> str:
    """The option of an argument, or the argument's name if there is no such option."""
    options = {parameter.name: parameter.opts[0] for parameter in click.get_current_context().command.params}
    option = options.get(argument.name)
    if option is None:
        return str(argument)
    return option if argument.given in (None, "") else f"{option} {argument.given}"

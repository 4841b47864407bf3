"""What the library says of arguments, said of a command's options."""

from __future__ import annotations

import click

from bvtrack.argument_error import Argument, ArgumentError


def usage_error(error: ValueError) -> click.UsageError:
    """The error as one of the present command's usage: of `n_dev=10` as `--n-dev 10`."""
    return click.UsageError(error.spelled(_as_option) if isinstance(error, ArgumentError) else str(error))


def _as_option(argument: Argument) -> str:
    """An argument that the command has no option for keeps its name."""
    options = {parameter.name: parameter.opts[0] for parameter in click.get_current_context().command.params}
    option = options.get(argument.name)
    if option is None:
        return str(argument)
    return option if argument.given in (None, "") else f"{option} {argument.given}"

"""A `ValueError` that knows its argument, so that a command can name its option instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Argument:
    """An argument in a message: `n_dev`, or with its value, `n_dev=10`."""

    name: str
    given: object = None

    def __str__(self) -> str:
        return self.name if self.given is None else f"{self.name}={self.given}"


class ArgumentError(ValueError):
    """Raised for an invalid argument.

    The message is a format string; its first field is the argument, the others are `values`, which may be arguments, too.

    >>> error = ArgumentError(Argument("n_dev", 10), "{} was given without {}", Argument("dev_error"))
    >>> print(error, error.name, sep="; ")
    n_dev=10 was given without dev_error; n_dev
    >>> error.spelled(lambda argument: f"<{argument.name}>")
    '<n_dev> was given without <dev_error>'
    """

    def __init__(self, argument: str | Argument, message: str, *values: object) -> None:
        super().__init__(argument, message, *values)
        self._argument = Argument(argument) if isinstance(argument, str) else argument
        self._message = message
        self._values = values

    @property
    def name(self) -> str:
        """Name of the invalid argument."""
        return self._argument.name

    def spelled(self, spell: Callable[[Argument], str]) -> str:
        """The message with each argument spelled by `spell`."""
        shown = (spell(one) if isinstance(one, Argument) else one for one in (self._argument, *self._values))
        return self._message.format(*shown)

    def __str__(self) -> str:
        return self.spelled(str)

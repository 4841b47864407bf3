"""An error that says which argument it is about, so that a command can name its option instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Argument:
    """An argument as a message names it: `n_dev`, or with what was given for it, `n_dev=10`."""

    name: str
    given: object = None

    def __str__(self) -> str:
        return self.name if self.given is None else f"{self.name}={self.given}"


class ArgumentError(ValueError):
    """Raised for an argument that is none.

    The message is a format, of which the first field is the argument and the others are the values, arguments among them.

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
        """The argument that it is about."""
        return self._argument.name

    def spelled(self, spell: Callable[[Argument], str]) -> str:
        """The message with each argument as it is called elsewhere."""
        shown = (spell(one) if isinstance(one, Argument) else one for one in (self._argument, *self._values))
        return self._message.format(*shown)

    def __str__(self) -> str:
        return self.spelled(str)

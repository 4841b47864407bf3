"""Splits in files and folders, opened by what their names end in, and read in batches: no file has to fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, Self

from bvtrack.splits.reading.examples import TARGET_NAMES
from bvtrack.text import shortened

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Batch = tuple[Mapping[str, NDArray[Any]], NDArray[Any] | None]

LABELS = (*TARGET_NAMES, "class")
"""What a column or an array of labels is called, in whatever case, where none is named."""
Report = Callable[[float], None]
"""Takes how much of a split has been read, from 0 to 1."""


@dataclass(frozen=True)
class Roles:
    """The columns that are no features; `None` where there is none, but the `target` is then looked for by its usual names."""

    target: str | None = None
    group: str | None = None
    time: str | None = None
    without: tuple[str, ...] = ()
    """Columns that are left out."""

    @property
    def named(self) -> Mapping[str, str]:
        """The columns that are there, by role."""
        roles = {"target": self.target, "group": self.group, "time": self.time}
        return {role: name for role, name in roles.items() if name is not None}

    def check(self, names: Sequence[str], where: str) -> None:
        """Raises `ValueError` for a column that is not among `names`, or is named twice."""
        for role, name in self.named.items():
            if name not in names:
                raise ValueError(f"expected a {role} column {name!r} in {where}, got {some(names)}; name one that is there")
        if len(set(self.named.values())) < len(self.named):
            raise ValueError(f"expected a column for each of {', '.join(self.named)}, got one for two; name another one")
        for role, name in self.named.items():
            if name in self.without:
                raise ValueError(f"expected another column than the {role} to leave out, got {name!r} for both; drop --{role}")

    def with_target(self, names: Sequence[str], where: str) -> Roles:
        """The same with the target that is among `names`, if one is. Raises `ValueError` for several."""
        if self.target is not None or not names:
            return self
        if len(names) > 1:
            raise ValueError(f"expected one column of labels in {where}, got {some(names)}; say which with --target")
        return replace(self, target=names[0])


class SplitFile(Protocol):
    """A split that can be read more than once, always in the same order and batches."""

    @property
    def where(self) -> str:
        """What the user calls it."""

    @property
    def form(self) -> str:
        """Files of one form compare."""

    def agreed(self, files: Sequence[Self]) -> Self:
        """The same file, read as the types that hold for all of `files`.

        Raises `ValueError` where their columns or types do not go together.
        """

    def batches(self, report: Report) -> Iterator[Batch]:
        """Columns of features `[n, ...]` and the targets `[n, ...]` or `None`. Raises `ValueError` for a broken file."""

    def groups(self) -> NDArray[Any] | None:
        """`[n_examples]`. Raises `ValueError` where an example has none."""

    def times(self) -> NDArray[Any] | None:
        """`[n_examples]` numbers. Raises `ValueError` where an example has none, or it is a text."""


def some(names: Sequence[str], most: int = 8) -> str:
    """The first of some names."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more if names else "none"


def reason_of(error: Exception, most: int = 100) -> str:
    """The first line of another library's message, without what a broken file may bring into it."""
    (line, *_) = str(error).strip().splitlines() or [type(error).__name__]
    return shortened(line, most)

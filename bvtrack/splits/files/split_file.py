"""Interface of splits in files and folders, read in batches, so that no file has to fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, Self

from bvtrack.splits.finding import Finding
from bvtrack.splits.reading.examples import TARGET_NAMES
from bvtrack.text import shortened

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Batch = tuple[Mapping[str, NDArray[Any]], NDArray[Any] | None]

LABELS = (*TARGET_NAMES, "class")
"""Default names of a column or an array of labels, case-insensitive."""
LONGEST_NAME = 80
Report = Callable[[float], None]
"""Progress callback, called with the fraction of a split that has been read, from 0 to 1."""


@dataclass(frozen=True)
class Roles:
    """The columns that are not features, or `None`; a `target` of `None` is looked for by its usual names."""

    target: str | None = None
    group: str | None = None
    time: str | None = None
    without: tuple[str, ...] = ()
    """Columns to leave out."""
    is_test: bool = False
    """True for the roles in a test set, whose labels may be held back."""

    @property
    def named(self) -> Mapping[str, str]:
        """The given columns, by role."""
        roles = {"target": self.target, "group": self.group, "time": self.time}
        return {role: name for role, name in roles.items() if name is not None}

    def check(self, names: Sequence[str], where: str) -> None:
        """Raise `ValueError` for a column that is not among `names`, or that has two roles."""
        for role, name in self.named.items():
            if name not in names:
                raise ValueError(f"expected a {role} column {name!r} in {where}, got {some(names)}; name one that is there")
        if len(set(self.named.values())) < len(self.named):
            raise ValueError(f"expected a column for each of {', '.join(self.named)}, got one for two; name another one")
        for role, name in self.named.items():
            if name in self.without:
                raise ValueError(f"expected another column than the {role} to leave out, got {name!r} for both; drop --{role}")

    def found_in(self, names: Sequence[str]) -> Roles:
        """A copy without a target that a test set lacks."""
        return replace(self, target=None) if self.is_test and self.target not in names else self

    def with_target(self, names: Sequence[str], where: str) -> Roles:
        """A copy with the only one of `names` as target, unless one is given. Raises `ValueError` for several names."""
        if self.target is not None or not names:
            return self
        if len(names) > 1:
            raise ValueError(f"expected one column of labels in {where}, got {some(names)}; say which with --target")
        return replace(self, target=names[0])


@dataclass(frozen=True)
class Reading:
    """What a pass over a split found beside its columns: `findings` of what was not read, or read in a way that is to be said;
    and where the columns do not hold all of an example, 64-bit `digests` `[n_examples]` that are equal for equal examples.
    `name_of` gives the name of an example by its number, where examples are files.
    """

    findings: tuple[Finding, ...] = ()
    digests: NDArray[np.uint64] | None = None
    name_of: Callable[[int], str] | None = None


class SplitFile(Protocol):
    """A split that can be read repeatedly, always in the same order and batches."""

    @property
    def where(self) -> str:
        """The name that the user gave."""

    @property
    def form(self) -> str:
        """The kind of content; only files of one form are comparable."""

    def agreed(self, files: Sequence[Self]) -> Self:
        """The same file, read with the dtypes common to all `files`.

        Raises `ValueError` for incompatible columns or dtypes.
        """

    def batches(self, report: Report) -> Iterator[Batch]:
        """Columns of features `[n, ...]` and the targets `[n, ...]` or `None`. Raises `ValueError` for a broken file."""

    def reading(self, split: str) -> Reading:
        """What the last pass over it found, as the set named `split`."""

    def groups(self) -> NDArray[Any] | None:
        """Group of each example, `[n_examples]`, or `None`. Raises `ValueError` for an example without one."""

    def times(self) -> NDArray[Any] | None:
        """Time of each example, `[n_examples]` numbers, or `None`. Raises `ValueError` for a missing time or a text."""


def some(names: Sequence[str], most: int = 8) -> str:
    """The first `most` names, and the number of the others."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(shortened(name, LONGEST_NAME) for name in names[:most]) + more if names else "none"


def reason_of(error: Exception, most: int = 100) -> str:
    """The first line of another library's message, printable and at most `most` characters."""
    (line, *_) = str(error).strip().splitlines() or [type(error).__name__]
    return shortened(line, most)

"""Count things by their first few names, for what is left out or read in another way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from bvtrack.text import shortened

MOST_NAMED = 3
LONGEST_NAME = 80


@dataclass
class Tally:
    """A count, and the first names that were counted; nothing else is kept, however many there are.

    >>> tally = Tally()
    >>> for index in range(1200):
    ...     tally.add(f"{index}.png", "empty" if index < 2 else "")
    >>> str(tally)
    '0.png (empty), 1.png (empty), 2.png and 1,197 more'
    """

    n: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, name: str, reason: str = "", n: int = 1) -> None:
        """Count `n` more under a name, with a reason."""
        self.n += n
        if len(self.names) < MOST_NAMED:
            named = shortened(name, LONGEST_NAME)
            self.names.append(f"{named} ({reason})" if reason else named)

    def __add__(self, other: Self) -> Tally:
        return Tally(self.n + other.n, [*self.names, *other.names][:MOST_NAMED])

    def __bool__(self) -> bool:
        return self.n > 0

    def __str__(self) -> str:
        more = f" and {self.n - len(self.names):,} more" if self.n > len(self.names) else ""
        return ", ".join(self.names) + more

"""Which rounds of a training that has thousands are logged: rounds are epochs, and the curve and the verdict need some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bvtrack.adapters.training import Pass, SetName

EVERY_ROUND = 20
"""All of the first rounds are logged, in which errors fall fastest; then one is …"""
SPACING = 0.05
"""… where the training is this share longer: 62 of 100 rounds, 126 of 2,000, 159 of 10,000. The best is always there."""
MOST_HELD = 8
"""Rounds that wait while it is open whether one before them, that is logged only if it stays the best, is to be."""

Values = Mapping[str, float | tuple[float, float]]
"""By metric its value or, of a cross-validation, its mean and its standard deviation over the folds."""


@dataclass
class Round:
    """A round, counted from 0: its `values` by set, and the `passes` over the sets that are measured by predicting."""

    number: int
    values: Mapping[SetName, Values]
    passes: dict[SetName, Pass] = field(default_factory=dict)


class Rounds:
    """Takes every round, and gives those to log, in order: some at growing distances, the best by each metric of the dev set,
    by one of which early stopping chooses, and the last.

    >>> rounds = Rounds()
    >>> for number in range(100):
    ...     due = rounds.take(Round(number, {}), {"dev-error": abs(number - 51) / 100})
    >>> logged = [one.number for one in rounds.ready(is_end=True)]
    >>> len(logged), 51 in logged, logged[-1]
    (64, True, 99)
    """

    def __init__(self) -> None:
        self._lowest: dict[str, float] = {}
        self._best: dict[str, Round] = {}
        self._held: list[Round] = []
        self._last: Round | None = None
        self._n = 0
        self._due = 0

    def take(self, one: Round, errors: Mapping[str, float], *, is_last: bool = False, is_affordable: bool = True) -> bool:
        """Take a round, and by metric of the dev set its error, the lower the better; true if it is to be measured now, as the
        one that is known to be the last is. Behind the first rounds, one that is due waits until it `is_affordable`.
        """
        is_due = is_last or (self._n >= self._due and (is_affordable or self._n < EVERY_ROUND))
        for name, error in errors.items():
            if error < self._lowest.get(name, float("inf")):
                self._lowest[name], self._best[name] = error, one
        if is_due:
            self._due = self._n + max(1, int(SPACING * self._n)) if self._n >= EVERY_ROUND else self._n + 1
            self._held.append(one)
            self._best = {name: best for name, best in self._best.items() if best is not one}
        self._n += 1
        self._last = one
        return is_due

    def waiting(self) -> Sequence[Round]:
        """The rounds that are the best so far, and that are logged only if they stay it."""
        return list({one.number: one for one in self._best.values()}.values())

    def ready(self, *, is_end: bool = False) -> Sequence[Round]:
        """The rounds to log now. Those without `passes` have not been measured yet."""
        if not is_end and self._best and len(self._held) < MOST_HELD:
            first = min(best.number for best in self._best.values())
            settled = [one for one in self._held if one.number < first]
            self._held = self._held[len(settled) :]
            return settled
        ends = [self._last] if is_end and self._last else []
        found = {one.number: one for one in (*self._held, *self._best.values(), *ends)}
        self._held, self._best = [], {}
        if self._last and self._last.number in found:
            self._last = None
        return [found[number] for number in sorted(found)]

"""What a run's errors are fractions of, and the words in which texts speak of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from bvtrack.measures.percent import percent

UnitKind = Literal["error_rate", "variance", "standard_deviation", "absolute_deviation", "best_constant", "score", "loss"]
UNIT_KINDS: tuple[UnitKind, ...] = get_args(UnitKind)
EXAMPLE_FLOOR = 0.2
"""The human error that explanations give as an example of what to pass."""


class _Words(NamedTuple):
    """`of` follows a percentage; a sentence on errors is `begin`, the first percentage, `of` and `verb`, and the sets. `floor`
    is what a human error is called, and `r_squared` the coefficient of determination of an error.
    """

    of: str = ""
    begin: str = ""
    verb: str = ""
    floor: str = "human error"
    r_squared: Callable[[float], float] | None = None


_NOISE = "noise floor"
_WORDS: Mapping[str, _Words] = {
    "error_rate": _Words(),
    "variance": _Words(" of the targets' variance", "", " is not explained", _NOISE, lambda error: 1 - error),
    "standard_deviation": _Words(
        " of the targets' standard deviation", "The error is ", "", _NOISE, lambda error: 1 - error**2
    ),
    "absolute_deviation": _Words(" of the targets' mean absolute deviation", "The error is ", floor=_NOISE),
    "best_constant": _Words(" of what the best constant guess makes", "The error is ", floor=_NOISE),
    "score": _Words("", "{name} is ", floor="human baseline"),
    "loss": _Words("", "{name} is ", floor="human baseline"),
}
"""The words of each kind. An error rate counts what is wrong (examples, tokens, pixels, perhaps averaged over classes). Without
a human error the course assumes 0 for it, and how often that is wrong was measured for error rates alone. The others have no
floor that could be assumed: targets hold noise, texts have entropy, and two people's masks or rankings do not agree."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What an error of 1 is. `name` is the measure as `bvtrack.measure` has it; an error in units is divided by that of the
    best constant guess, which is the targets' spread.

    Raises `ValueError` for a kind that is not known.

    >>> Unit("variance", "1 - val_r2").amount(0.4)
    "40.0 % of the targets' variance"
    """

    kind: UnitKind = "error_rate"
    name: str = ""

    def __post_init__(self) -> None:
        if self.kind not in _WORDS:
            raise ValueError(f"a unit is one of {', '.join(_WORDS)}; got {self.kind!r}")

    @property
    def is_error_rate(self) -> bool:
        """True if errors are shares of what was counted, of which 0 is the course's assumption for humans."""
        return self.kind == "error_rate"

    @property
    def is_of_targets(self) -> bool:
        """True if errors are those of a regression, as shares of its targets' spread."""
        return _WORDS[self.kind].floor == _NOISE

    @property
    def of(self) -> str:
        """The words behind a percentage, with a space before them; empty for a rate or a score."""
        return _WORDS[self.kind].of

    @property
    def column(self) -> str:
        """The heading of a column of errors."""
        return "error" if self.is_error_rate else f"%{self.of}" if self.of else self._subject

    @property
    def axis(self) -> str:
        """The label of an axis of errors in percent."""
        if self.is_error_rate:
            return "error, %"
        return f"{'not explained' if self.kind == 'variance' else 'error'}, %{self.of}" if self.of else f"{self._subject}, %"

    @property
    def floor(self) -> str:
        """What the baseline of the train error is called."""
        return _WORDS[self.kind].floor

    @property
    def floor_in_short(self) -> str:
        """The same for a label."""
        return _NOISE if self.is_of_targets else "human"

    def error_of(self, set_name: str) -> str:
        """The name of a set's error within a sentence.

        >>> Unit().error_of("dev"), Unit("score", "1 - val_f1").error_of("dev")
        ('dev error', "dev set's 1 - val_f1")
        """
        return f"{set_name} error" if self.is_error_rate or self.of else f"{set_name} set's {self._subject}"

    def amount(self, error: float) -> str:
        """An error with what it is a part of."""
        return f"{percent(error)}{self.of}"

    def gained(self, points: str) -> str:
        """A number of points by which the dev error falls, with what they are a part of.

        >>> Unit().gained("3.2"), Unit("variance").gained("3.2"), Unit("score", "1 - val_f1").gained("3.2")
        ('3.2 points of dev error', "3.2 points of the targets' variance on dev", "3.2 points of the dev set's 1 - val_f1")
        """
        if self.of:
            return f"{points} points{self.of} on dev"
        return f"{points} points of {'' if self.is_error_rate else 'the '}{self.error_of('dev')}"

    def told(self, errors: Mapping[str, float]) -> str:
        """The errors by the name of their set, as a sentence without its full stop; a regression's with R².

        >>> Unit("variance").told({"train": 0.4, "dev": 0.45})
        "40.0 % of the targets' variance is not explained on train (R² 0.600), 45.0 % on dev (R² 0.550)"
        >>> Unit("score", "1 - val_f1").told({"train": 0.4})
        '1 - val_f1 is 40.0 % on train'
        """
        if self.is_error_rate:
            return f"Errors: {', '.join(f'{name} {percent(error)}' for name, error in errors.items())}"
        words = _WORDS[self.kind]
        parts = [
            f"{percent(error)}{'' if place else f'{words.of}{words.verb}'} on {name}{self._r_squared(error)}"
            for place, (name, error) in enumerate(errors.items())
        ]
        return words.begin.format(name=self._subject) + ", ".join(parts)

    @property
    def what_settles(self) -> str:
        """What to pass for a bias to be named, where no floor is known; empty for an error rate."""
        if self.is_error_rate:
            return ""
        of = f" for {percent(EXAMPLE_FLOOR)}{self.of}" if self.of else ""
        unknown = "how much of that is noise, which no model explains, is not known"
        whose = f"the noise's {self._subject}"
        if not self.is_of_targets:
            unknown = "what is within reach is not known"
            whose = f"the {self._subject} of humans, or of the best known model"
        return (
            f"No bias is named, for {unknown}: pass human_error=, {whose} (such as {EXAMPLE_FLOOR}{of}), "
            "or take the experiment's best run for it (bvtrack audit --baseline best)."
        )

    @property
    def _subject(self) -> str:
        return self.name or "error"

    def _r_squared(self, error: float) -> str:
        formula = _WORDS[self.kind].r_squared
        if formula is None or not math.isfinite(error):
            return ""
        return f" (R² {formula(error):.3f})" if error < 1 else " (R² 0 or below)"


ERROR_RATE = Unit()
SOME_SCORE = Unit("score")

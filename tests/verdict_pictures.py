"""Draw the small pictures of the pages on verdicts (`make pictures`): a pair of curves for each value of `bvtrack.curve`, and
bars of errors for each diagnosis that has gaps.

They are SVG files in colours of middle lightness, which can be told from a light page and from a dark one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bvtrack import Diagnosis, diagnose
from bvtrack.diagnosis.explanation import GAP_NAMES, SET_NAMES, sets_of
from bvtrack.measures.percent import in_points, percent

FOLDER = Path(__file__).parents[1] / "docs" / "pictures" / "verdict"
GREY, TRAIN, DEV, MARK = "#7b8089", "#3d8bd4", "#d9730d", "#cc4b4b"
"""Each has a contrast of 3 or more to both of the site's backgrounds (WCAG 2.1 asks for 3 in graphics)."""
EPOCHS = range(24)
CHANCE = 0.9
"""The error of guessing among ten classes."""


class Curves(NamedTuple):
    """Errors by epoch; `chance` is that of guessing, where it is known."""

    train: Sequence[float]
    dev: Sequence[float]
    chance: float | None = CHANCE


def _falling(start: float, end: float, pace: float) -> list[float]:
    return [end + (start - end) * math.exp(-epoch / pace) for epoch in EPOCHS]


def _rising_from(turn: int, rise: float, curve: Sequence[float]) -> list[float]:
    return [value + rise * max(epoch - turn, 0) for epoch, value in enumerate(curve)]


CURVES: Mapping[str, Curves] = {
    "learning": Curves(_falling(0.7, 0.05, 11), _falling(0.75, 0.1, 12)),
    "converged": Curves(_falling(0.7, 0.04, 3), _rising_from(11, 0.0003, _falling(0.75, 0.12, 1.8))),
    "overtrained": Curves(_falling(0.7, 0.01, 5), _rising_from(8, 0.011, _falling(0.75, 0.16, 3))),
    "unstable": Curves(_rising_from(14, 0.022, _falling(0.7, 0.06, 3)), _rising_from(14, 0.024, _falling(0.75, 0.12, 3))),
    "not_learning": Curves(
        [0.9 + 0.006 * math.sin(2 * epoch) for epoch in EPOCHS], [0.9 + 0.008 * math.cos(1.7 * epoch) for epoch in EPOCHS]
    ),
    "diverged": Curves(
        [*_falling(2.3, 0.9, 3)[:10], *(min(1.0 * 1.5**step, 17.5) for step in range(14))],
        [*_falling(2.3, 1.1, 3)[:10], *(min(1.3 * 1.5**step, 18.0) for step in range(14))],
        chance=None,
    ),
}
"""Curves of which each is what its name says; those of `diverged` are losses."""

EXAMPLES: Mapping[str, str] = {
    "high_bias": "--train 0.15 --dev 0.16 --human 0.01 --n-train 2000 --n-dev 2000",
    "high_variance": "--train 0.01 --dev 0.11 --n-train 2000 --n-dev 2000",
    "both": "--train 0.15 --dev 0.30 --human 0.01 --n-train 2000 --n-dev 2000",
    "data_mismatch": "--train 0.01 --train-dev 0.015 --dev 0.10 --n-train 2000 --n-train-dev 2000 --n-dev 2000",
    "dev_overfit": "--train 0.02 --dev 0.025 --test 0.06 --human 0.015 --n-train 5000 --n-dev 5000 --n-test 5000",
    "easier_dev": "--train 0.044 --dev 0.031 --human 0.03 --n-train 5000 --n-dev 5000",
    "balanced": "--train 0.015 --dev 0.02 --human 0.01 --n-train 5000 --n-dev 5000",
    "undetermined": "--train 0.03 --dev 0.035 --n-train 2000 --n-dev 2000",
    "beyond_human": "--train 0.03 --dev 0.035 --human 0.06 --n-train 2000 --n-dev 2000",
}
"""The examples of the page on diagnoses, as arguments of `bvtrack diagnose`."""


def diagnosed(arguments: str) -> Diagnosis:
    """The diagnosis of the errors in these arguments."""
    words = [word.removeprefix("--").replace("-", "_") for word in arguments.split()]
    given = {
        name if name.startswith("n_") else f"{name}_error": value for name, value in zip(words[::2], words[1::2], strict=True)
    }
    numbers: dict[str, Any] = {name: int(value) if name.startswith("n_") else float(value) for name, value in given.items()}
    return diagnose(**numbers)


def curves_svg(name: str, curves: Curves) -> str:
    """A pair of curves, with the best dev epoch marked; the picture ends where guessing is, or a little above the curves."""
    top = max([*curves.train, *curves.dev, curves.chance or 0]) * 1.06
    left, right, bottom, height = 34.0, 268.0, 132.0, 118.0

    def place(epoch: int, value: float) -> tuple[float, float]:
        return left + epoch * (right - left) / EPOCHS[-1], bottom - height * value / top

    parts = [_line([(left, bottom - height), (left, bottom), (right, bottom)], GREY, 1)]
    if curves.chance is not None:
        level = place(0, curves.chance)[1]
        parts += [_line([(left, level), (right, level)], GREY, 1, dashes="2 3"), _text(left + 4, level - 4, "guessing", GREY)]
    for colour, values in ((TRAIN, curves.train), (DEV, curves.dev)):
        parts.append(_line([place(epoch, value) for epoch, value in enumerate(values)], colour, 2))
    ends = sorted(
        [(place(EPOCHS[-1], curves.dev[-1])[1], "dev", DEV), (place(EPOCHS[-1], curves.train[-1])[1], "train", TRAIN)]
    )
    above = min(ends[0][0], ends[1][0] - 12)
    parts += [_text(right + 5, y + 4, word, colour) for y, (_, word, colour) in zip((above, ends[1][0]), ends, strict=True)]
    best = min(EPOCHS, key=curves.dev.__getitem__)
    if name != "not_learning":
        x, y = place(best, curves.dev[best])
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="none" stroke="{DEV}" stroke-width="2"/>')
    parts += [_text((left + right) / 2 - 18, bottom + 14, "epochs", GREY), _text(2, 12, "loss" if top > 1 else "error", GREY)]
    return _svg(310, 150, f"Train and dev curves of a training that is {name.replace('_', ' ')}", parts)


def bars_svg(diagnosis: Diagnosis) -> str:
    """A bar for each error, with what lies above the error that it is compared with in red where that gap is named."""
    errors = dict(diagnosis.errors)
    rows = {"human": diagnosis.human_error, **{SET_NAMES[name]: error for name, error in errors.items()}}
    left, width, step = 62.0, 250.0, 24
    scale = width / (max(rows.values()) or 1.0)
    parts = []
    for place, (row, error) in enumerate(rows.items()):
        y, end = 6 + place * step, left + scale * error
        assumed = " (assumed)" if row == "human" and diagnosis.baseline == "zero" else ""
        parts += [_text(2, y + 12, row, GREY), _bar(left, end, y, GREY)]
        gap = next((gap for gap in diagnosis.gaps if SET_NAMES.get(sets_of(gap, errors)[0]) == row), None)
        said = f"{percent(error)}{assumed}"
        if gap is not None:
            earlier = rows[SET_NAMES.get(sets_of(gap, errors)[1], "human")]
            is_named = gap in diagnosis.named_gaps
            if error > earlier:
                parts.append(_bar(left + scale * earlier, end, y, MARK if is_named else TRAIN))
            said += f": {GAP_NAMES[gap]} {in_points(diagnosis.gaps[gap].value)}"
        parts.append(_text(end + 6, y + 12, said, GREY))
    return _svg(500, 6 + len(rows) * step, f"Errors of a run that is {diagnosis.tag.replace('_', ' ')}, as bars", parts)


def _line(points: Sequence[tuple[float, float]], colour: str, width: int, *, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="{width}"{dashed}/>'


def _bar(begin: float, end: float, y: float, colour: str) -> str:
    return f'<rect x="{begin:.1f}" y="{y:.1f}" width="{max(end - begin, 1):.1f}" height="16" fill="{colour}"/>'


def _text(x: float, y: float, words: str, colour: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}">{words}</text>'


def _svg(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    body = "\n".join(f"  {part}" for part in parts)
    return f'{head} font-family="system-ui, sans-serif" font-size="12">\n  <title>{title}</title>\n{body}\n</svg>\n'


def pictures() -> Iterator[tuple[Path, str]]:
    """All pictures, with the paths of their files."""
    for name, curves in CURVES.items():
        yield FOLDER / f"curve-{name}.svg", curves_svg(name, curves)
    for name, arguments in EXAMPLES.items():
        yield FOLDER / f"{name}.svg", bars_svg(diagnosed(arguments))


def main() -> None:
    """Write them anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, svg in pictures():
        path.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()

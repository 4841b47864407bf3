"""The colours of a report by role, on a light and on a dark background.

Sets and gaps use Okabe and Ito's palette (2008), which colour-blind readers can tell apart, darkened until text in it reaches
a contrast of 4.5 to the background (WCAG 2.1, AA); for dark mode it is lightened to the same contrast.
"""

from __future__ import annotations

LIGHT = {
    "ground": "#ffffff",
    "text": "#1b1f24",
    "muted": "#59636e",
    "line": "#d5dae0",
    "train": "#0072b2",
    "train-dev": "#826600",
    "dev": "#bd4905",
    "test": "#00805c",
    "human": "#5a6270",
}
DARK = {
    "ground": "#15181d",
    "text": "#e8eaed",
    "muted": "#a3acb8",
    "line": "#363d48",
    "train": "#5ab4ec",
    "train-dev": "#e0c13c",
    "dev": "#ff9248",
    "test": "#36cb9c",
    "human": "#aab3c0",
}
OF_SET = {"train": "train", "train_dev": "train-dev", "dev": "dev", "test": "test", "human": "human"}
OF_GAP = {"avoidable_bias": "train", "variance": "dev", "data_mismatch": "train-dev", "dev_overfit": "test"}
"""A gap has the colour of the curve above it."""


def css(colours: dict[str, str]) -> str:
    """The colours as CSS custom properties.

    >>> css({"ground": "#ffffff"})
    '--ground: #ffffff;'
    """
    return " ".join(f"--{role}: {colour};" for role, colour in colours.items())

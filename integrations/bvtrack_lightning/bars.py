"""Lightning's progress bar at the end of a training."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bvtrack_lightning.family import ancestry

if TYPE_CHECKING:
    from lightning.pytorch import Trainer


def finish_bar(trainer: Trainer) -> None:
    """Stop Rich's display as its own `teardown`, which comes after ours, is about to: what is said then stands below it, and
    is not broken into lines as wide as the terminal. Other bars are closed by then.
    """
    bar: Any = trainer.progress_bar_callback
    with suppress(Exception):  # users write bars of their own
        if bar is not None and "RichProgressBar" in ancestry(bar) and bar.progress is not None:
            bar.progress.stop()

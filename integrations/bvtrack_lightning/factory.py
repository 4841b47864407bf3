"""The entry point by which a Trainer adds the callback by itself where `BVTRACK_AUTO` is set."""

from __future__ import annotations

import logging
import os
from typing import Any


def callbacks() -> list[Any]:
    """One `BiasVarianceCallback` where the environment variable `BVTRACK_AUTO` is switched on, else nothing. Raises nothing."""
    if not os.environ.get("BVTRACK_AUTO"):  # the import is saved for those who do not ask for it
        return []
    try:
        from bvtrack.adapters import is_switched_on

        if not is_switched_on("BVTRACK_AUTO"):
            return []
        from bvtrack_lightning.callback import BiasVarianceCallback

        return [BiasVarianceCallback.from_environment()]
    except Exception as error:
        logging.getLogger("bvtrack").warning("bvtrack: BVTRACK_AUTO is set, but the callback could not be made (%s)", error)
        return []

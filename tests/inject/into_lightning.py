"""A plugin of pytest that puts a callback into every Trainer of `lightning.pytorch`."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

import lightning.pytorch as pl
import pytest
from idle_shipper import IdleShipper

from bvtrack_lightning import BiasVarianceCallback
from inject.callbacks import chosen


def pytest_configure() -> None:
    with contextlib.suppress(ImportError):
        import torch.utils.tensorboard  # noqa: F401  # sets environment variables, which the suite would say a test had leaked
    pytest.MonkeyPatch().setattr("bvtrack.tracking.outbox.ShipperProcess", IdleShipper)
    pl.Trainer.__init__ = _with(chosen(BiasVarianceCallback), pl.Trainer.__init__)  # type: ignore[method-assign]  # the point


def _with(kind: type, initialize: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(initialize)
    def patched(self: pl.Trainer, *arguments: Any, callbacks: Any = None, **options: Any) -> None:
        given = [] if callbacks is None else callbacks if isinstance(callbacks, list) else [callbacks]
        initialize(self, *arguments, callbacks=[*given, kind()], **options)

    return patched

"""Where the loaders of each set are found: the Trainer's, the datamodule's or the module's, and the first of several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch.utils.data import DataLoader

from bvtrack.adapters import SetName, SplitSource, preserve_named_state
from bvtrack_lightning.family import is_users_own
from bvtrack_lightning.keyed_readers import Use
from bvtrack_lightning.loader_kinds import is_combined, is_stream
from bvtrack_lightning.readers import reader_of

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

SETS: tuple[SetName, ...] = ("train", "train_dev", "dev", "test")
SEVERAL = (
    "expected one train loader, got {n}, whose batches training_step gets together and validation_step does not; "
    "pass train_eval_dataloaders="
)


def first_of(loaders: Any) -> Any:
    """The first of several loaders in lists, mappings or a `CombinedLoader` that gives one after the other; one that gives
    them together counts as a loader. `None` where there is none.
    """
    while True:
        if is_combined(loaders) and loaders._mode == "sequential":
            loaders = loaders.flattened
        elif isinstance(loaders, Mapping):
            loaders = list(loaders.values())
        if not isinstance(loaders, (list, tuple)):
            return loaders
        loaders = loaders[0] if loaders else None


def first_loader(loaders: Any) -> DataLoader[Any] | None:
    """The loader, the first of several, or `None` where it is none of torch's."""
    loaders = first_of(loaders)
    return loaders if isinstance(loaders, DataLoader) else None


def train_loader(trainer: Trainer) -> Any:
    """The loader of the present epoch; `None` before there is one. Raises `ValueError` where there are several."""
    combined = trainer.fit_loop._combined_loader
    if combined is None:
        return None
    if len(combined.flattened) != 1:
        raise ValueError(SEVERAL.format(n=len(combined.flattened)))
    return combined.flattened[0]


def dev_loader(trainer: Trainer) -> Any:
    """The loader of the last validation; `None` before there is one."""
    return first_of(trainer.fit_loop.epoch_loop.val_loop._combined_loader)


def own_test_loader(trainer: Trainer, module: LightningModule) -> Any:
    """The result of the datamodule's or the module's own `test_dataloader`, which may raise; `None` if neither has one."""
    for owner in (getattr(trainer, "datamodule", None), module):
        hook = getattr(type(owner), "test_dataloader", None)
        if hook is not None and is_users_own(hook):
            with preserve_named_state((), objects=[owner]):  # what it notes is of no test yet
                return owner.test_dataloader()  # type: ignore[union-attr]  # a datamodule of either family
    return None


def size(loader: Any, limit: float | None = None, n_processes: int = 1) -> int | None:
    """The examples that an evaluation passes over, up to Lightning's `limit`; `None` where that cannot be told."""
    try:
        return reader_of(loader, Use(limit, n_processes=n_processes)).n
    except Exception:  # a user's own loader may raise anything
        return None


def split_of_stream(loader: Any) -> SplitSource | None:
    """A streaming loader's split for `Tracker.log_split`; `None` if it is not read to its end, because its size is unknown."""
    if not isinstance(loader, DataLoader) or not is_stream(loader):
        return None
    split = SplitSource.find(loader)
    return split if split and split.sample().n_read else None

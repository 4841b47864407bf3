"""The data that our own passes read: the train subset, and what the user, the datamodule or the module has for the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bvtrack.adapters import CallbackOptions, SetName, SplitSource, TimeBudget, train_eval_size
from bvtrack_lightning import data
from bvtrack_lightning.processes import may_run_passes
from bvtrack_lightning.recorder import batch_size_of

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer
    from torch.utils.data import DataLoader


@dataclass(frozen=True)
class GivenData:
    """The data that the user gave for our own passes; `None` for the Trainer's own."""

    train_eval: Any = None
    train_dev: Any = None
    test: Any = None


class TimeBudgetedLoader:
    """A loader whose passes end where its `budget` does."""

    def __init__(self, loader: Iterable[Any]) -> None:
        self._loader = loader
        self.budget: TimeBudget | None = None

    def __iter__(self) -> Iterator[Any]:
        n = 0
        for batch in self._loader:
            if self.budget and n >= self.budget.most:
                return
            yield batch
            size = batch_size_of(batch) or 1
            n += size
            if self.budget:
                self.budget.note(size)


class Sources:
    """Loaders for our own passes, by set.

    The dev error is the one that validation logs, but where `with_dev` asks for passes over the dev set too. In several
    processes each reads a part of every set, the dev set as well, for the Trainer's own sampler repeats examples.
    """

    def __init__(
        self,
        trainer: Trainer,
        module: LightningModule,
        given: GivenData,
        options: CallbackOptions,
        *,
        with_dev: bool,
        say: Callable[[str], None],
    ) -> None:
        self._trainer = trainer
        self._given = given
        self._options = options
        self._say = say
        self.loaders: dict[SetName, Iterable[Any]] = {}
        self._sized: dict[str, tuple[DataLoader[Any], Sequence[int]]] = {}
        self._unsized = {"train": data.first_of(trainer.train_dataloader), "dev": data.first_of(trainer.val_dataloaders)}
        train, dev = data.first_loader(trainer.train_dataloader), data.first_loader(trainer.val_dataloaders)
        if train is not None:
            self._sized["train"] = train, data.examples(train)
        if dev is not None:
            self._sized["dev"] = dev, data.evaluated_on(dev, trainer.num_val_batches[0], trainer.world_size)
        if not may_run_passes(trainer):
            self._say(
                f"our own passes are not safe under {type(trainer.strategy).__name__}: errors are those that your steps log "
                "(with sync_dist=True)"
            )
            return
        self._add_train(train)
        self._add("train_dev", data.first_of(given.train_dev))
        self._add("test", self._found_test(module), trainer.limit_test_batches)
        if with_dev or trainer.world_size > 1:
            self._add("dev", data.first_of(trainer.val_dataloaders), trainer.limit_val_batches)

    def n_of(self, name: str, n_seen: int | None = None) -> int | None:
        """The examples of a set; no more than a pass has seen, for batches may hide how many they hold."""
        sized = self._sized.get(name)
        known = [n for n in (len(sized[1]) if sized else None, n_seen) if n is not None]
        return min(known, default=None)

    def splits(self) -> dict[str, SplitSource]:
        """The size and some examples of each set, to check the split."""
        found = {name: self._split(name) for name in data.SETS}
        return {name: split for name, split in found.items() if split is not None}

    @property
    def train_is_augmented(self) -> bool:
        """True if the examples that the train error is measured on change from one reading to the next."""
        sized = self._sized.get("train")
        if "train" not in self.loaders or sized is None:
            return False
        return data.changes(sized[0])

    def _add_train(self, own: DataLoader[Any] | None) -> None:
        given = data.first_of(self._given.train_eval)
        loader = own if given is None else data.first_loader(given)
        if loader is None:
            self._add("train", given)
            return
        trainer = self._trainer
        limit = trainer.limit_train_batches if given is None else None
        indices = data.trained_on(loader, limit, trainer.world_size)
        self._sized["train"] = loader, indices
        n = train_eval_size(len(indices), self.n_of("dev"), self._options.train_eval)
        if n:
            subset = self._shared(loader, data.choose(indices, n))
            may_be_cut = self._options.train_eval == "subset" and trainer.world_size == 1
            self.loaders["train"] = TimeBudgetedLoader(subset) if may_be_cut else subset

    def _add(self, name: SetName, loader: Iterable[Any] | None, limit: float | None = None) -> None:
        if loader is None or limit == 0:
            return
        sized = data.first_loader(loader)
        if sized is not None:
            self._sized[name] = sized, data.evaluated_on(sized, limit, self._trainer.world_size)
        else:
            self._unsized[name] = loader
        try:
            self.loaders[name] = self._shared(*self._sized[name]) if sized else self._whole(loader, limit)
        except ValueError as error:
            self._say(f"the {name} error is missing: {error}")

    def _shared(self, loader: DataLoader[Any], indices: Sequence[int]) -> Iterable[Any]:
        return data.shard(loader, indices, self._trainer.global_rank, self._trainer.world_size)

    def _whole(self, loader: Iterable[Any], limit: float | None) -> Iterable[Any]:
        if self._trainer.world_size > 1:
            raise ValueError("expected data with a length, which several processes can share out, got a loader without one")
        return data.limited(loader, limit)

    def _found_test(self, module: LightningModule) -> Iterable[Any] | None:
        if not self._options.test_every:
            return None
        given = self._given.test
        try:
            loaders = data.own_test_loader(self._trainer, module) if given is None else given
        except Exception as error:
            self._say(f"there is no test error, for test_dataloader() failed ({error!r}); pass test_dataloaders= instead")
            return None
        found: Iterable[Any] | None = data.first_of(loaders)
        return found

    def _split(self, name: str) -> SplitSource | None:
        if name in self._sized:
            return data.split_of(*self._sized[name])
        trainer = self._trainer
        limits = {trainer.limit_train_batches, trainer.limit_val_batches, trainer.limit_test_batches}
        is_whole = trainer.world_size == 1 and limits <= {None, 1.0}
        return data.split_of_stream(self._unsized.get(name)) if is_whole else None

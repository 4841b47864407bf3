"""The data that our own passes read: the train subset, and what the user, the datamodule or the module has for the rest."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from bvtrack.adapters import CallbackOptions, SetName, SplitSample, SplitSource, preserve_random_states, train_eval_size
from bvtrack_lightning import data
from bvtrack_lightning.copies import unmoved
from bvtrack_lightning.keyed_readers import ExampleReader, Use
from bvtrack_lightning.loader_kinds import is_stream
from bvtrack_lightning.passes import Batches, FirstBatches
from bvtrack_lightning.processes import from_all, may_run_passes
from bvtrack_lightning.readers import Reader, reader_of

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

ORDER: tuple[SetName, ...] = ("train", "train_dev", "test", "dev")
"""The sets in the order in which they are passed over, in all processes."""
NOT_SHARED = "expected a set that every process has, with a length, by which they share it out; got one that some have not"


@dataclass(frozen=True)
class GivenData:
    """The data that the user gave for our own passes; `None` for the Trainer's own."""

    train_eval: Any = None
    train_dev: Any = None
    test: Any = None


@dataclass(frozen=True)
class Source:
    """One set: its loader, how that is read, and the batches of a pass, `None` for a set that is not passed over."""

    loader: Any = None
    reader: Reader | None = None
    batches: Batches | None = None
    n_asked: int | None = None
    problem: str = ""

    def is_like(self, other: Source) -> bool:
        """True if it gives the same examples to as large a pass."""
        is_read = self.reader is not None and other.reader is not None
        return is_read and self.n_asked == other.n_asked and self.reader.is_like(other.reader)  # type: ignore[union-attr]  # both


class Sources:
    """Loaders for our own passes, by set, and the `problems` of sets that cannot be read.

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
        self._has_dev_pass = with_dev or trainer.world_size > 1
        self._found: dict[SetName, Source] = {}
        self.loaders: dict[SetName, Batches] = {}
        self.problems: dict[SetName, str] = {}
        self._may_run = may_run_passes(trainer)
        if not self._may_run:
            say(
                f"our own passes are not safe under {type(trainer.strategy).__name__}: errors are those that your steps log "
                "(with sync_dist=True)"
            )
        self._find("train_dev", lambda: data.first_of(given.train_dev), self._use(is_ours_alone=True))
        self._find("test", lambda: self._test_loader(module), self._use(trainer.limit_test_batches, is_ours_alone=True))
        self._find_present()

    @property
    def names(self) -> Sequence[SetName]:
        """The sets that are to be passed over."""
        return [name for name in ORDER if name in self.loaders or name in self.problems]

    def refresh(self) -> None:
        """Take the loaders of the present epoch, which may be others than those of the last one, or give other examples. All
        processes call this together: a set that one of them cannot read is read by none, and each reads as many batches.
        """
        self._find_present()
        if self._trainer.world_size > 1:
            self._agree()

    def n_of(self, name: SetName, n_seen: int | None = None) -> int | None:
        """The examples of a set; no more than a pass has seen, for batches may hide how many they hold."""
        reader = self._found[name].reader if name in self._found else None
        known = [n for n in (reader.n if reader else None, n_seen) if n is not None]
        return min(known, default=None)

    def splits(self) -> dict[str, SplitSource]:
        """The size and some examples of each set, to check the split."""
        splits: dict[str, SplitSource] = {}
        for name in data.SETS:
            source = self._found.get(name, Source())
            with unmoved(source.loader):
                split = self._split(name, source)
            if split is not None:
                splits[name] = replace(split, read=split.read and partial(_read_unmoved, source.loader, split))
        return splits

    @property
    def train_is_augmented(self) -> bool:
        """True if the examples that the train error is measured on change from one reading to the next."""
        train = self._found.get("train")
        return bool(train and train.batches and train.reader and train.reader.changes())

    def _find_present(self) -> None:
        trainer = self._trainer
        self._find("dev", lambda: data.dev_loader(trainer), self._use(trainer.limit_val_batches))
        limit = trainer.limit_train_batches if self._given.train_eval is None else None
        self._find("train", self._train_loader, self._use(limit, is_trained_on=True))
        self.loaders = {name: source.batches for name, source in self._found.items() if source.batches is not None}
        self.problems = {name: source.problem for name, source in self._found.items() if source.problem}

    def _find(self, name: SetName, loader_of: Callable[[], Any], use: Use) -> None:
        """A set as it is now; as it was, where it still gives the same examples. The user's loaders and hooks may raise
        anything, which costs their set alone.
        """
        loader, found = None, Source()
        try:
            loader = loader_of()
            if loader is not None and use.limit != 0:
                found = self._source(name, loader, use)
        except Exception as error:
            problem = str(error) if isinstance(error, ValueError) else repr(error)
            found = Source(loader, problem=problem if self._has_pass(name) else "")
        last = self._found.get(name)
        self._found[name] = last if last is not None and found.is_like(last) else found

    def _source(self, name: SetName, loader: Any, use: Use) -> Source:
        if name == "train" and self._given.train_eval is None and is_stream(loader):  # its running average stands in
            return Source(loader)
        with preserve_random_states():
            reader = reader_of(loader, use)
        if not self._has_pass(name):
            return Source(loader, reader)
        if name != "train":
            return Source(loader, reader, reader.whole())
        reader = self._as_validated(reader)
        n = self._n_asked(reader)
        may_be_cut = self._options.train_eval == "subset" and self._trainer.world_size == 1
        return Source(loader, reader, reader.subset(n, may_be_cut=may_be_cut), n)

    def _as_validated(self, reader: Reader) -> Reader:
        """Training data in batches as large as validation's: the same step reads them, which the user has chosen these for."""
        dev = self._found["dev"].reader
        is_by_example = isinstance(reader, ExampleReader) and isinstance(dev, ExampleReader)
        return reader.in_batches_like(dev) if is_by_example else reader  # type: ignore[union-attr, arg-type]  # both are

    def _has_pass(self, name: SetName) -> bool:
        if name == "train":
            return self._may_run and self._options.train_eval != "running"
        return self._may_run and (name != "dev" or self._has_dev_pass)

    def _n_asked(self, reader: Reader) -> int:
        """The training examples to pass over; where each process reads its own batches, its share."""
        n = train_eval_size(sys.maxsize if reader.n is None else reader.n, self.n_of("dev"), self._options.train_eval)
        return math.ceil(n / self._trainer.world_size) if reader.n is None and n < sys.maxsize else n

    def _use(self, limit: float | None = None, *, is_trained_on: bool = False, is_ours_alone: bool = False) -> Use:
        trainer = self._trainer
        return Use(limit, is_trained_on, is_ours_alone, trainer.global_rank, trainer.world_size)

    def _train_loader(self) -> Any:
        given = data.first_of(self._given.train_eval)
        return data.train_loader(self._trainer) if given is None else given

    def _test_loader(self, module: LightningModule) -> Any:
        if not self._options.test_every:
            return None
        try:
            return data.first_of(data.own_test_loader(self._trainer, module) if self._given.test is None else self._given.test)
        except Exception as error:
            raise ValueError(f"test_dataloader() raised {error!r}; pass test_dataloaders= instead") from error

    def _agree(self) -> None:
        told = from_all(self._trainer, {name: self._told(name) for name in self.names})
        for name in ORDER:
            parts = [part[name] for part in told if name in part]
            if not parts:
                continue
            problem = next((problem for problem, _ in parts if problem), "")
            if not problem and (len(parts) < len(told) or any(n is None for _, n in parts)):
                problem = NOT_SHARED
            if problem:
                self.loaders.pop(name, None)
                self.problems[name] = problem
            else:
                self.loaders[name] = FirstBatches(self.loaders[name], min(n for _, n in parts if n is not None))

    def _told(self, name: SetName) -> tuple[str, int | None]:
        return self.problems.get(name, ""), self.loaders[name].n_batches if name in self.loaders else None

    def _split(self, name: SetName, source: Source) -> SplitSource | None:
        if is_stream(source.loader):
            trainer = self._trainer
            limits = {
                "train": trainer.limit_train_batches,
                "dev": trainer.limit_val_batches,
                "test": trainer.limit_test_batches,
            }
            is_whole = trainer.world_size == 1 and limits.get(name) in (None, 1.0)
            return data.split_of_stream(source.loader) if is_whole else None
        try:
            return source.reader.split() if source.reader else None
        except Exception:  # a loader of the user's own may raise anything; passing over it reports that
            return None


def _read_unmoved(loader: Any, split: SplitSource) -> SplitSample:
    with unmoved(loader):
        return split.sample()

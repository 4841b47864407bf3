"""The parts of a `Training` that are alike wherever a torch module is trained on datasets."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bvtrack.adapters.augmented import is_same
from bvtrack.adapters.epoch_marks import mark_of_step
from bvtrack.adapters.generators import preserve_generators
from bvtrack.adapters.options import CallbackOptions
from bvtrack.adapters.torch_modules import marks_of
from bvtrack.adapters.training import SetName, Training
from bvtrack.measures.measure import Measure
from bvtrack.measures.train_subset import train_eval_size
from bvtrack.random_states import preserve_random_states
from bvtrack.splits.reading.kinds import is_by_index
from bvtrack.splits.reading.random_subset import choose_examples
from bvtrack.splits.sampling.sample import SplitSample
from bvtrack.splits.sampling.source import SplitSource

if TYPE_CHECKING:
    import torch

FEW = 8
"""Examples that are read twice to see whether they change."""
NO_TRAIN_DATA = (
    "expected training data whose examples can be picked, got {kind}: the train error is the running average that is logged; "
    "pass train_eval_dataset=, such as a stream's first examples, to have it measured"
)
NO_DEV_DATA = "expected a dev set to measure the dev error on, got none: variance will not be known; pass {remedy}"


@dataclass(eq=False)
class ModuleTraining(Training):
    """One training of a `model` in torch, on the datasets `data`. In several processes the first alone tells weights apart and
    reads the split.

    `train_eval_data` are training examples to measure the train error on instead. `saved` are the checkpoints: by path, the
    mark of the step whose weights it holds. `unmeasurable` says why no set can be measured.
    """

    model: torch.nn.Module
    options: CallbackOptions
    say: Callable[..., None]
    data: Mapping[SetName, Any]
    train_eval_data: Any = None
    is_first: bool = True
    saved: dict[str, str] = field(default_factory=dict)
    unmeasurable: str = ""

    def check_data(self, remedy: str) -> None:
        """Say which sets are missing or cannot be measured, and what `remedy` gives dev data."""
        if self.unmeasurable:
            self.say(self.unmeasurable)
        if self.data.get("dev") is None:
            self.say(NO_DEV_DATA.format(remedy=remedy))
        if self.options.train_eval != "running" and not self._is_train_measured:
            self.say(NO_TRAIN_DATA.format(kind=type(self.data.get("train")).__name__))

    @property
    def step(self) -> int:
        """The number of steps that the training has taken."""
        raise NotImplementedError

    def splits(self) -> Mapping[str, SplitSource]:
        given = {name: data for name, data in self.data.items() if self.is_first and data is not None}
        with preserve_generators(given.values()):
            found = {name: SplitSource.find(data) for name, data in given.items()}
        return {name: self._read_apart(split) for name, split in found.items() if split is not None}

    def _read_apart(self, split: SplitSource) -> SplitSource:
        def read() -> SplitSample:
            with preserve_generators(self.data.values()):
                return split.sample()

        return replace(split, read=read) if split.read else split

    def is_augmented(self) -> bool:
        data = self.data.get("train") if self.train_eval_data is None else self.train_eval_data
        if data is None or not self.is_first or not is_by_index(data):
            return False
        with preserve_generators([data]):
            once, again = ([data[place] for place in range(min(FEW, len(data)))] for _ in range(2))
        return not is_same(once, again)

    def reads(self, name: SetName, loader: Any) -> bool:
        """True if a `loader` of the framework's is over this set, or over a view of it with fewer columns: it has as many
        examples, and the first and the last are the same.
        """
        own: Any = self.data.get(name)
        other: Any = getattr(loader, "dataset", None)
        if own is None or other is own:
            return own is not None
        if not (is_by_index(own) and is_by_index(other)) or len(own) != len(other):
            return False
        with preserve_random_states(), preserve_generators([own, other]):
            return all(_is_view(other[place], own[place]) for place in {0, len(own) - 1})

    def is_of_dev(self, loader: Any, *, is_whole: bool) -> bool:
        """False for a loader of data that are not dev's, where dev's own loader `is_whole`: of as many examples."""
        dev: Any = self.data.get("dev")
        n = size_of(loader)
        if is_whole and is_by_index(dev) and n is not None and n != len(dev):
            return False
        return self.reads("dev", loader) or not self.reads("train", loader)

    def has_used(self, loader: Any) -> bool:
        return not self.reads("test", loader) and (self.reads("dev", loader) or self.reads("train", loader))

    def sets(self, measure: Measure | None) -> Sequence[SetName]:
        """Dev is measured by the training itself, but for an error of the user's own."""
        if self.unmeasurable:
            return []
        left_out = {name for name, data in self.data.items() if data is None}
        left_out |= set() if self.options.error else {"dev"}
        left_out |= set() if self._is_train_measured else {"train"}
        return [name for name in self.data if name not in left_out]

    def measured_on(self, name: SetName, n_dev: int | None, most: float = math.inf) -> tuple[Any, Sequence[int] | None]:
        """The data that the error of a set is measured on, and the places of those examples that are, `None` for all: of the
        training data `most` at most, the same in each epoch, and where they are fewer, some of the more.
        """
        if name != "train" or self.train_eval_data is not None:
            return self.train_eval_data if name == "train" else self.data[name], None
        data = self.data[name]
        n = train_eval_size(len(data), n_dev, self.options.train_eval)
        return data, sorted(map(int, choose_examples(len(data), int(min(n, most)))))

    @property
    def _is_train_measured(self) -> bool:
        can_be_picked = self.train_eval_data is not None or is_by_index(self.data.get("train"))
        return can_be_picked and self.options.train_eval != "running"

    def now(self) -> float:
        import torch

        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]  # torch annotates only a part of it
            torch.cuda.synchronize()
        return super().now()

    def marks_of_weights(self) -> Sequence[str]:
        """With the step, by which checkpoints are known."""
        return [*self.weights_left(), mark_of_step(self.step)]

    def weights_left(self) -> Sequence[str]:
        return marks_of(self.model) if self.is_first else ()

    def note_checkpoint(self, path: str) -> None:
        """Note a checkpoint of the weights as they are now."""
        self.saved[path] = mark_of_step(self.step)

    def checkpoints(self) -> Mapping[str, str]:
        return self.saved

    def forget_checkpoints(self, paths: Collection[str]) -> None:
        for path in paths:
            self.saved.pop(path, None)


def _is_view(row: Any, whole: Any) -> bool:
    """True if an example is another one, or some columns of it."""
    if isinstance(row, Mapping) and isinstance(whole, Mapping):
        return row.keys() <= whole.keys() and is_same(list(row.values()), [whole[name] for name in row])
    return is_same(row, whole)


def in_parts(data: Any, places: Sequence[int] | None, most: Callable[[Sequence[int]], int]) -> Iterator[Any]:
    """A dataset, or its examples at these places, in parts of as many as `most` says of all places; a stream as a whole."""
    if not is_by_index(data):
        yield data
        return
    every = range(len(data)) if places is None else places
    n = most(every)
    for start in range(0, len(every), n):
        yield data if places is None and n >= len(every) else picked(data, every[start : start + n])


def picked(data: Any, places: Sequence[int]) -> Any:
    """The examples of a dataset at these places: one of the same kind, where it can select (`datasets.Dataset`), or a view."""
    from torch.utils.data import Subset

    return data.select(places) if hasattr(data, "select") else Subset(data, places)


def size_of(loader: Any) -> int | None:
    """The number of examples of a loader; `None` where they cannot be counted."""
    return len(loader.dataset) if hasattr(getattr(loader, "dataset", None), "__len__") else None

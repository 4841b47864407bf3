"""Follows which checkpoints the Trainer's callbacks have saved, and at which step; the files themselves are not touched."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bvtrack.adapters import mark_of_step

if TYPE_CHECKING:
    from lightning.pytorch import Trainer

STEP_IN_NAME = re.compile(r"(?:^|[^a-zA-Z0-9])step=(\d+)")
"""Lightning's default names end in `epoch=7-step=800.ckpt`."""


class CheckpointWatch:
    """Notes, each time it looks, what has been saved since; one that looks before each save misses none."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._steps: dict[str, int] = {}
        self._scores: dict[tuple[int, str], Any] = {}
        for callback in self._callbacks:  # those that a resumed training had saved before
            for path, score in _held(callback):
                self._scores[id(callback), path] = score
                if (named := STEP_IN_NAME.search(path)) is not None:
                    self._steps[path] = int(named.group(1))

    def look(self, *, is_saving: bool = False) -> None:
        """Note the checkpoints that are new, or were written anew, since the last look; with `is_saving` one is about to be
        written, which its callback holds already.
        """
        before, self._scores = self._scores, {}
        for callback in self._callbacks:
            last, saved = getattr(callback, "_last_global_step_saved", 0), getattr(callback, "_last_checkpoint_saved", "")
            is_told = is_saving and not getattr(callback, "save_weights_only", False)  # of those alone no hook is told
            step = self._trainer.global_step if is_told else last
            held = {(id(callback), path): score for path, score in _held(callback)}
            new = [key[1] for key, score in held.items() if key not in before or before[key] is not score]
            self._scores |= held
            for path in new:
                if len(new) == 1:
                    self._steps[path] = step
                elif (named := STEP_IN_NAME.search(path)) is not None:  # of several it is not known which was saved when
                    self._steps[path] = int(named.group(1))
            for path in filter(None, (saved, saved and getattr(callback, "last_model_path", ""))):
                self._steps[str(path)] = last

    def marks(self) -> Mapping[str, str]:
        """By path, the mark of the weights that were saved; last those that the next save writes over. Of those on a remote
        store, the ones that are still held.
        """
        self.look()
        self.forget({path for path in self._steps if "://" in path} - self._kept_remotely())
        passing = {str(getattr(callback, "last_model_path", "")) for callback in self._callbacks}
        named_first = sorted(self._steps.items(), key=lambda saved: saved[0] in passing)
        return {path: mark_of_step(step) for path, step in named_first}

    def forget(self, paths: Collection[str]) -> None:
        """Name these no more, unless they are written anew."""
        for path in paths:
            self._steps.pop(path, None)

    def _kept_remotely(self) -> set[str]:
        found: set[str] = set()
        for callback in self._callbacks:
            found |= {path for path, _ in _held(callback)} | {str(getattr(callback, "last_model_path", ""))}
            if getattr(callback, "save_top_k", None) == -1:
                found |= self._steps.keys()
        return found

    @property
    def _callbacks(self) -> Iterator[Any]:
        return iter(getattr(self._trainer, "checkpoint_callbacks", ()))


def _held(callback: Any) -> Iterator[tuple[str, Any]]:
    """The paths that a `ModelCheckpoint` holds, each with its score, whose object is new when it is saved anew."""
    best = dict(getattr(callback, "best_k_models", None) or {})
    yield from ((str(path), score) for path, score in best.items())
    path = getattr(callback, "best_model_path", "")
    if path and path not in best:
        yield str(path), None

"""Follows what the other callbacks of a `fit` save and restore: `ModelCheckpoint`, `BackupAndRestore`, `EarlyStopping`."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bvtrack_keras.framework import keras

MOST_MARKS = 10_000
"""Epochs whose marks are remembered, the latest: a megabyte."""


def beside(callback: Any) -> Sequence[Any]:
    """The callbacks of the `fit` that a callback is in, in their order, itself among them.

    Keras shows a callback its model and no other callback. The list of them has just been made when a training begins, so that
    it is among the youngest objects; it ends in the model's `History`, which no other list does, and is only read.
    """
    history = getattr(callback.model, "history", None)
    for lists in (_young_lists(0), _young_lists(1), _lists_with(history)):
        for found in lists:
            if any(one is callback for one in found) and any(one is history for one in found):
                return list(found)
    return ()


def _young_lists(generation: int) -> Iterator[list[Any]]:
    return (found for found in gc.get_objects(generation) if type(found) is list)


def _lists_with(history: Any) -> Iterator[list[Any]]:
    """All lists that hold it: a tenth of a second, where the young ones have grown old already."""
    yield from (found for found in ([] if history is None else gc.get_referrers(history)) if type(found) is list)


@dataclass
class CheckpointWatch:
    """Looks, once an epoch is over for all callbacks, at what they have saved in it. Files are not touched."""

    callbacks: Sequence[Any] = ()
    _by_path: dict[str, str] = field(default_factory=dict)
    _by_epoch: dict[int, str] = field(default_factory=dict)
    _best: dict[int, Any] = field(default_factory=dict)
    _ended: tuple[int, Mapping[str, Any], str] | None = None

    def end_epoch(self, epoch: int, logs: Mapping[str, Any], mark: str) -> None:
        """Note an epoch that ends with weights of this mark, before the callbacks behind ours are told."""
        self._ended = epoch, logs, mark  # callbacks behind ours may add to these
        self._by_epoch[epoch] = mark
        if len(self._by_epoch) > MOST_MARKS:
            del self._by_epoch[next(iter(self._by_epoch))]

    def look(self) -> None:
        """Note what was saved in the epoch that ended last."""
        if self._ended is None:
            return
        (epoch, logs, mark), self._ended = self._ended, None
        for one in self.callbacks:
            if isinstance(one, keras.callbacks.ModelCheckpoint):
                self._look_at(one, epoch, logs, mark)
            elif isinstance(one, keras.callbacks.BackupAndRestore) and not one.delete_checkpoint and one.save_freq == "epoch":
                self._by_path[_whole(f"{one.backup_dir}/latest.weights.h5")] = mark

    def marks(self) -> Mapping[str, str]:
        """By path, the mark of the weights that were saved."""
        self.look()
        return dict(self._by_path)

    def forget(self, paths: Collection[str]) -> None:
        """Name these no more."""
        for path in paths:
            self._by_path.pop(path, None)

    def restored(self) -> str | None:
        """The mark of the weights that an `EarlyStopping` puts back when the training ends, even if its turn is yet to come."""
        stopping = [one for one in self.callbacks if isinstance(one, keras.callbacks.EarlyStopping)]
        epochs = [one.best_epoch for one in stopping if one.restore_best_weights and one.best_weights is not None]
        return self._by_epoch.get(epochs[-1]) if epochs else None

    def _look_at(self, saver: Any, epoch: int, logs: Mapping[str, Any], mark: str) -> None:
        is_by_epoch = saver.save_freq == "epoch"
        if not is_by_epoch and "{" not in saver.filepath:  # written over in the course of the epoch
            self._by_path.pop(_whole(saver.filepath), None)
        is_at_end = is_by_epoch or getattr(saver, "_batches_seen_since_last_saving", None) == 0
        if is_at_end and self._has_saved(saver, logs) and (path := _path(saver, epoch, logs)) is not None:
            self._by_path.pop(path, None)
            self._by_path[path] = mark

    def _has_saved(self, saver: Any, logs: Mapping[str, Any]) -> bool:
        """True unless it saves improvements alone, of which it keeps the value, and there was none."""
        if not saver.save_best_only or saver.monitor not in logs:
            return True
        before, self._best[id(saver)] = self._best.get(id(saver)), saver.best
        return bool(saver.best == logs[saver.monitor]) and saver.best is not before


def _path(saver: Any, epoch: int, logs: Mapping[str, Any]) -> str | None:
    """The path that Keras makes of a `ModelCheckpoint`'s template; `None` where it cannot be told."""
    batch = {} if "batch" in logs else {"batch": (getattr(saver, "_last_batch_seen", None) or 0) + 1}
    try:
        return _whole(saver.filepath.format(epoch=epoch + 1, **batch, **logs))
    except (LookupError, ValueError, TypeError):
        return None


def _whole(path: str) -> str:
    return path if "://" in path else str(Path.cwd() / path)

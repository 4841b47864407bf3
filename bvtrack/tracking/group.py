"""Groups trainings that are the repeats of one configuration, for one verdict over them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from types import TracebackType
from typing import Self

from bvtrack.journal.records import now
from bvtrack.schema.names import as_name
from bvtrack.shipping.unfinished import ARRIVAL_SECONDS, wait_for_unfinished
from bvtrack.store.repeat_labels import label_of
from bvtrack.store.run_group import RunGroup, current_group, within
from bvtrack.store.target import active_run_id, checked_uri, current_uri
from bvtrack.tracking_uri.address import read_address


class group:  # noqa: N801  # reads as a verb: `with bvtrack.group("wide"):`
    """Nests the trainings within a `with` block in one parent run, which is tagged with the verdict over them: the seeds or
    folds of one configuration.

    The parent is MLflow's active run where there is one (or that in `MLFLOW_RUN_ID`), else a run of its own, named `name`, in
    `experiment`, which is made with that of the first training. Each callback or Tracker within has a nested run of its own, or
    uses the one that is active there. The parent's tags are brought up to date when a training has arrived in MLflow; nothing
    is sent from this thread, and where the store is out of reach, `bvtrack sync` does it all later. The group holds for threads
    and processes that are started within.

    Args:
        name: the configuration's name, the tag `bvtrack.group` of each of its runs.
        experiment: the experiment of the runs that are made; by default as for a Tracker.
        tracking_uri: the store; by default as for a Tracker.

    Raises:
        ValueError: for an empty name, or a malformed tracking URI.

    >>> with group("wide") as wide:  # doctest: +SKIP
    ...     for seed in range(5):
    ...         with wide.repeat(seed=seed):
    ...             train(seed, callbacks=[BiasVarianceCallback()])
    """

    def __init__(self, name: str, *, experiment: str | None = None, tracking_uri: str | None = None) -> None:
        if not str(name).strip():
            raise ValueError(f"a group has the name of a configuration, such as 'wide'; got {name!r}")
        self.name = as_name(str(name))
        self._experiment = experiment
        self._uri = None if tracking_uri is None else checked_uri(tracking_uri)
        self._group: RunGroup | None = None
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        outer = current_group()
        if outer is not None and outer.name == self.name:  # a process that was started in it runs the same lines
            self._group = outer
        else:
            uri = self._uri or checked_uri(current_uri())
            address = read_address(uri)
            is_elsewhere = self._uri is not None or self._experiment is not None
            self._group = RunGroup(
                os.urandom(16).hex(),
                self.name,
                now(),
                address.place,
                address.kept,
                self._experiment,
                None if is_elsewhere else active_run_id(),
            )
        self._open.enter_context(within(self._group))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._open.close()

    @contextlib.contextmanager
    def repeat(self, **labels: object) -> Iterator[None]:
        """Label the trainings within a `with` block by their `seed=` or `fold=`, or both: tags of these names, by which two
        configurations are compared repeat by repeat.

        Raises `ValueError` for anything else, and outside of the group.
        """
        if self._group is None:
            raise ValueError(f"expected repeat() within `with bvtrack.group({self.name!r})`, got it before; move it there")
        texts = {name: str(value) for name, value in labels.items()}
        unknown = [f"{name}={value}" for name, value in texts.items() if label_of(name, value) is None]
        if unknown or not texts:
            raise ValueError(
                f"a repeat is labelled by seed=1, fold=1 or both, whole numbers; got {', '.join(unknown) or 'none'}"
            )
        with within(replace(self._group, labels=texts)):
            yield

    def wait(self, timeout: float = ARRIVAL_SECONDS) -> bool:
        """Wait up to `timeout` seconds until all trainings of this process have arrived in MLflow, and with them the parent's
        tags; True if they have.
        """
        return not wait_for_unfinished(timeout)

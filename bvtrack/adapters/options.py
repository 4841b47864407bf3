"""The options of a callback for any framework, validated before an epoch is spent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, Self, TypedDict

from bvtrack.diagnosis.stopping import StopWhen
from bvtrack.journal.journal_dir import absolute
from bvtrack.measures.measure import Measure
from bvtrack.measures.train_subset import TrainEval, train_eval_size
from bvtrack.shipping.unfinished import ARRIVAL_SECONDS
from bvtrack.store.target import Client, checked_uri
from bvtrack.tracking.environment import is_number_of_seconds, wait_from_environment
from bvtrack.tracking.tracker import Tracker
from bvtrack.tracking.verdict_calls import OnVerdict, SharedFunction

SHARE_TO_WAIT = 0.02
"""Share of a training's own time that its end may take, for the last words to know where the run is: nobody sees a fiftieth."""
ANY_STORE = "sqlite:///mlflow.db"
"""Placeholder while options are validated: the store is found when a training starts."""


class OptionArguments(TypedDict, total=False):
    """`CallbackOptions` by keyword, but for `error`, as the signature of a callback that hands them on: with
    `**options: Unpack[OptionArguments]` they need not be listed in each.
    """

    human_error: float | None
    measure: str | Measure | None
    at: Literal["best", "last"]
    run_id: str | None
    experiment: str | None
    run_name: str | None
    tracking_uri: str | None
    journal_dir: str | Path | None
    same_distribution: bool
    summary: bool
    saved_view: bool
    train_eval: TrainEval
    test_every: int
    expose: bool
    wait: float | None
    stop_when: StopWhen | None
    on_verdict: OnVerdict | None


@dataclass(frozen=True)
class CallbackOptions:
    """The options that every callback has, whatever the framework; those without a word here are as for `bvtrack.Tracker`.

    Args:
        error: what `error_measure` makes of the function or metric object by which the user measures errors; not together
            with `measure`, the name of a metric that the training logs.
        train_eval: measure the train error on a `"subset"` of the training data (as large as the dev set, less where that
            would cost more than 5 % of an epoch, 1,000 examples at least), the `"full"` data, so many examples, or take the
            `"running"` average that the training logs.
        wait: the longest time, in seconds, that the end of a training waits for what is still on its way to MLflow, which is
            sent in any case; 0 for not at all. By default that of `BVTRACK_WAIT`, else a fiftieth of the training's own time,
            30 s at most, and where the training's SQLite store is still being made, until it is.
        test_every: measure the test error every so many epochs; 0 for never.
        expose: hand each epoch's errors and gaps to the training, for its own callbacks to watch.
        stop_when: end the training after an epoch, as the framework's early stopping does, where a rule of this
            `bvtrack.StopWhen` is met; by default never.
        on_verdict: a function that is called with the `bvtrack.Verdict`, beside the training, when the tag `bvtrack.diagnosis`
            changes. The end of the training waits for its last call for as long as for MLflow.

    Raises:
        ValueError: for what a Tracker does not take, for both `measure` and `error`, an unknown `train_eval`, or a negative
            `test_every` or `wait`.

    >>> CallbackOptions(test_every=-1)
    Traceback (most recent call last):
    ValueError: test_every must be a number of epochs, 0 for never; got -1
    """

    human_error: float | None = None
    measure: str | Measure | None = None
    error: Measure | None = None
    at: Literal["best", "last"] = "best"
    run_id: str | None = None
    experiment: str | None = None
    run_name: str | None = None
    tracking_uri: str | None = None
    journal_dir: str | Path | None = None
    same_distribution: bool = True
    summary: bool = True
    saved_view: bool = True
    train_eval: TrainEval = "subset"
    test_every: int = 1
    expose: bool = False
    wait: float | None = None
    stop_when: StopWhen | None = None
    on_verdict: OnVerdict | None = None

    def __post_init__(self) -> None:
        if self.error is not None and self.measure is not None:
            raise ValueError(
                "expected measure= (a logged metric) or error= (a function or metric of your own), only one of the two; "
                f"got both, measure={self.measure!r}"
            )
        if self.test_every < 0:
            raise ValueError(f"test_every must be a number of epochs, 0 for never; got {self.test_every!r}")
        if self.wait is not None and not is_number_of_seconds(self.wait):
            raise ValueError(f"wait must be a number of seconds, 0 for not waiting; got {self.wait!r}")
        train_eval_size(1, None, self.train_eval)
        if self.on_verdict is not None:
            object.__setattr__(self, "on_verdict", SharedFunction.of(self.on_verdict))  # it is frozen
        self._tracker(tracking_uri=self.tracking_uri or ANY_STORE)
        self._settle_paths()

    def _settle_paths(self) -> None:
        """Relative paths are of the folder where the options are made: a worker that trains by them may be in another."""
        if self.tracking_uri:
            object.__setattr__(self, "tracking_uri", checked_uri(self.tracking_uri))
        if self.journal_dir:
            object.__setattr__(self, "journal_dir", absolute(self.journal_dir))

    @classmethod
    def among(cls, arguments: Mapping[str, Any]) -> Self:
        """From all of a callback's own arguments, `locals()` in its `__init__`. Raises `KeyError` where one is missing."""
        return cls(**{option.name: arguments[option.name] for option in fields(cls)})

    def longest_wait(self, seconds: float, *, is_making_store: bool = False) -> float:
        """The longest wait, in seconds, at the end of a training that has taken so many `seconds`. The first of an SQLite store
        waits until that is set up, for the user's program may open it next.
        """
        chosen = wait_from_environment() if self.wait is None else self.wait
        by_default = ARRIVAL_SECONDS if is_making_store else min(ARRIVAL_SECONDS, SHARE_TO_WAIT * seconds)
        return by_default if chosen is None else chosen

    def new_tracker(
        self,
        *,
        run_id: str | None = None,
        client: Client | None = None,
        resume: Mapping[str, Any] | None = None,
        enabled: bool = True,
    ) -> Tracker:
        """The Tracker of one training; the arguments are as for `bvtrack.Tracker`. A `run_id` that the user gave goes before
        the one, and the `client`, that the framework's own logger has.
        """
        run_id, client = (self.run_id, None) if self.run_id else (run_id, client)
        return self._tracker(tracking_uri=self.tracking_uri, run_id=run_id, client=client, resume=resume, enabled=enabled)

    def _tracker(self, **known: Any) -> Tracker:
        return Tracker(
            human_error=self.human_error,
            measure=self.measure if self.error is None else self.error,
            at=self.at,
            same_distribution=self.same_distribution,
            experiment=self.experiment,
            run_name=self.run_name,
            journal_dir=self.journal_dir,
            summary=self.summary,
            saved_view=self.saved_view,
            stop_when=self.stop_when,
            on_verdict=self.on_verdict,
            source="callback",
            **{"run_id": self.run_id} | known,
        )

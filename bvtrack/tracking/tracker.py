"""The one object with state: takes a training's errors as they come and keeps its MLflow run diagnosed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from bvtrack.argument_error import ArgumentError
from bvtrack.curves.more_data import checked_sizes
from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.evidence import ModelFacts
from bvtrack.diagnosis.kept_weights import Weights
from bvtrack.diagnosis.recipe import Step
from bvtrack.diagnosis.run_verdict import At
from bvtrack.diagnosis.stopping import Stopping, StopWhen
from bvtrack.error_rates.error_rate import is_fraction
from bvtrack.error_rates.within_noise import Difference
from bvtrack.journal.journal_dir import absolute, default_journal_dir
from bvtrack.journal.records import EndState, end_state
from bvtrack.log import WarnOnce, never_raise
from bvtrack.measures.measure import Measure
from bvtrack.shipping.unfinished import ARRIVAL_SECONDS
from bvtrack.splits.finding import Finding
from bvtrack.store.target import Client, find_target
from bvtrack.tracking.environment import is_report_wanted, is_view_wanted
from bvtrack.tracking.guessing import error_of_guessing, loss_of_guessing
from bvtrack.tracking.measured_errors import MeasuredErrors, as_step
from bvtrack.tracking.record_log import Logbook
from bvtrack.tracking.split_logging import SplitLog, outputs_found
from bvtrack.tracking.split_words import warning_of
from bvtrack.tracking.verdict_calls import OnVerdict, VerdictCalls
from bvtrack.version import __version__


class Tracker:
    """Keeps one MLflow run diagnosed, from any training loop; a context manager.

    Which run: `run_id`, else MLflow's active run, else the one in `MLFLOW_RUN_ID`, else a run of its own (named `run_name`,
    in `experiment`). Which store: that of `client` or `tracking_uri`, else where MLflow would write from here, by default
    `sqlite:///mlflow.db`. A run that was there before keeps its status; one's own is ended.

    Nothing is sent from the calling thread: points go to a journal in `journal_dir` (`BVTRACK_JOURNAL_DIR`, or a folder of
    the user's) and a process beside the training sends them. Once made, a Tracker raises nothing: what goes wrong is logged
    once to the logger `bvtrack`.

    Args:
        human_error: what humans (or the best known model) make, as a fraction in [0, 1]; 0 where it is not given.
        measure: what the errors are, for the tag `bvtrack.measure`: a metric's name, or a `Measure`. Errors that have units
            (`val_rmse`) are logged as they are: the targets of `log_split` bring them to fractions.
        at: the epoch that the tags speak of: the `best` dev error so far, or the `last`.
        same_distribution: False where train and dev are known to come from different sources.
        saved_view: give the run's experiment the saved view "Bias and variance" in MLflow's UI, if it has none yet;
            `BVTRACK_SAVED_VIEW=0` says no for all.
        resume: the `state()` of the Tracker of a training that this one goes on with: its run, where that is the one found
            here or was its own, and its epochs.
        summary: False for a training that ends without a word: else its verdict and the way to its run are logged at the end,
            at level INFO (`BVTRACK_SUMMARY=0` does the same for all).
        stop_when: when the training should end for its own curve: ask for the `stop_reason` after each epoch. By default never.
        on_verdict: a function that is called with the `Verdict` when the tag `bvtrack.diagnosis` changes, in a thread of its
            own: one call at a time, of those that are due meanwhile the latest alone. What it raises is said once. Its last
            call is waited for as long as `close` and `wait` wait for MLflow.
        enabled: False for one that says and writes nothing, for the processes beside the one that writes.

    Raises:
        ValueError: for a human error outside [0, 1], an `at` or a `measure` that is not known, a malformed tracking URI, a
            `stop_when` that is no `StopWhen`, or an `on_verdict` that is no plain function.

    >>> with Tracker(human_error=0.02) as tracker:  # doctest: +SKIP
    ...     tracker.log_split(train=6000, dev=2000, test=2000)
    ...     for epoch in range(10):
    ...         tracker.log_epoch(epoch, train_error=0.05, dev_error=0.12)
    """

    def __init__(
        self,
        run_id: str | None = None,
        client: Client | None = None,
        human_error: float | None = None,
        measure: str | Measure | None = None,
        *,
        at: At = "best",
        same_distribution: bool = True,
        tracking_uri: str | None = None,
        experiment: str | None = None,
        run_name: str | None = None,
        journal_dir: str | Path | None = None,
        source: Literal["tracker", "callback"] = "tracker",
        saved_view: bool = True,
        resume: Mapping[str, Any] | None = None,
        summary: bool = True,
        stop_when: StopWhen | None = None,
        on_verdict: OnVerdict | None = None,
        enabled: bool = True,
    ) -> None:
        _check_options(human_error=human_error, at=at, stop_when=stop_when)
        target = find_target(run_id=run_id, client=client, tracking_uri=tracking_uri, experiment=experiment, run_name=run_name)
        self._said = WarnOnce(is_enabled=enabled)
        self._errors = MeasuredErrors(measure, self._said)
        options = {
            "human_error": human_error,
            "measure": self._errors.measure_fields() if self.measure else None,
            "at": at,
            "same_distribution": same_distribution,
            "source": source,
            "saved_view": saved_view and is_view_wanted(),
            "report": is_report_wanted(),
            "version": __version__,
        }
        directory = absolute(journal_dir) if journal_dir else default_journal_dir()
        self._logbook = Logbook(target, options, directory, is_enabled=enabled, has_summary=summary)
        self._split = SplitLog(directory, is_enabled=enabled)
        self._stopping = None if stop_when is None or stop_when.is_never else Stopping(stop_when)
        self._stopped: str | None = None
        calls = None if on_verdict is None else VerdictCalls(on_verdict, self._said)
        self._calls = calls if enabled else None
        self._chance: float | None = None
        self._is_chance_due = False
        if resume is not None:
            self._go_on_with(resume)

    def _go_on_with(self, state: Mapping[str, Any]) -> None:
        self._logbook.go_on_with(state)
        verdict = self._logbook.ledger.verdict if self.kept_epochs else None
        if verdict is not None and self._calls is not None:
            self._calls.know(verdict)
        if verdict is not None and self._stopping is not None:
            self._stopping.recall(state.get("stopping", {}))

    @property
    def run_id(self) -> str | None:
        """The MLflow run; `None` for a run of our own that the store has not made yet.

        The first who asks a closed Tracker waits until all has arrived, as `wait` does, so that the run can be read; during
        the training nobody waits.
        """
        self._logbook.wait_once()
        return self._logbook.run_id

    @property
    def measure(self) -> Measure | None:
        """The measure of the errors, if it is known."""
        return self._errors.measure

    @property
    def owns_run(self) -> bool:
        """True if the run is created, and will be ended, by this Tracker."""
        return self._logbook.owns_run

    @property
    def diagnosis(self) -> Diagnosis | None:
        """The diagnosis that the run's tags hold now; `None` before the first epoch."""
        return self._logbook.ledger.verdict.diagnosis if self._logbook.ledger.verdict else None

    @property
    def steps(self) -> tuple[Step, ...]:
        """Next steps to try, the most useful first."""
        return self._logbook.ledger.verdict.steps if self._logbook.ledger.verdict else ()

    @property
    def findings(self) -> Sequence[Finding]:
        """What was found in the split, the gravest first."""
        return self._logbook.ledger.findings

    @property
    def weights(self) -> Weights | None:
        """Which weights to keep: the best epoch, those within noise of it, their checkpoints, and the epoch that the model is
        left with; `None` before the first epoch with a dev error.
        """
        return self._logbook.ledger.weights

    @property
    def stop_reason(self) -> str | None:
        """Why the training should end now, by `stop_when`; `None` if it should go on.

        A loop asks after each epoch: `if tracker.stop_reason: break`. If no epoch follows, this is why the training was
        stopped, which its run then says. A training that is overtrained goes on where `log_weights` has named no checkpoint of
        its best epoch, which is said once.
        """
        if self._stopping is None:
            return None
        self._stopped = self._stopping.reason(self.weights)
        if objection := self._stopping.objection(self.weights):
            self._said.once(objection, once_for="not stopped")
        return self._stopped

    @property
    def awaits_weights(self) -> bool:
        """True if the training should end where the weights of its best epoch are kept: what is known of these is to be logged
        before the `stop_reason` is asked for.
        """
        return self._stopping is not None and self._stopping.rule == "overtrained"

    @property
    def kept_epochs(self) -> Sequence[int]:
        """The epochs that are kept in memory, and in a `state()`: all of a short training, some hundred of a long one."""
        return self._logbook.ledger.kept_epochs

    def metrics_of(self, epoch: int) -> Mapping[str, float]:
        """Metrics logged for an epoch: errors and gaps by their metrics' names."""
        return self._logbook.ledger.metrics_of(epoch)

    def state(self) -> Mapping[str, Any]:
        """State for a checkpoint, JSON types alone, by which a later Tracker goes on with the same run (`resume=`): at most
        some 200 KB, however long the training.
        """
        if self._stopping is None:
            return self._logbook.state()
        return {**self._logbook.state(), "stopping": self._stopping.state(is_stopped=self._stopped is not None)}

    def choose_measure(
        self, names: Iterable[str], *, loss: str | None = None, known_as: Mapping[str, str] | None = None
    ) -> Measure | None:
        """Settle which of these logged metrics is the error: the one named at the start, else one that is found.

        Says once what was expected and what arrived where the named one is not there, or there is none, and which one was
        taken where several may be meant. `loss` and `known_as` are as for `find_measure`.
        """
        logged = sorted(names)
        if self._errors.is_chosen_among(logged):
            return self.measure
        found = self._errors.find(logged, self._split.has_quantities, loss, known_as or {})
        if found is None:
            return None
        self.log_measure(found)
        return self.measure

    @never_raise
    def log_measure(self, measure: Measure, remark: str = "") -> None:
        """Say what the errors are. Where they are no error rate, counts give no intervals. `remark` goes into the tag."""
        if not isinstance(measure, Measure):
            raise TypeError(f"expected a bvtrack.Measure, got {measure!r}; choose_measure finds one among logged names")
        self._errors.settle(measure, self._split.targets_for(measure))
        self._logbook.write("measure", **self._errors.measure_fields(remark))
        self._is_chance_due = True

    def _note_chance(self) -> None:
        """Log what guessing would score, the yardstick of `not_learning`."""
        self._is_chance_due = False
        chance = error_of_guessing(self.measure, self._split.class_counts)
        if chance is not None and chance != self._chance:
            self._chance = chance
            self._logbook.write("chance", error=chance)

    @never_raise
    def log_model(self, model: ModelFacts) -> None:
        """Note what the model and its training are: the tag `bvtrack.model`, and evidence for the recipe."""
        self._logbook.write("model", facts=asdict(model))

    @never_raise
    def log_split(
        self, *, train: Any = None, dev: Any = None, test: Any = None, train_dev: Any = None, monitors: Sequence[str] = ()
    ) -> None:
        """Check the split, log its datasets and, where the examples are at hand, compare their distributions.

        Each set is a count, an array of features `[n_examples, ...]`, a pair `(features, targets)`, a dataset or loader, a
        `SplitSample` or a `SplitSource`. Of a large set 10,000 examples are read at most, drawn at random, and no more than
        there is time (0.2 s) and room for (32 MiB; 8 of a file); to read all is what `compare_splits` is for. Data that look
        as they did in an earlier training are not tested again. Counts become the examples behind the errors of the epochs to
        come. `monitors` are the metrics that the training stops, keeps epochs or lowers its learning rate by: none of them may
        be one of the test set.
        """
        given = {"train": train, "train_dev": train_dev, "dev": dev, "test": test}
        content, problem = self._split.check(given, monitors)
        if problem:
            self._said.once(f"the distributions of the splits are not compared: {problem}")
        if said := warning_of(content.get("findings", ())):
            self._said.once(said)
        self._logbook.write("split", **content)
        self._is_chance_due = True
        if self.measure is not None:
            self.log_measure(self.measure)

    @never_raise
    def log_learning_curve(self, sizes: Sequence[tuple[int, float]]) -> None:
        """Log the dev errors of the same model trained on less data, by which more data are forecast then: pairs of a size of
        the training set, ascending and the present one last, and an error, as a fraction or in the units of the `measure`.
        """
        if self.measure is not None and not self._errors.has_scale:
            return
        fraction = self.measure.fraction if self.measure is not None else float
        self._logbook.write("sizes", curve=checked_sizes((n, fraction(error)) for n, error in sizes))

    @never_raise
    def log_outputs(self, *, dev: Any, test: Any) -> None:
        """Compare what the model says of dev and of test, arrays of its outputs `[n_examples, ...]` on some examples of each:
        a finding of the split where they are distributed otherwise.
        """
        self._logbook.write("outputs", **outputs_found(dev=dev, test=test))

    @never_raise
    def log_epoch(
        self,
        epoch: int,
        *,
        train_error: float | None = None,
        dev_error: float | None = None,
        test_error: float | None = None,
        train_dev_error: float | None = None,
        train_error_running: float | None = None,
        n_train: int | None = None,
        n_dev: int | None = None,
        n_test: int | None = None,
        n_train_dev: int | None = None,
        intervals: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:
        """Log an epoch's errors and diagnose the run anew.

        Errors are fractions in [0, 1], or in the units of the Tracker's `measure`. `epoch` counts from 0 and is the step of
        the points. `n_*` are the examples behind each error where they are not those of `log_split`; `intervals`, by set,
        are 95 % intervals of errors that are no shares of examples. `train_error_running` is the average taken while the
        weights were changing, for comparison. A number that is not finite marks the run as diverged; one outside [0, 1] is
        said and left out.
        """
        if self._is_chance_due:
            self._note_chance()
        errors = {"train": train_error, "train_dev": train_dev_error, "dev": dev_error, "test": test_error}
        guess = loss_of_guessing(self.measure, self._split.class_counts) if self.measure else None
        if self._errors.look_at((train_error, dev_error), guess):
            self._logbook.write("measure", **self._errors.measure_fields())
        counts = {"train": n_train, "train_dev": n_train_dev, "dev": n_dev, "test": n_test}
        content = self._errors.of_epoch(
            errors, counts, split_counts=self._split.counts, intervals=intervals or {}, running=train_error_running
        )
        self._logbook.write("epoch", epoch=as_step(epoch), **content)
        self._follow(as_step(epoch), train=train_error, dev=dev_error)
        self._logbook.listen()

    @never_raise
    def _follow(self, epoch: int, *, train: float | None, dev: float | None) -> None:
        """Tell whoever waits for it what an epoch makes of the verdict."""
        self._stopped = None
        verdict = self._logbook.ledger.verdict if self._stopping or self._calls else None
        if self._stopping is not None and verdict is not None:
            self._stopping.take(epoch, verdict.curve, train=train, dev=dev)
        if self._calls is not None and verdict is not None and self._logbook.is_of_this_process:
            self._calls.tell(verdict)

    @never_raise
    def log_test(
        self,
        test_error: float,
        *,
        n_test: int | None = None,
        interval: tuple[float, float] | None = None,
        epoch: int | None = None,
    ) -> None:
        """Log a test error measured after the training, by default on the weights of the epoch that the tags speak of.

        Its arguments are as those of `log_epoch`. This may come after `close`; then it waits until the training has arrived.
        """
        content = self._errors.of_test(test_error, n_test, split_counts=self._split.counts, interval=interval)
        if content is None:
            return
        if epoch is None:
            if self._logbook.ledger.verdict is None:
                raise ValueError("log_test needs the epochs before it; got none; call log_epoch first")
            epoch = self._logbook.ledger.verdict.epoch
        epoch = as_step(epoch)
        if self._logbook.is_closed:
            self._logbook.write_later("test", epoch=epoch, **content)
        else:
            self._logbook.write("test", epoch=epoch, **content)

    @never_raise
    def log_weights(
        self,
        *,
        best: int | None = None,
        differences: Mapping[int, Difference] | None = None,
        checkpoints: Mapping[int, str] | None = None,
        has_checkpoints: bool = False,
        left_with: int | None = None,
        is_left_with_none: bool = False,
    ) -> None:
        """Log what tells which weights to keep: by epoch, how much higher its dev error is than that of the `best` one, on the
        same examples, and the path of its checkpoint; whether checkpoints are saved at all; and the epoch whose weights the
        model has after the training, or that it has those of none.
        """
        self._logbook.write(
            "weights",
            best=best,
            compared=[[epoch, one.value, one.deviation] for epoch, one in (differences or {}).items()],
            checkpoints=[[epoch, path] for epoch, path in (checkpoints or {}).items()],
            has_checkpoints=has_checkpoints,
            left_with=left_with,
            is_left_with_none=is_left_with_none,
        )

    @never_raise
    def log_examples(self, epoch: int, content: Mapping[str, Any]) -> None:
        """Log which classes an epoch's errors are in, and its worst examples, as `examples_found` tells them."""
        self._logbook.write("examples", epoch=as_step(epoch), content=content)

    @never_raise
    def log_not_applicable(self) -> None:
        """Tag the run as one that says nothing about bias or variance, such as a trial on a few batches."""
        self._logbook.write("trial")

    @never_raise
    def close(self, state: EndState = "complete", timeout: float = ARRIVAL_SECONDS) -> None:
        """Write how the training ended and wait up to `timeout` seconds until all has arrived; what has not, will be sent. Then
        the `summary` is logged.

        Where the run is our own, it is ended in MLflow too. A second call does nothing.
        """
        deadline = time.monotonic() + timeout
        self._logbook.close(state, timeout, stopped=self._stopped if state == "complete" else None)
        self._wait_for_calls(deadline)

    def wait(self, timeout: float = ARRIVAL_SECONDS) -> bool:
        """After `close`, wait up to `timeout` seconds until all has arrived in MLflow; True if it has.

        A store that is known to be out of reach is waited for 5 s at most. The end of a callback's `fit` waits much less, so
        this, or asking for `run_id`, comes before reading the run. False during the training, which goes on.
        """
        deadline = time.monotonic() + timeout
        has_arrived = self._logbook.wait(timeout)
        self._wait_for_calls(deadline)
        return has_arrived

    def _wait_for_calls(self, deadline: float) -> None:
        if self._calls is not None and self._logbook.is_closed and self._logbook.is_of_this_process:
            self._calls.wait(max(0.0, deadline - time.monotonic()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close(end_state(kind))

    def is_fraction(self, name: str, error: float) -> bool:
        """True if a finite error can be used; warns once if not. One that is no fraction tells that the others, below 1
        though they may be, are none either.
        """
        return self._errors.is_fraction(name, error)

    def __getstate__(self) -> dict[str, Any]:
        """A copy, here or in another process, writes nothing: a run has one writer."""
        parts = {"_errors": copy(self._errors), "_split": copy(self._split), "_calls": None}
        return {**vars(self), **parts, "_said": WarnOnce(is_enabled=False)}


def is_making_its_store(tracker: Tracker) -> bool:
    """True while the SQLite store of a first training is being made, which MLflow must not open elsewhere at that time: of two
    that set it up at once, one fails.
    """
    return tracker._logbook.is_making_its_store


def _check_options(*, human_error: float | None, at: str, stop_when: object) -> None:
    if human_error is not None and not is_fraction(human_error):
        raise ArgumentError("human_error", "{} must be a fraction in [0, 1]; got {!r} (2 % is 0.02)", human_error)
    if at not in ("best", "last"):
        raise ArgumentError("at", "{} must be 'best' or 'last'; got {!r}", at)
    if not isinstance(stop_when, StopWhen | None):
        raise ArgumentError("stop_when", "{} must be a bvtrack.StopWhen, such as StopWhen(diverged=True); got {!r}", stop_when)

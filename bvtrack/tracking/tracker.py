"""The one object with state: takes a training's errors as they come and keeps its MLflow run diagnosed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from bvtrack.diagnosis.diagnosis import Diagnosis
from bvtrack.diagnosis.evidence import ModelFacts
from bvtrack.diagnosis.recipe import Step
from bvtrack.diagnosis.run_verdict import At
from bvtrack.error_rates.error_rate import is_finite_number, is_fraction
from bvtrack.journal.journal import absolute, default_journal_dir
from bvtrack.journal.records import EndState
from bvtrack.log import Said, harmless
from bvtrack.measures.measure import Measure, as_measure, find_measure, needs_targets, scaled
from bvtrack.random_states import preserve_random_states
from bvtrack.schema import names
from bvtrack.splits.check import SplitCheck, check_samples, digest_of
from bvtrack.splits.comparing.outputs import compare_outputs
from bvtrack.splits.profiling.profile import SplitProfile
from bvtrack.splits.sampling.content_key import key_of
from bvtrack.splits.sampling.sample import MOST_EXAMPLES, SplitSample
from bvtrack.splits.sampling.source import SplitSource
from bvtrack.store.target import Client, find_target
from bvtrack.tracking.environment import program_name
from bvtrack.tracking.record_log import Logbook
from bvtrack.tracking.split_cache import keep, known_splits_dir, recall
from bvtrack.version import __version__

LARGEST_STEP = 2**63 - 1
"""MLflow's steps are 64-bit integers."""
CLOSE_SECONDS = 30.0
"""How long the end of a training waits for its last points by default; a store that is down is not waited for."""


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
        resume: the `state()` of the Tracker of a training that this one goes on with: its run, where that is the one found
            here or was its own, and its epochs.
        enabled: False for one that says and writes nothing, for the processes beside the one that writes.

    Raises:
        ValueError: for a human error outside [0, 1], an `at` or a `measure` that is not known, or a malformed tracking URI.

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
        resume: Mapping[str, Any] | None = None,
        enabled: bool = True,
    ) -> None:
        _check_options(human_error=human_error, at=at)
        target = find_target(run_id=run_id, client=client, tracking_uri=tracking_uri, experiment=experiment, run_name=run_name)
        self._is_enabled = enabled
        self._measure = as_measure(measure)
        options = {
            "human_error": human_error,
            "measure": None if self._measure is None else _measure_content(self._measure),
            "at": at,
            "same_distribution": same_distribution,
            "source": source,
            "version": __version__,
        }
        directory = absolute(journal_dir) if journal_dir else default_journal_dir()
        self._logbook = Logbook(target, options, directory, is_enabled=enabled)
        self._counts: Mapping[str, int] = {}
        self._class_counts: Mapping[str, Mapping[str, int]] = {}
        self._train_targets: Any = None
        self._unread_train: SplitSource | None = None
        self._known_splits = known_splits_dir(directory)
        self._chance: float | None = None
        self._is_chance_due = False
        self._said = Said()
        self._has_fractions = True
        if resume is not None:
            self._logbook.go_on_with(resume)

    @property
    def run_id(self) -> str | None:
        """The MLflow run; `None` for a run of our own that the store has not made yet."""
        return self._logbook.run_id

    @property
    def measure(self) -> Measure | None:
        """What the errors are, where it has been said."""
        return self._measure

    @property
    def owns_run(self) -> bool:
        """True where the run is made, and will be ended, by this Tracker."""
        return self._logbook.owns_run

    @property
    def diagnosis(self) -> Diagnosis | None:
        """What the run's tags say at the moment; `None` before the first epoch."""
        return self._logbook.ledger.verdict.diagnosis if self._logbook.ledger.verdict else None

    @property
    def steps(self) -> tuple[Step, ...]:
        """What to try next, the most useful first."""
        return self._logbook.ledger.verdict.steps if self._logbook.ledger.verdict else ()

    def metrics_of(self, epoch: int) -> Mapping[str, float]:
        """What was logged of an epoch: the errors and gaps by the names of their metrics."""
        return self._logbook.ledger.metrics_of(epoch)

    def state(self) -> Mapping[str, Any]:
        """What a checkpoint should hold, JSON types alone, for a later Tracker to go on with the same run (`resume=`)."""
        return self._logbook.state()

    def choose_measure(self, names: Iterable[str]) -> Measure | None:
        """Settle which of these logged metrics is the error: the one named at the start, else one that is found.

        Says once what was expected and what arrived where the named one is not there, or there is none.
        """
        logged = sorted(names)
        wanted = self._measure
        if wanted is not None and wanted.find_in(logged):
            return wanted
        found = find_measure(logged)
        seen = ", ".join(logged) or "nothing"
        if wanted is not None:
            remedy = f"taking {found} instead" if found else "log it, or name another with measure="
            self._say(f"no metric named {wanted.name!r} was logged; logged: {seen}; {remedy}", once_for="no measure")
        elif found is None:
            advice = "log one, or name yours with measure="
            self._say(f"expected an error rate or an accuracy to diagnose, got {seen}; {advice}", once_for="no measure")
        elif found.kind == "loss":
            self._say(f"expected an error rate or an accuracy to diagnose, got {seen}; a bare loss gives no certain diagnosis")
        if found is not None:
            self.log_measure(found)
        return self._measure if found else None

    @harmless
    def log_measure(self, measure: Measure, remark: str = "") -> None:
        """Say what the errors are. Where they are no error rate, counts give no intervals. `remark` goes into the tag."""
        self._has_fractions = self._has_fractions or self._measure is None or measure.name != self._measure.name
        targets = self._targets_for(measure)
        self._measure = measure if targets is None else scaled(measure, targets)
        self._logbook.write("measure", **_measure_content(self._measure, remark))
        self._is_chance_due = True

    def _targets_for(self, measure: Measure) -> Any:
        """The training targets, as far as they are at hand or the measure needs them."""
        if self._unread_train is not None and needs_targets(measure, has_classes=bool(self._class_counts.get("train"))):
            with preserve_random_states():
                self._train_targets = self._unread_train.sample().most_targets
            self._unread_train = None
        return self._train_targets

    def _note_chance(self) -> None:
        """Log what guessing would score, the yardstick of `not_learning`."""
        self._is_chance_due = False
        chance = _error_of_guessing(self._measure, self._class_counts)
        if chance is not None and chance != self._chance:
            self._chance = chance
            self._logbook.write("chance", error=chance)

    @harmless
    def log_model(self, model: ModelFacts) -> None:
        """Note what the model and its training are: the tags `bvtrack.model.*`, and evidence for the recipe."""
        self._logbook.write("model", facts=asdict(model))

    @harmless
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
        sources = {name: SplitSource.of(data) for name, data in given.items() if data is not None}
        self._counts = {name: source.n for name, source in sources.items()}
        found = self._known_split(sources, monitors) or self._new_split(sources, monitors)
        datasets = [{**dataset, "source": program_name()} for dataset in found["datasets"]]
        self._logbook.write("split", counts=self._counts, datasets=datasets, **found["verdict"])
        self._class_counts = found["class_counts"]
        self._is_chance_due = True
        if self._measure is not None:
            self.log_measure(self._measure)

    @harmless
    def log_outputs(self, *, dev: Any, test: Any) -> None:
        """Compare what the model says of dev and of test, arrays of its outputs `[n_examples, ...]` on some examples of each:
        a finding of the split where they are distributed otherwise.
        """
        report = compare_outputs(dev=dev, test=test)
        self._logbook.write("outputs", findings=[asdict(one) for one in report.findings], report=asdict(report))

    def _known_split(self, sources: Mapping[str, SplitSource], monitors: Sequence[str]) -> Mapping[str, Any] | None:
        """What was found when the same data were checked before; `None` where they were not, or that cannot be told."""
        self._train_targets, self._unread_train = None, sources.get("train")
        key = _key_of(sources, monitors)
        return recall(self._known_splits, key) if key else None

    def _new_split(self, sources: Mapping[str, SplitSource], monitors: Sequence[str]) -> Mapping[str, Any]:
        """What is found of the examples that are read now; kept where all were read that could be."""
        check = check_samples(((name, source.sample()) for name, source in sources.items()), monitors)
        samples = check.samples
        self._train_targets, self._unread_train = samples["train"].targets if "train" in samples else None, None
        found = _found(check)
        if check.problem:
            self._say(f"the distributions of the splits are not compared: {check.problem}")
        is_whole = not check.problem and all(samples[name].n_read or not source.read for name, source in sources.items())
        if (key := _key_of(sources, monitors)) and is_whole and self._is_enabled:
            keep(self._known_splits, key, found)
        return found

    @harmless
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
        counts = {"train": n_train, "train_dev": n_train_dev, "dev": n_dev, "test": n_test}
        accepted = {name: error for name in errors if (error := self._accepted(f"{name}_error", errors[name])) is not None}
        known = {name: self._count(name, counts[name]) for name in accepted} if self._is_rate else {}
        running = None if train_error_running is None else self._fraction(float(train_error_running))
        content = {
            "errors": accepted,
            "counts": {name: n for name, n in known.items() if n is not None},
            "intervals": {
                name: self._bounds(accepted[name], ends)
                for name, ends in (intervals or {}).items()
                if name in accepted and all(map(is_finite_number, ends))
            },
            "unscaled": {name: float(error) for name, error in errors.items() if error is not None and self._has_units},
            "running": running if running is not None and math.isfinite(running) else None,
        }
        self._logbook.write("epoch", epoch=_step(epoch), **content)
        self._logbook.listen()

    @harmless
    def log_test(
        self,
        test_error: float,
        *,
        n_test: int | None = None,
        interval: tuple[float, float] | None = None,
        epoch: int | None = None,
    ) -> None:
        """Log a test error measured after the training, by default on the weights of the epoch that the tags speak of.

        Its arguments are as those of `log_epoch`. This may come after `close`.
        """
        error = self._accepted("test_error", test_error)
        if error is None:
            return
        if epoch is None:
            if self._logbook.ledger.verdict is None:
                raise ValueError("log_test needs the epochs before it; got none; call log_epoch first")
            epoch = self._logbook.ledger.verdict.epoch
        epoch = _step(epoch)
        content = {
            "error": error,
            "n": self._count("test", n_test) if self._is_rate else None,
            "interval": self._bounds(error, interval) if interval and all(map(is_finite_number, interval)) else None,
            "unscaled": float(test_error) if self._has_units else None,
        }
        if self._logbook.is_closed:
            self._logbook.write_later("test", CLOSE_SECONDS, epoch=epoch, **content)
        else:
            self._logbook.write("test", epoch=epoch, **content)

    @harmless
    def log_not_applicable(self) -> None:
        """Tag the run as one that says nothing about bias or variance, such as a trial on a few batches."""
        self._logbook.write("trial")

    @harmless
    def close(self, state: EndState = "complete", timeout: float = CLOSE_SECONDS) -> None:
        """Write how the training ended and wait up to `timeout` seconds until all has arrived; what has not, will be sent.

        Where the run is our own, it is ended in MLflow too. A second call does nothing.
        """
        self._logbook.close(state, timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.close("failed" if issubclass(kind, Exception) else "interrupted")

    @property
    def _is_rate(self) -> bool:
        return self._measure is None or self._measure.is_rate

    @property
    def _has_units(self) -> bool:
        return self._measure is not None and self._measure.scale is not None

    def _fraction(self, error: float) -> float:
        return error if self._measure is None else self._measure.fraction(error)

    def _bounds(self, error: float, ends: tuple[float, float]) -> tuple[float, float]:
        """The interval of an error that has been brought to the fraction `error`, brought there too."""
        low, high = (min(max(self._fraction(float(end)), 0.0), 1.0) for end in ends)
        return min(low, error), max(high, error)

    def _accepted(self, name: str, error: float | None) -> float | None:
        """The error as a fraction, NaN where it is not finite, `None` where it cannot be used; says once why."""
        if error is None:
            return None
        error = float(error)
        if not math.isfinite(error):
            self._say(f"{name} must be a finite number; got {error!r}: the run is tagged as diverged")
            return math.nan
        if self._measure is not None and self._measure.needs_scale:
            self._say(
                f"expected the training targets to bring {self._measure.name} to a fraction, got none, so errors in units are "
                "left out; pass the training data as pairs (features, targets)"
            )
            return None
        return self._fraction(error) if self.is_fraction(name, error) else None

    def is_fraction(self, name: str, error: float) -> bool:
        """Whether a finite error can be used; says once why not. One that is no fraction tells that the others, below 1
        though they may be, are none either.
        """
        fraction = self._fraction(error)
        if self._has_fractions and not 0 <= fraction <= 1:
            self._has_fractions = False
            what = f"{name} ({self._measure})" if self._measure else name
            got = f"{what} must be a fraction in [0, 1]; got {fraction:.4g}"
            self._say(f"{got}, so all errors are left out from now on: 11 % is 0.11", once_for="no fraction")
        return self._has_fractions

    def _count(self, name: str, given: int | None) -> int | None:
        """The examples behind an error: those given, else the split's; says once what cannot be one."""
        if given is None:
            return self._counts.get(name)
        if 1 <= given <= MOST_EXAMPLES:
            return int(given)
        self._say(f"n_{name} must be a whole number of examples, at least 1; got {given!r}, which is left out")
        return None

    def _say(self, message: str, once_for: str = "") -> None:
        if self._is_enabled:
            self._said.once(message, once_for)

    def __getstate__(self) -> dict[str, Any]:
        """A copy, here or in another process, writes nothing: a run has one writer."""
        return {**vars(self), "_is_enabled": False, "_train_targets": None, "_unread_train": None}


def _step(epoch: Any) -> int:
    """An epoch as MLflow stores steps. Raises `ValueError` for one that it could not."""
    step = int(epoch)
    if abs(step) > LARGEST_STEP:
        raise ValueError(f"epoch must be a whole number of at most {LARGEST_STEP}; got {step}")
    return step


def _check_options(*, human_error: float | None, at: str) -> None:
    if human_error is not None and not is_fraction(human_error):
        raise ValueError(f"human_error must be a fraction in [0, 1]; got {human_error!r} (2 % is 0.02)")
    if at not in ("best", "last"):
        raise ValueError(f"at must be 'best' or 'last'; got {at!r}")


def _key_of(sources: Mapping[str, SplitSource], monitors: Sequence[str]) -> str | None:
    """The same for what would be found to be the same; `None` where nothing is to be read, or a set has no key."""
    is_read = any(source.read for source in sources.values())
    if not is_read or any(source.key is None for source in sources.values()):
        return None
    return key_of(__version__, {name: [source.n, source.key] for name, source in sources.items()}, sorted(monitors))


def _found(check: SplitCheck) -> dict[str, Any]:
    """What there is to know of a split once it has been checked, JSON types alone."""
    return {
        "datasets": [_dataset(name, sample, check.profiles.get(name)) for name, sample in check.samples.items()],
        "verdict": _verdict(check),
        "class_counts": {name: dict(profile.class_counts) for name, profile in check.profiles.items()},
    }


def _verdict(check: SplitCheck) -> dict[str, Any]:
    """What the ledger is told of a split."""
    if check.sizes is None:
        return {}
    return {
        "tag": check.tag,
        "distribution": check.shift.tag if check.shift else names.UNCHECKED,
        "findings": [asdict(finding) for finding in check.findings],
        "report": check.as_json(),
    }


def _dataset(name: str, sample: SplitSample, profile: SplitProfile | None) -> dict[str, Any]:
    """A set as MLflow's dataset; each has a name of its own, or MLflow would drop the second of two that are equal."""
    tags = {names.DATASET_CONTEXT: name, names.DATASET_COUNT: str(sample.n)}
    is_whole = profile is not None and sum(profile.class_counts.values()) == sample.n
    counts = json.dumps(profile.class_counts, separators=(",", ":")) if profile and is_whole else "{}"
    if counts != "{}" and len(counts) <= names.DATASET_TAG_LENGTH:
        tags[names.DATASET_CLASS_COUNTS] = counts
    known = {"examples": sample.n, "read": sample.n_read}
    return {"name": name, "digest": digest_of(sample, profile), "profile": known, "tags": tags}


def _error_of_guessing(measure: Measure | None, class_counts: Mapping[str, Mapping[str, int]]) -> float | None:
    """What a model scores that learned no more than the training targets; `None` where that is not known.

    Of a rate: the error of always guessing one class, the one it is lowest for. Errors in units are 1 by their scale. A bare
    loss is the entropy of the classes, as a fraction.
    """
    counts = [class_counts[name] for name in ("train", "dev") if name in class_counts]
    if measure is not None and measure.scale is not None:
        return 1.0
    if len(counts) < 2 or not all(counts):
        return None
    if measure is None or measure.is_rate:
        return 1 - max(max(classes.values()) / sum(classes.values()) for classes in counts)
    if measure.kind == "loss":
        shares = [count / sum(counts[0].values()) for count in counts[0].values()]
        return measure.fraction(-sum(share * math.log(share) for share in shares))
    return None


def _measure_content(measure: Measure, remark: str = "") -> dict[str, Any]:
    return {"name": f"{measure} ({remark})" if remark else str(measure), "is_rate": measure.is_rate}

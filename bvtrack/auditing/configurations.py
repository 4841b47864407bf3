"""The configurations among the runs of experiments, each with one verdict over its repeats, and the best two compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bvtrack.auditing.baseline import dev_set_of
from bvtrack.diagnosis.repeats import Repeated
from bvtrack.diagnosis.run_verdict import Verdict
from bvtrack.diagnosis.two_configurations import MeanDifference, difference_of
from bvtrack.error_rates.error_rate import as_logged
from bvtrack.logged.split_sizes import set_of
from bvtrack.schema import tags as schema
from bvtrack.schema.tag_texts import metric_of
from bvtrack.shipping.unfinished import wait_for_unfinished
from bvtrack.store.logged_run import LoggedRun
from bvtrack.store.reader import Store
from bvtrack.store.repeated_runs import RepeatedRun, find_configurations, judge_configuration, measure_of
from bvtrack.store.target import check_file, checked_uri, current_uri
from bvtrack.text import cut, on_one_line, printable

if TYPE_CHECKING:
    from mlflow.entities import Run

SHOWN_SETTINGS = 3
LONGEST_VALUE = 41
"""Longer values of settings are cut to this many characters in a configuration's name."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """Several runs that differ in nothing but seed or fold, and the verdict over them.

    Its `name` is that of its group or of the parent run, else the settings in which it differs from the other configurations.
    `repeated` has the spread of its errors, and what each repeat is by itself.
    """

    name: str
    measure: str
    repeated: Repeated

    @property
    def verdict(self) -> Verdict:
        """The verdict over the repeats, as that of a run."""
        return self.repeated.verdict

    @property
    def dev_error(self) -> float | None:
        """The mean dev error as a fraction; `None` where not every repeat has one."""
        return self.verdict.diagnosis.errors.get("dev")

    def minus(self, other: Configuration) -> MeanDifference:
        """How much of the difference to another configuration is noise. Raises `ValueError` where a dev error is missing, or is
        of another measure.
        """
        if measure_of(self.measure) != measure_of(other.measure):
            raise ValueError(f"expected dev errors of one measure, got {self.measure!r} and {other.measure!r}")
        return difference_of(self.repeated, other.repeated, names=(self.name, other.name))

    def __str__(self) -> str:
        diagnosis = self.verdict.diagnosis
        return f"{printable(self.name)}: {self.repeated.in_short}; {diagnosis.tag} ({diagnosis.certainty})"

    def as_json(self) -> dict[str, Any]:
        """Its verdict and its spread, as `bvtrack compare --json` prints them: errors are fractions."""
        spreads, intervals = self.repeated.spreads, self.repeated.intervals
        return {
            "name": self.name,
            "measure": self.measure,
            "over": self.repeated.design.over,
            "n": len(self.repeated.repeats),
            "diagnosis": self.verdict.diagnosis.tag,
            "certainty": self.verdict.diagnosis.certainty,
            "next_step": self.verdict.steps[0].id if self.verdict.steps else None,
            "errors": {
                name: {
                    "mean": as_logged(spread.mean),
                    "deviation": as_logged(spread.deviation),
                    "interval": [as_logged(end) for end in intervals[name]] if name in intervals else None,
                }
                for name, spread in spreads.items()
            },
            "gaps": {name: as_logged(gap.value) for name, gap in self.verdict.diagnosis.gaps.items()},
            "tags": dict(self.repeated.tags),
            "runs": [repeat.run_id for repeat in self.repeated.repeats],
        }


def configurations(
    experiment: str | Iterable[str], *, filter_string: str = "", tracking_uri: str | None = None
) -> list[Configuration]:
    """The configurations among the diagnosed runs of an experiment, or of several, the lowest mean dev error first: the runs
    of one parent or one `bvtrack.group`, and runs that differ in nothing but the seed or the fold that was logged.

    `filter_string` is a filter of MLflow's `search_runs`. Nothing is written.

    Raises `ValueError` for an unknown experiment, an invalid filter or a malformed tracking URI, and MLflow's own exceptions.
    What this process's trainings have sent is waited for, 30 s at most.

    >>> for found in configurations("digits"):  # doctest: +SKIP
    ...     print(found)
    wide: 5 seeds: dev 11.2 ± 0.4 %; high_variance (certain)
    """
    wait_for_unfinished()
    uri = checked_uri(tracking_uri or current_uri())
    check_file(uri)
    store = Store(uri)
    names = [experiment] if isinstance(experiment, str) else experiment
    pages = store.pages([store.experiment_id(name) for name in names], filter_string)
    return configurations_of([run for page in pages for run in page])


def configurations_of(runs: Sequence[Run]) -> list[Configuration]:
    """The configurations among these runs, the lowest mean dev error first."""
    names = {str(run.info.run_id): str(run.info.run_name or run.info.run_id) for run in runs}
    logged = (LoggedRun.of(run) for run in sorted(runs, key=lambda run: (run.info.start_time or 0, run.info.run_id)))
    found = find_configurations(repeat for run in logged if (repeat := repeat_of(run, run.tags)) is not None)
    differing = _differing([some[0] for some in found])
    made = [_configuration(some, names, differing) for some in found]
    return sorted(made, key=lambda one: (one.dev_error is None, one.dev_error or 0.0))


def repeat_of(run: LoggedRun, tags: schema.Tags) -> RepeatedRun | None:
    """A run with these tags as a repeat, whatever logged its datasets; `None` without a diagnosis."""
    n_train = next((each.n for each in run.datasets if set_of(run, each) == "train"), None)
    return RepeatedRun.of(run, tags, dev_set=dev_set_of(run), n_train=n_train)


def difference_of_best(found: Sequence[Configuration]) -> MeanDifference | None:
    """The best configuration and the next by the same measure; `None` if there are not two with a dev error."""
    measured = [one for one in found if "dev" in one.repeated.spreads]
    rivals = [one for one in measured[1:] if measure_of(one.measure) == measure_of(measured[0].measure)]
    return measured[0].minus(rivals[0]) if rivals else None


def _configuration(runs: Sequence[RepeatedRun], names: Mapping[str, str], differing: Sequence[str]) -> Configuration:
    repeated, facts = judge_configuration(runs)
    first, settings = runs[0], dict(runs[0].settings)
    shown = [f"{name}={cut(on_one_line(settings[name]), LONGEST_VALUE)}" for name in differing if name in settings]
    by_settings = ", ".join(shown[:SHOWN_SETTINGS])
    named = first.tags.get(schema.GROUP) or names.get(first.parent or "")
    return Configuration(named or by_settings or first.repeat.name, metric_of(facts.measure), repeated)


def _differing(runs: Sequence[RepeatedRun]) -> list[str]:
    """The settings that are not the same in all configurations."""
    settings = [dict(run.settings) for run in runs]
    names = dict.fromkeys(name for one in settings for name in one)
    return [name for name in names if len({one.get(name) for one in settings}) > 1]

"""The repeats of a configuration among runs that are there: which runs differ in nothing but their seed or fold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bvtrack.diagnosis.evidence import ModelFacts
from bvtrack.diagnosis.repeats import FEWEST, Baseline, Repeat, Repeated, judge_repeats
from bvtrack.diagnosis.split_first import SplitFault
from bvtrack.measures.metric_words import core_name
from bvtrack.measures.unit import Unit
from bvtrack.schema import names
from bvtrack.schema import tags as schema
from bvtrack.schema.model_tags import model_texts
from bvtrack.schema.stored_numbers import rounded
from bvtrack.schema.tag_texts import metric_of
from bvtrack.schema.tags import RunFacts, Tags
from bvtrack.splits.faults import faults_of_codes
from bvtrack.store.logged_run import PARENT, LoggedRun
from bvtrack.store.repeat_labels import read_labels

ALIKE = 1.5
"""Training sets of repeats are at most so many times as large as each other; folds, by groups or by time, may be any size."""
COMMIT = "mlflow.source.git.commit"
"""The version of the code, a setting of runs that neither a parent nor a group holds together."""
OTHERS = ("mlflow.", schema.PREFIX)
"""Prefixes of the tags that are no user's own."""


@dataclass(frozen=True, slots=True)
class RepeatedRun:
    """A diagnosed run as a repeat: `among` is the parent or the group that it is of, `None` for neither, and `common` all that
    the repeats of one configuration have in common. `is_told` is true if something says that it is a repeat: its seed or fold,
    or a group.
    """

    repeat: Repeat
    tags: Tags
    among: str | None
    common: tuple[object, ...]
    is_told: bool
    parent: str | None = None
    settings: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, run: LoggedRun, tags: Tags, *, dev_set: str | None, n_train: int | None) -> RepeatedRun | None:
        """A run with these tags, whose dev set has this digest; `None` without a diagnosis, for a configuration's own run, and
        while the training goes on, or where that has not come to its end, which leaves the errors of some epoch on the way.
        """
        tag = schema.DIAGNOSIS.read(tags)
        if not tag or schema.is_configuration(tags) or schema.STATE.read(tags) in ("running", "failed", "interrupted"):
            return None
        own = {name: value for name, value in run.tags.items() if not name.startswith(OTHERS)}
        labels, gaps = read_labels(run.params, own), schema.gaps_of(tags)
        settings = tuple(labels.settings.items())
        measure, model = measure_of(schema.MEASURE.read(tags)), model_texts(tags)
        parent, group = run.tags.get(PARENT), run.tags.get(schema.GROUP)
        among = f"group {group}" if group is not None else parent
        code = run.tags.get(COMMIT) if among is None else None
        repeat = Repeat(
            run.run_id,
            run.name,
            tag,
            {name: _exact(error, name, run) for name, error in gaps.errors.items()},
            {name: n for name, n in gaps.counts.items() if name in gaps.errors},
            seed=labels.seed,
            fold=labels.fold,
            split=labels.split,
            dev_set=dev_set,
            n_train=n_train,
            n_epochs=gaps.n_epochs,
            optimism=gaps.optimism,
        )
        return cls(
            repeat,
            {name: value for name, value in tags.items() if name.startswith(schema.PREFIX)},
            among=among,
            common=(measure, schema.unit_in(tags), tuple(sorted(model.items())), settings, code),
            is_told=repeat.label is not None or group is not None,
            parent=parent,
            settings=settings,
        )


def measure_of(tag: str | None) -> str:
    """The measure in `bvtrack.measure`; Lightning's `val_acc` and Keras's `val_accuracy` are the same.

    >>> measure_of("1 - val_acc (train: as logged)")
    '1 - accuracy'
    """
    measure = metric_of(tag)
    is_accuracy = measure.startswith("1 - ") and core_name(measure.removeprefix("1 - ")) in ("acc", "accuracy")
    return "1 - accuracy" if is_accuracy else measure


def find_configurations(runs: Iterable[RepeatedRun]) -> list[list[RepeatedRun]]:
    """The repeats of each configuration, of those that have at least two, in the order of the runs.

    Runs are repeats where they have all in common, of one parent or of none, and their seed or fold was logged, or they are of
    one group; others may be a sweep of which nothing was logged. Of several with the same seed and fold the newest, the last of
    `runs`, counts.
    """
    found: dict[object, list[RepeatedRun]] = {}
    for run in runs:
        if run.is_told:
            found.setdefault((run.among, run.common), []).append(run)
    repeats = (_newest(some) for some in found.values())
    return [some for some in repeats if len(some) >= FEWEST and not _is_about_size(some)]


def _is_about_size(runs: Sequence[RepeatedRun]) -> bool:
    """True if runs of no fold were trained on sets of different sizes: a learning curve."""
    sizes = [run.repeat.n_train for run in runs if run.repeat.n_train and run.repeat.fold is None]
    return bool(sizes) and max(sizes) > ALIKE * min(sizes)


def _newest(runs: Sequence[RepeatedRun]) -> list[RepeatedRun]:
    kept: dict[object, RepeatedRun] = {}
    for run in runs:
        one = run.repeat
        kept[one.label or one.run_id] = run
    return list(kept.values())


def judge_configuration(runs: Sequence[RepeatedRun]) -> tuple[Repeated, RunFacts]:
    """The verdict on the configuration with these repeats, and the facts from which its tags are written, but for `source`."""
    tags = [run.tags for run in runs]
    repeats = [run.repeat for run in runs]
    unit, measures = schema.unit_in(tags[0]), {schema.MEASURE.read(one) for one in tags}
    source, baseline = _baseline(tags)
    model = schema.MODEL.read(tags[0]) or {}
    repeated = judge_repeats(
        repeats,
        replace(baseline, same_distribution=all(map(_is_of_same_source, tags))),
        unit=_named(unit, measures),
        curve=_same(schema.CURVE.read(one) for one in tags),
        model=ModelFacts(**model),
        split_faults=_faults(tags),
    )
    facts = RunFacts(
        verdict=repeated.verdict,
        baseline=source,
        measure=_same(measures) or metric_of(schema.MEASURE.read(tags[0])) or None,
        split=_split(tags),
        model=model,
        repeated=repeated,
    )
    return repeated, facts


def tags_of_parent(children: Iterable[RepeatedRun], source: str) -> tuple[Repeated, Tags] | None:
    """The verdict on the one configuration that a parent's children are repeats of, and the tags of the parent; `None` where
    they are none, or several.
    """
    of_parent = [replace(child, among="parent") for child in children]
    configurations = find_configurations(of_parent)
    if len(configurations) != 1 or len({child.common for child in of_parent}) > 1:
        return None
    repeated, facts = judge_configuration(configurations[0])
    return repeated, schema.tags_of(replace(facts, source=source), "repeats")


def own_sets(run: LoggedRun) -> tuple[str | None, int | None]:
    """The digest of the dev set and the size of the training set of a run that a callback or a Tracker has logged."""
    by_context = {dataset.context: dataset for dataset in run.datasets}
    dev, train = by_context.get("dev"), by_context.get("train")
    return (dev.digest if dev else None), (train.n if train else None)


def _exact(error: float, name: str, run: LoggedRun) -> float:
    """The error with the digits of the verdict's metric, where the tag's is that one rounded."""
    shown = run.verdict.get(names.verdict_metric(names.error_metric(name)))
    return shown.value if shown is not None and rounded(shown.value) == error else error


def _baseline(tags: Sequence[Tags]) -> tuple[str, Baseline]:
    """What all repeats are compared with, and the value of `bvtrack.baseline`; nothing is given where they differ."""
    sources = {schema.BASELINE.read(one) for one in tags}
    errors = {error for one in tags if (error := schema.gaps_of(one).human_error) is not None}
    if sources == {"experiment_best"} and errors:
        return "experiment_best", Baseline(min(errors), is_upper_bound=True)
    if sources == {"given"} and len(errors) == 1:
        return "given", Baseline(errors.pop())
    return "zero", Baseline()


def _is_of_same_source(tags: Tags) -> bool:
    gaps = schema.gaps_of(tags)
    return "variance" in gaps.widths or not {"train", "dev"} <= gaps.errors.keys()


def _named(unit: Unit, measures: Iterable[str | None]) -> Unit:
    return replace(unit, name=_same(metric_of(measure) for measure in measures) or unit.name)


def _same(values: Iterable[str | None]) -> str | None:
    """The one value that all have; `None` where they differ."""
    found = set(values)
    return found.pop() if len(found) == 1 else None


def _faults(tags: Sequence[Tags]) -> list[SplitFault]:
    found = {fault.code: fault for one in tags for fault in faults_of_codes(schema.SPLIT.read(one), schema.NEXT_STEP.read(one))}
    return list(found.values())


def _split(tags: Sequence[Tags]) -> str | None:
    """The codes of all splits together; without one, what all say."""
    texts = [schema.SPLIT.read(one) or names.UNCHECKED for one in tags]
    codes = dict.fromkeys(code for text in texts for code in text.split("+") if code not in (names.OK, names.UNCHECKED))
    return "+".join(codes) or _same(texts) or names.UNCHECKED

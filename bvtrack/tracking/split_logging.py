"""Checks a training's split, once for the same data, and keeps its counts and targets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bvtrack.measures.measure import Measure, are_quantities, needs_targets
from bvtrack.random_states import preserve_random_states
from bvtrack.schema import names
from bvtrack.splits.check import SplitCheck, check_samples, digest_of
from bvtrack.splits.comparing.outputs import compare_outputs
from bvtrack.splits.profiling.profile import SplitProfile
from bvtrack.splits.sampling.content_key import key_of
from bvtrack.splits.sampling.sample import SplitSample
from bvtrack.splits.sampling.source import SplitSource
from bvtrack.tracking import split_cache
from bvtrack.tracking.environment import are_pictures_wanted, program_name
from bvtrack.tracking.split_cache import known_splits_dir
from bvtrack.version import __version__

FORM = 2
"""The form of what is kept of a check; 2 says which rows repeat, and what difference would have been seen."""


class SplitLog:
    """The split of one training: its sets' sizes, their classes, and the training targets. A copy has no examples."""

    def __init__(self, journal_dir: Path, *, is_enabled: bool) -> None:
        """Verdicts on splits are kept beside `directory`, unless the log is not enabled."""
        self.counts: Mapping[str, int] = {}
        self.class_counts: Mapping[str, Mapping[str, int]] = {}
        self._is_enabled = is_enabled
        self._known_splits = known_splits_dir(journal_dir)
        self._train_targets: Any = None
        self._unread_train: SplitSource | None = None

    def check(self, given: Mapping[str, Any], monitors: Sequence[str]) -> tuple[dict[str, Any], str | None]:
        """The fields of the split's record, and why the distributions of the sets are not compared; `None` where they are.

        Raises `ValueError` for what is no split.
        """
        sources = {name: SplitSource.of(data) for name, data in given.items() if data is not None}
        self.counts = {name: source.n for name, source in sources.items()}
        found, problem = self._known_split(sources, monitors), None
        if found is None:
            found, problem = self._new_split(sources, monitors)
        self.class_counts = found["class_counts"]
        datasets = [{**dataset, "source": program_name()} for dataset in found["datasets"]]
        return {"counts": self.counts, "datasets": datasets, **found["verdict"]}, problem

    def targets_for(self, measure: Measure) -> Any:
        """The training targets, as far as they are at hand or the measure needs them."""
        if needs_targets(measure, has_classes=bool(self.class_counts.get("train"))):
            self._read_targets()
        return self._train_targets

    def has_quantities(self, *, is_regression: bool) -> bool:
        """True if the training targets are known to be quantities, as those of a regression are. Where a regression's loss is
        minimised (`is_regression`), targets that are not known are taken for quantities.
        """
        if not is_regression and self.class_counts.get("train"):
            return False
        self._read_targets()
        if self._train_targets is None:
            return is_regression
        return are_quantities(self._train_targets, is_regression=is_regression)

    def _read_targets(self) -> None:
        if self._unread_train is not None:
            with preserve_random_states():
                self._train_targets = self._unread_train.sample().most_targets
            self._unread_train = None

    def _known_split(self, sources: Mapping[str, SplitSource], monitors: Sequence[str]) -> Mapping[str, Any] | None:
        """Findings of an earlier check of the same data; `None` if there was none, or if that is unknown."""
        self._train_targets, self._unread_train = None, sources.get("train")
        key = _key_of(sources, monitors)
        return split_cache.load(self._known_splits, key) if key else None

    def _new_split(self, sources: Mapping[str, SplitSource], monitors: Sequence[str]) -> tuple[Mapping[str, Any], str | None]:
        """Findings of a check made now; kept if all examples were read that could be."""
        read = ((name, source.sample()) for name, source in sources.items())
        check = check_samples(read, monitors, pictures=are_pictures_wanted())
        samples = check.samples
        self._train_targets, self._unread_train = samples["train"].targets if "train" in samples else None, None
        is_whole = not check.problem and all(samples[name].n_read or not source.read for name, source in sources.items())
        found = _found(check, is_whole=is_whole)
        if (key := _key_of(sources, monitors)) and is_whole and self._is_enabled:
            split_cache.store(self._known_splits, key, found)
        return found, check.problem

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_is_enabled": False, "_train_targets": None, "_unread_train": None}


def outputs_found(*, dev: Any, test: Any) -> dict[str, Any]:
    """The fields of the record of the model's outputs on dev and on test. Raises `ValueError` for what are none."""
    report = compare_outputs(dev=dev, test=test)
    return {"findings": [asdict(one) for one in report.findings], "report": asdict(report)}


def _key_of(sources: Mapping[str, SplitSource], monitors: Sequence[str]) -> str | None:
    """The same for what would be found to be the same; `None` where nothing is to be read, or a set has no key."""
    is_read = any(source.read for source in sources.values())
    if not is_read or any(source.key is None for source in sources.values()):
        return None
    known = {name: [source.n, source.key] for name, source in sources.items()}
    return key_of(__version__, FORM, are_pictures_wanted(), known, sorted(monitors))


def _found(check: SplitCheck, *, is_whole: bool) -> dict[str, Any]:
    """Results of the check of a split, JSON types alone."""
    return {
        "datasets": [_dataset(name, sample, check.profiles.get(name)) for name, sample in check.samples.items()],
        "verdict": _verdict(check, is_whole=is_whole),
        "class_counts": {name: dict(profile.class_counts) for name, profile in check.profiles.items()},
    }


def _verdict(check: SplitCheck, *, is_whole: bool) -> dict[str, Any]:
    """The verdict on the split, as fields of its record; it is not ok if a set that could be read was not (`is_whole`)."""
    if check.sizes is None:
        return {}
    return {
        "tag": names.UNCHECKED if check.tag == names.OK and not is_whole else check.tag,
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

"""Check splits in files: sizes, distributions and leaks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from bvtrack.display import as_words
from bvtrack.measures.unit import Unit
from bvtrack.splits.check import SplitCheck, check_profiles
from bvtrack.splits.comparing.repeated import RepeatedRows
from bvtrack.splits.comparing.shift import ShiftReport, compare_splits
from bvtrack.splits.files.opening import open_splits
from bvtrack.splits.files.split_file import Reading, Roles, SplitFile
from bvtrack.splits.finding import Finding, gravest_first, tag_of, told_of
from bvtrack.splits.profiling.profile import MASK, SplitProfile, profile
from bvtrack.splits.profiling.row_hash import mixed, smallest
from bvtrack.splits.profiling.row_places import RowPlaces
from bvtrack.splits.resolution import Resolution
from bvtrack.splits.sizes import SplitReport

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OF_NO_KIND = Unit("score")
"""The unit of errors of which nothing is known but that they are errors."""


@dataclass(frozen=True)
class FilesCheck:
    """The check of splits in files, `train`, `dev` and perhaps `test`; `leaks` is true if leaks were looked for, and `of_files`
    are the findings of how the files were read.
    """

    paths: Mapping[str, str]
    found: SplitCheck
    leaks: bool
    of_files: tuple[Finding, ...] = ()

    def __str__(self) -> str:
        return as_words(self)

    @property
    def profiles(self) -> Mapping[str, SplitProfile]:
        """What was counted of each file, by set."""
        return self.found.profiles

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, the gravest first, in words that fit what is known of the targets."""
        found = gravest_first((*self.of_files, *self.found.findings))
        return found if self.knows is not None else told_of(found, OF_NO_KIND)

    @property
    def knows(self) -> Resolution | None:
        """What errors the precision of the sizes is of; `None` without targets, and for whole numbers that could be classes or
        quantities, of which it is not known how they are predicted.
        """
        return None if self.profiles["train"].layout.targets in ("none", "either") else self.sizes.knows

    @property
    def sizes(self) -> SplitReport:
        """The check of the sizes, which always exists, as train and dev are required."""
        assert self.found.sizes is not None
        return self.found.sizes

    @property
    def shift(self) -> ShiftReport:
        """The comparison of the files, which always exists, as incomparable files are refused."""
        assert self.found.shift is not None
        return self.found.shift

    @property
    def _sizes_in_words(self) -> dict[str, Any]:
        """The findings on sizes as they are said, and no precision where it is not known what it is of."""
        if self.knows is not None:
            return {}
        told = [asdict(finding) for finding in told_of(self.sizes.findings, OF_NO_KIND)]
        return {"findings": told, "resolution": {}, "smallest_gap": None}

    def as_json(self) -> dict[str, Any]:
        """Everything but the profiles, as JSON types; infinities and NaN become `None`."""
        known, profiles = self.found.as_json(), self.profiles
        compared = known["distribution"]
        content = {
            "files": dict(self.paths),
            "counts": compared["counts"],
            "class_counts": {name: dict(each.class_counts) for name, each in profiles.items()},
            "columns": [part.name for part in profiles["train"].layout.parts],
            "digests": compared["digests"],
            "sizes": {**known["sizes"], **self._sizes_in_words, "ok": self.sizes.ok, "tag": self.sizes.tag},
            "tag": tag_of(self.findings),
            "verdict": compared["verdict"],
            "verdict_tag": self.shift.tag,
            "looked_for_leaks": self.leaks,
            "findings": [asdict(finding) for finding in self.findings],
            "comparisons": [
                {**written, "is_significant": one.is_significant, "is_shift": one.is_shift}
                for written, one in zip(compared["comparisons"], self.shift.comparisons, strict=True)
            ],
            "detectable": compared["detectable"],
            "histograms": compared["histograms"],
            "repeated": known["repeated"],
        }
        finite: dict[str, Any] = _finite(content)
        return finite


def columns_of(found: SplitProfile) -> str:
    """Number of columns of an example, or the shape of its only array."""
    parts = found.layout.parts
    if len(parts) == 1 and parts[0].shape:
        return " x ".join(map(str, parts[0].shape))
    return f"{len(parts):,}"


def check_files(
    paths: Mapping[str, str],
    *,
    target: str | None = None,
    group: str | None = None,
    time: str | None = None,
    without: Sequence[str] = (),
    leaks: bool = True,
    report: Callable[[str, float], None] = lambda split, done: None,
) -> FilesCheck:
    """Read the files of `train`, `dev` and perhaps `test`, and compare them.

    `target`, `group` and `time` are names of columns, and so are those in `without`, which are left out. While a split is
    read, `report` is called with its name and the fraction read. The files are read one after another, and twice if there are
    groups or times.

    Raises `ValueError` for files that cannot be read or compared, and `ModuleNotFoundError` for images without Pillow and for
    tables without PyArrow.
    """
    files = open_splits(paths, Roles(target, group, time, tuple(without)))
    profiles: dict[str, SplitProfile] = {}
    readings: dict[str, Reading] = {}
    for split, file in files.items():
        found = _profile(split, file, profiles.get("train"), leaks, report)
        readings[split] = reading = file.reading(split)
        profiles[split] = found if reading.digests is None or not leaks else _with_digests(found, reading.digests)
    counts = {split: each.n for split, each in profiles.items()}
    shift = compare_splits(**profiles, leaks=leaks)
    shift = replace(shift, repeated=tuple(_by_name(one, readings) for one in shift.repeated))
    check = check_profiles(profiles, counts, shift=shift)
    of_files = tuple(finding for reading in readings.values() for finding in reading.findings)
    return FilesCheck(paths=paths, found=check, leaks=leaks, of_files=of_files)


def _by_name(found: RepeatedRows, readings: Mapping[str, Reading]) -> RepeatedRows:
    """The rows by the names of their files, where they are files."""
    later, earlier = (readings[split].name_of for split in found.between)
    if later is None or earlier is None:
        return found
    return replace(found, rows=tuple((later(int(row)), earlier(int(other))) for row, other in found.rows))


def _profile(
    split: str, file: SplitFile, train: SplitProfile | None, leaks: bool, report: Callable[[str, float], None]
) -> SplitProfile:
    batches = _with_examples(file, lambda done: report(split, done))
    return profile(batches, name=split, like=train, groups=file.groups(), time=file.times(), leaks=leaks)


def _with_digests(found: SplitProfile, digests: NDArray[np.uint64]) -> SplitProfile:
    """The profile with these digests of its examples in place of the hashes of their columns, which do not hold all of them."""
    total = found.fingerprint + int(mixed(digests).sum(dtype="uint64"))
    return replace(found, hashes=smallest([digests]), fingerprint=total & MASK, places=(RowPlaces.of(digests),))


def _with_examples(file: SplitFile, report: Callable[[float], None]) -> Any:
    n = 0
    for columns, targets in file.batches(report):
        n += len(next(iter(columns.values())))
        yield columns, targets
    if not n:
        raise ValueError(f"expected examples in {file.where}, got none; leave out a split that is empty")


def _finite(content: Any) -> Any:
    match content:
        case dict():
            return {key: _finite(value) for key, value in content.items()}
        case list() | tuple():
            return [_finite(value) for value in content]
        case float():
            return content if math.isfinite(content) else None
    return content

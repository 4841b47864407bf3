"""Splits in files checked for their sizes, their distributions and what they share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bvtrack.splits.comparing.shift import ShiftReport, compare_splits
from bvtrack.splits.files.opening import open_splits
from bvtrack.splits.files.split_file import Roles, SplitFile
from bvtrack.splits.finding import Finding, tag_of
from bvtrack.splits.profiling.profile import SplitProfile, profile
from bvtrack.splits.sizes import SplitReport, check_split
from bvtrack.splits.test_misuse import disguised_dev_set

GRAVEST_FIRST = ("error", "warning", "note")


@dataclass(frozen=True)
class FilesCheck:
    """What was found in files, by split: `train`, `dev` and perhaps `test`; `leaks` says whether they were looked for."""

    paths: Mapping[str, str]
    profiles: Mapping[str, SplitProfile]
    sizes: SplitReport
    disguised: tuple[Finding, ...]
    shift: ShiftReport
    leaks: bool

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them, the gravest first."""
        found = (*self.disguised, *self.shift.findings, *self.sizes.findings)
        return tuple(sorted(found, key=lambda finding: GRAVEST_FIRST.index(finding.level)))

    @property
    def has_errors(self) -> bool:
        """Whether a finding is an error."""
        return any(finding.level == "error" for finding in self.findings)

    @property
    def tag(self) -> str:
        """The value of `bvtrack.split`: `ok`, or the codes of what was found of the sets themselves, joined by `+`."""
        return tag_of((*self.disguised, *self.sizes.findings))

    def as_json(self) -> dict[str, Any]:
        """All of it but the profiles, as JSON types; what is no finite number is `None`."""
        content = {
            "files": dict(self.paths),
            "counts": dict(self.shift.counts),
            "class_counts": {name: dict(found.class_counts) for name, found in self.profiles.items()},
            "columns": [part.name for part in self.profiles["train"].layout.parts],
            "digests": dict(self.shift.digests),
            "sizes": {**asdict(self.sizes), "ok": self.sizes.ok, "tag": self.sizes.tag},
            "tag": self.tag,
            "verdict": self.shift.verdict,
            "verdict_tag": self.shift.tag,
            "looked_for_leaks": self.leaks,
            "findings": [asdict(finding) for finding in self.findings],
            "comparisons": [
                {**asdict(one), "is_significant": one.is_significant, "is_shift": one.is_shift}
                for one in self.shift.comparisons
            ],
            "histograms": [asdict(one) for one in self.shift.histograms],
        }
        found: dict[str, Any] = _finite(content)
        return found


def columns_of(found: SplitProfile) -> str:
    """How many columns an example has, or the shape of its one array."""
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

    `target`, `group` and `time` are names of columns, and so are those in `without`, which are left out. `report` is told,
    while a split is read, how much of it has been. The files are read one after another, twice where there are groups or
    times.

    Raises `ValueError` for files that cannot be read or compared, and `ModuleNotFoundError` for images without Pillow.
    """
    files = open_splits(paths, Roles(target, group, time, tuple(without)))
    profiles: dict[str, SplitProfile] = {}
    for split, file in files.items():
        profiles[split] = _profile(split, file, profiles.get("train"), leaks, report)
    return FilesCheck(
        paths=paths,
        profiles=profiles,
        sizes=check_split(**{split: found.n for split, found in profiles.items()}),
        disguised=tuple(disguised_dev_set(profiles)),
        shift=compare_splits(**profiles, leaks=leaks),
        leaks=leaks,
    )


def _profile(
    split: str, file: SplitFile, train: SplitProfile | None, leaks: bool, report: Callable[[str, float], None]
) -> SplitProfile:
    batches = _with_examples(file, lambda done: report(split, done))
    return profile(batches, name=split, like=train, groups=file.groups(), time=file.times(), leaks=leaks)


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

"""All that can be said of a split from its sizes and from the examples that were read of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bvtrack.data.disguise import disguised_dev_set
from bvtrack.data.finding import Finding, tag_of
from bvtrack.data.guidelines import SplitReport, check_split
from bvtrack.data.profile import SplitProfile
from bvtrack.data.sample import SplitSample
from bvtrack.data.shift import ShiftReport, compare_splits

COMPARED = ("train", "dev", "test")


@dataclass(frozen=True)
class SplitCheck:
    """`sizes` is `None` without train or dev, `profiles` are by set; `shift` is `None` where the sets were not compared, and
    `problem` says why where that is amiss.
    """

    samples: Mapping[str, SplitSample]
    sizes: SplitReport | None
    profiles: Mapping[str, SplitProfile]
    disguised: tuple[Finding, ...]
    shift: ShiftReport | None
    problem: str | None

    @property
    def tag(self) -> str:
        """The value of `bvtrack.split`: `ok`, or the findings' codes joined by `+`."""
        return tag_of(self._of_split)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self._of_split + (self.shift.findings if self.shift else ())

    @property
    def _of_split(self) -> tuple[Finding, ...]:
        return self.disguised + (self.sizes.findings if self.sizes else ())

    def as_json(self) -> dict[str, Any]:
        """The content of `bvtrack/splits.json`."""
        return {
            "sizes": asdict(self.sizes) if self.sizes else None,
            "read": {name: sample.n_read for name, sample in self.samples.items()},
            "digests": {name: digest_of(sample, self.profiles.get(name)) for name, sample in self.samples.items()},
            "disguised": [asdict(finding) for finding in self.disguised],
            "distribution": asdict(self.shift) if self.shift else None,
        }


def check_samples(samples: Mapping[str, SplitSample], monitors: Iterable[str] = ()) -> SplitCheck:
    """Check train, dev and, if they are there, train-dev and test; `monitors` are the metrics that the training chooses by."""
    counts = {name: sample.n for name, sample in samples.items()}
    profiles, problem = _profiles(samples)
    compared = {name: profiles[name] for name in COMPARED if name in profiles}
    shift = None
    if not {"train", "dev"} <= compared.keys():
        problem = None if "dev" not in samples else problem  # there is nothing to compare with
    elif problem is None:
        try:
            shift = compare_splits(train=compared["train"], dev=compared["dev"], test=compared.get("test"))
        except ValueError as error:
            problem = str(error)
    return SplitCheck(
        samples=samples,
        sizes=check_split(**counts) if {"train", "dev"} <= counts.keys() else None,
        profiles=profiles,
        disguised=tuple(disguised_dev_set(profiles, monitors)),
        shift=shift,
        problem=problem,
    )


def digest_of(sample: SplitSample, profile: SplitProfile | None) -> str:
    """16 hexadecimal digits that identify what was read, whatever its order, or the number of examples alone."""
    import hashlib

    known = f"{sample.n} {profile.digest}" if profile else str(sample.n)
    return hashlib.blake2b(known.encode(), digest_size=8).hexdigest()


def _profiles(samples: Mapping[str, SplitSample]) -> tuple[dict[str, SplitProfile], str | None]:
    """Of each set, on the edges of the first one where it has the same columns; and what kept them from it."""
    profiles: dict[str, SplitProfile] = {}
    like: SplitProfile | None = None
    problem = None
    for name, sample in samples.items():
        try:
            found = sample.profile(name, like)
        except ValueError as error:
            problem = str(error)
            found = _by_itself(name, sample)
        if found is not None:
            like = like or found
            profiles[name] = found
    return profiles, problem


def _by_itself(name: str, sample: SplitSample) -> SplitProfile | None:
    try:
        return sample.profile(name, None)
    except ValueError:
        return None

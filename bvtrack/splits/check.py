"""All that can be said of a split from its sizes and from the examples that were read of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bvtrack.splits.comparing.shift import ShiftReport, compare_sets
from bvtrack.splits.finding import Finding, tag_of
from bvtrack.splits.profiling.profile import SplitProfile
from bvtrack.splits.sampling.sample import SplitSample
from bvtrack.splits.sizes import SplitReport, check_split
from bvtrack.splits.test_misuse import disguised_dev_set

COMPARED = ("train", "dev", "test")


@dataclass(frozen=True)
class SplitCheck:
    """`samples` are by set, without their examples, and so are `profiles`; `sizes` is `None` without train or dev; `shift` is
    `None` where the sets were not compared, and `problem` says why where that is amiss.
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


def check_samples(sets: Iterable[tuple[str, SplitSample]], monitors: Iterable[str] = ()) -> SplitCheck:
    """Check train, dev and, if they are there, train-dev and test; `monitors` are the metrics that the training chooses by.

    Of each set the examples are let go before the next one is taken.
    """
    samples, profiles, problem = _profiles(sets)
    counts = {name: sample.n for name, sample in samples.items()}
    compared = {name: profiles[name] for name in COMPARED if name in profiles}
    shift = None
    if not {"train", "dev"} <= compared.keys():
        problem = None if "dev" not in samples else problem  # there is nothing to compare with
    elif problem is None:
        try:
            shift = compare_sets(compared, leaks=True, samples=_partly_known(samples, compared))
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


def _profiles(
    sets: Iterable[tuple[str, SplitSample]],
) -> tuple[dict[str, SplitSample], dict[str, SplitProfile], str | None]:
    """What is left of each set, its profile, on the edges of the first one where it has the same columns; and what kept them
    from it.
    """
    samples: dict[str, SplitSample] = {}
    profiles: dict[str, SplitProfile] = {}
    like: SplitProfile | None = None
    problem = None
    for name, sample in sets:
        try:
            found = sample.profile(name, like)
        except ValueError as error:
            problem = str(error)
            found = _by_itself(name, sample)
        samples[name] = sample = sample.without_examples()
        if found is not None:
            like = like or found
            profiles[name] = found
    return samples, profiles, problem


def _partly_known(samples: Mapping[str, SplitSample], profiles: Mapping[str, SplitProfile]) -> list[str]:
    """The sets of which some examples' classes are not known."""
    return [name for name, found in profiles.items() if sum(found.class_counts.values()) < samples[name].n]


def _by_itself(name: str, sample: SplitSample) -> SplitProfile | None:
    try:
        return sample.profile(name, None)
    except ValueError:
        return None

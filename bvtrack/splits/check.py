"""Check a split by its sizes and by the examples read from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bvtrack.splits.comparing.shift import ShiftReport, compare_sets
from bvtrack.splits.finding import Finding, gravest_first, tag_of
from bvtrack.splits.profiling.data_kind import data_kind
from bvtrack.splits.profiling.profile import SplitProfile
from bvtrack.splits.rows_of_samples import rows_of_samples
from bvtrack.splits.sampling.sample import SplitSample
from bvtrack.splits.sizes import SplitReport, check_sizes
from bvtrack.splits.test_misuse import disguised_dev_set

COMPARED = ("train", "dev", "test")


@dataclass(frozen=True)
class SplitCheck:
    """The result of a check: `sizes`, `None` without train or dev; `disguised`, the misuse of the test set; and `shift`, `None`
    if the sets were not compared, with the reason as `problem` if they should have been.

    `profiles` are by set; `samples`, without their examples, are by set, too, for sets that were not read whole from files.
    """

    profiles: Mapping[str, SplitProfile]
    sizes: SplitReport | None
    disguised: tuple[Finding, ...]
    shift: ShiftReport | None
    samples: Mapping[str, SplitSample] = field(default_factory=dict)
    problem: str | None = None

    @property
    def tag(self) -> str:
        """The value of `bvtrack.split`: `ok`, or the codes of all warnings and errors joined by `+`."""
        return tag_of(self.findings)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, the gravest first."""
        compared, counted = (part.findings if part else () for part in (self.shift, self.sizes))
        return gravest_first((*self.disguised, *compared, *counted))

    @property
    def has_errors(self) -> bool:
        """True if a finding is an error."""
        return any(finding.level == "error" for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """The content of `bvtrack/splits.json`."""
        return {
            "sizes": asdict(self.sizes) if self.sizes else None,
            "read": {name: sample.n_read for name, sample in self.samples.items()},
            "digests": {name: digest_of(sample, self.profiles.get(name)) for name, sample in self.samples.items()},
            "disguised": [asdict(finding) for finding in self.disguised],
            "distribution": asdict(replace(self.shift, repeated=())) if self.shift else None,
            "repeated": [asdict(one) for one in self.shift.repeated] if self.shift else [],
            "data_kind": next((data_kind(profile.layout.parts) for profile in self.profiles.values()), None),
        }


def findings_in(content: Mapping[str, Any]) -> tuple[Finding, ...]:
    """The findings in the content of `bvtrack/splits.json`, those on the model's outputs included; the gravest first.

    Raises `LookupError` or `TypeError` for other content.
    """
    parts = (content.get(name) for name in ("distribution", "sizes", "outputs"))
    written = [*(content.get("disguised") or ()), *(one for part in parts if part for one in part["findings"])]
    return gravest_first(Finding(**one) for one in written)


def check_profiles(
    profiles: Mapping[str, SplitProfile],
    counts: Mapping[str, int],
    *,
    shift: ShiftReport | None,
    monitors: Iterable[str] = (),
) -> SplitCheck:
    """Check a split with these profiles and numbers of examples; `monitors` are the metrics used for model selection."""
    return SplitCheck(
        profiles=profiles,
        sizes=check_sizes(counts, is_of_quantities=_are_of_quantities(profiles)) if {"train", "dev"} <= counts.keys() else None,
        disguised=tuple(disguised_dev_set(profiles, monitors)),
        shift=shift,
    )


def check_samples(
    sets: Iterable[tuple[str, SplitSample]], monitors: Iterable[str] = (), *, pictures: bool = False
) -> SplitCheck:
    """Check train, dev and, if present, train-dev and test; `monitors` are the metrics used for model selection. With
    `pictures`, images that repeat are read once more, for a thumbnail each.

    The examples of each set are released before the next set is read.
    """
    samples, profiles, problem = _profiles(sets)
    counts = {name: sample.n for name, sample in samples.items()}
    compared = {name: profiles[name] for name in COMPARED if name in profiles}
    shift = None
    if not {"train", "dev"} <= compared.keys():
        problem = None if "dev" not in samples else problem  # nothing to compare with
    elif problem is None:
        try:
            samples_of_labels = _with_unknown_classes(samples, compared)
            shift = compare_sets(compared, leaks=True, samples=samples_of_labels, searched=profiles, sizes=counts)
            rows = rows_of_samples(shift.repeated, samples, profiles["train"].layout, pictures=pictures)
            shift = replace(shift, repeated=tuple(rows))
        except ValueError as error:
            problem = str(error)
    check = check_profiles(profiles, counts, shift=shift, monitors=monitors)
    read = {name: replace(sample, rows=None, look=None) for name, sample in samples.items()}
    return replace(check, samples=read, problem=problem)


def _are_of_quantities(profiles: Mapping[str, SplitProfile]) -> bool:
    """True if the labels that were read are numbers and no classes."""
    read = [found for found in profiles.values() if found.labels is not None or found.label_numbers is not None]
    return bool(read) and all(found.labels is None for found in read)


def digest_of(sample: SplitSample, profile: SplitProfile | None) -> str:
    """Digest of 16 hexadecimal digits of what was read, whatever its order; without a profile, of the number of examples."""
    import hashlib

    known = f"{sample.n} {profile.digest}" if profile else str(sample.n)
    return hashlib.blake2b(known.encode(), digest_size=8).hexdigest()


def _profiles(
    sets: Iterable[tuple[str, SplitSample]],
) -> tuple[dict[str, SplitSample], dict[str, SplitProfile], str | None]:
    """The samples without their examples; their profiles, binned with the first set's edges if the columns are the same; and
    the reason if they are not comparable.
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
            found = _separate_profile(name, sample)
        samples[name] = sample = sample.without_examples()
        if found is not None:
            like = like or found
            profiles[name] = found
    return samples, profiles, problem


def _with_unknown_classes(samples: Mapping[str, SplitSample], profiles: Mapping[str, SplitProfile]) -> list[str]:
    """The sets with examples whose class was not read."""
    return [name for name, found in profiles.items() if sum(found.class_counts.values()) < samples[name].n]


def _separate_profile(name: str, sample: SplitSample) -> SplitProfile | None:
    try:
        return sample.profile(name, None)
    except ValueError:
        return None

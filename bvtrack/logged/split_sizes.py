"""The sizes of a run's splits, from its logged datasets, and the finding codes that follow."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from bvtrack.logged.autologgers import train_digests
from bvtrack.logged.error_metrics import Found
from bvtrack.measures.metric_name import STAGE_OF
from bvtrack.measures.metric_words import words_of
from bvtrack.schema import names
from bvtrack.splits.finding_codes import FindingCode
from bvtrack.splits.sizes import check_split
from bvtrack.store.logged_run import LoggedDataset, LoggedRun


def set_of(run: LoggedRun, dataset: LoggedDataset) -> str | None:
    """A dataset's set by its context and name; other evaluation data are a dev set, unless they are the training data."""
    if dataset.context in ("train", "training"):
        return "train"
    if dataset.digest in train_digests(run):
        return None
    words = [*words_of(dataset.context), *words_of(dataset.name)]
    stages = [STAGE_OF[word] for word in words if word in STAGE_OF and word != "eval"]
    return next(iter(stages), "dev" if dataset.context == "eval" else None)


def split_sizes(run: LoggedRun, found: Found) -> dict[str, int]:
    """The number of examples by set, for the sets that the run's datasets identify."""
    sizes: dict[str, int] = {}
    for dataset in run.datasets:
        stage = set_of(run, dataset)
        if stage == "test" and found.is_test_as_dev:
            stage = "dev"
        if stage and dataset.n:
            sizes.setdefault(stage, dataset.n)
    return sizes


def split_tag(found: Found, sizes: Mapping[str, int], *, has_curve: bool, of_equal: Sequence[str] = ()) -> str:
    """The value of `bvtrack.split`: finding codes, `ok`, or unchecked. If there is no dev set, a test set with a curve was used
    to steer the training; one that was measured once counts as a dev set, which it becomes as soon as anything is chosen by it.
    `of_equal` are the codes for sets that are equal.
    """
    disguise = FindingCode.TEST_USED_TO_CHOOSE if has_curve else FindingCode.NO_DEV_SET
    codes = [*([str(disguise)] if found.is_test_as_dev else []), *of_equal]
    if {"train", "dev"} <= sizes.keys():
        report = check_split(train=sizes["train"], dev=sizes["dev"], test=sizes.get("test"))
        codes += [finding.code for finding in report.findings if finding.level != "note"]
        return "+".join(codes) or "ok"
    return "+".join(codes) or names.UNCHECKED


def codes_of_equal_sets(run: LoggedRun) -> list[str]:
    """The codes for two sets that were logged as the same data, by the context that each was logged in.

    Data logged for evaluation alone (`eval`) are a set of no certain name.
    """
    digests: dict[str, set[str]] = {}
    for dataset in run.datasets:
        if (stage := _stage_of_context(dataset.context)) and dataset.digest:
            digests.setdefault(stage, set()).add(dataset.digest)
    return [
        str(FindingCode.TEST_USED_TO_CHOOSE) if earlier == "dev" else FindingCode.REPEATS.of(earlier=earlier, later=later)
        for earlier, later in itertools.combinations(("train", "dev", "test"), 2)
        if digests.get(earlier, set()) & digests.get(later, set())
    ]


def _stage_of_context(context: str) -> str | None:
    words = words_of(context)
    return next((STAGE_OF[word] for word in words if word in STAGE_OF and word != "eval"), None)

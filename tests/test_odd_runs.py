"""Tags and times that others wrote by hand, in Python: what they break is their own run, if anything."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from logged_runs import LoggedRun, log_runs

import bvtrack
from bvtrack.auditing.groups import DiagnosedRun
from bvtrack.cli import main
from bvtrack.schema import tags as schema

ERRORS = {"train_error": 0.01, "dev_error": 0.11}
HUGE = 10**400
PARTS = {"errors": {"train": HUGE, "dev": HUGE}, "gaps": {"variance": [HUGE], "avoidable_bias": [1e300]}, "n": {"dev": HUGE}}
ODD = {
    "nested without end": "[" * 8000,
    "nested deeply": '{"errors":' * 500 + "1" + "}" * 500,
    "no mapping": "[1e400]",
    "a number of too many digits": '{"errors": {"dev": ' + "1" * 5000 + "}}",
    "numbers that no float holds": json.dumps(PARTS),
    "parts that are none": json.dumps({"errors": 5, "gaps": {"variance": {"0": 1}}, "n": [1], "human": "five"}),
    "a set that there is none of": json.dumps({"errors": {"constructor": 0.1, "dev": 0.11, "train": 0.01}}),
}


@pytest.fixture
def odd_store(store: str) -> str:
    """A good run, and beside it odd ones: the first starts in nanoseconds, each is both anybody's and a callback's."""
    odd = [
        LoggedRun(name, ERRORS, tags={"bvtrack.gaps": value, "bvtrack.diagnosis": "constructor" + "x" * 7000} | source)
        for name, value in ODD.items()
        for source in ({}, {"bvtrack.source": "callback"})
    ]
    log_runs(store, [LoggedRun("good", ERRORS, tags={"bvtrack.source": "callback"}), *odd])
    with closing(sqlite3.connect(store.removeprefix("sqlite:///"))) as database, database:
        database.execute("UPDATE runs SET start_time = ? WHERE run_uuid = ?", (time.time_ns(), odd[0].id))
        profile = (f"INSERT INTO datasets VALUES ('d', ?, 'odd', '1', '', '', '', '{'[' * 8000}')", ("0",))
        database.execute(*profile)
        link = "INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id) VALUES (?,?,?,?,?)"
        database.execute(link, ("i", "DATASET", "d", "RUN", odd[1].id))
    return store


def test_compare_counts_the_others_as_ever(odd_store: str) -> None:
    shown = CliRunner().invoke(main, ["compare", "Default", "--tracking-uri", odd_store])
    as_json = CliRunner().invoke(main, ["compare", "Default", "--tracking-uri", odd_store, "--json"])

    (good,) = [group for group in json.loads(as_json.stdout)["diagnoses"] if group["tag"] == "high_variance"]
    assert (good["n"], good["best_run"], good["gaps"]) == (1, "good", {"avoidable_bias": 0.01, "variance": 0.1})
    assert shown.exit_code == 0
    assert len(shown.stdout.splitlines()) < 30


@pytest.mark.parametrize("baseline", ["zero", "best", 0.05])
def test_an_audit_goes_through_all_and_understands_them(baseline: Any, odd_store: str) -> None:
    audited = bvtrack.audit("Default", tracking_uri=odd_store, baseline=baseline, dry_run=True)

    assert len(audited) == 2 * len(ODD) + 1
    assert [run.tag for run in audited if run.name == "good"] == ["high_variance"]
    assert "not understood" not in {run.reason for run in audited}


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**400), 10**400), st.floats(), st.text(max_size=5)),
    lambda some: st.one_of(st.lists(some, max_size=3), st.dictionaries(st.text(max_size=5), some, max_size=3)),
    max_leaves=5,
)
NAMED = st.one_of(
    st.dictionaries(st.sampled_from(["train", "dev", "variance"]), st.one_of(ANYTHING, st.lists(ANYTHING))), ANYTHING
)
SAID = st.one_of(st.fixed_dictionaries({}, optional={"errors": NAMED, "gaps": NAMED, "n": NAMED, "human": ANYTHING}), ANYTHING)


@given(said=SAID)
def test_whatever_the_tag_holds_only_numbers_with_a_meaning_are_read(said: Any) -> None:
    tags = {"bvtrack.gaps": json.dumps(said), "bvtrack.diagnosis": "balanced"}
    gaps = schema.GAPS.read(tags)

    assert gaps is not None
    assert all(0 <= error <= 1 for error in gaps.errors.values())
    assert all(-1 <= width <= 1 for width in gaps.widths.values())
    assert all(float(n) == n > 0 for n in gaps.counts.values())
    assert gaps.human_error is None or 0 <= gaps.human_error <= 1
    assert DiagnosedRun.of("1", "odd", tags, {}) is not None


def test_a_report_is_made_of_an_odd_run(odd_store: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(odd_store.removeprefix("sqlite:///"))) as database, database:
        ids = [run_id for (run_id,) in database.execute("SELECT run_uuid FROM runs")]
        for run_id in ids:
            for name, value in (("bvtrack/train_error", 0.01), ("bvtrack/dev_error", 0.11)):
                latest = "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, 1, 0, 0, ?)"
                database.execute(latest, (name, value, run_id))
                every = "INSERT INTO metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, 1, 0, 0, ?)"
                database.execute(every, (name, value, run_id))

    made = [bvtrack.make_report(run_id, tracking_uri=odd_store).content for run_id in ids]
    assert {content.diagnosis.tag for content in made} == {"high_variance"}

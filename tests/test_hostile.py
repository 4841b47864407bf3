"""Names, values and notes that nobody would think of: none raises in a training, and none is lost without a word."""

from __future__ import annotations

import math
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlflow import MlflowClient
from mlflow.utils.validation import MAX_TAG_VAL_LENGTH, _validate_metric, _validate_tag
from written_journals import all_records

import bvtrack
from bvtrack.journal.folder import unsent_journals
from bvtrack.journal.journal import read_header
from bvtrack.schema import names
from bvtrack.shipping.run_state import Ledger
from bvtrack.shipping.shipper import send_left_behind
from bvtrack.store.bundle import Bundle
from bvtrack.store.users_text import with_users_text

SOAK = bool(os.environ.get("BVTRACK_SOAK"))
MANY = settings(
    max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
STORED = settings(MANY, max_examples=2000 if SOAK else 40)
MARKUP = (
    "<script>alert(1)</script>",
    "](javascript:x)",
    "| a | b |",
    "\0",
    "\ud800",
    names.NOTE_END,
    "'; drop table runs; --",
    "a" * 9000,
)
texts = st.one_of(
    st.text(st.characters(codec=None), max_size=80), st.sampled_from(MARKUP), st.text("é\n`*_[<&\\|", max_size=40)
)
numbers = st.one_of(
    st.floats(), st.floats(0, 1), st.integers(-(10**20), 10**20), st.none(), texts, st.just([0.1]), st.just(True)
)
errors = st.fixed_dictionaries({}, optional={f"{name}_error": numbers for name in ("train", "dev", "test", "train_dev")})
counts = st.fixed_dictionaries({}, optional={f"n_{name}": numbers for name in ("train", "dev", "test")})
good = st.floats(0, 1)


cases = st.tuples(texts.filter(bool), texts, st.lists(st.builds(lambda a, b: a | b, errors, counts), max_size=3), good, good)


def train(case: Any, **options: Any) -> bvtrack.Tracker:
    measure, optimizer, epochs, train_error, dev_error = case
    tracker = bvtrack.Tracker(measure=bvtrack.Measure(measure, higher_is_better=False), **options)
    tracker.log_model(bvtrack.ModelFacts(optimizer=optimizer))
    for number, epoch in enumerate(epochs):
        tracker.log_epoch(number, **epoch)
    tracker.log_epoch(7, train_error=train_error, dev_error=dev_error)
    tracker.log_test(train_error, n_test=len(optimizer) + 1)
    tracker.close()
    return tracker


def written(directory: Path) -> Bundle:
    """All that MLflow is to show of the only journal."""
    (journal,) = unsent_journals(directory)
    header = read_header(journal)
    records = all_records(journal)
    ledger = Ledger(header["options"])
    for record in records:
        ledger.take(record)
    return ledger.bundle(records)


@given(case=cases)
@MANY
def test_whatever_is_logged_mlflow_takes_what_is_sent_and_good_epochs_are_among_it(
    case: Any, journals: Path, said: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        train(case, journal_dir=folder)
        bundle = written(Path(folder))
    said.clear()
    has_fractions = all(_is_fraction(value) for epoch in case[2] for name, value in epoch.items() if name.endswith("_error"))

    for point in bundle.points:
        _validate_metric(point.name, point.value, point.timestamp, point.step)  # type: ignore[no-untyped-call]
        assert math.isfinite(point.value)
    for name, value in bundle.tags.items():
        if value is not None:
            _validate_tag(name, names.as_tag(value))  # type: ignore[no-untyped-call]
            names.as_tag(value).encode()
            assert len(names.as_tag(value)) <= MAX_TAG_VAL_LENGTH
    assert "<script>" not in (bundle.note or "")
    if has_fractions:  # else, what is no fraction tells that the others are none either
        assert {"bvtrack/train_error", "bvtrack/dev_error"} <= {point.name for point in bundle.points if point.step == 7}


def _is_fraction(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and math.isfinite(value) and 0 <= value <= 1)


@given(case=cases, run_name=texts, note=texts)
@STORED
def test_whatever_is_logged_arrives_in_a_real_store_as_it_was_or_with_a_mark(
    case: Any, run_name: str, note: str, store: str, journals: Path, said: list[str]
) -> None:
    client = MlflowClient(store)
    with tempfile.TemporaryDirectory() as folder:
        run = client.create_run("0", run_name="named")
        client.set_tag(run.info.run_id, names.NOTE, names.as_tag(note))
        train(case, journal_dir=folder, tracking_uri=store, run_id=run.info.run_id)
        bundle = written(Path(folder))
        (journal,) = unsent_journals(Path(folder))
        send_left_behind(journal, store)
        owned = train(case, journal_dir=folder, tracking_uri=store, run_name=run_name)
        (journal,) = unsent_journals(Path(folder))
        send_left_behind(journal, store)
    said.clear()
    shown = client.get_run(run.info.run_id)
    own = client.search_runs(["0"], f"tags.`bvtrack.id` = '{owned.state()['id']}'")

    for name, value in bundle.tags.items():
        if value is not None:
            assert shown.data.tags[name] == names.as_tag(value)
    of_epochs = [name for name in shown.data.metrics if not name.startswith(names.VERDICT_PREFIX)]
    n_points = sum(len(client.get_metric_history(run.info.run_id, name)) for name in of_epochs)
    assert n_points == len({(point.name, point.step, point.value) for point in bundle.points})
    users_text = names.as_tag(note).partition(names.NOTE_END)
    assert (users_text[2] if users_text[1] else users_text[0]).strip() in shown.data.tags[names.NOTE]
    assert [one.info.status for one in own] == ["FINISHED"]


@pytest.mark.parametrize("length", [0, 100, 7000, 7800, 8000])
def test_a_users_note_is_never_cut_for_ours(length: int) -> None:
    ours = "High variance (certain): get more training data\n\n" + "A reason.\n" * 100
    users = "u" * length

    note = with_users_text(ours, users)

    assert len(note) <= MAX_TAG_VAL_LENGTH
    assert users in note
    assert note.startswith("High variance (certain)") or length > 7800


def test_an_artifact_store_that_takes_no_files_holds_up_no_points(store: str, said: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    client = MlflowClient(store)
    experiment = client.create_experiment("no artifacts", artifact_location=f"file://{tmp_path}/file/artifacts")
    tracker = bvtrack.Tracker(tracking_uri=store, experiment="no artifacts")
    for epoch in range(5):
        tracker.log_epoch(epoch, train_error=0.01, dev_error=0.11)
    tracker.close()
    (run,) = client.search_runs([experiment])
    points = client.get_metric_history(run.info.run_id, "bvtrack/dev_error")

    assert [point.step for point in points] == list(range(5))
    assert (run.data.tags["bvtrack.diagnosis"], run.info.status) == ("high_variance", "FINISHED")
    assert len(said) == 1
    assert "has the points, but does not take the file bvtrack/diagnosis.json" in said[0]
    said.clear()

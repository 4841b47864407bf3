"""What one thing that MLflow refuses does to the others, on a real store."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

import bvtrack
from bvtrack.journal.folder import unsent_journals
from bvtrack.journal.journal import read_header
from bvtrack.store.bundle import Bundle, Point
from bvtrack.store.writer import MlflowWriter

TOO_LONG = "k" * 300


@pytest.fixture
def writer(store: str, journals: Path) -> MlflowWriter:
    """Writes to a run of its own."""
    with bvtrack.Tracker(tracking_uri=store) as tracker:
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
    (journal,) = unsent_journals(journals)
    return MlflowWriter(store, read_header(journal), None)


def test_what_is_refused_again_is_named_once_however_long_it_is_by_then(writer: MlflowWriter) -> None:
    for value in ("x", "a longer value"):
        writer.write(Bundle(tags={TOO_LONG: value, "taken": value}))

    assert [words.partition(";")[0] for words in writer.refused] == [f"the tag {TOO_LONG} (1 bytes"]


def test_what_was_refused_before_is_not_named_again(writer: MlflowWriter, store: str) -> None:
    writer.write(Bundle(tags={TOO_LONG: "x", "taken": "x"}))
    next_one = MlflowWriter(store, writer._header, writer.run_id, refused=writer.refused)
    next_one.write(Bundle(tags={TOO_LONG: "y"}))

    assert next_one.refused == writer.refused


@pytest.mark.parametrize(
    "bundle",
    [Bundle(points=[Point("one", 0.1, 1, 0)]), Bundle(tags={"one": "tag"}), Bundle(note="a note")],
    ids=["a metric", "a tag", "the description"],
)
def test_a_deleted_run_refuses_one_thing_no_more_than_all(writer: MlflowWriter, store: str, bundle: Bundle) -> None:
    client = MlflowClient(store)
    client.delete_run(writer.find_run())
    with pytest.raises(MlflowException, match="must be in the 'active' state"):
        writer.write(bundle)
    client.restore_run(writer.find_run())
    writer.write(bundle)

    assert writer.refused == []

"""A thousand journals with every kind of damage: no traceback, no whole record lost, none wrong sent."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import memory_store
import pytest
from click.testing import CliRunner
from memory_store import MemoryClient, MemoryStore
from mlflow import MlflowClient
from written_journals import has_header, is_whole, whole_records, written_training

import bvtrack
from bvtrack.cli import main
from bvtrack.journal.folder import unsent_journals
from bvtrack.shipping import shipper
from bvtrack.shipping.sync import pending_journals, send
from bvtrack.store import writer as mlflow_writer

N_JOURNALS = 10_000 if os.environ.get("BVTRACK_SOAK") else 1000
N_EPOCHS = 25


def flip(file: Path, chance: random.Random) -> None:
    content = bytearray(file.read_bytes())
    for _ in range(chance.choice([1, 1, 1, 2, 9])):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    file.write_bytes(content)


def change_a_digit(file: Path, chance: random.Random) -> None:
    content = bytearray(file.read_bytes())
    digits = [place for place, byte in enumerate(content) if chr(byte).isdigit()]
    if digits:
        content[chance.choice(digits)] = ord(chance.choice("0123456789"))
    file.write_bytes(content)


def zero_fill(file: Path, chance: random.Random) -> None:
    content = bytearray(file.read_bytes())
    start = chance.randrange(len(content))
    end = min(len(content), start + chance.choice([1, 40, 512, 4096]))
    content[start:end] = bytes(end - start)
    file.write_bytes(content)


def cut_off(file: Path, chance: random.Random) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: chance.randrange(len(content))])


def take_out(file: Path, chance: random.Random) -> None:
    content = file.read_bytes()
    start = chance.randrange(len(content))
    file.write_bytes(content[:start] + content[start + chance.choice([1, 40, 512]) :])


def double(file: Path, chance: random.Random) -> None:
    content = file.read_bytes()
    start = chance.randrange(len(content))
    file.write_bytes(content[:start] + content[start // 2 :])


def remove(file: Path, chance: random.Random) -> None:
    file.unlink()


def swap_with_another(file: Path, chance: random.Random) -> None:
    other = chance.choice(sorted(path for path in file.parent.iterdir() if path.suffix == file.suffix))
    first, second = file.read_bytes(), other.read_bytes()
    file.write_bytes(second)
    other.write_bytes(first)


DAMAGE: list[Callable[[Path, random.Random], None]] = [
    flip,
    change_a_digit,
    zero_fill,
    cut_off,
    take_out,
    double,
    remove,
    swap_with_another,
]


def spoil(journal: Path, chance: random.Random) -> None:
    for _ in range(chance.choice([1, 1, 2, 4])):
        files = sorted(path for path in journal.iterdir() if path.is_file() and path.stat().st_size)
        if files:
            weights = [8 if path.suffix == ".jsonl" else 1 for path in files]
            chance.choice(DAMAGE)(chance.choices(files, weights)[0], chance)


@pytest.fixture
def patterns(journals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Journals as trainings leave them: closed and killed, in one part and in several, unsent, half sent, and folded."""
    monkeypatch.setattr(mlflow_writer, "MlflowClient", MemoryClient)
    monkeypatch.setattr("bvtrack.shipping.report_writer.ReportWriter.write", lambda *_: None)
    found = []
    for is_closed in (True, False):
        for segment_bytes, n_sent in [(1 << 20, 0), (1 << 20, 4), (1500, 0), (1500, 4), (1500, 12)]:
            monkeypatch.setattr("bvtrack.journal.journal.SEGMENT_BYTES", segment_bytes)
            monkeypatch.setattr(memory_store, "STORE", MemoryStore())
            tracker = bvtrack.Tracker(tracking_uri="http://127.0.0.1:9")
            for epoch in range(N_EPOCHS):
                tracker.log_epoch(epoch, train_error=0.01, dev_error=error_of(epoch))
            if is_closed:
                tracker.close()
            del tracker
            (journal,) = unsent_journals(journals)
            sender = shipper.Shipper(journal, "http://127.0.0.1:9", chunk_bytes=500)
            for _ in range(n_sent):
                sender.ship()
            found.append(journal.rename(tmp_path / journal.name))
    return found


def error_of(epoch: int) -> float:
    return round(0.3 - epoch / 1000, 7)


def epochs_in(journal: Path) -> dict[int, float]:
    found = whole_records(journal) if journal.exists() else []
    return {one["epoch"]: one["errors"]["dev"] for one in found if one["kind"] == "epoch"}


def epochs_on_the_server() -> dict[int, float]:
    points = [point for run in memory_store.STORE.runs.values() for point in run.points if point[0] == "bvtrack/dev_error"]
    return {step: value for _, step, value, _ in points}


def test_no_damage_ends_in_a_traceback_a_loss_or_a_wrong_point(
    patterns: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(N_JOURNALS):
        chance = random.Random(number)
        pattern = patterns[number % len(patterns)]
        folder = tmp_path / "damaged"
        journal = folder / pattern.name
        shutil.copytree(pattern, journal)
        monkeypatch.setattr(memory_store, "STORE", MemoryStore())
        spoil(journal, chance)
        whole = epochs_in(journal)
        is_known = has_header(journal)
        is_all_whole = all(is_whole(file) for file in journal.glob("*.jsonl"))
        said = [send(pending, lambda offset: None).problem for pending in pending_journals(folder, None)]
        sent = epochs_on_the_server()

        assert all(value == error_of(epoch) for epoch, value in sent.items()), number
        assert whole.items() <= (sent if is_known else epochs_in(journal)).items(), (number, said)
        assert is_all_whole or (journal.exists() and said != [None]), number
        assert not any("Error:" in problem or "Traceback" in problem for problem in said if problem), (number, said)
        shutil.rmtree(folder)


@pytest.mark.parametrize(("spoilt", "status"), [(b'"kind":"end"', "RUNNING"), (b'"epoch":3,', "FINISHED")])
def test_a_training_whose_last_word_cannot_be_read_is_not_ended_as_interrupted(
    spoilt: bytes, status: str, patterns: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_store, "STORE", MemoryStore())
    (tmp_path / "damaged").mkdir()
    journal = patterns[0].rename(tmp_path / "damaged" / patterns[0].name)
    (segment,) = journal.glob("0*.jsonl")
    segment.write_bytes(segment.read_bytes().replace(spoilt, b"#" * len(spoilt)))
    (said,) = [send(pending, lambda offset: None).problem for pending in pending_journals(journal.parent, None)]
    (run,) = memory_store.STORE.runs.values()

    assert run.status == status
    assert said is not None
    assert "all that is whole has been sent, and the journal is kept: the line at byte " in said
    assert journal.exists()


def test_a_part_that_is_torn_holds_up_none_behind_it_and_keeps_its_journal(
    store: str, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bvtrack.journal.journal.SEGMENT_BYTES", 3000)
    written_training(store, n_epochs=40)
    (journal,) = unsent_journals(journals)
    first, *others = sorted(journal.glob("0*.jsonl"))
    first.write_bytes(first.read_bytes()[:-30])
    answer = CliRunner().invoke(main, ["sync"])
    client = MlflowClient(store)
    (run,) = client.search_runs(["0"])
    n_sent = len(client.get_metric_history(run.info.run_id, "bvtrack/dev_error"))

    assert len(others) > 1
    assert (answer.exit_code, n_sent, run.info.status) == (1, 39, "FINISHED")
    assert f"{first.name} does not end where the next part begins" in answer.output
    assert all(path.exists() for path in (first, *others))


def test_one_damaged_journal_holds_up_no_other(store: str, journals: Path) -> None:
    for _ in range(3):
        written_training(store, n_epochs=2)
    first, second, third = unsent_journals(journals)
    for path in second.iterdir():
        path.write_bytes(b"\0" * path.stat().st_size)
    answer = CliRunner().invoke(main, ["sync"])

    assert answer.exit_code == 1
    assert len(MlflowClient(store).search_runs(["0"])) == 2
    assert unsent_journals(journals) == [second]
    assert not any(journal.exists() for journal in (first, third))

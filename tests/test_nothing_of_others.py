"""Nothing is removed or written over that this program cannot prove it wrote."""

from __future__ import annotations

import ast
import os
import random
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from test_journal_life import digest_of
from written_journals import written_training

import bvtrack
from bvtrack.cli import main
from bvtrack.journal.folder import unsent_journals
from bvtrack.shipping.progress import Progress
from bvtrack.tracking import split_cache
from bvtrack_keras.backup import Backup

ROOT = Path(bvtrack.__file__).parent.parent
REMOVING = {
    "unlink",
    "rmtree",
    "rmdir",
    "remove",
    "removedirs",
    "replace",
    "rename",
    "renames",
    "truncate",
    "ftruncate",
    "move",
}
KNOWN = {
    "bvtrack/adapters/round_session.py:_note",  # the user's resume_file, where what is there is a state of ours
    "bvtrack/journal/private_files.py:remove_file",  # a regular file, by a caller that knows its name
    "bvtrack/journal/private_files.py:write_private",  # one file by its exact name, over the last one of it
    "bvtrack/journal/folder.py:_remove_folder",  # a folder of a journal's name, when it is empty
    "bvtrack/journal/journal.py:close",  # the part of a record that a full disk took, in a file that is open for writing
    "integrations/bvtrack_keras/backup.py:note",  # bvtrack.json, where what is there was a note of ours
    "integrations/bvtrack_keras/backup.py:forget",
    "integrations/bvtrack_lightning/letter.py:post",  # a file of a random name of ours
    "integrations/bvtrack_lightning/letter.py:take",
    "integrations/bvtrack_lightning/letter.py:_remove",
}


def calls_that_remove(file: Path) -> Iterator[str]:
    """Where a file calls what could remove or replace another: strings and dataclasses are replaced with two arguments."""
    tree = ast.parse(file.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for function in functions:
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and _removes(node):
                yield f"{file.relative_to(ROOT).as_posix()}:{function.name}"


def _removes(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    return name in REMOVING and (name != "replace" or (len(call.args) == 1 and not call.keywords))


def test_only_these_functions_remove_or_replace_files() -> None:
    files = [file for folder in ("bvtrack", "integrations") for file in (ROOT / folder).rglob("*.py")]
    found = {call for file in files for call in calls_that_remove(file)}

    assert found == KNOWN


def test_a_new_call_that_removes_would_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    (tmp_path / "new.py").write_text("def tidy(folder):\n    import shutil\n    shutil.rmtree(folder)\n")

    assert list(calls_that_remove(tmp_path / "new.py")) == ["new.py:tidy"]


OUR_NAMES = [
    "00000000000000000000.jsonl",
    "00000000000000001500.jsonl",
    "kept.jsonl",
    "run.json",
    "progress.json",
    "context.json",
    "progress.tmp",
    "writer",
    "lock",
    "split-verdicts",
    "mlflow.db.setup",
]
"""All but the names of journals' folders, of which a few letters are drawn below."""


def a_name(chance: random.Random) -> str:
    kind = chance.randrange(4)
    if kind == 0:
        return chance.choice(OUR_NAMES)
    if kind == 1:
        return f"2026010{chance.randrange(1, 9)}T000000Z-{chance.randrange(16**4):016x}"
    if kind == 2:
        return f"run-{chance.randrange(99)}"
    return "".join(chance.choices(string.ascii_letters + "-_. é", k=8)).strip(". ") or "x"


def fill(folder: Path, elsewhere: Path, chance: random.Random, depth: int = 2) -> None:
    """Files, folders, links and pipes of somebody else's, old enough to be swept if they were ours."""
    for _ in range(chance.randrange(1, 8)):
        path = folder / a_name(chance)
        if path.is_symlink() or path.exists():
            continue
        kind = chance.randrange(6)
        if kind == 0:
            path.symlink_to(elsewhere)
        elif kind == 1 and os.name == "posix":
            os.mkfifo(path)
        elif kind in (2, 3) and depth:
            path.mkdir()
            fill(path, elsewhere, chance, depth - 1)
        else:
            path.write_bytes(chance.choice([b"precious", b'{"kind":"run"}\n', b"x" * 5000, b'{"kind":"ru']))
        if not path.is_symlink():
            os.utime(path, (1, 1))


@pytest.mark.parametrize("seed", range(25))
def test_no_command_touches_folders_of_others(seed: int, store: str, tmp_path: Path, journals: Path) -> None:
    chance = random.Random(seed)
    mine, elsewhere = tmp_path / "mine", tmp_path / "elsewhere"
    for folder in (mine, elsewhere):
        folder.mkdir()
        fill(folder, elsewhere, chance)
    before = digest_of(mine), digest_of(elsewhere)
    for command in (["sync"], ["sync", "--dry-run"], ["sync", "--ended"], ["split"]):
        CliRunner().invoke(
            main, [command[0], str(mine), *command[1:], *(["--tracking-uri", store] if "sync" in command else [])]
        )

    assert (digest_of(mine), digest_of(elsewhere)) == before


def test_a_journal_is_sent_from_among_others_files_and_they_stay(store: str, journals: Path, tmp_path: Path) -> None:
    (journals / "my-thesis").mkdir(parents=True)
    (journals / "my-thesis" / "chapter1.tex").write_text("precious")
    written_training(store, n_epochs=3)
    (journal,) = unsent_journals(journals)
    (journal / "notes.txt").write_text("why I stopped it")
    (journal / "figures").mkdir()
    answer = CliRunner().invoke(main, ["sync"])

    assert (answer.exit_code, answer.output) == (0, f"{journal.name}: sent to {store}\n")
    assert sorted(path.name for path in journal.iterdir()) == ["figures", "notes.txt"]
    assert (journals / "my-thesis" / "chapter1.tex").read_text() == "precious"


def test_a_journal_can_be_named_itself(store: str, journals: Path) -> None:
    for _ in range(2):
        written_training(store, n_epochs=1)
    first, second = unsent_journals(journals)
    answer = CliRunner().invoke(main, ["sync", str(first)])

    assert (answer.exit_code, answer.output) == (0, f"{first.name}: sent to {store}\n")
    assert unsent_journals(journals) == [second]


def test_a_dry_run_opens_nothing_for_writing(journals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written_training("sqlite:///mlflow.db", n_epochs=3)
    before = digest_of(journals)
    opened = []
    real = os.open

    def noted(path: str, flags: int, *rest: int, **options: int) -> int:
        opened.append(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        return real(path, flags, *rest, **options)

    monkeypatch.setattr(os, "open", noted)
    answer = CliRunner().invoke(main, ["sync", "--dry-run"])

    assert "3 epochs to send" in answer.output
    assert opened
    assert not any(opened)
    assert digest_of(journals) == before


def test_verdicts_of_splits_push_out_the_oldest_of_their_kind_alone(tmp_path: Path) -> None:
    folder = tmp_path / "split-verdicts"
    content: dict[str, Any] = {"datasets": [], "verdict": {}, "class_counts": {}}
    split_cache.store(folder, "0" * 32, content)
    (folder / f"{'a' * 32}.json").write_text('{"mine": true}')
    for path in folder.iterdir():
        os.utime(path, (1, 1))
    for number in range(split_cache.MOST_KEPT):
        split_cache.store(folder, f"{number + 1:032x}", content)

    assert not (folder / f"{'0' * 32}.json").exists()
    assert (folder / f"{'a' * 32}.json").read_text() == '{"mine": true}'


def test_a_file_of_the_users_own_by_the_name_of_kerass_note_stays(tmp_path: Path) -> None:
    (tmp_path / "bvtrack.json").write_text('{"mine": true}')
    backup = Backup(tmp_path)
    with pytest.raises(ValueError, match="must be a note of bvtrack's, got another file"):
        backup.note(bvtrack.Tracker())
    backup.forget()

    assert (tmp_path / "bvtrack.json").read_text() == '{"mine": true}'


def test_a_file_beside_a_new_store_that_has_the_name_of_its_guard_stays(tmp_path: Path) -> None:
    from bvtrack.store.setup_lock import first_use_of

    guard = tmp_path / "mlflow.db.bvtrack-setup"
    guard.write_text("precious")
    with first_use_of(f"sqlite:///{tmp_path}/mlflow.db"):
        pass

    assert guard.read_text() == "precious"


@pytest.mark.skipif(os.name != "posix", reason="Windows has other links")
def test_keras_note_goes_through_no_link_and_over_no_draft(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("precious")
    (tmp_path / "bvtrack.tmp").write_text("a draft of mine")
    backup = Backup(tmp_path)
    backup.note(bvtrack.Tracker())
    backup.note(bvtrack.Tracker())
    backup.forget()
    for target in ("target", "nowhere"):
        (tmp_path / "bvtrack.json").symlink_to(tmp_path / target)
        with pytest.raises(ValueError, match="got another file"):
            backup.note(bvtrack.Tracker())
        (tmp_path / "bvtrack.json").unlink()

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "target": "precious",
        "bvtrack.tmp": "a draft of mine",
    }


def test_a_journal_that_was_emptied_after_some_of_it_was_sent_is_not_swept(store: str, journals: Path) -> None:
    written_training(store, n_epochs=3)
    (journal,) = unsent_journals(journals)
    (segment,) = journal.glob("0*.jsonl")
    Progress(segment.stat().st_size, store=store, run_id="0" * 32).save(journal)
    segment.write_bytes(b"")
    os.utime(journal, (1, 1))
    answer = CliRunner().invoke(main, ["sync"])

    assert (answer.exit_code, "its end is missing" in answer.output) == (1, True)
    assert unsent_journals(journals) == [journal]

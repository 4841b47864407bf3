"""Open a log by what it is: a file, or a folder in which a trainer has left some."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from bvtrack.logfiles.boosting import CATBOOST_TABLES, catboost_folder
from bvtrack.logfiles.event_files import event_files_in, is_event_file, runs_in_events
from bvtrack.logfiles.exported import is_of_runs, is_one_metric, run_of_one_metric, runs_of_export
from bvtrack.logfiles.folders import KNOWN_FILES, is_of_catboost, known_logs, other_logs
from bvtrack.logfiles.json_log import looks_like_json, read_json, runs_in_json
from bvtrack.logfiles.logged_file import LoggedFile, UnreadableLogError
from bvtrack.logfiles.mlflow_folder import is_metric_file, is_run_folder, run_of_folder, run_of_metric_file
from bvtrack.logfiles.params_beside import params_beside
from bvtrack.logfiles.records import runs_in
from bvtrack.logfiles.table_text import read_rows

GZIP = b"\x1f\x8b"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def read_log(path: Path, *, is_growing: bool = False) -> list[LoggedFile]:
    """The runs in a log file, or in a folder of them. Of a file that `is_growing`, a last line without an end is not read: its
    last number may go on.

    Raises `UnreadableLogError` with what was expected and what arrived, and `OSError` for what cannot be opened.
    """
    return list(_in_folder(path, is_growing) if path.is_dir() else _in_file(path, is_growing))


def _in_file(path: Path, is_growing: bool) -> Iterator[LoggedFile]:
    if is_event_file(path):
        return runs_in_events([path], path.parent, str(path))
    if is_metric_file(path):
        return iter([run_of_metric_file(path)])
    if path.name in CATBOOST_TABLES:
        return iter([catboost_folder(path.parent, str(path.parent))])
    text = _text(path)
    if is_growing and not looks_like_json(text):
        text = text[: text.rfind("\n") + 1]
    return runs_in_text(text, path)


def runs_in_text(text: str, path: Path) -> Iterator[LoggedFile]:
    """The runs in the text of the file at `path`. Raises `UnreadableLogError` as `read_log` does."""
    params = params_beside(path)
    if looks_like_json(text):
        return runs_in_json(read_json(text), str(path), params)
    rows = read_rows(text)
    columns = list(dict.fromkeys(name for record in rows.records for name in record))
    if is_of_runs(columns):
        return runs_of_export(rows, path)
    if is_one_metric(columns, path):
        return iter([run_of_one_metric(rows, path, params)])
    return runs_in(rows, str(path), params)


def _in_folder(folder: Path, is_growing: bool) -> Iterator[LoggedFile]:
    """The runs in a folder: in its own logs, else in event files, else in what has the ending of a log."""
    if is_run_folder(folder):
        return iter([run_of_folder(folder)])
    if is_of_catboost(folder):
        return iter([catboost_folder(folder, str(folder))])
    known = list(known_logs(folder))
    runs, problems = _in_each(known, is_growing)
    if not runs and (events := event_files_in(folder)):
        return runs_in_events(events, folder, str(folder))
    if not runs:
        runs, others = _in_each((path for path in other_logs(folder) if path not in known), is_growing)
        problems += others
    if not runs:
        expected = f"expected a log in the folder, found none called {', '.join(KNOWN_FILES[:4])} …, nor event files"
        raise UnreadableLogError(problems[0] if problems else expected)
    said = [f"not read in the folder ({len(problems)}): {problems[0]}"] if problems else []
    return iter([runs[0].with_remarks(*said), *runs[1:]])


def _in_each(paths: Iterable[Path], is_growing: bool) -> tuple[list[LoggedFile], list[str]]:
    """The runs in these files, and the reasons why some could not be read."""
    runs: list[LoggedFile] = []
    problems = []
    for path in paths:
        try:
            runs += read_log(path, is_growing=is_growing)
        except UnreadableLogError as error:
            problems.append(f"{path.name} ({error})")
    return runs, problems


def _text(path: Path) -> str:
    content = path.read_bytes()
    if content.startswith(GZIP):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableLogError(f"expected a gzip file, got one that breaks off or is damaged ({error})") from error
    return decoded(content)


def decoded(content: bytes) -> str:
    """The text of a file, be it UTF-8, UTF-16 with a mark, or Windows's. Raises `UnreadableLogError` for what is none."""
    if content.startswith(UTF_16):
        return content.decode("utf-16", errors="replace")
    if b"\0" in content:
        raise UnreadableLogError("expected a text file or one of TensorBoard's (called …tfevents…), got a binary file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result
from example_logs import course, keras, lightning, losses, mlruns, trainer_state

from bvtrack.cli import main

QUICK = ("--interval", "0.05", "--idle", "0.3")


def watch(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["watch", *map(str, arguments)])


class Writer:
    """Writes pieces from a thread, each after the watch has looked at the log with the one before. It is the watch's clock,
    too, on which no time passes until all is written: on a machine with other work, too, no watch ends before its log.
    """

    def __init__(self, path: Path, pieces: Sequence[str], mode: str) -> None:
        self.n_written = 0
        self._path, self._pieces, self._mode = path, pieces, mode
        self._looks = threading.Semaphore(0)
        self._is_over = False
        self._ended: float | None = None
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def monotonic(self) -> float:
        if self._thread.is_alive() or self._ended is None:
            self._ended = None if self._thread.is_alive() else time.monotonic()
            return 0.0
        return time.monotonic() - self._ended

    def sleep(self, seconds: float) -> None:
        self._looks.release()
        time.sleep(seconds)

    def end(self) -> None:
        self._is_over = True
        self._looks.release()
        self._thread.join()

    def _write(self) -> None:
        for piece in self._pieces:
            self._looks.acquire()
            if self._is_over:
                return
            with self._path.open(self._mode) as file:
                file.write(piece)
            self.n_written += 1


@contextmanager
def writing(path: Path, pieces: Sequence[str], mode: str = "a") -> Iterator[Writer]:
    """Write the pieces, one after the other, while a watch follows them."""
    with pytest.MonkeyPatch.context() as patch:
        writer = Writer(path, pieces, mode)
        patch.setattr("bvtrack.commands.watch.time", writer)
        try:
            yield writer
        finally:
            writer.end()


def said(result: Result) -> list[str]:
    return result.stdout.splitlines()


def test_each_change_of_the_verdict_is_one_line_and_the_end_another(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    with writing(path, keras("overtrains").splitlines(keepends=True)):
        result = watch(path, *QUICK)
    lines = said(result)
    curves = [line.split("curve: ")[1].split(";")[0] for line in lines if "curve: " in line]

    assert result.exit_code == 0
    assert curves[-1] == "overtrained"
    assert lines[-1].startswith("Last: ")
    assert len(lines) <= 7
    assert len(set(lines)) == len(lines)


def test_a_file_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "later" / "log.csv"
    path.parent.mkdir()
    with writing(path, [keras("varies")]):
        result = watch(path, *QUICK)

    assert "waiting: there is no such file yet" in said(result)[0]
    assert "High variance" in said(result)[-1]


def test_a_file_that_never_comes_is_an_error(tmp_path: Path) -> None:
    result = watch(tmp_path / "log.csv", *QUICK)

    assert result.exit_code == 2
    assert "expected a log that can be judged, got none: there is no such file yet" in result.stderr


def test_a_line_is_read_once_it_is_whole(tmp_path: Path) -> None:
    """Half of a number is another number: of the accuracy 0.985 only 0."""
    path = tmp_path / "log.csv"
    path.write_text(losses_and_accuracies() + "12,0.99,0.")
    with writing(path, ["985\n"]):
        result = watch(path, *QUICK)

    assert len(said(result)) == 2
    assert "epoch 12" in said(result)[-1]


def losses_and_accuracies() -> str:
    it = course("fits")
    return "epoch,acc,val_acc\n" + "".join(f"{n},{it.acc[n]},{it.val_acc[n]}\n" for n in range(12))


@pytest.mark.parametrize("written", [keras("fits"), lightning("fits"), losses_and_accuracies()])
def test_a_log_cut_off_anywhere_is_read(written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, codes = tmp_path / "log.csv", []
    monkeypatch.setattr("bvtrack.commands.watch.time", SimpleNamespace(monotonic=count().__next__, sleep=lambda seconds: None))
    for end in range(0, len(written), max(len(written) // 40, 1)):
        path.write_text(written[:end])
        result = watch(path, "--interval", "0.05", "--idle", "5")
        codes.append(result.exit_code)

        assert result.exception is None or isinstance(result.exception, SystemExit)
    assert codes == sorted(codes, reverse=True), "it can be judged, and cannot with more of it"
    assert {*codes} == {0, 2}


def test_a_log_that_is_begun_anew_is_read_from_its_new_start(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(keras("overtrains"))
    with writing(path, [keras("varies")], mode="w"):
        result = watch(path, *QUICK)

    assert "curve: overtrained" in said(result)[0]
    assert "High variance" in said(result)[-1]
    assert "overtrained" not in said(result)[-1]


def test_a_file_that_is_written_anew_at_each_checkpoint_may_be_half_written(tmp_path: Path) -> None:
    path, whole = tmp_path / "trainer_state.json", trainer_state("overtrains", has_accuracy=True)
    path.write_text(whole)
    with writing(path, [whole[: len(whole) // 2], whole + " "], mode="w"):
        result = watch(path, *QUICK)

    assert result.exit_code == 0
    assert len([line for line in said(result) if line.startswith("Last: ")]) == 1


def test_a_folder_is_followed_too(tmp_path: Path) -> None:
    for name, content in mlruns("varies"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)

    assert "High variance" in said(watch(tmp_path, *QUICK))[-1]


def test_a_tag_that_is_found_for_good_ends_the_watch_at_once(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = keras("overtrains").splitlines(keepends=True)
    with writing(path, rows) as writer:
        result = watch(path, "--interval", "0.05", "--idle", "3600", "--fail-on", "overtrained,diverged")

    assert result.exit_code == 1
    assert f"--fail-on: {path} is overtrained" in result.stderr
    assert writer.n_written < len(rows)


def test_a_loss_that_is_no_number_ends_the_watch_at_its_first_row(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("".join(keras("diverges").splitlines(keepends=True)[:5]))

    assert watch(path, "--interval", "0.05", "--idle", "30", "--fail-on", "diverged").exit_code == 1


@pytest.mark.parametrize("kind", ["fits", "varies"])
def test_a_training_on_its_way_raises_no_alarm(kind: str, tmp_path: Path) -> None:
    """At first every training has a high train error, and is no better than a guess."""
    path = tmp_path / "log.csv"
    with writing(path, keras(kind).splitlines(keepends=True)):
        result = watch(path, *QUICK, "--fail-on", "high_bias,not_learning,diverged,overtrained")

    assert result.exit_code == 0, result.output


def test_one_bad_epoch_is_no_alarm(tmp_path: Path) -> None:
    it, path = course("fits"), tmp_path / "log.csv"
    accuracies = [0.6 if n == 6 else one for n, one in enumerate(it.val_acc)]
    rows = ["epoch,acc,val_acc\n", *(f"{n},{it.acc[n]},{accuracies[n]}\n" for n in range(12))]
    with writing(path, rows):
        result = watch(path, *QUICK, "--fail-on", "overtrained,unstable,diverged")

    assert result.exit_code == 0, result.output


def test_what_the_end_shows_counts_without_a_second_look(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("epoch,acc,val_acc\n0,0.6,0.55\n1,0.99,0.6\n")

    assert watch(path, *QUICK, "--fail-on", "high_variance").exit_code == 1


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_watch_with_its_last_word(sent: signal.Signals, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(keras("varies"))
    command = [sys.executable, "-m", "bvtrack", "watch", str(path), "--interval", "0.2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "High variance" in process.stdout.readline()
        assert not any(file.samefile(path) for file in open_files(process.pid))
        process.send_signal(sent)
        rest = process.stdout.read()

    assert "Last: " in rest
    assert process.returncode == 0


def open_files(process: int) -> list[Path]:
    links = Path(f"/proc/{process}/fd")
    found = [link.readlink() for link in links.iterdir()] if links.exists() else []
    return [path for path in found if path.exists()]


def test_a_reading_is_followed_by_a_pause_of_twenty_times_its_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.csv"
    pauses: list[float] = []
    path.write_text(keras("fits"))
    clock = SimpleNamespace(monotonic=count().__next__, sleep=pauses.append)  # to read the log takes a second, and to judge it
    monkeypatch.setattr("bvtrack.commands.watch.time", clock)
    monkeypatch.setattr("bvtrack.logfiles.following.time", clock)
    watch(path, "--interval", "0.05", "--idle", "30")

    assert pauses[0] == 20 * (1 + 1)
    assert {*pauses[1:]} == {0.05}  # after looks at which nothing has changed


def test_losses_alone_are_watched(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(losses("overtrains"))

    assert "curve: overtrained" in said(watch(path, *QUICK))[-1]


def test_json_lines_are_followed(tmp_path: Path) -> None:
    path, it = tmp_path / "log.jsonl", course("varies")
    lines = [json.dumps({"epoch": n, "acc": it.acc[n], "val_acc": it.val_acc[n]}) + "\n" for n in range(12)]
    with writing(path, [part for line in lines for part in (line[:20], line[20:])]):
        result = watch(path, *QUICK)

    assert "High variance" in said(result)[-1]

"""What stands on the screen at the end of real trainings: no line of ours within a progress bar."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")

WIDTH = 400
"""Columns of the terminal: no line is as long."""
CONTROL = re.compile(r"\x1b\[[?\d;]*([A-Za-z])")


def screen(program: str, folder: Path, store: str) -> list[str]:
    """The lines of a terminal in which Python has run this program, as a person sees them in the end."""
    import fcntl
    import pty
    import struct
    import termios

    (folder / "program.py").write_text(program)
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    process, terminal = pty.fork()
    if process == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, WIDTH, 0, 0))
        here = {"PYTHONPATH": path, "TERM": "xterm", "MLFLOW_TRACKING_URI": store}
        os.execve(sys.executable, [sys.executable, "program.py"], {**os.environ, **here})
    written = b""
    try:
        while some := os.read(terminal, 1 << 16):
            written += some
    except OSError:  # Linux tells so that the other side has closed
        pass
    os.close(terminal)
    assert os.waitpid(process, 0)[1] == 0, written.decode(errors="replace")[-2000:]
    return drawn(written.decode(errors="replace"))


def drawn(written: str) -> list[str]:
    """The lines that a terminal shows, of the control characters those that progress bars use."""
    lines: list[list[str]] = [[]]
    row = column = place = 0
    while place < len(written):
        if control := CONTROL.match(written, place):
            place = control.end()
            number = int("".join(filter(str.isdigit, control[0])) or 1)
            if control[1] == "A":
                row = max(row - number, 0)
            elif control[1] == "K":
                lines[row] = [] if control[0] == "\x1b[2K" else lines[row][:column]
            continue
        character, place = written[place], place + 1
        if character == "\r":
            column = 0
        elif character == "\b":
            column = max(column - 1, 0)
        elif character == "\n":
            row += 1
            lines.extend([] for _ in range(row + 1 - len(lines)))
        else:
            lines[row] += [" "] * (column + 1 - len(lines[row]))
            lines[row][column] = character
            column += 1
    return ["".join(line).rstrip() for line in lines]


def endings(lines: list[str]) -> list[list[str]]:
    """Of each part of a program that says "the end" the lines from ours on; fails where one of ours does not stand alone."""
    assert all(line.startswith("bvtrack: ") for line in lines if "bvtrack: " in line), lines
    parts: list[list[str]] = [[]]
    for line in filter(None, lines):
        if line == "the end":
            parts.append([])
        elif parts[-1] or line.startswith("bvtrack: "):
            parts[-1].append(line)
    return [part for part in parts if part]


LIGHTNING = """
import warnings

import lightning.pytorch as lightning
from lightning.pytorch.callbacks import RichProgressBar, TQDMProgressBar
from small_nets import Net

from bvtrack_lightning import BiasVarianceCallback

warnings.filterwarnings("ignore")
options = {"logger": False, "enable_checkpointing": False, "enable_model_summary": False, "accelerator": "cpu"}
for bar in RichProgressBar(), TQDMProgressBar():
    lightning.Trainer(max_epochs=1, callbacks=[BiasVarianceCallback(), bar], **options).fit(Net())
    print("the end")
"""
KERAS = """
import contextlib

import keras
import numpy as np

from bvtrack_keras import BiasVarianceCallback

x = np.random.default_rng(0).normal(size=(200, 4)).astype("float32")
y = (x[:, 0] > 0).astype(int)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])


class Stop(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if self.params["epochs"] == 2 and batch == 2 and self.model.optimizer.iterations > 14:
            raise KeyboardInterrupt


for epochs in 1, 2:
    callback = BiasVarianceCallback(train_data=(x, y), dev_data=(x + 1, y))
    with contextlib.suppress(KeyboardInterrupt), callback:
        model.fit(x, y, validation_data=(x + 1, y), epochs=epochs, callbacks=[callback, Stop()])
    print("the end")
"""
OPEN_BAR = """
from tqdm import tqdm

import bvtrack

for fold in tqdm(range(2)):
    with bvtrack.Tracker(run_name=str(fold)) as tracker:
        tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
print("the end")
"""


def test_the_summary_stands_below_lightnings_bar(store: str, tmp_path: Path) -> None:
    below_rich, below_tqdm = endings(screen(LIGHTNING, tmp_path, store))

    for verdict, page in (below_rich, below_tqdm):
        assert re.search(r"\((likely|unclear|certain)\).*Errors at epoch 0", verdict)
        assert re.search(r"ui --tracking-uri sqlite:\S+mlflow.db` shows it: run [0-9a-f]{32}$", page)


def test_the_summary_stands_below_keras_bar_also_where_that_was_left_open(store: str, tmp_path: Path) -> None:
    (complete, page), (interrupted, _) = endings(screen(KERAS, tmp_path, store))

    assert "Errors at epoch 0: " in complete
    assert "shows it: run" in page
    assert interrupted.startswith("bvtrack: Interrupted, so far: ")


def test_a_bar_around_several_trainings_does_not_share_its_line(store: str, tmp_path: Path) -> None:
    (words,) = endings(screen(OPEN_BAR, tmp_path, store))

    assert [line.partition("(")[0] for line in words if line.startswith("bvtrack: High")] == ["bvtrack: High variance "] * 2
    assert words[-1].startswith("100%")

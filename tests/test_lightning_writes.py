"""What a step writes elsewhere is written by the training alone, not by passes that measure the train and the test error."""

from __future__ import annotations

import csv
import functools
import socket
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from lightning.pytorch.loggers import CSVLogger
from small_nets import Net, fit, held_out, tracked
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.writer import FileWriter

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning warns of workers, versions and its own future

Kind = tuple[Callable[[Path], Any], Callable[[Any], int]]
ROWS: list[float] = []
FILE: Any = None
OPENED: list[Any] = []


def opened(path: Path) -> Any:
    OPENED.append(path.open("w"))
    return OPENED[-1]


class Meter:
    """A writer of the user's own."""

    def __init__(self, path: Path) -> None:
        self.rows: list[float] = []
        self.file = opened(path)

    def log_metric(self, value: float) -> None:
        self.rows.append(value)
        self.file.write(f"{value}\n")


class Writes(Net):
    """Does with each validation batch what `write` does, a function that is called with the module and a value."""

    def __init__(self, write: Callable[[Any, float], Any], **attributes: Any) -> None:
        super().__init__()
        self.write = write
        vars(self).update(attributes)

    def validation_step(self, batch: Any, batch_index: int) -> None:
        accuracy = self.right(batch).mean()
        self.log("val_acc", accuracy)
        self.write(self, float(accuracy))


class Inherits(Net):
    """Collects in a list of its class."""

    kept: list[float] = []  # noqa: RUF012  # as people write it

    def validation_step(self, batch: Any, batch_index: int) -> None:
        super().validation_step(batch, batch_index)
        self.kept.append(1.0)
        ROWS.append(1.0)
        _helper()


def _helper() -> None:
    if FILE is not None:
        print("1", file=FILE)


def of_mlflow(path: Path) -> tuple[Any, Callable[[], int]]:
    run = mlflow.start_run()
    module = Writes(lambda module, value: mlflow.log_metric("mine", value))
    return module, lambda: n_points(run)


def of_a_client(path: Path) -> tuple[Any, Callable[[], int]]:
    run, client = mlflow.start_run(), mlflow.MlflowClient()
    write = lambda module, value: module.client.log_metric(run.info.run_id, "mine", value)  # noqa: E731
    return Writes(write, client=client), lambda: n_points(run)


def of_a_stored_method(path: Path) -> tuple[Any, Callable[[], int]]:
    run = mlflow.start_run()
    send = functools.partial(mlflow.MlflowClient().log_metric, run.info.run_id, "mine")
    return Writes(lambda module, value: module.send(value), send=send), lambda: n_points(run)


def of_tensorboard(path: Path) -> tuple[Any, Callable[[], int]]:
    EVENTS.clear()
    writer = SummaryWriter(str(path / "events"))
    return Writes(lambda module, value: module.board.add_scalar("mine", value), board=writer), n_events


def of_a_board_in_a_closure(path: Path) -> tuple[Any, Callable[[], int]]:
    EVENTS.clear()
    writer = SummaryWriter(str(path / "events"))
    return Writes(lambda module, value: writer.add_scalar("mine", value)), n_events


def of_a_file(path: Path) -> tuple[Any, Callable[[], int]]:
    file = opened(path / "kept.csv")
    rows = csv.writer(file)
    write = lambda module, value: (module.file.write("a\n"), module.rows.writerow([value]))  # noqa: E731
    return Writes(write, file=file, rows=rows), lambda: file.flush() or n_lines(path / "kept.csv")


def of_a_file_that_grows(path: Path) -> tuple[Any, Callable[[], int]]:
    def write(module: Any, value: float) -> None:
        with (path / "grown.txt").open("a") as file:
            file.write("one\n")

    return Writes(write), lambda: n_lines(path / "grown.txt")


def of_a_meter(path: Path) -> tuple[Any, Callable[[], int]]:
    meter = Meter(path / "meter.txt")
    write = lambda module, value: (module.meter.log_metric(value), module.note(value))  # noqa: E731
    n = lambda: (meter.file.flush(), len(meter.rows) + n_lines(path / "meter.txt"))[1]  # noqa: E731
    return Writes(write, meter=meter, note=meter.log_metric), n


def of_a_closure(path: Path) -> tuple[Any, Callable[[], int]]:
    kept: list[float] = []
    return Writes(lambda module, value: kept.append(value)), lambda: len(kept)


def of_globals(path: Path) -> tuple[Any, Callable[[], int]]:
    global FILE
    FILE = opened(path / "global.txt")
    ROWS.clear()
    Inherits.kept.clear()
    return Inherits(), lambda: FILE.flush() or len(ROWS) + len(Inherits.kept) + n_lines(path / "global.txt")


KINDS = [
    of_mlflow,
    of_a_client,
    of_a_stored_method,
    of_tensorboard,
    of_a_board_in_a_closure,
    of_a_file,
    of_a_file_that_grows,
    of_a_meter,
    of_a_closure,
    of_globals,
]
EVENTS: list[Any] = []


@pytest.fixture(autouse=True)
def here(store: str, monkeypatch: pytest.MonkeyPatch, send: Callable[[], None]) -> Iterator[None]:
    """TensorBoard's events are counted where they would be put into a file."""
    global FILE
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setattr(FileWriter, "add_event", lambda self, event, *_, **__: EVENTS.append(event))
    yield
    FILE = None
    while OPENED:
        OPENED.pop().close()


def n_points(run: Any) -> int:
    return len(mlflow.MlflowClient().get_metric_history(run.info.run_id, "mine"))


def n_events() -> int:
    return len([event for event in EVENTS if event.HasField("summary")])


def n_lines(path: Path) -> int:
    return len(path.read_text().splitlines())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_writer_has_no_more_points_with_the_callback_than_without(kind: Any, tmp_path: Path) -> None:
    counts = []
    for name, callbacks in {"bare": [], "tracked": [tracked(test_every=1, test_dataloaders=held_out())]}.items():
        (tmp_path / name).mkdir()
        module, n = kind(tmp_path / name)
        fit(module, *callbacks, num_sanity_val_steps=0)
        counts.append(n())
        mlflow.end_run()

    assert counts[0] == counts[1] > 0


def test_a_logger_and_what_was_taken_from_it_write_no_more(tmp_path: Path) -> None:
    class Takes(Writes):
        def setup(self, stage: str) -> None:
            logger: Any = self.logger
            self.taken, self.noted = logger.experiment, logger.log_metrics

    def write(module: Any, value: float) -> None:
        module.logger.log_metrics({"mine": value})
        module.taken.log_metrics({"mine": value})
        module.noted({"mine": value})

    counts = []
    for name, callbacks in {"bare": [], "tracked": [tracked()]}.items():
        logger = CSVLogger(tmp_path / name)
        fit(Takes(write), *callbacks, logger=logger, num_sanity_val_steps=0)
        counts.append(n_lines(Path(logger.log_dir) / "metrics.csv"))

    assert counts[0] == counts[1]


def write_a_file(module: Any, value: float) -> None:
    Path("results.json").write_text("{}")


def send_a_word(module: Any, value: float) -> None:
    here, there = socket.socketpair()
    with here, there:
        here.sendall(b"one")


@pytest.mark.parametrize(("write", "words"), [(write_a_file, "results.json"), (send_a_word, "socket.sendall")])
def test_a_write_that_cannot_be_held_back_is_said_once(write: Any, words: str, said: list[str]) -> None:
    fit(Writes(write), tracked())
    messages = list(said)
    said.clear()

    assert len(messages) == 1
    assert words in messages[0]
    assert "train_eval='running'" in messages[0]


def test_nothing_of_the_libraries_is_changed_afterwards() -> None:
    before = mlflow.MlflowClient.log_metric, SummaryWriter.add_scalar, open, "sendall" in vars(socket.socket)
    fit(Net(), tracked())

    assert (mlflow.MlflowClient.log_metric, SummaryWriter.add_scalar, open, "sendall" in vars(socket.socket)) == before


class Kept:
    """Of which there may be weak references."""


class ClearsAway(Net):
    """Deletes a file in each step, by itself or by what is dropped there."""

    def __init__(self, path: Path, *, by_itself: bool) -> None:
        super().__init__()
        self.path, self.by_itself = path, by_itself

    def validation_step(self, batch: Any, batch_index: int) -> None:
        super().validation_step(batch, batch_index)
        if self.by_itself:
            self.path.unlink(missing_ok=True)
        else:
            weakref.finalize(Kept(), self.path.unlink, missing_ok=True)


@pytest.mark.parametrize("by_itself", [True, False])
def test_what_a_finalizer_clears_away_is_no_write_of_the_step(by_itself: bool, tmp_path: Path, said: list[str]) -> None:
    fit(ClearsAway(tmp_path / "some", by_itself=by_itself), tracked())

    assert ["os.unlink" in message for message in said] == [True] * by_itself
    said.clear()

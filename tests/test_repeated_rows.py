"""Which rows of two sets repeat: by their numbers in what the user has, however it was read, and with pictures of images."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from mlflow import MlflowClient
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

import bvtrack
from bvtrack import Tracker, compare_splits, profile
from bvtrack.adapters import SplitSource
from bvtrack.auditing.stored_files import read_split
from bvtrack.cli import main
from bvtrack.diagnosis.run_verdict import Verdict
from bvtrack.report.content import Content
from bvtrack.report.page import render_page
from bvtrack.splits.check import check_samples
from bvtrack.splits.comparing.repeated import MOST_ROWS, RepeatedRows
from bvtrack.splits.faults import faults_of
from bvtrack.splits.finding_codes import FindingCode
from bvtrack.splits.profiling import row_places
from bvtrack.splits.profiling.row_places import RowPlaces, shared_rows
from bvtrack.splits.rows_of_samples import MOST_BYTES
from bvtrack_lightning import BiasVarianceCallback

RNG = np.random.default_rng(0)
N_TRAIN, N_DEV = 300, 60
SHARED = {5: 280, 17: 3, 40: 101}
"""By row of dev, the row of train that it is a copy of."""
X_TRAIN, X_DEV = RNG.normal(size=(N_TRAIN, 4)), RNG.normal(size=(N_DEV, 4))
Y_TRAIN, Y_DEV = RNG.integers(0, 2, N_TRAIN), RNG.integers(0, 2, N_DEV)
X_DEV[[*SHARED]] = X_TRAIN[[*SHARED.values()]]
PAIRS = tuple(SHARED.items())


class Rows(Dataset[Any]):
    """A dataset of the user's own, of which each example is made when it is read."""

    def __init__(self, x: Any, y: Any) -> None:
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> Any:
        return self.x[index], self.y[index]


class Batched:
    """Batches by number, as Keras has them."""

    num_batches = 10

    def __init__(self, x: Any, y: Any) -> None:
        self.x, self.y = x, y

    def __len__(self) -> int:
        return self.num_batches

    def __getitem__(self, index: int) -> Any:
        size = len(self.x) // self.num_batches
        some = slice(index * size, (index + 1) * size)
        return self.x[some], self.y[some]


def frame(x: Any, y: Any) -> pd.DataFrame:
    return pd.DataFrame(x, columns=list("abcd")).assign(label=y)


def found_of(*, pictures: bool = False, **sets: Any) -> tuple[RepeatedRows, ...]:
    samples = [(name, SplitSource.of(data).sample()) for name, data in sets.items()]
    check = check_samples(samples, pictures=pictures)
    assert check.shift is not None, check.problem
    return check.shift.repeated


@pytest.mark.parametrize(
    "held",
    [
        lambda x, y: (x, y),
        lambda x, y: (pd.DataFrame(x), y),
        lambda x, y: ({"first": x[:, :2], "others": x[:, 2:]}, y),
        lambda x, y: TensorDataset(torch.from_numpy(x), torch.from_numpy(y)),
        Rows,
        lambda x, y: Subset(Rows(x, y), range(len(x))),
        lambda x, y: DataLoader(Rows(x, y), batch_size=16),
        lambda x, y: DataLoader(Rows(x, y), batch_size=16, shuffle=True),
        lambda x, y: (list(x), list(y)),
        Batched,
    ],
    ids=["arrays", "table", "several inputs", "tensors", "dataset", "subset", "loader", "shuffled", "lists", "batches"],
)
def test_copies_are_named_by_the_rows_that_the_user_has(held: Callable[[Any, Any], Any]) -> None:
    (found,) = found_of(train=held(X_TRAIN, Y_TRAIN), dev=held(X_DEV, Y_DEV))

    assert (found.between, found.kind, found.code, found.n) == (("dev", "train"), "copy", "dev_repeats_train", 3)
    assert found.rows == PAIRS
    assert found.in_words({})[0] == "dev row 5 = train row 280"


@pytest.mark.parametrize("held", [lambda x: (x, np.zeros(len(x), int)), lambda x: Rows(x, np.zeros(len(x), int))])
def test_the_rows_of_a_sample_are_those_of_the_whole_split(held: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bvtrack.splits.sampling.allowance.READ_SECONDS", 60)  # however busy the machine is
    train, dev = RNG.normal(size=(30_000, 3)), RNG.normal(size=(25_000, 3))
    dev[1000:9000] = train[20_000:28_000]

    (found,) = found_of(train=held(train), dev=held(dev))

    assert len(found.rows) == MOST_ROWS
    assert all(int(other) - int(row) == 19_000 for row, other in found.rows)


def test_a_subset_of_a_loaders_sampler_is_named_by_the_datasets_rows() -> None:
    loader = DataLoader(Rows(X_TRAIN, Y_TRAIN), sampler=torch.utils.data.SubsetRandomSampler(range(50, 300)))

    (found,) = found_of(train=loader, dev=(X_DEV, Y_DEV))

    assert found.rows == ((5, 280), (40, 101))


def test_each_pair_of_sets_has_rows_of_its_own() -> None:
    test, train_dev = RNG.normal(size=(50, 4)), RNG.normal(size=(50, 4))
    test[9], train_dev[2] = X_DEV[44], X_TRAIN[200]
    others: dict[str, Any] = {"train_dev": (train_dev, Y_DEV[:50]), "test": (test, Y_DEV[:50])}

    found = found_of(train=(X_TRAIN, Y_TRAIN), dev=(X_DEV, Y_DEV), **others)

    assert {one.between: one.rows for one in found} == {
        ("dev", "train"): PAIRS,
        ("train_dev", "train"): ((2, 200),),
        ("test", "dev"): ((9, 44),),
    }


def test_copies_that_a_key_hides_have_rows_too() -> None:
    train, dev = (frame(x, y).assign(id=RNG.permutation(9999)[: len(x)]) for x, y in ((X_TRAIN, Y_TRAIN), (X_DEV, Y_DEV)))
    dev["label"] = 0
    train["label"] = 0

    report = compare_splits(train=train, dev=dev)

    assert [(one.n, one.rows) for one in report.repeated] == [(3, PAIRS)]


def test_groups_are_named_by_an_example_of_each() -> None:
    of_train, of_dev = np.repeat(np.arange(30), 10), np.repeat(np.arange(28, 34), 10)
    train = profile(RNG.normal(size=(300, 4)), groups=of_train)
    dev = profile(RNG.normal(size=(60, 4)), groups=[f"{one}" for one in of_dev], like=train)

    (found,) = compare_splits(train=train, dev=dev).repeated

    assert (found.kind, found.n, found.rows) == ("group", 2, ((0, 280), (10, 290)))


def test_near_copies_of_texts_are_named() -> None:
    words = np.array([f"word{index}" for index in range(500)])
    train, dev = (np.array([" ".join(RNG.choice(words, 30)) for _ in range(n)], dtype=object) for n in (100, 40))
    dev[7] = f"{train[66]} indeed"

    found = [one for one in compare_splits(train=train, dev=dev).repeated if one.kind == "near_copy"]

    assert [(one.n, one.rows) for one in found] == [(1, ((7, 66),))]


def test_rows_that_repeat_by_chance_are_not_named() -> None:
    train, dev = (np.random.default_rng(seed).integers(0, 10, (2000, 2)) for seed in (0, 1))

    assert compare_splits(train=train, dev=dev).repeated == ()


def test_merged_profiles_know_that_rows_repeat_but_not_which() -> None:
    train = profile(X_TRAIN)
    dev = profile(X_DEV[30:], like=train) | profile(X_DEV[:30], like=train)

    (found,) = compare_splits(train=train, dev=dev).repeated

    assert (found.n, found.rows) == (3, ())


def test_a_stream_of_batches_counts_its_rows_on() -> None:
    batches = ((X_TRAIN[start : start + 7], Y_TRAIN[start : start + 7]) for start in range(0, N_TRAIN, 7))

    (found,) = compare_splits(train=profile(batches), dev=(X_DEV, Y_DEV)).repeated

    assert found.rows == PAIRS


def test_of_many_rows_the_same_ones_are_placed_in_both_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_places, "MOST_PLACED", 1000)
    hashes = np.random.default_rng(1).integers(0, 2**63, 40_000, dtype=np.uint64)
    train, dev = RowPlaces.of(hashes[:10]), RowPlaces.of(hashes[30_000:])
    for start in range(10, 40_000, 3000):
        train = train.followed_by(RowPlaces.of(hashes[start : start + 3000]))

    rows, others = shared_rows(train, dev)

    assert len(train.rows) == len(dev.rows) == 1000
    assert len(rows) > 200
    assert (others == rows + 30_000).all()


def smooth_images(n: int, seed: int, size: int = 28) -> NDArray[np.uint8]:
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(n, size, size)), (0, 3, 3))
    images: NDArray[np.uint8] = (128 + 30 * noise / noise.std(axis=(1, 2), keepdims=True)).clip(0, 255).astype(np.uint8)
    return images


def as_colours(images: NDArray[Any]) -> NDArray[np.uint8]:
    return np.stack([images, images.transpose(0, 2, 1), 255 - images], axis=-1)


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        (lambda images: images, "png"),
        (lambda images: (images / 255).astype(np.float32), "png"),
        (lambda images: ((images - 128.0) / 30)[:, None].astype(np.float32), "png"),
        (lambda images: as_colours(np.random.default_rng(0).integers(0, 256, images.shape, np.uint8)), "jpeg"),
    ],
    ids=["bytes", "fractions", "standardised, channels first", "colours"],
)
def test_copies_of_images_have_small_pictures(written: Callable[[Any], Any], kind: str) -> None:
    images = written(smooth_images(80, 0, size=90))
    sets: dict[str, Any] = {"train": (images[:60], np.zeros(60)), "dev": (images[50:], np.zeros(30))}

    (found,) = found_of(pictures=True, **sets)
    (without,) = found_of(**sets)

    assert [len(some) for some in found.thumbnails] == [1] * 10
    assert all(some[0].startswith(f"data:image/{kind};base64,") for some in found.thumbnails)
    assert sum(len(one) for some in found.thumbnails for one in some) <= MOST_BYTES
    assert without.thumbnails == ()


def test_a_dataset_that_cannot_be_read_again_has_no_pictures_and_ends_nothing() -> None:
    class Once(Rows):
        n_read = 0

        def __getitem__(self, index: int) -> Any:
            Once.n_read += 1
            if Once.n_read > 400:
                raise OSError("gone")
            return super().__getitem__(index)

    images = smooth_images(120, 0).astype(np.float32)
    (found,) = found_of(
        pictures=True, train=Once(images[:100], np.zeros(100)), dev=(images[80:], np.zeros(40))
    )  # fmt: skip

    assert found.rows[0] == (0, 80)
    assert len(found.thumbnails) in (0, 10)


def tracked(store: str, sets: Any) -> tuple[str, Any]:
    with Tracker(tracking_uri=store, experiment="rows") as tracker:
        tracker.log_split(**sets)
        for epoch in range(4):
            tracker.log_epoch(epoch, train_error=0.05 - 0.01 * epoch, dev_error=0.12 - 0.01 * epoch)
    assert tracker.run_id
    return tracker.run_id, written_split(store, tracker.run_id)


def written_split(store: str, run_id: str) -> Any:
    return json.loads(Path(MlflowClient(store).download_artifacts(run_id, "bvtrack/splits.json")).read_text())


def image_sets() -> dict[str, Any]:
    images = smooth_images(400, 0)
    return {"train": (images[:300], np.arange(300) % 2), "dev": (images[280:], np.arange(120) % 2)}


def test_a_training_keeps_the_rows_and_their_pictures_and_the_report_shows_them(
    store: str, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, content = tracked(store, image_sets())
    _, again = tracked(store, image_sets())
    page = bvtrack.make_report(run_id, tracking_uri=store).html()
    monkeypatch.setenv("BVTRACK_THUMBNAILS", "0")
    _, without = tracked(store, image_sets())
    said.clear()

    (found,) = content["repeated"]
    assert (found["between"], found["n"], found["rows"][0]) == (["dev", "train"], 20, [0, 280])
    assert page.count(found["thumbnails"][0][0]) == 1
    assert page.count("dev row 0 = train row 280") == 1
    assert "10 of the 20 examples that repeat (rows are counted from 0)" in page
    assert "<strong>Why it matters:</strong> What a model has seen in train it can know by heart" in page
    assert page.count("20 of 120 dev examples") == 1  # and it is not said again further down
    assert again["repeated"] == content["repeated"]  # from what is kept of the first check
    assert (without["repeated"][0]["rows"], without["repeated"][0]["thumbnails"]) == (found["rows"], [])


class Constant(lightning.LightningModule):
    """Learns nothing from images of 28 x 28, and logs its errors."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(784, 2)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.0)

    def training_step(self, batch: Any, index: int) -> Any:
        return torch.nn.functional.cross_entropy(self._of(batch, "train"), batch[1])

    def validation_step(self, batch: Any, index: int) -> None:
        self._of(batch, "val")

    def _of(self, batch: Any, name: str) -> Any:
        scores = self.layer(batch[0].flatten(1))
        self.log(f"{name}_acc", (scores.argmax(1) == batch[1]).float().mean(), on_step=False, on_epoch=True)
        return scores


@pytest.mark.filterwarnings("ignore")  # Lightning's, of workers and of its own future
@pytest.mark.parametrize("shuffles", [False, True])
def test_the_rows_of_shuffled_loaders_are_those_of_the_dataset(store: str, said: list[str], shuffles: bool) -> None:
    sets = {name: Rows(x.astype(np.float32) / 255, y) for name, (x, y) in image_sets().items()}
    train, dev = (DataLoader(sets[name], batch_size=32, shuffle=shuffles) for name in ("train", "dev"))
    callback = BiasVarianceCallback(tracking_uri=store, experiment="rows")
    lightning.Trainer(
        max_epochs=1,
        callbacks=[callback],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        accelerator="cpu",
    ).fit(Constant(), train, dev)

    said.clear()

    experiment = MlflowClient(store).get_experiment_by_name("rows")
    assert experiment is not None
    (run,) = MlflowClient(store).search_runs([experiment.experiment_id])
    (found,) = written_split(store, run.info.run_id)["repeated"]
    assert len(found["rows"]) == len(found["thumbnails"]) == MOST_ROWS
    assert all(other - row == 280 for row, other in found["rows"])


def written(folder: Path, images: Any, prefix: str) -> str:
    from PIL import Image

    for index, image in enumerate(images):
        of_class = folder / f"class {index % 2}"
        of_class.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(of_class / f"{prefix}{index:03}.png")
    return str(folder)


def test_images_in_folders_are_named_by_their_files(tmp_path: Path) -> None:
    images = smooth_images(130, 0)
    images[103] = images[40]
    images[110] = np.roll(images[60], 1, axis=1)
    folders = [written(tmp_path / "one", images[:100], "a"), written(tmp_path / "other", images[100:], "b")]
    (tmp_path / "one" / "class 0" / "a000.png").write_bytes(b"no picture")

    content = json.loads(CliRunner().invoke(main, ["split", *folders, "--json"]).stdout)
    printed = " ".join(CliRunner().invoke(main, ["split", *folders]).stdout.split())

    by_kind = {one["kind"]: one["rows"] for one in content["repeated"]}
    assert by_kind["copy"] == [["class 1/b003.png", "class 0/a040.png"]]
    assert ["class 0/b010.png", "class 0/a060.png"] in by_kind["near_copy"]
    assert "ev class 1/b003.png = train class 0/a040.png" in printed


def test_the_rows_of_tables_are_printed_and_listed(tmp_path: Path) -> None:
    for name, x, y in (("train", X_TRAIN, Y_TRAIN), ("dev", X_DEV, Y_DEV)):
        frame(x, y).to_csv(tmp_path / f"{name}.csv", index=False)
    paths = [str(tmp_path / f"{name}.csv") for name in ("train", "dev")]

    content = json.loads(CliRunner().invoke(main, ["split", *paths, "--json"]).stdout)
    printed = " ".join(CliRunner().invoke(main, ["split", *paths]).stdout.split())

    assert content["repeated"][0]["rows"] == [list(pair) for pair in PAIRS]
    assert "Dev row 5 = train row 280, dev row 17 = train row 3, dev row 40 = train row 101 (rows from 0)" in printed


@pytest.mark.parametrize("target", [None, "label", "amount"])
def test_a_file_whose_targets_are_no_classes_speaks_of_no_error_rate(tmp_path: Path, target: str | None) -> None:
    for name, x in (("train", X_TRAIN), ("dev", X_DEV)):
        table = pd.DataFrame(x, columns=list("abcd"))
        table[target or "e"] = x[:, 0] * 2 if target != "amount" else np.abs(x[:, 0] * 40).astype(int) + 10
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    arguments = ["split", *(str(tmp_path / f"{name}.csv") for name in ("train", "dev"))]
    arguments += ["--target", target] if target else []

    printed = [CliRunner().invoke(main, [*arguments, *more]).stdout for more in ((), ("--json",))]

    assert not any("10 %" in text or "10.0 %" in text for text in printed)


def test_what_an_older_version_wrote_has_no_rows_and_is_read() -> None:
    old = json.loads((Path(__file__).parent / "written_before" / "splits.json").read_text())

    assert "repeated" not in old
    assert read_split(old).content == old


ROW = {"between": ["dev", "train"], "kind": "copy", "code": "dev_repeats_train", "n": 1, "rows": [[0, 1]]}


@pytest.mark.parametrize(
    "repeated",
    [3, [3], [{}], [{**ROW, "rows": [[0]]}], [{**ROW, "rows": [[0, None]]}], [{**ROW, "kind": "x"}], [{**ROW, "n": "many"}]],
)
def test_rows_that_somebody_else_wrote_are_left_out(repeated: Any) -> None:
    assert read_split({"repeated": repeated}).content == {}


@pytest.mark.parametrize(
    "picture", ["https://example.org/a.png", "data:image/svg+xml;base64,AAAA", 'data:image/png;base64,"><script>', "x" * 99_999]
)
def test_the_report_shows_no_picture_that_is_not_ours(picture: str) -> None:
    fault = FindingCode.REPEATS.finding(
        "error", earlier="train", later="dev", n_shared=1, n=9, share=1 / 9, usual=0, but_for=False, of_sample=False,
        of_part=False, few=False, maybe=False,
    )  # fmt: skip
    diagnosis = bvtrack.diagnose(train_error=0.01, dev_error=0.1)
    verdict = Verdict.of(0, diagnosis, None, (), faults_of([fault]))

    page = render_page(Content("a run", verdict, split={"repeated": [{**ROW, "thumbnails": [[picture]]}]}))

    assert "dev row 0 = train row 1" in page
    assert "<img" not in page

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from bvtrack.cli import main
from bvtrack.splits.files import csv_file

Columns = dict[str, Any]
SIZES = {"train": 3000, "dev": 1000, "test": 1000}


def split(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["split", *map(str, arguments)])


def content_of(*arguments: str | Path) -> dict[str, Any]:
    result = split(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def error_of(*arguments: str | Path) -> str:
    """The one sentence of a refusal."""
    result = split(*arguments)
    assert result.exit_code == 2, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    _, _, sentence = " ".join(result.output.split()).partition("Error: ")
    assert "Traceback" not in result.output
    return sentence


def columns(seed: int, n: int, *, shift: float = 0.0) -> Columns:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, n)
    return {
        "dose": rng.normal(shift, 1, n) + label,
        "weight": rng.normal(70, 10, n),
        "age": rng.integers(18, 90, n),
        "site": rng.choice(["north", "south"], n),
        "label": label,
    }


def write_csv(path: Path, table: Columns) -> Path:
    pcsv.write_csv(pa.table(table), path)
    return path


def write_tsv(path: Path, table: Columns) -> Path:
    pcsv.write_csv(pa.table(table), path, pcsv.WriteOptions(delimiter="\t"))
    return path


def write_gzip(path: Path, table: Columns) -> Path:
    write_csv(path, table)
    path.write_bytes(gzip.compress(path.read_bytes()))
    return path


def write_parquet(path: Path, table: Columns) -> Path:
    pq.write_table(pa.table(table), path)
    return path


def write_npz(path: Path, table: Columns) -> Path:
    np.savez(path, X=np.column_stack([table["dose"], table["weight"], table["age"]]), y=table["label"])
    return path


def write_compressed_npz(path: Path, table: Columns) -> Path:
    np.savez_compressed(
        path, features=np.asfortranarray(np.column_stack([table["dose"], table["age"]])), targets=table["label"]
    )
    return path


def write_npy(path: Path, table: Columns) -> Path:
    np.save(path, np.column_stack([table["dose"], table["weight"], table["age"]]))
    return path


def write_images(folder: Path, n: int, seed: int, *, mode: str = "RGB", light: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    for index in range(n):
        shape = (20, 24, 3) if mode == "RGB" else (20, 24)
        (folder / f"{index % 2}").mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(light, 156 + light, shape, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index % 2}" / f"{index}.png")
    return folder


TABLES: list[tuple[str, Callable[[Path, Columns], Path]]] = [
    ("csv", write_csv),
    ("tsv", write_tsv),
    ("csv.gz", write_gzip),
    ("parquet", write_parquet),
]
FORMATS = [*TABLES, ("npz", write_npz), ("packed.npz", write_compressed_npz), ("npy", write_npy)]


@pytest.mark.parametrize(("ending", "write"), FORMATS)
def test_every_format_says_same_of_what_is_drawn_alike(
    tmp_path: Path, ending: str, write: Callable[[Path, Columns], Path]
) -> None:
    paths = [write(tmp_path / f"{name}.{ending}", columns(seed, n)) for seed, (name, n) in enumerate(SIZES.items())]
    content = content_of(*paths)

    assert content["verdict"] in ("same", "unclear")
    assert content["tag"] == "ok"
    assert content["counts"] == SIZES


@pytest.mark.parametrize(("ending", "write"), FORMATS)
def test_every_format_says_shifted_of_a_moved_dev_set(
    tmp_path: Path, ending: str, write: Callable[[Path, Columns], Path]
) -> None:
    train = write(tmp_path / f"train.{ending}", columns(1, 3000))
    content = content_of(train, write(tmp_path / f"dev.{ending}", columns(2, 1000, shift=1.0)))

    assert content["verdict"] == "shifted"
    assert content["comparisons"][0]["is_shift"]


def test_all_tables_with_the_same_rows_have_the_same_fingerprint(tmp_path: Path) -> None:
    table = columns(1, 500)
    paths = [write(tmp_path / f"data.{ending}", table) for ending, write in TABLES]
    digests = {digest for path in paths for digest in content_of(paths[0], path, "--no-leaks")["digests"].values()}
    with_rows = {digest for path in paths for digest in content_of(paths[0], path)["digests"].values()}

    assert (len(digests), len(with_rows)) == (1, 1)


def test_the_table_fits_a_terminal_and_names_the_verdict(tmp_path: Path) -> None:
    paths = [write_csv(tmp_path / f"{name}.csv", columns(seed, n)) for seed, (name, n) in enumerate(SIZES.items())]
    lines = split(*paths).stdout.splitlines()

    assert max(map(len, lines)) <= 80
    assert any(line.split()[:3] == ["dev", "1,000", "20.0"] and "± 1.9 points" in line for line in lines)
    assert any(line.endswith("no leak, sizes as advised") for line in lines)


def test_findings_come_errors_first_and_the_differences_last(tmp_path: Path) -> None:
    train, dev = write_csv(tmp_path / "train.csv", columns(1, 3000)), write_csv(tmp_path / "dev.csv", columns(2, 1000))
    output = split(train, dev, write_csv(tmp_path / "test.csv", columns(3, 1000, shift=1.0))).stdout
    places = [
        output.index(word) for word in ("Different distributions", "\nerror", "\nwarning", "Largest differences", "dose  ")
    ]

    assert places == sorted(places)


def test_a_planted_leak_fails_only_a_strict_check(tmp_path: Path) -> None:
    train, dev = columns(1, 3000), columns(2, 1000)
    leaky = {name: np.concatenate([train[name][:100], dev[name][100:]]) for name in dev}
    paths = write_csv(tmp_path / "train.csv", train), write_csv(tmp_path / "dev.csv", leaky)

    assert split(*paths, "--strict").exit_code == 1
    assert split(*paths, "--strict", "--json").exit_code == 1
    assert split(*paths).exit_code == 0
    assert split(*paths, "--strict", "--no-leaks").exit_code == 0
    assert "dev_repeats_train" in [finding["code"] for finding in content_of(*paths)["findings"]]


def test_a_test_set_that_is_the_dev_set_is_an_error(tmp_path: Path) -> None:
    train, dev = write_csv(tmp_path / "train.csv", columns(1, 3000)), write_csv(tmp_path / "dev.csv", columns(2, 1000))
    content = content_of(train, dev, dev)

    assert content["tag"] == "test_used_to_choose+test_repeats_dev"
    assert content["findings"][0]["level"] == "error"


def test_json_is_complete_and_alone_on_stdout(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "train.csv", columns(1, 3000))
    content = content_of(train, write_csv(tmp_path / "dev.csv", columns(2, 1000, shift=1.0)))

    assert content["files"] == {"train": str(train), "dev": str(tmp_path / "dev.csv")}
    assert content["columns"] == ["dose", "weight", "age", "site"]
    assert sum(content["class_counts"]["train"].values()) == content["counts"]["train"] == 3000
    assert set(content["digests"]) == {"train", "dev"}
    assert content["sizes"]["resolution"]["dev"] == pytest.approx(0.0186, abs=1e-3)
    assert (content["tag"], content["verdict"], content["verdict_tag"]) == ("dev_differs_from_train", "shifted", "shifted")
    assert {"code", "level", "message"} == set(content["findings"][0])
    assert {"earlier", "later", "test", "what", "p_value", "effect"} < set(content["comparisons"][0])


@pytest.mark.parametrize(("ending", "write"), TABLES)
def test_shared_groups_and_overlapping_times_are_found(
    tmp_path: Path, ending: str, write: Callable[[Path, Columns], Path]
) -> None:
    days = np.arange("2024-01-01", "2024-01-11", dtype="datetime64[D]").repeat(100)
    train = columns(1, 1000) | {"patient": np.arange(1000) // 10, "day": days}
    dev = columns(2, 1000) | {"patient": np.arange(990, 1990) // 10, "day": days + 5}
    paths = [write(tmp_path / f"{name}.{ending}", table) for name, table in (("train", train), ("dev", dev))]
    content = content_of(*paths, "--group", "patient", "--time", "day")
    codes = {finding["code"]: finding["message"] for finding in content["findings"]}

    assert "1 of 100 groups of dev are in train" in codes["dev_shares_groups_with_train"]
    assert "dev_overlaps_train_in_time" in codes
    assert content["columns"] == ["dose", "weight", "age", "site"]


def test_groups_that_differ_only_beyond_a_floats_digits_are_not_shared(tmp_path: Path) -> None:
    train, dev = columns(1, 500) | {"user": np.full(500, 2**53)}, columns(2, 500) | {"user": np.full(500, 2**53 + 1)}
    paths = [write_csv(tmp_path / f"{name}.csv", table) for name, table in (("train", train), ("dev", dev))]
    content = content_of(*paths, "--group", "user")

    assert "dev_shares_groups_with_train" not in [finding["code"] for finding in content["findings"]]


def test_groups_and_times_of_arrays_are_found(tmp_path: Path) -> None:
    for name, day in (("train", "2024-01-01"), ("dev", "2023-01-01")):
        x = np.random.default_rng(len(name)).normal(size=(500, 3))
        np.savez(tmp_path / f"{name}.npz", x=x, who=np.full(500, "a"), when=np.full(500, day, "datetime64[s]"))
    content = content_of(tmp_path / "train.npz", tmp_path / "dev.npz", "--group", "who", "--time", "when")

    assert {"dev_shares_groups_with_train", "dev_overlaps_train_in_time"} <= {one["code"] for one in content["findings"]}


def test_the_target_can_be_named(tmp_path: Path) -> None:
    tables = [columns(seed, 1000) for seed in (1, 2)]
    paths = [write_csv(tmp_path / f"{seed}.csv", {**table, "y": table["site"]}) for seed, table in enumerate(tables)]

    assert "say which with --target" in error_of(*paths)
    assert set(content_of(*paths, "--target", "site")["class_counts"]["dev"]) == {"north", "south"}


def test_columns_can_be_left_out(tmp_path: Path) -> None:
    paths = []
    for seed, name in enumerate(SIZES):
        ids = np.arange(3000) + 3000 * seed  # of which no two sets are drawn alike
        table = pa.table({**columns(seed, 3000), "id": ids, "blob": pa.array([b"\xff"] * 3000)})
        table = table if name == "dev" else table.append_column("only here", pa.array(ids))
        pq.write_table(table, tmp_path / f"{name}.parquet")
        paths.append(tmp_path / f"{name}.parquet")
    left_out = ("--without", "id", "--without", "blob", "--without", "only here")
    content = content_of(*paths, *left_out)

    assert content["verdict"].startswith("same")
    assert content["columns"] == ["dose", "weight", "age", "site"]
    assert content_of(*paths, *left_out, "--without", "label")["class_counts"]["dev"] == {}
    assert content_of(*paths, *left_out[2:])["verdict"] == "shifted"
    assert "leave it out (--without)" in error_of(*paths)
    assert "leave them out by --without" in error_of(paths[1], paths[0], *left_out[:4])


def test_columns_to_leave_out_must_be_there_and_have_no_role(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", columns(1, 50))
    array = write_npz(tmp_path / "a.npz", columns(1, 50))
    images = write_images(tmp_path / "images", 4, 1)

    assert "'wieght', which no file has; the nearest: weight" in error_of(path, path, "--without", "wieght")
    assert "the nearest: dose, weight, age, site, label" in error_of(path, path, "--without", "zzz")
    assert "got 'site' for both; drop --group" in error_of(path, path, "--group", "site", "--without", "site")
    assert "expected columns of features" in error_of(path, path, *(f"--without={name}" for name in columns(1, 1)))
    assert "expected no --without" in error_of(array, array, "--without", "dose")
    assert "expected no --without" in error_of(images, images, "--without", "dose")


def test_a_part_of_a_file_of_arrays_can_be_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sets: dict[str, Any] = {f"x_{name}": rng.integers(0, 255, (n, 8, 8), dtype=np.uint8) for name, n in SIZES.items()}
    sets |= {f"y_{name}": rng.integers(0, 2, n) for name, n in SIZES.items()}
    np.savez(tmp_path / "all.npz", **sets)
    content = content_of(*(f"{tmp_path / 'all.npz'}:{name}" for name in SIZES))

    assert content["counts"] == SIZES
    assert sum(content["class_counts"]["dev"].values()) == SIZES["dev"]
    assert "say which, as in all.npz:train" in error_of(tmp_path / "all.npz", tmp_path / "all.npz")


def test_folders_of_images_are_compared_by_class(tmp_path: Path) -> None:
    train, dev = write_images(tmp_path / "train", 200, 1), write_images(tmp_path / "dev", 100, 2)
    content, shifted = content_of(train, dev), content_of(train, write_images(tmp_path / "light", 100, 3, light=99))

    assert content["verdict"] == "unclear"
    assert content["class_counts"]["train"] == {"0": 100, "1": 100}
    assert shifted["verdict"] == "shifted"
    assert "32 x 32 x 3" in split(train, dev).stdout


def test_images_stay_grey_where_all_are(tmp_path: Path) -> None:
    train, dev = write_images(tmp_path / "train", 30, 1, mode="L"), write_images(tmp_path / "dev", 30, 2, mode="L")
    deep = tmp_path / "dev" / "0" / "deep.png"
    Image.fromarray(np.full((9, 9), 40_000, np.uint16)).save(deep)

    assert "32 x 32  " in split(train, dev).stdout
    assert "32 x 32 x 3" in split(train, write_images(tmp_path / "colour", 30, 3)).stdout


def test_a_copied_image_is_a_leak(tmp_path: Path) -> None:
    train, dev = write_images(tmp_path / "train", 60, 1), write_images(tmp_path / "dev", 30, 2)
    Image.open(train / "0" / "0.png").save(dev / "0" / "copy.bmp")

    assert "1 of 31 dev examples" in split(train, dev).stdout


def test_images_without_pillow_ask_for_it(tmp_path: Path) -> None:
    folder = write_images(tmp_path, 2, 1)
    arguments = ["split", str(folder), str(folder)]
    code = f"import sys; sys.modules['PIL'] = None; from bvtrack.cli import main; main({arguments})"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert process.returncode == 2
    assert "pip install pillow" in process.stderr


def test_columns_that_change_their_type_or_are_empty_do_not_break(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "BLOCK", 1 << 12)
    rows = [f"{index},{'' if index < 900 else 'late'},,{index % 2}\n" for index in range(900)]
    rows += [f"{index}.5,,,{index % 2}\n" for index in range(900)]
    for name in ("train", "dev"):
        (tmp_path / f"{name}.csv").write_text("".join(["whole,late,never,label\n", *rows]))
    (tmp_path / "other.csv").write_text("".join(["whole,late,never,label\n", "5,text,2.5,1\n", *rows]))

    assert content_of(tmp_path / "train.csv", tmp_path / "dev.csv")["counts"] == {"train": 1800, "dev": 1800}
    assert content_of(tmp_path / "train.csv", tmp_path / "other.csv")["counts"]["dev"] == 1801


def test_a_number_that_becomes_a_word_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "BLOCK", 1 << 12)
    path = tmp_path / "late.csv"
    path.write_text("a,label\n" + "1,0\n" * 2000 + "many,0\n")

    assert "got 'many' in row 2,001" in error_of(path, path)


def test_batches_do_not_change_what_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [write_csv(tmp_path / f"{seed}.csv", columns(seed, 3000)) for seed in (1, 2)]
    whole = content_of(*paths)
    monkeypatch.setattr(csv_file, "BLOCK", 1 << 14)
    batched = content_of(*paths)

    assert (batched["counts"], batched["verdict"]) == (whole["counts"], whole["verdict"])


def test_missing_values_are_read_alike_from_tables(tmp_path: Path) -> None:
    table = {"x": [1.0, None, 3.0] * 50, "word": ["a", None, "b"] * 50, "label": ["c", "d", None] * 50}
    paths = [write_csv(tmp_path / "train.csv", table), write_parquet(tmp_path / "dev.parquet", table)]
    content = content_of(*paths)

    assert content["digests"]["train"] == content["digests"]["dev"]
    assert content["class_counts"]["train"] == {"": 50, "c": 50, "d": 50}


def test_classes_by_number_must_not_be_missing(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", {"x": [1.0, 2.0, 3.0], "label": [0, 1, None]})

    assert "rows without one in column 'label'" in error_of(path, path)


def test_the_index_that_pandas_writes_is_no_column(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",x,label\n0,1.5,0\n1,2.5,1\n")

    assert content_of(tmp_path / "a.csv", tmp_path / "a.csv")["columns"] == ["x"]


def test_lists_in_parquet_are_rows_of_numbers(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = {"embedding": [row.tolist() for row in rng.normal(size=(600, 4))], "label": rng.integers(0, 2, 600)}
    path = write_parquet(tmp_path / "a.parquet", table)

    assert " 4 " in split(path, path).stdout
    assert "lists of one length" in error_of(
        write_parquet(tmp_path / "b.parquet", {"a": [[1], [1, 2]]}), tmp_path / "b.parquet"
    )


HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty.csv": (b"", "an empty file"),
    "blank.csv": (b"\n\n\n", "an empty file"),
    "header.csv": (b"a,b,label\n", "expected examples in"),
    "junk.csv": (b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe\x1b[31m", "got an image"),
    "twice.csv": (b"a,a\n1,2\n", "got 'a' twice"),
    "numbers.csv": (b"1.5,2.5\n1,2\n", "names of the columns in the first line"),
    "ragged.csv": (b"a,b\n1,2,3\n", "expected 2 values in row 1"),
    "label.csv": (b"label\n1\n", "columns of features"),
    "broken.csv.gz": (gzip.compress(b"a,b\n1,2\n" * 999)[:40], "cannot be read"),
    "junk.parquet": (b"PAR1" + bytes(range(256)), "cannot be read"),
    "junk.npz": (bytes(range(256)), "cannot be read"),
    "junk.npy": (bytes(range(256)), "cannot be read"),
    "short.npy": (
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (9,)}" + b" " * 60,
        "cannot be read",
    ),
    "sheet.xls": (b"1", "ends in .csv"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_broken_file_is_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    content, message = HOSTILE[name]
    (tmp_path / name).write_bytes(content)
    sentence = error_of(tmp_path / name, tmp_path / name)

    assert message in sentence
    assert name in sentence
    assert sentence.isprintable()


@pytest.mark.parametrize(("ending", "write"), [case for case in FORMATS if case[0] in ("parquet", "npz", "npy", "csv.gz")])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.98])
def test_a_file_that_breaks_off_is_refused(
    tmp_path: Path, ending: str, write: Callable[[Path, Columns], Path], share: float
) -> None:
    path = write(tmp_path / f"a.{ending}", columns(1, 500))
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])

    assert "cannot be read" in error_of(path, path)


@pytest.mark.parametrize("write", [write_parquet, write_npz])
def test_flipped_bytes_end_in_a_sentence_or_in_a_result(tmp_path: Path, write: Callable[[Path, Columns], Path]) -> None:
    path = write(tmp_path / ("a.parquet" if write is write_parquet else "a.npz"), columns(1, 200))
    content, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(25):
        broken = bytearray(content)
        for place in rng.integers(0, len(content), 8):
            broken[place] ^= 255
        path.write_bytes(broken)
        result = split(path, path, "--no-leaks")

        assert result.exit_code in (0, 2), result.exception


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (3,), ",
        b"{'descr': <f8', 'fortran_order': False, 'shape': (3,), }",
        b"{'descr': [[]], 'fortran_order': False, 'shape': (3,), }",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (-3,), }",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999999999999999, 9), }",
        b"{[]: 1}",
        b"\xff\x00'",
    ],
)
@pytest.mark.parametrize("ending", ["npy", "npz"])
def test_an_array_whose_header_is_damaged_is_refused(tmp_path: Path, header: bytes, ending: str) -> None:
    path, array = tmp_path / f"a.{ending}", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(24)
    if ending == "npz":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.npy", array)
    else:
        path.write_bytes(array)

    assert "cannot be read" in error_of(path, path)


def test_arrays_of_objects_are_never_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "sprung",)

    np.savez(tmp_path / "a.npz", x=np.zeros((2, 2)), y=np.array([Trap(), 1], dtype=object))
    np.save(tmp_path / "a.npy", np.array([Trap(), 1], dtype=object), allow_pickle=True)

    for name in ("a.npz", "a.npy"):
        assert "objects, which are not unpickled" in error_of(tmp_path / name, tmp_path / name)
    assert not (tmp_path / "sprung").exists()


def test_a_folder_of_broken_images_alone_is_refused_by_name(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "train", 4, 1)
    for image in folder.rglob("*.png"):
        image.write_bytes(image.read_bytes()[:200])

    assert "got 4 that cannot be read: 0/0.png (image file is truncated)" in error_of(folder, folder)


def test_folders_that_are_no_folders_of_images_are_refused(tmp_path: Path) -> None:
    mixed = write_images(tmp_path / "mixed", 4, 1)
    (mixed / "0" / "0.png").rename(mixed / "0.png")
    flat = write_images(tmp_path / "flat", 1, 1) / "0"
    (tmp_path / "empty").mkdir()

    assert "got none" in error_of(tmp_path / "empty", mixed)
    assert "either in" in error_of(mixed, mixed)
    assert "a subfolder for each class" in error_of(flat, tmp_path / "flat")
    assert "leave it out" in error_of(flat, flat, "--group", "patient")


def test_bad_usage_is_refused_in_one_sentence(tmp_path: Path) -> None:
    table = columns(1, 50)
    path = write_csv(tmp_path / "a.csv", table)
    less = write_csv(tmp_path / "less.csv", {name: values for name, values in table.items() if name != "age"})
    words = write_csv(tmp_path / "words.csv", {**table, "dose": ["much"] * 50})
    holes = write_csv(tmp_path / "holes.csv", {**table, "site": ["north", None] * 25})

    assert "which is not there" in error_of(path, tmp_path / "b.csv")
    assert "got none called age;" in error_of(path, less)
    assert "got also age;" in error_of(less, path)
    assert "expected numbers in column 'dose'" in error_of(path, words)
    assert "got arrays" in error_of(path, write_npy(tmp_path / "a.npy", table))
    assert "expected a target column 'nope'" in error_of(path, path, "--target", "nope")
    assert "got one for two" in error_of(path, path, "--group", "site", "--time", "site")
    assert "got texts" in error_of(path, path, "--time", "site")
    assert "got none in 25 of 50" in error_of(path, holes, "--group", "site")
    assert "Missing argument 'DEV'" in error_of(path)


def test_split_helps_with_an_example() -> None:
    assert "Example: bvtrack split train.csv dev.csv" in split("--help").output


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, bvtrack.cli\ntry: bvtrack.cli.main(['--help'])\nexcept SystemExit: print(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert "split" in output
    assert {"numpy", "pandas", "pyarrow", "scipy", "PIL"} & set(output.split()) == set()

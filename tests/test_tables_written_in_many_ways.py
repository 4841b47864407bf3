"""One table, however it is written: the check of a split says the same of it."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from bvtrack.splits.file_check import check_files

SIZES = {"train": 240, "dev": 120}
ON_READING = ("_read_as", "_not_all_read")
Write = Callable[[Path, pd.DataFrame], Any]
WAYS: dict[str, Write] = {}


def way(name: str) -> Callable[[Write], Write]:
    """Register a writer under the name of the file or folder that it writes."""

    def register(write: Write) -> Write:
        WAYS[name] = write
        return write

    return register


@cache
def frame(split: str) -> pd.DataFrame:
    """Numbers, whole numbers with holes, words with marks of CSV in them, days, truths; a third of dev is in train."""
    rng = np.random.default_rng(0)
    n = sum(SIZES.values())
    whole = pd.DataFrame(
        {
            "dose": rng.normal(size=n).round(3),
            "age": rng.integers(18, 90, n),
            "site": rng.choice(["Nörd", "south, west", 'the "hill"', "two\nlines", "", "a;b|c"], n),
            "day": pd.to_datetime("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D"),
            "smokes": rng.integers(0, 2, n).astype(bool),
            "income": pd.Series(rng.integers(10, 99, n)).where(rng.random(n) > 0.1),
            "label": rng.choice(["a", "b", "c"], n),
        }
    )
    train, dev = whole[: SIZES["train"]], whole[SIZES["train"] :].reset_index(drop=True)
    return train if split == "train" else pd.concat([train[:40], dev[40:]], ignore_index=True)


def text(table: pd.DataFrame, **options: Any) -> str:
    return str(table.to_csv(index=False, **options))


def lines(table: pd.DataFrame) -> list[str]:
    """A line for the header and each row, without values of two lines."""
    return text(table.replace({"two\nlines": "two lines"})).splitlines()


def compressed(compress: Callable[[bytes], bytes]) -> Write:
    return lambda path, table: path.write_bytes(compress(text(table).encode()))


def encoded(encoding: str, **options: Any) -> Write:
    return lambda path, table: path.write_bytes(text(table, **options).encode(encoding))


def by_arrow(codec: str) -> Callable[[bytes], bytes]:
    return lambda content: pa.compress(content, codec, asbytes=True)


WAYS |= {
    "plain.csv": encoded("utf-8"),
    "tabs.tsv": encoded("utf-8", sep="\t"),
    "tabs.txt": encoded("utf-8", sep="\t"),
    "semicolons.csv": encoded("utf-8", sep=";"),
    "bars.csv": encoded("utf-8", sep="|"),
    "european.csv": encoded("utf-8", sep=";", decimal=","),
    "marked.csv": encoded("utf-8-sig"),
    "utf16.csv": encoded("utf-16"),
    "utf16_unmarked.csv": encoded("utf-16-le"),
    "utf16.tsv": encoded("utf-16", sep="\t"),
    "utf32.csv": encoded("utf-32"),
    "latin.csv": encoded("latin-1"),
    "windows.csv": encoded("utf-8", lineterminator="\r\n"),
    "mac.csv": encoded("utf-8", lineterminator="\r", quoting=2),
    "quoted.csv": encoded("utf-8", quoting=1),
    "upper.CSV": encoded("utf-8"),
    "r_missing.csv": encoded("utf-8", na_rep="NA"),
    "question.csv": encoded("utf-8", na_rep="?"),
    "dash.csv": encoded("utf-8", na_rep="-"),
    "blank.csv": encoded("utf-8", na_rep=" "),
    "none.csv": encoded("utf-8", na_rep="None"),
    "packed.csv.gz": compressed(gzip.compress),
    "packed.csv.bz2": compressed(bz2.compress),
    "packed.csv.xz": compressed(lzma.compress),
    "misnamed.csv": compressed(gzip.compress),
    "two_members.csv.gz": compressed(lambda content: gzip.compress(content[:999]) + gzip.compress(content[999:])),
    "packed.csv.zip": lambda path, table: table.to_csv(path, index=False),
    "index.csv": lambda path, table: table.to_csv(path),
    "two_indices.csv": lambda path, table: pd.read_csv(io.StringIO(table.to_csv()), keep_default_na=False).to_csv(path),
    "comments.csv": lambda path, table: path.write_text(f"# made in May, 2024\n# again\n{text(table)}"),
    "savetxt.csv": lambda path, table: path.write_text(f"# {text(table)}"),
    "blank_lines.csv": lambda path, table: path.write_text(f"\n\n{text(table)}\n\n"),
    "excel.csv": lambda path, table: path.write_text(f"sep=;\r\n{text(table, sep=';', lineterminator=chr(13) + chr(10))}"),
    "padded_header.csv": lambda path, table: path.write_text(text(table.rename(columns=lambda name: f" {name} "))),
    "table.parquet": lambda path, table: table.to_parquet(path),
    "shuffled.parquet": lambda path, table: table.sample(frac=1, random_state=0).to_parquet(path),
    "categories.parquet": lambda path, table: table.astype({"site": "category", "label": "category"}).to_parquet(path),
    "days.parquet": lambda path, table: table.assign(day=table.day.dt.date).to_parquet(path),
    "table.feather": lambda path, table: table.to_feather(path),
    "table.arrow": lambda path, table: table.to_feather(path, compression="zstd"),
    "lines.jsonl": lambda path, table: write_json(path, table),
    "lines.ndjson": lambda path, table: write_json(path, table),
    "lines.json": lambda path, table: write_json(path, table),
    "lines.jsonl.gz": lambda path, table: write_json(path, table),
}


def write_json(path: Path, table: pd.DataFrame) -> None:
    table.to_json(path, orient="records", lines=True, date_format="iso", date_unit="s", force_ascii=False)


@way("packed.csv.zst")
def write_zstandard(path: Path, table: pd.DataFrame) -> None:
    with pa.CompressedOutputStream(str(path), "zstd") as stream:
        stream.write(text(table).encode())


@way("stream.arrow")
def write_stream(path: Path, table: pd.DataFrame) -> None:
    rows = pa.Table.from_pandas(table, preserve_index=False)
    with pa.ipc.new_stream(str(path), rows.schema) as stream:
        stream.write_table(rows, max_chunksize=50)


@way("other_types.parquet")
def write_other_types(path: Path, table: pd.DataFrame) -> None:
    rows = pa.Table.from_pandas(table, preserve_index=False)
    types = {"age": pa.uint8(), "site": pa.large_string(), "day": pa.timestamp("us", "UTC"), "label": pa.string_view()}
    columns = [rows[name].cast(types.get(name, rows[name].type)) for name in rows.column_names]
    whole = pa.array([None if value is None else int(value) for value in rows["income"].to_pylist()], pa.int64())
    columns[rows.column_names.index("income")] = whole.cast(pa.decimal128(21, 2))
    pq.write_table(pa.table(columns, names=rows.column_names), path)


def in_parts(write: Write, ending: str, by: str | None = None) -> Write:
    """Four parts in a folder, as Spark and Dask write them, or in folders named by the values of a column, as Hive does."""

    def write_parts(folder: Path, table: pd.DataFrame) -> None:
        for index, rows in enumerate(np.array_split(np.arange(len(table)), 4)):
            part = table.iloc[rows].reset_index(drop=True)
            groups = [(folder, part)] if by is None else [(folder / f"{by}={value}", one) for value, one in part.groupby(by)]
            for where, one in groups:
                where.mkdir(parents=True, exist_ok=True)
                write(where / f"part-{index:05d}{ending}", one.drop(columns=[by] if by else []).reset_index(drop=True))
        for name in ("_SUCCESS", ".part-00000.crc"):
            (folder / name).write_bytes(b"x")

    return write_parts


WAYS |= {
    "folder_of_parquet": in_parts(lambda path, table: table.to_parquet(path), ".snappy.parquet"),
    "folder_without_endings": in_parts(lambda path, table: table.to_parquet(path), ""),
    "folder_of_csv": in_parts(encoded("utf-8"), ".csv"),
    "folder_of_packed_csv": in_parts(compressed(gzip.compress), ".csv.gz"),
    "folder_of_json": in_parts(write_json, ".json"),
    "hive_of_parquet": in_parts(lambda path, table: table.to_parquet(path), ".parquet", by="label"),
    "hive_of_csv": in_parts(encoded("utf-8"), ".csv", by="label"),
}


@way("whole_and_broken_numbers")
def write_whole_and_broken_numbers(folder: Path, table: pd.DataFrame) -> None:
    """A column is of whole numbers in one part, and of floats with holes in another."""
    folder.mkdir()
    is_there = table.income.notna()
    table[is_there].astype({"income": "int64"}).to_parquet(folder / "a.parquet", index=False)
    table[~is_there].to_parquet(folder / "b.parquet", index=False)


@way("empty_parts")
def write_with_empty_parts(folder: Path, table: pd.DataFrame) -> None:
    folder.mkdir()
    (folder / "a.csv").write_text(text(table[:0]))
    (folder / "b.csv").write_text(text(table))
    (folder / "c.csv").write_bytes(b"")


@way("another_order.csv")
def write_in_another_order(path: Path, table: pd.DataFrame) -> None:
    text_of_split = text(table[table.columns[::-1]] if len(table) == SIZES["dev"] else table)
    path.write_text(text_of_split)


@cache
def reference(folder: Path) -> Any:
    return said_of(folder, "plain.csv", "plain.csv")


def said_of(folder: Path, train: str, dev: str) -> Any:
    """The verdict, the class counts, the fingerprints and the findings, but those on how the files were read."""
    paths = {}
    for split, name in (("train", train), ("dev", dev)):
        path = folder / split / name
        path.parent.mkdir(exist_ok=True, parents=True)
        if not path.exists():
            WAYS[name](path, frame(split))
        paths[split] = str(path)
    content = check_files(paths).as_json()
    findings = [finding for finding in content["findings"] if not finding["code"].endswith(ON_READING)]
    return content["verdict"], content["class_counts"], content["counts"], content["digests"], findings


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ways")


@pytest.mark.parametrize("name", WAYS)
def test_the_same_rows_get_the_same_check_however_they_are_written(folder: Path, name: str) -> None:
    assert said_of(folder, name, name) == reference(folder)


@pytest.mark.parametrize(("train", "dev"), list(zip(list(WAYS)[::5], list(WAYS)[3::5], strict=False)))
def test_splits_written_in_different_ways_are_compared_by_their_values(folder: Path, train: str, dev: str) -> None:
    assert said_of(folder, train, dev) == reference(folder)


@pytest.mark.parametrize("header", ["r", "one_more", "excel"])
def test_columns_without_a_name_are_an_index_or_nothing(folder: Path, header: str) -> None:
    names, *rows = lines(frame("train"))
    written = {
        "r": [names, *(f'"{index}",{row}' for index, row in enumerate(rows, 1))],
        "one_more": [names, *(f"{row}," for row in rows)],
        "excel": [f"{line},,," for line in (names, *rows)],
    }[header]
    paths = {split: folder / f"{split}_{header}.csv" for split in SIZES}
    paths["train"].write_text("\n".join([names, *rows]))
    paths["dev"].write_text("\n".join(written))
    content = check_files({split: str(path) for split, path in paths.items()}).as_json()

    assert content["digests"]["train"] == content["digests"]["dev"]
    assert [finding["code"] for finding in content["findings"]].count("dev_read_as") == 1

"""What a table in a file or folder is read as, what is said of it, and what is refused with the reason."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bvtrack.splits.file_check import FilesCheck, check_files
from bvtrack.splits.files import column_files, csv_dialect, csv_file

HEADER = "x,k,s,label"


def rows(n: int = 60, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [f"{rng.normal():.3f},{rng.integers(9)},{rng.choice(['u', 'v'])},{rng.integers(2)}" for _ in range(n)]


def csv(*lines: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *lines, ""]).encode()


def frame(n: int = 60, seed: int = 0) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(csv(*rows(n, seed))))


PLAIN = csv(*rows())


def check(folder: Path, ending: str = ".csv", options: dict[str, Any] | None = None, **splits: bytes) -> FilesCheck:
    for split, content in splits.items():
        (folder / f"{split}{ending}").write_bytes(content)
    return check_files({split: str(folder / f"{split}{ending}") for split in splits}, **(options or {}))


def said(found: FilesCheck) -> list[str]:
    """What is said of the reading."""
    return [finding.message for finding in found.findings if finding.code.endswith(("_read_as", "_not_all_read"))]


SAID: dict[str, tuple[bytes, str]] = {
    "a blank": (csv(" ,1,u,0", *rows()), "in column 'x' of {path}, ' ' in row 1, is read as missing"),
    "a late mark": (csv(*rows(), "?,1,u,0", "?,1,u,0"), "'?' in row 61 and 1 more of 62 values, is read as missing"),
    "an error of a spreadsheet": (csv(*rows(), "0,#DIV/0!,u,0"), "column 'k' of {path}, '#DIV/0!' in row 61"),
    "a word among whole numbers": (
        csv(*rows(), "0,abc,u,0"),
        "column 'k' of {path} holds texts among numbers, 'abc'",
    ),
    "an index": (csv(*(f"{i},{row}" for i, row in enumerate(rows())), header=f"Unnamed: 0,{HEADER}"), "'Unnamed: 0' of {path}"),
    "comments within": (csv(*rows(), "# half", *rows()), "1 line(s) of {path} that begin with # are not read"),
    "comments above": (b"# one\n# two\n" + PLAIN, "2 comment line(s) at the top of {path} are not read"),
    "Latin-1": (csv(*rows(), "0,1,é,0").decode().encode("latin-1"), "is not in UTF-8 and is read as cp1252"),
    "decimal commas": (
        csv(*(row.replace(",", ";").replace(".", ",") for row in rows()), header=HEADER.replace(",", ";")),
        "numbers of {path} are read with a decimal comma",
    ),
}
SAID |= {
    f"numbers such as {value}": (
        csv(*(f'"{value}",{row}' for row in rows()), header=f"price,{HEADER}"),
        f"for '{value}' in row 1",
    )
    for value in ("1,234.50", "$3.50", "12 %", "1.234.567", "1 234", "€9")
}


@pytest.mark.parametrize("name", SAID)
def test_what_is_unusual_in_a_table_is_said(tmp_path: Path, name: str) -> None:
    content, sentence = SAID[name]
    found = check(tmp_path, train=content, dev=content)

    assert len(said(found)) == 2
    assert sentence.format(path=tmp_path / "train.csv") in said(found)[0]


def test_nothing_is_said_of_a_usual_table(tmp_path: Path) -> None:
    usual = csv(*rows(), *('0,1,"two\nlines",0', '0,1,5" pipe,0', "0,1,unknown,0", ",,-,1"))
    assert said(check(tmp_path, train=usual, dev=usual)) == []


REFUSED: dict[str, tuple[bytes, str]] = {
    "a word": (
        csv(*rows(), "abc,1,u,0"),
        "expected numbers in column 'x' of {path} as in {dev}, got 'abc' in row 61; write both",
    ),
    "a label missing by a word": (csv(*rows(), "0,1,u,?"), "rows without one in column 'label' ('?' in row 61)"),
    "a row too long": (csv(*rows(30), "1,2,u,0,9"), "expected 4 values in row 31 of {path}, got 5 (1,2,u,0,9)"),
    "a row too short": (csv(*rows(30), "1,2", *rows()), "expected 4 values in row 31 of {path}, got 2"),
    "a footer": (csv(*rows(30), "(30 rows)"), "expected 4 values in row 31 of {path}, got 1 ((30 rows))"),
    "an open quote": (csv(*rows(30), '1,2,"u,0', *rows()), "each quote in {path} to be closed, got one in line 32"),
    "two open quotes": (csv(*rows(9), '1,2,"u,0', *rows(20), '1,2,"v,0', *rows()), "got one of 22 lines that look like rows"),
    "a name twice": (csv(*rows(), header="x,x,s,label"), "got 'x' twice"),
    "no header": ("\n".join(rows()).encode(), "what looks like values"),
    "no header, with words": (b"5.1,3.5,Iris-setosa\n" * 30 + b"4.9,3.0,Iris-virginica\n" * 30, "what looks like values"),
    "no header, padded": (b"39, State-gov, 77516, <=50K\n50, Private, 83311, <=50K\n" * 30, "what looks like values"),
    "no rows": (HEADER.encode() + b"\n", "expected examples in {path}, got none"),
    "no rows and no end of line": (HEADER.encode(), "expected examples in {path}, got none"),
    "spaces": (b"a b c\n" + b"1.5 2 3\n" * 50, "got spaces"),
    "a web page": (b"<!DOCTYPE html><html>404</html>", "got a web page or XML"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
    "Parquet in disguise": (b"PAR1....", "got a Parquet file; name it .parquet"),
    "a zero byte": (csv(*rows(30), "1,2,u\0,0"), "got a zero byte in line 32 of {path}"),
    "two encodings": (csv(*rows(30), "1,2,é,0") + b"1,2,\xe9,0\n", "got UTF-8 and in line 33 other bytes"),
    "a cut character": (csv(*rows(30)) + "1,2,é".encode()[:-1], "a last character that is cut off"),
    "no encoding": (csv(*rows(30)) + b"1,2,\x81\x8d,0\n", "expected text in UTF-8, UTF-16 or cp1252"),
    "a column less": (
        csv(*("1,2,0" for _ in range(60)), header="x,k,label"),
        "expected the columns of {path} in {dev}, got also s",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_the_place_and_the_reason(tmp_path: Path, name: str) -> None:
    content, sentence = REFUSED[name]
    with pytest.raises(ValueError, match=re.escape(sentence.format(path=tmp_path / "train.csv", dev=tmp_path / "dev.csv"))):
        check(tmp_path, train=content, dev=PLAIN)


READ: dict[str, tuple[bytes, list[str]]] = {
    "years": (csv(*(f"c{i},{i}.5,{i}" for i in range(50)), header="country,2019,2020"), ["country", "2019", "2020"]),
    "wavelengths": (csv(*("0.5,0.2,1" for _ in range(50)), header="400.5,402.5,label"), ["400.5", "402.5"]),
    "places": (csv(*("0.5,0.2,1" for _ in range(50)), header="0,1,label"), ["0", "1"]),
    "a text of commas": (b"text;label\n" + b"well, yes, no;1\n" * 30, ["text"]),
    "a comma in a name": (b'"price, EUR";weight;label\n' + b"1,5;2,5;0\n" * 30, ["price, EUR", "weight"]),
    "commas in names and numbers": (b"q,r;label\n" + b"1,5;0\n" * 30, ["q,r"]),
    "small numbers with commas": (b"q;r;label\n" + b"-1,5e-06;2;0\n" * 30, ["q", "r"]),
    "escaped quotes": (csv(*(f'"he said \\"hi, you\\" {i}",{i},0' for i in range(40)), header="t,n,label"), ["t", "n"]),
    "a name of two lines": (csv(*rows(), header='x,k,"s\nunit",label'), ["x", "k", "s\nunit"]),
    "a space behind each comma": (csv(*(row.replace(",", ", ") for row in rows()), header="x, k, s, label"), ["x", "k", "s"]),
}


@pytest.mark.parametrize("name", READ)
def test_headers_and_delimiters_are_told_from_values(tmp_path: Path, name: str) -> None:
    content, names = READ[name]
    found = check(tmp_path, train=content, dev=content)

    assert found.as_json()["columns"] == names
    assert not any("read as texts" in sentence for sentence in said(found))


def test_a_space_behind_each_comma_is_no_part_of_a_text(tmp_path: Path) -> None:
    padded = PLAIN.replace(b",", b", ")
    digests = check(tmp_path, train=PLAIN, dev=padded).as_json()["digests"]

    assert digests["train"] == digests["dev"]


def test_texts_of_several_lines_may_lie_across_the_blocks_that_a_file_is_read_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = csv(*(f'{index},1,"one\ntwo, three\nfour",0' for index in range(500)))
    whole = check(tmp_path, train=content, dev=content).as_json()
    monkeypatch.setattr(csv_file, "BLOCK", 1 << 10)

    assert check(tmp_path, train=content, dev=content).as_json()["digests"] == whole["digests"]


def test_a_word_far_behind_the_first_rows_is_read_or_refused_as_one_in_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_file, "BLOCK", 1 << 12)
    missing = csv(*rows(2000), "?,1,u,0", *rows(500))
    found = check(tmp_path, train=missing, dev=missing)

    assert found.as_json()["counts"]["train"] == 2501
    assert "'?' in row 2,001, is read as missing" in said(found)[0]
    with pytest.raises(ValueError, match=r"column 'x' of .*train.csv, got 'oops' in row 2,001.*--without"):
        check(tmp_path, train=csv(*rows(2000), "oops,1,u,0"), dev=PLAIN)


def test_a_test_set_may_lack_labels_but_a_dev_set_may_not(tmp_path: Path) -> None:
    bare = csv(*(row.rsplit(",", 1)[0] for row in rows()), header="x,k,s")
    with pytest.raises(ValueError, match="got none called label"):
        check(tmp_path, train=PLAIN, dev=bare)


def test_a_test_set_without_a_column_may_lack_the_labels_that_nothing_names(tmp_path: Path) -> None:
    named = csv(*rows(), header="x,k,s,Survived")
    bare = csv(*(row.rsplit(",", 1)[0] for row in rows()), header="x,k,s")

    with pytest.raises(ValueError, match=r"got none called Survived; .*--target"):
        check(tmp_path, train=named, dev=named, test=bare)


@pytest.mark.parametrize("ending", ["csv", "npz"])
@pytest.mark.parametrize("splits", [["train", "dev"], ["dev"]])
def test_labels_such_as_1_0_are_the_classes_that_they_would_be_as_whole_numbers(
    tmp_path: Path, ending: str, splits: list[str]
) -> None:
    paths = {}
    for seed, split in enumerate(["train", "dev"]):
        table = frame(seed=seed).astype({"label": float if split in splits else int})
        paths[split] = str(tmp_path / f"{split}.{ending}")
        if ending == "csv":
            table.to_csv(paths[split], index=False)
        else:
            np.savez(paths[split], X=table[["x", "k"]].to_numpy(), y=table.label.to_numpy())

    assert set(check_files(paths).as_json()["class_counts"]["dev"]) == {"0", "1"}


def test_a_label_that_is_missing_among_floats_is_missing_among_classes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="rows without one in column 'label'"):
        check(tmp_path, train=PLAIN, dev=csv(*(f"{row}.0" for row in rows()), "0.5,1,u,"))


def test_targets_that_are_not_all_whole_stay_numbers(tmp_path: Path) -> None:
    content = csv(*(f"{row}.0" for row in rows()), "0.5,1,u,0.5")
    assert check(tmp_path, train=content, dev=PLAIN).as_json()["class_counts"] == {"train": {}, "dev": {}}


JSON_LINES = [json.dumps({"a": i, "l": [i, 2], "label": i % 2}) for i in range(30)]
OTHER_JSON: dict[str, tuple[str, str]] = {
    "a list": ("[" + ",".join(JSON_LINES) + "]", "in each line of {path}, got a list; write JSON lines"),
    "one object": (json.dumps({"a": 1}, indent=1), "got one object over many lines"),
    "nothing": ("", "got nothing"),
    "a word": ("\n".join([*JSON_LINES, '{"a": "?", "l": [1, 2], "label": 0}']), "Column(/a) changed from number to string"),
    "a cut": ("\n".join(JSON_LINES)[:-4], "cannot be read"),
    "an object within": ('{"a": {"b": 1}, "label": 0}\n' * 30, "in column 'a' of {path}, got struct"),
    "ragged lists": ('{"a": [1], "label": 0}\n{"a": [1, 2], "label": 0}\n', "lists of one length"),
}


@pytest.mark.parametrize("name", OTHER_JSON)
def test_json_that_is_no_table_is_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    content, sentence = OTHER_JSON[name]
    with pytest.raises(ValueError, match=re.escape(sentence.format(path=tmp_path / "train.json"))):
        check(tmp_path, ".json", train=content.encode(), dev=content.encode())


def test_json_lines_are_read_in_blocks_and_wider_where_a_later_one_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(column_files, "BLOCK", 1 << 8)
    late = "\n".join([*JSON_LINES, '{"a": 2.5, "l": [1, 2], "label": 0}']).encode()
    new = "\n".join([*JSON_LINES, '{"a": 2, "l": [1, 2], "label": 0, "z": 1}']).encode()

    assert check(tmp_path, ".jsonl", train=late, dev=late).as_json()["counts"]["train"] == 31
    with pytest.raises(ValueError, match="got z only later"):
        check(tmp_path, ".jsonl", train=new, dev=new)


def test_a_header_longer_than_the_first_bytes_that_are_looked_at_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_dialect, "HEAD", 16)

    assert check(tmp_path, train=PLAIN, dev=PLAIN).as_json()["columns"] == ["x", "k", "s"]


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".zst", ".zip"])
def test_a_compressed_file_that_breaks_off_is_refused(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.csv{ending}"
    frame(2000).to_csv(path, index=False, compression={".zst": None}.get(ending, "infer"))
    content = pa.compress(path.read_bytes(), "zstd", asbytes=True) if ending == ".zst" else path.read_bytes()
    path.write_bytes(content[: len(content) // 2])

    with pytest.raises(ValueError, match=rf"one that cannot be read, {path}"):
        check_files({"train": str(path), "dev": str(path)})


def test_a_zip_of_several_files_is_refused_by_their_names(tmp_path: Path) -> None:
    for name, members in (("several", ["a.csv", "b.csv"]), ("workbook", ["xl/workbook.xml"])):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            for member in members:
                archive.writestr(member, PLAIN)
    with pytest.raises(ValueError, match=r"got 2 \(a.csv, b.csv\); unpack it"):
        check_files({"train": str(tmp_path / "several.zip"), "dev": str(tmp_path / "several.zip")})
    with pytest.raises(ValueError, match="got an Excel workbook"):
        check_files({"train": str(tmp_path / "workbook.zip"), "dev": str(tmp_path / "workbook.zip")})


def write(folder: Path, name: str, table: pd.DataFrame, **options: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith("parquet"):
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False, **options)
    return path


def folder_check(folder: Path) -> FilesCheck:
    return check_files({"train": str(folder), "dev": str(folder)})


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("README.md", "1 file(s) in {folder} are of another kind and are not read (README.md)"),
        ("README.txt", "1 file(s) in {folder} are of another kind and are not read (README.txt)"),
        ("plot.png", "1 file(s) in {folder} are of another kind and are not read (plot.png)"),
        ("b.parquet", "1 file(s) of {folder} are empty (b.parquet)"),
        ("_temporary/0/b.parquet", "1 hidden or unfinished file(s) in {folder} are not read (_temporary/0/b.parquet)"),
    ],
)
def test_what_a_folder_of_parts_holds_beside_them_is_said(tmp_path: Path, name: str, sentence: str) -> None:
    write(tmp_path, "a.parquet", frame())
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(b"")
    found = folder_check(tmp_path)

    assert found.as_json()["counts"]["train"] == 60
    assert said(found)[0].endswith(sentence.format(folder=tmp_path))


def test_only_files_that_may_hold_examples_are_worth_a_warning(tmp_path: Path) -> None:
    write(tmp_path, "a.parquet", frame())
    (tmp_path / "README.md").write_text("about")
    about = folder_check(tmp_path).findings
    (tmp_path / "more.orc").write_text("data")
    data = folder_check(tmp_path).findings

    assert [finding.code for finding in about].count("train_read_as") == 1
    assert [finding.level for finding in data if finding.code == "train_not_all_read"] == ["warning"]


def test_marks_of_a_finished_write_are_not_worth_a_word(tmp_path: Path) -> None:
    collected: list[Any] = []
    pq.write_to_dataset(pa.Table.from_pandas(frame()), tmp_path, metadata_collector=collected)
    pq.write_metadata(collected[0].schema.to_arrow_schema(), tmp_path / "_metadata")
    for name in ("_SUCCESS", ".part.crc", "_started_1"):
        (tmp_path / name).write_bytes(b"")

    assert said(folder_check(tmp_path)) == []


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["a.parquet", "b.csv"], "expected parts of one format in {folder}, got 1 of Parquet, 1 of CSV"),
        (["train.csv", "test.csv"], "expected one split in {folder}, got test.csv, train.csv"),
        (["train/a.parquet", "validation/a.parquet"], "expected one split in {folder}, got train, validation"),
        (["train-0-of-1.parquet", "test-0-of-1.parquet"], "expected one split"),
        (["a.csv", "a.csv.gz"], "expected each part of {folder} once, got a.csv and a.csv.gz"),
        (["b.parquet", "k=0/a.parquet"], "expected folders of the same columns in {folder}"),
        (["k=0/a.parquet", "k=1/a.parquet"], "got both; drop one"),
        (["_delta_log/0.csv", "a.parquet"], "got a table of Delta Lake"),
        (["metadata/v1.metadata.json", "data/a.parquet"], "got a table of Iceberg"),
    ],
)
def test_a_folder_that_is_not_one_table_is_refused_with_the_reason(tmp_path: Path, names: list[str], sentence: str) -> None:
    for name in names:
        write(tmp_path, name, frame())
    with pytest.raises(ValueError, match=re.escape(sentence.format(folder=tmp_path))):
        folder_check(tmp_path)


def test_parts_must_hold_the_same_columns_in_any_order(tmp_path: Path) -> None:
    write(tmp_path, "a.parquet", frame())
    write(tmp_path, "b.parquet", frame(seed=1)[["label", "s", "k", "x"]])
    assert folder_check(tmp_path).as_json()["columns"] == ["x", "k", "s"]

    other = write(tmp_path, "c.parquet", frame().rename(columns={"k": "kk"}))
    with pytest.raises(ValueError, match=rf"in {other}, got none called k and also kk"):
        folder_check(tmp_path)


def test_a_word_in_one_part_is_named_with_its_file(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", frame())
    other = write(
        tmp_path, "b.csv", frame().astype({"x": object}).assign(x=lambda table: table.x.where(table.index != 3, "oops"))
    )
    with pytest.raises(ValueError, match=rf"column 'x' of {other} as in .*a.csv, got 'oops' in row 4"):
        folder_check(tmp_path)


def test_partitions_are_columns_of_the_types_that_their_values_have(tmp_path: Path) -> None:
    for year in (2023, 2024):
        for place in ("a%20b", "__HIVE_DEFAULT_PARTITION__"):
            write(tmp_path, f"year={year}/place={place}/a.parquet", frame(seed=year))
    found = folder_check(tmp_path)

    assert found.as_json()["columns"] == ["x", "k", "s", "year", "place"]
    assert dict(found.found.profiles["train"].names["place"].counts) == {"": 120, "a b": 120}


def test_partitions_of_different_kinds_are_refused_by_their_folders(tmp_path: Path) -> None:
    for split, day in (("one", "2024-01-01"), ("two", "late")):
        write(tmp_path, f"{split}/day={day}/a.csv", frame())
    with pytest.raises(ValueError, match=r"expected times in column 'day' of .*late/a.csv as in .*2024-01-01/a.csv, got texts"):
        check_files({"train": str(tmp_path / "one"), "dev": str(tmp_path / "two")})


def test_a_folder_that_is_linked_into_itself_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, "a.part", frame())
    write(tmp_path, "b.part", frame(seed=1))
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)

    assert folder_check(tmp_path).as_json()["counts"]["train"] == 120


def test_tables_in_plain_subfolders_are_one_and_that_is_said(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        write(tmp_path, f"{name}/a.csv", frame())

    assert f"the tables in 2 subfolder(s) of {tmp_path} are read as one" in said(folder_check(tmp_path))[0]


def test_arrays_that_are_not_read_are_said_by_name(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 2
    np.savez(tmp_path / "a.npz", X=x, y=y, weights=y, y_train=y)
    found = check_files({"train": str(tmp_path / "a.npz"), "dev": str(tmp_path / "a.npz")})

    assert said(found)[0].endswith("1 array(s) of " + f"{tmp_path / 'a.npz'} are not read (weights)")


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (
            np.array(["a", "b"], object),
            "got objects, which are not unpickled; convert it before it is saved, as by .astype(str)",
        ),
        (np.zeros(2, [("a", "f8")]), "got records; save each field as an array"),
        (np.int64(3), "got a single number"),
        (np.zeros(3), "got 3 in array 'y'"),
    ],
)
def test_arrays_that_are_no_labels_are_refused(tmp_path: Path, y: Any, sentence: str) -> None:
    np.savez(tmp_path / "a.npz", X=np.zeros((2, 2)), y=y)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        check_files({"train": str(tmp_path / "a.npz"), "dev": str(tmp_path / "a.npz")})

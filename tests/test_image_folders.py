from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bvtrack.split_files import FilesCheck, check_files
from bvtrack.splits.files import image_folder
from bvtrack.splits.files.image_layout import image_layout
from bvtrack.splits.files.opening import open_splits
from bvtrack.splits.files.split_file import Roles
from bvtrack.splits.finding import Finding

seeds = itertools.count()


def save(*paths: Path, mode: str = "RGB") -> None:
    """A random picture at each path."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(next(seeds))
        Image.fromarray(random.integers(0, 256, (20, 24, 3), dtype=np.uint8)).convert(mode).save(path)


def fill(folder: Path, n: int, *classes: str, ending: str = "png") -> Path:
    save(*(folder / name / f"{index}.{ending}" for name in classes or ("",) for index in range(n)))
    return folder


def checked(train: Path, dev: Path) -> FilesCheck:
    return check_files({"train": str(train), "dev": str(dev)})


def counts(check: FilesCheck) -> dict[str, dict[str, int]]:
    return {name: dict(found.class_counts) for name, found in check.profiles.items()}


def found(check: FilesCheck, code: str) -> Finding:
    (finding,) = [finding for finding in check.findings if finding.code == code]
    return finding


def refusal(folder: Path) -> str:
    with pytest.raises(ValueError, match="expected") as error:
        checked(folder, folder)
    return str(error.value)


def test_folders_in_a_class_folder_belong_to_the_class(tmp_path: Path) -> None:
    train = fill(fill(tmp_path / "train", 30, "cat"), 10, "dog/small", "dog/large/old", "dog/large/young")
    dev = fill(tmp_path / "dev", 20, "cat", "dog")
    for index in range(10):
        shutil.copy(train / "dog/large/old" / f"{index}.png", dev / "dog" / f"{index}.png")
    check = checked(train, dev)

    assert counts(check) == {"train": {"cat": 30, "dog": 30}, "dev": {"cat": 20, "dog": 20}}
    assert found(check, "dev_repeats_train").message.startswith("10 of 40 dev examples")


@pytest.mark.parametrize(
    "ending", ["JPG", "JPEG", "jpe", "jfif", "Png", "BMP", "webp", "gif", "TIF", "tiff", "ppm", "pgm", "jp2"]
)
def test_images_are_known_by_endings_of_any_case(tmp_path: Path, ending: str) -> None:
    train, dev = fill(tmp_path / "train", 20, "a", "b", ending=ending), fill(tmp_path / "dev", 10, "a", "b", ending=ending)

    assert counts(checked(train, dev)) == {"train": {"a": 20, "b": 20}, "dev": {"a": 10, "b": 10}}


def test_broken_images_are_left_out_and_named(tmp_path: Path) -> None:
    train, dev = fill(tmp_path / "train", 30, "a", "b"), fill(tmp_path / "dev", 15, "a", "b")
    (train / "a" / "0.png").write_bytes(b"")
    (train / "a" / "1.png").write_bytes((train / "a" / "1.png").read_bytes()[:300])
    (train / "b" / "2.jpg").write_text("<html>")
    (train / "b" / "gone.png").symlink_to("nowhere")
    os.mkfifo(train / "b" / "pipe.png")
    check = checked(train, dev)

    assert counts(check)["train"] == {"a": 28, "b": 30}
    message = found(check, "train_has_unreadable_files").message
    assert message.startswith("5 of 63 images of train cannot be read and are left out: b/gone.png (a link to nothing), ")
    assert "b/pipe.png (no regular file), a/0.png (an empty file) and 2 more" in message
    assert "dev_has_unreadable_files" not in [finding.code for finding in check.findings]


def test_a_broken_image_is_left_out_with_its_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_folder, "AT_ONCE", 7)
    train, dev = fill(tmp_path / "train", 20, "a", "b", "c"), fill(tmp_path / "dev", 10, "a", "b", "c")
    for broken in [*(train / "b").iterdir(), train / "a" / "3.png", train / "c" / "19.png"]:
        broken.write_bytes(b"broken")
    check = checked(train, dev)

    assert counts(check)["train"] == {"a": 19, "c": 19}
    assert "b (10)" in found(check, "dev_has_unseen_classes").message


def test_what_is_no_image_is_said(tmp_path: Path) -> None:
    train, dev = fill(tmp_path / "train", 30, "a", "b"), fill(tmp_path / "dev", 15, "a", "b")
    save(train / ".ipynb_checkpoints" / "a.png", train / "__MACOSX" / "a" / "._1.png", train / "a" / "._1.png")
    for name in ("Thumbs.db", ".DS_Store", "a/notes.txt", "b/scan.dcm"):
        (train / name).write_text("")
    check = checked(train, dev)

    assert counts(check)["train"] == {"a": 30, "b": 30}
    assert found(check, "train_has_other_files").message == (
        "train also holds 5 hidden files or folders (.DS_Store, .ipynb_checkpoints, Thumbs.db and 2 more) "
        "and 2 files of other kinds (a/notes.txt, b/scan.dcm), which are not read"
    )


def test_class_folders_without_images_are_said(tmp_path: Path) -> None:
    train, dev = fill(tmp_path / "train", 30, "a", "b"), fill(tmp_path / "dev", 15, "a", "b", "c")
    (train / "c" / "later").mkdir(parents=True)
    check = checked(train, dev)

    assert found(check, "train_has_empty_classes").message.startswith(
        "train has folders without images, which are no classes here (1: c)"
    )
    assert "c (15)" in found(check, "dev_has_unseen_classes").message


def test_images_beside_their_labels_have_no_classes(tmp_path: Path) -> None:
    for name, n in (("train", 40), ("dev", 20)):
        fill(tmp_path / name, n, "images", ending="jpg")
        (tmp_path / name / "labels").mkdir()
        for index in range(n):
            (tmp_path / name / "labels" / f"{index}.txt").write_text("0 0.5 0.5 1 1")
    check = checked(tmp_path / "train", tmp_path / "dev")

    assert check.shift.counts == {"train": 40, "dev": 20}
    assert counts(check) == {"train": {}, "dev": {}}
    assert found(check, "train_read_within").message.startswith("the images of train are those in its folder images, without")
    assert "40 files of other kinds (labels/0.txt, " in found(check, "train_has_other_files").message


def test_masks_beside_images_are_no_class(tmp_path: Path) -> None:
    train, dev = (fill(tmp_path / name, 20, "JPEGImages", "Masks/fine") for name in ("train", "dev"))
    check = checked(train, dev)

    assert counts(check)["train"] == {}
    assert check.shift.counts["train"] == 20
    assert "20 images beside the others, as annotations (Masks" in found(check, "train_has_other_files").message


@pytest.mark.parametrize("within", ["train", "images", "train/Images", "Val", "data", "dataset/train"])
def test_class_folders_within_a_folder_that_is_none_are_found(tmp_path: Path, within: str) -> None:
    fill(tmp_path / "train" / within, 20, "a", "b")
    check = checked(tmp_path / "train", fill(tmp_path / "dev", 10, "a", "b"))

    assert counts(check)["train"] == {"a": 20, "b": 20}
    assert found(check, "train_read_within").message == (
        f"the images of train are those in its folder {within}, whose subfolders are the classes"
    )


def test_images_as_a_name_among_classes_is_a_class(tmp_path: Path) -> None:
    assert set(image_layout(fill(tmp_path, 2, "images", "charts", "texts")).classes or ()) == {"images", "charts", "texts"}


def test_a_single_class_with_folders_in_it_is_a_class(tmp_path: Path) -> None:
    assert set(image_layout(fill(tmp_path, 2, "dog/beagle", "dog/poodle")).classes or ()) == {"dog"}


def test_the_folders_in_a_single_class_are_said(tmp_path: Path) -> None:
    train, dev = (fill(tmp_path / name, n, "Pets/cat", "Pets/dog/old") for name, n in (("train", 30), ("dev", 15)))
    check = checked(train, dev)

    assert counts(check) == {"train": {"Pets": 60}, "dev": {"Pets": 30}}
    assert found(check, "train_has_one_class").message == (
        "all images of train are in its folder Pets, its only class, and the folders in that are no classes (cat, dog): "
        "if they are, name Pets instead"
    )


@pytest.mark.parametrize("name", ["test1", "all_images", "unknown", "0"])
def test_a_folder_that_holds_a_whole_test_set_without_classes_is_no_class(tmp_path: Path, name: str) -> None:
    sets = {"train": fill(tmp_path / "train", 30, "a", "b"), "dev": fill(tmp_path / "dev", 15, "a", "b")}
    check = check_files({split: str(path) for split, path in {**sets, "test": fill(tmp_path / "test", 30, name)}.items()})

    assert found(check, "test_has_no_labels").message.startswith(f"test has no labels, only {name}: ")
    assert not any("unseen" in one.code for one in check.findings)


def test_a_test_set_may_lack_the_classes_that_others_have(tmp_path: Path) -> None:
    labelled, flat = fill(tmp_path / "train", 3, "a", "b"), fill(tmp_path / "flat", 3)
    opened = open_splits({"train": str(labelled), "dev": str(labelled), "test": str(flat)}, Roles())

    assert opened["test"].where == str(flat)
    with pytest.raises(ValueError, match="a subfolder for each class"):
        open_splits({"train": str(labelled), "dev": str(flat), "test": str(flat)}, Roles())


def test_folders_of_several_sets_are_refused(tmp_path: Path) -> None:
    folder = fill(tmp_path / "data", 3, "train/a", "val/a", "test/a")

    assert f"got folders of several, test, train, val; name one, such as {folder / 'test'}" in refusal(folder)


def test_a_folder_without_images_is_refused_with_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.dcm").write_text("")

    assert "got 1 file of another kind (a/1.dcm); name another folder" in refusal(tmp_path)


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    train, dev = fill(tmp_path / "train", 20, "a", "b"), fill(tmp_path / "dev", 10, "a", "b")
    fill(tmp_path / "elsewhere", 5, "more")
    (train / "a" / "more").symlink_to(tmp_path / "elsewhere")
    (train / "a" / "up").symlink_to("..")
    (train / "a" / "itself.png").symlink_to("itself.png")
    (train / "b" / "back").symlink_to(train / "b")
    (train / "b" / "other.png").symlink_to(train / "a" / "0.png")
    check = checked(train, dev)

    assert counts(check)["train"] == {"a": 25, "b": 21}
    assert "2 links to folders that are read anyway (a/up, b/back)" in found(check, "train_has_other_files").message
    assert "a/itself.png (a link to nothing)" in found(check, "train_has_unreadable_files").message


def test_folders_that_link_to_one_another_are_read_once_each(tmp_path: Path) -> None:
    names = [f"{index}" for index in range(12)]
    fill(tmp_path, 1, *(f"a/{name}" for name in names))
    for one, other in itertools.permutations(names, 2):
        (tmp_path / "a" / one / f"to{other}").symlink_to(tmp_path / "a" / other)

    assert len(image_layout(tmp_path).files) == 12


def test_names_of_every_kind_are_read_and_printed(tmp_path: Path) -> None:
    names = ["größe 1", "a\nb", "with @ at", "[red]x[bold]", "caf\udce9", "a:b", "%s {n}", "-x"]
    train, dev = (fill(tmp_path / "an @ {at} ü" / name, 3, *names) for name in ("train", "dev"))
    for name in names:
        (train / name / f"{name}.png").write_bytes(b"")
        (train / name / f"{name}.txt").write_bytes(b"")
    command = [sys.executable, "-m", "bvtrack", "split", str(train), str(dev)]
    shown, as_json = (subprocess.run([*command, *options], capture_output=True) for options in ([], ["--json"]))

    assert (shown.returncode, as_json.returncode) == (0, 0), shown.stderr + as_json.stderr
    content = json.loads(as_json.stdout)
    assert content["class_counts"]["train"] == dict.fromkeys(sorted(content["class_counts"]["train"]), 3)
    assert len(content["class_counts"]["train"]) == len(names)
    assert {"train_has_unreadable_files", "train_has_other_files"} <= {finding["code"] for finding in content["findings"]}
    assert b"8 of 32 images of train cannot be read" in shown.stdout


def test_turned_animated_and_transparent_images_are_said(tmp_path: Path) -> None:
    train, dev = fill(tmp_path / "train", 20, "a"), fill(tmp_path / "dev", 10, "a")
    exif = Image.Exif()
    exif[0x0112] = 6
    photograph = Image.open(train / "a" / "0.png")
    photograph.save(train / "a" / "turned.jpg", exif=exif)
    photograph.save(train / "a" / "moving.gif", save_all=True, append_images=[Image.open(train / "a" / "1.png")])
    faint = photograph.convert("RGBA")
    faint.putalpha(99)
    faint.save(train / "a" / "faint.png")
    check = checked(train, dev)

    for code, name in (("turned_images", "turned.jpg"), ("frames", "moving.gif"), ("transparent_images", "faint.png")):
        assert found(check, f"train_has_{code}").level == "note"
        assert f"a/{name}" in found(check, f"train_has_{code}").message
        assert "1 of 23 images of train" in found(check, f"train_has_{code}").message


def photographs(n: int, seed: int) -> list[Image.Image]:
    noise = np.random.default_rng(seed).normal(size=(n, 12, 9, 3)) * 40 + 128
    return [Image.fromarray(one).resize((90, 120), Image.Resampling.BICUBIC) for one in noise.clip(0, 255).astype(np.uint8)]


def test_upright_copies_of_photographs_with_an_exif_rotation_are_near_copies(tmp_path: Path) -> None:
    lying = Image.Exif()
    lying[0x0112] = 6
    for index, photograph in enumerate(photographs(120, 0)):
        for folder in ("train", "dev"):
            (tmp_path / folder / "a").mkdir(parents=True, exist_ok=True)
        photograph.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "train" / "a" / f"{index}.jpg", exif=lying)
        if index < 20:
            photograph.save(tmp_path / "dev" / "a" / f"{index}.jpg", quality=60)
    for index, photograph in enumerate(photographs(40, 1)):
        photograph.save(tmp_path / "dev" / "a" / f"{100 + index}.jpg")
    check = checked(tmp_path / "train", tmp_path / "dev")

    assert found(check, "dev_nearly_repeats_train").message.startswith("20 of 60 dev examples")


def test_drawings_on_a_transparent_ground_are_no_copies_though_they_look_alike(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for name, n in (("train", 200), ("dev", 100)):
        for index in range(n):
            drawing = Image.new("RGBA", (48, 48))
            draw = ImageDraw.Draw(drawing)
            for _ in range(4):
                draw.line(random.integers(0, 48, 4).tolist(), fill=(0, 0, 0, 255), width=3)
            if index % 2:
                draw.rectangle((8, 8, 40, 40), fill=(0, 0, 0, 255))
            (tmp_path / name / "ab"[index % 2]).mkdir(parents=True, exist_ok=True)
            drawing.save(tmp_path / name / "ab"[index % 2] / f"{index}.png")
    check = checked(tmp_path / "train", tmp_path / "dev")
    hashes = check.profiles["train"].hashes

    assert hashes is not None
    assert len(set(hashes.tolist())) == 200
    assert not [finding for finding in check.findings if "copies" in finding.message]


def test_different_images_with_one_thumbnail_are_no_copies(tmp_path: Path) -> None:
    page = np.full((640, 640), 255, np.uint8)
    for name, n in (("train", 40), ("dev", 20)):
        for index in range(n):
            written = page.copy()
            written[index * 8 + 3, 300 if name == "dev" else 100] = 200
            (tmp_path / name).mkdir(exist_ok=True)
            Image.fromarray(written).save(tmp_path / name / f"{index}.png")
    codes = {finding.code for finding in checked(tmp_path / "train", tmp_path / "dev").findings}

    assert not {"dev_repeats_train", "dev_nearly_repeats_train", "test_used_to_choose"} & codes


def test_one_image_of_12_bits_keeps_the_values_of_all(tmp_path: Path) -> None:
    train, dev = (fill(tmp_path / name, 20, "a") for name in ("train", "dev"))
    for folder in (train, dev):
        for index in range(20):
            Image.open(folder / "a" / f"{index}.png").convert("L").save(folder / "a" / f"{index}.png")
    Image.fromarray(np.random.default_rng(0).integers(0, 4096, (40, 40), dtype=np.uint16)).save(dev / "a" / "deep.png")
    (part,) = checked(train, dev).profiles["train"].layout.parts

    assert (part.dtype, part.shape) == ("<f4", (32, 32))


def test_many_images_are_read_in_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_folder, "AT_ONCE", 16)
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (500, 500, 3), dtype=np.uint8))
    (tmp_path / "a").mkdir()
    image.save(tmp_path / "a" / "0.bmp")
    for index in range(1, 120):
        (tmp_path / "a" / f"{index}.bmp").hardlink_to(tmp_path / "a" / "0.bmp")
    tracemalloc.start()
    checked(tmp_path, tmp_path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert most < 60 * 750_000  # half of the pixels


def test_leaving_copies_out_of_the_check_leaves_out_nothing_else(tmp_path: Path) -> None:
    train, dev = fill(tmp_path / "train", 20, "a", "b"), fill(tmp_path / "dev", 10, "a", "b")
    (train / "a" / "0.png").write_bytes(b"")
    check = check_files({"train": str(train), "dev": str(dev)}, leaks=False)

    assert check.profiles["train"].hashes is None
    assert found(check, "train_has_unreadable_files")


def test_warnings_of_pillow_are_nobodys_and_filters_stay(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    import warnings

    train, dev = fill(tmp_path / "train", 20, "a", "b"), fill(tmp_path / "dev", 10, "a", "b")
    Image.new("1", (10_000, 10_000)).save(train / "a" / "large.png")  # Pillow warns of a decompression bomb
    filters = list(warnings.filters)
    checked(train, dev)

    assert warnings.filters == filters
    assert not recwarn.list

"""Read NumPy files as batches: a .npy is memory-mapped, a .npz is decompressed as it is read, and nothing is unpickled."""

from __future__ import annotations

import math
import sys
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

import numpy as np
from numpy.lib import format as npy

from bvtrack.splits.files.remark import Remark
from bvtrack.splits.files.split_file import Reading, Report, Roles, reason_of, some
from bvtrack.splits.files.whole_targets import can_be_classes
from bvtrack.splits.reading.examples import TARGET_NAMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bvtrack.splits.files.split_file import Batch

FEATURES = ("x", "features", "images", "inputs")
"""Names of feature arrays, in upper or lower case, with or without a suffix: `x_train`."""
BYTES_AT_ONCE = 1 << 24
MOST_ROWS = 1 << 16
BROKEN = (
    OSError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
    OverflowError,
    MemoryError,
    tokenize.TokenError,
)
"""What NumPy raises of a file that is damaged, its header included, which it reads as Python source."""
READABLE = "biufcmMUS"
"""NumPy's dtype kinds of numbers, times and texts; objects would have to be unpickled."""


@dataclass(frozen=True)
class Member:
    """An array in a file: its name, shape and dtype, and whether it is stored by columns (Fortran order)."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    is_fortran: bool

    def __len__(self) -> int:
        return self.shape[0]


@dataclass(frozen=True)
class Arrays:
    """The arrays of a split, by role. `dtypes` are the dtypes to read features, target and group as."""

    path: Path
    members: Mapping[str, Member]
    dtypes: Mapping[str, np.dtype[Any]]
    others: Sequence[str] = ()
    """Names of arrays that are not read, but those of other parts."""
    is_test: bool = False

    @property
    def where(self) -> str:
        return str(self.path)

    @property
    def form(self) -> str:
        return "arrays"

    def agreed(self, files: Sequence[Self]) -> Self:
        dtypes = {}
        for role in ("features", "target", "group"):
            found = [file.members[role] for file in files if role in file.members]
            can_lack = role == "target" and all(role in file.members or file.is_test for file in files)
            if found and len(found) < len(files) and not can_lack:
                raise ValueError(f"expected a {role} in all splits or in none, got it in {len(found)} of {len(files)}; add it")
            if found:
                dtypes[role] = _common([member.dtype for member in found], role)
        if (
            "target" in dtypes
            and dtypes["target"].kind == "f"
            and all(file.are_classes_whole for file in files if "target" in file.members)
        ):
            dtypes["target"] = np.dtype(np.int64)
        return replace(self, dtypes=dtypes)

    @cached_property
    def are_classes_whole(self) -> bool:
        """True for targets that are floats, but all whole, such as 1.0, and no more than there can be classes."""
        target = self.members["target"]
        if target.dtype.kind != "f" or len(target.shape) > 1 + (target.shape[-1] == 1):
            return target.dtype.kind in "iu"
        return can_be_classes(_whole(self.path, target))

    def batches(self, report: Report) -> Iterator[Batch]:
        features, target = self.members["features"], self.members.get("target")
        n_bytes = features.dtype.itemsize * max(1, int(np.prod(features.shape[1:])))
        step = min(MOST_ROWS, max(1, BYTES_AT_ONCE // n_bytes))
        targets = None if target is None else self._read_as("target")
        start = 0
        for rows in _chunks(self.path, features, step):
            stop = start + len(rows)
            report(stop / len(features))
            columns = {"feature": _as_type(rows, self.dtypes["features"])}
            yield columns, None if targets is None else targets[start:stop]
            start = stop

    def reading(self, split: str) -> Reading:
        if not self.others:
            return Reading()
        names = some(self.others)
        return Reading(
            (Remark(f"{len(self.others)} array(s) of {self.path} are not read ({names})", is_loss=True).finding(split),)
        )

    def groups(self) -> NDArray[Any] | None:
        groups = self._whole("group")
        return None if groups is None else _as_type(groups, self.dtypes["group"])

    def times(self) -> NDArray[Any] | None:
        times = self._whole("time")
        if times is not None and times.dtype.kind in "US":
            raise ValueError(f"expected numbers or times of NumPy as time in {self.path}, got texts; convert them")
        return (
            times.astype("datetime64[ms]").astype(np.float64) / 1000 if times is not None and times.dtype.kind == "M" else times
        )

    def _read_as(self, role: str) -> NDArray[Any]:
        return _as_type(_whole(self.path, self.members[role]), self.dtypes[role])

    def _whole(self, role: str) -> NDArray[Any] | None:
        if role not in self.members:
            return None
        values = _whole(self.path, self.members[role])
        n_missing = int((values != values).sum())
        if n_missing:
            raise ValueError(f"expected a {role} for each example of {self.path}, got none for {n_missing:,}; fill them in")
        return values


def open_arrays(path: Path, part: str, roles: Roles) -> Arrays:
    """List the arrays of a file; `part` is the suffix of their names, `train` for `x_train` and `y_train`.

    Raises `ValueError` for a broken file, arrays of objects or of different lengths, and if it is unclear which arrays are the
    features and the target.
    """
    if roles.without:
        raise ValueError(f"expected no --without for the arrays in {path}, whose columns have no names; leave it out")
    with _explained_errors(path):
        found = _npy_members(path) if path.suffix.lower() == ".npy" else _npz_members(path)
    features = _features(path, list(found), part)
    suffix = features[len(features.split("_")[0]) :] if "_" in features else ""
    targets = [name for name in found if name.lower() in {f"{target}{suffix}".lower() for target in TARGET_NAMES}]
    roles = roles.found_in(list(found))
    roles.check(list(found), str(path))
    names = {"features": features, **roles.with_target(targets, str(path)).named}
    members = {role: found[name] for role, name in names.items()}
    for role, member in members.items():
        _check(path, role, member, members["features"])
    known = (*FEATURES, *TARGET_NAMES)
    others = [name for name in found if name not in names.values() and name.split("_")[0].lower() not in known]
    return Arrays(path, members, {role: member.dtype for role, member in members.items()}, others, roles.is_test)


def _features(path: Path, names: Sequence[str], part: str) -> str:
    candidates = [name for name in names if name.split("_")[0].lower() in FEATURES]
    if part:
        of_part = [name for name in candidates if "_" in name and name.split("_", 1)[1].lower() == part.lower()]
        if len(of_part) == 1:
            return of_part[0]
        raise ValueError(f"expected an array x_{part} in {path}, got {', '.join(names)}; name a part that is there")
    if len(candidates) == 1 or len(names) == 1:
        return (candidates or list(names))[0]
    if candidates:
        an_example = candidates[0].split("_", 1)[-1]
        raise ValueError(
            f"expected one array of features in {path}, got {', '.join(candidates)}; say which, as in {path.name}:{an_example}"
        )
    raise ValueError(
        f"expected an array called x, features, images or inputs in {path}, got {', '.join(names) or 'none'}; rename the one"
    )


def _check(path: Path, role: str, member: Member, features: Member) -> None:
    if member.dtype.kind not in READABLE:
        what = (
            "objects, which are not unpickled"
            if member.dtype.hasobject
            else "records"
            if member.dtype.names
            else str(member.dtype)
        )
        way = "save each field as an array" if member.dtype.names else "convert it before it is saved, as by .astype(str)"
        raise ValueError(f"expected numbers or texts in array {member.name!r} of {path}, got {what}; {way}")
    if not member.shape:
        raise ValueError(f"expected a row for each example in array {member.name!r} of {path}, got a single number; add rows")
    if len(member) != len(features):
        raise ValueError(
            f"expected a {role} for each of the {len(features):,} examples in {path}, got {len(member):,} in array "
            f"{member.name!r}; write both of one length"
        )


@contextmanager
def _explained_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except BROKEN as error:
        raise ValueError(
            f"expected a file of NumPy, got one that cannot be read, {path} ({reason_of(error)}); write it again"
        ) from error


def _npy_members(path: Path) -> dict[str, Member]:
    with path.open("rb") as stream:
        return {path.stem: _header(path.stem, stream)}


def _npz_members(path: Path) -> dict[str, Member]:
    found = {}
    with zipfile.ZipFile(path) as archive:
        for entry in archive.namelist():
            if entry.endswith(".npy"):
                with archive.open(entry) as stream:
                    found[entry.removesuffix(".npy")] = _header(entry.removesuffix(".npy"), stream)
    return found


def _header(name: str, stream: IO[bytes]) -> Member:
    version = npy.read_magic(stream)
    if version > (2, 0):
        raise ValueError("an array of a structured type")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, is_fortran, dtype = read(stream)
    if min(shape, default=0) < 0 or math.prod(shape) > sys.maxsize:
        raise ValueError(f"no array has the shape {shape}")
    return Member(name, shape, dtype, is_fortran and len(shape) > 1)


def _whole(path: Path, member: Member) -> NDArray[Any]:
    with _explained_errors(path):
        loaded = np.load(path, allow_pickle=False, mmap_mode="r" if path.suffix.lower() == ".npy" else None)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            values: NDArray[Any] = loaded[member.name]
            return values


def _chunks(path: Path, member: Member, step: int) -> Iterator[NDArray[Any]]:
    if path.suffix.lower() == ".npy" or member.is_fortran:
        values = _whole(path, member)
        for start in range(0, len(values), step):
            yield np.ascontiguousarray(values[start : start + step])
        return
    with _explained_errors(path), zipfile.ZipFile(path) as archive, archive.open(f"{member.name}.npy") as stream:
        _header(member.name, stream)
        n_bytes = member.dtype.itemsize * int(np.prod(member.shape[1:]))
        for start in range(0, len(member), step):
            n = min(step, len(member) - start)
            read = stream.read(n * n_bytes)
            if len(read) < n * n_bytes:
                raise EOFError(f"{member.name} has fewer than {len(member):,} rows")
            yield np.frombuffer(read, member.dtype).reshape(n, *member.shape[1:])


def _common(dtypes: Sequence[np.dtype[Any]], role: str) -> np.dtype[Any]:
    """A dtype that holds the values of all; texts and times only combine with their own kind."""
    sorts = {"text" if dtype.kind in "US" else dtype.kind if dtype.kind in "mM" else "number" for dtype in dtypes}
    if len(sorts) > 1:
        found = ", ".join(dict.fromkeys(map(str, dtypes)))
        raise ValueError(f"expected the {role} of all splits to be of one type, got {found}; convert one of them")
    return np.dtype(object) if sorts == {"text"} else np.result_type(*dtypes)


def _as_type(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    return values.astype(dtype, copy=False)

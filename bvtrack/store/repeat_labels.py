"""Which params and tags of a run name its seed or its fold, in any spelling, and which only say where it ran."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Label = Literal["seed", "fold", "split"]
"""A `split` is the seed of a split that is drawn anew."""

_COUNTS = frozenset(("n", "num", "count", "total", "max", "per"))
"""Words beside which a seed or a fold is a number of them, and so a setting."""
_SEEDS = frozenset(("seed", "randomstate", "randomseed", "globalseed", "rng"))
_OF_SPLIT = frozenset(("split", "cv", "fold", "shuffle"))
_OF_WHAT = frozenset(("all", "everything", "global", "python", "np", "numpy", "torch", "cuda", "tf"))
"""Words behind a seed that say of what it is; another one makes it a setting, as in `seed_size`."""
_FOLDS = frozenset(("fold", "repetition", "replicate"))
_PLACES = frozenset(("idx", "index", "id"))
_NUMBERED = _PLACES | {"no", "nr", "number", "value", "current"}
_WHICH_FOLD = frozenset(
    ("cv", "k", "outer", "inner", "train", "val", "valid", "validation", "dev", "test", "held", "out", "data")
)
"""Words beside a fold that say which one it is; another one makes it a setting, as in `repetition_penalty`."""
_FOLDERS = ("output_dir", "logging_dir", "log_dir", "save_dir", "default_root_dir", "checkpoint_dir", "ckpt_dir")
_JOBS = ("run_name", "run_id", "trial_id", "job_id", "slurm_job_id", "host", "hostname", "node", "pid")
_TIMES = ("timestamp", "started_at", "start_time")
WHERE = frozenset((*_FOLDERS, *_JOBS, *_TIMES))
"""Names of what says where or when a run ran, and changes nothing in it: repeats differ in it too."""


def words_of_name(name: str) -> list[str]:
    """The words of a param's own name, without those of its nesting, in lower case.

    >>> words_of_name("trainer/seed"), words_of_name("model.random_state"), words_of_name("clf__randomState")
    (['seed'], ['random', 'state'], ['random', 'state'])
    """
    last = re.split(r"[/.:]|__", name.strip("/.:_"))[-1]
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", last)]


def label_of(name: str, value: str) -> Label | None:
    """What a param or a tag of this name and value labels a repeat by; `None` for a setting.

    >>> label_of("trainer/seed", "3"), label_of("cv_fold", "0"), label_of("split_seed", "7"), label_of("n_folds", "5")
    ('seed', 'fold', 'split', None)
    """
    words = words_of_name(name)
    if not words or _COUNTS.intersection(words):
        return None
    is_whole = re.fullmatch(r"-?\d+", value.strip()) is not None
    if (behind := _behind_seed(words)) is not None:
        is_label = is_whole and behind <= _NUMBERED | _OF_WHAT | _OF_SPLIT
        return ("split" if _OF_SPLIT.intersection(words) else "seed") if is_label else None
    folds = _FOLDS.union({"split"} if _PLACES.intersection(words) else ())
    beside = {word for word in words if not word.isdigit()} - folds
    is_fold = bool(folds.intersection(words)) and beside <= _NUMBERED | _WHICH_FOLD
    return "fold" if is_fold and re.search(r"\d", value) and len(value) <= 20 else None


def _behind_seed(words: Sequence[str]) -> set[str] | None:
    """The words behind the one that names a seed, without numbers; `None` if none does."""
    ends = [place + 1 for place, word in enumerate(words) if word in _SEEDS]
    ends += [place + 2 for place, pair in enumerate(itertools.pairwise(words)) if pair == ("random", "state")]
    return {word for word in words[min(ends) :] if not word.isdigit()} if ends else None


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of a run, and its settings: all else that was logged of it before its results."""

    seed: str | None = None
    fold: str | None = None
    split: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


def read_labels(params: Mapping[str, str], tags: Mapping[str, str]) -> Labels:
    """Those among params and the user's own tags, which stand above params of the same name. Several seeds of a run are one
    label together.

    >>> read_labels({"trainer/seed": "1", "lr": "0.1", "output_dir": "out/1"}, {})
    Labels(seed='1', fold=None, split=None, settings={'lr': '0.1'})
    """
    found: Mapping[str, dict[str, str]] = {"seed": {}, "fold": {}, "split": {}}
    settings = {}
    for name, value in sorted({**params, **tags}.items()):
        if label := label_of(name, value):
            found[label][name] = value.strip()
        elif "_".join(words_of_name(name)) not in WHERE:
            settings[name] = value
    seed, fold, split = (_joined(found[label].values()) for label in ("seed", "fold", "split"))
    return Labels(seed, fold, split, settings)


def _joined(values: Iterable[str]) -> str | None:
    return ", ".join(dict.fromkeys(values)) or None

"""A metric's name as words: those for the set that it was measured on, and the others."""

from __future__ import annotations

import functools
import re

MOST_NAMES = 1 << 15
"""Names whose words are remembered, for a training of 10,000 metrics looks them up in each epoch: some megabytes."""
STAGES = {
    "train": ("train", "training", "learn"),
    "dev": ("val", "valid", "validation", "validate", "dev", "eval", "evaluation"),
    "test": ("test",),
}
"""Words in metric names for the set that a metric was measured on."""

OTHER_STAGE = 2

_SHORT_STAGES = {"tr": "train", "trn": "train", "vl": "val", "tst": "test"}
"""Short words for the set, at the beginning of a name alone: elsewhere they are something else, such as languages."""

_STAGE_WORDS = {word for words in STAGES.values() for word in words}
_SUFFIXES = {"epoch", "step"}
_ONE_WORD = re.compile(r"(?<![A-Za-z])([a-z])(?=(?:IoU|AP|Acc|Dice|Fscore)(?![a-z]))|IoU")
"""`mAP`, `mIoU` and `aAcc` are one word each, and `IoU` is no word `Io` with a `U`."""
_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?:(?<=[A-Z]{2})|(?<=K))(?=[A-Z][a-z]{2})")
"""Before a capital that follows a small letter, and between an acronym and a word (`MSELoss`, `TopKCategorical`)."""
_NUMBERED = re.compile(r"([a-z]{2,}?)(\d+)([bmp]?|acc|accuracy|err|error)")
"""`acc1`, `top5acc` and YOLO's `map50b` hold a number; `f1`, `r2` and `l1` are words."""
_COMPOUNDS = {("multi", "class"): "multiclass", ("multi", "label"): "multilabel", ("io", "u"): "iou"}


def words_of(name: str) -> list[str]:
    """The words of a metric's name in lower case, whatever separates them.

    >>> words_of("validation_0-errorRate"), words_of("val/mIoU")
    (['validation', '0', 'error', 'rate'], ['val', 'miou'])
    """
    name = _without_namespace(name).replace("'s ", " ")  # LightGBM's "valid_0's auc"
    whole = _ONE_WORD.sub(lambda match: "Iou" if match[0] == "IoU" else match[0].upper(), name)
    spaced = _BORDER.sub("_", whole)
    words = [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word]
    return [_SHORT_STAGES.get(words[0], words[0]), *words[1:]] if words else []


def _without_namespace(name: str) -> str:
    """The name without a first `training/`, where what follows names the set: Neptune's logger for Lightning puts it there."""
    namespace, _, rest = name.partition("/")
    return rest if namespace in STAGES["train"] and _STAGE_WORDS & {*words_of(rest)} else name


def parts_of(name: str) -> list[str]:
    """The words of a metric's name without those for its set, numbers by themselves.

    >>> parts_of("val/acc@1"), parts_of("top5_acc"), parts_of("val_f1")
    (['acc', '1'], ['top', '5', 'acc'], ['f1'])
    """
    parts: list[str] = []
    before = ""
    for word in words_of(name):
        is_number_of_set, before = word.isdecimal() and before in _STAGE_WORDS, word
        if word in _STAGE_WORDS | _SUFFIXES or is_number_of_set:  # `validation_0` is a set
            continue
        numbered = _NUMBERED.fullmatch(word)
        parts += [part for part in numbered.groups() if part] if numbered else [re.sub(r"^(\d+)[bmp]$", r"\1", word)]
        if (pair := tuple(parts[-2:])) in _COMPOUNDS:
            parts[-2:] = [_COMPOUNDS[pair]]
    return parts


@functools.lru_cache(MOST_NAMES)
def core_name(name: str) -> str:
    """A metric's name without the stage it was measured in: `val_acc`, `train/acc_epoch` and `Acc` are all `acc`."""
    return "_".join(word for word in words_of(name) if word not in _STAGE_WORDS | _SUFFIXES)


def stage_rank(name: str, stage: str | None) -> int:
    """0 if the name says `stage`, 1 if it says none, `OTHER_STAGE` if it says another."""
    words = _stage_words(name)
    if not words:
        return 1
    return 0 if stage is not None and not words.isdisjoint(STAGES[stage]) else OTHER_STAGE


@functools.lru_cache(MOST_NAMES)
def _stage_words(name: str) -> frozenset[str]:
    return frozenset(words_of(name)) & _STAGE_WORDS


def is_of_stage(name: str, stage: str) -> bool:
    """True if a metric's name says that it was measured on this set: `train`, `dev` or `test`.

    >>> is_of_stage("test_acc", "test"), is_of_stage("val_loss", "test")
    (True, False)
    """
    return stage_rank(name, stage) == 0

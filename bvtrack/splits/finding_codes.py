"""All findings of a split's check: code, possible levels, the sentence for each level, and the harm to a verdict.

The checks decide on the finding, its level and its numbers; all wording is here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from string import Formatter
from types import MappingProxyType
from typing import Any

from bvtrack.measures.percent import percent
from bvtrack.splits.finding import PLACES, Finding, Level

_NO_CLAUSES: Mapping[str, str] = MappingProxyType({})
_NO_SENTENCES: Mapping[Level, str] = MappingProxyType({})
_KNOWS = "the {split} set has {count:,} of {total:,} examples ({share!p}; the guideline is {guideline}){precision}"
_HARMLESS = "{earlier} and {later} are not drawn alike, but differ too little to matter: {differences}"
_COPIES = "{n_shared:,} of {n:,} {later} examples ({share!p}) are copies of {earlier} examples{but_for}{of_sample}{of_part}"
_NEAR_COPIES = (
    "{n_near:,} of {n:,} {later} examples ({share!p}) are near copies of {earlier} examples by their {part}: "
    "keep what was made of one original in one set"
)


def named(names: Sequence[str], most: int = 3) -> str:
    """The first names, and the number of the others.

    >>> named(["a", "b", "c", "d"])
    'a, b, c and 1 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


class _Words(Formatter):
    """`str.format` with a conversion `!p` for a fraction in percent."""

    def convert_field(self, value: Any, conversion: Any) -> Any:
        return percent(value) if conversion == "p" else super().convert_field(value, conversion)


@dataclass(frozen=True, slots=True)
class Harm:
    """What a finding of this level does to the verdict on a run (see `SplitFault`), with templates for sets.

    `in_short` is the sentence where only the code is known, `why` says for people what the errors are worth.
    """

    level: Level
    in_short: str
    untrue: str = ""
    effect: str = ""
    step: str = "mend_split"
    between: tuple[str, ...] = ()
    why: str = ""


_HIDES = "the {later} error is too low, and the gap to the {earlier} error hides variance"
_SEEN_BEFORE = (
    f"what a model has seen in {{earlier}} it can know by heart, and such examples say nothing about new ones: {_HIDES}"
)
_SEEN_GROUPS = f"a model that knows a group from {{earlier}} does better on the rest of it than on new groups: {_HIDES}"
_MEASURE_AGAIN = "is too low by that: measure it again on a split without"


class FindingCode(StrEnum):
    """A code, or a template for one that names the sets; its `sentences` by level; its optional `clauses` by the name of their
    condition; and its `harm` to the verdict, `None` if the errors and their intervals stay true all the same.
    """

    sentences: Mapping[Level, str]
    clauses: Mapping[str, str]
    harm: Harm | None

    TEST_USED_TO_CHOOSE = (
        "test_used_to_choose",
        {
            "error": "{same_examples}{both}{monitored}, so it is a dev set, and its error no test error: "
            "hold out examples that nothing is chosen by"
        },
        {
            "same_examples": "the test set holds the dev set's examples",
            "both": " and ",
            "monitored": "callbacks of the training choose by {monitors}",
        },
        Harm(
            "error",
            "the test set was used as dev set, so its error is no test error: hold out examples that nothing is chosen by",
            why="what is chosen by a set looks better on it than on new examples, and no other set is left to tell",
        ),
    )
    NO_DEV_SET = (
        "no_dev_set",
        _NO_SENTENCES,
        _NO_CLAUSES,
    )
    """Only in a tag, for runs that others logged with a test error measured once and no dev set: no fault, as long as nothing
    is chosen by it."""

    TOO_FEW_EXAMPLES = (
        "too_few_examples",
        {
            "warning": "{total:,} examples in all: the guidelines start at {fewest}; "
            "below it use cross-validation, for no held-out set of this size tells errors apart"
        },
    )
    TOO_SMALL = "{split}_too_small", {"warning": _KNOWS, "note": _KNOWS}
    TOO_LARGE = "{split}_too_large", {"note": f"{_KNOWS}: some of them could train instead"}
    NO_TEST_SET = (
        "no_test_set",
        {
            "note": "there is no test set: that is allowed, and makes this a train/dev split; "
            "what choices are made on is a dev set, so do not report its error as a test error"
        },
    )

    NOT_ALL_READ = "{split}_not_all_read", {"warning": "reading {split}: {remark}"}
    READ_AS = "{split}_read_as", {"note": "reading {split}: {remark}"}

    HAS_UNSEEN_CLASSES = (
        "{later}_has_unseen_classes",
        {
            "warning": "{later} holds classes that {earlier} lacks: {classes}; no model can have learned them",
            "note": "{later} holds labels that {earlier} lacks: {classes}; if they are classes and no quantities, "
            "no model can have learned them",
        },
        _NO_CLAUSES,
        Harm(
            "warning",
            "{later} holds classes that {earlier} lacks",
            step="match_data",
            between=("{later}", "{earlier}"),
            why="a model is wrong on every example of a class that it never saw, whatever is done about bias or variance",
        ),
    )
    HAS_NO_LABELS = (
        "{split}_has_no_labels",
        {"note": "{split} has no labels{hidden}: only its features were compared with those of {others}"},
        {"hidden": ", only {label}"},
    )
    LABELS_WRITTEN_OTHERWISE = (
        "{later}_writes_labels_otherwise",
        {"note": "{later} writes labels otherwise than {earlier}, {other} for {one}: they were compared as the same"},
    )
    WORDS_READ_AS_MISSING = (
        "{split}_has_words_among_numbers",
        {
            "note": "{n:,} of {total:,} values in {column} of {split} are no numbers and were read as missing: "
            "{words}{in_row}; write numbers there, or leave the column out (--without {column})",
        },
        {"in_row": " (first in row {row:,})"},
    )
    READ_AS_TEXTS = (
        "{split}_has_numbers_among_texts",
        {"note": "{columns} of {split} are no texts as in the other split, and were read as texts: write both alike"},
    )
    UNCLEAR_DISTRIBUTION = (
        "unclear_distribution",
        {
            "note": "no difference was found between {others}{seen}: smaller ones that matter could hide in so few examples "
            "({read}), {needed:,} in each would tell"
        },
        {"seen": "; {words}"},
    )
    DIFFERS_FROM_TRAIN = (
        "{later}_differs_from_train",
        {
            "warning": "{earlier} and {later} differ in {differences}: "
            "a train-dev set, held out of the training data, tells variance from data mismatch",
            "note": _HARMLESS,
        },
        _NO_CLAUSES,
        Harm(
            "warning",
            "train and {later} are distributed otherwise: a train-dev set, held out of the training data, tells variance from "
            "data mismatch",
            step="match_data",
            between=("{later}", "train"),
            why="a gap between different data is not variance alone: more of the same data cannot close it",
        ),
    )
    DIFFERS = (
        "{later}_differs_from_{earlier}",
        {
            "error": "{earlier} and {later} differ in {differences}: draw both from the data that the model is for",
            "note": _HARMLESS,
        },
        _NO_CLAUSES,
        Harm(
            "error",
            "{earlier} and {later} are distributed otherwise: draw both from the data that the model is for",
            "{earlier}",
            "is not one of the {later} set's data: a step that lowers it may raise the {later} error",
            why="all choices are made by the {earlier} error: on other data than {later}'s they miss the goal",
        ),
    )
    OUTPUTS_DIFFER = (
        "outputs_differ",
        {"warning": "the model's outputs: {difference}", "note": "the model's outputs: {difference}"},
        _NO_CLAUSES,
        Harm(
            "warning",
            "the model's outputs on dev and test differ",
            between=("test", "dev"),
            why="a gap between errors on different data need not come from choosing by dev",
        ),
    )

    COPIES_NOT_LOOKED_FOR = (
        "copies_not_looked_for",
        {"note": "copies were not looked for, as the rows of {unhashed} were not hashed: profile with leaks=True"},
    )
    REPEATS = (
        "{later}_repeats_{earlier}",
        {
            "error": f"{_COPIES}: remove them from one of the two, and split again",
            "warning": f"{_COPIES}{{few}}{{maybe}}; remove them from one of the two",
            "note": f"{_COPIES}, but {{usual!p}} of the {{earlier}} examples come more than once too: "
            "rows so short repeat by chance",
        },
        {
            "but_for": " in all columns but {keys} (one that differs in each row or set hides copies)",
            "of_sample": ", by a random sample of them",
            "of_part": ", by the {found:,} that were found in what was read, {n_later:,} of {n:,} {later} and {n_earlier:,} of "
            "{size:,} {earlier} examples (95 % interval of the share: {low!p} to {high!p})",
            "few": ": too few to move an error by much",
            "maybe": ": whether they are too few to matter would show if more was read",
        },
        Harm(
            "error",
            "{later} holds copies of {earlier} examples: remove them from one of the two, and split again",
            "{later}",
            f"{_MEASURE_AGAIN} copies",
            why=_SEEN_BEFORE,
        ),
    )
    NEARLY_REPEATS = (
        "{later}_nearly_repeats_{earlier}",
        {"error": _NEAR_COPIES, "note": _NEAR_COPIES},
        _NO_CLAUSES,
        Harm(
            "error",
            "{later} holds near copies of {earlier} examples: keep what was made of one original in one set",
            "{later}",
            f"{_MEASURE_AGAIN} near copies",
            why=_SEEN_BEFORE,
        ),
    )
    SHARES_GROUPS = (
        "{later}_shares_groups_with_{earlier}",
        {
            "error": "{n_shared:,} of {n:,} groups of {later} are in {earlier} too: "
            "split by group, or the error will be too low for new ones"
        },
        _NO_CLAUSES,
        Harm(
            "error",
            "groups of {later} are in {earlier} too: split by group",
            "{later}",
            f"{_MEASURE_AGAIN} shared groups",
            why=_SEEN_GROUPS,
        ),
    )
    OVERLAPS_IN_TIME = (
        "{later}_overlaps_{earlier}_in_time",
        {
            "warning": "{earlier} goes on after {later} begins: where the model will meet later data than it has seen, "
            "let {later} begin when {earlier} ends"
        },
        _NO_CLAUSES,
        Harm(
            "warning",
            "{earlier} goes on after {later} begins: let {later} begin when {earlier} ends",
            "{later}",
            "is too low for later data than the model has seen",
            why="a model that has seen the time it is asked about does better than on the days to come",
        ),
    )

    HAS_UNREADABLE_FILES = (
        "{split}_has_unreadable_files",
        {
            "warning": "{n:,} of {total:,} images of {split} cannot be read and are left out: {names}; "
            "most loaders stop at them: mend or remove them"
        },
    )
    HAS_EMPTY_CLASSES = (
        "{split}_has_empty_classes",
        {
            "warning": "{split} has folders without images, which are no classes here ({n:,}: {names}): "
            "Keras counts them as classes, torchvision refuses them"
        },
    )
    READ_WITHIN = (
        "{split}_read_within",
        {"note": "the images of {split} are those in its folder {folder}, {classes}{none}"},
        {"classes": "whose subfolders are the classes", "none": "without classes, for its name is none"},
    )
    HAS_ONE_CLASS = (
        "{split}_has_one_class",
        {
            "note": "all images of {split} are in its folder {folder}, its only class, and the folders in that are no classes "
            "({names}): if they are, name {folder} instead"
        },
    )
    HAS_OTHER_FILES = "{split}_has_other_files", {"note": "{split} also holds {files}, which are not read"}
    HAS_FRAMES = (
        "{split}_has_frames",
        {"note": "{n:,} of {total:,} images of {split} hold several frames or pages, of which the first is read: {names}"},
    )
    HAS_TURNED_IMAGES = (
        "{split}_has_turned_images",
        {
            "note": "{n:,} of {total:,} images of {split} have an EXIF rotation and are compared upright: {names}; "
            "the loaders of torchvision and Keras leave them as they lie"
        },
    )
    HAS_TRANSPARENT_IMAGES = (
        "{split}_has_transparent_images",
        {
            "note": "{n:,} of {total:,} images of {split} are transparent in parts and are compared on white, "
            "or on black where they are light: {names}; a loader that converts to RGB drops what is transparent"
        },
    )

    HAS_16_BIT_COLOURS = (
        "{split}_has_16_bit_colours",
        {
            "note": "{n:,} of {total:,} images of {split} have colours of 16 bits, of which Pillow, and so most loaders, "
            "read the upper 8: {names}"
        },
    )

    def __new__(
        cls,
        code: str,
        sentences: Mapping[Level, str],
        clauses: Mapping[str, str] = _NO_CLAUSES,
        harm: Harm | None = None,
    ) -> FindingCode:
        """Make the string, and attach the sentences, the clauses and the harm."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.sentences, member.clauses, member.harm = sentences, clauses, harm
        return member

    @property
    def gravest(self) -> Level:
        """The gravest level of its findings."""
        return min(self.sentences, key=PLACES.__getitem__)

    @property
    def may_be_slight(self) -> bool:
        """True if some of its warnings do no harm."""
        return self.harm is not None and self.harm.level == "error" and "warning" in self.sentences

    def of(self, **sets: str) -> str:
        """The code for these sets.

        >>> FindingCode.DIFFERS.of(earlier="train", later="dev")
        'dev_differs_from_train'
        """
        return self.value.format_map(sets)

    def finding(self, level: Level | None = None, /, **measured: Any) -> Finding:
        """The finding, its sentence filled in with what was `measured`; `level` is required for a code with several. A clause
        is included if the value of its name in `measured` is true.

        >>> FindingCode.NO_TEST_SET.finding().level
        'note'
        """
        if level is None:
            (level,) = self.sentences
        words = _Words()
        said = {name: words.vformat(clause, (), measured) if measured[name] else "" for name, clause in self.clauses.items()}
        message = words.vformat(self.sentences[level], (), {**measured, **said})
        return Finding(words.vformat(self.value, (), measured), level, message)

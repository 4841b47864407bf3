"""One base run of the intervention set, and all that its training would have shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from real_data import SOURCES

from bvtrack import Diagnosis, ModelFacts, OtherRun, Step
from bvtrack.diagnosis.run_verdict import EpochErrors, Verdict, chosen_epoch, judge

Row = Mapping[str, str]
Case = tuple[str, str]
"""A data set, and a kind of base configuration."""
SETS = ("train", "train_dev", "dev")


@dataclass(frozen=True)
class BaseRun:
    """A base run by its row of the results, and the best other run of its experiment: of the cases on the same split."""

    row: Row
    best_other: OtherRun | None = None

    @property
    def case(self) -> Case:
        return case_of(self.row)

    @property
    def dataset(self) -> str:
        return self.row["dataset"]

    @property
    def origin(self) -> str:
        """Where its data come from: data sets of one origin are one for an interval."""
        return SOURCES[self.dataset].origin

    @property
    def kind(self) -> str:
        """The kind of base configuration."""
        return self.row["kind"]

    @property
    def sort(self) -> str:
        """The kind of data: `table`, `image` or `series`."""
        return SOURCES[self.dataset].sort

    def count(self, name: str) -> int:
        """The examples that a set's errors were measured on."""
        return count_of(self.row, name)

    def curve(self, name: str) -> list[float]:
        """The errors by epoch; empty where the set was not measured."""
        return errors_of(self.row, name)

    @property
    def chosen(self) -> EpochErrors:
        """The epoch that the tags are about: the first of the lowest dev error."""
        return chosen_epoch(self.history, "best")

    @cached_property
    def history(self) -> list[EpochErrors]:
        """The epochs, as a callback would have logged them."""
        curves = {name: self.curve(name) for name in SETS if self.row[f"curve_{name}"]}
        counts = {name: self.count(name) for name in curves}
        by_epoch = zip(*curves.values(), strict=True)
        return [EpochErrors(epoch, dict(zip(curves, errors, strict=True)), counts) for epoch, errors in enumerate(by_epoch)]

    @cached_property
    def facts(self) -> ModelFacts:
        """The model and its hyper-parameters, as a callback finds them."""
        return model_facts(self.row)

    @cached_property
    def verdict(self) -> Verdict:
        """The product's verdict at the end of the run, no human error given and no other run known."""
        return self._judged(None)

    @cached_property
    def verdict_beside_others(self) -> Verdict:
        """The same where the experiment's other runs are known."""
        return self._judged(self.best_other)

    @property
    def diagnosis(self) -> Diagnosis:
        return self.verdict.diagnosis

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.verdict.steps

    def _judged(self, best_other: OtherRun | None) -> Verdict:
        return judge(
            self.history,
            at="best",
            human_error=None,
            same_distribution=True,
            chance=1 - 1 / int(self.row["n_classes"]),
            model=self.facts,
            n_train=int(self.row["n_train"]),
            best_other=best_other,
        )


def case_of(row: Row) -> Case:
    return row["dataset"], row["kind"]


def count_of(row: Row, name: str) -> int:
    """The examples that an error of any training was measured on."""
    return int(row["n_train_eval" if name == "train" else f"n_{name}"])


def errors_of(row: Row, name: str) -> list[float]:
    """The errors of any training by epoch; empty where there is no curve."""
    return [int(wrong) / count_of(row, name) for wrong in row[f"curve_{name}"].split()]


def base_runs(rows: Iterable[Row]) -> list[BaseRun]:
    """The base runs among these rows, each beside the best of the others on its split."""
    by_split: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["step"] == "base":
            by_split.setdefault((row["dataset"], row["repeat"]), []).append(row)
    return [BaseRun(row, _best_other(row, bases)) for bases in by_split.values() for row in bases]


def model_facts(row: Row) -> ModelFacts:
    """What a callback knows of a base run's model."""
    return ModelFacts(
        parameters=int(row["parameters"]),
        optimizer="Adam" if row["optimizer"] == "adam" else "SGD",
        learning_rate=float(row["learning_rate"]),
        momentum=0.9 if row["optimizer"] == "momentum" else 0.0,
        weight_decay=float(row["weight_decay"]),
        dropout=float(row["dropout"]),
        batch_size=int(row["batch_size"]),
        augmentation=row["augmentation"] == "True",
    )


def _best_other(row: Row, bases: Iterable[Row]) -> OtherRun | None:
    others = [other for other in bases if other["kind"] != row["kind"]]
    if not others:
        return None
    best = min(others, key=_lowest_dev_error)
    return OtherRun(_lowest_dev_error(best), model=model_facts(best))


def _lowest_dev_error(row: Row) -> float:
    return min(errors_of(row, "dev"))

"""A split at fault comes first: in the tags, the verdict, the steps, the note, the report, and in what a training says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import lightning.pytorch as lightning
import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_training import fit, split
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import bvtrack
from bvtrack import Tracker, diagnose, recommend
from bvtrack.cli import main
from bvtrack.diagnosis.evidence import ModelFacts
from bvtrack.diagnosis.run_verdict import EpochErrors, Verdict, judge
from bvtrack.diagnosis.split_first import TRAIN_FIRST, put_split_first
from bvtrack.splits.faults import faults_of, faults_of_codes
from bvtrack.splits.finding import Finding, tag_of
from bvtrack.splits.finding_codes import FindingCode
from bvtrack.tracking.split_words import warning_of
from bvtrack_keras import BiasVarianceCallback as KerasCallback
from bvtrack_lightning import BiasVarianceCallback as LightningCallback

MENDING = {"mend_split", "match_data", "bigger_dev_set"}
Data = tuple[NDArray[Any], NDArray[Any]]
Sets = Mapping[str, Any]


def rows(n: int, seed: int, moved: float = 0.0) -> Data:
    rng = np.random.default_rng(seed)
    return rng.normal(moved, 1.0, (n, 8)), rng.integers(0, 2, n)


TRAIN, DEV, TEST = rows(1500, 0), rows(500, 1), rows(500, 2)
CLEAN = {"train": TRAIN, "dev": DEV, "test": TEST}


def beginning_with(n: int, copied: Data, rest: Data) -> Data:
    """The set `rest`, of which the first `n` examples are replaced by those of `copied`."""
    return np.concatenate([copied[0][:n], rest[0][n:]]), np.concatenate([copied[1][:n], rest[1][n:]])


FAULTY: dict[str, Sets] = {
    "half of dev from train": {**CLEAN, "dev": beginning_with(250, TRAIN, DEV)},
    "all of dev from train": {**CLEAN, "dev": (TRAIN[0][:500], TRAIN[1][:500])},
    "dev is train": {**CLEAN, "dev": TRAIN},
    "dev from test": {**CLEAN, "dev": beginning_with(100, TEST, DEV)},
    "test from train": {**CLEAN, "test": beginning_with(50, TRAIN, TEST)},
    "dev is test": {**CLEAN, "test": DEV},
    "dev moved": {**CLEAN, "dev": rows(500, 1, moved=0.4)},
    "test moved": {**CLEAN, "test": rows(500, 2, moved=0.4)},
    "other targets": {**CLEAN, "dev": (TRAIN[0][:500], 1 - TRAIN[1][:500])},
}


def as_frame(data: Data) -> pd.DataFrame:
    return pd.DataFrame(data[0], columns=[f"x{index}" for index in range(8)]).assign(label=data[1])


def as_loader(data: Data) -> DataLoader[Any]:
    return DataLoader(TensorDataset(torch.from_numpy(data[0]).float(), torch.from_numpy(data[1])), 50)


def track(store: str, sets: Sets, *, epochs: int = 4, before: int = 0, **options: Any) -> Tracker:
    """A run with a high variance, whose split is logged after `before` epochs."""
    with Tracker(tracking_uri=store, human_error=0.0, **options) as tracker:
        for epoch in range(epochs):
            if epoch == before:
                tracker.log_split(**sets)
            tracker.log_epoch(epoch, train_error=0.04, dev_error=0.26, test_error=0.12)
    return tracker


def tags_in(store: str) -> dict[str, str]:
    (run,) = MlflowClient(store).search_runs(["0"])
    return {name.removeprefix("bvtrack."): value for name, value in run.data.tags.items()}


def is_mended_first(tags: Mapping[str, str], said: list[str]) -> bool:
    """True if all places tell of a fault: one warning at the check and one at the end, with numbers; takes them out."""
    note, warned = tags["mlflow.note.content"], [message for message in said if "the split comes first" in message]
    last = [message for message in said if "The split comes first" in message]
    is_said = len(said) == 2 and len(warned) == len(last) == 1 and any(character.isdigit() for character in warned[0])
    said.clear()
    return (
        is_said
        and tags["split"] not in ("ok", "unchecked")
        and tags["certainty"] != "certain"
        and tags["next_step"] in MENDING
        and "mend the split first" in note.splitlines()[0]
        and "**Mend the split first.**" in note
        and "The split comes first" not in note  # once, in the step, and once among the findings
    )


@pytest.mark.parametrize("kind", FAULTY)
def test_a_split_at_fault_is_seen_everywhere(kind: str, store: str, send: Callable[[], None], said: list[str]) -> None:
    track(store, FAULTY[kind])
    send()

    assert is_mended_first(tags_in(store), said)


@pytest.mark.parametrize("made_of", [as_frame, as_loader])
def test_whatever_the_sets_are_made_of(
    made_of: Callable[[Data], Any], store: str, send: Callable[[], None], said: list[str]
) -> None:
    track(store, {name: made_of(data) for name, data in FAULTY["half of dev from train"].items()})
    send()

    assert is_mended_first(tags_in(store), said)


def test_a_clean_split_or_an_unchecked_one_is_as_before(store: str, send: Callable[[], None]) -> None:
    counts = {name: len(data[0]) for name, data in CLEAN.items()}
    found = [track(store, sets) for sets in (CLEAN, counts, {})]

    assert [tracker.diagnosis.certainty for tracker in found if tracker.diagnosis] == ["certain", "certain", "likely"]
    assert not MENDING & {step.id for tracker in found for step in tracker.steps}
    assert not any("split" in tracker.diagnosis.explanation for tracker in found if tracker.diagnosis)


def test_a_split_that_is_checked_late_mends_the_verdict_too(store: str, send: Callable[[], None], said: list[str]) -> None:
    track(store, FAULTY["half of dev from train"], before=3)
    send()

    assert is_mended_first(tags_in(store), said)


def test_the_newest_check_counts_and_the_same_one_is_said_once(journals: Any, said: list[str]) -> None:
    with Tracker(tracking_uri="sqlite:///mlflow.db") as tracker:
        for sets in (FAULTY["half of dev from train"], FAULTY["half of dev from train"], CLEAN):
            tracker.log_split(**sets)
            tracker.log_epoch(0, train_error=0.04, dev_error=0.26)

    assert tracker.steps[0].id == "more_data"
    assert len(said) == 1
    said.clear()


def test_a_resumed_training_keeps_what_was_found(store: str, send: Callable[[], None], said: list[str]) -> None:
    first = Tracker(tracking_uri=store)
    first.log_split(**FAULTY["half of dev from train"])
    first.log_epoch(0, train_error=0.04, dev_error=0.26)
    state = json.loads(json.dumps(first.state()))
    with Tracker(tracking_uri=store, resume=state) as second:
        second.log_epoch(1, train_error=0.04, dev_error=0.26)
    send()

    assert second.steps[0].id == "mend_split"
    assert is_mended_first(tags_in(store), said)


def test_a_shifted_dev_set_is_no_ground_for_advice_that_does_not_say_so(journals: Any, said: list[str]) -> None:
    tracker = track("sqlite:///mlflow.db", FAULTY["dev moved"])

    step = tracker.steps[0]
    assert "The dev error of 26.0 % is not one of the test set's data" in step.why
    assert "may raise the test error" in step.why
    assert step.why.endswith("The steps after this one rest on the errors as they are.")
    assert tracker.diagnosis is not None
    assert "The split comes first: Dev and test differ in" in tracker.diagnosis.explanation
    said.clear()


def test_a_train_set_of_its_own_is_matched_first_where_its_gap_is_named(journals: Any) -> None:
    moved: dict[str, Any] = {"train": rows(1500, 0, moved=0.4), "dev": DEV, "test": TEST}
    wide, biased = Tracker(tracking_uri="sqlite:///a.db"), Tracker(tracking_uri="sqlite:///a.db")
    for tracker, dev_error in ((wide, 0.55), (biased, 0.31)):
        tracker.log_split(**moved)
        tracker.log_epoch(0, train_error=0.30, dev_error=dev_error)

    assert wide.steps[0].id == "match_data"
    assert "The variance of 25.0 points may come from that." in wide.steps[0].why
    assert wide.diagnosis is not None
    assert wide.diagnosis.certainty == "likely"
    assert biased.steps[0].id not in MENDING


def test_files_have_the_codes_in_their_tag(tmp_path: Any) -> None:
    for name, data in FAULTY["half of dev from train"].items():
        as_frame(data).to_csv(tmp_path / f"{name}.csv", index=False)
    paths = [str(tmp_path / f"{name}.csv") for name in CLEAN]
    content = json.loads(CliRunner().invoke(main, ["split", *paths, "--target", "label", "--json"]).stdout)

    assert content["tag"] == "dev_repeats_train"


def findings() -> list[Finding]:
    measured: Any = {"earlier": "dev", "later": "test", "split": "dev"}
    made = []
    for code in FindingCode:
        for level in code.sentences:
            known = dict.fromkeys(
                (
                    *("n_shared", "n", "n_near", "total", "fewest", "count", "points", "error", "share", "usual", "found"),
                    *("n_later", "n_earlier", "size", "low", "high"),
                ),
                3,
            )
            others = (
                "monitors",
                "classes",
                "differences",
                "difference",
                "remark",
                "names",
                "folder",
                "part",
                "keys",
                "words",
                "precision",
            )
            more = ("guideline", "hidden", "label", "others", "one", "other", "column", "columns", "row", "read", "needed")
            words = dict.fromkeys((*others, *more, "unhashed", "files", "but_for", "of_sample", "in_row"), 1)
            clauses = dict.fromkeys(code.clauses, True)
            made.append(code.finding(level, **{**words, **known, **clauses, **measured}))
    return made


ERRORS = st.floats(0, 1).map(lambda error: round(error, 3))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([one for one in findings() if one.level == "error"]), ERRORS, ERRORS, ERRORS, st.booleans())
def test_no_verdict_is_certain_beside_an_error_of_the_split(
    finding: Finding, train: float, dev: float, test: float, is_counted: bool
) -> None:
    n = dict.fromkeys(("train", "dev", "test"), 1000) if is_counted else {}
    history = [EpochErrors(epoch, {"train": train, "dev": dev, "test": test}, n) for epoch in range(6)]
    about: Any = {"at": "best", "human_error": 0.01, "same_distribution": True, "chance": 0.5, "model": ModelFacts()}
    verdict = judge(history, **about, n_train=1000, split_faults=faults_of([finding]))

    assert tag_of([finding]) == finding.code
    assert warning_of([{"code": finding.code, "level": finding.level, "message": finding.message}])
    assert verdict.split_faults
    if verdict.diagnosis.tag in TRAIN_FIRST:
        assert verdict.steps[0].id == "fix_training"
        assert verdict.steps[-1].id in MENDING
    else:
        assert verdict.diagnosis.certainty != "certain"
        assert verdict.steps[0].id in MENDING
        assert verdict.steps[0].id not in {step.id for step in verdict.steps[1:]} | {"stop_here"}


def test_errors_of_later_versions_are_faults_as_well() -> None:
    (fault,) = faults_of([Finding("dev_is_haunted", "error", "dev is haunted"), Finding("dev_is_odd", "warning", "dev is odd")])

    assert (fault.step, fault.message) == ("mend_split", "dev is haunted")


def test_notes_are_no_faults_and_not_in_the_tag() -> None:
    notes = [one for one in findings() if one.level == "note"]

    assert faults_of(notes) == ()
    assert tag_of(notes) == "ok"


@pytest.mark.parametrize("code", [code for code in FindingCode if code.harm])
def test_what_is_a_fault_by_its_finding_is_one_by_its_code(code: FindingCode) -> None:
    (fault,) = faults_of_codes(f"{code.of(earlier='dev', later='test')}+test_too_small")

    assert code.harm is not None
    assert fault.step == code.harm.step
    assert "{" not in fault.message + fault.effect + fault.untrue + "".join(fault.between)


@pytest.mark.parametrize(
    ("group", "time", "code"), [("a", None, "dev_shares_groups_with_train"), (None, "d", "dev_overlaps_train_in_time")]
)
def test_groups_and_times_in_two_sets_are_faults(group: str | None, time: str | None, code: str, tmp_path: Any) -> None:
    from bvtrack.split_files import check_files

    for name, data, first in (("train", TRAIN, 0), ("dev", DEV, 1000)):
        at = first + np.arange(len(data[0]))
        as_frame(data).assign(a=at // 10, d=at).to_csv(tmp_path / f"{name}.csv", index=False)
    paths = {name: str(tmp_path / f"{name}.csv") for name in ("train", "dev")}
    check = check_files(paths, target="label", group=group, time=time, without=["d" if group else "a"])

    (fault,) = faults_of(check.findings)
    assert (fault.code, fault.step, fault.untrue) == (code, "mend_split", "dev")


@pytest.mark.parametrize(("n", "level"), [(1, "warning"), (19, "warning"), (20, "error")])
def test_a_few_copies_as_data_hold_them_by_nature_are_no_fault(n: int, level: str) -> None:
    train, dev = rows(4000, 5), rows(2000, 6)
    report = bvtrack.compare_splits(train=train, dev=beginning_with(n, train, dev))

    assert [finding.level for finding in report.findings] == [level]
    assert bool(faults_of(report.findings)) == (level == "error")
    assert report.verdict == "same + leak"


def test_a_verdict_of_a_split_at_fault_is_read_as_it_was_written() -> None:
    errors: Any = {"train_error": 0.04, "dev_error": 0.26}
    diagnosis = diagnose(**errors)
    faults = faults_of([FindingCode.REPEATS.finding("error", **_COPIES)])
    verdict = Verdict.of(3, diagnosis, "learning", recommend(diagnosis), faults)

    read = Verdict.from_json(json.loads(json.dumps(verdict.as_json())))
    assert (read.steps, read.split_faults, read.split_in_words) == (verdict.steps, faults, verdict.split_in_words)
    assert put_split_first(diagnosis, recommend(diagnosis), ())[1:] == (recommend(diagnosis), ())


_COPIES: dict[str, Any] = {
    "earlier": "train", "later": "dev", "n_shared": 250, "n": 500, "share": 0.5, "usual": 0.0,
    "but_for": (), "of_sample": False, "keys": "", "of_part": False, "few": False, "maybe": False,
}  # fmt: skip


X, Y = (torch.from_numpy(one) for one in load_digits(return_X_y=True))
DIGITS = TensorDataset(X.float() / 16, Y)


class Net(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Linear(64, 10)

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        return nn.functional.cross_entropy(self.network(batch[0]), batch[1])

    def validation_step(self, batch: Any, batch_index: int) -> None:
        self.log("val_acc", (self.network(batch[0]).argmax(dim=1) == batch[1]).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("n_copied", [0, 200])
def test_lightning_on_digits_of_which_some_are_in_both_sets(
    n_copied: int, store: str, send: Callable[[], None], said: list[str]
) -> None:
    dev = torch.utils.data.Subset(DIGITS, range(1000 - n_copied, 1400 - n_copied))
    quiet: Any = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = lightning.Trainer(max_epochs=2, accelerator="cpu", callbacks=[LightningCallback(tracking_uri=store)], **quiet)
    trainer.fit(Net(), DataLoader(torch.utils.data.Subset(DIGITS, range(1000)), 50, shuffle=True), DataLoader(dev, 50))
    send()

    tags = tags_in(store)
    assert ("dev_repeats_train" in tags["split"]) == bool(n_copied)
    assert is_mended_first(tags, said) if n_copied else (tags["next_step"] not in MENDING and said == [])


@pytest.mark.filterwarnings("ignore")
def test_keras_whose_dev_set_was_copied_from_its_training_data(store: str, send: Callable[[], None], said: list[str]) -> None:
    x, y = split(300, 0)
    dev = x[:130], y[:130]
    fit(KerasCallback(tracking_uri=store, train_data=(x, y), dev_data=dev), data=(x, y), validation_data=dev)
    send()

    assert is_mended_first(tags_in(store), said)


def log_datasets(store: str, digests: Mapping[str, str], metrics: Mapping[str, float]) -> None:
    """A run that somebody else logged, with a dataset for each context."""
    client = MlflowClient(store)
    run = client.create_run("0")
    inputs = [
        DatasetInput(
            Dataset(name=context, digest=digest, source_type="local", source="{}", profile=json.dumps({"num_rows": 5000})),
            [InputTag("mlflow.data.context", context)],
        )
        for context, digest in digests.items()
    ]
    client.log_inputs(run.info.run_id, inputs)
    for name, value in metrics.items():
        for step in range(3):
            client.log_metric(run.info.run_id, name, value, step=step)
    client.set_terminated(run.info.run_id)


METRICS = {"train_acc": 0.99, "val_acc": 0.80, "test_acc": 0.79}


@pytest.mark.parametrize(
    ("digests", "code"),
    [
        ({"train": "a", "validation": "b", "test": "b"}, "test_used_to_choose"),
        ({"train": "a", "validation": "a", "test": "b"}, "dev_repeats_train"),
        ({"train": "a", "validation": "b", "test": "a"}, "test_repeats_train"),
        ({"train": "a", "validation": "b", "test": "c"}, None),
    ],
)
def test_sets_that_were_logged_as_the_same_data_are_told(digests: Mapping[str, str], code: str | None, store: str) -> None:
    log_datasets(store, digests, METRICS)
    output = CliRunner().invoke(main, ["audit", "Default", "--tracking-uri", store]).stdout
    tags = tags_in(store)
    compared = CliRunner().invoke(main, ["compare", "Default", "--tracking-uri", store]).stdout

    assert (tags["next_step"] == "mend_split") == ("mend_split" in tags.values()) == (code is not None)
    assert tags["split"].split("+")[0] == (code or tags["split"])
    for printed in (output, compared):
        assert (f"The split comes first in 1 run ({code})" in " ".join(printed.split())) == (code is not None)


@pytest.mark.parametrize("metrics", [{"train_acc": 0.99, "test_acc": 0.80}])
def test_a_test_set_in_place_of_the_dev_set_comes_first_in_the_report(metrics: Mapping[str, float], store: str) -> None:
    log_datasets(store, {"train": "a"}, metrics)
    CliRunner().invoke(main, ["audit", "Default", "--tracking-uri", store])
    (run,) = MlflowClient(store).search_runs(["0"])
    report = bvtrack.make_report(run.info.run_id, tracking_uri=store)

    assert (tags_in(store)["certainty"], tags_in(store)["next_step"]) == ("likely", "mend_split")
    assert '<p class="banner"><strong>The split comes first.</strong> The test set was used as dev set' in report.html()
    assert "**Mend the split first.**" in report.markdown()


def test_a_balanced_verdict_is_no_reason_to_stop_on_a_split_at_fault() -> None:
    diagnosis = diagnose(train_error=0.02, dev_error=0.021, human_error=0.02)
    _, steps, _ = put_split_first(diagnosis, recommend(diagnosis), faults_of_codes("dev_repeats_train"))

    assert recommend(diagnosis)[0].id == "stop_here"
    assert steps[0].id == "mend_split"
    assert "stop_here" not in [step.id for step in steps]

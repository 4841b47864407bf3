"""The tags of a run: each is declared once, and from that follows who writes it, how it is read, and what undoing removes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow import MlflowClient

import bvtrack
from bvtrack import Diagnosis, ModelFacts
from bvtrack.diagnosis.run_verdict import Verdict
from bvtrack.schema import tags as schema
from bvtrack.schema.model_tags import model_texts, read_model
from bvtrack.schema.tag_texts import measure_text, metric_of
from bvtrack.schema.tags import RunFacts, Tag

FACTS = ModelFacts(42, "Adam", 0.001, 0.9, 0.01, 0.5, 32, batch_norm=True, augmentation=False, schedule="StepLR")


def own_tags(store: str, run_id: str) -> dict[str, str]:
    tags = MlflowClient(store).get_run(run_id).data.tags
    return {name: value for name, value in tags.items() if name.startswith("bvtrack.")}


def trained(store: str, send: Callable[[], None]) -> dict[str, str]:
    """The tags of a training that has logged all there is."""
    with bvtrack.Tracker(tracking_uri=store, measure="val_acc") as tracker:
        tracker.log_split(train=600, dev=200, test=200)
        tracker.log_model(FACTS)
        for epoch in range(3):
            tracker.log_epoch(epoch, train_error=0.01, dev_error=0.11, test_error=0.12)
    send()
    (run,) = MlflowClient(store).search_runs(["0"])
    return own_tags(store, run.info.run_id)


def log_by_hand(store: str, **tags: str) -> str:
    """A run of a loop of one's own, with all that an audit reads."""
    client = MlflowClient(store)
    run_id = str(client.create_run("0", tags={f"bvtrack.{name}": value for name, value in tags.items()}).info.run_id)
    client.log_param(run_id, "optimizer", "Adam")
    for step, (train, dev) in enumerate([(0.8, 0.8), (0.99, 0.85)]):
        client.log_metric(run_id, "train_acc", train, step=step)
        client.log_metric(run_id, "val_acc", dev, step=step)
    return run_id


def test_a_training_writes_the_tags_that_are_declared_as_its_own(store: str, send: Callable[[], None]) -> None:
    of_training = {tag.name for tag in schema.TAGS if "training" in tag.writers}

    assert trained(store, send).keys() == {*of_training, schema.ID}


def test_an_audit_writes_the_tags_that_are_declared_as_its_own(store: str) -> None:
    run_id = log_by_hand(store)
    bvtrack.audit("Default", tracking_uri=store)

    assert own_tags(store, run_id).keys() == {tag.name for tag in schema.TAGS if "audit" in tag.writers}


def undo(store: str) -> None:
    from bvtrack.auditing.experiments import Auditing

    assert [audited.is_changed for audited in Auditing(store).undone_runs_of("Default")] == [True]


def test_undoing_leaves_the_tags_that_were_there_before_the_audit(store: str) -> None:
    before = {"state": "complete", "distribution": "same", "id": "4f1c", "of_mine": "kept"}
    run_id = log_by_hand(store, **before)
    bvtrack.audit("Default", tracking_uri=store)
    undo(store)

    assert own_tags(store, run_id) == {f"bvtrack.{name}": value for name, value in before.items()}


def test_a_new_tag_is_one_declaration(store: str, send: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    new = Tag("bvtrack.new", lambda facts: f"for {facts.measure}", str)
    monkeypatch.setattr(schema, "TAGS", (*schema.TAGS, new))
    of_training = trained(store, send)
    run_id = log_by_hand(store)
    bvtrack.audit("Default", tracking_uri=store)
    of_audit = own_tags(store, run_id)
    undo(store)

    assert new.read(of_training) == "for 1 - val_acc"
    assert new.read(of_audit) == "for 1 - val_acc (train: as logged)"
    assert own_tags(store, run_id) == {}


def test_one_module_of_the_core_names_tags() -> None:
    core = Path(bvtrack.__file__).parent
    named = {tag.name for tag in schema.TAGS} | {schema.ID}
    found = {
        path.relative_to(core).as_posix()
        for path in core.rglob("*.py")
        for text in strings_of(ast.parse(path.read_text(encoding="utf-8")))
        if any(name in text for name in named)
    }

    assert found == {"schema/tags.py"}


def strings_of(tree: ast.AST) -> Iterator[str]:
    """The strings of a module that are no docstrings."""
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


@given(text=st.text())
def test_whatever_a_tag_says_reading_it_raises_nothing(text: str) -> None:
    before = {schema.OF_MODEL_BEFORE + name: text for name in asdict(FACTS)}
    tags = dict.fromkeys((tag.name for tag in schema.TAGS), text)

    for tag in schema.TAGS:
        tag.read(tags)
    assert schema.DIAGNOSIS.read(tags) == (None if text == schema.PENDING else text)
    assert read_model(before).optimizer == text
    assert model_texts({**tags, **before})["optimizer"] == text


def test_what_is_written_is_read_back() -> None:
    diagnosis = bvtrack.diagnose(train_error=0.01, dev_error=0.11, human_error=0.005, n_train=10_000, n_dev=2_000)
    facts = RunFacts(verdict=Verdict(7, diagnosis, "converged", bvtrack.recommend(diagnosis)), split="ok", digest="4f1c")
    tags = schema.tags_of(facts, "audit")
    gaps = schema.GAPS.read(tags)

    assert gaps is not None
    assert (gaps.errors, gaps.counts, gaps.widths) == (
        {"train": 0.01, "dev": 0.11},
        {"train": 10_000, "dev": 2_000},
        {"avoidable_bias": 0.005, "variance": 0.1},
    )
    assert (gaps.human_error, gaps.digest) == (0.005, "4f1c")
    assert (schema.EPOCH.read(tags), schema.NEXT_STEP.read(tags), schema.SPLIT.read(tags)) == (7, "more_data", "ok")
    assert schema.MEASURE.read(tags) is None


@pytest.mark.parametrize("facts", [FACTS, ModelFacts(), ModelFacts(parameters=3, schedule="none", batch_norm=False)])
def test_what_is_known_of_a_model_is_read_back(facts: ModelFacts) -> None:
    assert read_model(schema.tags_of(RunFacts(model=asdict(facts)), "training")) == facts


def test_without_a_verdict_nothing_is_said_of_it() -> None:
    tags = schema.tags_of(RunFacts(state="running", source="tracker"), "training")

    assert not [tag.name for tag in schema.TAGS if tag.is_of_verdict and tag.read(tags) is not None]
    assert tags["bvtrack.state"] == "running"


def test_a_diagnosis_without_errors_has_no_gaps_to_read() -> None:
    tags = schema.verdict_tags(Verdict(None, Diagnosis.without_gaps("not_applicable"), None, ()))

    assert (schema.GAPS.read(tags), schema.EPOCH.read(tags)) == (None, None)


@pytest.mark.parametrize("remark", ["train: running average, not in eval mode", ""])
def test_a_measure_is_the_same_whatever_is_remarked_on_its_train_error(remark: str) -> None:
    assert metric_of(measure_text("1 - val_acc", remark)) == "1 - val_acc"

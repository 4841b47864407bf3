"""What the version before has left behind (see `written_before/make.py`) is read as it was meant."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.entities import Run
from written_before.make import EXPERIMENT, LONG, TRACKED, a_profile, own_tags, split
from written_journals import change_header, written_training

import bvtrack
from bvtrack.cli import main
from bvtrack.journal.journal import FORMAT
from bvtrack.schema.model_tags import model_texts
from bvtrack.schema.tags import MODEL, is_obsolete, obsolete_in
from bvtrack.store.logged_run import LoggedRun

HERE = Path(__file__).parent / "written_before"

Sync = Callable[[str], None]


def content(name: str) -> Any:
    return json.loads((HERE / name).read_text())


def succeed(*arguments: str) -> str:
    """What a command prints."""
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout


def run_called(store: str, name: str, experiment: str = EXPERIMENT) -> Run:
    """The only run of an experiment, which has this name."""
    client = MlflowClient(store)
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    (run,) = client.search_runs([found.experiment_id])
    assert run.info.run_name == name
    return run


def curve(store: str, run: Run, metric: str) -> dict[int, float]:
    return {one.step: one.value for one in MlflowClient(store).get_metric_history(run.info.run_id, f"bvtrack/{metric}")}


@pytest.fixture
def sync(store: str, tmp_path: Path) -> Sync:
    """Sends the journals of the training with this name from the folder of journals, by the command, and leaves none there."""

    def sync_those_of(name: str) -> None:
        folder = tmp_path / "journals"
        folder.mkdir(mode=0o700, exist_ok=True)
        for journal in (HERE / "journals").iterdir():
            if f'"run_name":"{name}"' in (journal / "run.json").read_text():
                copy_privately(journal, folder / journal.name)
        assert list(folder.iterdir())
        succeed("sync", "--tracking-uri", store)
        assert list(folder.iterdir()) == []

    return sync_those_of


def copy_privately(journal: Path, copy: Path) -> None:
    """With the rights that journals have, of which git keeps none."""
    copy.mkdir(mode=0o700)
    for file in journal.iterdir():
        shutil.copyfile(file, copy / file.name)
        (copy / file.name).chmod(0o600)


SPLIT_FIRST = {
    "bvtrack.certainty": "likely",
    "bvtrack.split": "test_used_to_choose+test_differs_from_dev+dev_repeats_train+dev_differs_from_train+outputs_differ",
    "bvtrack.next_step": "mend_split",
}
"""Tags of a run whose split has errors, which did not come first then."""


def test_a_journal_with_all_that_can_be_logged_shows_what_it_showed_then(store: str, sync: Sync) -> None:
    sync("tracked")
    run = run_called(store, "tracked")
    client = MlflowClient(store)
    artifacts = {one.path for one in client.list_artifacts(run.info.run_id, "bvtrack")}
    inputs = run.inputs.dataset_inputs if run.inputs else []
    datasets = {one.dataset.name: {tag.key: tag.value for tag in one.tags} for one in inputs}

    for place, name in enumerate(("train_error", "dev_error", "test_error")):
        assert curve(store, run, name) == {epoch: errors[place] for epoch, errors in enumerate(TRACKED)}
    assert curve(store, run, "variance") == pytest.approx({0: 0.1, 1: 0.15, 2: 0.18})
    assert curve(store, run, "train_error_running") == pytest.approx({0: 0.31, 1: 0.11, 2: 0.03})
    assert known_then(own_tags(run.data.tags)) == known_then(content("tracked_tags.json") | SPLIT_FIRST)
    assert run.data.tags["mlflow.note.content"].startswith("High variance (likely): mend the split first")
    assert artifacts == {f"bvtrack/{name}" for name in ("diagnosis.json", "splits.json")}  # its report is made when asked for
    assert {name: tags["bvtrack.n"] for name, tags in datasets.items()} == {"train": "240", "dev": "80", "test": "80"}
    assert run.info.status == "FINISHED"


def known_then(tags: dict[str, str]) -> dict[str, object]:
    """The tags that are still written, without how much too low the dev error of a chosen epoch is, and the interval ends that
    are wider for that.
    """
    model, tags = (
        model_texts(tags),
        {name: text for name, text in tags.items() if name not in obsolete_in(tags) | {MODEL.name: ""}},
    )
    gaps = json.loads(tags["bvtrack.gaps"])
    gaps.pop("optimism", None)
    gaps["gaps"] = {name: value for name, (value, *_) in gaps["gaps"].items()}
    return {**tags, "bvtrack.gaps": gaps, "model": model}


def test_the_journals_of_an_interrupted_and_a_resumed_training_are_one_run(store: str, sync: Sync) -> None:
    sync("resumed")
    run = run_called(store, "resumed")
    tags = run.data.tags

    assert curve(store, run, "dev_error") == pytest.approx({0: 0.5, 1: 0.5, 2: 0.4})
    assert curve(store, run, "dev_error_unscaled") == {0: 2.0, 1: 2.0, 2: 1.6}
    assert curve(store, run, "test_error") == pytest.approx({2: 0.6})
    assert (tags["bvtrack.epoch"], tags["bvtrack.state"], tags["bvtrack.measure"]) == (
        "2",
        "complete",
        "val_rmse / 4 (best constant)",
    )
    assert json.loads(tags["bvtrack.gaps"])["gaps"]["dev_overfit"] == [0.2, 0.1293, 0.2707]


def test_the_journal_of_a_trial_says_that_it_is_one(store: str, sync: Sync) -> None:
    sync("trial")

    assert run_called(store, "trial").data.tags["bvtrack.diagnosis"] == "not_applicable"


def test_a_journal_that_keeps_in_short_what_had_been_sent_is_sent_whole(store: str, sync: Sync) -> None:
    sync("folded")
    run = run_called(store, "folded")

    assert curve(store, run, "dev_error") == dict(enumerate(LONG))
    assert own_tags(run.data.tags).items() >= {"bvtrack.epoch": "59", "bvtrack.diagnosis": "high_bias+high_variance"}.items()


@pytest.mark.filterwarnings("ignore")
def test_a_lightning_checkpoint_leads_a_resumed_training_to_its_run(store: str, sync: Sync, send: Callable[[], None]) -> None:
    torch, lightning = pytest.importorskip("torch"), pytest.importorskip("lightning.pytorch")
    from bvtrack_lightning import BiasVarianceCallback

    class Net(lightning.LightningModule):  # type: ignore[misc, name-defined]  # mypy does not see into importorskip
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 2)

        def training_step(self, batch: Any, batch_index: int) -> Any:
            return torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])

        def validation_step(self, batch: Any, batch_index: int) -> None:
            self.log("val_acc", (self.layer(batch[0]).argmax(1) == batch[1]).float().mean())

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), 0.1)

    def trainer(n_epochs: int, *callbacks: Any) -> Any:
        quiet = dict.fromkeys(("logger", "enable_progress_bar", "enable_model_summary", "enable_checkpointing"), False)
        return lightning.Trainer(max_epochs=n_epochs, accelerator="cpu", callbacks=list(callbacks), **quiet)

    sync("lightning")
    before = run_called(store, "lightning")
    curve_before = curve(store, before, "dev_error")
    sets = [torch.utils.data.TensorDataset(*map(torch.from_numpy, split(200, seed))) for seed in (5, 6)]
    loaders = [torch.utils.data.DataLoader(data, 50) for data in sets]
    plain = trainer(2)
    plain.fit(Net(), *loaders)
    plain.save_checkpoint("plain.ckpt")
    torch.save(torch.load("plain.ckpt", weights_only=True) | content("lightning_checkpoint.json"), "with_ours.ckpt")
    resumed = BiasVarianceCallback(tracking_uri=store, experiment=EXPERIMENT)
    trainer(4, resumed).fit(Net(), *loaders, ckpt_path="with_ours.ckpt")
    send()
    after = run_called(store, "lightning")

    assert before.data.tags["bvtrack.state"] == "failed"
    assert curve_before == pytest.approx({0: 0.28, 1: 0.26})
    assert after.info.run_id == before.info.run_id
    assert list(curve(store, after, "dev_error")) == [0, 1, 2, 3]
    assert (after.data.tags["bvtrack.state"], after.info.status) == ("complete", "FINISHED")


@pytest.mark.filterwarnings("ignore")
def test_a_keras_backup_leads_a_resumed_training_to_its_run(
    store: str, sync: Sync, send: Callable[[], None], tmp_path: Path
) -> None:
    keras = pytest.importorskip("keras")
    from bvtrack_keras import BiasVarianceCallback

    sync("keras")
    before = run_called(store, "keras")
    curve_before = curve(store, before, "dev_error")
    note = tmp_path / "backup" / "bvtrack.json"
    note.parent.mkdir()
    shutil.copyfile(HERE / "keras_backup.json", note)
    x, y = split(200, 6)
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    callback = BiasVarianceCallback(tracking_uri=store, experiment=EXPERIMENT, train_data=(x, y), backup_dir=note.parent)
    model.fit(x, y, initial_epoch=2, epochs=4, validation_data=split(100, 7), callbacks=[callback], verbose=0)
    send()
    after = run_called(store, "keras")

    assert curve_before == {0: 0.25, 1: 0.25}
    assert after.info.run_id == before.info.run_id
    assert list(curve(store, after, "dev_error")) == [0, 1, 2, 3]
    assert not note.exists()


def test_a_journal_of_a_newer_version_is_left_as_it_is_and_says_what_to_do(store: str, journals: Path) -> None:
    written_training(store, 2)
    (journal,) = journals.iterdir()
    change_header(journal, format=FORMAT + 1)
    before = {path.name: path.read_bytes() for path in journal.iterdir()}

    answer = CliRunner().invoke(main, ["sync"])

    assert answer.exit_code == 1
    assert "got 3, that of a newer bvtrack" in " ".join(answer.output.split())
    assert {path.name: path.read_bytes() for path in journal.iterdir()} == before


@pytest.fixture
def tracked(store: str) -> str:
    """The id of a run as the training with all that can be logged left it, made without reading a journal."""
    client = MlflowClient(store)
    run = client.create_run(client.create_experiment(EXPERIMENT), tags=content("tracked_tags.json"), run_name="tracked")
    for epoch, errors in enumerate(TRACKED):
        for name, error in zip(("train", "dev", "test"), errors, strict=True):
            client.log_metric(run.info.run_id, f"bvtrack/{name}_error", error, step=epoch)
    for name in ("diagnosis", "splits"):
        client.log_text(run.info.run_id, (HERE / f"{name}.json").read_text(), f"bvtrack/{name}.json")
    return str(run.info.run_id)


def test_a_report_says_what_the_training_said(tracked: str, store: str) -> None:
    report = bvtrack.make_report(tracked, tracking_uri=store)
    known = content("diagnosis.json")

    assert report.content.diagnosis.explanation == known["diagnosis"]["explanation"]
    assert report.content.diagnosis.gaps["variance"].high == known["diagnosis"]["gaps"]["variance"]["high"]
    assert [step.why for step in report.content.verdict.steps] == [step["why"] for step in known["steps"]]
    assert [finding.code for finding in report.content.findings] == [
        "test_used_to_choose",
        "test_differs_from_dev",
        "dev_repeats_train",
        "dev_differs_from_train",
        "outputs_differ",
    ]  # the gravest first
    assert [entry.errors["dev"] for entry in report.content.history] == [dev for _, dev, _ in TRACKED]
    assert report.content.history[0].counts == {"train": 100, "dev": 100, "test": 100}
    assert "feature 0 (mean moved by 1.4" in report.html()


def test_compare_groups_by_the_tags(tracked: str, store: str) -> None:
    (group,) = json.loads(succeed("compare", EXPERIMENT, "--json", "--tracking-uri", store))["diagnoses"]

    assert (group["tag"], group["best_dev_error"], group["next_step"]) == ("high_variance", 0.2, "more_data")
    assert group["gaps"] == {"avoidable_bias": 0.01, "variance": 0.18, "dev_overfit": 0.03}


def test_an_audit_reads_the_errors_and_their_counts_out_of_the_tags(tracked: str, store: str) -> None:
    (audited,) = bvtrack.audit(EXPERIMENT, tracking_uri=store, baseline=0.03)
    tags = run_called(store, "tracked").data.tags

    assert audited.errors == {"train": 0.02, "dev": 0.2, "test": 0.23}
    assert (audited.tag, audited.certainty, audited.measure) == ("high_variance", "likely", "1 - val_acc")
    assert (audited.split, tags["bvtrack.baseline"]) == ("test_used_to_choose", "given")


def log_by_hand(store: str, tags: Mapping[str, str]) -> None:
    """The run of which the audit's tags are kept."""
    client = MlflowClient(store)
    run = client.create_run("0", tags=dict(tags), run_name="by hand")
    client.log_param(run.info.run_id, "lr", "0.001")
    for step, (train, dev) in enumerate([(0.8, 0.8), (0.99, 0.85)]):
        client.log_metric(run.info.run_id, "train_acc", train, step=step)
        client.log_metric(run.info.run_id, "val_acc", dev, step=step)


def test_an_audit_finds_the_same_anew_in_a_run_that_was_audited_before(store: str) -> None:
    before = content("audited_tags.json")
    log_by_hand(store, before)
    run = run_called(store, "by hand", "Default")
    (audited,) = bvtrack.audit("Default", tracking_uri=store)
    after = own_tags(run_called(store, "by hand", "Default").data.tags)

    assert (audited.tag, audited.is_changed) == ("high_variance", True)
    assert audited.errors == {"train": 0.01, "dev": 0.15}
    assert json.loads(before["bvtrack.gaps"])["read"] == LoggedRun.of(run).digest
    assert not obsolete_in(after)
    assert model_texts(after) == model_texts(before)
    assert (
        after.items() >= {name: before[name] for name in ("bvtrack.diagnosis", "bvtrack.baseline", "bvtrack.measure")}.items()
    )


@pytest.mark.parametrize("n_epochs", [0, 1])
def test_a_run_of_before_that_goes_on_has_no_tags_that_nothing_keeps_up(
    store: str, send: Callable[[], None], n_epochs: int
) -> None:
    before = content("tracked_tags.json")
    run_id = MlflowClient(store).create_run("0", tags=before).info.run_id
    with bvtrack.Tracker(run_id, tracking_uri=store) as tracker:
        tracker.log_split(train=600, dev=200)
        if n_epochs:
            tracker.log_epoch(0, train_error=0.2, dev_error=0.21)
    send()
    after = own_tags(MlflowClient(store).get_run(run_id).data.tags)

    assert not [name for name in after if is_obsolete(name)]
    assert after["bvtrack.diagnosis"] == ("high_bias" if n_epochs else before["bvtrack.diagnosis"])
    assert after["bvtrack.next_step"] == ("bigger_network" if n_epochs else before["bvtrack.next_step"])


def test_undo_removes_all_that_an_audit_wrote_before(store: str) -> None:
    log_by_hand(store, content("audited_tags.json") | {"bvtrack.of_mine": "kept"})
    succeed("audit", "Default", "--undo", "--tracking-uri", store)

    assert own_tags(run_called(store, "by hand", "Default").data.tags) == {"bvtrack.of_mine": "kept"}


def test_a_profile_is_read_and_shares_its_edges_with_those_of_today() -> None:
    before, today = bvtrack.SplitProfile.from_json(content("profile.json")), a_profile()

    assert before.digest == today.digest
    assert before.class_counts == today.class_counts
    assert (before | today).n == 2 * today.n
    assert before.time == (0, 119)
    assert before.groups is not None
    assert len(before.groups) == 20

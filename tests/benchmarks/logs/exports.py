"""Logs in the shapes of tools that are not installed here, or are set up by hand, from plain PyTorch loops."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from example import REFUSED, Example, example
from fates import DIVERGED, FINE, NOT_LEARNING, OVERTRAINED, Epoch, Fate, loop

Row = Mapping[str, Any]
EXPLODED = 3000.0
"""Times the learning rate that a training has borne well: it falls back to guessing and stays there."""
LONG = replace(FINE, rate=0.0005, epochs=30)


def write_csv(path: Path, rows: Iterable[Row], separator: str = ",") -> Path:
    """Rows as a table, a blank where one has no value."""
    rows = list(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, names, delimiter=separator)
        table.writeheader()
        table.writerows(rows)
    return path


def write_lines(path: Path, rows: Iterable[Row]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def plain_csv(fate: Fate, folder: Path) -> Path:
    rows = ({"epoch": each.epoch, "train_loss": each.train_loss, "val_loss": each.dev_loss} for each in loop(fate))
    return write_csv(folder / "log.csv", rows)


def plain_lines(fate: Fate, folder: Path) -> Path:
    """A collapse after two thirds of the training."""
    epochs = loop(fate, lambda epoch: EXPLODED if epoch > 2 * fate.epochs // 3 else 1.0)
    return write_lines(
        folder / "metrics.jsonl", ({"step": e.step, "train/loss": e.train_loss, "val/loss": e.dev_loss} for e in epochs)
    )


def train_only(fate: Fate, folder: Path) -> Path:
    """A loss by step, and no dev set."""
    losses = [loss for each in loop(fate) for loss in each.batch_losses]
    return write_csv(folder / "loss.csv", ({"step": step, "loss": loss} for step, loss in enumerate(losses)))


def train_by_step_dev_rarely(fate: Fate, folder: Path) -> Path:
    """A record for every step, and one for the dev set after every fourth epoch."""
    rows: list[Row] = []
    for each in loop(fate):
        first = each.step - len(each.batch_losses)
        rows += [{"step": first + index, "train_loss": loss} for index, loss in enumerate(each.batch_losses)]
        rows += (
            [{"step": each.step - 1, "val_loss": each.dev_loss, "val_acc": each.dev_accuracy}] if each.epoch % 4 == 3 else []
        )
    return write_lines(folder / "log.jsonl", rows)


def resumed(fate: Fate, folder: Path) -> Path:
    """A training that broke off after 20 epochs and went on from the 15th."""
    epochs = list(loop(fate))
    return write_lines(
        folder / "log.jsonl",
        ({"step": e.step, "loss": e.train_loss, "eval_loss": e.dev_loss} for e in epochs[:20] + epochs[15:]),
    )


def wandb_history(fate: Fate, folder: Path) -> Path:
    rows = (
        {
            "_step": e.step,
            "_runtime": e.step * 0.4,
            "_timestamp": 1.78e9 + e.step,
            "train/loss": e.train_loss,
            "val/loss": e.dev_loss,
        }
        for e in loop(fate)
    )
    return write_csv(folder / "history.csv", rows)


def wandb_chart(fate: Fate, folder: Path) -> Path:
    """The chart of one run's dev loss."""
    name = "brisk-sun-7 - val/loss"
    rows = ({"Step": e.step, name: e.dev_loss, f"{name}__MIN": e.dev_loss, f"{name}__MAX": e.dev_loss} for e in loop(fate))
    return write_csv(folder / "wandb_export_2026-11-20T10_11_12.csv", rows)


def wandb_runs(folder: Path) -> Path:
    """A row for each run: no curve at all."""
    rows = (
        {"Name": f"run-{i}", "State": "finished", "Runtime": 300 + i, "lr": 10.0**-i, "val_loss": 0.2 + i / 9}
        for i in range(1, 8)
    )
    return write_csv(folder / "runs.csv", rows)


def tensorboard_scalars(fate: Fate, folder: Path) -> Path:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder / "run")) as writer:
        for each in loop(fate):
            writer.add_scalar("Loss/train", each.train_loss, each.epoch)
            writer.add_scalar("Loss/val", each.dev_loss, each.epoch)
            writer.add_scalar("Accuracy/val", each.dev_accuracy, each.epoch)
    return folder / "run"


def tensorboard_together(fate: Fate, folder: Path) -> Path:
    """`add_scalars`: a folder for each curve."""
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder / "run")) as writer:
        for each in loop(fate):
            writer.add_scalars("Loss", {"train": each.train_loss, "val": each.dev_loss}, each.epoch)
    return folder / "run"


def mlflow_store(fate: Fate, folder: Path) -> Path:
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    with mlflow.start_run():
        for each in loop(fate):
            mlflow.log_metrics({"train_loss": each.train_loss, "val_loss": each.dev_loss}, step=each.epoch)
    return folder / "mlflow.db"


def timm_summary(fate: Fate, folder: Path) -> Path:
    rows = (
        {
            "epoch": e.epoch,
            "train_loss": e.train_loss,
            "eval_loss": e.dev_loss,
            "eval_top1": 100 * e.dev_accuracy,
            "eval_top5": 100 - 20 * (1 - e.dev_accuracy),
            "lr": e.rate,
        }
        for e in loop(fate)
    )
    return write_csv(folder / "summary.csv", rows)


def yolo_results(fate: Fate, folder: Path) -> Path:
    """Detection: three losses of each set, and mean average precisions; the names are padded, as before version 8.3."""
    rows = (
        {
            "                  epoch": e.epoch + 1,
            "         train/box_loss": 0.5 + 0.3 * e.train_loss,
            "         train/cls_loss": e.train_loss,
            "         train/dfl_loss": 0.8 + 0.1 * e.train_loss,
            "   metrics/precision(B)": 0.95 * e.dev_accuracy,
            "      metrics/recall(B)": 0.9 * e.dev_accuracy,
            "       metrics/mAP50(B)": 0.92 * e.dev_accuracy,
            "    metrics/mAP50-95(B)": 0.7 * e.dev_accuracy,
            "           val/box_loss": 0.5 + 0.3 * e.dev_loss,
            "           val/cls_loss": e.dev_loss,
            "           val/dfl_loss": 0.8 + 0.1 * e.dev_loss,
            "                 lr/pg0": e.rate,
        }
        for e in loop(fate)
    )
    return write_csv(folder / "results.csv", rows)


def fastai_history(fate: Fate, folder: Path) -> Path:
    rows = (
        {"epoch": e.epoch, "train_loss": e.train_loss, "valid_loss": e.dev_loss, "accuracy": e.dev_accuracy, "time": "00:03"}
        for e in loop(fate)
    )
    return write_csv(folder / "history.csv", rows)


def openmmlab_scalars(fate: Fate, folder: Path) -> Path:
    rows: list[Row] = []
    for e in loop(fate):
        rows += [
            {"lr": e.rate, "loss": e.train_loss, "accuracy/top1": 100 * e.train_accuracy, "epoch": e.epoch + 1, "step": e.step}
        ]
        rows += [
            {"accuracy/top1": 100 * e.dev_accuracy, "accuracy/top5": 99.0, "data_time": 0.01, "time": 0.02, "step": e.epoch + 1}
        ]
    return write_lines(folder / "scalars.json", rows)


def catboost_folder(fate: Fate, folder: Path) -> Path:
    info = folder / "catboost_info"
    info.mkdir()
    epochs = list(loop(fate))
    for file, losses in (("learn_error.tsv", [e.train_loss for e in epochs]), ("test_error.tsv", [e.dev_loss for e in epochs])):
        write_csv(info / file, ({"iter": index, "MultiClass": loss} for index, loss in enumerate(losses)), "\t")
    metrics = [{"name": "MultiClass", "best_value": "Min"}]
    meta = {
        "test_sets": ["test"],
        "test_metrics": metrics,
        "learn_metrics": metrics,
        "launch_mode": "Train",
        "iteration_count": len(epochs),
    }
    points = [{"learn": [e.train_loss], "iteration": e.epoch, "test": [e.dev_loss]} for e in epochs]
    (info / "catboost_training.json").write_text(json.dumps({"meta": meta | {"learn_sets": ["learn"]}, "iterations": points}))
    return info


def printed(fate: Fate, folder: Path) -> Path:
    """What nanoGPT prints."""
    lines: list[str] = []
    for e in loop(fate):
        lines += [f"step {e.step}: train loss {e.train_loss:.4f}, val loss {e.dev_loss:.4f}"]
        lines += [f"iter {e.step}: loss {e.train_loss:.4f}, time 12.30ms, mfu 4.20%"]
    path = folder / "train.log"
    path.write_text("\n".join(lines))
    return path


def summed_losses(fate: Fate, folder: Path) -> Path:
    """A variational autoencoder's: sums over pixels, far above any chance level of classes."""
    epochs: list[Epoch] = list(loop(fate))
    rows = (
        {"epoch": e.epoch, "train_elbo_loss": 150 + 170 * e.train_loss, "val_elbo_loss": 150 + 170 * e.dev_loss} for e in epochs
    )
    return write_csv(folder / "metrics.csv", rows)


def contrastive(folder: Path) -> Path:
    """InfoNCE falls from the logarithm of the batch's size."""
    decay = np.exp(-np.arange(30) / 8)
    rows = (
        {"epoch": i, "train_nce": 1.2 + (math.log(512) - 1.2) * d, "val_nce": 1.5 + (math.log(512) - 1.5) * d}
        for i, d in enumerate(decay)
    )
    return write_csv(folder / "metrics.csv", rows)


def adversarial(folder: Path) -> Path:
    """A GAN's two losses, which say nothing of overtraining."""
    random = np.random.default_rng(0)
    rows = (
        {"step": 100 * i, "d_loss": 0.7 + 0.1 * random.normal(), "g_loss": 1 + i / 40 + 0.2 * random.normal()}
        for i in range(60)
    )
    return write_csv(folder / "gan.csv", rows)


def reinforced(folder: Path) -> Path:
    """A GRPO run: its loss is a surrogate near 0, its reward rises."""
    random = np.random.default_rng(0)
    history = [
        {
            "epoch": i / 30,
            "step": 10 * i,
            "loss": abs(0.001 * random.normal()),
            "reward": 0.2 + i / 90,
            "kl": i / 3000,
            "grad_norm": 0.3,
        }
        for i in range(1, 60)
    ]
    path = folder / "trainer_state.json"
    path.write_text(json.dumps({"global_step": 590, "max_steps": 590, "log_history": history}))
    return path


def settings(folder: Path) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps({"model": "resnet18", "lr": 0.1, "epochs": 90, "loss": "cross_entropy"}))
    return path


def header_only(folder: Path) -> Path:
    path = folder / "metrics.csv"
    path.write_text("epoch,step,train_loss,val_loss\n")
    return path


EXAMPLES: list[Example] = [
    example("CSV by epoch", partial(plain_csv, LONG), "fine"),
    example("CSV by epoch, losses only", partial(plain_csv, OVERTRAINED), "overtrained"),
    example("CSV by epoch, losses only", partial(plain_csv, NOT_LEARNING), "not_learning"),
    example("CSV by epoch, losses only", partial(plain_csv, DIVERGED), "diverged"),
    example("JSON lines, collapsed late", partial(plain_lines, LONG), "diverged"),
    example("CSV by step, no dev set", partial(train_only, DIVERGED), "diverged"),
    example("CSV by step, no dev set", partial(train_only, FINE), "fine", REFUSED),
    example("JSON lines, train by step, dev every fourth epoch", partial(train_by_step_dev_rarely, OVERTRAINED), "overtrained"),
    example("JSON lines, resumed from an earlier step", partial(resumed, LONG), "fine"),
    example("W&B, a run's history", partial(wandb_history, OVERTRAINED), "overtrained"),
    example("W&B, a chart's export", partial(wandb_chart, OVERTRAINED), "overtrained"),
    example("W&B, a table of runs", wandb_runs, REFUSED),
    example("TensorBoard, add_scalar", partial(tensorboard_scalars, LONG), "fine"),
    example("TensorBoard, add_scalars", partial(tensorboard_together, OVERTRAINED), "overtrained"),
    example("MLflow, mlflow.db", partial(mlflow_store, OVERTRAINED), "overtrained"),
    example("timm, summary.csv", partial(timm_summary, LONG), "fine"),
    example("timm, summary.csv", partial(timm_summary, NOT_LEARNING), "not_learning"),
    example("YOLO, results.csv", partial(yolo_results, OVERTRAINED), "overtrained"),
    example("YOLO, results.csv", partial(yolo_results, LONG), "fine"),
    example("fastai, history.csv", partial(fastai_history, OVERTRAINED), "overtrained"),
    example("OpenMMLab, scalars.json", partial(openmmlab_scalars, LONG), "fine"),
    example("CatBoost, catboost_info", partial(catboost_folder, OVERTRAINED), "overtrained"),
    example("nanoGPT, what it prints", partial(printed, OVERTRAINED), "overtrained"),
    example("A VAE's summed losses", partial(summed_losses, LONG), "fine"),
    example("A VAE's summed losses", partial(summed_losses, OVERTRAINED), "overtrained"),
    example("InfoNCE", contrastive, "fine"),
    example("A GAN's two losses", adversarial, "fine", REFUSED),
    example("GRPO, trainer_state.json", reinforced, "fine", REFUSED),
    example("Settings, not a log", settings, REFUSED),
    example("A header and no row", header_only, REFUSED),
]

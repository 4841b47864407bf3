"""A training with transformers in several processes, for `test_transformers_processes.py` to start by torch's launcher."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from idle_shipper import IdleShipper
from safetensors.torch import save_file
from transformers import TrainerCallback
from transformers_training import classifier, language_model, new_trainer, sequences, tracked

from bvtrack.tracking import outbox

N_TRAIN, N_DEV, N_TEST = 123, 67, 45
"""Odd on purpose: no number of processes divides them, so that a padded sampler repeats examples."""
STYLES = ("bare", "plain", "text", "stop")


class KeepWeights(TrainerCallback):  # type: ignore[misc]  # of transformers no type is read
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_evaluate(self, args: Any, state: Any, control: Any, **known: Any) -> None:
        if state.is_world_process_zero:
            save_file({name: one.clone() for name, one in known["model"].state_dict().items()}, self.folder / f"{state.epoch}")


class StopInOne(TrainerCallback):  # type: ignore[misc]  # of transformers no type is read
    """The first process alone is asked to stop, as its verdict asks."""

    def __init__(self, ours: Any) -> None:
        self.ours = ours

    def on_log(self, args: Any, state: Any, control: Any, **known: Any) -> None:
        if state.is_world_process_zero and state.epoch == 1 and "eval_loss" in known["logs"]:
            self.ours.session.training.stop("it has learned enough")


def as_text(data: Any) -> Any:
    return data.remove_columns("labels").map(lambda row: {"labels": row["input_ids"]})


def train(folder: Path, style: str) -> None:
    folder.mkdir(exist_ok=True)  # by either process
    sets = [sequences(n, seed) for seed, n in enumerate((N_TRAIN, N_DEV, N_TEST))]
    options: dict[str, Any] = {"model": classifier()}
    if style == "text":
        sets = [as_text(data) for data in sets]
        options = {"model": language_model(), "compute_metrics": None}
    train_set, dev, test = sets
    trainer = new_trainer(folder, KeepWeights(folder), train_dataset=train_set, eval_dataset=dev, ddp_backend="gloo", **options)
    if style != "bare":
        callback = tracked(trainer, test_dataset=test, train_eval=100, journal_dir=folder / "journals")
        if style == "stop":
            trainer.callback_handler.callbacks.insert(0, StopInOne(callback))
    trainer.train()
    if trainer.is_world_process_zero():
        sums = [float(one.double().sum()) for one in trainer.model.parameters()]
        (folder / "told.json").write_text(json.dumps({"steps": trainer.state.global_step, "weights": sums}))


def main() -> None:
    torch.set_num_threads(1)
    vars(outbox)["ShipperProcess"] = IdleShipper  # journals are read, and not sent
    for style in STYLES:
        train(Path(sys.argv[1]) / style, style)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()

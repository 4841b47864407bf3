"""A training in two processes that overtrains, for `test_stop_when.py` to start: it needs a script of its own.

It is resumed after five epochs, of which then only the process that writes knows.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import lightning.pytorch as lightning
import torch
from several_processes import EndsInOrder
from test_stop_when import N_DEV, ScriptedNet, examples, keeping, lightning_callback
from torch.utils.data import DataLoader


def train(folder: Path, max_epochs: int, resume_from: Path | None) -> lightning.Trainer:
    ours = lightning_callback(tracking_uri=f"sqlite:///{folder.as_posix()}/mlflow.db", journal_dir=folder / "journals")
    trainer = lightning.Trainer(
        accelerator="cpu",
        strategy="ddp",
        devices=2,
        max_epochs=max_epochs,
        callbacks=[EndsInOrder(), ours, keeping(folder)],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    lightning.seed_everything(0, verbose=False)
    train, dev = DataLoader(examples(40, is_dev=False), 10), DataLoader(examples(N_DEV, is_dev=True), 100)
    trainer.fit(ScriptedNet(), train, dev, ckpt_path=resume_from)
    return trainer


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    train(folder, 5, None)
    trainer = train(folder, 10, folder / "kept" / "last.ckpt")
    (folder / f"rank{trainer.global_rank}.json").write_text(json.dumps(trainer.current_epoch))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

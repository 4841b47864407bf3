"""A training by Accelerate, for processes that a launcher starts: it saves its weights and tells what it measured itself."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, debug_launcher, notebook_launcher
from accelerate.utils import set_seed
from servers import free_port
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import bvtrack

SIZES: dict[str, Any] = {"train": 130, "dev": 71, "test": 37}  # none of which two processes share evenly by batches
N_EPOCHS = 3


def split(name: str) -> Any:
    n, seed = SIZES[name], list(SIZES).index(name)
    x = torch.randn(n, 8, generator=torch.Generator().manual_seed(seed))
    return TensorDataset(x, (x[:, 0] > 0).long() + (x[:, 1] > 0.5).long())


def new_net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(8, 16), nn.Dropout(0.2), nn.ReLU(), nn.Linear(16, 3))


def n_wrong(net: nn.Module, name: str) -> int:
    """By these weights, in eval mode and in one process."""
    x, y = split(name).tensors
    net.eval()
    with torch.no_grad():
        return int((net(x).argmax(dim=1) != y).sum())


def train(folder: Path, is_tracked: bool, stops: bool = False) -> None:
    torch.set_num_threads(1)
    accelerator = Accelerator(cpu=True)
    set_seed(0)
    net = new_net()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    prepared = accelerator.prepare(net, optimizer, *(DataLoader(split(name), 16, shuffle=name == "train") for name in SIZES))
    model, optimizer, *loaders = prepared

    def error_on(batches: Any) -> float:
        model.eval()
        with torch.no_grad():
            wrong = [accelerator.gather_for_metrics((model(x).argmax(dim=1) != y).float()) for x, y in batches]
        model.train()
        return torch.cat(wrong).mean().item()

    is_writer = accelerator.is_main_process and is_tracked
    with bvtrack.Tracker(tracking_uri=f"sqlite:///{folder}/mlflow.db", summary=False, enabled=is_writer) as tracker:
        tracker.log_split(**{name: split(name) for name in SIZES})
        for epoch in range(N_EPOCHS):
            for x, y in loaders[0]:
                optimizer.zero_grad()
                accelerator.backward(nn.functional.cross_entropy(model(x), y))
                optimizer.step()
            errors: dict[str, Any] = {f"{name}_error": error_on(batches) for name, batches in zip(SIZES, loaders, strict=True)}
            if is_tracked:
                tracker.log_epoch(epoch, **errors)
            if accelerator.is_main_process:
                torch.save(accelerator.unwrap_model(model).state_dict(), folder / f"{epoch}.pt")
                (folder / "errors.json").write_text(json.dumps(errors))
            if stops and epoch == 1:
                raise RuntimeError("a fault in all processes")
    accelerator.end_training()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--launcher", choices=["debug", "notebook"])
    parser.add_argument("--untracked", action="store_true")
    parser.add_argument("--stops", action="store_true")
    given = parser.parse_args()
    arguments = (given.folder, not given.untracked, given.stops)
    if given.launcher == "debug":
        debug_launcher(train, arguments, num_processes=2)
    elif given.launcher == "notebook":
        notebook_launcher(train, arguments, num_processes=2, use_port=str(free_port()))
    else:
        train(*arguments)


if __name__ == "__main__":
    main()

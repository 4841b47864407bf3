"""Ray Train: two workers train one model, all measure together, and the one of rank 0 writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ray.train
from ray.train.torch import TorchConfig, TorchTrainer

STORE = f"sqlite:///{Path('mlflow.db').absolute()}"  # workers work in a folder of their own


def train(config: dict[str, Any]) -> None:
    import torch
    from ray.train.torch import prepare_data_loader, prepare_model
    from sklearn.datasets import load_digits
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset, random_split

    import bvtrack

    torch.manual_seed(0)
    pixels, classes = load_digits(return_X_y=True)
    data = TensorDataset(torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(classes))
    train, dev, test = random_split(data, [0.6, 0.2, 0.2], generator=torch.Generator().manual_seed(0))
    net: Any = prepare_model(nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10)))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    loader: Any = prepare_data_loader(DataLoader(train, batch_size=50, shuffle=True))
    rank, n_workers = ray.train.get_context().get_world_rank(), ray.train.get_context().get_world_size()

    def error_on(data: Any) -> float:
        """By all workers, each example once; of the module within, whose forward pass waits for nobody."""
        net.eval()
        with torch.no_grad():
            pairs = [data[index] for index in range(rank, len(data), n_workers)]
            x, y = torch.stack([x for x, _ in pairs]), torch.stack([y for _, y in pairs])
            n_wrong = (net.module(x).argmax(dim=1) != y).sum()
        net.train()
        torch.distributed.all_reduce(n_wrong)
        return float(n_wrong) / len(data)

    with bvtrack.Tracker(tracking_uri=STORE, run_name="ray", human_error=0.02, enabled=rank == 0) as tracker:
        tracker.log_split(train=train, dev=dev, test=test)
        for epoch in range(8):
            if n_workers > 1:
                loader.sampler.set_epoch(epoch)
            for x, y in loader:
                optimizer.zero_grad()
                loss: Any = nn.functional.cross_entropy(net(x), y)
                loss.backward()
                optimizer.step()
            errors = [error_on(data) for data in (train, dev, test)]
            tracker.log_epoch(epoch, train_error=errors[0], dev_error=errors[1], test_error=errors[2])
            ray.train.report({name.removeprefix("bvtrack/"): value for name, value in tracker.metrics_of(epoch).items()})


def main() -> None:
    import bvtrack

    trainer = TorchTrainer(
        train,
        torch_config=TorchConfig(backend="gloo"),
        scaling_config=ray.train.ScalingConfig(num_workers=2),
        run_config=ray.train.RunConfig(storage_path=str(Path("ray_results").absolute())),
    )
    trainer.fit()
    shown = bvtrack.show("ray", tracking_uri=STORE)
    assert shown["evidence"]["errors"]["dev"]["error"] < 0.1
    print(shown["verdict"]["explanation"])


if __name__ == "__main__":
    main()

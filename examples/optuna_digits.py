"""Optuna and Lightning: each trial is a run of its own, and one that learns by heart is pruned by its exposed variance."""

from __future__ import annotations

import lightning.pytorch as lightning
import optuna
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

import bvtrack
from bvtrack_lightning import BiasVarianceCallback


class Digits(lightning.LightningModule):
    def __init__(self, learning_rate: float, dropout: float) -> None:
        super().__init__()
        self.learning_rate = learning_rate
        self.network = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(dropout), nn.Linear(128, 10))

    def training_step(self, batch: list[torch.Tensor], batch_index: int) -> torch.Tensor:
        return nn.functional.cross_entropy(self.network(batch[0]), batch[1])

    def validation_step(self, batch: list[torch.Tensor], batch_index: int) -> None:
        self.log("val_acc", (self.network(batch[0]).argmax(dim=1) == batch[1]).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.learning_rate)


class PruneByVariance(lightning.Callback):
    def __init__(self, trial: optuna.Trial) -> None:
        self.trial = trial

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self.trial.report(float(trainer.callback_metrics["bvtrack/variance"]), trainer.current_epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned


pixels, classes = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(classes))
train, dev, _ = random_split(data, [0.15, 0.35, 0.5], generator=torch.Generator().manual_seed(0))
trackers: dict[int, bvtrack.Tracker | None] = {}


def objective(trial: optuna.Trial) -> float:
    lightning.seed_everything(trial.number, verbose=False)
    callback = BiasVarianceCallback(human_error=0.02, run_name=f"trial {trial.number}", expose=True, summary=False, wait=0)
    trainer = lightning.Trainer(
        max_epochs=8,
        callbacks=[callback, PruneByVariance(trial)],  # in this order: what is exposed is there for those behind
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        accelerator="cpu",
    )
    net = Digits(trial.suggest_float("learning_rate", 1e-4, 0.1, log=True), trial.suggest_float("dropout", 0, 0.9))
    try:
        trainer.fit(net, DataLoader(train, batch_size=32, shuffle=True), DataLoader(dev, batch_size=512))
    finally:
        trackers[trial.number] = callback.tracker
    assert callback.tracker is not None
    assert callback.tracker.diagnosis is not None
    trial.set_user_attr("diagnosis", callback.tracker.diagnosis.tag)
    return callback.tracker.diagnosis.errors["dev"]  # of its best epoch


optuna.logging.set_verbosity(optuna.logging.WARNING)
pruner = optuna.pruners.ThresholdPruner(upper=0.12, n_warmup_steps=3)  # more than 12 points, from the fourth epoch on
study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), pruner=pruner)
study.optimize(objective, n_trials=6)

best = trackers[study.best_trial.number]
assert best is not None
assert best.run_id is not None
dev = bvtrack.show(best.run_id)["evidence"]["errors"]["dev"]
assert dev["low"] < study.best_value < dev["high"]
assert {trial.state.name for trial in study.trials} == {"COMPLETE", "PRUNED"}
print(f"Best: trial {study.best_trial.number}, dev error {study.best_value:.1%} ({dev['low']:.1%} to {dev['high']:.1%})")
assert best.diagnosis is not None
print(best.diagnosis.explanation)

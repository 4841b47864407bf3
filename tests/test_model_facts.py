"""What the adapters read of a model and its optimiser, as evidence for the recipe."""

from __future__ import annotations

from typing import Any

import keras
import lightning.pytorch as lightning
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from bvtrack import ModelFacts
from bvtrack_keras.facts import model_facts as facts_of_keras
from bvtrack_lightning.facts import model_facts as facts_of_lightning

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning warns of its own dependencies and of few workers

DATA = TensorDataset(torch.randn(40, 4), torch.randint(2, (40,)))


class Module(lightning.LightningModule):
    """Trains with the given optimiser, and notes its facts before the first step."""

    def __init__(self, *layers: nn.Module, optimizers: Any) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(4, 8), *layers, nn.Linear(8, 2))
        self.optimizers_made_by = optimizers

    def on_train_start(self) -> None:
        self.facts = facts_of_lightning(self.trainer, self, batch_size=10)

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        return nn.functional.cross_entropy(self.network(batch[0]), batch[1])

    def configure_optimizers(self) -> Any:
        return self.optimizers_made_by(self.parameters())


def _facts(*layers: nn.Module, optimizers: Any) -> ModelFacts:
    module = Module(*layers, optimizers=optimizers)
    quiet: dict[str, Any] = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = lightning.Trainer(max_epochs=1, accelerator="cpu", enable_model_summary=False, **quiet)
    trainer.fit(module, DataLoader(DATA, 10))
    return module.facts


def test_lightning_reads_size_optimiser_and_regularisation() -> None:
    facts = _facts(nn.BatchNorm1d(8), nn.Dropout(0.2), optimizers=lambda them: torch.optim.AdamW(them, 3e-4, weight_decay=0.1))

    assert facts == ModelFacts(
        parameters=4 * 8 + 8 + 2 * 8 + 8 * 2 + 2,
        optimizer="AdamW",
        learning_rate=3e-4,
        weight_decay=0.1,
        dropout=0.2,
        batch_size=10,
        batch_norm=True,
        schedule="none",
    )


def test_lightning_reads_momentum_and_the_rate_that_is_warmed_up_to() -> None:
    def one_cycle(parameters: Any) -> Any:
        optimizer = torch.optim.SGD(parameters, 0.001, momentum=0.9)
        return [optimizer], [
            {"scheduler": torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.4, total_steps=4), "interval": "step"}
        ]

    facts = _facts(optimizers=one_cycle)

    assert (facts.learning_rate, facts.schedule, facts.batch_norm) == (0.4, "OneCycleLR", False)
    assert facts.momentum is not None


def test_lightning_reads_the_base_rate_of_a_linear_warm_up() -> None:
    def warmed_up(parameters: Any) -> Any:
        optimizer = torch.optim.Adam(parameters, 0.01)
        return [optimizer], [torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.001)]

    facts = _facts(optimizers=warmed_up)

    assert facts.learning_rate == pytest.approx(0.01)


def _keras(optimizer: Any, *layers: Any) -> ModelFacts:
    model = keras.Sequential([keras.Input((4,)), *layers, keras.layers.Dense(2)])
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return facts_of_keras(model)


def test_keras_reads_size_optimiser_and_regularisation() -> None:
    facts = _keras(keras.optimizers.Adam(3e-4), keras.layers.BatchNormalization(), keras.layers.Dropout(0.2))

    assert (facts.parameters, facts.optimizer, facts.dropout, facts.weight_decay) == (2 * 4 + 4 * 2 + 2, "Adam", 0.2, 0.0)
    assert (facts.batch_norm, facts.augmentation, facts.schedule) == (True, False, "none")
    assert facts.learning_rate == pytest.approx(3e-4)


def test_keras_counts_a_layers_penalty_as_weight_decay() -> None:
    facts = _keras("adam", keras.layers.Dense(4, kernel_regularizer=keras.regularizers.L2(0.02)))

    assert facts.weight_decay == pytest.approx(0.02)


def test_keras_reads_momentum_and_the_rate_that_is_warmed_up_to() -> None:
    schedule = keras.optimizers.schedules.CosineDecay(0.0, 100, warmup_target=0.1, warmup_steps=10)

    facts = _keras(keras.optimizers.SGD(schedule, momentum=0.9))

    assert (facts.learning_rate, facts.momentum, facts.schedule) == (0.1, 0.9, "CosineDecay")


@pytest.mark.parametrize("layer", [keras.layers.RandomFlip(), keras.layers.MixUp()])
def test_keras_sees_layers_that_augment(layer: Any) -> None:
    model = keras.Sequential([keras.Input((8, 8, 3)), layer, keras.layers.Flatten(), keras.layers.Dense(2)])
    model.compile("adam", "sparse_categorical_crossentropy")

    assert facts_of_keras(model).augmentation


def test_keras_reads_a_model_that_is_not_compiled() -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])

    facts = facts_of_keras(model)

    assert (facts.parameters, facts.optimizer, facts.learning_rate, facts.momentum) == (10, None, None, None)


def test_layers_that_drop_out_within_themselves_count() -> None:
    recurrent = nn.LSTM(4, 8, num_layers=2, dropout=0.4)

    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = recurrent

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    facts = _facts(Recurrent(), optimizers=lambda them: torch.optim.SGD(them, 0.1))
    keras_facts = _keras("adam", keras.layers.Reshape((4, 1)), keras.layers.Bidirectional(keras.layers.LSTM(3, dropout=0.3)))

    assert (facts.dropout, keras_facts.dropout) == (0.4, 0.3)


def test_the_largest_weight_decay_of_all_groups_counts() -> None:
    def two_groups(parameters: Any) -> Any:
        first, *others = parameters
        return torch.optim.AdamW([{"params": [first], "weight_decay": 0.0}, {"params": others, "weight_decay": 0.05}], 1e-3)

    assert _facts(optimizers=two_groups).weight_decay == 0.05

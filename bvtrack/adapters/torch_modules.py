"""What torch's modules say of themselves, for callbacks of frameworks that train them: facts, and marks of their weights."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from bvtrack.adapters.facts import as_number, largest
from bvtrack.diagnosis.evidence import ModelFacts

if TYPE_CHECKING:
    import torch

SAMPLE = 64
"""Values that are looked at of each parameter: an optimiser moves them all."""
MOVED = ("running_mean", "running_var")
"""Buffers that make another model of the same weights."""
PRECISIONS = ("float32", "bfloat16", "float16")


def marks_of(module: torch.nn.Module) -> Sequence[str]:
    """The mark of the weights as they are, and those that they have once they are loaded in half precision.

    A module without parameters has none. This waits for the accelerator, once.

    >>> import torch
    >>> layer = torch.nn.Linear(2, 2)
    >>> before = marks_of(layer)
    >>> _ = layer.weight.data.add_(1)
    >>> marks_of(layer)[0] == before[0], marks_of(layer.bfloat16())[0] == marks_of(layer)[1]
    (False, True)
    """
    import torch
    from torch.nn.parameter import is_lazy

    buffers = [buffer for name, buffer in module.named_buffers() if name.endswith(MOVED)]
    tensors = [one for one in (*module.parameters(), *buffers) if one.is_floating_point() and not is_lazy(one)]
    samples = [_sample(one) for one in tensors]
    if not samples:
        return ()
    values = torch.cat(samples).cpu()
    return [_digest(values.to(getattr(torch, precision))) for precision in PRECISIONS]


def _sample(weights: torch.Tensor) -> torch.Tensor:
    values = weights.detach().reshape(-1)
    return values[:: max(1, len(values) // SAMPLE)][:SAMPLE].float()


def _digest(values: torch.Tensor) -> str:
    return blake2b(values.float().numpy().tobytes(), digest_size=8).hexdigest()


def module_facts(
    module: torch.nn.Module,
    optimizer: Any = None,
    *,
    schedule: str = "none",
    batch_size: int | None = None,
    augmentation: bool | None = None,
) -> ModelFacts:
    """Facts about a module and its `optimizer`, read once, before the first step. A learning rate that is warmed up is the one
    that it is warmed up to.

    >>> import torch
    >>> layer = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout(0.25))
    >>> facts = module_facts(layer, torch.optim.SGD(layer.parameters(), lr=0.5))
    >>> facts.parameters, facts.optimizer, facts.learning_rate, facts.dropout
    (6, 'SGD', 0.5, 0.25)
    """
    from torch.nn.modules.batchnorm import _BatchNorm
    from torch.nn.parameter import is_lazy

    groups = optimizer.param_groups if optimizer else [{}]
    return ModelFacts(
        parameters=sum(part.numel() for part in module.parameters() if part.requires_grad and not is_lazy(part)),
        optimizer=type(optimizer).__name__ if optimizer else None,
        learning_rate=largest(groups[0].get(name) for name in ("lr", "initial_lr", "max_lr")),
        momentum=as_number(groups[0].get("momentum")),
        weight_decay=largest(group.get("weight_decay") for group in groups),
        dropout=largest(map(_dropout, module.modules())) or 0.0,
        batch_size=batch_size,
        batch_norm=any(isinstance(part, _BatchNorm) for part in module.modules()),
        augmentation=augmentation,
        schedule=schedule,
    )


def _dropout(part: torch.nn.Module) -> Any:
    """The rate of a dropout module, or of one that drops out within itself, as recurrent ones and attention do."""
    from torch.nn.modules.dropout import _DropoutNd

    return part.p if isinstance(part, _DropoutNd) else getattr(part, "dropout", None)

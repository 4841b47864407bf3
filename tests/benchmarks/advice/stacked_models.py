"""The repeats of one configuration, trained at once: a tensor holds a layer of all of them, and none sees the others.

Small networks cost calls more than arithmetic, so that six at once take about the time of one. PyTorch's optimisers move each
number by itself: they serve as they are.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

KERNEL = {"image": (3, 3), "series": (1, 7)}
STRIDE = {"image": (2, 2), "series": (1, 2)}


class StackedLinear(nn.Module):
    """`n_runs` linear layers, `[n_runs, n_examples, n_in]` to `[n_runs, n_examples, n_out]`, begun as PyTorch begins one."""

    def __init__(self, n_runs: int, n_in: int, n_out: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(n_in)
        self.weight = nn.Parameter(torch.empty(n_runs, n_in, n_out).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(n_runs, 1, n_out).uniform_(-bound, bound))

    def forward(self, examples: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, examples, self.weight)


class StackedPerceptrons(nn.Module):
    """`depth` hidden layers of `width` units with ReLU and dropout."""

    def __init__(self, n_runs: int, n_in: int, width: int, depth: int, n_out: int, dropout: float) -> None:
        super().__init__()
        sizes = [n_in, *[width] * depth, n_out]
        self.layers = nn.ModuleList(StackedLinear(n_runs, *pair) for pair in pairwise(sizes))
        self.dropout = dropout

    def forward(self, examples: Tensor) -> Tensor:
        *hidden, last = self.layers
        for layer in hidden:
            examples = torch.relu(layer(examples))
            if self.dropout:
                examples = functional.dropout(examples, self.dropout, self.training)
        outputs: Tensor = last(examples)
        return outputs


class StackedConvolutions(nn.Module):
    """Two convolutions of stride 2 with batch normalisation, then a hidden layer; of a series, the mean over time before it."""

    def __init__(self, n_runs: int, shape: tuple[int, ...], channels: int, width: int, n_out: int, dropout: float) -> None:
        super().__init__()
        sort = "series" if shape[1] == 1 else "image"
        self.shape, self.n_runs, self.is_series, self.dropout = shape, n_runs, sort == "series", dropout
        kernel = KERNEL[sort]
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(n_runs * n_in, n_runs * n_channels, kernel, STRIDE[sort], padding, groups=n_runs)
            for n_in, n_channels in ((shape[0], channels), (channels, 2 * channels))
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(n_runs * n_channels) for n_channels in (channels, 2 * channels))
        n_positions = 1 if self.is_series else math.ceil(shape[1] / 4) * math.ceil(shape[2] / 4)
        self.head = StackedPerceptrons(n_runs, 2 * channels * n_positions, width, 1, n_out, dropout)

    def forward(self, examples: Tensor) -> Tensor:
        n_runs, n_examples, _ = examples.shape
        seen = examples.transpose(0, 1).reshape(n_examples, n_runs * self.shape[0], *self.shape[1:])
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            seen = torch.relu(norm(convolution(seen)))
        if self.is_series:
            seen = seen.mean(dim=(2, 3))
        outputs: Tensor = self.head(seen.reshape(n_examples, n_runs, -1).transpose(0, 1))
        return outputs


def n_parameters_of_each(model: nn.Module, n_runs: int) -> int:
    """How many parameters one of the runs has."""
    return sum(parameter.numel() for parameter in model.parameters()) // n_runs

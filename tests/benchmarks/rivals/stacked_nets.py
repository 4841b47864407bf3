"""Many small networks trained at once: one tensor holds a layer of all of them, and none sees the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

Losses = Callable[[Tensor, Tensor], Tensor]
"""From outputs `[n_runs, n_examples, n_outputs]` and targets `[n_runs, n_examples]` to losses of the latter's shape."""

ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh, "gelu": functional.gelu}
EPSILON = 1e-8


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """The cross-entropy of each example."""
    return functional.cross_entropy(outputs.transpose(1, 2), targets, reduction="none")


def squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """The squared error of each example."""
    return (outputs[..., 0] - targets) ** 2


class Nets:
    """Multi-layer perceptrons of one architecture, `[n_runs]` of them."""

    def __init__(self, sizes: list[int], activation: str, dropout: float, gains: Tensor, shifts: Tensor) -> None:
        """`gains` `[n_runs]` scale He's initialisation; at `shifts` the hidden biases begin (far below 0: dead ReLUs)."""
        self._activation, self._dropout = ACTIVATIONS[activation], dropout
        self.parameters: list[Tensor] = []
        for n_in, n_out in pairwise(sizes):
            weight = torch.randn(len(gains), n_in, n_out) * (gains * (2 / n_in) ** 0.5)[:, None, None]
            bias = torch.zeros(len(gains), 1, n_out) + (shifts[:, None, None] if n_out != sizes[-1] else 0)
            self.parameters += [weight.requires_grad_(), bias.requires_grad_()]

    def __call__(self, examples: Tensor, *, is_training: bool) -> Tensor:
        """The outputs for `[n_runs, n_examples, n_inputs]`."""
        last = len(self.parameters) - 2
        for layer in range(0, last, 2):
            examples = self._activation(torch.baddbmm(self.parameters[layer + 1], examples, self.parameters[layer]))
            examples = functional.dropout(examples, self._dropout, is_training)
        return torch.baddbmm(self.parameters[last + 1], examples, self.parameters[last])


@dataclass
class Optimiser:
    """SGD, with momentum or not, Adam or RMSprop, with the learning rate and decoupled weight decay of each run."""

    kind: str
    parameters: list[Tensor]
    decay: Tensor

    def __post_init__(self) -> None:
        self._first = [torch.zeros_like(each) for each in self.parameters]
        self._second = [torch.zeros_like(each) for each in self.parameters]
        self._n_steps = 0

    @torch.no_grad()
    def step(self, losses: Tensor, rates: Tensor) -> None:
        """Move every run by its own rate `[n_runs]` down the gradient of its loss `[n_runs]`."""
        self._n_steps += 1
        gradients = torch.autograd.grad(losses, self.parameters, torch.ones_like(losses))
        for index, (parameter, gradient) in enumerate(zip(self.parameters, gradients, strict=True)):
            rate = rates[:, None, None]
            parameter.mul_(1 - rate * self.decay[:, None, None])
            parameter.sub_(rate * self._direction(index, gradient))

    def _direction(self, index: int, gradient: Tensor) -> Tensor:
        first, second = self._first[index], self._second[index]
        if self.kind == "sgd":
            return gradient
        if self.kind == "momentum":
            return first.mul_(0.9).add_(gradient)
        if self.kind == "rmsprop":
            return gradient / (second.mul_(0.99).addcmul_(gradient, gradient, value=0.01).sqrt() + EPSILON)
        first.lerp_(gradient, 0.1)
        second.lerp_(gradient**2, 0.001)
        unbiased = (second / (1 - 0.999**self._n_steps)).sqrt()
        return first / (1 - 0.9**self._n_steps) / (unbiased + EPSILON)

"""Compares tensors with copies of them, and waits for an accelerator once for all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch

Pair = tuple[torch.Tensor, torch.Tensor]


def are_equal(pairs: Sequence[Pair]) -> list[bool]:
    """For each pair of tensors on one device, True if they have the same shape and values.

    >>> are_equal([(torch.ones(2), torch.ones(2)), (torch.ones(2), torch.zeros(2))])
    [True, False]
    """
    answers: list[bool] = [False] * len(pairs)
    places: defaultdict[torch.device, list[int]] = defaultdict(list)
    for place, (one, other) in enumerate(pairs):
        if one.device.type == "cpu":  # there is nothing to wait for
            answers[place] = torch.equal(one, other)
        elif one.shape == other.shape:
            places[one.device].append(place)
    for some in places.values():
        for place, answer in zip(some, in_one_wait([pairs[place] for place in some]), strict=True):
            answers[place] = answer
    return answers


def in_one_wait(pairs: Sequence[Pair]) -> list[bool]:
    """The same for tensors of the same shape: all are compared before the first answer is asked for."""
    answers: list[bool] = torch.stack([(one == other).all() for one, other in pairs]).tolist()
    return answers

"""A pass of ours by a torch module, of which nothing is left: not in it, nor in what trains it, nor elsewhere."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bvtrack.adapters.generators import preserve_generators
from bvtrack.adapters.held_writes import guard_writes, listed
from bvtrack.adapters.named_state import preserve_named_state
from bvtrack.random_states import preserve_random_states

if TYPE_CHECKING:
    import torch

SEED = 0
"""Of what is drawn in our passes, such as the masks of a collate function, so that each epoch is measured on the same."""
LEAKS = "the training's own code {leaks}, and does so too in the passes that measure the train and the test error"


@contextmanager
def evaluating(
    module: torch.nn.Module, owner: Any, *, is_data: Callable[[str], bool], say: Callable[..., None]
) -> Iterator[None]:
    """The module, in eval mode, and the code of the `owner` that trains it run in here.

    Afterwards modes, buffers, all random states, the owner's attributes, the containers and generators in these, and what its
    functions and classes name are as they were; of attributes whose names are those of data the generators alone are. What
    this code writes to loggers is held back, and what cannot be is said, once.

    >>> import torch
    >>> layer, trainer = torch.nn.Dropout(), type("Trainer", (), {})()
    >>> with evaluating(layer, trainer, is_data="data".__eq__, say=print):
    ...     trainer.n, is_training = 1, layer.training
    >>> is_training, layer.training, vars(trainer)
    (False, True, {})
    """
    modes = [(part, part.training) for part in module.modules()]
    buffers = [(buffer, buffer.clone()) for buffer in module.buffers()]
    attributes = dict(vars(owner))
    data = [value for name, value in attributes.items() if is_data(name)]
    own = [value for value in attributes.values() if not any(value is one for one in data)]
    named = preserve_named_state([type(owner), type(module)], own)
    with preserve_random_states(), preserve_generators(attributes.values()), named, guard_writes(notes_all=False) as guard:
        _seed()
        module.eval()
        try:
            with guard.step():
                yield
        finally:
            for part, was_training in modes:
                part.training = was_training
            for buffer, values in buffers:
                buffer.copy_(values)
            for name in vars(owner).keys() - attributes.keys():
                delattr(owner, name)
            vars(owner).update(attributes)
            if guard.leaks:
                say(LEAKS.format(leaks=listed(guard.leaks)), once_for=LEAKS)


def _seed() -> None:
    import numpy as np
    import torch

    random.seed(SEED)
    np.random.seed(SEED)
    torch.default_generator.manual_seed(SEED)  # not `torch.manual_seed`, which seeds accelerators that are not begun yet


def from_all(value: Any) -> list[Any]:
    """The value of each of torch's processes, in the order of their ranks; all call this, or none."""
    from torch import distributed

    if not (distributed.is_available() and distributed.is_initialized()):
        return [value]
    values: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(values, value)
    return values

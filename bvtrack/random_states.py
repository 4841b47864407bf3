"""Keep measurements from changing the random numbers that the training draws."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def preserve_random_states() -> Iterator[None]:
    """Restore the global random states of Python, NumPy and torch (all devices in use) on exit, if these are loaded.

    >>> with preserve_random_states():
    ...     number = random.random()
    >>> number == random.random()
    True
    """
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    python_state = random.getstate()
    numpy_state = numpy.random.get_state() if numpy else None
    torch_state = torch.get_rng_state() if torch else None
    cuda_states = torch.cuda.get_rng_state_all() if torch and torch.cuda.is_initialized() else None
    try:
        yield
    finally:
        random.setstate(python_state)
        if numpy:
            numpy.random.set_state(numpy_state)
        if torch:
            torch.set_rng_state(torch_state)
        if torch and cuda_states is not None:
            torch.cuda.set_rng_state_all(cuda_states)

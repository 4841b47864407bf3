"""A random subset of the examples, the same in each epoch and run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SEED = 0
"""Of our own choice of examples, so that it is the same in each epoch and run."""


MOST_SHUFFLED = 1 << 20
"""Of so many examples all are put in random order to draw some, in 20 ms; the order of a billion would take 8 GB."""


def choose_examples(n: int, most: int) -> NDArray[np.int64]:
    """At most `most` of the indices 0 to `n` - 1, drawn at random, in random order, the same each time.

    >>> choose_examples(3, 10).shape
    (3,)
    """
    import numpy as np

    generator = np.random.default_rng(SEED)
    return generator.permutation(n)[:most] if n <= MOST_SHUFFLED else generator.choice(n, min(n, most), replace=False)

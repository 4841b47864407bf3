"""What a model made of each example of a set, in few bytes: the class predicted and the true one, or the size of the error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["classes", "labels", "quantities"]
Sizes = Literal["probability", "score", "distance"]


@dataclass(frozen=True)
class Outcomes:
    """The outcomes of `n` examples, in their order.

    `size` `[n]` says how far off each example is, the larger the worse: by `probability`, 1 - that of the true class; by
    `score`, how much higher another class was scored than the true one; by `distance`, the absolute error. Of `classes` and
    `labels` `wrong` `[n]` is true where the prediction is not the target; of classes `predicted` and `true` `[n]` are indices,
    or the classes themselves; of several labels an example `wrong_by_label` and `positive_by_label` `[n_labels]` are counts.
    """

    kind: Kind
    size: NDArray[Any]
    size_is: Sizes
    wrong: NDArray[Any] | None = None
    predicted: NDArray[Any] | None = None
    true: NDArray[Any] | None = None
    wrong_by_label: NDArray[Any] | None = None
    positive_by_label: NDArray[Any] | None = None

    @classmethod
    def of_classes(cls, predicted: Any, true: Any, size: Any, size_is: Sizes) -> Outcomes:
        """Those of examples of one class each."""
        return cls("classes", size, size_is, predicted != true, predicted, true)

    @classmethod
    def of_quantities(cls, size: Any) -> Outcomes:
        """Those of examples with one absolute error each."""
        return cls("quantities", size, "distance")


@dataclass
class Order:
    """Tells by their targets whether examples come in the order in which they came before.

    >>> import numpy as np
    >>> one, other = Order(), Order()
    >>> one.add(np.array([0, 1])), other.add(np.array([1, 0]))
    (None, None)
    >>> one.mark == other.mark
    False
    """

    _digest: Any = field(default_factory=lambda: blake2b(digest_size=8))
    _first: Any = None
    _differs: bool = False

    def add(self, targets: NDArray[Any]) -> None:
        """Take the targets of a batch, `[n_batch, ...]`, of which a few values each are looked at."""
        flat = targets.reshape(len(targets), -1)
        some = flat[:, :: max(1, flat.shape[1] // DIGESTED)][:, :DIGESTED]
        self._digest.update(repr(some.tolist()).encode() if some.dtype.kind == "O" else some.tobytes())
        self._first = some[0].copy() if self._first is None and len(some) else self._first
        self._differs = self._differs or bool((some != self._first).any())

    @property
    def mark(self) -> str | None:
        """The same for the same targets in the same order; `None` where all are alike, so that they tell of none."""
        return self._digest.hexdigest() if self._differs else None


DIGESTED = 16
"""Values of each example's target that tell one set, and its order, from others."""


@dataclass(frozen=True)
class Seen:
    """What a pass over a set has seen of its examples: their `order` by their targets (`None` where these do not tell it) and
    their `outcomes`, where they are known. `indices` are the examples' places in their dataset where that is not their order
    in the pass; `is_by_index` is true where their places are known at all.
    """

    order: str | None = None
    outcomes: Outcomes | None = None
    indices: Any = None
    is_by_index: bool = False
    names: Mapping[int, str] | None = None

"""What else is known of a run than its errors: its curves, its model, and how the experiment's other runs do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bvtrack.curves.trend import Trend
from bvtrack.error_rates.gaps import ROUNDING

SGD_RATE = 0.1
USUAL_RATES = {"adam": 0.001, "sgd": SGD_RATE}
"""By what an optimiser's name holds, so that AdamW and NAdam count as Adam: the default of Kingma and Ba 2015, and where SGD
on images is usually begun (He et al. 2016; Goyal et al. 2017)."""

MOST_PARAMETERS = 10_000_000
"""Larger networks are trained at smaller rates (Kaplan et al. 2020, appendix D.6), or fine-tuned."""
LARGE = 1_000
"""From so many parameters for each example on, it is hardly the size of a network that holds it back."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a run's model and training are, as far as it could be read; rates as the optimiser has them.

    `parameters` counts the trainable ones, `dropout` is the largest dropout rate in the model, `schedule` the name of what
    changes the learning rate (`none` where it stays), `augmentation` says whether training examples are changed at random.
    """

    parameters: int | None = None
    optimizer: str | None = None
    learning_rate: float | None = None
    momentum: float | None = None
    weight_decay: float | None = None
    dropout: float | None = None
    batch_size: int | None = None
    batch_norm: bool | None = None
    augmentation: bool | None = None
    schedule: str | None = None

    @property
    def is_unregularized(self) -> bool:
        """Whether it is known to have no dropout and no weight decay, and not known to have augmentation."""
        return self.weight_decay == 0 and self.dropout == 0 and not self.augmentation

    @property
    def has_small_steps(self) -> bool:
        """Whether its learning rate is known to be below the usual one of its optimiser; of SGD, the rate that it comes to
        with momentum, which is the rate / (1 - momentum). Of very large networks nothing is said.
        """
        if (self.parameters or 0) > MOST_PARAMETERS:
            return False
        usual = next((rate for name, rate in USUAL_RATES.items() if name in (self.optimizer or "").lower()), None)
        if usual is None or self.learning_rate is None:
            return False
        momentum = (self.momentum or 0.0) if usual == SGD_RATE else 0.0
        return momentum < 1 and self.learning_rate / (1 - momentum) < usual * (1 - ROUNDING)


@dataclass(frozen=True, slots=True)
class OtherRun:
    """The best of the experiment's other runs on the same dev set: its lowest dev error, its name, its model, what differs.

    `differences` holds, by parameter, its value there and its value in the present run, `None` where it has none. `page` is
    where it is, as a link within MLflow's UI.
    """

    dev_error: float
    name: str = ""
    model: ModelFacts = ModelFacts()
    differences: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    page: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What else is known of a run.

    `curve` is one of the values of `classify_curve`; `n_train` is the size of the training set; `dev_curve` are the errors by
    epoch, `None` where there is none, or where these have been followed their trend; `best_other` is the best of the
    experiment's other runs on the same dev set.
    """

    curve: str | None = None
    model: ModelFacts = ModelFacts()
    n_train: int | None = None
    dev_curve: Sequence[float | None] | Trend = ()
    best_other: OtherRun | None = None

    @property
    def trend(self) -> Trend:
        """Where the dev errors are heading."""
        return self.dev_curve if isinstance(self.dev_curve, Trend) else Trend.of(self.dev_curve)

    @property
    def is_large(self) -> bool:
        """Whether the network is known to be large for the data."""
        return bool(self.model.parameters and self.n_train and self.model.parameters >= LARGE * self.n_train)

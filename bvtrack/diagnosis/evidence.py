"""Evidence about a run besides its errors: its curves, its model, and the experiment's other runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bvtrack.curves.trend import Trend
from bvtrack.error_rates.gaps import ROUNDING

SGD_RATE = 0.1
USUAL_RATES = {"adam": 0.001, "rmsprop": 0.001, "adagrad": 0.01, "lion": 0.0001, "sgd": SGD_RATE}
"""Usual learning rates by a substring of the optimiser's name, so that AdamW and NAdam count as Adam: the default of Kingma and
Ba 2015, of Hinton's lecture on RMSprop, of PyTorch's Adagrad, a tenth of AdamW's for Lion (Chen et al. 2023), and the usual
initial rate of SGD on images (He et al. 2016; Goyal et al. 2017)."""

MOST_PARAMETERS = 10_000_000
"""Larger networks are trained at smaller rates (Kaplan et al. 2020, appendix D.6), or fine-tuned."""
DataKind = Literal["images", "series", "table", "text"]
"""The kinds of data that another model may suit better."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Model and hyper-parameters of a run, as far as they are known; rates are those of the optimiser.

    `parameters` is the number of trainable ones, `dropout` the largest dropout rate in the model, `schedule` the name of the
    learning-rate schedule (`none` for a constant rate), `augmentation` is true if training examples are augmented at random.
    `kind` is `trees` for boosted ones, to which a step is put in other words than to a network. `family` is the class of a
    model of another kind that is not trained in epochs; for it, `fits_more` and `fits_less` say by which of its parameters it
    fits more or less (`raise max_depth (5 now)`), and `trains_longer` how it is trained longer, if it can be.
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
    kind: str | None = None
    family: str | None = None
    fits_more: str | None = None
    fits_less: str | None = None
    trains_longer: str | None = None

    @property
    def is_network(self) -> bool:
        """True unless it is known to be another kind of model."""
        return self.kind is None and self.family is None

    @property
    def is_unregularized(self) -> bool:
        """True if it is known to have no dropout and no weight decay, and not known to have augmentation."""
        return self.weight_decay == 0 and self.dropout == 0 and not self.augmentation

    @property
    def usual_rate(self) -> float | None:
        """The usual learning rate of its optimiser; with momentum, that of SGD is smaller by as much as momentum enlarges the
        steps. `None` for an unknown optimiser.
        """
        usual = next((rate for name, rate in USUAL_RATES.items() if name in (self.optimizer or "").lower()), None)
        if usual != SGD_RATE:
            return usual
        return usual * (1 - (self.momentum or 0.0)) or None

    @property
    def relative_rate(self) -> float | None:
        """Its learning rate as a multiple of the usual one of its optimiser; `None` if either is unknown."""
        if self.usual_rate is None or self.usual_rate < 0 or self.learning_rate is None:
            return None
        return self.learning_rate / self.usual_rate

    @property
    def has_small_steps(self) -> bool:
        """True if its learning rate is known to be below the usual one of its optimiser; never for very large networks."""
        relative = self.relative_rate
        return (self.parameters or 0) <= MOST_PARAMETERS and relative is not None and relative < 1 - ROUNDING


@dataclass(frozen=True, slots=True)
class OtherRun:
    """The best of the experiment's other runs on the same dev set: its lowest dev error, name, model and differences.

    `differences` are pairs by parameter: its value there and in the present run, `None` if unset. `page` is a link to the run
    within MLflow's UI.
    """

    dev_error: float
    name: str = ""
    model: ModelFacts = ModelFacts()
    differences: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    page: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence about a run besides its errors.

    `curve` is one of the values of `classify_curve`; `n_train` is the size of the training set; `dev_curve` is the dev errors
    by epoch, `None` for an epoch without one, or their trend; `best_other` is the best of the experiment's other runs on
    the same dev set; `data_kind` is the kind of the examples. `sizes` is its learning curve: sizes of the training set, the
    present one last, each with the dev error, as a fraction, of the same model trained on so much.
    """

    curve: str | None = None
    model: ModelFacts = ModelFacts()
    n_train: int | None = None
    dev_curve: Sequence[float | None] | Trend = ()
    best_other: OtherRun | None = None
    data_kind: DataKind | None = None
    sizes: Sequence[tuple[int, float]] = ()

    @property
    def trend(self) -> Trend:
        """The trend of the dev errors."""
        return self.dev_curve if isinstance(self.dev_curve, Trend) else Trend.of(self.dev_curve)

    @property
    def parameters_per_example(self) -> float | None:
        """The number of trainable parameters for each training example; `None` if either is unknown, or there is none."""
        if not self.model.parameters or not self.n_train:
            return None
        return self.model.parameters / self.n_train

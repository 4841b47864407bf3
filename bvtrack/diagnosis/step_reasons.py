"""Why a step is worth trying, in a sentence or two, with the numbers that speak for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bvtrack.diagnosis.evidence import Evidence, OtherRun
from bvtrack.diagnosis.expected_gains import LIKELY, MORE, Gains
from bvtrack.diagnosis.explanation import in_points, joined, percent

WHY = {
    "bigger_network": "The network may be too small for the pattern; a bigger one does not hurt as long as it is regularised.",
    "train_longer": "More epochs may bring the train error down further.",
    "different_optimizer": "The optimiser may be stuck where another one, or another learning rate, would go on.",
    "different_model": "Another architecture may suit this kind of data better.",
    "more_data": "More examples leave less room to learn the training set by heart.",
    "regularize": "Weight decay, dropout or augmentation keep the model from learning the training set by heart.",
    "stop_earlier": "The dev error has turned and rises while the train error still falls.",
    "match_data": "Find out how the two differ, then collect, or make, training data that is like the dev data.",
    "bigger_dev_set": "Choices were fitted to this dev set; a bigger one is harder to overfit.",
    "fix_training": "Check the learning rate, the initialisation and the labels; first overfit a single batch on purpose.",
    "stop_here": "Bias and variance are both low against this baseline: a lower human error would show if more can be had.",
}
"""What the course and Machine Learning Yearning give as the reason, where nothing more is known of the run."""

SHOWN_DIFFERENCES = 4
LONGEST_VALUE = 40
"""Of a parameter that differs: a longer value is cut, so that a sentence stays one."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """The reasons for the steps of one run."""

    evidence: Evidence
    gains: Gains

    def of(self, step_id: str) -> str:
        """The reason for this step."""
        told = {
            "bigger_network": self._bigger_network,
            "train_longer": self._train_longer,
            "different_optimizer": self._different_optimizer,
            "different_model": self._different_model,
            "more_data": self._more_data,
            "regularize": self._regularize,
            "stop_earlier": self._stop_earlier,
        }
        why = told[step_id]() if step_id in told else WHY[step_id]
        return f"{self._best_run()} {why}" if step_id == self.gains.towards_best else why

    def _bigger_network(self) -> str:
        model, n_train = self.evidence.model, self.evidence.n_train
        why = WHY["bigger_network"]
        if model.parameters and self.evidence.is_large:
            return f"It has {model.parameters:,} parameters for {n_train:,} examples: its size is hardly what holds it back."
        if model.parameters:
            size = f"{model.parameters:,} parameters" + (f" for {n_train:,} examples" if n_train else "")
            why = f"With {size} {why[0].lower()}{why[1:]}"
        return f"{why} This one has neither dropout nor weight decay: add some." if model.is_unregularized else why

    def _train_longer(self) -> str:
        forecast = self.gains.longer
        if forecast is None or forecast.improves is None:
            return WHY["train_longer"]
        if forecast.improves < LIKELY:
            chance = f"has a chance of {100 * forecast.improves:.0f} %"
            return f"It will probably not help: that as many epochs again make the best dev error better {chance}."
        band = f"{percent(forecast.low)} to {percent(forecast.high)}"
        why = f"The dev error still falls: as many epochs again should bring it to about {percent(forecast.value)} ({band})."
        return f"{why} At so small a learning rate it may take more." if self.evidence.model.has_small_steps else why

    def _different_optimizer(self) -> str:
        model = self.evidence.model
        if model.optimizer is None:
            return WHY["different_optimizer"]
        rate = f" at a learning rate of {model.learning_rate:g}" if model.learning_rate is not None else ""
        schedule = f", changed by {model.schedule}," if model.schedule not in (None, "none") else ""
        how = "takes small steps: a higher rate" if model.has_small_steps else "may be stuck: another rate"
        return f"{model.optimizer}{rate}{schedule} {how}, or another optimiser, may get further."

    def _different_model(self) -> str:
        if self.evidence.n_train and self.gains.of("different_model") > self.gains.of("more_data") > 0:
            than = f"four times these {self.evidence.n_train:,} examples"
            return f"One that suits this kind of data better should bring more than {than} would."
        return WHY["different_model"]

    def _best_run(self) -> str:
        other, lead = self.evidence.best_other, self.gains.lead
        return f"{best_run(other)}, {in_points(lead)} points less." if other is not None and lead is not None else ""

    def _more_data(self) -> str:
        forecasts = self.gains.more_data
        begin = f"It trains on {self.evidence.n_train:,} examples. " if self.evidence.n_train else ""
        if not forecasts or self.gains.of("more_data") <= 0:
            return begin + WHY["more_data"]
        errors = joined([percent(forecast.value) for forecast in forecasts.values()])
        band = f"{percent(forecasts[MORE].low)} to {percent(forecasts[MORE].high)}"
        return f"{begin}Twice, four and eight times the data should bring the dev error to about {errors} (four times: {band})."

    def _regularize(self) -> str:
        model = self.evidence.model
        if model.is_unregularized:
            return f"The model has no dropout and no weight decay. {WHY['regularize']}"
        present = [
            f"dropout {model.dropout:g}" if model.dropout else "",
            f"weight decay {model.weight_decay:g}" if model.weight_decay else "",
            "augmentation" if model.augmentation else "",
        ]
        if any(present):
            return f"It has {joined([name for name in present if name])}; more of it, or of the others, may still help."
        return WHY["regularize"]

    def _stop_earlier(self) -> str:
        rise = self.gains.of("stop_earlier")
        if rise <= 0:
            return WHY["stop_earlier"]
        return f"The dev error has risen by {in_points(rise)} points since its best epoch: keep that epoch, or stop there."


def best_run(other: OtherRun) -> str:
    """What the experiment's best other run on this dev set makes, as the beginning of a sentence."""
    name = f", {_short(other.name)}," if other.name else ""
    return f"The experiment's best other run on this dev set{name} makes {percent(other.dev_error)}"


def compared(other: OtherRun, dev_error: float) -> str:
    """How the experiment's best other run does against this one, and, where it does better, what it does otherwise."""
    if round(other.dev_error, 4) >= round(dev_error, 4):
        return f"{best_run(other)}: none does better than this one."
    return f"{best_run(other)}. {differences_in_words(other.differences)}".strip()


def differences_in_words(differences: Mapping[str, tuple[str | None, str | None]]) -> str:
    """What the better run does otherwise, as a sentence; empty where nothing is known to differ."""
    told = [
        f"{_short(name)} ({_short(there)} there, {_short(here)} here)"
        for name, (there, here) in list(differences.items())[:SHOWN_DIFFERENCES]
    ]
    rest = len(differences) - len(told)
    told += [f"{rest} more"] if rest > 0 else []
    return f"It differs in {joined(told)}." if told else ""


def _short(value: str | None) -> str:
    text = "none" if value is None else " ".join(value.split())
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"

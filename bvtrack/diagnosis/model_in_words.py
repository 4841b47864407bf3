"""A run's model in words: its size for its data, its regularisation, and its learning rate."""

from __future__ import annotations

from bvtrack.diagnosis.evidence import Evidence, ModelFacts
from bvtrack.diagnosis.explanation import joined


def counted(n: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "example"), counted(60_000, "example")
    ('1 example', '60,000 examples')
    """
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def size_of(evidence: Evidence) -> str:
    """The number of parameters, and of training examples if it is known; empty for an unknown model."""
    if not evidence.model.parameters:
        return ""
    for_examples = f" for {counted(evidence.n_train, 'training example')}" if evidence.n_train else ""
    return counted(evidence.model.parameters, "parameter") + for_examples


def regularization_of(model: ModelFacts) -> str:
    """The regularisation that is known to be there; empty if there is none.

    >>> regularization_of(ModelFacts(dropout=0.5, weight_decay=0.0, augmentation=True))
    'dropout 0.5 and augmentation'
    """
    present = [
        f"dropout {model.dropout:g}" if model.dropout else "",
        f"weight decay {model.weight_decay:g}" if model.weight_decay else "",
        "augmentation" if model.augmentation else "",
    ]
    return joined([name for name in present if name]) if any(present) else ""


def optimizer_of(model: ModelFacts) -> str:
    """The optimiser with its learning rate and schedule, as far as they are known; empty for an unknown optimiser.

    >>> optimizer_of(ModelFacts(optimizer="Adam", learning_rate=0.001, schedule="StepLR"))
    'Adam at a learning rate of 0.001, changed by StepLR,'
    """
    if model.optimizer is None:
        return ""
    rate = f" at a learning rate of {model.learning_rate:g}" if model.learning_rate is not None else ""
    schedule = f", changed by {model.schedule}," if model.schedule not in (None, "none") else ""
    return f"{model.optimizer}{rate}{schedule}"


def by_levers(step: str, title: str, why: str, model: ModelFacts) -> tuple[str, str]:
    """A step's title and reason, for a model of another family than networks by the parameters that it has.

    >>> forest = ModelFacts(family="RandomForestClassifier", fits_less="lower max_depth (no limit now)")
    >>> by_levers("regularize", "Regularise", "Dropout.", forest)
    ('Regularise', 'Lower max_depth (no limit now): it then learns less of the training set by heart.')
    """
    if model.family is None:
        return title, why
    match step:
        case "bigger_network":
            none = f"No parameter of {model.family} is known by which it fits more still: look for features that tell more."
            return "Let the model fit more", f"{_begun(model.fits_more)}." if model.fits_more else none
        case "regularize":
            none = f"No parameter of {model.family} is known by which it fits less: take fewer features, or another model."
            return (
                title,
                f"{_begun(model.fits_less)}: it then learns less of the training set by heart." if model.fits_less else none,
            )
        case "train_longer" if model.trains_longer:
            return title, f"{why.replace('epochs', 'iterations')} That is to {model.trains_longer}."
        case "fix_training":
            return title, "Check the labels, the features and their scales, and whether the rows of both belong together."
    return title, why


def _begun(words: str) -> str:
    """Words as the beginning of a sentence."""
    return f"{words[:1].upper()}{words[1:]}"

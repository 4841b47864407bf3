"""Kinds of losses by name: a cross-entropy of single examples can be read as an error, others cannot."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Literal

from bvtrack.measures.qualifiers import words

LossKind = Literal["cross_entropy", "regression", "adversarial", "other"]

LARGEST_CROSS_ENTROPY = math.log(1e6)
"""Guessing among k classes costs ln k. A cross-entropy above this would be that of a guess among more than a million classes,
four times the largest vocabularies that are trained by one (256,000 tokens): it is a sum, or no cross-entropy."""

LEAST_TELLING = math.log(10)
"""Where the number of classes is not known, a loss above that of a guess among ten says nothing: 1 - exp(-loss) is
above 0.9, and all larger losses share the last tenth of the scale, those of a thousand classes and those of no classes."""
FARTHEST_FROM_GUESSING = 1.25
"""Guessing costs the entropy of the classes. A cross-entropy whose best value so far is this many times that has
either not begun to learn, or it is none: a network that cannot learn comes down to the guess, not to a quarter above it."""

_CROSS_ENTROPY = words("crossentropy ce bce xent nll logloss mlogloss")
_REGRESSION = words(
    "mse rmse mae l1 l2 huber logcosh quantile pinball poisson gaussian tweedie regression regressor"
    " mape msle squarederror absoluteerror"
)
_ADVERSARIAL = words("g d gen disc generator discriminator critic adv adversarial gan wgan actor policy value q")
"""Losses that are minimised against each other, or by choosing the data, rise and fall whatever the model is worth."""
_OTHER = words(
    "kl kld elbo vae recon reconstruction rec contrastive triplet ntxent infonce nce clip simclr simsiam byol moco barlow"
    " vicreg dino perceptual lpips ssim diffusion ddpm noise denoising energy flow hinge margin ranking rank bpr dice iou giou"
    " diou ciou box bbox obj dfl rpn mask focal tversky tv reg regularization regularizer penalty commitment vq codebook"
    " embedding"
    " similarity cosine distill distillation kd style content cycle identity consistency entropy ctc sum"
    " summed brier circle cox coxph"
)
_TERMS = words("kl kld elbo recon reconstruction commitment contrastive infonce triplet vq wgan")
"""Kinds of losses that are hardly ever anything else, whether their names say that they are losses or not."""
_PHRASES = (("cross", "entropy"), ("log", "loss"))
_REGRESSION_PHRASES = (
    ("squared", "error"),
    ("absolute", "error"),
    ("logarithmic", "error"),
    ("log", "cosh"),
    ("percentage", "error"),
)


_PENALTIES = words("kl kld reg regularization regularizer penalty commitment")


def is_penalty(name: Collection[str]) -> bool:
    """True for a term that holds the others back: it rises from almost nothing while a training goes well.

    >>> is_penalty(["kl", "loss"]), is_penalty(["recon", "loss"])
    (True, False)
    """
    return bool(_PENALTIES & {*name})


def kind_of_loss(name: Collection[str]) -> LossKind | None:
    """The kind of a loss with these words in its name; `None` if they do not tell.

    >>> kind_of_loss(["kl", "loss"]), kind_of_loss(["cross", "entropy", "loss"]), kind_of_loss(["loss"])
    ('other', 'cross_entropy', None)
    """
    joined, found = f"_{'_'.join(name)}_", set(name)
    phrases = [phrase for phrase in _PHRASES if f"_{'_'.join(phrase)}_" in joined]
    found -= {word for phrase in phrases for word in phrase}
    if found & _ADVERSARIAL:
        return "adversarial"
    if found & _OTHER:
        return "other"
    if found & _REGRESSION or any(f"_{'_'.join(phrase)}_" in joined for phrase in _REGRESSION_PHRASES):
        return "regression"
    return "cross_entropy" if phrases or found & _CROSS_ENTROPY else None


def is_of_other_kind(name: Collection[str]) -> bool:
    """True if these are the words of a loss that is no cross-entropy: a term that a total is the sum of, or one of a GAN's two.

    >>> is_of_other_kind(["kl"]), is_of_other_kind(["dice", "loss"]), is_of_other_kind(["dice"])
    (True, True, False)
    """
    return kind_of_loss(name) not in (None, "cross_entropy") and bool({"loss", *_TERMS} & {*name})

"""Every trouble that the probe tells of: its title and what it means."""

from typing import NamedTuple


class Kind(NamedTuple):
    """One kind of trouble.

    Attributes:
        title: what the verdict says, of a network or of layers.
        meaning: one sentence that says what is wrong.
        advice: what to do about it, where no trial tells better.
    """

    title: str
    meaning: str
    advice: str


FINDINGS = {
    "softmax-twice": Kind(
        "Softmax is taken twice",
        "The outputs add up to 1, and the loss takes the softmax of them again.",
        "Give the loss the outputs before softmax.",
    ),
    "loss-summed": Kind(
        "The loss is a sum over examples",
        "The loss of a batch grows with the number of its examples, and with it every gradient.",
        "Take the mean over examples, or divide the learning rate by the size of a batch.",
    ),
    "labels-unrelated": Kind(
        "The labels say nothing of the inputs",
        "Examples of one label are no more alike than examples of different ones.",
        "See whether inputs and labels are paired as they should be.",
    ),
    "gradients-cut": Kind(
        "No gradient reaches a layer",
        "The layer decides the outputs, and yet its gradient is exactly zero.",
        "Look for detach, no_grad, item or a conversion to numpy above it.",
    ),
    "layer-frozen": Kind(
        "A layer does not move",
        "The optimiser's step leaves the layer as it is.",
        "Set requires_grad, and give the layer's parameters to the optimiser; if it is meant, nothing.",
    ),
    "dead-rectifiers": Kind(
        "Units are dead",
        "No gradient reaches these units for any example.",
        "Smaller biases or steps, a leaky rectifier, or normalisation below the rectifier.",
    ),
    "wrong-way": Kind(
        "The step goes uphill",
        "Along the optimiser's step the loss rises, as its gradient foretells.",
        "Look for maximize, a negative rate or a loss with the wrong sign.",
    ),
    "rate-too-high": Kind(
        "The learning rate is too high",
        "The step overshoots: the loss falls by much less than its gradient promises, or grows.",
        "Lower the learning rate.",
    ),
    "rate-too-low": Kind(
        "The learning rate is too low",
        "The step keeps all that its gradient promises, and promises next to nothing.",
        "Raise the learning rate.",
    ),
    "no-normalisation": Kind(
        "Deep, and without normalisation or skips",
        "Gradients of different examples no longer have anything in common, or do not reach the bottom.",
        "Put in normalisation, or skips.",
    ),
    "initial-scale": Kind(
        "Weights are of the wrong size",
        "What the layers pass on grows or shrinks from each to the next.",
        "Draw weights with a variance of 2 / inputs (rectifiers) or 1 / inputs (tanh).",
    ),
}
"""By name, those that explain others before what they explain."""

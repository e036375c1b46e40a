"""What rivals' authors print of their own runs of the deep autoencoder of MNIST's digits."""

from typing import NamedTuple


class Published(NamedTuple):
    """One run.

    Attributes:
        method: a key of `METHODS` if it is one of them, else a word of its own.
        title: what the run is called.
        settings: in the authors' words.
        losses: on the training images, in nats, by the epoch after which they were printed.
        test_loss: after the last of these epochs.
        every: steps from one renewal of inverses and the like to the next; 0 if that is not known.
        weight_decay: the factor of the squared weights.
    """

    method: str
    title: str
    settings: str
    losses: dict[int, float]
    test_loss: float
    every: int
    weight_decay: float


PUBLISHED = [
    Published("momentum", "momentum", "rate 0.003", {50: 75.64, 100: 65.74, 620: 54.32}, 66.56, 0, 0.0),
    Published("adam", "Adam", "rate 1e-4, epsilon 1e-4", {50: 68.43, 100: 60.53, 528: 52.89}, 63.85, 0, 0.0),
    Published(
        "shampoo", "Shampoo", "rate 3e-4, epsilon 3e-4", {50: 59.55, 100: 55.86, 315: 52.99}, 57.13, 20, 0.0
    ),
    Published(
        "k-fac",
        "K-FAC, damping 0.3",
        "rate 0.003, damping 0.3",
        {50: 59.63, 100: 56.89, 304: 54.07},
        58.80,
        20,
        0.0,
    ),
    Published("tnt", "TNT", "rate 1e-4, damping 0.1", {50: 56.40, 100: 54.22, 269: 52.40}, 56.98, 20, 0.0),
    Published(
        "k-bfgs", "K-BFGS", "rate 0.3, damping 0.3", {50: 53.82, 100: 52.66, 120: 52.42}, 58.27, 0, 1e-5
    ),
    Published("k-fac", "K-FAC, damping 3", "rate 1, damping 3", {50: 53.75, 75: 52.90}, 57.60, 0, 1e-5),
]
"""Single runs of the autoencoder 784-1000-500-250-30 and back, in minibatches of 1000, whose loss is the
cross-entropy summed over pixels. They differ from LocoProp's: rectifiers in place of tanh, other schedules,
and the last two with weight decay. After 50 epochs the two runs of K-FAC differ more than Shampoo,
K-FAC and TNT in one notebook do.

Source: the authors' demo notebooks, of TNT (Ren & Goldfarb 2021) the first five, of K-BFGS (Goldfarb, Ren &
Bahamou 2020) the last two.
"""

ENTROPY = 45.76
"""Of MNIST's training images, in nats an image: no loss can be lower (see `entropy_floor`)."""

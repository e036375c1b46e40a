"""The families of networks: what builds each, its name in figures and its look.

What a training job takes from here is among its parameters, so that another family, or another colour, trains
nothing again.
"""

from dataclasses import dataclass
from typing import Any, Literal

from movingtarget.look import Look


@dataclass(frozen=True)
class Family:
    """One family of multilayer perceptrons.

    Attributes:
        builder: "module:function", called with an `Architecture`; returns an uninitialised network.
        title: what figures call it.
        look: of its lines, the same in every figure.
        activation: its own, for a family that is defined by it; else the architecture says.
        mirrored: whether weights are drawn as pairs (W, -W).
        initial_weights: how its weights are drawn, for a family that is defined by it; else the architecture
            says.
    """

    builder: str
    title: str
    look: Look
    activation: str | None = None
    mirrored: bool = False
    initial_weights: Literal["normal", "orthogonal"] | None = None

    @property
    def made_of(self) -> dict[str, Any]:
        """All that decides its networks, and nothing of how they are drawn."""
        return {
            "builder": self.builder,
            "activation": self.activation,
            "mirrored": self.mirrored,
            "initial_weights": self.initial_weights,
        }


FAMILIES = {  # colours from the palettes of Okabe and Ito, and of Paul Tol
    "plain": Family(
        "movingtarget.networks.feedforward:plain",
        "plain",
        {"color": "#D55E00", "marker": "o", "linestyle": "-"},
    ),
    "batch-norm": Family(
        "movingtarget.networks.feedforward:batch_norm",
        "batch norm",
        {"color": "#0072B2", "marker": "s", "linestyle": (0, (4, 1.5))},
    ),
    "residual": Family(
        "movingtarget.networks.residual:scaled",
        "residual",
        {"color": "#009E73", "marker": "^", "linestyle": (0, (4, 1.2, 1, 1.2))},
    ),
    "residual-unscaled": Family(
        "movingtarget.networks.residual:unscaled",
        "residual, unscaled",
        {"color": "#661100", "marker": "d", "linestyle": (0, (5, 1))},
    ),
    "residual-batch-norm": Family(
        "movingtarget.networks.residual:batch_norm",
        "residual, batch norm",
        {"color": "#882255", "marker": ">", "linestyle": (0, (3, 1, 1, 1, 1, 1))},
    ),
    "crelu": Family(
        "movingtarget.networks.feedforward:plain",
        "CReLU",
        {"color": "#E69F00", "marker": "v", "linestyle": (0, (6, 1.5, 1, 1.5, 1, 1.5))},
        activation="crelu",
    ),
    "looks-linear": Family(
        "movingtarget.networks.feedforward:plain",
        "CReLU, looks linear",
        {"color": "#56B4E9", "marker": "P", "linestyle": (0, (2.5, 1))},
        activation="crelu",
        mirrored=True,
    ),
    "orthogonal": Family(
        "movingtarget.networks.feedforward:plain",
        "orthogonal",
        {"color": "#332288", "marker": "*", "markersize": 5, "linestyle": (0, (9, 3))},
        initial_weights="orthogonal",
    ),
    "low-rank": Family(
        "movingtarget.networks.low_rank:low_rank",
        "low rank",
        {"color": "#AA3377", "marker": (3, 1, 180), "markersize": 5, "linestyle": (0, (1, 1, 1, 3))},
    ),
    "patch-convolution": Family(
        "movingtarget.networks.convolution:patch_convolution",
        "convolutional",
        {"color": "#CCBB44", "marker": "h", "markersize": 4.2, "linestyle": (0, (7, 1.5, 1, 1.5))},
    ),
    "linear": Family(
        "movingtarget.networks.feedforward:plain",
        "linear",
        {"color": "#404040", "marker": "X", "linestyle": (0, (8, 2))},
        activation="linear",
    ),
}
"""The families by the name that settings and tables have for them, in the order of figures."""

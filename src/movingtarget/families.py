"""The families of networks: what builds each, its name in figures and its look.

What a training job takes from here is among its parameters, so that another family, or another colour, trains
nothing again.
"""

from dataclasses import dataclass
from typing import Any

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
    """

    builder: str
    title: str
    look: Look
    activation: str | None = None
    mirrored: bool = False

    @property
    def made_of(self) -> dict[str, Any]:
        """All that decides its networks, and nothing of how they are drawn."""
        return {"builder": self.builder, "activation": self.activation, "mirrored": self.mirrored}


FAMILIES = {  # colours from the palette of Okabe and Ito
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
    "linear": Family(
        "movingtarget.networks.feedforward:plain",
        "linear",
        {"color": "#404040", "marker": "X", "linestyle": (0, (8, 2))},
        activation="linear",
    ),
}
"""The families by the name that settings and tables have for them, in the order of figures."""

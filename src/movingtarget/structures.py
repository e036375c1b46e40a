"""The structures of networks that a user's own is compared with, as the probe tells them apart.

What a job takes from here is among its parameters, so that another title measures nothing again.
"""

from typing import Any, Literal, NamedTuple


class Structure(NamedTuple):
    """One structure, of any depth.

    Attributes:
        builder: "module:function", called with the images' side, the number of classes and the depth.
        title: what a sentence calls one of them.
        group: of structures between which the probe cannot tell, for what is usual.
        optimiser: what trains it.
        learning_rate: of it, as networks of the same kind are trained in `faults.KINDS`.
    """

    builder: str
    title: str
    group: str
    optimiser: Literal["sgd", "momentum", "adam"]
    learning_rate: float

    @property
    def made_of(self) -> dict[str, Any]:
        """All that decides its networks, and what they are counted among."""
        return {name: value for name, value in self._asdict().items() if name != "title"}


STRUCTURES = {
    "plain": Structure("movingtarget.cases.structures:plain", "a plain net", "perceptron", "sgd", 0.1),
    "batch-norm": Structure(
        "movingtarget.cases.structures:batch_norm",
        "a net with batch norm",
        "perceptron, normalised",
        "sgd",
        0.05,
    ),
    "residual": Structure(
        "movingtarget.cases.structures:residual",
        "a residual net with batch norm",
        "perceptron, normalised",
        "sgd",
        0.05,
    ),
    "plain-convnet": Structure(
        "movingtarget.cases.structures:plain_convnet", "a plain convnet", "convnet", "momentum", 0.03
    ),
    "convnet": Structure(
        "movingtarget.cases.structures:convnet",
        "a convnet with batch norm",
        "convnet, normalised",
        "momentum",
        0.03,
    ),
    "residual-convnet": Structure(
        "movingtarget.cases.structures:residual_convnet",
        "a residual convnet with batch norm",
        "convnet, normalised",
        "momentum",
        0.03,
    ),
    "transformer": Structure(
        "movingtarget.cases.structures:transformer", "a transformer", "transformer", "adam", 0.003
    ),
}
"""The structures by the name that settings and tables have for them."""

WEIGHTS, NORMALISATION, WHOLE = "weights", "normalisation", "whole"
"""What is measured: a layer of either role, or a network as a whole."""

GROUPS = tuple(dict.fromkeys(structure.group for structure in STRUCTURES.values()))

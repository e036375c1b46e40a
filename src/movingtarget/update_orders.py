"""The orders in which layers are updated: the rule of each, its name in figures and its look.

What a training job takes from here is among its parameters, so that another order, or another colour, trains
nothing again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from movingtarget import work
from movingtarget.look import DARK, Look
from movingtarget.work import Network, Work

FALL = 2.6
"""By which rates fall from layer to layer (Howard & Ruder 2018, section 3.2)."""

Given = Literal["steps", "iterations", "gamma"]


@dataclass(frozen=True)
class UpdateOrder:
    """One order of updates.

    Attributes:
        rule: "module:name" of an update rule; with options or what is given, of the function that makes one.
        title: what figures call it.
        look: of its lines, the same in every figure.
        group: figures show orders that move each layer along a "recomputed" gradient, and other "remedies",
            each beside simultaneous updates, the "reference"; a "control" equals
            that to the last bit and is not drawn.
        options: arguments of the function that makes the rule.
        given: further ones, which the study's settings hold: steps of the training, and LocoProp's.
        fresh: whether each layer wants a minibatch of its own.
    """

    rule: str
    title: str
    look: Look
    group: Literal["reference", "control", "recomputed", "repeated", "subset", "remedy"]
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    given: tuple[Given, ...] = ()
    fresh: bool = False

    @property
    def made_of(self) -> dict[str, Any]:
        """All that decides its steps, and nothing of how they are drawn."""
        return {"rule": self.rule, "options": dict(self.options), "given": self.given, "fresh": self.fresh}


LOCOPROP_LOOK: Look = {"color": "#CC79A7", "marker": "D", "linestyle": (0, (1, 1))}

UPDATE_ORDERS = {  # colours from Paul Tol's palettes, but for LocoProp-M's, which is Okabe and Ito's
    "simultaneous": UpdateOrder(
        "movingtarget.training.simultaneous:simultaneous",
        "simultaneous",
        {"color": DARK, "marker": "o", "linestyle": "-"},
        "reference",
    ),
    "stale": UpdateOrder(
        "movingtarget.training.sequential:stale_sequential",
        "stale",
        {"color": "#777777", "marker": ".", "linestyle": ":"},
        "control",
    ),
    "forward": UpdateOrder(
        "movingtarget.training.sequential:recomputed",
        "forward sweep",
        {"color": "#332288", "marker": "^", "linestyle": "-"},
        "recomputed",
        {"order": "forward"},
    ),
    "backward": UpdateOrder(
        "movingtarget.training.sequential:recomputed",
        "backward sweep",
        {"color": "#CC6677", "marker": "v", "linestyle": (0, (4, 1.5))},
        "recomputed",
        {"order": "backward"},
    ),
    "random": UpdateOrder(
        "movingtarget.training.sequential:recomputed",
        "random sweep",
        {"color": "#44AA99", "marker": "*", "linestyle": (0, (1, 1))},
        "recomputed",
        {"order": "random"},
    ),
    "fresh": UpdateOrder(
        "movingtarget.training.sequential:recomputed",
        "fresh batches",
        {"color": "#999933", "marker": "s", "linestyle": (0, (4, 1.2, 1, 1.2))},
        "recomputed",
        {"order": "forward", "fresh": True},
        fresh=True,
    ),
    "repeated": UpdateOrder(
        "movingtarget.training.repeated:repeated",
        "as many steps",
        {"color": "#EE7733", "marker": "8", "linestyle": (0, (1, 1.5))},
        "repeated",
        {"fresh": False},
    ),
    "repeated-fresh": UpdateOrder(
        "movingtarget.training.repeated:repeated",
        "as many fresh steps",
        {"color": "#EE3377", "marker": "H", "linestyle": (0, (2, 1))},
        "repeated",
        {"fresh": True},
        fresh=True,
    ),
    "round-robin": UpdateOrder(
        "movingtarget.training.sequential:round_robin",
        "round robin",
        {"color": "#88CCEE", "marker": "P", "linestyle": (0, (6, 1.5, 1, 1.5, 1, 1.5))},
        "recomputed",
    ),
    "random-subset": UpdateOrder(
        "movingtarget.training.random_subset:random_subset",
        "random subset",
        {"color": "#0077BB", "marker": "1", "linestyle": (0, (5, 1))},
        "subset",
        {"direction": "gradient"},
    ),
    "muon": UpdateOrder(
        "movingtarget.training.muon:muon",
        "Muon",
        {"color": "#009988", "marker": "2", "linestyle": "-"},
        "subset",
    ),
    "random-subset-muon": UpdateOrder(
        "movingtarget.training.random_subset:random_subset",
        "random subset, Muon",
        {"color": "#33BBEE", "marker": "3", "linestyle": (0, (3, 1, 1, 1))},
        "subset",
        {"direction": "muon"},
    ),
    "locoprop-m": UpdateOrder(
        "movingtarget.training.locoprop:locoprop_by_descent",
        "LocoProp-M",
        LOCOPROP_LOOK,
        "remedy",
        {"loss": "matching"},
        given=("iterations", "gamma"),
    ),
    "locoprop-s": UpdateOrder(
        "movingtarget.training.locoprop:locoprop_by_descent",
        "LocoProp-S",
        {"color": "#AA4499", "marker": "d", "linestyle": (0, (3, 1, 1, 1, 1, 1))},
        "remedy",
        {"loss": "squared"},
        given=("iterations", "gamma"),
    ),
    "smaller-early": UpdateOrder(
        "movingtarget.training.layer_rates:layer_rates",
        "smaller early rates",
        {"color": "#117733", "marker": "<", "linestyle": "-"},
        "remedy",
        {"factor": FALL, "reverse": False},
    ),
    "smaller-late": UpdateOrder(
        "movingtarget.training.layer_rates:layer_rates",
        "smaller late rates",
        {"color": "#DDCC77", "marker": ">", "linestyle": (0, (8, 2))},
        "remedy",
        {"factor": FALL, "reverse": True},
    ),
    "lars": UpdateOrder(
        "movingtarget.training.layer_rates:lars",
        "LARS",
        {"color": "#6699CC", "marker": "X", "linestyle": (0, (2.5, 1))},
        "remedy",
    ),
    "freeze": UpdateOrder(
        "movingtarget.training.freezing:freeze_in_order",
        "freeze in order",
        {"color": "#882255", "marker": "p", "linestyle": (0, (5, 1, 1, 1, 1, 1, 1, 1))},
        "remedy",
        given=("steps",),
    ),
    "greedy": UpdateOrder(
        "movingtarget.training.greedy:greedy",
        "greedy",
        {"color": "#661100", "marker": "h", "linestyle": (0, (3, 1.5))},
        "remedy",
        given=("steps",),
    ),
}
"""The orders by the name that settings and tables have for them, in the order of figures."""

ARM_RULES = {"sgd": "simultaneous", "locoprop": "locoprop-m"}
"""The orders that arms of a training can name, by what they call them."""

LOCAL = 5
"""LocoProp's local steps for a minibatch, where settings do not tell."""


def step_of_order(
    order: str, network: Network, members: float, examples: float, iterations: float = LOCAL
) -> Work:
    """A step of an order of updates, in which it moves all layers at once, one after the other, or some."""
    together, layers = work.step(network, members, examples), len(network.layers)
    if order in ("forward", "backward", "random", "fresh"):
        return work.sweep(network, members, examples)
    if order in ("repeated", "repeated-fresh"):
        return layers * together
    if order.startswith("locoprop"):
        return together + local_counted(network, members, examples, iterations)
    if order == "round-robin":
        above = sum(place * products for place, products in enumerate(network.layers)) / layers
        products = members * examples * (network.products * (1 + 1 / layers) + above)
        return replace(together, products=products, elements=2 / 3 * together.elements)
    if order.startswith("random-subset"):
        together = replace(together, products=0.75 * together.products)
    return together + orthogonalised(network, members) if order.endswith("muon") else together


def local_counted(network: Network, members: float, examples: float, iterations: float) -> Work:
    """LocoProp's local steps of all layers for a minibatch, beside one pass forward and back."""
    return Work(
        members * examples * 2 * (iterations - 1) * network.products,
        members * iterations * (examples * network.elements + 6 * network.parameters),
        iterations * 8 * len(network.layers),
    )


def orthogonalised(network: Network, members: float) -> Work:
    """Muon's directions: five iterations of three products of weights, which are small."""
    cubes = sum(products * products**0.5 for products in network.layers[1:])
    return Work(40 * members * cubes, 20 * members * network.parameters, 30 * len(network.layers))

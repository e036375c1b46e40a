"""The methods that autoencoders are trained by: the rule of each, what is searched, its name and its look.

What a training job takes from here is among its parameters, so that another method, or another colour, trains
nothing again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from movingtarget.look import DARK, Look

Group = Literal["first-order", "second-order", "layer-wise"]

DECADES = {"learning_rate": 3, "other": 2}
"""How wide the searched ranges of every method are."""


class Searched(NamedTuple):
    """What is searched beside the learning rate.

    Attributes:
        name: of the rule's argument.
        middle: of the range.
        one_minus: whether the range is that of 1 - the argument.
    """

    name: str
    middle: float
    one_minus: bool = False


@dataclass(frozen=True)
class Method:
    """One method of training.

    Attributes:
        rule: "module:name" of an update rule; with options, or what is searched or given, of the function
            that makes one.
        title: what figures call it.
        look: of its lines, the same in every figure.
        group: first-order and second-order methods take global gradients; layer-wise ones give each layer a
            problem of its own.
        learning_rate: the middle of the searched range.
        searched: what else is searched.
        options: further arguments of the function that makes the rule.
        given: further ones, which the study's settings hold.
    """

    rule: str
    title: str
    look: Look
    group: Group
    learning_rate: float
    searched: Searched | None = None
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    given: tuple[str, ...] = ()

    @property
    def made_of(self) -> dict[str, Any]:
        """All that decides its steps and its search, and nothing of how they are drawn."""
        searched = list(self.searched) if self.searched else None
        return {
            "rule": self.rule,
            "options": dict(self.options),
            "given": self.given,
            "learning_rate": self.learning_rate,
            "searched": searched,
        }


METHODS = {  # colours from Paul Tol's and Okabe and Ito's palettes
    "sgd": Method(
        "movingtarget.training.simultaneous:simultaneous",
        "SGD",
        {"color": DARK, "marker": "o", "linestyle": "-"},
        "first-order",
        0.03,
    ),
    "momentum": Method(
        "movingtarget.training.optimisers:heavy_ball",
        "momentum",
        {"color": "#777777", "marker": "s", "linestyle": (0, (4, 1.5))},
        "first-order",
        0.01,
        Searched("share", 0.1, one_minus=True),
    ),
    "nesterov": Method(
        "movingtarget.training.optimisers:nesterov",
        "Nesterov",
        {"color": "#AAAAAA", "marker": "^", "linestyle": (0, (1, 1))},
        "first-order",
        0.01,
        Searched("share", 0.1, one_minus=True),
    ),
    "adagrad": Method(
        "movingtarget.training.optimisers:adagrad",
        "AdaGrad",
        {"color": "#88CCEE", "marker": "v", "linestyle": (0, (6, 1.5, 1, 1.5))},
        "first-order",
        0.01,
        Searched("epsilon", 0.01),
    ),
    "rmsprop": Method(
        "movingtarget.training.optimisers:torch_rmsprop",
        "RMSProp",
        {"color": "#44AA99", "marker": "P", "linestyle": (0, (2.5, 1))},
        "first-order",
        0.001,
        Searched("epsilon", 1e-4),
    ),
    "adam": Method(
        "movingtarget.training.optimisers:adam",
        "Adam",
        {"color": "#0072B2", "marker": "X", "linestyle": "-"},
        "first-order",
        0.003,
        Searched("epsilon", 1e-4),
    ),
    "muon": Method(
        "movingtarget.training.optimisers:muon_with_adam",
        "Muon",
        {"color": "#332288", "marker": "2", "linestyle": (0, (3, 1, 1, 1))},
        "second-order",
        0.03,
        Searched("share", 0.1, one_minus=True),
    ),
    "shampoo": Method(
        "movingtarget.training.shampoo:shampoo",
        "Shampoo",
        {"color": "#E69F00", "marker": "<", "linestyle": (0, (4, 1.2, 1, 1.2))},
        "second-order",
        0.1,
        Searched("epsilon", 1.0),
        given=("renewal_steps",),
    ),
    "soap": Method(
        "movingtarget.training.optimisers:soap",
        "SOAP",
        {"color": "#DDCC77", "marker": ">", "linestyle": (0, (8, 2))},
        "second-order",
        0.03,
        Searched("epsilon", 1e-8),
        given=("renewal_steps",),
    ),
    "k-fac": Method(
        "movingtarget.training.kfac:kfac",
        "K-FAC",
        {"color": "#D55E00", "marker": "p", "linestyle": "-"},
        "second-order",
        0.03,
        Searched("damping", 3.0),
        given=("renewal_steps",),
    ),
    "foof": Method(
        "movingtarget.training.foof:foof",
        "FOOF",
        {"color": "#117733", "marker": "h", "linestyle": (0, (3, 1.5))},
        "layer-wise",
        0.3,
        Searched("damping", 0.1),
    ),
    "proxprop": Method(
        "movingtarget.training.proxprop:proxprop",
        "ProxProp",
        {"color": "#999933", "marker": "8", "linestyle": (0, (5, 1, 1, 1, 1, 1))},
        "layer-wise",
        0.1,
        Searched("proximal_rate", 1.0),
    ),
    "locoprop-s": Method(
        "movingtarget.training.locoprop:locoprop",
        "LocoProp-S",
        {"color": "#882255", "marker": "d", "linestyle": (0, (3, 1, 1, 1, 1, 1))},
        "layer-wise",
        1e-4,
        Searched("gamma", 30.0),
        {"loss": "squared"},
        given=("iterations",),
    ),
    "locoprop-m": Method(
        "movingtarget.training.locoprop:locoprop",
        "LocoProp-M",
        {"color": "#CC79A7", "marker": "D", "linestyle": "-"},
        "layer-wise",
        3e-5,
        Searched("gamma", 10.0),
        {"loss": "matching"},
        given=("iterations",),
    ),
}
"""The methods by the name that settings and tables have for them, in the order of figures."""

"""Faults that are put into ordinary networks, and the networks, to see whether a tool finds them.

What a job takes from here is among its parameters, so that another fault, or another title, measures nothing
again.
"""

from typing import Any, Literal, NamedTuple

HEALTHY = "none"
"""The fault of networks that have none."""


class Kind(NamedTuple):
    """One kind of healthy networks.

    Attributes:
        builder: "module:function", called with the images' side and the number of classes.
        title: what figures call it.
        optimiser: what trains it.
        learning_rate: one that trains it well, the best of a pilot on Fashion-MNIST by factors of 3.
        middle: the name of a module in the middle, through whose output all information goes.
    """

    builder: str
    title: str
    optimiser: Literal["sgd", "momentum", "adam"]
    learning_rate: float
    middle: str

    @property
    def made_of(self) -> dict[str, Any]:
        """All that decides its networks and their training."""
        return {name: value for name, value in self._asdict().items() if name != "title"}


class Fault(NamedTuple):
    """One fault, by the name of the finding that should follow.

    Attributes:
        injection: "module:function", called with a `Draft` and a seed; returns the draft with the fault.
        title: what figures call it.
        kinds: the kinds of networks in which it makes sense.
        from_the_start: whether networks have it from their first step on; else it may come later.
    """

    injection: str
    title: str
    kinds: tuple[str, ...]
    from_the_start: bool = False

    @property
    def made_of(self) -> dict[str, Any]:
        """All that decides what it does."""
        return {"injection": self.injection, "from_the_start": self.from_the_start}


KINDS = {
    "perceptron": Kind("movingtarget.cases.networks:perceptron", "perceptron", "sgd", 0.1, "4"),
    "convnet": Kind("movingtarget.cases.networks:convnet", "convnet, batch norm", "momentum", 0.03, "5"),
    "residual": Kind(
        "movingtarget.cases.networks:residual", "residual, batch norm", "momentum", 0.03, "blocks.1"
    ),
    "transformer": Kind("movingtarget.cases.networks:transformer", "transformer", "adam", 0.003, "layers.0"),
    "deep": Kind("movingtarget.cases.networks:deep", "20 layers, batch norm", "sgd", 0.05, "30"),
}
"""The kinds by the name that settings and tables have for them."""

EVERYWHERE = tuple(KINDS)
RECTIFIED = ("perceptron", "convnet", "residual", "deep")
NOT_ADAM = tuple(name for name, kind in KINDS.items() if kind.optimiser != "adam")
"""Adam's steps do not depend on the loss's scale."""

NOT_BATCH_NORM = ("perceptron", "transformer")
"""Batch norm undoes the scale of weights below it."""

FAULTS = {
    "rate-too-high": Fault("movingtarget.cases.injections:rate_too_high", "rate too high", EVERYWHERE),
    "rate-too-low": Fault("movingtarget.cases.injections:rate_too_low", "rate too low", EVERYWHERE),
    "layer-frozen": Fault("movingtarget.cases.injections:layer_frozen", "a layer frozen", EVERYWHERE),
    "gradients-cut": Fault("movingtarget.cases.injections:gradients_cut", "gradients cut", EVERYWHERE),
    "dead-rectifiers": Fault("movingtarget.cases.injections:dead_rectifiers", "dead rectifiers", RECTIFIED),
    "loss-summed": Fault("movingtarget.cases.injections:loss_summed", "sum for mean in the loss", NOT_ADAM),
    "labels-unrelated": Fault(
        "movingtarget.cases.injections:labels_unrelated", "labels shuffled", EVERYWHERE
    ),
    "no-normalisation": Fault(
        "movingtarget.cases.injections:no_normalisation",
        "deep, not normalised",
        ("deep",),
        from_the_start=True,
    ),
    "initial-scale": Fault(
        "movingtarget.cases.injections:initial_scale",
        "bad initial scale",
        NOT_BATCH_NORM,
        from_the_start=True,
    ),
    "softmax-twice": Fault("movingtarget.cases.injections:softmax_twice", "softmax twice", EVERYWHERE),
}
"""The ten faults, each by the name of the finding that should follow."""


def faults_of(kind: str) -> list[str]:
    """The faults that are put into networks of a kind, and `HEALTHY` first."""
    return [HEALTHY, *(name for name, fault in FAULTS.items() if kind in fault.kinds)]


def made_of(kind: str) -> dict[str, Any]:
    """What networks of a kind and their faults are made of: settings of a job, for they decide its result."""
    faults = {name: FAULTS[name].made_of if name != HEALTHY else None for name in faults_of(kind)}
    return {"kind": kind, "network": KINDS[kind].made_of, "faults": faults}

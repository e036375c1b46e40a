"""What a job computes, counted before it runs; from this, and what runs took, follows what it costs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, NamedTuple

SEARCHED = 3.5
"""Learning rates that a search tries beside those given, in the mean of the searches of results/reference."""

SEARCHES = 3
"""Stacks that it trains them in: those given, and what lies beyond or between."""

LOOP = 60
"""Calls of a step of training beside those of its layers: minibatch, loss, rates, bookkeeping."""


class Data(NamedTuple):
    """How large a data set is."""

    pixels: int
    classes: int
    training_images: int
    test_images: int


@dataclass(frozen=True)
class Work:
    """A count of what a job does.

    Attributes:
        products: multiply-adds of products of matrices, and of what else is cubic, such as eigenvalues.
        elements: numbers that all other operations write.
        calls: of operations, however small.
        held: numbers that are held at once, at most.
    """

    products: float = 0.0
    elements: float = 0.0
    calls: float = 0.0
    held: float = 0.0

    def __add__(self, other: "Work") -> "Work":
        """One after the other.

        >>> Work(calls=2, held=5) + Work(calls=3, held=1)
        Work(products=0.0, elements=0.0, calls=5, held=5)
        """
        return Work(
            self.products + other.products,
            self.elements + other.elements,
            self.calls + other.calls,
            max(self.held, other.held),
        )

    def __rmul__(self, times: float) -> "Work":
        """So many times in turn, which holds no more at once.

        >>> 3 * Work(calls=2, held=5)
        Work(products=0.0, elements=0.0, calls=6, held=5)
        """
        return Work(times * self.products, times * self.elements, times * self.calls, self.held)


NOTHING = Work()
"""What takes no longer than a job's start."""


def total(works: "Sequence[Work]") -> Work:
    """All of them in turn."""
    return sum(works, NOTHING)


@dataclass(frozen=True)
class Network:
    """What a pass forward of one example through a network of one member counts.

    Attributes:
        inputs: numbers of an example.
        layers: multiply-adds of every affine map, the lowest first.
        elements: numbers that all layers write.
        kept: numbers that all layers keep for the way back.
        calls: of operations.
        parameters: weights and biases.
    """

    inputs: int
    layers: tuple[float, ...]
    elements: float
    kept: float
    calls: float
    parameters: float

    @property
    def products(self) -> float:
        """Multiply-adds of all layers."""
        return sum(self.layers)


WRITES = {"linear": 1, "plain": 2, "residual": 3, "centred": 4, "batch-norm": 8, "crelu": 8}
"""Numbers that a layer writes for each of its units: what its map gives, and what stands beside the map."""

KEEPS = {**WRITES, "batch-norm": 3, "crelu": 5}
"""Numbers that it keeps for the way back, of each."""

LIKE = {"looks-linear": "crelu", "residual-unscaled": "residual", "residual-batch-norm": "batch-norm"}
"""Families that write as much as others."""


def kind_of(family: str) -> str:
    """The key of a family, or of a normalisation, in `WRITES`."""
    kind = LIKE.get(family, family)
    return kind if kind in WRITES else "plain"


def perceptron(family: str, inputs: int, width: int, depth: int, outputs: int) -> Network:
    """A network of one of the families.

    >>> perceptron("plain", inputs=784, width=100, depth=2, outputs=10).products
    89400.0
    """
    above = 2 * width if kind_of(family) == "crelu" else width
    sizes = [(inputs, width), *[(above, width)] * (depth - 1), (above, outputs)]
    return of_sizes(sizes, kind_of(family))


def on_a_line(description: Mapping[str, Any], width: int, depth: int, inputs: int = 1) -> Network:
    """A random network with one output, as settings describe it: `network`, `normalisation`."""
    normalised = description.get("normalisation", "none")
    kind = description["network"] if normalised == "none" else normalised
    return perceptron(kind, inputs, width, depth, 1)


def of_sizes(sizes: Sequence[tuple[int, int]], kind: str = "plain") -> Network:
    """A chain of affine maps, from so many units to so many each, with what stands beside them."""
    products, units = tuple(float(below * above) for below, above in sizes), sum(above for _, above in sizes)
    return Network(
        inputs=sizes[0][0],
        layers=products,
        elements=WRITES[kind] * units,
        kept=KEEPS[kind] * units,
        calls=len(sizes) * (3 + WRITES[kind]),
        parameters=sum(products) + units,
    )


def convolutions(
    pixels: int, channels: Sequence[int], strides: Sequence[int], outputs: int, family: str = "plain"
) -> Network:
    """Convolutions 3 x 3 of square images of one colour, and an affine output layer."""
    kind, places, units, patches, products = kind_of(family), pixels, 0, 0, list[float]()
    for below, above, stride in zip([1, *channels], channels, strides, strict=False):
        places = ceil(places / stride**2)
        products.append(9.0 * below * above * places)
        units, patches = units + above * places, patches + 9 * below * places
    products.append(float(channels[-1] * places * outputs))
    weights = sum(9 * below * above for below, above in zip([1, *channels], channels, strict=False))
    return Network(
        inputs=pixels,
        layers=tuple(products),
        elements=WRITES[kind] * units + patches,
        kept=KEEPS[kind] * units,
        calls=len(products) * (3 + WRITES[kind]),
        parameters=weights + products[-1],
    )


def described(settings: Mapping[str, Any], data: Data) -> Network:
    """A perceptron of a family, or the convolutional network, as settings describe it."""
    if settings["network"] == "convolutional":
        channels = settings["channels"]
        return convolutions(data.pixels, channels, [2] * len(channels), data.classes)
    width, depth = settings["hidden_width"], settings["depth"]
    return perceptron(settings["network"], data.pixels, width, depth, data.classes)


def drawn(network: Network, members: float) -> Work:
    """Random weights, torch's own and ours in their place; each number takes as long as a dozen others."""
    return Work(elements=25 * members * network.parameters, calls=30 * members * len(network.layers))


def forward(network: Network, members: float, examples: float) -> Work:
    """A pass forward of a stack, of which no way back has to be found."""
    many = members * examples
    held = members * network.parameters + many * (network.inputs + 3 * network.kept / len(network.layers))
    return Work(many * network.products, many * network.elements, network.calls, held)


def input_gradients(network: Network, members: float, examples: float) -> Work:
    """A pass forward and one back to the inputs."""
    held = members * (network.parameters + examples * (network.kept + 2 * network.inputs))
    once = forward(network, members, examples)
    return Work(2 * once.products, 3 * once.elements, 3 * once.calls, held)


def gradients(network: Network, members: float, examples: float) -> Work:
    """A pass forward and one back to all parameters."""
    once = input_gradients(network, members, examples)
    products = members * examples * (3 * network.products - network.layers[0])
    written = members * network.parameters
    return replace(once, products=products, elements=once.elements + written, held=once.held + 2 * written)


def step(network: Network, members: float, examples: float) -> Work:
    """A step of gradient descent of a stack, on minibatches of each member's own."""
    moved = Work(
        elements=members * (3 * network.parameters + 2 * examples * network.inputs),
        calls=LOOP + 6 * len(network.layers),
    )
    return gradients(network, members, examples) + moved


def sweep(network: Network, members: float, examples: float) -> Work:
    """A step of each layer after the other, whose gradient passes through all that lie above it."""
    count, many = len(network.layers), members * examples
    above = sum(place * products for place, products in enumerate(network.layers))
    moved = step(network, members, examples)
    return Work(
        many * (3 * network.products + 2 * above),
        moved.elements + 3 * many * network.elements * (count - 1) / 2,
        LOOP + 3 * network.calls * (count + 1) / 2 + 20 * count,
        moved.held,
    )


Of = Callable[[float], Work]
"""The work of a stack of so many members."""


def not_at_all(members: float) -> Work:
    """No look at a stack."""
    return NOTHING


def scored(network: Network, examples: float, splits: int = 2) -> Of:
    """Losses and accuracies on so many examples of each split."""
    return lambda members: splits * forward(network, members, examples)


def tuned(
    settings: Mapping[str, Any], steps: float, of_step: Of, looks: float = 0, of_look: Of = not_at_all
) -> Work:
    """The search for a learning rate on `tuning_seeds`, and a training of `seeds` at the best.

    Args:
        settings: with those and `learning_rates`, where the search starts.
        steps: of a training.
        of_step: one of them.
        looks: at the tested seeds; a search looks once, at the end, at one split.
        of_look: one of them.
    """
    members, tested = tried(settings) * len(settings["tuning_seeds"]) / SEARCHES, len(settings["seeds"])
    searched = SEARCHES * (steps * of_step(members) + 0.5 * of_look(members))
    return searched + steps * of_step(tested) + looks * of_look(tested)


def tried(settings: Mapping[str, Any]) -> float:
    """Learning rates that a search tries."""
    return len(settings["learning_rates"]) + SEARCHED


EIGENVALUES = 20
"""Products of as large matrices that take as long as the eigenvalues of one."""


def read(network: Network, members: float, examples: float) -> Work:
    """A pass through which all layers are read."""
    held = members * examples * network.kept
    return replace(2 * forward(network, members, examples), held=held)


ORDINARY = {"perceptron": 4, "plain": 4, "deep": 20, "convnet": 3, "residual": 8, "transformer": 2}
"""Layers of the ordinary networks that tools are tried on, where it is not given."""


def ordinary_step(kind: str, batch_size: int, data: Data, depth: int | None = None) -> Work:
    """A step of one of the ordinary networks that tools are tried on, as people write them."""
    layers = depth or ORDINARY.get(kind, 4)
    if "convnet" in kind or (kind == "residual" and depth is None):
        network = convolutions(
            data.pixels, [16] * layers, [2, 2, *[1] * layers][:layers], data.classes, "batch-norm"
        )
    elif kind == "transformer":
        rows = int(data.pixels**0.5)
        network = of_sizes([(rows, 32 * rows), *[(32, 256 * rows)] * layers, (32, data.classes)], "crelu")
        network = replace(network, calls=40 * layers)
    else:
        family = "plain" if kind in ("perceptron", "plain") else "batch-norm"
        network = perceptron(family, data.pixels, 64, layers, data.classes)
    return step(network, 1, batch_size)

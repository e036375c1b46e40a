"""Mutual information between successive layers of a stack of members."""

from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from math import nan
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from movingtarget.measures.capture import capture
from movingtarget.measures.mutual_information.by_name import estimates_through
from movingtarget.measures.mutual_information.channel import Scaling, noise_like, scaled
from movingtarget.measures.mutual_information.estimate import Estimate, samples
from movingtarget.measures.population import evaluating, population_statistics
from movingtarget.networks import Parameters, call
from movingtarget.networks.chain import hidden_layers
from movingtarget.networks.initialise import generator
from movingtarget.networks.residual import ResidualBlock

UNDEFINED = Estimate(nan, nan, nan, saturated=False)


class Pair(NamedTuple):
    """What is compared, `(members, examples, units)` each.

    Attributes:
        layer: the lower one, counted from 1.
        relation: "layers", a layer and the next; "branch", a stream and what the branch adds to it;
            "permuted", layers whose examples do not belong together.
        below: of the lower layer.
        above: of the upper layer, or of the branch.
    """

    layer: int
    relation: str
    below: Tensor
    above: Tensor


class Reading(NamedTuple):
    """How pairs are read: the estimators' names, the channel's noises and the layers' scalings."""

    estimators: Sequence[str]
    noises: Sequence[float]
    scalings: Sequence[Scaling]


@torch.no_grad()
def successive(
    network: nn.Module, parameters: Parameters, train_inputs: Tensor, test_inputs: Tensor
) -> list[Pair]:
    """Every hidden layer with the next, and every residual branch with its stream, in eval mode.

    Args:
        network: of one of the families.
        parameters: of the stack.
        train_inputs: that population statistics are taken from.
        test_inputs: that layers are read on, `(examples, features)`.
    """
    layers = hidden_layers(network)
    blocks = {name: part.branch for name, part in layers.items() if isinstance(part, ResidualBlock)}
    statistics = population_statistics(network, parameters, train_inputs, stacked=True)
    watched = layers | {f"branch of {name}": branch for name, branch in blocks.items()}
    with evaluating(network), capture(watched, lambda _, output: output) as seen:
        call(network, parameters | statistics, test_inputs)
    places = list(enumerate(pairwise(layers), start=1))
    pairs = [Pair(place, "layers", seen[below], seen[above]) for place, (below, above) in places]
    return pairs + [
        Pair(place, "branch", seen[below], seen[f"branch of {above}"])
        for place, (below, above) in places
        if above in blocks
    ]


def permuted(pair: Pair) -> Pair:
    """The pair with the upper layer's examples shuffled, so that the true information is zero."""
    order = torch.randperm(pair.above.shape[1], generator=generator(0, "permutation"))
    return pair._replace(relation="permuted", above=pair.above[:, order])


def read(pairs: Sequence[Pair], reading: Reading, seeds: Sequence[int]) -> Iterator[dict[str, Any]]:
    """A record for each pair, member, scaling, noise and estimator; NaN for layers that do not vary.

    The noise is each seed's and pair's own, and the same, but for its size, in every reading. Units that are
    the same for all examples are left out.

    Args:
        pairs: of layers.
        reading: how they are read.
        seeds: of the members.
    """
    for pair, (place, seed) in product(pairs, enumerate(seeds)):
        source = generator(seed, f"noise of pair {pair.layer}")
        for settings, found in _readings((pair.below[place], pair.above[place]), reading, source):
            yield {
                **{"layer": pair.layer, "relation": pair.relation, "seed": seed, **settings},
                **{"value": found.value, "ceiling": found.ceiling, "saturated": int(found.saturated)},
            }


def _readings(
    sides: tuple[Tensor, Tensor], reading: Reading, source: torch.Generator
) -> Iterator[tuple[dict[str, Any], Estimate]]:
    """Estimator, noise and scaling, with the estimate."""
    defined = all(side.isfinite().all() and (side != side[:1]).any() for side in sides)
    layers = samples(*sides) if defined else sides
    drawn = noise_like(layers[0], source), noise_like(layers[1], source)
    for scaling in reading.scalings:
        clean = scaled(layers[0], scaling), scaled(layers[1], scaling)
        for noise in reading.noises:
            found = (
                estimates_through(reading.estimators, clean, drawn, noise)
                if defined
                else dict.fromkeys(reading.estimators, UNDEFINED)
            )
            for name, estimate in found.items():
                yield {"estimator": name, "noise": noise, "scaling": scaling}, estimate

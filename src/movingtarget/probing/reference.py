"""What is usual in healthy networks of like kind and depth, and which network one behaves like."""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np
import pandas as pd
from torch import nn

from movingtarget.probing.result import Band, Layer
from movingtarget.probing.trials import NORMALISATIONS
from movingtarget.probing.verdict import GAINS
from movingtarget.structures import NORMALISATION, STRUCTURES, WEIGHTS, WHOLE

PLACES = 5
"""Into so many stretches the layers of any network are parted, bottom first; 0 is the network as a whole."""

PROFILE = ("gradient_correlation", "gradient_rank", "information_kept")
"""Shares by which networks are compared, place by place."""

FARTHEST = 0.1
"""The mean difference of profiles up to which one network behaves like another."""

DEPTHS_ALIKE = 2.0
"""The factor up to which depths are taken together with the one nearest to a network's."""

TABLE = "usual_values.csv"


class Kind(NamedTuple):
    """What can be told of any network.

    Attributes:
        group: one of `structures.GROUPS`.
        depth: layers with weights.
    """

    group: str
    depth: int


def kind_of(network: nn.Module) -> Kind:
    """A network's group, by the parts that it has, and its depth.

    >>> kind_of(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)))
    Kind(group='perceptron', depth=2)
    """
    parts = [*network.modules()]
    depth = sum(isinstance(part, (nn.Linear, nn.modules.conv._ConvNd)) for part in parts)
    if any(isinstance(part, nn.MultiheadAttention) for part in parts):
        return Kind("transformer", depth)
    base = "convnet" if any(isinstance(part, nn.modules.conv._ConvNd) for part in parts) else "perceptron"
    normalised = any(isinstance(part, NORMALISATIONS) for part in parts)
    return Kind(f"{base}, normalised" if normalised else base, depth)


def placed(count: int) -> list[int]:
    """The stretch in which each of so many layers lies, bottom first, from 1.

    >>> placed(3), placed(7)
    ([1, 3, 5], [1, 2, 2, 3, 4, 4, 5])
    """
    if count == 1:
        return [PLACES]
    return [1 + math.floor((PLACES - 1) * place / (count - 1) + 0.5) for place in range(count)]


def role(kind: str) -> str:
    """What a layer of this class is for: what is usual in a normalisation is another matter."""
    return NORMALISATION if "Norm" in kind else WEIGHTS


def usual(
    layers: Sequence[Layer], kind: Kind, table: pd.DataFrame
) -> tuple[list[dict[str, Band]], dict[str, Band]]:
    """What is usual at each layer's place, and of a network as a whole, in healthy ones of like depth.

    Args:
        layers: bottom first.
        kind: of their network.
        table: usual_values; bands join all structures of a group, and all depths up to twice, or half,
            the one nearest to the network's.

    Returns:
        Bands by quantity: of each layer; of the whole. None for a group of which no network was healthy.
    """
    alike = table[table["healthy"].eq(1) & table["group"].eq(kind.group)]
    if alike.empty:
        return [{} for _ in layers], {}
    depths = alike["depth"].unique()
    nearest = depths[np.abs(np.log(depths / max(kind.depth, 1))).argmin()]
    near = alike["depth"].between(nearest / DEPTHS_ALIKE, nearest * DEPTHS_ALIKE)
    joined = alike[near].groupby(["place", "role", "quantity"])
    ends = pd.DataFrame({"low": joined["low"].min(), "high": joined["high"].max()}).dropna()
    bands: dict[tuple[int, str], dict[str, Band]] = {}
    for (place, own, quantity), (low, high) in zip(ends.index, ends.to_numpy().tolist(), strict=True):
        bands.setdefault((place, own), {})[quantity] = (low, high)
    roles = zip(placed(len(layers)), (role(layer.kind) for layer in layers), strict=True)
    of_layers = [{**bands.get(where, {}), "weight_gain": GAINS} for where in roles]
    return of_layers, bands.get((0, WHOLE), {})


def likeness(layers: Sequence[Layer], kind: Kind, table: pd.DataFrame) -> str:
    """The network that does not train whose profile is nearest, such as "a plain net of depth 20".

    Empty if none is near, or a healthy one is nearer.

    It is of the same base, but may be normalised where the other is not, or deeper.

    Args:
        layers: bottom first.
        kind: of their network.
        table: usual_values, of healthy and other networks.
    """
    own = {
        (place, quantity): layer.measured[quantity].estimate
        for place, layer in zip(placed(len(layers)), layers, strict=True)
        for quantity in PROFILE
        if role(layer.kind) == WEIGHTS and quantity in layer.measured
    }
    base = table["group"].str.partition(",")[0].eq(kind.group.partition(",")[0])
    known = table[base & table["role"].eq(WEIGHTS) & table["quantity"].isin(PROFILE)]
    profiles: dict[tuple[str, int], dict[tuple[int, str], float]] = {}
    for structure, depth, place, quantity, middle in known[
        ["structure", "depth", "place", "quantity", "middle"]
    ].itertuples(index=False):
        profiles.setdefault((structure, depth), {})[place, quantity] = middle
    distances = {key: _distance(own, other) for key, other in profiles.items()}
    if not distances:
        return ""
    nearest = min(distances, key=lambda key: distances[key])
    structure, depth = nearest
    sick = known[known["structure"].eq(structure) & known["depth"].eq(depth)]["healthy"].eq(0).all()
    near = distances[nearest] <= FARTHEST and sick
    return f"{STRUCTURES[structure].title} of depth {depth}" if near else ""


def _distance(own: Mapping[tuple[int, str], float], other: Mapping[tuple[int, str], float]) -> float:
    """The mean difference at the places that both have; infinite if they share no more than half of them."""
    shared = [abs(own[key] - other[key]) for key in own if key in other]
    return sum(shared) / len(shared) if 2 * len(shared) > len(other) else math.inf


@cache
def usual_values() -> pd.DataFrame:
    """The table of the study of healthy networks that comes with the library."""
    with resources.files("movingtarget.probing").joinpath(TABLE).open(encoding="utf-8") as file:
        return pd.read_csv(file)

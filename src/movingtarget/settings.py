"""What several studies declare alike: JSON schemas of settings, and columns."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from movingtarget.families import FAMILIES
from movingtarget.faults import FAULTS, HEALTHY, KINDS
from movingtarget.tables import MEASURED, OPTIONAL, Column, follows
from movingtarget.tools import TOOLS
from movingtarget.update_orders import UPDATE_ORDERS

Schema = dict[str, Any]


def choice(*names: str) -> Schema:
    """One of these names."""
    return {"enum": [*names]}


def several(item: Schema) -> Schema:
    """A list of different items, one at least."""
    return {"type": "array", "minItems": 1, "uniqueItems": True, "items": item}


def mapping(
    required: Mapping[str, Mapping[str, Any]], optional: Mapping[str, Mapping[str, Any]] | None = None
) -> Schema:
    """Keys with values, and no others."""
    properties = {**required, **(optional or {})}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [*required],
        "properties": properties,
    }


def at_least(minimum: int) -> Schema:
    """A whole number."""
    return {"type": "integer", "minimum": minimum}


def of_training_images(minimum: int = 1, times: int = 1) -> Schema:
    """A number of training images, or of as many times over; the data set must hold them."""
    return {**at_least(minimum), "training_images": times}


def of_test_images(minimum: int = 1, times: int = 1) -> Schema:
    """A number of test images, or of as many times over; the data set must hold them."""
    return {**at_least(minimum), "test_images": times}


COUNT = at_least(1)
COUNTS = several(COUNT)
STEPS = several(at_least(0))
POSITIVE: Schema = {"type": "number", "exclusiveMinimum": 0}
POSITIVES = several(POSITIVE)
SEEDS = several(at_least(0))
TUNED = {"seeds": SEEDS, "tuning_seeds": SEEDS, "learning_rates": POSITIVES}
"""Of a study whose learning rates are chosen on seeds that are not tested, and where their search starts."""

FAMILY = choice(*FAMILIES)
ACTIVATION = choice("relu", "tanh", "sigmoid")
INITIAL_WEIGHTS = choice("normal", "orthogonal")
ARCHITECTURE = choice("feedforward", "residual")
NORMALISATION = choice("none", "centred", "batch-norm")

LINE_NETWORK = mapping({"network": ARCHITECTURE, "normalisation": NORMALISATION}, {"beta": POSITIVE})
"""A random network, with the branch scale if it is residual."""


def names_of(schema: Schema) -> tuple[str, ...]:
    """The names of a choice, for the schema of a table's column."""
    return tuple(schema["enum"])


def problems_of_networks(section: str) -> Callable[[Mapping[str, Any]], Iterator[str]]:
    """What is wrong with random networks: a branch scale is a residual network's, and it needs one."""

    def problems(config: Mapping[str, Any]) -> Iterator[str]:
        for place, network in enumerate(config[section]["networks"]):
            residual, key = network["network"] == "residual", f"{section}.networks[{place}].beta"
            if residual and "beta" not in network:
                yield f"{key} is missing; allowed: a number above 0, for a residual network"
            if not residual and "beta" in network:
                yield f"{key} is {network['beta']}; allowed: none, for a {network['network']} network"
        lags, points = config[section].get("lags", 0), config[section].get("points", 1)
        if lags >= points:
            yield f"{section}.lags is {lags}; allowed: less than {points}, {section}.points"

    return problems


def problems_of_seeds(section: str) -> Callable[[Mapping[str, Any]], Iterator[str]]:
    """What is wrong with seeds: those that choose a learning rate are not those that are tested at it."""

    def problems(config: Mapping[str, Any]) -> Iterator[str]:
        settings = config[section]
        for seed in sorted(set(settings["tuning_seeds"]) & set(settings["seeds"])):
            yield f"{section}.tuning_seeds has {seed}; allowed: none of {section}.seeds, which are tested"

    return problems


RANDOM_NETWORK: dict[str, Any] = {
    "network": names_of(ARCHITECTURE),
    "normalisation": names_of(NORMALISATION),
    "depth": int,
    "beta": OPTIONAL,
}
"""Columns that describe a random network; beta is NaN without a branch."""

SWEEPS = {"full-batch": "forward", "minibatch": "forward", "fresh": "fresh"}
"""The regimes of the study of update orders, and whose sweeps each is about."""

REGIME_ARM: dict[str, Any] = {
    "regime": tuple(SWEEPS),
    "network": names_of(FAMILY),
    "order": tuple(UPDATE_ORDERS),
}
"""Columns that name an arm of the study of update orders."""

DIALLED = {"gain": "orthogonal", "branch": "residual-unscaled", "rank": "orthogonal"}
"""The network of each dial of initial weights in the study of information between layers."""

AS_DRAWN = "none"
"""The dial of networks whose weights are as they were drawn."""

SCALINGS: Final = ("deviation", "root-mean-square")
"""What counts as a layer's size."""

SEARCH: dict[str, Any] = {
    "learning_rate": float,
    "seed": int,
    "train_loss": MEASURED,
    "place": follows(("tried", "best", "best at an edge")),
}
"""Columns of a table of searches for learning rates, beside those that name the arm."""

CASE: dict[str, Any] = {"kind": tuple(KINDS), "fault": (HEALTHY, *FAULTS), "seed": int}
"""Columns that name a network that is healthy or has a fault."""

DETECTIONS: dict[str, Any] = {
    "tool": tuple(TOOLS),
    **CASE,
    "start": follows(("drawn", "trained")),
    "said": Column(str, "measured"),
    "problem": Column(str, "measured"),
    "detected": MEASURED,
    "alarmed": MEASURED,
}
"""Columns of a table of detections: what a tool said of a case, and whether that is its fault."""

CASES: dict[str, Any] = {
    "kinds": several(choice(*KINDS)),
    "batches": at_least(2),
    "batch_size": at_least(2),
    "trained_steps": COUNT,
    "passes": COUNT,
}
"""What decides the cases but their seeds, and what tools are given, whatever the tool."""

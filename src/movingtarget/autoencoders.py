"""What studies of autoencoders declare alike: settings, columns, and the architectures of their section."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from movingtarget import work
from movingtarget.methods import METHODS
from movingtarget.settings import (
    COUNT,
    COUNTS,
    SEEDS,
    choice,
    mapping,
    of_test_images,
    of_training_images,
    several,
)
from movingtarget.study import Config, Settings, SettingSchema
from movingtarget.tables import MEASURED, Column, Kind, follows
from movingtarget.update_orders import local_counted
from movingtarget.work import NOTHING, Data, Work

SETTINGS: dict[str, SettingSchema] = {
    "seeds": SEEDS,
    "seeds_in_a_job": COUNT,
    "tuning_seeds": SEEDS,
    "trials": {"enum": [2, 4, 8, 16, 32, 64, 128]},
    "search_epochs": COUNT,
    "finalists": COUNT,
    "finalists_in_a_job": COUNT,
    "training_images": of_training_images(2),
    "test_images": of_test_images(1),
    "pooling": COUNT,
    "batch_size": of_training_images(2),
    "horizons": COUNTS,
    "activation": choice("tanh", "relu", "sigmoid"),
    "iterations": COUNT,
    "renewal_steps": COUNT,
    "shown_images": COUNT,
    "architectures": several(
        mapping(
            {
                "name": {"type": "string", "pattern": "^[a-z0-9-]+$", "description": "letters, digits and -"},
                "hidden_widths": {"type": "array", "minItems": 1, "items": COUNT},
                "normalisation": choice("none", "batch-norm"),
                "methods": several(choice(*METHODS)),
            }
        )
    ),
}
"""Of the section that all of them read."""

OF_ALL = ("training_images", "test_images", "pooling", "batch_size", "activation")
"""Settings that every job is given."""

METHOD = tuple(METHODS)
"""The values of a column of methods."""

AUTOENCODER: dict[str, Kind | Column] = {"data": str, "architecture": str, "method": METHOD}
"""Columns that name an arm."""

EPOCHS: dict[str, Kind | Column] = {
    **AUTOENCODER,
    "seed": int,
    "epoch": int,
    "step": follows(int),
    "gradient_evaluations": follows(float),
    "flops": follows(float),
    "train_loss": MEASURED,
    "test_loss": MEASURED,
    "train_squared_error": MEASURED,
}
"""Columns of a training that is looked at after every epoch."""


def architectures_of(config: Config) -> dict[str, Any]:
    """Architectures by name; methods are compared on the first."""
    return {described["name"]: described for described in config["autoencoders"]["architectures"]}


def problems_of_methods(section: str) -> Callable[[Config], Iterator[str]]:
    """What is wrong with a section's methods: the first architecture has to have been searched for each."""

    def problems(config: Config) -> Iterator[str]:
        searched = methods_of(config, first_of(config))
        for method in [method for method in config[section]["methods"] if method not in searched]:
            yield (
                f"{section}.methods has {method}; allowed: those of the first of autoencoders.architectures, "
                f"{', '.join(searched)}"
            )

    return problems


def first_of(config: Config) -> str:
    """The name of the first architecture."""
    return next(iter(architectures_of(config)))


def settings_of(config: Config, architecture: str, *keys: str) -> dict[str, Any]:
    """Those of an architecture and others of the section, as a job's; the data set is named for tables."""
    section, described = config["autoencoders"], architectures_of(config)[architecture]
    return {
        "data": config["dataset"],
        "architecture": architecture,
        "hidden_widths": described["hidden_widths"],
        "normalisation": described["normalisation"],
        **{key: section[key] for key in (*OF_ALL, *keys)},
    }


def methods_of(config: Config, architecture: str) -> list[str]:
    """The methods that train an architecture."""
    methods: list[str] = architectures_of(config)[architecture]["methods"]
    return methods


def groups(numbers: Sequence[int], size: int) -> list[list[int]]:
    """So many at once, for a job each.

    >>> groups([3, 4, 5], size=2)
    [[3, 4], [5]]
    """
    return [list(numbers[first : first + size]) for first in range(0, len(numbers), size)]


def network_counted(settings: Settings, data: Data) -> work.Network:
    """The autoencoder of a job."""
    return work.of_sizes([*pairwise(_widths(settings, data))], work.kind_of(settings["normalisation"]))


def _widths(settings: Settings, data: Data) -> list[int]:
    pixels, hidden = data.pixels // settings["pooling"] ** 2, [*settings["hidden_widths"]]
    return [pixels, *hidden, *reversed(hidden[:-1]), pixels]


def training_counted(settings: Settings, data: Data, members: int, epochs: int, looks: int) -> Work:
    """Epochs by a job's method, and looks at all its images."""
    steps: int = epochs * (settings["training_images"] // settings["batch_size"])
    images = settings["training_images"] + settings["test_images"]
    look = work.forward(network_counted(settings, data), members, images)
    return steps * step_counted(settings, data, members) + 2 * looks * look


def step_counted(settings: Settings, data: Data, members: int) -> Work:
    """A step by a job's method: backpropagation, and what the method does with every layer."""
    network, size, method = network_counted(settings, data), settings["batch_size"], settings["method"]
    pairs = [*pairwise(_widths(settings, data))]
    renewals = 1 / settings.get("renewal_steps", 1)
    backpropagation = work.step(network, members, size)
    if method.startswith("locoprop"):
        iterations: int = settings["iterations"]
        if settings["normalisation"] != "none":  # which leaves a layer's problem no closed form
            return backpropagation + iterations * work.gradients(network, members, size)
        return backpropagation + local_counted(network, members, size, iterations)
    if METHODS[method].rule.startswith("movingtarget.training.optimisers"):
        backpropagation += Work(elements=8 * members * network.parameters, calls=members * 30 * len(pairs))
    return backpropagation + work.total(
        [members * _preconditioned(method, size, renewals, *pair) for pair in pairs]
    )


def _preconditioned(method: str, size: int, renewals: float, inputs: int, outputs: int) -> Work:
    """What a second-order or layer-wise method does with a layer of one member."""
    weights, both = inputs * outputs, inputs + outputs
    cubes, least = inputs**3 + outputs**3, min(inputs, outputs)
    products = {
        "muon": 5 * (2 * weights * least + least**3),
        "shampoo": 2 * weights * both + renewals * work.EIGENVALUES * cubes,
        "soap": 4 * weights * both + renewals * work.EIGENVALUES * cubes,
        "k-fac": size * (inputs**2 + outputs**2) + weights * both + 4 * renewals * cubes,
        "foof": min(size, inputs) * inputs * size + inputs * weights + min(size, inputs) ** 3,
        "proxprop": 6 * size * weights,
    }
    return Work(products[method], 10 * weights, 30) if method in products else NOTHING

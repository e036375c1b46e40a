"""Experiment: what "looks linear" initialisation does to gradients (Balduzzi et al. 2017, section 4)."""

from collections.abc import Callable, Sequence
from itertools import product

import pandas as pd
import torch
from torch import Tensor, nn

from movingtarget import work
from movingtarget.measures.gradient_correlation import gradient_correlation
from movingtarget.measures.input_gradient import input_gradients
from movingtarget.networks.build import Architecture, build_random
from movingtarget.networks.initialise import generator
from movingtarget.settings import COUNT, COUNTS, SEEDS, at_least, choice, several
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED
from movingtarget.work import NOTHING, Data, Work

NETWORKS = ("plain", "crelu", "looks-linear", "linear")


def jobs(config: Config) -> list[Job]:
    """One, of all networks."""
    settings = config["looks_linear"]
    return [Job("", settings, families=tuple(settings["networks"]))]


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """Every network with orthogonal weights, one after the other, its gradients and its Jacobian."""
    width, found = settings["width"], NOTHING
    for family, depth in product(settings["networks"], settings["depths"]):
        network = work.perceptron(family, width, width, depth, width)
        orthogonal = Work(products=4 * (depth + 1) * width**3, elements=50 * (depth + 1) * width**2)
        found += work.drawn(network, 1) + orthogonal
        found += work.input_gradients(network, 1, settings["examples"] + width)
    return len(settings["seeds"]) * found


STUDY = Study(
    rule="measure_looks_linear",
    settings={
        "seeds": SEEDS,
        "width": COUNT,
        "examples": at_least(2),
        "depths": COUNTS,
        "networks": several(choice(*NETWORKS)),
    },
    tables={
        "looks_linear": {
            "network": NETWORKS,
            "depth": int,
            "seed": int,
            "quantity": ("correlation", "gradient_norm", "jacobian_deviation"),
            "value": MEASURED,
        }
    },
    jobs=jobs,
    work=counted,
)


def measure(
    seeds: Sequence[int],
    width: int,
    examples: int,
    depths: Sequence[int],
    networks: Sequence[str],
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Table looks_linear: families with orthogonal weights, as wide as their inputs and outputs."""
    rows = []
    for network in networks:
        for depth in depths:
            say(f"{network}, depth {depth}")
            architecture = Architecture(network, width, width, depth, width, "relu", "orthogonal")
            for seed in seeds:
                made = build_random(architecture, seed)
                drawn = torch.randn(examples, width, generator=generator(seed, "inputs"))
                settings = {"network": network, "depth": depth, "seed": seed}
                rows += [
                    settings | {"quantity": name, "value": v} for name, v in _quantities(made, drawn).items()
                ]
    return {"looks_linear": pd.DataFrame(rows)}


def jacobian_deviation(jacobian: Tensor) -> float:
    r"""How far a square matrix is from orthogonal: $\| J^T J - 1 \|_F / \| 1 \|_F$."""
    identity = torch.eye(jacobian.shape[-1], dtype=jacobian.dtype)
    return float(torch.linalg.matrix_norm(jacobian.mT @ jacobian - identity) / identity.shape[-1] ** 0.5)


def _quantities(network: nn.Module, inputs: Tensor) -> dict[str, float]:
    measured = gradient_correlation(input_gradients(network, {}, inputs))
    return {
        "correlation": measured.correlation.item(),
        "gradient_norm": measured.norm.item(),
        "jacobian_deviation": jacobian_deviation(_jacobian(network, inputs[0])),
    }


def _jacobian(network: nn.Module, example: Tensor) -> Tensor:
    """Derivatives of all outputs (rows) at one input: one copy of it for each output, one pass backward."""
    copies = example.expand(len(example), -1).clone().requires_grad_()
    (jacobian,) = torch.autograd.grad(network(copies).diagonal().sum(), copies)
    return jacobian.double()

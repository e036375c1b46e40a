"""Experiment: near a minimum, the largest stable rates layer by layer and all at once, beside rho."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import log
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from movingtarget import work
from movingtarget.data.catalogue import dataset_named
from movingtarget.data.load import Images
from movingtarget.networks import Architecture, Parameters, build_random, stack, unstack
from movingtarget.networks.chain import Link, chain, propagate
from movingtarget.networks.initialise import Weights, generator
from movingtarget.networks.losses import differentiate
from movingtarget.settings import (
    ACTIVATION,
    COUNT,
    COUNTS,
    FAMILY,
    INITIAL_WEIGHTS,
    POSITIVE,
    SEEDS,
    names_of,
    of_training_images,
    several,
)
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED
from movingtarget.theory.sweep import (
    curvature_ratio,
    positive_part,
    simultaneous_limit,
    sweep_limit,
)
from movingtarget.training.minibatches import batches
from movingtarget.training.simultaneous import descend
from movingtarget.work import Data, Work

QUANTITIES = (
    "loss",
    "gradient_norm",
    "lowest",
    "negative_share",
    "largest",
    "ratio",
    "exact_gain",
    "exact_over_ratio",
    "simultaneous_rate",
    "sweep_rate",
    "gain",
    "gain_over_ratio",
)


def jobs(config: Config) -> list[Job]:
    """One for each family at each depth."""
    settings = dict(config["block_curvature"])
    networks, depths = settings.pop("networks"), settings.pop("depths")
    return [
        Job(f"{network}-{depth}", {"network": network, "depth": depth, **settings}, (network,))
        for network in networks
        for depth in depths
    ]


def problems(config: Config) -> Iterator[str]:
    """Images can be averaged to so many pixels."""
    side, dataset = config["block_curvature"]["pooled_side"], dataset_named(config["dataset"])
    if side > dataset.side:
        yield (
            f"block_curvature.pooled_side is {side}; "
            f"allowed: at most {dataset.side}, the side of an image of {dataset.name}"
        )


EIGENVALUES = 60
"""Products of as large matrices that take as long as all eigenvalues that are asked for."""


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """The training, two Hessians and their eigenvalues, and all rates tried for sweeps over the layers."""
    pixels, seeds, examples = settings["pooled_side"] ** 2, len(settings["seeds"]), settings["examples"]
    network = work.perceptron(
        settings["network"], pixels, settings["hidden_width"], settings["depth"], data.classes
    )
    unknowns = network.parameters
    hessian = 2 * work.gradients(network, unknowns, examples) + Work(products=EIGENVALUES * unknowns**3)
    rates = (RATES + log(COARSE) / log(FINE)) * seeds
    trained = settings["steps"] * work.step(network, seeds, examples)
    moved = work.step(network, rates, examples) + work.sweep(network, rates, examples)
    return work.total([trained, 2 * seeds * hessian, settings["sweeps"] * moved])


STUDY = Study(
    rule="measure_block_curvature",
    settings={
        "seeds": SEEDS,
        "examples": of_training_images(2),
        "pooled_side": COUNT,
        "hidden_width": COUNT,
        "activation": ACTIVATION,
        "initial_weights": INITIAL_WEIGHTS,
        "label_smoothing": {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
        "learning_rate": POSITIVE,
        "steps": COUNT,
        "perturbation": POSITIVE,
        "sweeps": COUNT,
        "depths": COUNTS,
        "networks": several(FAMILY),
    },
    tables={
        "block_curvature": {
            "network": names_of(FAMILY),
            "depth": int,
            "stage": ("initialisation", "minimum"),
            "seed": int,
            "quantity": QUANTITIES,
            "value": MEASURED,
        }
    },
    jobs=jobs,
    images=True,
    problems=problems,
    work=counted,
)

MOMENTUM = 0.9

CURVED = 1e-4
"""Curvatures below this share of the largest count as none, of either sign."""

RISE = 10.0
"""A loss that rises above its minimum so many times as far as the perturbation took it: not stable."""

COARSE, FINE = 1.1, 1.015
"""Factors between the rates tried, first and then between the last stable one and the next."""

LEAST, RATES = 0.25, 26
"""The coarse rates start at so much of the exact limit of the quadratic, and are so many: up to 2.7 of it."""

Matrix = NDArray[np.float64]

Blocks = list[list[Link]]
"""Layers that move together, block by block in turn."""


def measure(
    images: Images,
    network: str,
    depth: int,
    seeds: Sequence[int],
    examples: int,
    pooled_side: int,
    hidden_width: int,
    activation: str,
    initial_weights: Weights,
    label_smoothing: float,
    learning_rate: float,
    steps: int,
    perturbation: float,
    sweeps: int,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    r"""Rows of table block_curvature of one family at one depth.

    Each seed's network is trained by gradient descent with momentum on a full batch of its own, in double
    precision, at a rate that falls to zero. There, and at initialisation, the whole Hessian is taken. There,
    rho and the exact limits of a quadratic follow from its positive part; the gain is measured on the loss
    itself, from a random perturbation of the weights, the gradient at the point reached being taken off, lest
    what is left of it move the point. NaN where the Hessian is not finite or a limit was not found.

    Args:
        images: the training images.
        network: the family.
        depth: hidden layers.
        seeds: of the weights and of the choice of examples.
        examples: of the full batch.
        pooled_side: pixels a side to which images are averaged.
        hidden_width: units of a hidden layer.
        activation: of the families that have none of their own.
        initial_weights: "normal" or "orthogonal".
        label_smoothing: share of a label that is spread over all classes.
        learning_rate: at the first step.
        steps: of the training.
        perturbation: relative to the norm of all weights.
        sweeps: by which instability has to show.
        say: told of progress.

    Raises:
        ValueError: the full batch is larger than the training data, or images are not square.
    """
    if not 1 < examples <= (most := len(images.train_labels)):
        raise ValueError(f"examples is {examples}; allowed: 2 to {most}, the training images")
    architecture = Architecture(
        network, pooled_side**2, hidden_width, depth, images.classes, activation, initial_weights
    )
    networks = [build_random(architecture, seed).double().train() for seed in seeds]
    inputs, labels = _full_batches(images, pooled_side, seeds, examples)
    problem = Problem(chain(networks[0]), inputs, _smoothed(labels, images.classes, label_smoothing))
    first = stack(networks)
    say(f"{network}, depth {depth}: training")
    last = _trained(problem, first, learning_rate, steps)
    rows = []
    for stage, parameters in {"initialisation": first, "minimum": last}.items():
        say(f"{network}, depth {depth}: curvature at {stage}")
        at_minimum = stage == "minimum"
        members = [_member(problem, parameters, place, at_minimum) for place in range(len(seeds))]
        values = {name: [member[name] for member in members] for name in members[0]}
        if at_minimum:
            say(f"{network}, depth {depth}: largest stable rates")
            values |= _measured(problem, parameters, values, perturbation, sweeps)
        rows += [
            {"stage": stage, "seed": seed, "quantity": quantity, "value": value}
            for quantity, of_seeds in values.items()
            for seed, value in zip(seeds, of_seeds, strict=True)
        ]
    return {"block_curvature": pd.DataFrame(rows).assign(network=network, depth=depth)}


class Problem(NamedTuple):
    """What is minimised.

    Attributes:
        links: the layers of every member.
        inputs: `(members, examples, pixels)`.
        targets: `(members, examples, classes)`, probabilities.
    """

    links: list[Link]
    inputs: Tensor
    targets: Tensor

    def losses(self, parameters: Parameters) -> Tensor:
        """Mean cross-entropy of each member, in nats."""
        return self.losses_above(self.links, parameters, self.inputs)

    def losses_above(self, links: Sequence[Link], parameters: Parameters, inputs: Tensor) -> Tensor:
        """The same from the inputs of the first of the layers above."""
        logits = propagate(links, parameters, inputs)
        return -(self.targets * F.log_softmax(logits, -1)).sum(-1).mean(-1)


def _full_batches(images: Images, side: int, seeds: Sequence[int], examples: int) -> tuple[Tensor, Tensor]:
    """Each seed's own examples, averaged to so many pixels a side and standardised anew, and their labels."""
    whole = round(images.features**0.5)
    if whole**2 != images.features or side > whole:
        raise ValueError(
            f"pooled_side is {side}; allowed: at most {whole}, of square images, not {images.features} pixels"
        )
    index = batches(len(images.train_labels), examples, seeds, 0)[0]
    chosen = images.train_inputs[index].double().view(-1, 1, whole, whole)
    pooled = F.adaptive_avg_pool2d(chosen, side).view(len(seeds), examples, side**2)
    centred = pooled - pooled.mean((1, 2), keepdim=True)
    return centred / centred.square().mean((1, 2), keepdim=True).sqrt(), images.train_labels[index]


def _smoothed(labels: Tensor, classes: int, smoothing: float) -> Tensor:
    return (1 - smoothing) * F.one_hot(labels, classes).double() + smoothing / classes


def _trained(problem: Problem, parameters: Parameters, learning_rate: float, steps: int) -> Parameters:
    """Gradient descent with momentum, at a rate that falls to zero in a straight line."""
    reached = {name: value.clone() for name, value in parameters.items()}
    velocity = {name: torch.zeros_like(value) for name, value in parameters.items()}
    for step in range(steps):
        _, slope = differentiate(problem.losses, reached)
        for name, value in reached.items():
            velocity[name] = MOMENTUM * velocity[name] + slope[name]
            value -= learning_rate * (1 - step / steps) * velocity[name]
    return reached


def _member(problem: Problem, parameters: Parameters, place: int, at_minimum: bool) -> dict[str, float]:
    """Loss, gradient and curvature of one member, and at a minimum the limits of the quadratic."""
    alone = Problem(problem.links, *(part[place : place + 1] for part in problem[1:]))
    loss, slope, hessian = _expanded(alone, unstack(parameters, place))
    values = np.linalg.eigvalsh(hessian) if np.isfinite(hessian).all() else np.full(1, np.nan)
    found = {
        "loss": loss,
        "gradient_norm": float(np.linalg.norm(slope)),
        "lowest": values[0] / values[-1],
        "negative_share": float((values < -CURVED * values[-1]).mean()),
        "largest": values[-1],
    }
    return found | _limits(hessian, _sizes(problem.links, parameters)) if at_minimum else found


def _limits(hessian: Matrix, sizes: list[int]) -> dict[str, float]:
    """rho, and the exact gain of sweeps on the quadratic; NaN where nothing curves upwards."""
    if not np.isfinite(hessian).all() or not np.linalg.eigvalsh(hessian)[-1] > 0:
        return dict.fromkeys(("ratio", "exact_gain", "exact_over_ratio"), float("nan"))
    curved = positive_part(hessian)
    ratio = curvature_ratio(curved, sizes)
    exact = sweep_limit(curved, sizes, CURVED, tolerance=1e-4) / simultaneous_limit(curved)
    return {"ratio": ratio, "exact_gain": exact, "exact_over_ratio": exact / ratio}


def _names(links: Sequence[Link]) -> list[str]:
    return [name for link in links for name in link.names.values()]


def _sizes(links: Sequence[Link], parameters: Parameters) -> list[int]:
    """Parameters of each layer of a member."""
    return [sum(parameters[name][0].numel() for name in _names([link])) for link in links]


def _expanded(problem: Problem, parameters: Parameters) -> tuple[float, Matrix, Matrix]:
    """Loss, gradient and Hessian of a problem of one member, coordinates layer by layer."""
    values = {name: parameters[name] for name in _names(problem.links)}
    point = torch.cat([value.flatten() for value in values.values()]).requires_grad_()
    parts = torch.split(point, [value.numel() for value in values.values()])
    given = {
        name: part.view(1, *value.shape) for (name, value), part in zip(values.items(), parts, strict=True)
    }
    loss = problem.losses(given).sum()
    (slope,) = torch.autograd.grad(loss, point, create_graph=True)
    directions = torch.eye(len(point), dtype=point.dtype)
    (hessian,) = torch.autograd.grad(slope, point, directions, is_grads_batched=True)
    matrix = hessian.numpy()
    return loss.item(), slope.detach().numpy(), (matrix + matrix.T) / 2


def _measured(
    problem: Problem,
    parameters: Parameters,
    foretold: dict[str, list[float]],
    perturbation: float,
    sweeps: int,
) -> dict[str, list[float]]:
    """The largest stable rates about the point reached, and what they say of rho."""
    _, residue = differentiate(problem.losses, parameters)
    start = _perturbed(parameters, perturbation)
    largest, ratio, exact = (torch.tensor(foretold[name]) for name in ("largest", "ratio", "exact_gain"))

    def largest_rate(blocks: Blocks, near: Tensor) -> Tensor:
        return _largest_stable_rate(
            lambda rates: _stable(problem, blocks, parameters, start, residue, rates, sweeps), near.double()
        )

    together = largest_rate([problem.links], 2 / largest)
    swept = largest_rate([[link] for link in problem.links], 2 / largest * exact)
    found = {
        "simultaneous_rate": together,
        "sweep_rate": swept,
        "gain": swept / together,
        "gain_over_ratio": swept / together / ratio,
    }
    return {name: values.tolist() for name, values in found.items()}


def _perturbed(parameters: Parameters, size: float) -> Parameters:
    """All weights moved at random, by so much of the norm of all of a member's weights."""
    source = generator(0, "perturbation")
    moved = {
        name: torch.randn(value.shape, generator=source, dtype=value.dtype)
        for name, value in parameters.items()
    }

    def norm(values: Parameters) -> Tensor:
        return torch.stack([value.flatten(1).square().sum(1) for value in values.values()]).sum(0).sqrt()

    scale = size * norm(parameters) / norm(moved)
    return {
        name: value + scale.view(-1, *[1] * (value.dim() - 1)) * moved[name]
        for name, value in parameters.items()
    }


def _largest_stable_rate(stable: Callable[[Tensor], Tensor], near: Tensor) -> Tensor:
    """The largest rate up to which all that are tried are stable, to 1 %.

    Args:
        stable: of rates `(rates, members)`, of the same shape.
        near: about where it lies, `(members,)`.

    Returns:
        `(members,)`; NaN where the lowest rate tried is not stable, or the highest is.
    """
    steps = torch.arange(RATES, dtype=near.dtype)[:, None]
    coarse = LEAST * near * COARSE**steps
    last = _last_stable(coarse, stable(coarse))
    parts = int(np.ceil(np.log(COARSE) / np.log(FINE)))
    fine = last * COARSE ** (torch.arange(parts, dtype=near.dtype)[:, None] / parts)
    found = torch.where(stable(fine).cumprod(0).bool(), fine, 0.0).amax(0)
    return found.where(last.isfinite() & (found > 0), torch.nan)


def _last_stable(rates: Tensor, stable: Tensor) -> Tensor:
    """The last rate before the first that is not stable; NaN where there is no such pair."""
    number = stable.long().cumprod(0).sum(0)
    last = rates.gather(0, (number - 1).clamp(min=0)[None])[0]
    return last.where((number > 0) & (number < len(rates)), torch.nan)


@torch.no_grad()
def _stable(
    problem: Problem,
    blocks: Blocks,
    centre: Parameters,
    start: Parameters,
    residue: Parameters,
    rates: Tensor,
    sweeps: int,
) -> Tensor:
    """Whether sweeps over the blocks at these rates, `(rates, members)`, stay near; of the same shape."""
    count = len(rates)
    repeated = Problem(problem.links, *(part.repeat(count, 1, 1) for part in problem[1:]))
    at, point, slope = (
        {name: value.repeat(count, *[1] * (value.dim() - 1)) for name, value in values.items()}
        for values in (centre, start, residue)
    )
    lowest = repeated.losses(at)

    def excess() -> Tensor:
        tilt = [((point[name] - at[name]) * slope[name]).flatten(1).sum(1) for name in point]
        return repeated.losses(point) - lowest - torch.stack(tilt).sum(0)

    most, stays = RISE * excess().abs(), torch.ones(rates.numel(), dtype=torch.bool)
    for _ in range(sweeps):
        _sweep(repeated, blocks, point, slope, rates.flatten())
        risen = excess()
        stays &= risen.isfinite() & (risen <= most)
    return stays.view(rates.shape)


def _sweep(problem: Problem, blocks: Blocks, point: Parameters, residue: Parameters, rates: Tensor) -> None:
    """Move the blocks in place, one after the other, each along its gradient at that moment."""
    inputs, above = problem.inputs, problem.links
    for block in blocks:
        names = _names(block)
        _, found = differentiate(
            partial(_losses_of, problem, above, point, inputs), {name: point[name] for name in names}
        )
        descend(point, {name: found[name] - residue[name] for name in names}, rates)
        inputs, above = propagate(block, point, inputs), above[len(block) :]


def _losses_of(
    problem: Problem, links: Sequence[Link], point: Parameters, inputs: Tensor, own: Parameters
) -> Tensor:
    return problem.losses_above(links, point | own, inputs)

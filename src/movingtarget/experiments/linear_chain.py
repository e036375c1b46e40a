"""Experiment: what one step keeps of its promise in a chain of linear units, and the largest stable rates."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from movingtarget.networks.initialise import generator
from movingtarget.settings import COUNTS, POSITIVES, SEEDS
from movingtarget.study import Config, Settings, Study, one_job
from movingtarget.tables import MEASURED
from movingtarget.theory import linear_chain as theory
from movingtarget.work import Data, Work


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """The bisections, whose sweeps move one layer after the other, and single steps."""
    seeds = len(settings["seeds"])
    sweeps = Work(elements=10 * seeds, calls=10)
    searched = HALVINGS * SWEEPS * sum(settings["stability_layers"]) * sweeps
    steps = 4 * len(settings["weights"]) * len(settings["sizes"]) * sum(settings["layers"])
    return searched + steps * Work(elements=3 * seeds, calls=3)


STUDY = Study(
    rule="measure_linear_chain",
    settings={
        "seeds": SEEDS,
        "layers": COUNTS,
        "weights": POSITIVES,
        "sizes": POSITIVES,
        "stability_layers": COUNTS,
    },
    tables={
        "linear_chain": {
            "layers": int,
            "weight": float,
            "rule": ("fixed", "normalised"),
            "size": float,
            "seed": int,
            "quantity": ("kept", "predicted"),
            "value": MEASURED,
        },
        "chain_stability": {
            "layers": int,
            "order": ("simultaneous", "forward"),
            "seed": int,
            "value": MEASURED,
        },
    },
    jobs=one_job("linear_chain"),
    work=counted,
)

SPREAD = 0.1
"""How far a weight lies from the chain's, at most, relative to it."""

NEAR, NEAR_TARGET = 0.05, 0.01
"""How far from 1 weights and target lie, at most, where stability is measured."""

SWEEPS = 200
"""None of which may bring an error above its start, if a rate is to be stable."""

HIGHEST, HALVINGS = 4.0, 18
"""The bisection: a rate that is stable for no chain, and how often the interval below it is halved."""


def measure(
    seeds: Sequence[int],
    layers: Sequence[int],
    weights: Sequence[float],
    sizes: Sequence[float],
    stability_layers: Sequence[int],
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Tables linear_chain and chain_stability, in double precision.

    Args:
        seeds: of the weights, drawn uniformly and independently within 10 % of the chain's.
        layers: numbers of layers of the chains that take one step of gradient descent on their output.
        weights: of those chains.
        sizes: of the step: eps by the rule "fixed", delta by the rule "normalised".
        stability_layers: numbers of layers of the chains whose largest stable rate is sought.
        say: takes a line on what is being measured.

    Source: Goodfellow et al. 2016, section 8.7.1.
    """
    steps, rates = [], []
    for count in layers:
        for weight in weights:
            say(f"one step, {count} layers, weight {weight:g}")
            steps += _step_rows(seeds, count, weight, sizes)
    for count in stability_layers:
        say(f"largest stable rate, {count} layers")
        rates += _stability_rows(seeds, count)
    return {"linear_chain": pd.DataFrame(steps), "chain_stability": pd.DataFrame(rates)}


def share_kept(weights: Tensor, rule: str, size: float) -> Tensor:
    """Actual decrease of the output in one step on it, over the decrease promised to first order.

    Args:
        weights: `(chains, layers)`.
        rule: "fixed" or "normalised", as in `movingtarget.theory.linear_chain.step_size`.
        size: eps or delta.

    Returns:
        `(chains,)`.
    """
    weights = weights.detach().requires_grad_()
    before = _output(weights)
    (gradient,) = torch.autograd.grad(before.sum(), weights)
    squares = gradient.square().sum(-1)
    step = size / squares if rule == "normalised" else torch.full_like(squares, size)
    after = _output(weights - step[:, None] * gradient)
    return ((before - after) / (step * squares)).detach()


def near_one(seeds: Sequence[int], layers: int) -> tuple[Tensor, Tensor]:
    """Weights `(seeds, layers)` near 1 whose product is 1, and a target `(seeds,)` near it.

    Weights are drawn within 5 % of 1, then divided by their geometric mean. The target is drawn within 1 %
    of 1; being positive it can be reached, by any one of the weights alone.
    """
    weights = 1 + NEAR * _drawn(seeds, layers, "weights")
    targets = 1 + NEAR_TARGET * _drawn(seeds, 1, "target")[:, 0]
    return weights / weights.log().mean(-1, keepdim=True).exp(), targets


def largest_stable_rate(weights: Tensor, targets: Tensor, order: str) -> Tensor:
    """The largest rate at which no sweep, of 200, brings the error of a chain above its start.

    Found by bisection to 2e-5. That the error must not even grow for a while keeps a chain at the minimum
    that it starts from: forward sweeps that leave it at a rate above 2 may find another, of unequal weights.

    Args:
        weights: `(chains, layers)`, the start.
        targets: `(chains,)`.
        order: "simultaneous", or "forward" with the gradient computed again for each layer.

    Returns:
        `(chains,)`.
    """
    low, high = torch.zeros_like(targets), torch.full_like(targets, HIGHEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        stable = _stable(weights, targets, middle, order)
        low, high = torch.where(stable, middle, low), torch.where(stable, high, middle)
    return low


def sweep(weights: Tensor, targets: Tensor, rates: Tensor, order: str) -> Tensor:
    """The weights after every layer has moved once, at each chain's own rate `(chains,)`."""
    layers = weights.shape[1]
    blocks = [slice(layers)] if order == "simultaneous" else [slice(i, i + 1) for i in range(layers)]
    weights = weights.clone()
    for block in blocks:
        weights[:, block] -= rates[:, None] * loss_gradient(weights, targets)[:, block]
    return weights


def loss_gradient(weights: Tensor, targets: Tensor) -> Tensor:
    r"""Of $(y - t)^2 / 2$ with respect to the weights: `(chains, layers)`, `(chains,)` -> as weights.

    $$ (y - t) \, y / w_i, \quad y = \prod_i w_i $$
    """
    output = weights.prod(-1)
    return ((output - targets) * output)[:, None] / weights


def _step_rows(
    seeds: Sequence[int], layers: int, weight: float, sizes: Sequence[float]
) -> list[dict[str, Any]]:
    drawn = weight * (1 + SPREAD * _drawn(seeds, layers, "weights"))
    rows: list[dict[str, Any]] = []
    for rule in theory.RULES:
        for size in sizes:
            step = theory.step_size(drawn.numpy(), rule, size)
            shares = {
                "kept": share_kept(drawn, rule, size).tolist(),
                "predicted": theory.kept(drawn.numpy(), step).tolist(),
            }
            settings = {"layers": layers, "weight": weight, "rule": rule, "size": size}
            rows += [
                settings | {"seed": seed, "quantity": name, "value": value}
                for name, values in shares.items()
                for seed, value in zip(seeds, values, strict=True)
            ]
    return rows


def _stability_rows(seeds: Sequence[int], layers: int) -> list[dict[str, Any]]:
    weights, targets = near_one(seeds, layers)
    return [
        {"layers": layers, "order": order, "seed": seed, "value": value}
        for order in theory.ORDERS
        for seed, value in zip(seeds, largest_stable_rate(weights, targets, order).tolist(), strict=True)
    ]


def _output(weights: Tensor) -> Tensor:
    """What a chain `(chains, layers)` makes of the input 1, layer by layer."""
    output = torch.ones_like(weights[:, 0])
    for weight in weights.unbind(-1):
        output = output * weight
    return output


def _stable(weights: Tensor, targets: Tensor, rates: Tensor, order: str) -> Tensor:
    """Which chains' errors no sweep brings above their start."""
    start = (weights.prod(-1) - targets).abs()
    bounded = torch.ones_like(start, dtype=torch.bool)
    for _ in range(SWEEPS):
        weights = sweep(weights, targets, rates, order)
        bounded &= (weights.prod(-1) - targets).abs() <= start
    return bounded


def _drawn(seeds: Sequence[int], count: int, purpose: str) -> Tensor:
    """Independent numbers `(seeds, count)`, uniform on -1 .. 1."""
    draws = [torch.rand(count, generator=generator(seed, purpose), dtype=torch.double) for seed in seeds]
    return 2 * torch.stack(draws) - 1

"""What a step of the user's optimiser does to a loss, all at once and layer by layer, and to each target."""

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from movingtarget.measures.layers import Layers
from movingtarget.measures.moving_target import slopes
from movingtarget.measures.objective import Objective, complete, objective
from movingtarget.networks.stack import Parameters
from movingtarget.probing.given import Batch, Loss

MATCHED = 0.01
"""The share of the loss that a step is scaled to promise, so that networks can be compared."""


class Moved(NamedTuple):
    """What a step does on the batch it came from, as shares of what its gradient promises.

    Attributes:
        promise: F / |L|.
        kept: J / F.
        kept_alone: S / F.
        by_block: S_i / F_i, NaN for a block that promises nothing.
        shares: F_i / F.
    """

    promise: float
    kept: float
    kept_alone: float
    by_block: list[float]
    shares: list[float]


class Step(NamedTuple):
    """A step on a batch.

    Attributes:
        before: all parameters by name.
        after: where the optimiser has led.
        gradient: of the batch's loss; zero where it depends on nothing.
        loss: before.
        batch: it came from.
    """

    before: Parameters
    after: Parameters
    gradient: Parameters
    loss: float
    batch: Batch


def made(
    network: nn.Module, after: Parameters, gradient: Mapping[str, Tensor | None], loss: Tensor, batch: Batch
) -> Step:
    """A step from the network's own parameters."""
    before = complete(network, {}, stacked=False)
    known = {name: gradient.get(name) for name in before}
    filled = {
        name: torch.zeros_like(before[name]) if slope is None else slope for name, slope in known.items()
    }
    return Step(before, after, filled, loss.item(), batch)


@torch.no_grad()
def moved(network: nn.Module, loss: Loss, blocks: Layers, taken: Step) -> Moved:
    """What all blocks' steps do at once, and each alone, on the batch that they came from."""
    promises = [promise(own, taken) for own in blocks.values()]
    whole = sum(promises)
    with objective_of(network, loss, blocks, taken) as of:
        alone = [
            taken.loss - losses(_reached(taken, own)).item()
            for own, losses in zip(blocks.values(), of.above(taken.before), strict=True)
        ]
        joint = (
            taken.loss - of.losses(_reached(taken, [name for own in blocks.values() for name in own])).item()
        )
    return Moved(
        ratio(whole, abs(taken.loss)),
        ratio(joint, whole),
        ratio(sum(alone), whole),
        [ratio(single, promised) for single, promised in zip(alone, promises, strict=True)],
        [ratio(promised, whole) for promised in promises],
    )


@torch.no_grad()
def shifts(network: nn.Module, loss: Loss, blocks: Layers, taken: Step) -> list[float]:
    r"""How much of each block's gradient changes once those below have moved, $\|G_i - G'_i\| / \|G_i\|$.

    NaN for the lowest, and where a gradient is zero.

    Source: Santurkar et al. 2018, definition 2.1.
    """
    found, at, owned = [math.nan], dict(taken.before), [*blocks.values()]
    with objective_of(network, loss, blocks, taken) as of:
        above = of.above(taken.after)
        for place, own in enumerate(owned[1:], 1):
            at |= {name: taken.after[name] for name in owned[place - 1]}
            _, changed = slopes(above[place], at, own)
            old = vector(own, taken.gradient)
            found.append(ratio((vector(own, changed) - old).norm().item(), old.norm().item()))
    return found


def matched(blocks: Layers, taken: Step) -> Step | None:
    """The same step, as long as promises `MATCHED` of the loss; None if it promises no fall."""
    promised = sum(promise(own, taken) for own in blocks.values())
    if not promised > 0:
        return None
    scale = MATCHED * abs(taken.loss) / promised
    after = {name: torch.lerp(value, taken.after[name], scale) for name, value in taken.before.items()}
    return taken._replace(after=after)


def promise(own: Sequence[str], taken: Step) -> float:
    r"""What the gradient promises of these parameters' step, $-G \cdot (W^+ - W)$."""
    moved_by = vector(own, taken.before) - vector(own, taken.after)
    return (vector(own, taken.gradient) * moved_by).sum().item()


def update_ratio(own: Sequence[str], taken: Step) -> float:
    """The norm of the step of these parameters, over that of themselves."""
    before = vector(own, taken.before)
    return ratio((vector(own, taken.after) - before).norm().item(), before.norm().item())


def objective_of(
    network: nn.Module, loss: Loss, blocks: Layers, taken: Step
) -> AbstractContextManager[Objective]:
    """The loss of a step's batch in the parameters of the blocks."""
    batch = taken.batch
    return objective(network, taken.before, batch.inputs, batch.targets, loss, False, blocks)


def _reached(taken: Step, own: Sequence[str]) -> Parameters:
    return taken.before | {name: taken.after[name] for name in own}


def vector(own: Sequence[str], values: Parameters) -> Tensor:
    """All parameters of these names in one vector, float64."""
    found = (values[name].detach() for name in own)
    dense = (value.to_dense() if value.is_sparse else value for value in found)
    return torch.cat([value.double().flatten() for value in dense])


def ratio(numerator: float, denominator: float) -> float:
    """The quotient; NaN for a denominator of zero."""
    return numerator / denominator if denominator else math.nan

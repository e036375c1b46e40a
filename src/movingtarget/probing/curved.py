"""How a loss curves: at most, and along a step."""

import torch
from torch import nn

from movingtarget.measures.curvature import largest_curvature
from movingtarget.measures.layers import Layers
from movingtarget.measures.second_order import prices
from movingtarget.networks.initialise import generator
from movingtarget.probing.given import Loss
from movingtarget.probing.moved import Step, objective_of, promise, ratio
from movingtarget.probing.plan import ITERATIONS


def curvature(network: nn.Module, loss: Loss, blocks: Layers, taken: Step) -> float:
    """The largest eigenvalue of the Hessian in the parameters that move, from below."""
    names = [name for own in blocks.values() for name in own]
    with objective_of(network, loss, blocks, taken) as of:
        found = largest_curvature(of.losses, taken.before, names, ITERATIONS, generator(0, "curvature"))
    return found.item()


def step_curvature(network: nn.Module, loss: Loss, blocks: Layers, taken: Step) -> float:
    r"""What curvature costs of a step's promise, to second order, $s^T H s / 2F$: from 1 nothing is left."""
    whole = {"all": [name for own in blocks.values() for name in own]}
    batch = taken.batch
    found = prices(network, taken.before, taken.after, batch.inputs, batch.targets, loss, layers=whole)
    return ratio(torch.as_tensor(found.own.sum() + found.others).item(), promise(whole["all"], taken))

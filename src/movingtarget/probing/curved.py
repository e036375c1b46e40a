"""How a loss curves: at most, and along a step."""

import torch
from torch import nn

from movingtarget.measures.curvature import largest_curvature
from movingtarget.measures.layers import Layers
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
    names = [name for own in blocks.values() for name in own]
    leaves = [taken.before[name].detach().requires_grad_() for name in names]
    steps = [(taken.after[name] - taken.before[name]).detach() for name in names]
    with objective_of(network, loss, blocks, taken) as of, torch.enable_grad():
        value = of.losses({**taken.before, **dict(zip(names, leaves, strict=True))})
        slopes = torch.autograd.grad(value, leaves, create_graph=True, materialize_grads=True)
        # a gradient that is constant has a derivative too
        curved = [slope + 0 * leaf for slope, leaf in zip(slopes, leaves, strict=True)]
        images = torch.autograd.grad(curved, leaves, steps, materialize_grads=True)
    pairs = zip(images, steps, strict=True)
    along = sum((image.double() * step.double()).sum().item() for image, step in pairs)
    return ratio(along / 2, promise(names, taken))

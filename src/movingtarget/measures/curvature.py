"""Largest curvature of a loss, in all parameters together and in each layer's alone."""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import NamedTuple

import torch
from torch import Tensor, nn

from movingtarget.networks.chain import Link, chain, propagate
from movingtarget.networks.initialise import generator as generator_of
from movingtarget.networks.stack import Parameters
from movingtarget.training.simultaneous import member_losses

Loss = Callable[[Parameters], Tensor]
"""Parameters of one member, or of a stack, -> its loss `()`, or losses `(members,)`."""

ROUND_OFF = 1e-8
"""What is left of a vector, as a share of it, where it lay in the span of those before."""


class Curvature(NamedTuple):
    """Largest eigenvalues of a Hessian and of its diagonal blocks; without the members' axis for one member.

    Attributes:
        whole: `(members,)`, of all parameters.
        blocks: `(layers, members)`, of each layer's parameters, bottom first.
        ratio: `(members,)`, whole over the largest of the blocks.
    """

    whole: Tensor
    blocks: Tensor
    ratio: Tensor


def block_curvatures(
    network: nn.Module,
    parameters: Parameters,
    inputs: Tensor,
    labels: Tensor,
    iterations: int,
    block_iterations: int,
    seed: int,
) -> Curvature:
    r"""Largest curvature of the cross-entropy in all parameters, over the largest in one layer's alone.

    $$ \rho = \frac{\lambda_{\max}(H)}{\max_i \lambda_{\max}(H_{ii})} $$

    Near a minimum gradient descent of all layers at once is stable for rates below
    $2 / \lambda_{\max}(H)$, of one layer after the other for rates below
    $2 / \max_i \lambda_{\max}(H_{ii})$: rho bounds what the latter can buy. It is at least 1, and at most
    the number of layers where H is positive semidefinite.

    The network is in training mode, its batch statistics part of the function. A copy is used: its mode
    and the running statistics of torch's batch norms stay as they are.

    Args:
        network: a chain of layers (see `networks.chain`).
        parameters: of one member, or of a stack.
        inputs: `(batch, ...)`, or `(members, batch, features)` for a stack.
        labels: `(batch,)`, or `(members, batch)` for a stack.
        iterations: of Lanczos in all parameters.
        block_iterations: of Lanczos in each layer's.
        seed: of the vectors Lanczos starts from.

    Returns:
        Estimates from below, as `largest_curvature` gives; the ratio, of two of them, is 1 for one layer, and
        NaN where no layer's curvature is positive (undefined).

    Raises:
        ValueError: layers share a parameter or the network is no chain, batch norm has a batch of one
            example, or there is no iteration.
    """
    links = chain(deepcopy(network).train())
    generator = generator_of(seed, "curvature")
    blocks = torch.stack(
        [
            largest_curvature(loss_of, parameters, list(link.names.values()), block_iterations, generator)
            for link, loss_of in zip(links, _losses_from(links, parameters, inputs, labels), strict=True)
        ]
    )
    whole = blocks[0]
    if len(links) > 1:
        names = [name for link in links for name in link.names.values()]
        loss_of = _loss_of(links, inputs, labels)
        whole = largest_curvature(loss_of, parameters, names, iterations, generator)
    largest = blocks.amax(0)
    return Curvature(whole, blocks, torch.where(largest > 0, whole / largest, torch.nan))


def largest_curvature(
    loss_of: Loss, parameters: Parameters, names: Sequence[str], iterations: int, generator: torch.Generator
) -> Tensor:
    """Largest (algebraic) eigenvalue of the Hessian of each member's loss in the parameters named.

    By Lanczos, with full reorthogonalisation, on products of the Hessian with one vector of each member;
    the graph of the gradient is built once, so whatever `loss_of` draws is drawn once.

    Args:
        loss_of: no member's loss depends on another's parameters.
        parameters: of one member, or of a stack.
        names: of the parameters that vary; the others are constants.
        iterations: products taken; no more than there are dimensions.
        generator: of the vector to start from, one for all members.

    Returns:
        `()`, or `(members,)`, float64: approached from below. NaN where a gradient is not finite.

    Raises:
        ValueError: iterations are below 1.

    Source: Golub & Van Loan 2013, section 10.3; Pearlmutter 1994 (products).
    """
    if iterations < 1:
        raise ValueError(f"iterations of Lanczos are {iterations}; allowed: at least 1")
    leaves = {name: parameters[name].detach().requires_grad_() for name in names}
    variables = list(leaves.values())
    with torch.enable_grad():
        losses = loss_of({name: value.detach() for name, value in parameters.items()} | leaves)
        # members share no parameter, so the gradient of the sum holds each one's own
        gradients = torch.autograd.grad(losses.sum(), variables, create_graph=True, materialize_grads=True)
        # one that is constant gets a derivative too: zero
        gradients = tuple(g if g.requires_grad else g + 0 * v for g, v in zip(gradients, variables, strict=True))
    members = losses.numel()
    sizes = [variable.numel() // members for variable in variables]

    def product(vectors: Tensor) -> Tensor:
        pieces = zip(vectors.split(sizes, 1), variables, strict=True)
        along = [piece.to(variable.dtype).view_as(variable) for piece, variable in pieces]
        images = torch.autograd.grad(gradients, variables, along, retain_graph=True, materialize_grads=True)
        return torch.cat([image.reshape(members, -1) for image in images], 1).double()

    start = torch.randn(sum(sizes), generator=generator, dtype=torch.double)
    return _largest_eigenvalues(product, start.expand(members, -1), iterations).view(losses.shape)

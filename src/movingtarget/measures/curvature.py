"""Largest curvature of a loss, in all parameters together and in each layer's alone."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import NamedTuple

import torch
from torch import Tensor, nn

from movingtarget.networks.chain import Link, chain, propagate
from movingtarget.networks.initialise import generator as generator_of
from movingtarget.networks.losses import member_losses
from movingtarget.networks.stack import Parameters

Loss = Callable[[Parameters], Tensor]
"""Parameters of one member, or of a stack, -> its loss `()`, or losses `(members,)`."""

ROUND_OFF = 1e-8
"""Length left over of a vector, once what lies along others is taken away, that is none (float64)."""


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
    $2 / \lambda_{\max}(H)$, of one layer after the other certainly for rates below
    $2 / \max_i \lambda_{\max}(H_{ii})$, and often beyond: rho is the least that the latter gains
    (`theory.sweep`). It is at least 1, and at most the number of layers where H is positive semidefinite.
    Far from a minimum, as at initialisation, H is not, and rho says nothing of rates.

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
        Estimates from below, float64. The ratio is 1 for one layer, and NaN where no layer's curvature is
        positive (undefined) or the Hessian is not finite.

    Raises:
        ValueError: layers share a parameter or the network is no chain, batch norm has a batch of one
            example, or iterations are below 1.

    Where all weights of the upper layer are zero, the loss is flat in the lower one alone, yet not in both:

    >>> network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 2, bias=False))
    >>> parameters = {"0.weight": torch.ones(1, 1), "1.weight": torch.zeros(2, 1)}
    >>> found = block_curvatures(network, parameters, torch.ones(1, 1), torch.tensor([0]), 3, 2, seed=0)
    >>> [round(value, 6) for value in found.blocks.tolist()], round(found.whole.item(), 6)
    ([0.0, 0.5], 1.0)
    >>> round(found.ratio.item(), 6)
    2.0
    """
    links, generator = chain(deepcopy(network).train()), generator_of(seed, "curvature")
    blocks, below = [], inputs
    for place, link in enumerate(links):
        loss_of = _loss_of(links[place:], below, labels)
        names = list(link.names.values())
        blocks.append(largest_curvature(loss_of, parameters, names, block_iterations, generator))
        with torch.no_grad():
            below = propagate([link], parameters, below.clone())
    whole = blocks[0]
    if len(links) > 1:
        names = [name for link in links for name in link.names.values()]
        loss_of = _loss_of(links, inputs, labels)
        whole = largest_curvature(loss_of, parameters, names, iterations, generator)
    largest = torch.stack(blocks).amax(0)
    # no block's eigenvalue exceeds the whole's, and of two estimates from below the larger is the nearer
    whole = torch.maximum(whole, largest)
    return Curvature(whole, torch.stack(blocks), torch.where(largest > 0, whole / largest, torch.nan))


def largest_curvature(
    loss_of: Loss, parameters: Parameters, names: Sequence[str], iterations: int, generator: torch.Generator
) -> Tensor:
    """Largest (algebraic) eigenvalue of the Hessian of each member's loss in the parameters named.

    By Lanczos with full reorthogonalisation, all members at once, on products of the Hessian with vectors.
    The graph of the gradient is built once.

    Args:
        loss_of: a member's loss depends on no other member's parameters.
        parameters: of one member, or of a stack.
        names: of the parameters that vary; the others are constants.
        iterations: products taken, but no more than there are dimensions.
        generator: of the vector to start from, one for all members.

    Returns:
        `()`, or `(members,)`, float64: approached from below; NaN where the Hessian is not finite.

    Raises:
        ValueError: iterations are below 1.

    Source: Golub & Van Loan 2013, section 10.3; Pearlmutter 1994 (products).

    >>> def loss_of(parameters):
    ...     return (torch.tensor([1.0, 3.0]) * parameters["w"].square()).sum() / 2
    >>> start = torch.Generator().manual_seed(0)
    >>> round(largest_curvature(loss_of, {"w": torch.ones(2)}, ["w"], 2, start).item(), 6)
    3.0
    """
    if iterations < 1:
        raise ValueError(f"iterations of Lanczos are {iterations}; allowed: at least 1")
    constants = {name: value.detach() for name, value in parameters.items()}
    variables = [constants[name].detach().requires_grad_() for name in names]
    with torch.enable_grad():
        losses = loss_of(constants | dict(zip(names, variables, strict=True)))
        # members share no parameter, so the gradient of the sum holds each one's own
        gradients = torch.autograd.grad(losses.sum(), variables, create_graph=True, materialize_grads=True)
    product = _hessian_product(variables, gradients, losses.numel())
    dimension = sum(value.numel() for value in variables) // losses.numel()
    start = torch.randn(dimension, generator=generator, dtype=torch.double)
    return _largest_eigenvalues(product, start.expand(losses.numel(), -1), iterations).view(losses.shape)


def _loss_of(links: Sequence[Link], inputs: Tensor, labels: Tensor) -> Loss:
    # a copy of the inputs, for a layer may begin with an operation in place
    return lambda parameters: member_losses(propagate(links, parameters, inputs.clone()), labels)


def _hessian_product(
    variables: Sequence[Tensor], gradients: Sequence[Tensor], members: int
) -> Callable[[Tensor], Tensor]:
    """The map of vectors `(members, dimension)` to their products with each member's Hessian."""
    sizes = [value.numel() // members for value in variables]
    # a gradient that is constant has a derivative too
    curved = [
        gradient if gradient.requires_grad else 0 * value
        for gradient, value in zip(gradients, variables, strict=True)
    ]

    def product(vectors: Tensor) -> Tensor:
        pieces = zip(torch.split(vectors, sizes, 1), variables, strict=True)
        directions = [piece.to(value.dtype).reshape(value.shape) for piece, value in pieces]
        images = torch.autograd.grad(curved, variables, directions, retain_graph=True, materialize_grads=True)
        return torch.cat([image.reshape(members, -1) for image in images], 1).double()

    return product


def _largest_eigenvalues(product: Callable[[Tensor], Tensor], start: Tensor, iterations: int) -> Tensor:
    """Lanczos from `start`, `(members, dimension)`: the largest Ritz values, `(members,)`."""
    members, dimension = start.shape
    steps = min(iterations, dimension)
    basis = start.new_zeros(members, steps, dimension)
    projected = start.new_zeros(members, steps, steps)
    vector = start / start.norm(dim=1, keepdim=True)
    grows = torch.ones(members, dtype=torch.bool)
    for step in range(steps):
        basis[:, step] = vector
        spanned, image = basis[:, : step + 1], product(vector)
        along, rest = _split(image, spanned)
        projected[:, step, : step + 1] = along
        # a subspace that no longer grows is invariant: zero vectors follow, at a value it has in its range
        projected[:, step, step] = torch.where(grows, along[:, step], projected[:, 0, 0])
        # once more: the first time leaves round-off of the image's size
        rest = _split(rest, spanned)[1]
        length = rest.norm(dim=1)
        grows = length > ROUND_OFF * image.norm(dim=1)
        vector = torch.where(grows[:, None], rest / length[:, None], 0.0)
    finite = projected.isfinite().all(-1).all(-1)
    # reads the lower triangle only
    values: Tensor = torch.linalg.eigvalsh(projected.where(finite[:, None, None], 0.0))
    return values[:, -1].where(finite, torch.nan)


def _split(vectors: Tensor, basis: Tensor) -> tuple[Tensor, Tensor]:
    """Coordinates `(members, size)` of vectors in orthonormal bases, and what lies in none of them."""
    along = torch.bmm(basis, vectors[..., None])
    return along[..., 0], torch.baddbmm(vectors[:, None], along.mT, basis, alpha=-1)[:, 0]

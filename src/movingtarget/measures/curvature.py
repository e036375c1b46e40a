"""Largest curvature of a loss, in all parameters together and in each layer's alone."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from movingtarget.measures.layers import Layers
from movingtarget.measures.objective import Loss, Losses, complete, objective
from movingtarget.networks.initialise import generator as generator_of
from movingtarget.networks.stack import Parameters

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
    inputs: Any,
    labels: Any,
    iterations: int,
    block_iterations: int,
    seed: int,
    loss: Loss | None = None,
    *,
    stacked: bool = False,
    layers: Layers | Sequence[str] | None = None,
) -> Curvature:
    r"""Largest curvature of a loss in all parameters, over the largest in one layer's alone.

    $$ \rho = \frac{\lambda_{\max}(H)}{\max_i \lambda_{\max}(H_{ii})} $$

    Near a minimum gradient descent of all layers at once is stable for rates below
    $2 / \lambda_{\max}(H)$, of one layer after the other certainly for rates below
    $2 / \max_i \lambda_{\max}(H_{ii})$, and often beyond: rho is the least that the latter gains
    (`theory.sweep`). It is at least 1, and at most the number of layers where H is positive semidefinite.
    Far from a minimum, as at initialisation, H is not, and rho says nothing of rates.

    The network is in its own mode: in training mode the statistics of a batch are part of the function, and
    random parts, such as dropout, draw the same numbers in every evaluation.

    Args:
        network: any module; it is left as it is.
        parameters: by name; those not given are the network's own.
        inputs: as for `moving_target.drops`, as are those named so that follow.
        labels: what `loss` takes.
        iterations: of Lanczos in all parameters.
        block_iterations: of Lanczos in each layer's.
        seed: of the vectors Lanczos starts from.
        loss: the mean cross-entropy in nats unless given.
        stacked: whether parameters are those of a stack.
        layers: the blocks.

    Returns:
        Estimates from below, float64. The ratio is 1 for one layer, and NaN where no layer's curvature is
        positive (undefined) or the Hessian is not finite.

    Raises:
        ValueError: as `drops`; batch norm has a batch of one example, or iterations are below 1.

    Where all weights of the upper layer are zero, the loss is flat in the lower one alone, yet not in both:

    >>> network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 2, bias=False))
    >>> parameters = {"0.weight": torch.ones(1, 1), "1.weight": torch.zeros(2, 1)}
    >>> found = block_curvatures(network, parameters, torch.ones(1, 1), torch.tensor([0]), 3, 2, seed=0)
    >>> [round(value, 6) for value in found.blocks.tolist()], round(found.whole.item(), 6)
    ([0.0, 0.5], 1.0)
    >>> round(found.ratio.item(), 6)
    2.0
    """
    parameters, generator = complete(network, parameters, stacked), generator_of(seed, "curvature")
    with objective(network, parameters, inputs, labels, loss, stacked, layers) as of:
        blocks = [
            largest_curvature(losses, parameters, own, block_iterations, generator)
            for own, losses in zip(of.layers.values(), of.above(parameters), strict=True)
        ]
        whole = blocks[0]
        if len(blocks) > 1:
            names = [name for own in of.layers.values() for name in own]
            whole = largest_curvature(of.losses, parameters, names, iterations, generator)
    largest = torch.stack(blocks).amax(0)
    # no block's eigenvalue exceeds the whole's, and of two estimates from below the larger is the nearer
    whole = torch.maximum(whole, largest)
    return Curvature(whole, torch.stack(blocks), torch.where(largest > 0, whole / largest, torch.nan))


def largest_curvature(
    loss_of: Losses, parameters: Parameters, names: Sequence[str], iterations: int, generator: torch.Generator
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
        if not losses.requires_grad:  # it depends on none of them
            return losses.new_zeros(losses.shape, dtype=torch.double)
        # members share no parameter, so the gradient of the sum holds each one's own
        gradients = torch.autograd.grad(losses.sum(), variables, create_graph=True, materialize_grads=True)
    product = _hessian_product(variables, gradients, losses.numel())
    dimension = sum(value.numel() for value in variables) // losses.numel()
    start = torch.randn(dimension, generator=generator, dtype=torch.double).to(losses.device)
    return _largest_eigenvalues(product, start.expand(losses.numel(), -1), iterations).view(losses.shape)


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
    grows = torch.ones(members, dtype=torch.bool, device=start.device)
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
